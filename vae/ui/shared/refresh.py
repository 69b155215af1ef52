"""Parts of a page that refresh by themselves, as often as the server can bear.

The browser asks (refresh.js), and never again before it has its answer; each answer says in how many seconds to ask next.
All refreshes together get a fixed share of the machine, so that a full class sees fewer of them and trains no slower.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import streamlit as st

from vae.errors import VaeError
from vae.ui.shared.owner import session_id
from vae.ui.shared.words import say

# Seconds that a part asks for: where something is about to move, where it moves, and where something grows.
SOON, OFTEN, SELDOM = 0.1, 0.35, 1.0
SHARE_OF_MACHINE = 0.02  # of all cores, in the scripts that make refreshes; sending them costs about as much again
USUAL = 0.02  # seconds of a core that a refresh costs, before anything is known of a part
SURPRISE = (
    2.0  # times as much as before is believed at once: a server's first refresh imports what draws it, for seconds
)
LATE = 10.0  # seconds after which somebody who was due to ask is not counted any more

_timer = st.components.v2.component(
    "vae_refresh", js=Path(__file__).with_name("refresh.js").read_text(), isolate_styles=False
)
_beats = itertools.count(1)


class Governor:
    """Says how long whoever has just been answered waits, so that all together cost no more than `cores`."""

    def __init__(self, cores: float):
        self.cores = cores
        self._asking: dict[str, tuple[float, float]] = {}  # who -> (seconds a refresh costs, when the next one is due)
        self._lock = threading.Lock()

    def after(self, who: str, cost: float, wanted: float, now: float) -> float:
        """Seconds until the next refresh of `who`, whose last one took `cost` seconds of a core; at least `wanted`."""
        with self._lock:
            self._asking = {name: held for name, held in self._asking.items() if held[1] > now - LATE}
            before = self._asking.get(who, (min(cost, USUAL), 0.0))[0]
            self._asking[who] = ((before + min(cost, SURPRISE * before)) / 2, now)
            seconds = max(wanted, sum(held[0] for held in self._asking.values()) / self.cores)
            self._asking[who] = (self._asking[who][0], now + seconds)
            return seconds

    @property
    def watchers(self) -> int:
        """How many parts of pages refresh at present."""
        return len(self._asking)


governor = Governor(SHARE_OF_MACHINE * (os.cpu_count() or 1))


def refreshing(part: Callable[..., float | None], every: float | None, *arguments) -> None:
    """Put part(*arguments) on the page, as a fragment that is made anew every so many seconds, or after as many as it
    returns, or more slowly where many look; None: only when something in it is used."""

    @wraps(part)
    def beating(*arguments) -> None:
        began, wanted = time.thread_time(), None
        try:
            wanted = part(*arguments)
        except VaeError as reason:  # the page's own code is not around a refresh
            say(reason, "warning")
        if every is not None:
            name = f"refresh.{part.__module__}.{part.__name__}"
            cost = time.thread_time() - began
            after = governor.after(f"{session_id()}.{name}", cost, wanted or every, time.monotonic())
            _timer(data={"after": round(after, 3), "beat": next(_beats)}, key=name, on_beat_change=_nothing)

    st.fragment(beating)(*arguments)


def _nothing() -> None:
    """A callback is how a component declares a trigger; the refresh is all that it is for."""
