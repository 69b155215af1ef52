"""The way to the workers: one client, chunks in turn, and results without anybody waiting for them.

Whatever comes back is handled by one thread of this process's own, in the order in which it came; nothing on it ever
waits for a worker, so a worker that hangs holds up what lies on it and nothing else. Progress comes as an event of the
scheduler's, with no question asked; states stay where they are.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import queue
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from functools import partial
from typing import Any, Protocol, TypeVar

from distributed import Client, Future, Scheduler
from distributed.security import Security

from vae.data import DATASETS, ImageDataset, brought, load_dataset
from vae.engine import tasks
from vae.engine.local import LocalProcess
from vae.engine.turns import Claimant, Turns
from vae.errors import VaeError
from vae.events import event
from vae.training import device

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 20
OPERATIONS_PER_SECOND = 2.5e10  # multiply-adds of a worker, before a job has measured its own pace
LOOK_EVERY = 1.0  # seconds between two looks at who works
SILENT_AFTER = 4.0  # seconds by which a worker's sign of life may be older than the newest one

T = TypeVar("T")
Found = list[Any] | BaseException  # results, or the exception in their place
Then = Callable[[Found], None]


class ChunkOwner(Claimant, Protocol):
    def take_turn(self, worker: str) -> tuple[str, float] | None:
        """Submit a chunk to that worker: its key and the seconds it should take; None if there is none to submit."""

    def arrived(self, key: str, value: Any, seconds: float) -> None: ...

    def failed(self, key: str, reason: BaseException) -> None: ...


class Workers:
    """A client of a cluster, local or elsewhere, and the queue for it. VaeError where nothing answers."""

    def __init__(self, scheduler: str | None, count: int, security: Security | None = None):
        self.scheduler, self._count, self._security = scheduler, count, security
        self.topic = f"vae-{uuid.uuid4().hex}"
        self._turns = Turns()
        self._waiting: dict[ChunkOwner, None] = {}
        self._chunks: dict[str, ChunkOwner] = {}
        self._inbox: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._settled = time.monotonic()  # when a chunk came back last
        self.tasks = 0  # that the scheduler remembers
        self.local: LocalProcess | None = None
        self.connect()
        threading.Thread(target=self._serve, name="vae-turns", daemon=True).start()

    # ---- the cluster ----

    def connect(self) -> None:
        """Start the local cluster, or find the one elsewhere, and listen to it."""
        if self.scheduler is None:
            device.wanted()  # said here, before workers that would not start
            self.local = LocalProcess(self._count)
            address, self._security = self.local.address, self.local.security
        else:
            address = self.scheduler
        try:
            self.client = Client(address, security=self._security, set_as_default=False, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TypeError):  # of whatever kind, its text has no use for a reader
            raise VaeError(
                f"No Dask scheduler answers at {address}: start one there, or leave VAE_SCHEDULER empty."
            ) from None
        if self.scheduler is not None:
            self._check_versions(address)
            self.client.register_plugin(tasks.DataSets(_to_carry()))
        for data in brought():
            self.client.register_plugin(tasks.OwnImages(data))
        self._giving = asyncio.Lock()  # or a worker might hear of taking back and giving anew in the other order
        self.client.subscribe_topic(self.topic, self._on_event)
        found = self.client.scheduler_info(n_workers=-1)["workers"]
        self._turns.workers, self._turns.cards = _alive(found), _with_cards(found)

    def _check_versions(self, address: str) -> None:
        """VaeError where workers elsewhere would compute something else than this process."""
        own = tasks.versions()
        for worker, theirs in self.client.run(tasks.versions, on_error="return").items():
            if not isinstance(theirs, dict):
                _close_quietly(self.client)
                raise VaeError(f"The worker {worker} cannot run this project: install it there, as here ({address}).")
            if other := [f"{name} {theirs[name]} instead of {own[name]}" for name in own if theirs[name] != own[name]]:
                _close_quietly(self.client)
                raise VaeError(
                    f"The worker {worker} has {', '.join(other)}: install the same there as here ({address})."
                )

    def bring(self, data: ImageDataset) -> None:
        """Give these pictures to all workers, also to those that come later. VaeError where they do not answer."""

        async def give() -> None:
            async with self._giving:
                await self.client.register_plugin(tasks.OwnImages(data))

        try:
            self.client.sync(give)
        except Exception as reason:  # whatever ails the scheduler or one of the workers: the engine looks after that
            logger.warning("giving pictures to the workers: %s", reason)
            raise VaeError("The workers do not answer at the moment: try again in a minute.") from None

    def take_back(self, dataset: str) -> None:
        """Have all workers forget pictures of that name; nobody waits for it."""

        async def forget() -> None:
            try:
                async with self._giving:
                    await self.client.unregister_worker_plugin(tasks.plugin_name(dataset))
            except Exception as reason:  # gone with its scheduler, or with its worker
                logger.info("taking pictures back from the workers: %s", reason)

        self._on_loop(forget)

    @property
    def answers(self) -> bool:
        return self.client.status == "running" and not (self.local and self.local.ended)

    def reconnect(self) -> None:
        """After the scheduler has gone: a new one, with nothing on it."""
        old, self._chunks = self.client, {}
        self._turns.forget_all()
        if self.local is not None:
            self.local.close(seconds=1)
        self.connect()
        threading.Thread(target=_close_quietly, args=(old,), daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        _close_quietly(self.client)
        if self.local is not None:
            self.local.close()

    @property
    def threads(self) -> int:
        """How many chunks are worked on at once."""
        return max(1, sum(self._turns.workers.values()))

    @property
    def cores(self) -> int:
        """Threads of the workers that compute on their processor."""
        return max(1, sum(self._turns.without_card().values()))

    @property
    def has_card(self) -> bool:
        return bool(self._turns.cards & self._turns.workers.keys())

    @property
    def workers(self) -> dict[str, int]:
        """address -> threads, of the workers that answer."""
        return dict(self._turns.workers)

    # ---- chunks, in turn ----

    def ask(self, job: ChunkOwner) -> None:
        """From now on this job may take turns, whenever it wants one."""
        self._inbox.put(lambda: self._waiting.setdefault(job))

    def forget(self, job: Any) -> None:
        """It takes no more turns, if it has asked for any."""
        self._inbox.put(lambda: self._waiting.pop(job, None))

    def let_go(self, keys: Sequence[str]) -> None:
        """These chunks are not waited for any more."""
        for key in keys:
            self._inbox.put(partial(self._settle, key))

    @property
    def sharing(self) -> int:
        """How many owners have work under way or wait for their turn."""
        waiting = {job.owner for job in list(self._waiting) if job.wants_turn()}
        return len(waiting | self._turns.owners_under_way())

    @property
    def queue_length(self) -> int:
        return sum(job.wants_turn() for job in list(self._waiting))

    @property
    def silent_seconds(self) -> float:
        """How long chunks have been under way without one of them coming back; 0 where none is."""
        return time.monotonic() - self._settled if self._chunks else 0.0

    def memory(self) -> dict[str, int]:
        """Bytes that each worker said last it uses, by address."""
        found = self.client.scheduler_info(n_workers=-1)["workers"]
        return {address: worker["metrics"].get("memory", 0) for address, worker in found.items()}

    @property
    def running(self) -> int:
        """Jobs that have chunks at a worker or want some."""
        return sum(job.in_flight > 0 or job.wants_turn() for job in list(self._waiting))

    def submit_chunk(self, function: Callable[..., T], *arguments: Any, key: str, worker: str) -> Future[T]:
        """A task at that worker, if it is there. What it publishes under its key comes to the job's arrived()."""
        future = self.client.submit(
            function, *arguments, self.topic, key, key=key, pure=False, workers=[worker], allow_other_workers=True
        )
        future.add_done_callback(lambda done: self._inbox.put(lambda: self._look_at(key, done)))
        return future

    def _look_at(self, key: str, future: Future[Any]) -> None:
        """A task has ended: its progress is here already, or it has none to tell."""
        job = self._chunks.get(key)
        if job is not None and future.status == "error":
            self._settle(key)
            job.failed(key, future.exception(timeout=1))

    def _on_event(self, event: tuple[float, Any]) -> None:
        _, (key, seconds, payload) = event
        self._inbox.put(lambda: self._arrived(key, seconds, payload))

    def _arrived(self, key: str, seconds: float, payload: bytes) -> None:
        job = self._chunks.get(key)
        if job is not None:  # else let go in the meantime, or computed twice
            self._settle(key, seconds)
            job.arrived(key, pickle.loads(payload), seconds)

    def _settle(self, key: str, seconds: float | None = None) -> None:
        self._chunks.pop(key, None)
        self._turns.take_back(key, seconds)
        if seconds is not None:
            self._settled = time.monotonic()

    # ---- single results ----

    def submit(self, function: Callable[..., T], *arguments: Any, priority: int = 0) -> Future[T]:
        """A task anywhere, rather not where a card is busy. A priority below 0 would never have its turn, as there is always a
        chunk waiting at a worker."""
        place = {"workers": [*self._turns.without_card()], "allow_other_workers": True} if self.has_card else {}
        return self.client.submit(function, *arguments, pure=False, priority=priority, **place)

    def fetch(self, futures: Sequence[Future[Any]], then: Then) -> None:
        """Call `then` with the results, or with the exception, once they are here; nobody waits for it."""

        async def bring() -> None:
            try:
                found = await self.client.gather(list(futures), asynchronous=True)
            except (Exception, CancelledError, asyncio.CancelledError) as reason:
                found = reason
            self._inbox.put(lambda: then(found))

        self._on_loop(bring)

    def apart(self, then: Then, function: Callable[..., Any], *arguments: Any, worker: str | None = None) -> None:
        """Fetch what takes seconds: from that worker or the one with most room, and chunks rather go to others meanwhile."""
        key = f"{function.__name__}-{uuid.uuid4().hex}"
        worker = self._turns.hold(key, worker)
        place = {"workers": [worker], "allow_other_workers": True} if worker else {}
        future = self.client.submit(function, *arguments, key=key, pure=False, **place)

        def settled(found: Found) -> None:
            self._turns.release(key)
            then(found)

        self.fetch([future], settled)

    def _on_loop(self, act: Callable[[], Awaitable[None]]) -> None:
        assert self.client.loop is not None
        self.client.loop.add_callback(act)

    # ---- the thread ----

    def post(self, act: Callable[[], None]) -> None:
        """Have the thread do this."""
        self._inbox.put(act)

    def _serve(self) -> None:
        looked = time.monotonic()
        while not self._closed.is_set():
            try:
                act = self._inbox.get(timeout=LOOK_EVERY)
            except queue.Empty:
                act = None
            try:
                if act is not None:
                    act()
                if time.monotonic() - looked > LOOK_EVERY:
                    looked = time.monotonic()
                    self._look_later()
                self._deal()
            except Exception:  # one job's trouble is not to stop all others
                if not self._closed.is_set():
                    logger.exception("A job's turn went wrong; the others go on.")

    def _look_later(self) -> None:
        async def look() -> None:
            try:
                assert self.client.scheduler is not None
                found = (await self.client.scheduler.identity(n_workers=-1))["workers"]
                if set(found) - set(self._turns.workers):
                    await self.client.run_on_scheduler(_free_stuck)
                self.tasks = await self.client.run_on_scheduler(_count_tasks)
            except Exception:  # the scheduler does not answer: the engine looks after that
                return
            self._inbox.put(lambda: self._take_workers(_alive(found), _with_cards(found)))

        self._on_loop(look)

    def _take_workers(self, found: dict[str, int], cards: frozenset[str]) -> None:
        if found.keys() != self._turns.workers.keys():
            event("workers.changed", workers=len(found))
        self._turns.workers, self._turns.cards = found, cards

    def _deal(self) -> None:
        """Hand out turns as long as there is a worker with a place for one."""
        passed: set[ChunkOwner] = set()
        while (found := self._turns.next(job for job in self._waiting if job not in passed)) is not None:
            job, worker = found
            try:
                taken = job.take_turn(worker)
            except Exception as reason:  # a submission that fails, as while the scheduler is going
                job.failed("", reason)
                taken = None
            if taken is None:
                passed.add(job)
                continue
            key, seconds = taken
            if not self._chunks:
                self._settled = time.monotonic()  # silence begins with the first chunk that is waited for
            self._chunks[key] = job
            self._turns.give(key, job, worker, seconds)


