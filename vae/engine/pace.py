"""How long a chunk lasts, and how the columns of a race keep in step: their chunks end at the same steps, and are accepted
together or not at all."""

from __future__ import annotations

import math
import threading
from typing import Protocol

from vae.engine import workers
from vae.engine.job import Status

CHUNK_SECONDS = 0.25  # of a worker: short enough to be watched
LONGEST_CHUNK = 0.5  # where so many share the workers that each sees but every other second of its own: costs less
ROUND = 2.0  # a chunk of every column, however many for a worker, in chunks of a run alone


class Column(Protocol):
    """A run of a race: run.py has it."""

    next_steps: int

    @property
    def grid(self) -> int:
        """Steps of which its chunks should be whole multiples."""

    @property
    def status(self) -> Status: ...

    @property
    def step_reached(self) -> int: ...

    @property
    def is_due(self) -> bool:
        """Whether more of it is to come, under way or not yet."""

    @property
    def first_is_back(self) -> bool: ...

    def accept_first(self) -> None: ...

    def fill(self) -> None: ...


class Pace:
    """Shared by the columns: one lock, and one grid of steps at which chunks end. A run alone has a pace of its own."""

    def __init__(self, cluster: workers.Workers):
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.columns: list[Column] = []
        self._workers = cluster
        self._ends: dict[int, int] = {}  # step at which a chunk starts -> step at which it ends

    def chunk_seconds(self) -> float:
        """What a chunk should take: longer under load, so that their number is bounded, whatever is asked for; and a round of
        all columns at most twice as long as a chunk of a run alone, so that four columns move twice a second."""
        load = self._workers.running / (4 * self._workers.threads)
        together = math.ceil(max(1, len(self.columns)) / self._workers.threads)
        return min(LONGEST_CHUNK, CHUNK_SECONDS * max(1.0, load)) * min(1.0, ROUND / together)

    def end_of_chunk(self, start: int) -> int:
        """Where the chunk from that step ends, for every column: as far as the slowest would go, and to the next line of the
        grid."""
        if start not in self._ends:
            going = [run for run in self.columns if run.status.active]
            grid = math.lcm(*(run.grid for run in going))
            self._ends = {a: b for a, b in self._ends.items() if b > start - 10_000}
            self._ends[start] = -(-(start + min((run.next_steps for run in going), default=1)) // grid) * grid
        return self._ends[start]

    def arrived(self) -> None:
        """Chunks are back: accept the first one of every column, if all of them have theirs; one that has fallen behind, as
        after a loss of the workers, catches up first. The lock is held."""
        while due := [run for run in self.columns if run.is_due]:
            behind = min(run.step_reached for run in due)
            last = [run for run in due if run.step_reached == behind]
            if not all(run.first_is_back for run in last):
                return
            for run in last:
                run.accept_first()
            for run in self.columns:
                run.fill()
