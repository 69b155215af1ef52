"""Fetching files: to a temporary name, never more bytes than expected, checked by a sum, moved into place at the end."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import time
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
SLOWEST = 2_000  # bytes a second, on average, after the first TIMEOUT_SECONDS
PIECE = 1 << 18
PACKING = 1 << 16  # bytes by which a packed file may be longer than what is in it


@dataclass(frozen=True)
class RemoteFile:
    """A file's name, its size in bytes after unpacking, and one of: its SHA-256 after unpacking, its MD5 as it arrives.

    The SHA-256 does not depend on who packed the file; the MD5 is for files of which no other sum is published.
    """

    name: str
    size: int
    sha256: str = ""
    packed_md5: str = ""

    def __post_init__(self) -> None:
        if bool(self.sha256) == bool(self.packed_md5):
            raise ValueError(f"{self.name} needs one sum, its SHA-256 or the MD5 of the packed file.")

    def is_in(self, folder: Path) -> bool:
        """Whether folder has it, as far as its size tells: its sum was checked when it came."""
        return (folder / self.name).is_file() and (folder / self.name).stat().st_size == self.size


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
    """Bring every file that folder lacks, trying the mirrors in turn. One process at a time; DataError if no mirror works.

    A mirror that ends in / is a folder of files named name + suffix; another is the address of the one file itself.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    total, done = sum(f.size for f in files), 0
    with FileLock(folder / ".lock"):
        for file in files:
            if not file.is_in(folder):
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
            return _fetch_one(
                file, folder, mirror + file.name + suffix if mirror.endswith("/") else mirror, unpack, count
            )
        except (OSError, EOFError, zlib.error, http.client.HTTPException, DataError) as reason:
            # URLError and timeouts are OSErrors; an answer that is not HTTP, or ends within a chunk, is not
            reasons.append(str(getattr(reason, "reason", None) or reason or type(reason).__name__))
    raise DataError(f"{file.name} could not be fetched from any of {len(mirrors)} places ({'; '.join(reasons)}).")


def _fetch_one(file: RemoteFile, folder: Path, url: str, unpack: Unpack | None, count: Callable[[int], object]) -> None:
    digest, size = hashlib.sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            arriving = _Arriving(response, file.size + PACKING)
            stream = unpack(arriving) if unpack else arriving
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > file.size:
                    raise DataError(f"more than the expected {file.size:,} bytes arrived")
                digest.update(piece)
                out.write(piece)
                count(size)
        if file.sha256 and digest.hexdigest() != file.sha256:
            raise DataError(f"what arrived ({size:,} bytes) is not the expected file: its SHA-256 differs")
        if file.packed_md5 and arriving.md5.hexdigest() != file.packed_md5:
            raise DataError(f"what arrived ({arriving.size:,} bytes) is not the expected file: its MD5 differs")
        if size != file.size:
            raise DataError(f"{size:,} bytes arrived where {file.size:,} were expected")
        os.replace(temporary, folder / file.name)
    finally:
        Path(temporary).unlink(missing_ok=True)


class _Arriving:
    """A response as it arrives, before it is unpacked: what it comes to, and whether it ever will come to an end."""

    def __init__(self, response: http.client.HTTPResponse, largest: int):
        self.md5, self.size = hashlib.md5(usedforsecurity=False), 0
        self._response, self._largest, self._started = response, largest, time.monotonic()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        pieces = b""
        while len(pieces) < size and (piece := self._response.read1(size - len(pieces))):
            pieces += piece
            self._check(len(piece))  # at every piece: a response that drips would fill none in days
        self.md5.update(pieces)
        return pieces

    def _check(self, more: int) -> None:
        self.size += more
        if self.size > self._largest:
            raise DataError(f"more than the expected {self._largest:,} bytes arrived")
        seconds = time.monotonic() - self._started
        if seconds > TIMEOUT_SECONDS and self.size < SLOWEST * seconds:
            raise DataError(f"only {self.size:,} bytes arrived in {seconds:.0f} seconds")
