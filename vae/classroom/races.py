"""Races that a class bets on: two trainings that start alike and see the same batches, and one question about their end.

Nobody knows the answer beforehand: it is what the race measures, while the class votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

FIRST, SECOND, SAME = "first", "second", "same"
SAME_WITHIN = 0.05  # relative difference


class Seen(Protocol):
    """What is observed of a training: nats per image, squared error summed over an image."""

    kl: float
    squared_error: float


@dataclass(frozen=True)
class ClassRace:
    """query: the race's link on the Train page. names: of its two columns. quantity: a field of what is observed on held-out
    images, and how it reads; the column with more of it is the answer, with `less` the one with less."""

    title: str
    text: str
    query: Mapping[str, str]
    names: tuple[str, str]
    quantity: str
    shown: str
    less: bool
    why: str

    @property
    def options(self) -> Mapping[str, str]:
        return {FIRST: self.names[0], SECOND: self.names[1], SAME: "about the same, within 5 %"}

    def outcome(self, seen: Sequence[Seen]) -> tuple[str, str]:
        """(answer, what was measured in words) of the two columns' ends."""
        first, second = (getattr(one, self.quantity) for one in seen)
        told = f"{self.shown}: {self.names[0]} {first:,.2f}, {self.names[1]} {second:,.2f}"
        if abs(first - second) <= SAME_WITHIN * max(abs(first), abs(second)):
            return SAME, told
        return (FIRST if (first < second) == self.less else SECOND), told


_DIGITS = {"dataset": "digits", "hidden": "128", "latent_dim": "8", "epochs": "30", "batch_size": "64"}

RACES: Mapping[str, ClassRace] = {
    "losses": ClassRace(
        "BCE against MSE: whose code holds more?",
        "Two nets with the same weights see the same batches, one under BCE and one under the squared error, β = 1. After 30 "
        "epochs, which one has the larger KL?",
        _DIGITS | {"loss": "bce", "vary": "loss", "against": "mse"},
        ("BCE", "MSE"), "kl", "KL, nats per image", False,
        "The KL is what a code costs, and a net pays for it with reconstruction. BCE's slopes are steeper, by 1/(p(1-p)), so a "
        "nat of code saves more of it.",
    ),
    "beta": ClassRace(
        "β = 1 against β = 8: who draws better?",
        "Two nets under BCE, one with β = 1, one with β = 8. After 30 epochs, which one has the smaller squared error on "
        "held-out images?",
        _DIGITS | {"loss": "bce", "vary": "beta", "against": "8"},
        ("β = 1", "β = 8"), "squared_error", "squared error of an image", True,
        "With a larger β every nat in the code costs more, so less of it is bought, and the picture pays.",
    ),
    "reduction": ClassRace(
        "Sum against mean: who draws better?",
        "Two nets under the squared error; one adds it up over the pixels, the other takes the mean, as many programs do. "
        "After 30 epochs, which one has the smaller squared error on held-out images?",
        _DIGITS | {"loss": "mse", "vary": "reduction", "against": "mean"},
        ("sum", "mean"), "squared_error", "squared error of an image", True,
        "A mean over 64 pixels is a β of 64: the KL outweighs the pixels, and the code is given up.",
    ),
    "latent": ClassRace(
        "2 against 20 latent dimensions: who draws better?",
        "Two nets under BCE, one with 2 latent dimensions, one with 20. After 30 epochs, which one has the smaller squared "
        "error on held-out images?",
        _DIGITS | {"loss": "bce", "latent_dim": "2", "vary": "latent_dim", "against": "20"},
        ("z = 2", "z = 20"), "squared_error", "squared error of an image", True,
        "Two numbers cannot hold what distinguishes the digits' strokes; of twenty a net uses as many as the KL lets it pay for.",
    ),
}  # fmt: skip
