"""A sweep on the cluster: as many cells under way as there are workers, each a chain of chunks like a training run.

A cell that is done is measured, and its result appended to the sweep's file at once: what is in the file is never lost
and never computed again, by this process or another. Chunks take turns with those of live runs. A sweep is the one kind of
job that goes on while its owner is away.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from distributed import Future

from vae.data import find_source
from vae.engine import tasks
from vae.engine.job import Job, Status
from vae.engine.workers import OPERATIONS_PER_SECOND, Found, Workers
from vae.errors import VaeError
from vae.study.sweep import Point, Result, ResultsFile, SweepError, SweepSpec, read_results
from vae.study.sweep.cell import Leg, Measures, measures, optimal_sigma, spans
from vae.study.sweep.grid import cell_seconds, in_order
from vae.training.config import TrainConfig, operations_of_step
from vae.training.step import TrainState

T = TypeVar("T")
CHUNK_SECONDS = 0.5
FIRST_CHUNK_OPERATIONS, FIRST_CHUNK_STEPS = 4e9, 60  # before the pace is known
HOME_EVERY = 10.0  # seconds between two states of a cell brought home: what a dead worker costs


@dataclass(frozen=True)
class UnderWay:
    """A cell that is being trained, as far as it has come."""

    config: TrainConfig
    step: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class SweepView:
    """What can be seen of a sweep at one moment. share: of the work, from 0 to 1. notice: what was odd about its file."""

    status: Status
    message: str  # why it paused by itself or failed; else empty
    notice: str
    total: int
    results: tuple[Result, ...]
    under_way: tuple[UnderWay, ...]
    share: float
    seconds_left: float | None


class _Cell:
    """A cell under way; it takes turns like a run. futures: what is awaited of its state; none while paused."""

    on_cards = False

    def __init__(self, sweep: Sweep, config: TrainConfig, next_steps: int):
        self.sweep, self.config, self.next_steps = sweep, config, next_steps
        self.owner, self.worker = sweep.owner, ""
        self.state: TrainState | Future[TrainState] | None = None
        self.step, self.seconds = 0, 0.0
        self.points: tuple[Point, ...] = ()
        self.step_seconds = operations_of_step(config) / OPERATIONS_PER_SECOND  # measured from the first chunk on
        self.home_at = time.monotonic()
        self.futures: list[Future[Any]] = []
        self.key = ""  # of the chunk under way
        self.chunk: Future[TrainState] | None = None

    @property
    def in_flight(self) -> int:
        return int(bool(self.key))

    def wants_turn(self) -> bool:
        going = self.sweep.status.active and not self.key and not self.futures
        return going and self.step < self.config.total_steps

    def take_turn(self, worker: str) -> tuple[str, float] | None:
        return self.sweep.take_turn(self, worker)

    def arrived(self, key: str, leg: Leg, seconds: float) -> None:
        self.sweep.arrived(self, key, leg)

    def failed(self, key: str, reason: BaseException) -> None:
        self.sweep.failed(self, key, reason)


def _results_so_far(path: Path, spec: SweepSpec) -> tuple[Result, ...]:
    if not path.exists():
        return ()
    sheet = read_results(path)
    if sheet.spec is not None and sheet.spec != spec:
        raise SweepError(
            f"{path.name} is of another sweep: choose another file, or the settings that it was made with."
        )
    return sheet.results


class Sweep(Job):
    """One sweep and its file. SweepError, when it is made, for a file that cannot be gone on with."""

    def __init__(self, workers: Workers, spec: SweepSpec, path: Path, owner: str, sweep_id: str, threads: int):
        super().__init__(workers, owner, sweep_id)
        self.spec, self.path, self.threads = spec, Path(path), threads
        self._file: ResultsFile | None = None
        self._notice = ""
        self._results: list[Result] = list(_results_so_far(self.path, spec))
        self._unwritten: list[Result] = []  # finished, but the file could not take them
        self._cells: dict[TrainConfig, _Cell] = {}
        self._cost = {config: cell_seconds(config) for config in spec.cells()}
        self._count = 0  # chunks submitted, for their names
        self._started_at = self._started_with = 0.0  # the clock, and the work done, at the last start

    # ---- what others see ----

    def view(self) -> SweepView:
        with self.lock:
            done, total = self._work_done(), sum(self._cost.values())
            return SweepView(
                self._status,
                self._message,
                self._notice,
                len(self._cost),
                in_order(self._results, self.spec),
                tuple(UnderWay(c.config, c.step, c.points) for c in self._cells.values()),
                1.0 if self._status is Status.DONE else min(1.0, done / total),
                self._seconds_left(total - done),
            )

    def _work_done(self) -> float:
        """In seconds as they were estimated; a cell counts by its steps while it is under way."""
        finished = sum(self._cost.get(result.config, 0.0) for result in self._results)
        partly = (self._cost[c.config] * c.step / c.config.total_steps for c in self._cells.values())
        return finished + 0.95 * sum(partly)

    def _seconds_left(self, work: float) -> float | None:
        """By the pace since the last start, once there is one."""
        if not self._status.active:
            return None
        done, seconds = self._work_done() - self._started_with, time.monotonic() - self._started_at
        return work * seconds / done if done > 0 and seconds > 1 else None

    def park(self) -> None:
        """Without effect: a sweep is a batch, and goes on while nobody looks."""

    # ---- cells ----

    def _fill(self) -> None:
        """Open the file, write what it could not take before, and bring cells under way."""
        try:
            if self._file is None:
                self._open()
            while self._unwritten:
                self._write(self._unwritten[0])
                self._unwritten.pop(0)
        except VaeError as reason:
            self._hold(reason)
            return
        self._started_at, self._started_with = time.monotonic(), self._work_done()
        for cell in self._cells.values():
            self._continue(cell)
        self._take_on()

    def _open(self) -> None:
        self._file = ResultsFile(self.path, self.spec)
        self._notice = self._file.notice
        self._results = list(self._file.results)  # another process may have gone on with it in the meantime
        done = {result.config for result in self._results}
        self._cells = {config: cell for config, cell in self._cells.items() if config not in done}

    def _take_on(self) -> None:
        """Start missing cells while there are workers without one; end when nothing is missing and under way."""
        assert self._file is not None
        taken = self._cells.keys() | {result.config for result in self._unwritten}
        waiting = [config for config in self._file.missing if config not in taken]
        for config in waiting[: max(0, self._workers.cores - len(self._cells))]:
            first = int(FIRST_CHUNK_OPERATIONS / operations_of_step(config))
            self._cells[config] = _Cell(self, config, max(1, min(FIRST_CHUNK_STEPS, first)))
            self._continue(self._cells[config])
        if not self._cells:
            self._drop_chunks()
            self._status = Status.DONE

    def _drop_chunks(self) -> None:
        """Let go of what is under way, and of the file; cells keep what was accepted, to go on from."""
        for cell in self._cells.values():
            self._workers.let_go([cell.key])
            cell.futures, cell.chunk, cell.key = [], None, ""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _hold(self, reason: VaeError) -> None:
        """Pause by itself and say why; start() goes on."""
        self._drop_chunks()
        self._status, self._message = Status.PAUSED, str(reason)
        self._news.notify_all()

    def stop(self, keep: bool = True) -> None:
        super().stop(keep)
        with self.lock:
            for cell in self._cells.values():
                self._workers.forget(cell)
            self._cells.clear()

    # ---- one cell: chunks, then measures ----

    def _submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        return self._workers.submit(function, *arguments, self.threads)

    def _continue(self, cell: _Cell) -> None:
        """Its next chunk when it is its turn, or its measuring. A state comes home now and then."""
        if cell.step >= cell.config.total_steps:
            self._measure(cell)
        elif isinstance(cell.state, Future) and time.monotonic() - cell.home_at > HOME_EVERY:
            self._await(cell, [cell.state], lambda found: self._bring_home(cell, found[0]))
        else:
            self._workers.ask(cell)

    def _bring_home(self, cell: _Cell, state: TrainState) -> None:
        cell.state, cell.home_at = state, time.monotonic()
        self._continue(cell)

    def take_turn(self, cell: _Cell, worker: str) -> tuple[str, float] | None:
        with self.lock:
            if not cell.wants_turn():
                return None
            self._count, cell.worker = self._count + 1, worker
            steps = min(cell.next_steps, cell.config.total_steps - cell.step)
            cell.key = f"advance-cell-{self.id}-{self._count}"
            cell.chunk = self._workers.submit_chunk(
                tasks.advance_cell_chunk, cell.state, cell.config, steps, self.threads, key=cell.key, worker=worker
            )
            return cell.key, steps * cell.step_seconds

    def arrived(self, cell: _Cell, key: str, leg: Leg) -> None:
        with self.lock:
            if key != cell.key:  # let go of in the meantime
                return
            cell.state, cell.chunk, cell.key = cell.chunk, None, ""
            try:
                self._accept(cell, leg)
            except Exception as reason:
                self._fail(reason)
            self._news.notify_all()

    def failed(self, cell: _Cell, key: str, reason: BaseException) -> None:
        with self.lock:
            if not self._status.ended and key in ("", cell.key):
                self._fail(reason)

    def _accept(self, cell: _Cell, leg: Leg) -> None:
        steps = max(1, leg.step - cell.step)
        cell.step, cell.points, cell.seconds = leg.step, cell.points + leg.points, cell.seconds + leg.seconds
        cell.step_seconds = max(leg.seconds, 1e-3) / steps
        cell.next_steps = min(max(1, round(CHUNK_SECONDS / cell.step_seconds)), 4 * steps)
        if self._status is Status.QUEUED:
            self._status = Status.RUNNING
        if leg.failure:
            self._finish(cell, None, b"", "", leg.failure)
        else:
            self._continue(cell)

    def _measure(self, cell: _Cell) -> None:
        """Spans in parallel; where the loss takes its sigma from the training set, that comes first."""
        source = find_source(cell.config.dataset)
        if cell.config.loss_record().origin("sigma") != "batch":
            self._measure_test(cell, None)
            return
        parts = [
            self._submit(tasks.cell_residuals, cell.state, cell.config, a, b)
            for a, b in spans(cell.config, source.n_train)
        ]
        self._await(cell, parts, lambda found: self._measure_test(cell, optimal_sigma(found, source.n_train)))

    def _measure_test(self, cell: _Cell, sigma: float | None) -> None:
        bounds = spans(cell.config, find_source(cell.config.dataset).n_test)
        parts = [self._submit(tasks.cell_sums, cell.state, cell.config, a, b, sigma) for a, b in bounds]
        pictures = self._submit(tasks.cell_pictures, cell.state, cell.config)
        self._await(cell, [pictures, *parts], lambda found: self._finish(cell, measures(found[1:]), *found[0]))

    def _await(self, cell: _Cell, futures: list[Future[Any]], then: Callable[[list[Any]], None]) -> None:
        """Call `then` with the results once all are there, unless the cell has let go of them by then."""
        cell.futures = futures

        def finish(found: Found) -> None:
            with self.lock:
                if cell.futures is not futures:
                    return
                cell.futures = []
                try:
                    if isinstance(found, BaseException):
                        raise found
                    then(found)
                except Exception as reason:
                    self._fail(reason)
                self._news.notify_all()

        self._workers.fetch(futures, finish)

    def recover(self) -> None:
        """Cells under way begin again: what is finished is in the file."""
        with self.lock:
            self._cells = {config: _Cell(self, config, cell.next_steps) for config, cell in self._cells.items()}
            if self._status.active:
                self._fill()

    # ---- results ----

    def _finish(self, cell: _Cell, found: Measures | None, pictures: bytes, versions: str, failure: str = "") -> None:
        result = Result(cell.config, found, cell.points, pictures, cell.seconds, self.threads, versions, failure)
        del self._cells[cell.config]
        self._workers.forget(cell)
        try:
            self._write(result)
        except VaeError as reason:
            self._unwritten.append(result)
            self._hold(reason)
        else:
            self._take_on()

    def _write(self, result: Result) -> None:
        assert self._file is not None
        if self._file.append(result):
            self._results.append(result)
