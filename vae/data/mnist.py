"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, read by torchvision from VAE_DATA, fetched only on request."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import torch

from vae.data.dataset import ImageDataset
from vae.data.fetch import RemoteFile, fetch
from vae.errors import DataError

N_TRAIN, N_TEST = 60_000, 10_000

# Checked after unpacking, so the check does not depend on who packed the file.
FILES = (
    RemoteFile(
        "train-images-idx3-ubyte", 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    RemoteFile("train-labels-idx1-ubyte", 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    RemoteFile("t10k-images-idx3-ubyte", 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    RemoteFile("t10k-labels-idx1-ubyte", 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)


def present(root: Path) -> bool:
    """Whether the four files lie under root/MNIST/raw with their right sizes."""
    raw = root / "MNIST" / "raw"
    return all((raw / f.name).is_file() and (raw / f.name).stat().st_size == f.size for f in FILES)


def load(root: Path) -> ImageDataset:
    """DataError where the files are absent or not of the right size."""
    if not present(root):
        raise DataError(
            "MNIST is not on this machine: fetch it on the Train page or with 'python -m vae fetch mnist', "
            "or take the data set 'digits', which is always there."
        )
    from vae.data.torchvision_import import datasets

    train, test = datasets.MNIST(root, train=True), datasets.MNIST(root, train=False)
    images = torch.cat((train.data, test.data)).unsqueeze(1)
    labels = torch.cat((train.targets, test.targets))
    return ImageDataset("mnist", images, labels, tuple("0123456789"), N_TRAIN)


def download(root: Path, progress: Callable[[float], object], mirrors: tuple[str, ...] | None = None) -> None:
    """Fetch the files that are missing; progress is called with the share done, 0 to 1. DataError says what failed."""
    if mirrors is None:
        from vae.data.torchvision_import import datasets

        mirrors = tuple(datasets.MNIST.mirrors)
    fetch(FILES, root / "MNIST" / "raw", mirrors, progress, suffix=".gz", unpack=gzip.open)
