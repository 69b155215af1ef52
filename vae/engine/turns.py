"""Whose chunk is next, and where: owners take turns by the worker seconds that they have had.

A fair queue as operating systems have it: who has had least is next, whoever comes new starts level with the others, and
an owner with eight runs gets as much as an owner with one; of an owner's own jobs the one whose last turn is longest ago
is next. Knows neither Dask nor threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

LENIENCE = 0.25  # worker seconds, a chunk, that somebody whose state lies at a free worker may be ahead
SLOTS = 2  # chunks at a worker: one that runs, one that waits, so that no worker does


class Claimant(Protocol):
    """What may take a turn. in_flight: its chunks on workers; worker: where its state lies, "" if nowhere; on_cards: whether
    a worker with a card computes it there."""

    owner: str
    worker: str
    on_cards: bool

    @property
    def in_flight(self) -> int: ...

    def wants_turn(self) -> bool: ...


C = TypeVar("C", bound=Claimant)


@dataclass
class _Given:
    owner: str
    worker: str
    seconds: float


class Turns:
    """Hands out turns on workers. workers: address -> threads, of those that answer; cards: those that say they have one."""

    def __init__(self) -> None:
        self.workers: dict[str, int] = {}
        self.cards: frozenset[str] = frozenset()
        self._served: dict[str, float] = {}  # owner -> worker seconds, as far as the queue is concerned
        self._given: dict[str, _Given] = {}  # chunk's key -> what it was given
        self._held: dict[str, str] = {}  # work that nobody takes a turn for -> its worker
        self._last: WeakKeyDictionary[Claimant, int] = WeakKeyDictionary()  # number of its last turn
        self._turns = 0

    def next(self, waiting: Iterable[C]) -> tuple[C, str] | None:
        """Who takes a turn now, and at which worker; None while no worker has a place or nobody wants one."""
        free = self._free()
        asking = [job for job in waiting if job.wants_turn()] if free else []
        if asking:
            self._level(asking)
        wanting = [job for job in asking if self._places(job, free)]
        if not wanting:
            return None
        first = min(wanting, key=self._order)
        at_home = [job for job in wanting if not job.worker or job.worker in self._places(job, free)]
        if (
            at_home
        ):  # moving a state from worker to worker costs more than a little unfairness, which is soon made up for
            nearest = min(at_home, key=self._order)
            if self._served[nearest.owner] - self._served[first.owner] <= LENIENCE:
                first = nearest
        places = self._places(first, free)
        return first, first.worker if first.worker in places else max(places, key=places.__getitem__)

    def _places(self, job: Claimant, free: Mapping[str, int]) -> Mapping[str, int]:
        """Of the free ones; where some workers have a card, what goes by cards goes there alone: elsewhere its curve would
        have other last digits. All else goes elsewhere, if there is an elsewhere."""
        with_card = self.cards & self.workers.keys()
        if not with_card or (not job.on_cards and with_card == self.workers.keys()):
            return free
        return {address: places for address, places in free.items() if (address in self.cards) == job.on_cards}

    def without_card(self) -> dict[str, int]:
        """address -> threads of the workers for whatever goes by no card: those that have none, or all where all have one."""
        return {a: threads for a, threads in self.workers.items() if a not in self.cards} or dict(self.workers)

    def _order(self, job: Claimant) -> tuple[float, int, int]:
        return self._served[job.owner], job.in_flight, self._last.get(job, 0)

    def give(self, key: str, job: Claimant, worker: str, seconds: float) -> None:
        """A turn is taken, expected to cost so many seconds."""
        self._turns += 1
        self._last[job] = self._turns
        self._given[key] = _Given(job.owner, worker, seconds)
        self._served[job.owner] = self._served.get(job.owner, 0.0) + seconds

    def take_back(self, key: str, seconds: float | None = None) -> None:
        """A turn is over; seconds: what it cost, None where nothing is known of it."""
        given = self._given.pop(key, None)
        if given is not None and seconds is not None and given.owner in self._served:
            self._served[given.owner] += seconds - given.seconds

    def hold(self, key: str, worker: str | None = None) -> str | None:
        """That worker, or the one with most room, one place of which is taken until the release; None where there is none."""
        elsewhere = self.without_card()
        free = {address: places for address, places in self._free().items() if address in elsewhere}
        worker = worker or max(free, key=free.__getitem__, default=None)
        if worker:
            self._held[key] = worker
        return worker

    def release(self, key: str) -> None:
        self._held.pop(key, None)

    def forget_all(self) -> None:
        """Nothing is under way any more: the workers have gone."""
        self._given.clear()
        self._held.clear()

    def owners_under_way(self) -> set[str]:
        return {given.owner for given in self._given.values()}

    def _free(self) -> Mapping[str, int]:
        """Free places at each worker that has one."""
        taken: dict[str, int] = {}
        places = [given.worker for given in list(self._given.values())] + list(
            self._held.values()
        )  # others hold at any time
        for worker in places:
            taken[worker] = taken.get(worker, 0) + 1
        free = {address: SLOTS * threads - taken.get(address, 0) for address, threads in self.workers.items()}
        return {address: places for address, places in free.items() if places > 0}

    def _level(self, wanting: Iterable[Claimant]) -> None:
        """Nobody brings credit along from a time when they wanted nothing; and owners who have gone are forgotten."""
        owners = {job.owner for job in wanting} | self.owners_under_way()
        known = [self._served[owner] for owner in owners if owner in self._served]
        least = min(known, default=0.0)
        self._served = {owner: self._served.get(owner, least) for owner in owners}
