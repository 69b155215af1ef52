"""Data sets in MNIST's format, idx: four files of 28 x 28 images and their labels, fetched from where torchvision does."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vae.data.dataset import ImageDataset
from vae.data.fetch import RemoteFile, fetch
from vae.data.source import Source
from vae.errors import DataError

N_TRAIN, N_TEST = 60_000, 10_000
SIDE = 28
# Name and size of each file: a header of 16 or 8 bytes, then a byte for each pixel or label.
LAYOUT = tuple(
    (f"{part}-{kind}", header + n * each)
    for part, n in (("train", N_TRAIN), ("t10k", N_TEST))
    for kind, header, each in (("images-idx3-ubyte", 16, SIDE * SIDE), ("labels-idx1-ubyte", 8, 1))
)


@dataclass(frozen=True)
class IdxSet:
    """One of them. name: its key in DATASETS. kind: torchvision's class, and the folder of its files."""

    name: str
    kind: str
    classes: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    n_train: int = N_TRAIN

    def source(self, title: str, *, megabytes: int, licence: str, citation: str, url: str, about: str) -> Source:
        """Its record, with what the format leaves open."""
        return Source(
            self.name,
            title,
            (1, SIDE, SIDE),
            N_TRAIN,
            N_TEST,
            self.classes,
            self.load,
            self.present,
            self.download,
            megabytes,
            licence,
            citation,
            url,
            about,
        )

    def present(self, root: Path) -> bool:
        """Whether the four files lie under root/KIND/raw with their right sizes."""
        return all(file.is_in(root / self.kind / "raw") for file in self.files)

    def load(self, root: Path) -> ImageDataset:
        """DataError where the files are absent, not of the right size, or not what their names say."""
        if not self.present(root):
            raise DataError(
                f"{self.kind} is not on this machine: fetch it on the Train page or with "
                f"'python -m vae fetch {self.name}', or take the data set 'digits', which is always there."
            )
        train, train_labels, test, test_labels = (_read(root / self.kind / "raw" / file.name) for file in self.files)
        labels = np.concatenate((train_labels, test_labels)).astype(np.int64)
        whole = train.shape == (self.n_train, SIDE, SIDE) and test.shape == (len(labels) - self.n_train, SIDE, SIDE)
        if not whole or len(train_labels) != self.n_train or labels.max() >= len(self.classes):
            raise DataError(
                f"The files of {self.kind} in {root / self.kind} are damaged: remove that folder and fetch them."
            )
        shown, held_out = (torch.from_numpy(part).view(-1, 1, SIDE, SIDE) for part in (train, test))
        return ImageDataset(self.name, shown, held_out, torch.from_numpy(labels), self.classes)

    def download(self, root: Path, progress: Callable[[float], object], mirrors: tuple[str, ...] | None = None) -> None:
        """Fetch the files that are missing; progress is called with the share done, 0 to 1. DataError says what failed."""
        if mirrors is None:
            from vae.data.torchvision_import import datasets

            mirrors = tuple(mirror.rstrip("/") + "/" for mirror in getattr(datasets, self.kind).mirrors)
        fetch(self.files, root / self.kind / "raw", mirrors, progress, suffix=".gz", unpack=gzip.open)


def _read(file: Path) -> np.ndarray:
    """An idx file of bytes, empty where it is none: http://yann.lecun.com/exdb/mnist. Torchvision reads it likewise, after
    two seconds of import in each of a server's processes. The file is mapped: its pages are read when they are looked at, are
    in memory once for all processes, and may be dropped; whoever writes to them writes to a copy."""
    dimensions = 3 if "idx3" in file.name else 1
    content = np.memmap(file, np.uint8, mode="c")
    shape = tuple(content[4 : 4 + 4 * dimensions].view(">u4").tolist())
    held = content[4 + 4 * dimensions :]
    if content[:4].tobytes() != bytes((0, 0, 8, dimensions)) or held.size != math.prod(shape):
        return np.empty((0,) * dimensions, np.uint8)
    return held.reshape(shape)


def files_by_sha256(*sums: str) -> tuple[RemoteFile, ...]:
    """The four files, known by what is in them."""
    return tuple(RemoteFile(name, size, sha256) for (name, size), sha256 in zip(LAYOUT, sums, strict=True))


def files_by_md5(*sums: str) -> tuple[RemoteFile, ...]:
    """The four files, known by the packed files that torchvision names."""
    return tuple(RemoteFile(name, size, packed_md5=md5) for (name, size), md5 in zip(LAYOUT, sums, strict=True))
