"""A data set as the rest of the package sees it: pictures to train on and to test with, labels, known factors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Factor:
    """One thing that is known of every picture, such as its rotation.

    levels: the values it takes on, in ascending order. words: of its lowest and its highest level, or of each level
    where the levels are kinds without an order; of two levels both are the same.
    """

    name: str
    levels: tuple[float, ...]
    words: tuple[str, ...] = ()

    @property
    def has_kinds(self) -> bool:
        """Whether its levels are kinds, each with a word of its own, and not steps between two ends."""
        return len(self.words) == len(self.levels)

    def places(self, values: Tensor) -> Tensor:
        """The place of each value (N,) among the levels, of the nearest one: (N,) int64."""
        return (values[:, None] - torch.tensor(self.levels)).abs().argmin(1)


@dataclass(frozen=True, eq=False)
class Factors:
    """What the pictures were drawn with, or are known to show: values (N, K) float32, a column for each of K factors."""

    known: tuple[Factor, ...]
    values: Tensor

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.known)

    @property
    def levels(self) -> tuple[tuple[float, ...], ...]:
        return tuple(factor.levels for factor in self.known)

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        return tuple(factor.words for factor in self.known)

    def __getitem__(self, images: slice) -> Factors:
        """Of some of the pictures only."""
        return replace(self, values=self.values[images].clone())  # a view would be sent with all it is a part of


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """train and test (N, C, H, W) uint8; labels (N,) int64 of both, training images first, or None; classes name the labels."""

    name: str
    train: Tensor
    test: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    factors: Factors | None = None

    @classmethod
    def divided(
        cls,
        name: str,
        images: Tensor,
        labels: Tensor | None,
        classes: tuple[str, ...],
        n_train: int,
        factors: Factors | None = None,
    ) -> ImageDataset:
        """Of images (N, C, H, W), the first n_train of which are trained on."""
        return cls(name, images[:n_train], images[n_train:], labels, classes, factors)

    @property
    def n_train(self) -> int:
        return len(self.train)

    @property
    def images(self) -> Tensor:
        """All of them, training images first: a copy."""
        return torch.cat((self.train, self.test))

    @property
    def train_labels(self) -> Tensor | None:
        return None if self.labels is None else self.labels[: self.n_train]

    @property
    def test_labels(self) -> Tensor | None:
        return None if self.labels is None else self.labels[self.n_train :]

    @property
    def train_factors(self) -> Tensor | None:
        """(n_train, K) float32."""
        return None if self.factors is None else self.factors.values[: self.n_train]

    @property
    def test_factors(self) -> Tensor | None:
        """(N - n_train, K) float32."""
        return None if self.factors is None else self.factors.values[self.n_train :]

    def known_of_test(self, start: int, stop: int) -> Factors | None:
        """What is known of the test images from start to stop."""
        return None if self.factors is None else self.factors[self.n_train + start : self.n_train + stop]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.train.shape[1:]
        return channels, height, width

    def resized(self, side: int) -> ImageDataset:
        """The same images at side x side pixels (bilinear, antialiased)."""
        return replace(self, train=_resized(self.train, side), test=_resized(self.test, side))


def _resized(images: Tensor, side: int) -> Tensor:
    pieces = [
        F.interpolate(piece.float(), (side, side), mode="bilinear", antialias=True, align_corners=False)
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
        for piece in images.split(4096)
    ]
    return torch.cat(pieces)


def to_unit(images: Tensor) -> Tensor:
    """uint8 in 0..255 -> float32 in [0, 1], exactly as torchvision's ToTensor scales."""
    return images.to(torch.float32, copy=True).div_(255)  # in place: new memory costs more than the division
