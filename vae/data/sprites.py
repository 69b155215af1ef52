"""Sprites: a white square, ellipse or heart on black, drawn from five known factors as in dSprites.

dSprites: Matthey, Higgins, Hassabis and Lerchner 2017, https://github.com/google-deepmind/dsprites-dataset. Drawn here
with grey edges, on a coarser grid, and turned by less than a quarter: so no two combinations look alike, where dSprites
has a square that looks the same after 90 degrees.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from vae.data.dataset import Factor, ImageDataset
from vae.data.drawing import POINTS, SAMPLES, check_size, chosen_levels, counted, factors_at
from vae.data.source import Source

SIZE = 32
N_TRAIN, N_TEST = 10_000, 2_000
SHAPES = ("square", "ellipse", "heart")
FACTORS = (
    Factor("shape", (0, 1, 2), SHAPES),
    Factor("x", tuple(i / 15 for i in range(16)), ("left", "right")),
    Factor("y", tuple(i / 15 for i in range(16)), ("top", "bottom")),
    Factor("scale", (0.5, 0.65, 0.8, 1.0), ("small", "large")),
    Factor("rotation", tuple(7.5 * i for i in range(12)), ("upright", "turned")),  # degrees
)

REACH = 0.22  # of the largest sprite: from its centre to its farthest point, in widths of the picture
_PIECE = 32  # pictures drawn at once, which bounds the memory
# Cosine and sine of each rotation, written out: libraries differ in the last digit of theirs.
_COSINES = (1, 0.991445, 0.965926, 0.923880, 0.866025, 0.793353, 0.707107, 0.608761, 0.5, 0.382683, 0.258819, 0.130526)
_SINES = (0, 0.130526, 0.258819, 0.382683, 0.5, 0.608761, 0.707107, 0.793353, 0.866025, 0.923880, 0.965926, 0.991445)


def draw(size: int = SIZE) -> ImageDataset:
    """All of them at size x size pixels, the same bytes on every machine; labels are the shapes."""
    check_size(size)
    places = chosen_levels(FACTORS, seed=0, n=N_TRAIN + N_TEST)
    images = np.zeros((len(places), size, size), np.uint8)
    for shape, inside in enumerate((_in_square, _in_ellipse, _in_heart)):
        of_shape = np.flatnonzero(places[:, 0] == shape)
        for start in range(0, len(of_shape), _PIECE):
            which = of_shape[start : start + _PIECE]
            rows, columns, u, v = _points(places[which], size)
            grey = (counted(inside(u, v)) * np.uint16(255) + POINTS // 2) // POINTS
            images[which[:, None, None], rows[:, :, None], columns[:, None, :]] = grey
    labels = torch.from_numpy(places[:, 0].copy())
    return ImageDataset.divided(
        "sprites", torch.from_numpy(images).unsqueeze(1), labels, SHAPES, N_TRAIN, factors_at(FACTORS, places)
    )


Floats = NDArray[np.float32]


def _points(places: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """For n sprites the pixels around each, rows and columns (n, w), and where those pixels' points lie in the sprite's
    own coordinates, u to its right and v downwards, (n, 4 w, 4 w): from -1 to 1 where the sprite is."""
    _, x, y, scale, rotation = (np.array(f.levels)[places[:, k]] for k, f in enumerate(FACTORS))
    columns, across = _along(x, size)
    rows, down = _along(y, size)
    larger = (scale * REACH)[:, None]
    right = (across / larger).astype(np.float32)[:, None, :]
    below = (down / larger).astype(np.float32)[:, :, None]
    cosine, sine = (np.array(table, np.float32)[places[:, 4]][:, None, None] for table in (_COSINES, _SINES))
    return rows, columns, cosine * right + sine * below, cosine * below - sine * right


def _along(place: NDArray[np.float64], size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """In one direction: the pixels around the sprites' centres, (n, w), and their points' distances to it, (n, 4 w)."""
    centre = REACH + (1 - 2 * REACH) * place  # so that the largest sprite lies in the picture wherever it is
    width = min(size, math.ceil(2 * REACH * size) + 1)
    first = np.clip(np.floor((centre - REACH) * size), 0, size - width).astype(np.int64)
    samples = first[:, None] * SAMPLES + np.arange(width * SAMPLES)
    return first[:, None] + np.arange(width), (samples + 0.5) / (SAMPLES * size) - centre[:, None]


def _in_square(u: Floats, v: Floats) -> NDArray[np.bool_]:
    return np.maximum(np.abs(u), np.abs(v)) <= 0.7


def _in_ellipse(u: Floats, v: Floats) -> NDArray[np.bool_]:
    return u * u + 3 * v * v <= 1


def _in_heart(u: Floats, v: Floats) -> NDArray[np.bool_]:
    """The sextic heart, https://mathworld.wolfram.com/HeartCurve.html, its middle moved to where the sprite turns."""
    x, y = 1.3 * u, 0.2 - 1.3 * v
    x2, y2 = x * x, y * y
    round_it = x2 + y2 - 1
    return round_it * round_it * round_it <= x2 * y2 * y


SOURCE = Source(
    "sprites",
    "Sprites 32×32, drawn here",
    (1, SIZE, SIZE),
    N_TRAIN,
    N_TEST,
    SHAPES,
    lambda root: draw(),
    drawn=draw,
    factors=tuple(factor.name for factor in FACTORS),
    licence="MIT, as this program",
    citation="After dSprites: Matthey, Higgins, Hassabis and Lerchner 2017",
    url="https://github.com/google-deepmind/dsprites-dataset",
    about="One white shape on black, drawn from five known factors: its pixels are black or white but for the edges.",
)
