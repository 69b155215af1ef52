"""What a training run and a t-SNE have in common: they go chunk by chunk, and can be paused, parked and stopped."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from enum import Enum

from vae.engine.workers import Workers
from vae.errors import VaeError


class Status(Enum):
    """What a job is doing. QUEUED: started or resumed, no chunk back yet."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def active(self) -> bool:
        return self in (Status.QUEUED, Status.RUNNING)

    @property
    def ended(self) -> bool:
        return self in (Status.DONE, Status.STOPPED, Status.FAILED)


class Job(ABC):
    """Every method may be called from any thread; those that act return at once. A new job is paused.

    A kind of job says how chunks come under way (_fill) and how those that are not accepted yet are let go (_drop_chunks);
    both are called with the lock held. Chunks come back on the workers' thread.
    """

    on_cards = False  # whether a worker with a card computes its chunks there

    def __init__(
        self,
        workers: Workers,
        owner: str,
        job_id: str,
        lock: threading.RLock | None = None,
        news: threading.Condition | None = None,
    ):
        self.owner, self.id = owner, job_id
        self._workers = workers
        self.lock = lock or threading.RLock()
        self._news = news or threading.Condition(self.lock)
        self._status, self._message, self._parked = Status.PAUSED, "", False
        self._untouched = True

    @property
    def status(self) -> Status:
        return self._status

    @property
    def is_untouched(self) -> bool:
        """Whether it has never been started, so that nothing is lost with it."""
        return self._untouched

    @abstractmethod
    def _fill(self) -> None:
        """Bring chunks under way, or ask for turns to do so."""

    @abstractmethod
    def _drop_chunks(self) -> None:
        """Let go of the chunks that are under way."""

    def start(self) -> None:
        """Start, or go on after a pause; without effect on a job that is under way or has ended."""
        with self.lock:
            if self._status is Status.PAUSED:
                self._status, self._message, self._parked, self._untouched = Status.QUEUED, "", False, False
                self._fill()

    def pause(self) -> None:
        with self.lock:
            if self._status.active:
                self._drop_chunks()
                self._status = Status.PAUSED

    def stop(self, keep: bool = True) -> None:
        """End the job; what it has reached so far stays, unless nobody will ask for it."""
        with self.lock:
            if not self._status.ended:
                self._drop_chunks()
                self._status, self._message, self._parked = Status.STOPPED, "", False

    def park(self) -> None:
        """Pause for the owner's absence; unpark() goes on."""
        with self.lock:
            if self._status.active:
                self.pause()
                self._parked = True

    def unpark(self) -> None:
        with self.lock:
            if self._parked:
                self.start()
                self._message = "It was parked while you were away, and goes on."

    @abstractmethod
    def recover(self) -> None:
        """The workers and everything on them have gone; others are there now. Without effect on a job that has nothing
        there."""

    def wait_for_news(self, seconds: float) -> None:
        """Block until a chunk is accepted or the job fails, at most so long. The only method that waits."""
        with self._news:
            self._news.wait(seconds)

    def _fail(self, reason: BaseException) -> None:
        self._drop_chunks()
        self._status, self._message = Status.FAILED, sentence_of(reason)
        self._news.notify_all()


def sentence_of(reason: BaseException) -> str:
    """Why a job failed, in a line. An allocation that failed took nothing else along: see tasks.limit_memory."""
    if isinstance(reason, MemoryError) or (isinstance(reason, RuntimeError) and "allocate memory" in str(reason)):
        return "This training needs more memory than a worker has: a smaller batch or narrower layers need less."
    text = str(reason) if isinstance(reason, VaeError) else f"A worker failed: {type(reason).__name__}: {reason}"
    return text.strip().splitlines()[0][:500]
