"""Data sets in MNIST's format, idx: four files of 28 x 28 images and their labels, which torchvision reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
        from vae.data.torchvision_import import datasets

        read = getattr(datasets, self.kind)
        try:
            train, test = read(root, train=True), read(root, train=False)
            images = torch.cat((train.data, test.data)).view(-1, 1, SIDE, SIDE)
            labels = torch.cat((train.targets, test.targets))
            right = len(train.data) == self.n_train and len(images) == len(labels) and labels.max() < len(self.classes)
        except (AssertionError, LookupError, RuntimeError, ValueError):  # what torchvision's reader stumbles over
            right = False
        if not right:
            raise DataError(
                f"The files of {self.kind} in {root / self.kind} are damaged: remove that folder and fetch them."
            )
        return ImageDataset(self.name, images, labels, self.classes, self.n_train)

    def download(self, root: Path, progress: Callable[[float], object], mirrors: tuple[str, ...] | None = None) -> None:
        """Fetch the files that are missing; progress is called with the share done, 0 to 1. DataError says what failed."""
        if mirrors is None:
            from vae.data.torchvision_import import datasets

            mirrors = tuple(mirror.rstrip("/") + "/" for mirror in getattr(datasets, self.kind).mirrors)
        fetch(self.files, root / self.kind / "raw", mirrors, progress, suffix=".gz", unpack=gzip.open)


def files_by_sha256(*sums: str) -> tuple[RemoteFile, ...]:
    """The four files, known by what is in them."""
    return tuple(RemoteFile(name, size, sha256) for (name, size), sha256 in zip(LAYOUT, sums, strict=True))


def files_by_md5(*sums: str) -> tuple[RemoteFile, ...]:
    """The four files, known by the packed files that torchvision names."""
    return tuple(RemoteFile(name, size, packed_md5=md5) for (name, size), md5 in zip(LAYOUT, sums, strict=True))
