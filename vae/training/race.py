"""The columns of a race as settings: one config, and what the others have instead of one of its values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vae.errors import SettingError
from vae.training.axes import AXES
from vae.training.beta_dial import turned
from vae.training.config import TrainConfig

MOST_COLUMNS = 4


@dataclass(frozen=True)
class RaceConfig:
    """Columns: base, and base with each of up to three other values of one axis. SettingError for what cannot be.

    vary: the axis's name, "" for base alone. dialled: (column, effective beta) for columns whose dial was turned.
    """

    base: TrainConfig
    vary: str = ""
    against: tuple[Any, ...] = ()
    dialled: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.vary and self.vary not in AXES:
            raise SettingError("vary", self.vary, f"one of {', '.join(AXES)} is accepted")
        if len(self.against) >= MOST_COLUMNS:
            raise SettingError("against", list(self.against), f"up to {MOST_COLUMNS - 1} values are accepted")
        object.__setattr__(self, "dialled", tuple(sorted(dict(self.dialled).items())))
        for column, value in self.dialled:
            if not isinstance(column, int) or not 0 <= column < len(self.undialled()):
                raise SettingError("dial", column, f"a column from 0 to {len(self.undialled()) - 1} is accepted")
            if not isinstance(value, float) or not math.isfinite(value) or value <= 0:
                raise SettingError("dial", value, "an effective beta above 0 is accepted")
        self.columns()

    def undialled(self) -> tuple[TrainConfig, ...]:
        """One config a column before any dial is turned; base comes first."""
        if not self.vary:
            return (self.base,)
        others = [other for value in self.against if (other := AXES[self.vary].set(self.base, value)) is not None]
        if AXES[self.vary].get(self.base) is None or len(others) < len(self.against):
            has = f"something that the loss {self.base.loss} and the KL term {self.base.kl_term} have is accepted"
            raise SettingError("vary", self.vary, has)
        return (self.base, *others)

    def columns(self) -> tuple[TrainConfig, ...]:
        """One config a column."""
        dials: Mapping[int, float] = dict(self.dialled)
        return tuple(turned(c, dials[i]) if i in dials else c for i, c in enumerate(self.undialled()))

    def turn(self, column: int, effective_beta: float) -> RaceConfig:
        """With the dial of that column at this effective beta."""
        return replace(self, dialled=tuple({**dict(self.dialled), column: effective_beta}.items()))


def names(columns: tuple[TrainConfig, ...], vary: str) -> tuple[str, ...]:
    """Each column's value of what is varied."""
    axis = AXES[vary or "loss"]
    return tuple(axis.shown(c) for c in columns)


def labels(columns: tuple[TrainConfig, ...], vary: str) -> tuple[str, ...]:
    """The same, with beta or sigma where a dial has set the columns apart in it too."""
    also = [AXES[name] for name in ("sigma", "beta") if name != vary and len({AXES[name].get(c) for c in columns}) > 1]
    told = [[axis.shown(c) for axis in also if axis.get(c) is not None] for c in columns]
    return tuple(", ".join((name, *more)) for name, more in zip(names(columns, vary), told))


def paired(columns: tuple[TrainConfig, ...]) -> str:
    """What trainings with these settings share, in words."""
    if len({c.seed for c in columns}) > 1:
        return "different seeds: nothing is shared but the data"
    if len({c.batch_size for c in columns}) > 1:
        return "the same initial weights; batches differ in size"
    if len({(c.architecture, c.hidden, c.latent_dim, c.size) for c in columns}) > 1:
        return "the same batches; nets of another shape start from weights of their own"
    return "the same initial weights, batches and noise"
