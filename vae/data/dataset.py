"""A data set as the rest of the package sees it: one uint8 tensor, labels, known factors, and where testing begins."""

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
    """images (N, C, H, W) uint8, training images first; labels (N,) int64 or None; classes name the labels."""

    name: str
    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    n_train: int
    factors: Factors | None = None

    @property
    def train(self) -> Tensor:
        return self.images[: self.n_train]

    @property
    def test(self) -> Tensor:
        return self.images[self.n_train :]

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
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def resized(self, side: int) -> ImageDataset:
        """The same images at side x side pixels (bilinear, antialiased)."""
        pieces = [
            F.interpolate(piece.float(), (side, side), mode="bilinear", antialias=True, align_corners=False)
            .round()
            .clamp(0, 255)
            .to(torch.uint8)
            for piece in self.images.split(4096)
        ]
        return replace(self, images=torch.cat(pieces))


def to_unit(images: Tensor) -> Tensor:
    """uint8 in 0..255 -> float32 in [0, 1], exactly as torchvision's ToTensor scales."""
    return images / 255
