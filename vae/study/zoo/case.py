"""What is trained of a patient or of its control, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from vae.data import ImageDataset
from vae.training.config import TrainConfig
from vae.training.networks import VAE
from vae.training.step import CORRECT, Program, TrainState, advance, initial_state
from vae.training.update import model_of


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


def train_case(case: Case, data: ImageDataset) -> Outcome:
    """From the initial state to the last step, or to where a number was no longer finite."""
    state, progress = advance(initial_state(case.config), case.config, data, case.config.total_steps, case.program)
    return Outcome(case, state, progress.reconstruction, progress.objective)
