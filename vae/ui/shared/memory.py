"""Memory that visitors needed goes back to the system when they have left: glibc keeps what was freed between what was not,
in an arena for each of many threads."""

from __future__ import annotations

import asyncio
import ctypes
import sys

EVERY_SECONDS = 30.0


def give_back() -> bool:
    """Whether there was something to give. Takes some milliseconds, in which other threads go on."""
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl not
    return bool(trim and trim(0))


async def keep_giving_back() -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await asyncio.to_thread(give_back)
