"""A training run on the cluster: short chunks, each a task that depends on the state of the one before.

Two chunks are under way at a time, so that a worker never waits for the next one. Pausing and stopping cut what is
not accepted yet: they take effect at once, and as chunks are replayable nothing is lost by it. Every ten seconds the
state is brought home and becomes the root of what follows: a dead worker costs seconds, and the tasks that the
scheduler must remember stay few.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from distributed import Client, Future

from vae.config import TrainConfig, operations_of_step
from vae.data import find_source
from vae.engine import tasks
from vae.engine.job import Job, Status
from vae.engine.pace import Pace
from vae.errors import SettingError
from vae.evaluation import Evaluation, merge, pieces, sigma_of
from vae.training import CORRECT, Observation, Pictures, Program, Progress, TrainState

# The first chunk, before the pace is known: so many multiply-adds, and never more steps (a small net's cost is overhead).
FIRST_CHUNK_OPERATIONS, FIRST_CHUNK_STEPS = 1e9, 25
AHEAD = 2  # chunks under way
PACE_SECONDS = 6.0  # over which the pace is taken
HOME_EVERY = 10.0  # seconds between two states brought home
MOST_OBSERVATIONS = 240  # kept for looking back; older ones are thinned out


@dataclass(frozen=True)
class View:
    """What can be seen of a run at one moment. Curves hold one float per step from step 1 on: nats per image."""

    status: Status
    message: str  # why it failed, or that it was parked; else empty
    parked: bool
    step: int
    total_steps: int
    epoch: float
    reconstruction: np.ndarray
    kl: np.ndarray
    objective: np.ndarray
    observations: tuple[Observation, ...]
    pictures: Pictures | None  # after `step`, where the last observation may be some steps back; None at first
    images_per_second: float
    seconds_left: float | None
    evaluation: Evaluation | None  # of the whole test set, once it was asked for or the run is done
    evaluating: bool
    forks: tuple[tuple[int, TrainConfig], ...] = ()  # (step, the settings up to it) of a run that went on under others


@dataclass
class _Chunk:
    steps: int
    result: Future  # of (state, progress)
    progress: Future
    submitted: float = field(default_factory=time.monotonic)


class Run(Job):
    """One training run, alone or as a column of a race (pace)."""

    def __init__(
        self,
        client: Client,
        config: TrainConfig,
        owner: str,
        run_id: str,
        threads: int,
        pace: Pace | None = None,
        program: Program = CORRECT,
    ):
        self.pace = pace or Pace()
        super().__init__(client, owner, run_id, self.pace.lock, self.pace.news)
        self.config, self.threads, self.program = config, threads, program
        self.forks: tuple[tuple[int, TrainConfig], ...] = ()
        # After the last accepted chunk: a Future of its result, or brought home.
        self._state: TrainState | Future | None = None
        self._step = 0
        self._chunks: deque[_Chunk] = deque()
        self._count = 0  # chunks submitted, for their names
        self.next_steps = min(FIRST_CHUNK_STEPS, max(1, round(FIRST_CHUNK_OPERATIONS / operations_of_step(config))))
        self._home_at = time.monotonic()
        self._curves: list[np.ndarray] = []  # (3, steps) each
        self._observations: list[Observation] = []
        self._pictures: Pictures | None = None
        self._marks: deque[tuple[float, int]] = deque()  # (clock, step) of chunks accepted since the last start
        self._evaluation: Evaluation | None = None
        self._evaluating: list[Future] = []
        self.pace.columns.append(self)

    def fork(self, config: TrainConfig, run_id: str) -> Run:
        """A paused run that goes on from here under other settings, and takes this one's place in its race.

        The curves up to here come along. SettingError where these weights do not fit the settings, or no step is left.
        """
        with self.lock:
            check_fork(self.config, config, self._step)
            self.stop()
            run = Run(self._client, config, self.owner, run_id, self.threads, self.pace, self.program)
            self.pace.columns.remove(run)
            self.pace.columns[self.pace.columns.index(self)] = run
            run.forks = (*self.forks, (self._step, self.config))
            run._state, run._step, run._curves = self._state, self._step, list(self._curves)
            run._observations, run._pictures = list(self._observations), self._pictures
            run.next_steps = self.next_steps
            return run

    # ---- what a user does ----

    def step(self, steps: int = 1) -> None:
        """Take so many steps and stay paused; for a run that is paused. No step at all shows the untrained network."""
        with self.lock:
            if self._status is Status.PAUSED and not self._chunks:
                self._submit(steps)

    def evaluate(self) -> None:
        """Evaluate the whole test set on the accepted state, in pieces; view().evaluation has it when it is ready."""
        with self.lock:
            if not self._evaluating and (self._chunks or self._step):
                self._evaluation = None
                self._submit_evaluation()

    # ---- what others see ----

    def view(self) -> View:
        with self.lock:
            curves = np.concatenate(self._curves, axis=1) if self._curves else np.zeros((3, 0))
            self._curves = [curves] if self._curves else []
            rate = self._pace()  # steps a second
            left = (self.config.total_steps - self._step) / rate if rate and self._status.active else None
            return View(
                self._status,
                self._message,
                self._parked,
                self._step,
                self.config.total_steps,
                self._step / self.config.steps_per_epoch,
                *curves,
                tuple(self._observations),
                self._pictures,
                rate * self.config.batch_size,
                left,
                self._evaluation,
                bool(self._evaluating),
                self.forks,
            )

    def state(self, timeout: float = 30.0) -> TrainState | None:
        """The last accepted state, fetched from its worker if it is there; None before the first chunk."""
        with self.lock:
            state = self._state
        return state.result(timeout)[0] if isinstance(state, Future) else state

    # ---- chunks ----

    @property
    def under_way(self) -> bool:
        return bool(self._chunks)

    @property
    def first_is_back(self) -> bool:
        return self._chunks[0].progress.done()

    def fill(self) -> None:
        """Keep chunks under way, if the run is to go on."""
        if self._status.active:
            self._fill()

    def _fill(self) -> None:
        """Keep chunks under way, unless it is time to bring the state home: then let them run out first."""
        due = time.monotonic() - self._home_at > HOME_EVERY
        if due and not self._chunks and isinstance(self._state, Future):
            try:
                self._state, self._home_at = self._state.result(timeout=30)[0], time.monotonic()
            except Exception as reason:
                self._fail(reason)
                return
            due = False
        planned = self._step + sum(chunk.steps for chunk in self._chunks)
        while len(self._chunks) < AHEAD and planned < self.config.total_steps and not (due and self._chunks):
            planned += self._submit(min(self.pace.end_of_chunk(planned), self.config.total_steps) - planned)

    def _submit(self, steps: int) -> int:
        before = self._chunks[-1].result if self._chunks else self._state
        self._count += 1
        name = f"{self.id}-{self._count}"
        result = self._client.submit(
            tasks.advance_chunk,
            before,
            self.config,
            steps,
            self.threads,
            self.program,
            key=f"advance-{name}",
            pure=False,
        )
        progress = self._client.submit(tasks.progress_of, result, key=f"progress-{name}", pure=False)
        chunk = _Chunk(steps, result, progress)
        self._chunks.append(chunk)
        progress.add_done_callback(self._on_progress)
        return steps

    def _drop_chunks(self) -> None:
        """Let go of what is under way: Dask forgets tasks that nobody holds, and starts none of them any more."""
        self._chunks.clear()

    def _on_progress(self, _: Future) -> None:
        """Called by the client in a thread of its own whenever a chunk is back."""
        with self.lock:
            self.pace.arrived()

    def accept_first(self) -> None:
        """Take over the first of the chunks, which is back. The lock is held."""
        try:
            progress = self._chunks[0].progress.result(timeout=30)
        except Exception as reason:
            self._fail(reason)
            return
        self._accept(self._chunks.popleft(), progress)

    def _accept(self, chunk: _Chunk, progress: Progress) -> None:
        now = time.monotonic()
        if progress.step > self._step:  # what was evaluated were other weights
            self._evaluation, self._evaluating = None, []
        self._state, self._step, self._pictures = chunk.result, progress.step, progress.pictures
        self._curves.append(np.stack((progress.reconstruction, progress.kl, progress.objective)))
        seen = self._observations[-1].step if self._observations else -1
        self._observations.extend(
            o for o in progress.observations if o.step > seen
        )  # step 0 may have been shown already
        if len(self._observations) > MOST_OBSERVATIONS:
            self._observations = _thinned(self._observations)
        self._measure(progress, now)
        if progress.failure:
            self._drop_chunks()
            self._status, self._message = Status.FAILED, progress.failure
        elif self._step >= self.config.total_steps:
            self._status = Status.DONE
            self.evaluate()
        elif self._status is Status.QUEUED:
            self._status = Status.RUNNING
        self._news.notify_all()

    def _measure(self, progress: Progress, now: float) -> None:
        """The pace, and from it the size of the next chunk. Never more than four times the last: first chunks mislead."""
        taken = len(progress.reconstruction)
        if not taken:
            return
        working = max(progress.images_per_second, 1e-9) / self.config.batch_size  # steps a second inside advance()
        wanted = max(1, round(working * self.pace.chunk_seconds))
        self.next_steps = min(wanted, 4 * max(1, self.next_steps))
        if self._status is not Status.RUNNING:  # there was a wait before this chunk
            self._marks.clear()
        self._marks.append((now, self._step))
        while self._marks[-1][0] - self._marks[0][0] > PACE_SECONDS:
            self._marks.popleft()

    def _pace(self) -> float:
        """Steps a second over the last few seconds, 0 until it is known: chunks may come back two at a time."""
        if len(self._marks) < 2 or self._marks[-1][0] - self._marks[0][0] < 0.5:
            return 0.0
        (earlier, before), (later, after) = self._marks[0], self._marks[-1]
        return (after - before) / (later - earlier)

    # ---- evaluation ----

    def _submit_evaluation(self) -> None:
        """Pieces in parallel; where the loss takes its sigma from the training set, that comes first."""
        if self.config.loss_record().origin("sigma") == "batch":
            spans = list(pieces(find_source(self.config.dataset).n_train))
            self._gather_pieces(
                [self._piece(tasks.residual_piece, a, b) for a, b in spans],
                lambda parts: self._submit_test_pieces(sigma_of(parts, spans)),
            )
        else:
            self._submit_test_pieces(None)

    def _submit_test_pieces(self, sigma: float | None) -> None:
        def finish(parts: list[Evaluation]) -> None:
            self._evaluation, self._evaluating = merge(parts), []

        spans = pieces(find_source(self.config.dataset).n_test)
        self._gather_pieces([self._piece(tasks.evaluation_piece, a, b, sigma) for a, b in spans], finish)

    def _piece(self, function, *arguments) -> Future:
        return self._client.submit(
            function, self._state, self.config, *arguments, self.threads, pure=False, priority=-1
        )

    def _gather_pieces(self, futures: list[Future], then) -> None:
        self._evaluating = futures

        def on_done(_: Future) -> None:
            with self.lock:
                if self._evaluating is not futures or not all(f.done() for f in futures):
                    return
                try:
                    then([f.result(timeout=30) for f in futures])
                except Exception as reason:
                    self._evaluating = []
                    self._message = f"The test set could not be evaluated: {reason}"

        for future in futures:
            future.add_done_callback(on_done)


def check_fork(old: TrainConfig, new: TrainConfig, step: int) -> None:
    """SettingError unless a run can go on from `step` under the new settings with the weights it has."""
    for name in ("dataset", "size", "architecture", "hidden", "latent_dim"):
        if getattr(old, name) != getattr(new, name):
            raise SettingError(
                name, getattr(new, name), f"a run that goes on keeps its network and data: {getattr(old, name)!r}"
            )
    learned = old.loss_record().origin("sigma") == "learned", new.loss_record().origin("sigma") == "learned"
    if learned[0] != learned[1]:
        raise SettingError("loss", new.loss, f"the trained sigma is part of the network, and {old.loss} is not like it")
    if new.total_steps <= step:
        raise SettingError("epochs", new.epochs, f"more than the {step / new.steps_per_epoch:.1f} done are accepted")


def _thinned(observations: list[Observation]) -> list[Observation]:
    """Every second one of the older half, all of the newer half; the first one stays."""
    half = len(observations) // 2
    return observations[:half:2] + observations[half:]
