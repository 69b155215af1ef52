"""Fetching files: to a temporary name, never more bytes than expected, checked by SHA-256, moved into place at the end."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from vae.errors import DataError

TIMEOUT_SECONDS = 15
PIECE = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file's name, its size in bytes and its SHA-256, both after unpacking."""

    name: str
    size: int
    sha256: str


Unpack = Callable[[Any], BufferedIOBase]  # what arrives -> the file in it


def fetch(
    files: Sequence[RemoteFile],
    folder: Path,
    mirrors: Sequence[str],
    progress: Callable[[float], object],
    *,
    suffix: str = "",
    unpack: Unpack | None = None,
) -> None:
    """Bring every file that folder lacks, trying the mirrors in turn. One process at a time; DataError if no mirror works."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    total, done = sum(f.size for f in files), 0
    with FileLock(folder / ".lock"):
        for file in files:
            if not ((folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size):
                _fetch_from_any(
                    file, folder, mirrors, suffix, unpack, lambda n, base=done: progress((base + n) / total)
                )
            done += file.size
            progress(done / total)


def _fetch_from_any(
    file: RemoteFile,
    folder: Path,
    mirrors: Sequence[str],
    suffix: str,
    unpack: Unpack | None,
    count: Callable[..., object],
) -> None:
    reasons = []
    for mirror in mirrors:
        try:
            return _fetch_one(file, folder, mirror.rstrip("/") + "/" + file.name + suffix, unpack, count)
        except (OSError, EOFError, zlib.error, DataError) as reason:  # URLError and timeouts are OSErrors
            reasons.append(str(getattr(reason, "reason", None) or reason or type(reason).__name__))
    raise DataError(f"{file.name} could not be fetched from any of {len(mirrors)} places ({'; '.join(reasons)}).")


def _fetch_one(file: RemoteFile, folder: Path, url: str, unpack: Unpack | None, count: Callable[[int], object]) -> None:
    digest, size = hashlib.sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".part-")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response, os.fdopen(handle, "wb") as out:
            stream = unpack(response) if unpack else response
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > file.size:
                    raise DataError(f"more than the expected {file.size:,} bytes arrived")
                digest.update(piece)
                out.write(piece)
                count(size)
        if digest.hexdigest() != file.sha256:
            raise DataError(f"what arrived ({size:,} bytes) is not the expected file: its SHA-256 differs")
        os.replace(temporary, folder / file.name)
    finally:
        Path(temporary).unlink(missing_ok=True)
