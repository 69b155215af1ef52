"""Labeled Faces in the Wild: 13,233 colour photographs of 250 x 250 pixels, here their middles at 64 x 64.

Fetched on request and unpacked to where scikit-learn looks for it too. Read here picture by picture: scikit-learn's own
reader needs gigabytes for all of them in colour, and keeps what it read as a pickle.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from vae.data.dataset import ImageDataset
from vae.data.fetch import RemoteFile, fetch
from vae.data.jpegs import read_jpegs
from vae.data.source import Source
from vae.errors import DataError

PHOTOGRAPH, CROP, SIDE = (250, 250), 128, 64
N_TRAIN, N_TEST = 12_000, 1_233  # by name of the person, so that the people of the test set are others
ARCHIVE = RemoteFile(
    "lfw-funneled.tgz", 243_346_528, "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a"
)


def present(root: Path) -> bool:
    """Whether the photographs lie under root/lfw_home/lfw_funneled."""
    return _folder(root).is_dir()


def load(root: Path, n_train: int = N_TRAIN, n_test: int = N_TEST) -> ImageDataset:
    """Source: http://vis-www.cs.umass.edu/lfw/; without labels, as most people are there once. DataError if absent."""
    if not present(root):
        raise DataError(
            "The LFW faces are not on this machine: fetch them on the Train page or with 'python -m vae fetch lfw', "
            "or take the data set 'digits', which is always there."
        )
    paths = sorted(_folder(root).glob("*/*.jpg"), key=lambda path: path.as_posix())
    if len(paths) != n_train + n_test:
        raise DataError(
            f"{_folder(root)} holds {len(paths):,} photographs of {n_train + n_test:,}: remove that folder and fetch them."
        )
    return ImageDataset.divided("lfw", read_jpegs(paths, PHOTOGRAPH, CROP, SIDE), None, (), n_train)


def download(
    root: Path,
    progress: Callable[[float], object],
    archive: RemoteFile = ARCHIVE,
    mirrors: tuple[str, ...] | None = None,
) -> None:
    """Fetch the archive, unless it is there, and unpack it. DataError says what failed, and what can be done by hand."""
    from filelock import FileLock

    home = root / "lfw_home"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".unpacking"):
        if not present(root):
            try:
                fetch([archive], home, _mirrors() if mirrors is None else mirrors, progress)
            except DataError as reason:
                raise DataError(f"{reason} Download it in a browser, put it in {home} and fetch again.") from None
            _unpack(home / archive.name, _folder(root))
    progress(1.0)


def _folder(root: Path) -> Path:
    return root / "lfw_home" / "lfw_funneled"


def _mirrors() -> tuple[str, ...]:
    from sklearn.datasets._lfw import FUNNELED_ARCHIVE  # its only public way to the address fetches at once

    return (FUNNELED_ARCHIVE.url,)


def _unpack(archive: Path, folder: Path) -> None:
    """The folder in the archive, put in place when it is whole; then the archive is removed, as scikit-learn does."""
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".part-") as temporary:
        try:
            with tarfile.open(archive, "r:gz") as packed:
                packed.extractall(temporary, filter="data")
            os.replace(Path(temporary) / folder.name, folder)
        except (OSError, EOFError, zlib.error, tarfile.TarError) as reason:
            raise DataError(f"{archive} cannot be unpacked ({reason}): remove it and fetch again.") from None
    archive.unlink()


SOURCE = Source(
    "lfw",
    "LFW faces in colour 64×64",
    (3, SIDE, SIDE),
    N_TRAIN,
    N_TEST,
    (),
    load,
    present,
    download,
    243,
    licence="none stated; news photographs, published for research",
    citation="Huang, Ramesh, Berg and Learned-Miller 2007; aligned by Huang, Jain and Learned-Miller 2007",
    url="http://vis-www.cs.umass.edu/lfw/",
    about="News photographs of 5,749 people in colour, faces in the middle: every light, pose and background.",
)
