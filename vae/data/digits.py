"""scikit-learn's handwritten digits: 1,797 real 8 x 8 images that are always there, without a network."""

from __future__ import annotations

import torch

from vae.data.dataset import ImageDataset

N_TRAIN, N_TEST = 1437, 360  # in file order, so that the test digits come from other writers


def load() -> ImageDataset:
    """Pixels 0..16 become 0..255. Source: https://archive.ics.uci.edu/dataset/80"""
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = torch.from_numpy(raw.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(raw.target).long()
    return ImageDataset("digits", images, labels, tuple("0123456789"), N_TRAIN)
