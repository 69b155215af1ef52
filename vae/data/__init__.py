"""Image data sets. One record each; load_dataset(name) brings one as an ImageDataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from vae.data import digits, mnist, olivetti
from vae.data.dataset import ImageDataset, to_unit
from vae.errors import SettingError

__all__ = [
    "DATASETS",
    "ImageDataset",
    "Source",
    "carry",
    "data_folder",
    "default_dataset",
    "find_source",
    "load_dataset",
    "to_unit",
]


def data_folder() -> Path:
    """Where fetched data sets live: the environment's VAE_DATA, else a folder "data" beside the app."""
    return Path(os.environ.get("VAE_DATA") or Path(__file__).parents[2] / "data")


_carried: dict[str, ImageDataset] = {}


def carry(name: str, data: ImageDataset) -> None:
    """Have load_dataset(name) give this one, as its files are elsewhere: on a worker of another machine."""
    _carried[name] = data


def _nothing_to_download(root: Path, progress: Callable[[float], object]) -> None:
    progress(1.0)


@dataclass(frozen=True)
class Source:
    """A data set that can be loaded: what it is known to be before it is read, and how to read or fetch it."""

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

    def is_present(self) -> bool:
        return self.name in _carried or self.present(data_folder())


DATASETS: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(
                "mnist",
                "MNIST digits 28×28",
                (1, 28, 28),
                mnist.N_TRAIN,
                mnist.N_TEST,
                tuple("0123456789"),
                mnist.load,
                mnist.present,
                mnist.download,
                12,
            ),
            Source(
                "digits",
                "Small digits 8×8, always here",
                (1, 8, 8),
                digits.N_TRAIN,
                digits.N_TEST,
                tuple("0123456789"),
                lambda root: digits.load(),
            ),
            Source(
                "olivetti",
                "Olivetti faces 64×64",
                (1, 64, 64),
                olivetti.N_TRAIN,
                olivetti.N_TEST,
                olivetti.CLASSES,
                olivetti.load,
                olivetti.present,
                olivetti.download,
                2,
            ),
        )
    }
)


def find_source(name: object) -> Source:
    """The record of that data set; SettingError names the known ones."""
    if not isinstance(name, str) or name not in DATASETS:
        raise SettingError("dataset", name, f"one of {', '.join(DATASETS)} is accepted")
    return DATASETS[name]


def default_dataset() -> str:
    """mnist when it is on this machine, digits otherwise."""
    return "mnist" if DATASETS["mnist"].is_present() else "digits"


def load_dataset(name: str, size: int = 0) -> ImageDataset:
    """The data set of that name, at its own resolution or resized to size x size; kept in memory for the next call."""
    find_source(name)
    return _load(name, size, data_folder())


@lru_cache(maxsize=4)
def _load(name: str, size: int, root: Path) -> ImageDataset:
    data = _carried[name] if name in _carried else DATASETS[name].load(root)
    return data.resized(size) if size and data.shape[1:] != (size, size) else data
