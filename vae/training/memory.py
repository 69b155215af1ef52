"""Memory that a step frees is kept for the next one.

A step takes and frees the same tens of megabytes. glibc's malloc hands them back to the system and asks for them again, as pages
that have to be cleared and mapped: of a small net's step a third of its time, and nothing gained, as the next step needs them.
"""

from __future__ import annotations

import ctypes
import sys

# glibc's names for mallopt(), malloc.h. A higher threshold than 32 MiB it does not take, as it is half of an arena's heap.
TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
SETTINGS = {TRIM_THRESHOLD: 1 << 30, TOP_PAD: 64 << 20, MMAP_THRESHOLD: 32 << 20, ARENA_MAX: 1}


def keep_freed() -> bool:
    """For this process, from now on, whatever its environment says; whether its C library has such settings."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return all(mallopt(setting, value) == 1 for setting, value in SETTINGS.items())
