"""Labels that would lie on each other, moved apart."""

from __future__ import annotations

import itertools

import numpy as np

ROUNDS, TOUCHING = 200, 1e-6  # at most, and the share of a label by which two may overlap


def apart(middles: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Rectangles (n, 2), of width and height sizes (n, 2), moved up and down until none lies on another, in the order in which
    they stood; the rest stay."""
    found = middles.astype(float)
    for _ in range(ROUNDS):
        moved = False
        for i, j in itertools.combinations(np.argsort(middles[:, 1], kind="stable"), 2):
            across, up = (sizes[i] + sizes[j]) / 2 - (abs(found[j, 0] - found[i, 0]), found[j, 1] - found[i, 1])
            if across > TOUCHING * sizes[i, 0] and up > TOUCHING * sizes[i, 1]:
                found[i, 1], found[j, 1], moved = found[i, 1] - up / 2, found[j, 1] + up / 2, True
        if not moved:
            break
    return found
