"""A training run on the cluster: short chunks, each a task that depends on the state of the one before.

Chunks come under way when it is the run's turn (turns.py); where there is room two at a time, so that a worker never waits
for the next one. Pausing and stopping cut what is not accepted yet: they take effect at once, and as chunks are replayable
nothing is lost by it. Every forty chunks the state is brought home and becomes the root of what follows: a dead worker
costs seconds, the tasks that the scheduler must remember stay few, and a dead scheduler costs what came since.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Future

from vae.data import find_source
from vae.engine import tasks
from vae.engine.job import Job, Status, sentence_of
from vae.engine.pace import Pace
from vae.engine.state_files import KeptState
from vae.engine.workers import OPERATIONS_PER_SECOND, Found, Workers
from vae.errors import SettingError
from vae.training.config import TrainConfig, operations_of_step
from vae.training.evaluation import Evaluation, merge, pieces, sigma_of
from vae.training.on_device import leaves_the_cpu
from vae.training.step import CORRECT, Observation, Pictures, Program, Progress, TrainState

# The first chunk, before the pace is known: so many multiply-adds, and never more steps (a small net's cost is overhead).
FIRST_CHUNK_OPERATIONS, FIRST_CHUNK_STEPS = 1e9, 25
AHEAD = 2  # chunks under way
PACE_SECONDS = 6.0  # over which the pace is taken
HOME_EVERY = 40  # chunks between two states brought home: ten seconds of a worker
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
    device: str = "cpu"  # that took the last steps


@dataclass
class _Chunk:
    key: str
    steps: int
    state: Future[TrainState]
    progress: Progress | None = None  # once it is back


class Run(Job):
    """One training run, alone or as a column of a race (pace)."""

    def __init__(
        self,
        workers: Workers,
        config: TrainConfig,
        owner: str,
        run_id: str,
        threads: int,
        pace: Pace | None = None,
        program: Program = CORRECT,
    ):
        self.pace = pace or Pace(workers)
        super().__init__(workers, owner, run_id, self.pace.lock, self.pace.news)
        self.config, self.threads, self.program = config, threads, program
        self.on_cards = leaves_the_cpu(config, program)
        self.forks: tuple[tuple[int, TrainConfig], ...] = ()
        self._state: Future[TrainState] | KeptState | None = None  # after the last accepted chunk; None at first
        self._home: KeptState | None = None  # the last one brought home
        self._homing: Future[TrainState] | None = None  # the state that is on its way home
        self._chunks_since_home = 0
        self._step = 0
        self._chunks: deque[_Chunk] = deque()
        self._asked_for = 0  # steps, of a run that is paused
        self._count = 0  # chunks submitted, for their names
        self.worker = ""  # where the last chunk went
        self.next_steps = min(FIRST_CHUNK_STEPS, max(1, round(FIRST_CHUNK_OPERATIONS / operations_of_step(config))))
        self._step_seconds = (
            operations_of_step(config) / OPERATIONS_PER_SECOND
        )  # of a worker; measured from the first chunk on
        self._curves: list[np.ndarray] = []  # (3, steps) each
        self._observations: list[Observation] = []
        self._pictures: Pictures | None = None
        self._marks: deque[tuple[float, int]] = deque()  # (clock, step) of chunks accepted since the last start
        self._device = "cpu"
        self._evaluation: Evaluation | None = None
        self._evaluating: list[Future[Any]] = []
        self.pace.columns.append(self)

    def fork(self, config: TrainConfig, run_id: str) -> Run:
        """A paused run that goes on from here under other settings, and takes this one's place in its race.

        The curves up to here come along. SettingError where these weights do not fit the settings, or no step is left.
        """
        with self.lock:
            check_fork(self.config, config, self._step)
            self.stop(keep=False)
            run = Run(self._workers, config, self.owner, run_id, self.threads, self.pace, self.program)
            self.pace.columns.remove(run)
            self.pace.columns[self.pace.columns.index(self)] = run
            run.forks = (*self.forks, (self._step, self.config))
            run._state, run._home, run._step, run._curves = self._state, self._home, self._step, list(self._curves)
            run._observations, run._pictures = list(self._observations), self._pictures
            run.next_steps, run._untouched = self.next_steps, False
            return run

    # ---- what a user does ----

    def step(self, steps: int = 1) -> None:
        """Take so many steps and stay paused; for a run that is paused."""
        with self.lock:
            if self._status is Status.PAUSED and not self._chunks:
                self._asked_for, self._untouched = steps, False
                self._workers.ask(self)

    def pause(self) -> None:
        with self.lock:
            super().pause()
            self._rest()

    def stop(self, keep: bool = True) -> None:
        with self.lock:
            super().stop()
            if keep:
                self._rest()

    def _rest(self) -> None:
        """What does not go on waits at home: a worker that dies would have all of it to compute again, for nobody."""
        if isinstance(self._state, Future) and not self._chunks:
            self._bring_home()

    def show_untrained(self, progress: Progress) -> None:
        """What the network shows before its first step, where the run has not come farther by now."""
        with self.lock:
            if not self._observations:
                self._observations, self._pictures = list(progress.observations), progress.pictures
                self._news.notify_all()

    def cannot_begin(self, reason: BaseException) -> None:
        with self.lock:
            if not self._observations:
                self._fail(reason)

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
            reconstruction, kl, objective = curves
            rate = self._pace()  # steps a second
            left = (self.config.total_steps - self._step) / rate if rate and self._status.active else None
            return View(
                self._status,
                self._message,
                self._parked,
                self._step,
                self.config.total_steps,
                self._step / self.config.steps_per_epoch,
                reconstruction,
                kl,
                objective,
                tuple(self._observations),
                self._pictures,
                rate * self.config.batch_size,
                left,
                self._evaluation,
                bool(self._evaluating),
                self.forks,
                self._device,
            )

    def state(self, timeout: float = 30.0) -> TrainState | None:
        """The last accepted state, fetched from its worker if it is there; None before the first chunk. Where the workers
        have gone with it, the last one brought home."""
        with self.lock:
            state, home = self._state, self._home
        if isinstance(state, Future):
            try:
                return state.result(timeout)
            except Exception:
                state = home
        return state.load() if isinstance(state, KeptState) else state

    # ---- chunks ----

    @property
    def step_reached(self) -> int:
        return self._step

    @property
    def grid(self) -> int:
        """On a card, from one observation to another: so that runs of many people, side by side, are looked at together."""
        return self.config.observe_every if self.on_cards and self._workers.has_card else 1

    @property
    def is_due(self) -> bool:
        return self._status.active or bool(self._chunks) or self._asked_for > 0

    @property
    def first_is_back(self) -> bool:
        return bool(self._chunks) and self._chunks[0].progress is not None

    @property
    def in_flight(self) -> int:
        """Chunks on workers."""
        return sum(chunk.progress is None for chunk in list(self._chunks))

    def fill(self) -> None:
        """Keep chunks under way, if the run is to go on."""
        if self._status.active:
            self._fill()

    def _fill(self) -> None:
        """Ask for turns, unless it is time to bring the state home: then let the chunks run out first."""
        if self._home_is_due and not self._chunks and not self._homing:
            self._bring_home()
        self._workers.ask(self)

    @property
    def _home_is_due(self) -> bool:
        return self._chunks_since_home >= HOME_EVERY and isinstance(self._state, Future)

    def wants_turn(self) -> bool:
        if self._status is Status.PAUSED:
            return self._asked_for > 0 and not self._chunks
        ahead = len(self._chunks)
        going = self._status.active and ahead < AHEAD and not self._homing and not self._home_is_due
        return going and self._planned() < self.config.total_steps

    def _planned(self) -> int:
        """The step that the chunks under way end at."""
        return self._step + sum(chunk.steps for chunk in list(self._chunks))

    def take_turn(self, worker: str) -> tuple[str, float] | None:
        with self.lock:
            if not self.wants_turn():
                return None
            start = self._planned()
            if self._status is Status.PAUSED:
                steps, self._asked_for = self._asked_for, 0
            else:
                steps = self.pace.end_of_chunk(start) - start
            steps = min(steps, self.config.total_steps - start)
            return self._submit(steps, worker), steps * self._step_seconds

    def _submit(self, steps: int, worker: str) -> str:
        before = self._chunks[-1].state if self._chunks else self._state
        root = before.load() if isinstance(before, KeptState) else before
        self._count, self.worker = self._count + 1, worker
        key = f"advance-{self.id}-{self._count}"
        state = self._workers.submit_chunk(
            tasks.advance_chunk, root, self.config, steps, self.threads, self.program, key=key, worker=worker
        )
        self._chunks.append(_Chunk(key, steps, state))
        return key

    def _drop_chunks(self) -> None:
        """Let go of what is under way: Dask forgets tasks that nobody holds, and starts none of them any more."""
        self._workers.let_go([chunk.key for chunk in self._chunks])
        self._chunks.clear()
        self._asked_for, self._homing = 0, None

    def arrived(self, key: str, progress: Progress, seconds: float) -> None:
        """A chunk is back."""
        with self.lock:
            chunk = next((chunk for chunk in self._chunks if chunk.key == key), None)
            if chunk is not None:  # else dropped in the meantime
                chunk.progress = progress
                if chunk.steps:
                    self._step_seconds = seconds / chunk.steps
                self.pace.arrived()

    def failed(self, key: str, reason: BaseException) -> None:
        """A chunk ended with an exception; the others of the race go on."""
        with self.lock:
            if not self._status.ended and (not key or any(chunk.key == key for chunk in self._chunks)):
                self._fail(reason)
                self.pace.arrived()

    def accept_first(self) -> None:
        """Take over the first of the chunks, which is back. The lock is held."""
        chunk = self._chunks.popleft()
        assert chunk.progress is not None
        self._accept(chunk, chunk.progress)

    # ---- home ----

    def _bring_home(self) -> None:
        """Make the state a root of its own, held here, and free the workers of everything before it."""
        assert isinstance(self._state, Future)
        self._homing = state = self._state

        def keep(found: Found) -> None:
            kept = KeptState(found[0]) if isinstance(found, list) else None  # else lost: the chain is there still
            with self.lock:
                if self._homing is state:
                    self._homing, self._chunks_since_home = None, 0
                if kept is not None and self._state is state:
                    self._state = self._home = kept
                self.fill()

        self._workers.fetch([state], keep)

    def park(self) -> None:
        """Pause for the owner's absence; the state waits at home, and costs no worker anything."""
        with self.lock:
            super().park()
            if self._parked:
                self.worker = ""

    def recover(self) -> None:
        """Go on from the last state brought home, or from the beginning; the same steps give the same curve again."""
        with self.lock:
            if not isinstance(self._state, Future) and not self._chunks:
                return
            self._drop_chunks()
            self._rewind(self._home)
            self._evaluating = []
            if self._status.active:
                self._status = Status.QUEUED
                self._message = "The workers were lost; it went back to what was kept, and goes on."
                self._fill()

    def _rewind(self, home: KeptState | None) -> None:
        self._state, step = home, home.step if home else 0
        if self._curves:
            self._curves = [np.concatenate(self._curves, axis=1)[:, :step]]
        self._observations = [o for o in self._observations if o.step <= step]
        self._pictures = self._observations[-1] if self._observations else None
        self._step, self._chunks_since_home = step, 0
        self._marks.clear()

    def _accept(self, chunk: _Chunk, progress: Progress) -> None:
        now = time.monotonic()
        if progress.step > self._step:  # what was evaluated were other weights
            self._evaluation, self._evaluating = None, []
        self._state, self._step, self._pictures = chunk.state, progress.step, progress.pictures
        self._device = progress.device
        self._chunks_since_home += 1
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
            self._rest()
        elif self._step >= self.config.total_steps:
            self._status = Status.DONE
            self.evaluate()
            self._rest()
        elif self._status is Status.QUEUED:
            self._status = Status.RUNNING
        self._news.notify_all()

    def _measure(self, progress: Progress, now: float) -> None:
        """The pace, and from it the size of the next chunk. Never more than four times the last: first chunks mislead."""
        taken = len(progress.reconstruction)
        if not taken:
            return
        working = max(progress.images_per_second, 1e-9) / self.config.batch_size  # steps a second inside advance()
        wanted = max(1, round(working * self.pace.chunk_seconds()))
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

    def _piece(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        state = self._state.load() if isinstance(self._state, KeptState) else self._state
        return self._workers.submit(function, state, self.config, *arguments, self.threads)

    def _gather_pieces(self, futures: list[Future[Any]], then: Callable[[list[Any]], None]) -> None:
        self._evaluating = futures

        def finish(found: Found) -> None:
            with self.lock:
                if self._evaluating is not futures:
                    return
                if isinstance(found, BaseException):
                    self._evaluating = []
                    self._message = f"The test set could not be evaluated: {sentence_of(found)}"
                else:
                    then(found)
                self._news.notify_all()

        self._workers.fetch(futures, finish)


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
