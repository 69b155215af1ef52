"""How Adam's step size moves over a training: a table, of a name and a factor for each share of the steps taken, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

CONSTANT, LINEAR = "constant", "linear"


@dataclass(frozen=True)
class Schedule:
    """factor(share): what the learning rate is multiplied by after that share of all steps."""

    key: str
    name: str
    factor: Callable[[float], float]


SCHEDULES: Mapping[str, Schedule] = MappingProxyType(
    {
        CONSTANT: Schedule(CONSTANT, "constant", lambda share: 1.0),
        LINEAR: Schedule(LINEAR, "linear to 0", lambda share: 1.0 - share),
    }
)
