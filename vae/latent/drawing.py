"""What was drawn, as an image of a data set: a digit in the form of the data set's own digits, a painting at its size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image

from vae.errors import SettingError

INK = 32  # a grey level that counts as ink: fainter is the soft edge of the brush


@dataclass(frozen=True)
class Form:
    """Where the ink lies in a picture, as shares of its side. box: the largest height and width; centre: that of mass."""

    box: tuple[float, float]
    centre: float


# MNIST moved its digits by whole pixels: on average their mass lies half a pixel right of and below the middle.
MNIST = Form((20 / 28, 20 / 28), 14.5 / 28)
# The small digits of scikit-learn reach from the top to the bottom; their outer columns are empty.
FORMS: Mapping[str, Form] = MappingProxyType({"mnist": MNIST, "digits": Form((1.0, 6 / 8), 0.5)})


def as_digit(canvas: np.ndarray, size: int, form: Form = MNIST) -> np.ndarray:
    """canvas: uint8 (H, W), white on black -> uint8 (1, size, size), normalised as MNIST's digits were.

    The ink is scaled, keeping its aspect ratio, until it fits the form's box, antialiased, and moved until its centre
    of mass lies where the form says, as far as no ink is cut off: http://yann.lecun.com/exdb/mnist.
    SettingError for a canvas without ink.
    """
    rows, columns = np.nonzero(canvas >= INK)
    if not len(rows):
        raise SettingError("drawing", "an empty canvas", "a canvas with at least one stroke is accepted")
    low, high = np.array((rows.min(), columns.min())), np.array((rows.max(), columns.max())) + 1
    side = ((high - low) / form.box).max()  # of the square window of the canvas that becomes the picture
    corner = np.clip(_centre_of_mass(canvas) - form.centre * side, high - side, low)
    pad = math.ceil(side)
    top, left = corner + pad
    window = (left, top, left + side, top + side)
    seen = Image.fromarray(np.pad(canvas, pad)).resize((size, size), Image.Resampling.HAMMING, box=window)
    return np.asarray(seen, dtype=np.uint8)[None].copy()


def as_painting(canvas: np.ndarray, size: int) -> np.ndarray:
    """canvas: uint8 (3, H, W) -> uint8 (3, size, size), antialiased; a painting fills its sheet, and nothing is moved."""
    seen = Image.fromarray(canvas.transpose(1, 2, 0)).resize((size, size), Image.Resampling.BOX)
    return np.asarray(seen, dtype=np.uint8).transpose(2, 0, 1).copy()


def _centre_of_mass(image: np.ndarray) -> np.ndarray:
    """(row, column) of an image (H, W), counted from its upper left corner: a pixel's own centre is at half a pixel."""
    mass = image.astype(np.float64)
    down, across = (mass.sum(1 - axis) @ (np.arange(n) + 0.5) for axis, n in enumerate(image.shape))
    return np.array((down, across)) / mass.sum()
