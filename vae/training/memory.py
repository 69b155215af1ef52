"""Memory that a step frees is kept for the next one.

A step takes and frees the same tens of megabytes. glibc's malloc hands them back to the system and asks for them again, as pages
that have to be cleared and mapped: of a small net's step a third of its time, and nothing gained, as the next step needs them.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# glibc's names for mallopt(), malloc.h. A higher threshold than 32 MiB it does not take, as it is half of an arena's heap.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
# A pad is asked for with every allocation that finds no room: where memory is bounded, one of 64 MiB would make a small message
# fail as soon as less than that is left, and a worker that cannot speak dies.
SETTINGS = {TRIM_THRESHOLD: 1 << 30, TOP_PAD: 1 << 20, MMAP_THRESHOLD: 32 << 20, ARENA_MAX: 1}


ITS_OWN = "MALLOC_TRIM_THRESHOLD_"  # where the environment has it, it is left alone: little memory matters more there
EVERY_SECONDS = 10.0


def keep_freed() -> bool:
    """For this process, from now on; whether its C library has such settings, and its environment none of its own."""
    mallopt = _of_glibc("mallopt")
    if mallopt is None or ITS_OWN in os.environ:
        return False
    return all(mallopt(setting, value) == 1 for setting, value in SETTINGS.items())


def trim() -> bool:
    """Whether memory went back to the system. Takes some milliseconds, in which other threads go on."""
    found = _of_glibc("malloc_trim")
    return bool(found and found(0))


def keep_trimming() -> None:
    """What lies free for longer, as after an evaluation, goes back now and then; a step that runs misses ten milliseconds."""
    if _of_glibc("malloc_trim") is None:
        return

    def go_on() -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            trim()

    threading.Thread(target=go_on, name="vae-trim", daemon=True).start()


@contextmanager
def not_found(module: str) -> Iterator[None]:
    """What is imported in here finds no such module, unless it is imported already, and does without it."""
    known: dict[str, Any] = sys.modules
    if module in known:
        yield
        return
    known[module] = None  # the import system's own word for a module that is not to be found
    try:
        yield
    finally:
        del known[module]


def _of_glibc(name: str) -> Any:
    """A function that glibc has, and musl and other systems have not: None."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
