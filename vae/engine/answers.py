"""What a worker finds once for all who ask, while nobody waits: the page that asks looks again a little later."""

from __future__ import annotations

import threading
from asyncio import CancelledError as LoopCancelled
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from vae.engine.workers import Found, Workers
from vae.errors import VaeError

KEPT = 256

T = TypeVar("T")


class Answers:
    """By key: what was found, why nothing was, or None while a worker looks."""

    def __init__(self, workers: Workers):
        self._workers = workers
        self._known: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Hashable, function: Callable[..., T], *arguments: object) -> T | None:
        """function(*arguments), on a worker; None until it is here. VaeError, each time, where that has failed."""
        with self._lock:
            if key not in self._known:
                while len(self._known) >= KEPT:
                    self._known.popitem(last=False)
                self._workers.apart(lambda found: self._keep(key, found), function, *arguments)
                self._known[key] = None
            found: T | BaseException | None = self._known[key]
        if isinstance(found, VaeError):
            raise found
        if isinstance(found, BaseException):
            raise VaeError(f"A worker failed: {type(found).__name__}: {found}")
        return found

    def _keep(self, key: Hashable, found: Found) -> None:
        with self._lock:
            if isinstance(
                found, (CancelledError, LoopCancelled)
            ):  # its scheduler has gone: whoever asks again starts again
                self._known.pop(key, None)
            else:
                self._known[key] = found if isinstance(found, BaseException) else found[0]

    def forget(self) -> None:
        """All of them, as after the scheduler has gone."""
        with self._lock:
            self._known.clear()
