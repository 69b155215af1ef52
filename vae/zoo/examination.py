"""A patient and its control, trained paired: same seed, so same initial weights, same batches, same noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from vae.config import TrainConfig
from vae.data import ImageDataset
from vae.model import VAE
from vae.training import CORRECT, Program, TrainState, advance, initial_state, model_of

if TYPE_CHECKING:
    from vae.zoo.entries import Bug


@dataclass(frozen=True)
class Case:
    """What is trained: the settings, and the program that minimises."""

    config: TrainConfig
    program: Program = CORRECT


@dataclass(frozen=True, eq=False)
class Outcome:
    """A case after its training. reconstruction, objective: one float per step taken, as reported, nats per image."""

    case: Case
    state: TrainState
    reconstruction: np.ndarray
    objective: np.ndarray

    @property
    def step(self) -> int:
        return self.state.step

    @cached_property
    def model(self) -> VAE:
        return model_of(self.case.config, self.state.weights)

    @cached_property
    def used(self) -> VAE:
        """The model as its program uses it: what held-out images meet."""
        return self.case.program.as_observed(self.model)

    def picture(self, logits: Tensor) -> Tensor:
        """What the program shows of these logits, in [0, 1]."""
        return self.case.program.shown(self.case.config, logits)


@dataclass(frozen=True)
class Examination:
    """The value of each of a bug's symptoms, in their order."""

    patient: tuple[float, ...]
    control: tuple[float, ...]


def train_case(case: Case, data: ImageDataset) -> Outcome:
    """From the initial state to the last step, or to where a number was no longer finite."""
    state, progress = advance(initial_state(case.config), case.config, data, case.config.total_steps, case.program)
    return Outcome(case, state, progress.reconstruction, progress.objective)


def measure(bug: Bug, patient: Outcome, control: Outcome, data: ImageDataset) -> Examination:
    """The bug's symptoms on both."""
    return Examination(*(tuple(s.measure(outcome, data) for s in bug.symptoms) for outcome in (patient, control)))


def examine(bug: Bug, data: ImageDataset) -> Examination:
    """Train both and measure: seconds on one core."""
    return measure(bug, train_case(bug.patient, data), train_case(bug.control, data), data)
