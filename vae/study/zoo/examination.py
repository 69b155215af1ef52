"""A patient and its control, trained paired: same seed, so same initial weights, same batches, same noise."""

from __future__ import annotations

from dataclasses import dataclass

from vae.data import ImageDataset
from vae.study.zoo.bugs import Bug
from vae.study.zoo.case import Outcome, train_case


@dataclass(frozen=True)
class Examination:
    """The value of each of a bug's symptoms, in their order."""

    patient: tuple[float, ...]
    control: tuple[float, ...]


def measure(bug: Bug, patient: Outcome, control: Outcome, data: ImageDataset) -> Examination:
    """The bug's symptoms on both."""
    return Examination(*(tuple(s.measure(outcome, data) for s in bug.symptoms) for outcome in (patient, control)))


def examine(bug: Bug, data: ImageDataset) -> Examination:
    """Train both and measure: seconds on one core."""
    return measure(bug, train_case(bug.patient, data), train_case(bug.control, data), data)
