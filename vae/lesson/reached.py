"""What a student has reached on a page, as an exercise's check sees it, and what a check says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vae.study.opened import OpenedModel
from vae.training.config import TrainConfig
from vae.training.step import Observation


@dataclass(frozen=True, eq=False)
class Ran:
    """A training on show: its settings, the steps it has taken, and what was observed last on held-out images."""

    config: TrainConfig
    step: int
    seen: Observation | None

    @property
    def done(self) -> bool:
        return self.step >= self.config.total_steps


@dataclass(frozen=True, eq=False)
class Reached:
    """page: its name. fields: what it shows, by the names of its link. runs: the columns of the race on Train. model: the one
    that is open on Latent. named: of the zoo, patient -> the cause that was named before it was revealed. answer: what was
    chosen in the exercise itself, where it asks."""

    page: str
    fields: Mapping[str, object] = field(default_factory=dict)
    runs: tuple[Ran, ...] = ()
    model: OpenedModel | None = None
    named: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""


@dataclass(frozen=True)
class Judgement:
    """said: where it is passed, the figures that were reached; else one sentence on what is missing, with its number."""

    passed: bool
    said: str
