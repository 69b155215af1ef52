"""Image data sets. One record each; load_dataset(name) brings one as an ImageDataset.

DATASETS are for everybody. Pictures that somebody brought are found by whoever knows their name, and are in no list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from vae.data import celeba, digits, faces, lfw, mnist, olivetti, own, patches, sprites
from vae.data.dataset import Factor, Factors, ImageDataset, to_unit
from vae.data.source import Source, carried, carry, data_folder
from vae.errors import DataError, SettingError

__all__ = [
    "DATASETS",
    "Factor",
    "Factors",
    "ImageDataset",
    "Source",
    "bring",
    "brought",
    "carry",
    "data_folder",
    "default_dataset",
    "find_source",
    "forget",
    "load_dataset",
    "memory_allowed",
    "register",
    "to_unit",
]

_sources: dict[str, Source] = {}
DATASETS: Mapping[str, Source] = MappingProxyType(_sources)
_own: dict[str, Source] = {}  # of pictures that somebody brought


def register(source: Source) -> None:
    """Add a data set, here and now: on workers of other processes it is to be added too. SettingError if its name is taken."""
    if source.name in _sources:
        raise SettingError("name", source.name, "it is the name of another data set")
    _sources[source.name] = source


for _source in (
    mnist.SOURCE,
    digits.SOURCE,
    olivetti.SOURCE,
    sprites.SOURCE,
    faces.SOURCE,
    patches.SOURCE,
    patches.COLOUR_SOURCE,
    mnist.FASHION_SOURCE,
    mnist.KMNIST_SOURCE,
    lfw.SOURCE,
    celeba.SOURCE,
):
    register(_source)


def find_source(name: object) -> Source:
    """The record of that data set; SettingError names the known ones."""
    found = DATASETS.get(name) or _own.get(name) if isinstance(name, str) else None
    if found is None:
        accepted = own.NOT_HERE if own.is_own(name) else f"one of {', '.join(DATASETS)} is accepted"
        raise SettingError("dataset", name, accepted)
    return found


def bring(data: ImageDataset) -> Source:
    """Have pictures that somebody brought at hand, here and now, under the name in the record that is returned: the same
    name for the same pictures, however often they come."""
    source = own.source_of(data)
    return _own.setdefault(source.name, source)


def brought() -> list[ImageDataset]:
    """All that somebody brought."""
    return [source.load(data_folder()) for source in list(_own.values())]


def forget(name: str) -> None:
    """Let go of pictures that somebody brought, at whatever size they are in memory."""
    if _own.pop(name, None) is not None:
        _load.cache_clear()


def default_dataset() -> str:
    """mnist when it is on this machine, digits otherwise."""
    return "mnist" if DATASETS["mnist"].is_present() else "digits"


def load_dataset(name: str, size: int = 0) -> ImageDataset:
    """The data set of that name, at its own resolution, or drawn at or resized to size x size; kept in memory for the next
    call. DataError where it is absent or damaged, or would take more memory than is allowed."""
    source = find_source(name)
    if name in _own and size in (0, source.shape[1]):  # in memory already, where they push nothing else out
        return source.load(data_folder())
    return _load(name, size, data_folder())


def memory_allowed() -> int:
    """Bytes that a data set may take: half of what this machine has left."""
    import psutil

    return int(psutil.virtual_memory().available) // 2


@lru_cache(maxsize=4)
def _load(name: str, size: int, root: Path) -> ImageDataset:
    source = find_source(name)
    _check_memory(source, size)
    if name in carried:
        data = carried[name]
    elif source.drawn and size:
        return source.drawn(size)
    else:
        data = source.load(root)
    return data.resized(size) if size and data.shape[1:] != (size, size) else data


def _check_memory(source: Source, size: int) -> None:
    needed, allowed = source.n_bytes(size), memory_allowed()
    if needed > allowed:
        raise DataError(
            f"The images of '{source.name}' would take {needed / 1e6:,.1f} MB of memory, and {allowed / 1e6:,.1f} MB may "
            "be taken, half of what is left: choose a smaller size, or a smaller data set."
        )
