"""What a report is made of: plain things, so that runs of the app, of a script or of a file can be put into one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vae.training.config import TrainConfig
from vae.training.evaluation import Evaluation
from vae.training.step import Observation


@dataclass(frozen=True, eq=False)
class ReportRun:
    """A run. reconstruction, kl, objective: one value per step, from step 1 on, in nats per image.

    evaluation: of the whole test set. forks: (step, the settings up to it) of a run that went on under others, the first
    one first; config is what it went on with at last.
    """

    name: str
    config: TrainConfig
    reconstruction: np.ndarray
    kl: np.ndarray
    objective: np.ndarray
    observations: tuple[Observation, ...] = ()
    evaluation: Evaluation | None = None
    threads: int = 1
    forks: tuple[tuple[int, TrainConfig], ...] = ()

    @property
    def steps(self) -> int:
        return len(self.objective)

    def config_at(self, step: int) -> TrainConfig:
        """The settings of the update that came to `step`."""
        return next((config for fork, config in self.forks if step <= fork), self.config)


@dataclass(frozen=True)
class Table:
    """A table for a report, such as a matrix of scores. rows: the first cell names the row; numbers are shown to four digits.

    best: (row, column) of the cells to mark, both counted from 0 and the names' column among them.
    """

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    best: frozenset[tuple[int, int]] = field(default=frozenset())
    note: str = ""
