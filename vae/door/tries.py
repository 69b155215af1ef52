"""Wrong codes, counted by address: many at first, as a class may share one, then few."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

AT_ONCE = 40  # wrong codes of one address in a row
EVERY = 5.0  # seconds until it has another one
IN_ALL_AT_ONCE, IN_ALL_EVERY = 400, 0.5  # the same over all addresses
ADDRESSES_KEPT = 10_000


class Tries:
    """A wrong code costs a try; tries come back with time. Where none is left nobody there is heard."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._of: OrderedDict[str, float] = OrderedDict()  # address -> when it will have all of its tries again
        self._in_all = 0.0

    def wait(self, address: str) -> float:
        """Seconds until a code from there is heard; 0 where it is at once."""
        now = self._clock()
        own = self._of.get(_network(address), 0.0) - now - (AT_ONCE - 1) * EVERY
        return max(0.0, own, self._in_all - now - (IN_ALL_AT_ONCE - 1) * IN_ALL_EVERY)

    def wrong(self, address: str) -> None:
        now, name = self._clock(), _network(address)
        self._of[name] = max(now, self._of.get(name, 0.0)) + EVERY
        self._of.move_to_end(name)
        self._in_all = max(now, self._in_all) + IN_ALL_EVERY
        while len(self._of) > ADDRESSES_KEPT:
            self._of.popitem(last=False)


def _network(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