def _alive(found: Mapping[str, Any]) -> dict[str, int]:
    """Threads of each worker that has given a sign of life lately, by the scheduler's clock alone."""
    newest = max((worker["last_seen"] for worker in found.values()), default=0.0)
    return {
        address: worker["nthreads"]
        for address, worker in found.items()
        if worker["status"] == "running" and newest - worker["last_seen"] < SILENT_AFTER
    }


def _with_cards(found: Mapping[str, Any]) -> frozenset[str]:
    """Those that were started with `--resources GPU=1`."""
    return frozenset(address for address, worker in found.items() if worker.get("resources", {}).get("GPU"))


def _to_carry() -> dict[str, ImageDataset]:
    """The data sets that lie here in files."""
    return {name: load_dataset(name) for name, source in DATASETS.items() if source.megabytes and source.is_present()}


def _count_tasks(dask_scheduler: Scheduler) -> int:
    return len(dask_scheduler.tasks)


def _free_stuck(dask_scheduler: Scheduler) -> None:
    """Where all workers were gone at once, Dask leaves a task waiting for the one that it would have liked best."""
    stuck = [task for task in dask_scheduler.unrunnable if task.loose_restrictions]
    for task in stuck:
        task.worker_restrictions = set()
    dask_scheduler.transitions({task.key: "processing" for task in stuck}, "vae-free-stuck")


def _close_quietly(client: Client) -> None:
    try:
        client.close(timeout=2)
    except Exception as reason:  # it is being left behind either way
        logger.debug("closing a client: %s", reason)
