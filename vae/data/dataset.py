"""A data set as the rest of the package sees it: one uint8 tensor, labels, and where training ends and testing begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """images (N, C, H, W) uint8, training images first; labels (N,) int64 or None; classes name the labels."""

    name: str
    images: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    n_train: int

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
