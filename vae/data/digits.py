"""scikit-learn's handwritten digits: 1,797 real 8 x 8 images that are always there, without a network."""

from __future__ import annotations

import torch

from vae.data.dataset import ImageDataset
from vae.data.source import Source

N_TRAIN, N_TEST = 1437, 360  # in file order, so that the test digits come from other writers


def load() -> ImageDataset:
    """Pixels 0..16 become 0..255. Source: https://archive.ics.uci.edu/dataset/80"""
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = torch.from_numpy(raw.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(raw.target).long()
    return ImageDataset("digits", images, labels, tuple("0123456789"), N_TRAIN)


SOURCE = Source(
    "digits",
    "Small digits 8×8, always here",
    (1, 8, 8),
    N_TRAIN,
    N_TEST,
    tuple("0123456789"),
    lambda root: load(),
    licence="CC BY 4.0",
    citation="Alpaydin and Kaynak 1998",
    url="https://archive.ics.uci.edu/dataset/80",
    about="Handwritten digits, each pixel a count of 0 to 16 ink points: many greys, few pixels.",
)
