"""Pictures that people brought: whose they are, and that nobody else trains on them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import vae.data
from vae.data import ImageDataset, Source, find_source, load_dataset
from vae.data.own import NOT_HERE, source_of
from vae.engine.limits import Limits
from vae.engine.workers import Workers
from vae.errors import SettingError
from vae.training.config import TrainConfig


class OwnImages:
    """Sets of pictures by name, each at hand here and on all workers while one of those who brought it keeps it."""

    def __init__(self, workers: Workers, limits: Limits):
        self._workers, self._limits = workers, limits
        self._people: dict[str, set[str]] = {}  # name -> who brought it
        self._lock = threading.Lock()

    def bring(self, data: ImageDataset, person: str) -> Source:
        """The record they are found by from now on. LimitError for more than are kept, VaeError without workers."""
        source = source_of(data)
        with self._lock:
            others = [name for name in self._people if name != source.name]
            of_person = sum(person in self._people[name] for name in others)
            in_all = sum(find_source(name).n_bytes() for name in others)
            self._limits.check_own_images(of_person, in_all + source.n_bytes())
            self._people.setdefault(source.name, set()).add(person)
            vae.data.bring(data)
        try:
            self._workers.bring(load_dataset(source.name))
        except Exception:
            self.forget(source.name, person)
            raise
        return source

    def forget(self, name: str, person: str) -> None:
        """This person does not keep them any more; when nobody does, they are gone from here and from all workers."""
        with self._lock:
            people = self._people.get(name, set())
            people.discard(person)
            if people or name not in self._people:
                return
            del self._people[name]
            vae.data.forget(name)
        self._workers.take_back(name)

    def of(self, person: str) -> list[Source]:
        """What this person brought, oldest first."""
        with self._lock:
            return [find_source(name) for name, people in self._people.items() if person in people]

    def people(self) -> set[str]:
        with self._lock:
            return set().union(*self._people.values())

    def check(self, configs: Iterable[TrainConfig], person: str) -> None:
        """SettingError for a training on what only others brought."""
        for config in configs:
            if person not in self._people.get(config.dataset, {person}):
                raise SettingError("dataset", config.dataset, NOT_HERE)
