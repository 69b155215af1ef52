"""Patches of the two photographs that scikit-learn ships: natural images of 28 x 28 pixels, always there.

china.jpg by danielbuechele, flower.jpg by vultilion; both of Flickr, CC BY 2.0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vae.data.dataset import ImageDataset
from vae.data.drawing import chosen
from vae.data.source import Source

SIDE = 28
N_TRAIN, N_TEST = 12_000, 2_000
CLASSES = ("temple", "flower")
TESTED = 4  # one in so many columns, at the right of each photograph, is for testing: no pixel is on both sides


def load(name: str) -> ImageDataset:
    """The data set patches (grey) or patches_colour: as many patches of each photograph, in turn; labels say of which.

    Source: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_sample_images.html
    """
    from sklearn.datasets import load_sample_images

    photographs = [p if name == "patches_colour" else _grey(p) for p in load_sample_images().images]
    parts = [_in_turn(side, n) for side, n in zip(zip(*map(_sides, photographs)), (N_TRAIN, N_TEST))]
    images = torch.from_numpy(np.concatenate(parts))
    labels = torch.arange(len(images)) % len(CLASSES)
    return ImageDataset(name, images, labels, CLASSES, N_TRAIN)


def _grey(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) -> (H, W, 1): luma by ITU-R BT.601, in whole numbers, https://www.itu.int/rec/R-REC-BT.601."""
    red, green, blue = np.moveaxis(photograph.astype(np.uint32), -1, 0)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)[..., None]


def _sides(photograph: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Where training patches are cut, where test patches are."""
    border = photograph.shape[1] * (TESTED - 1) // TESTED
    return photograph[:, :border], photograph[:, border:]


def _in_turn(photographs: tuple[NDArray[np.uint8], ...], n: int) -> NDArray[np.uint8]:
    """n patches (n, C, 28, 28), one of each photograph in turn."""
    cut = [_cut(photograph, n // len(photographs), seed) for seed, photograph in enumerate(photographs)]
    return np.stack(cut, axis=1).reshape(n, *cut[0].shape[1:])


def _cut(photograph: NDArray[np.uint8], n: int, seed: int) -> NDArray[np.uint8]:
    """n different patches (n, C, 28, 28), at places that the seed decides."""
    windows = np.lib.stride_tricks.sliding_window_view(
        photograph, (SIDE, SIDE), axis=(0, 1)
    )  # (rows, columns, C, 28, 28)
    rows, columns = windows.shape[:2]
    places = chosen(seed, rows * columns, n)
    return windows[places // columns, places % columns]


def _source(name: str, title: str, channels: int, about: str) -> Source:
    def read(root: Path) -> ImageDataset:
        return load(name)

    return Source(
        name,
        title,
        (channels, SIDE, SIDE),
        N_TRAIN,
        N_TEST,
        CLASSES,
        read,
        licence="CC BY 2.0",
        citation="Photographs by danielbuechele (china.jpg) and vultilion (flower.jpg), as scikit-learn ships them",
        url="https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_sample_images.html",
        about=about,
    )


SOURCE = _source(
    "patches",
    "Photograph patches 28×28, always here",
    1,
    "Patches of two photographs: every grey, smooth areas and fine texture, no object in the middle.",
)
COLOUR_SOURCE = _source(
    "patches_colour",
    "Colour patches 28×28, always here",
    3,
    "Patches of two photographs in colour: three channels that nearly agree, as in all natural images.",
)
