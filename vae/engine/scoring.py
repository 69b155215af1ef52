"""Scores of models, computed on the workers: asked for once, kept, and there when they are there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from distributed import Future
from torch import Tensor

from vae.data import load_dataset
from vae.engine.job import sentence_of
from vae.engine.workers import Found, Workers
from vae.study.scoring import Scores, reference_scores, score
from vae.training.config import TrainConfig
from vae.training.update import model_of

T = TypeVar("T")
KEPT = 256


@dataclass(frozen=True)
class Answer(Generic[T]):
    """value: None while it is under way, and where there is none: then problem says why in one sentence."""

    value: T | None = None
    problem: str = ""

    @property
    def pending(self) -> bool:
        return self.value is None and not self.problem


def score_model(config: TrainConfig, weights: dict[str, Tensor], threads: int) -> Scores:
    """What a worker executes for one model."""
    torch.set_num_threads(threads)
    return score(config, model_of(config, weights), load_dataset(config.dataset, config.size))


def score_references(dataset: str, size: int, pixels: str, threads: int) -> tuple[Scores, Scores]:
    torch.set_num_threads(threads)
    return reference_scores(load_dataset(dataset, size), pixels=pixels)


class Scorer:
    """Asks a cluster for scores. Every method returns at once, and may be called from any thread."""

    def __init__(self, workers: Workers, threads: int = 1):
        self._workers, self._threads = workers, threads
        self._asked: dict[Hashable, Answer[Any]] = {}
        self._under_way: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def scores(self, key: Hashable, config: TrainConfig, weights: dict[str, Tensor]) -> Answer[Scores]:
        """Of the model with these weights. key: names the model in this very state; equal keys share an answer."""
        return self._ask(("model", key), score_model, config, weights, self._threads)

    def references(self, dataset: str, size: int, pixels: str) -> Answer[tuple[Scores, Scores]]:
        """Of a perfect copy and of the mean training image."""
        return self._ask(("references", dataset, size, pixels), score_references, dataset, size, pixels, self._threads)

    def _ask(self, key: Hashable, task: Callable[..., T], *arguments: Any) -> Answer[T]:
        with self._lock:
            if key not in self._asked:
                while len(self._asked) >= KEPT:
                    self._asked.pop(next(iter(self._asked)))
                self._asked[key] = Answer()
                self._under_way[key] = self._workers.submit(task, *arguments)
                self._workers.fetch([self._under_way[key]], lambda found: self._answer(key, found))
            return self._asked[key]

    def _answer(self, key: Hashable, found: Found) -> None:
        with self._lock:
            del self._under_way[key]
            if isinstance(found, CancelledError):  # the workers have gone: it may be asked again
                self._asked.pop(key, None)
            elif isinstance(found, BaseException):
                self._asked[key] = Answer(problem=sentence_of(found))
            else:
                self._asked[key] = Answer(found[0])
