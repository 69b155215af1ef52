"""Olivetti faces: 400 grey pictures of 64 x 64 pixels, ten of each of 40 people, read and fetched by scikit-learn.

Its loader keeps the pictures in a file of its own that it reads with joblib (a pickle): the one file here that is
unpickled, and only where scikit-learn itself has put it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from vae.data.dataset import ImageDataset
from vae.data.source import Source
from vae.errors import DataError

PEOPLE, EACH, TRAINED = 40, 10, 8  # the last two pictures of each person are for testing
N_TRAIN, N_TEST = PEOPLE * TRAINED, PEOPLE * (EACH - TRAINED)
CLASSES = tuple(f"person {i + 1}" for i in range(PEOPLE))


def present(root: Path) -> bool:
    """Whether scikit-learn's file lies under root/olivetti."""
    return (root / "olivetti" / "olivetti_py3.pkz").is_file()


def load(root: Path) -> ImageDataset:
    """Source: AT&T Laboratories Cambridge, https://scikit-learn.org/stable/datasets/real_world.html; DataError if absent."""
    if not present(root):
        raise DataError(
            "The Olivetti faces are not on this machine: fetch them on the Train page or with "
            "'python -m vae fetch olivetti', or take the data set 'digits', which is always there."
        )
    raw = _scikit_learns(root, download_if_missing=False)
    images = torch.from_numpy(raw.images).mul(255).round().to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(raw.target).long()
    taken = torch.arange(len(images)) % EACH
    order = torch.cat([(taken < TRAINED).nonzero(), (taken >= TRAINED).nonzero()]).flatten()
    return ImageDataset.divided("olivetti", images[order], labels[order], CLASSES, N_TRAIN)


def download(root: Path, progress: Callable[[float], object]) -> None:
    """Let scikit-learn fetch the file and check it; it tells of no progress in between. DataError says what failed."""
    progress(0.0)
    try:
        _scikit_learns(root, download_if_missing=True)
    except OSError as reason:
        raise DataError(f"The Olivetti faces could not be fetched ({getattr(reason, 'reason', reason)}).") from None
    progress(1.0)


def _scikit_learns(root: Path, **options: bool) -> Any:
    from sklearn.datasets import fetch_olivetti_faces

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a second try: what comes of it is said by the caller
        return fetch_olivetti_faces(data_home=root / "olivetti", n_retries=1, delay=0.1, **options)


SOURCE = Source(
    "olivetti",
    "Olivetti faces 64×64",
    (1, 64, 64),
    N_TRAIN,
    N_TEST,
    CLASSES,
    load,
    present,
    download,
    2,
    licence="free to use with acknowledgement of AT&T Laboratories Cambridge",
    citation="Samaria and Harter 1994",
    url="https://scikit-learn.org/stable/datasets/real_world.html",
    about="Photographs of 40 people: every grey, hardly a pixel black or white, and few pictures.",
)
