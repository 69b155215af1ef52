"""Patches of the two photographs that scikit-learn ships: natural images of 28 x 28 pixels, always there.

china.jpg by danielbuechele, flower.jpg by vultilion; both of Flickr, CC BY 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from vae.data.dataset import ImageDataset
from vae.data.drawing import chosen
from vae.data.source import Source, of_scikit_learn

SIDE = 28
N_TRAIN, N_TEST = 12_000, 2_000
CLASSES = ("temple", "flower")
BORDERS = 240, 360  # columns between which test patches are cut, of 640; training patches left and right of them


def load(name: str) -> ImageDataset:
    """The data set patches (grey) or patches_colour: as many patches of each photograph, in turn; labels say of which.

    Source: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_sample_images.html
    """
    read = (np.asarray(Image.open(of_scikit_learn(f"images/{file}"))) for file in ("china.jpg", "flower.jpg"))
    photographs = [photograph if name == "patches_colour" else _grey(photograph) for photograph in read]
    images = torch.from_numpy(
        np.concatenate((_in_turn(photographs, N_TRAIN, _trained), _in_turn(photographs, N_TEST, _tested)))
    )
    labels = torch.arange(len(images)) % len(CLASSES)
    return ImageDataset.divided(name, images, labels, CLASSES, N_TRAIN)


def _grey(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) -> (H, W, 1): luma by ITU-R BT.601, in whole numbers, https://www.itu.int/rec/R-REC-BT.601."""
    red, green, blue = np.moveaxis(photograph.astype(np.uint32), -1, 0)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)[..., None]


Columns = NDArray[np.int64]


def _trained(first: Columns) -> NDArray[np.bool_]:
    """Of patches that begin in those columns, which are for training: no pixel is in a test patch too."""
    return (first + SIDE <= BORDERS[0]) | (first >= BORDERS[1])


def _tested(first: Columns) -> NDArray[np.bool_]:
    return (first >= BORDERS[0]) & (first + SIDE <= BORDERS[1])


def _in_turn(
    photographs: Sequence[NDArray[np.uint8]], n: int, of: Callable[[Columns], NDArray[np.bool_]]
) -> NDArray[np.uint8]:
    """n patches (n, C, 28, 28) of that part, one of each photograph in turn."""
    parts = [_cut(photograph, n // len(photographs), of, seed) for seed, photograph in enumerate(photographs)]
    return np.stack(parts, axis=1).reshape(n, *parts[0].shape[1:])


def _cut(
    photograph: NDArray[np.uint8], n: int, of: Callable[[Columns], NDArray[np.bool_]], seed: int
) -> NDArray[np.uint8]:
    """n different patches (n, C, 28, 28) of that part, at places that the seed decides."""
    windows = sliding_window_view(photograph, (SIDE, SIDE), axis=(0, 1))  # (rows, columns, C, 28, 28)
    first = np.arange(windows.shape[1])
    first = first[of(first)]
    places = chosen(seed, len(windows) * len(first), n)
    return windows[places // len(first), first[places % len(first)]]


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
