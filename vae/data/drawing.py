"""What the data sets that are drawn by code share: which levels their factors take, and how shapes become pixels.

The pictures are the same bytes on every machine: which level comes where follows from raw words of a bit generator, whose
stream numpy promises to keep (https://numpy.org/neps/nep-0019-rng-policy.html), and a pixel is a count of points that lie
in a shape, told by sums and products alone, which IEEE 754 rounds in one way. No sine, no root, no sum of fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vae.data.dataset import Factor, Factors
from vae.errors import SettingError

SAMPLES = 4  # points a pixel and direction: a pixel has one of 17 levels of coverage
POINTS = SAMPLES * SAMPLES
SMALLEST, LARGEST = 8, 128  # pixels a side


def chosen(seed: int, among: int, n: int) -> NDArray[np.int64]:
    """n of the numbers 0..among-1, none twice, in an order that the seed decides."""
    return np.argsort(np.random.PCG64(seed).random_raw(among), kind="stable")[:n].astype(np.int64)


def chosen_levels(factors: Sequence[Factor], seed: int, n: int) -> NDArray[np.int64]:
    """(n, K): the place of each factor's level among its levels, no combination twice."""
    grid = tuple(len(factor.levels) for factor in factors)
    return np.stack(np.unravel_index(chosen(seed, math.prod(grid), n), grid), axis=1)


def factors_at(factors: tuple[Factor, ...], places: NDArray[np.int64]) -> Factors:
    """The values of the factors at those places among their levels, (n, K)."""
    columns = [np.array(factor.levels)[places[:, k]] for k, factor in enumerate(factors)]
    return Factors(factors, torch.from_numpy(np.stack(columns, axis=1).astype(np.float32)))


def counted(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Whether each point is inside, (..., 4 H, 4 W) -> how many of each pixel's 16 points are, (..., H, W)."""
    *front, rows, columns = inside.shape
    across = inside.view(np.uint8).reshape(*front, rows, columns // SAMPLES, SAMPLES).sum(-1, dtype=np.uint8)
    return across.reshape(*front, rows // SAMPLES, SAMPLES, columns // SAMPLES).sum(-2, dtype=np.uint8)


def check_size(size: int) -> None:
    """SettingError for a size that pictures are not drawn at."""
    if not SMALLEST <= size <= LARGEST:
        raise SettingError("size", size, f"pictures are drawn at {SMALLEST} to {LARGEST} pixels a side")
