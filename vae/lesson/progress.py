"""How far each browser has come: the step it last saw of a tour, and the exercises it has passed. In memory alone, so that a
reload goes on; what is to last is a receipt."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

MOST = 2000  # browsers; of those beyond, the one that was longest not here is forgotten


@dataclass(frozen=True)
class Passed:
    """said: the figures reached; link: page and settings that show them."""

    said: str
    link: str
    when: datetime


@dataclass(frozen=True)
class Come:
    """steps: tour -> the number of the step, from 1. passed: exercise -> how."""

    steps: Mapping[str, int] = field(default_factory=dict)
    passed: Mapping[str, Passed] = field(default_factory=dict)


class Progress:
    """By the owner of a browser. Thread-safe."""

    def __init__(self, most: int = MOST):
        self._most = most
        self._come: dict[str, Come] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> Come:
        return self._come.get(owner, Come())

    def at(self, owner: str, tour: str, step: int) -> None:
        with self._lock:
            come = self._come.pop(owner, Come())
            self._keep(owner, replace(come, steps={**come.steps, tour: step}))

    def passes(self, owner: str, exercise: str, how: Passed) -> None:
        """The first time counts: a receipt says when that was."""
        with self._lock:
            come = self._come.pop(owner, Come())
            self._keep(owner, replace(come, passed={exercise: how, **come.passed}))

    def forget(self, owner: str) -> None:
        with self._lock:
            self._come.pop(owner, None)

    def _keep(self, owner: str, come: Come) -> None:
        self._come[owner] = come
        while len(self._come) > self._most:
            self._come.pop(next(iter(self._come)))


PROGRESS = Progress()
