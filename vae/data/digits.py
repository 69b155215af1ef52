"""scikit-learn's handwritten digits: 1,797 real 8 x 8 images that are always there, without a network."""

from __future__ import annotations

import numpy as np
import torch

from vae.data.dataset import ImageDataset
from vae.data.source import Source, of_scikit_learn

N_TRAIN, N_TEST = 1437, 360  # in file order, so that the test digits come from other writers


def load() -> ImageDataset:
    """Pixels 0..16 become 0..255. Source: https://archive.ics.uci.edu/dataset/80

    The file is scikit-learn's, and read as its load_digits() does.
    """
    raw = torch.from_numpy(np.loadtxt(of_scikit_learn("data/digits.csv.gz"), delimiter=","))
    images = raw[:, :-1].reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    return ImageDataset.divided("digits", images, raw[:, -1].long(), tuple("0123456789"), N_TRAIN)


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
