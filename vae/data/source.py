"""What is known of a data set before it is read: its record."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vae.data.dataset import ImageDataset


def of_scikit_learn(name: str) -> Path:
    """A data file that scikit-learn ships, found without importing it: that takes seconds and 50 MB in each process."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "datasets" / name


def data_folder() -> Path:
    """Where fetched data sets live: the environment's VAE_DATA, else a folder "data" beside the app."""
    return Path(os.environ.get("VAE_DATA") or Path(__file__).parents[2] / "data")


carried: dict[str, ImageDataset] = {}


def carry(name: str, data: ImageDataset) -> None:
    """Have load_dataset(name) give this one, as its files are elsewhere: on a worker of another machine."""
    carried[name] = data


def _nothing_to_download(root: Path, progress: Callable[[float], object]) -> None:
    progress(1.0)


@dataclass(frozen=True)
class Source:
    """A data set that can be loaded: what it is known to be before it is read, and how to read or fetch it.

    about: in one sentence what it shows, and what is special about its pixels. factors: the names of those known of
    every picture. drawn: of a set that code draws, how it is drawn at so many pixels a side; others are resized.
    """

    name: str
    title: str
    shape: tuple[int, int, int]  # (C, H, W)
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    load: Callable[[Path], ImageDataset]
    present: Callable[[Path], bool] = lambda root: True
    download: Callable[[Path, Callable[[float], object]], None] = _nothing_to_download
    megabytes: int = 0  # to download, about
    licence: str = ""
    citation: str = ""
    url: str = ""
    about: str = ""
    factors: tuple[str, ...] = ()
    drawn: Callable[[int], ImageDataset] | None = None

    def is_present(self) -> bool:
        return self.name in carried or self.present(data_folder())

    def n_bytes(self, size: int = 0) -> int:
        """What all its images take in memory while they are brought to size x size, or as they are."""
        channels, height, width = self.shape
        pixels = size * size or height * width
        if size and not self.drawn and (height, width) != (size, size):
            pixels += height * width  # resized: both are there at the end
        return (self.n_train + self.n_test) * channels * pixels
