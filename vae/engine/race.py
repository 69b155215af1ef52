"""A race: one to four runs side by side that go on together, so that what differs between them can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from vae.engine.job import Status
from vae.engine.pace import Pace
from vae.engine.run import Run, View
from vae.training.config import TrainConfig
from vae.training.race import MOST_COLUMNS


class Race:
    """The runs of a race, all at the same step as long as they are under way. Every method returns at once.

    Paired: runs of one seed share initial weights, batches and noise, so their configs' difference is the only one.
    """

    def __init__(self, pace: Pace):
        self._pace = pace

    @classmethod
    def of(cls, run: Run) -> Race:
        """The race that a run belongs to; of it alone, where it runs alone."""
        return cls(run.pace)

    @property
    def runs(self) -> list[Run]:
        return cast(list[Run], list(self._pace.columns))

    @property
    def configs(self) -> tuple[TrainConfig, ...]:
        return tuple(run.config for run in self.runs)

    @property
    def status(self) -> Status:
        """Active while one of them is; ended once all of them have; paused otherwise."""
        found = [run.status for run in self.runs]
        for status in (Status.RUNNING, Status.QUEUED, Status.PAUSED):
            if status in found:
                return status
        return next((s for s in (Status.FAILED, Status.STOPPED) if s in found), Status.DONE)

    @property
    def step_reached(self) -> int:
        """The step of the column that has come farthest."""
        return max(view.step for view in self.views())

    def views(self) -> list[View]:
        """What can be seen of each at one and the same moment."""
        with self._pace.lock:
            return [run.view() for run in self.runs]

    def start(self) -> None:
        self._each(Run.start)

    def pause(self) -> None:
        self._each(Run.pause)

    def stop(self) -> None:
        self._each(Run.stop)

    def step(self, steps: int = 1) -> None:
        self._each(Run.step, steps)

    def evaluate(self) -> None:
        self._each(Run.evaluate)

    def wait_for_news(self, seconds: float) -> None:
        """Block until chunks are accepted or a run fails, at most so long."""
        self.runs[0].wait_for_news(seconds)  # the columns share their news

    def _each(self, act: Callable[..., None], *arguments: Any) -> None:
        with self._pace.lock:  # no chunk may be accepted between one column and the next
            for run in self.runs:
                act(run, *arguments)


def check_columns(configs: Sequence[TrainConfig]) -> None:
    """ValueError unless there are one to four."""
    if not 1 <= len(configs) <= MOST_COLUMNS:
        raise ValueError(f"a race has 1 to {MOST_COLUMNS} columns, not {len(configs)}")
