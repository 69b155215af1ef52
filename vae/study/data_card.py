"""What a data set is before anything is trained on it: its pictures, how its pixels are spread, what even a perfect copy costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vae.data import load_dataset
from vae.training.evaluation import entropy_floor
from vae.training.pixels import treated
from vae.training.step import as_bytes

SHOWN, LOOKED_AT, BINS = 24, 2000, 32


@dataclass(frozen=True, eq=False)
class DataCard:
    """pictures: uint8 (n, C, H, W), of the training images as they are treated. edges (BINS + 1,), shares (BINS,): a histogram
    of pixels. between: the share of pixels strictly between 0 and 1. floor: BCE of a perfect copy, nats per image."""

    pictures: np.ndarray
    edges: np.ndarray
    shares: np.ndarray
    between: float
    floor: float
    megabytes: float


@lru_cache(maxsize=16)
def data_card(dataset: str, size: int, pixels: str) -> DataCard:
    """Of the first training images, under that treatment of pixels. DataError where the data set is not here."""
    data = load_dataset(dataset, size)
    images = data.train[:LOOKED_AT]
    x = treated(pixels, images)
    counts, edges = np.histogram(x.numpy(), BINS, (0, 1))
    return DataCard(
        as_bytes(x[:SHOWN]),
        edges,
        counts / counts.sum(),
        float(((x > 0) & (x < 1)).double().mean()),
        float(entropy_floor(data.test[:LOOKED_AT], pixels).mean()),
        (data.train.numel() + data.test.numel()) / 1e6,
    )
