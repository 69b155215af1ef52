"""Scores of models, computed on the workers: asked for once, kept, and there when they are there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from distributed import Client, Future
from torch import Tensor

from vae.config import TrainConfig
from vae.data import load_dataset
from vae.errors import VaeError
from vae.scoring import Scores, reference_scores, score
from vae.training import model_of

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


def score_references(dataset: str, size: int, threads: int) -> tuple[Scores, Scores]:
    torch.set_num_threads(threads)
    return reference_scores(load_dataset(dataset, size))


class Scorer:
    """Asks a cluster for scores. Every method returns at once, and may be called from any thread."""

    def __init__(self, client: Client, threads: int = 1):
        self._client, self._threads = client, threads
        self._asked: dict[Hashable, Future | Answer] = {}
        self._lock = threading.Lock()

    def scores(self, key: Hashable, config: TrainConfig, weights: dict[str, Tensor]) -> Answer[Scores]:
        """Of the model with these weights. key: names the model in this very state; equal keys share an answer."""
        return self._ask(("model", key), score_model, config, weights, self._threads)

    def references(self, dataset: str, size: int) -> Answer[tuple[Scores, Scores]]:
        """Of a perfect copy and of the mean training image."""
        return self._ask(("references", dataset, size), score_references, dataset, size, self._threads)

    def _ask(self, key: Hashable, task: Callable, *arguments) -> Answer:
        with self._lock:
            if key not in self._asked:
                while len(self._asked) >= KEPT:
                    self._asked.pop(next(iter(self._asked)))
                self._asked[key] = self._client.submit(task, *arguments, pure=False)
            if isinstance(self._asked[key], Future):
                answer = _answer(self._asked[key])
                if answer.pending:
                    return answer
                self._asked[key] = answer  # at home from now on, whatever becomes of the worker
            return self._asked[key]


def _answer(future: Future) -> Answer:
    if future.status == "pending":
        return Answer()
    try:
        return Answer(future.result(timeout=10))
    except VaeError as reason:
        return Answer(problem=str(reason))
    except TimeoutError:
        return Answer()  # its worker has gone, or the line is slow: look again
    except Exception as reason:
        return Answer(problem=f"A worker failed: {type(reason).__name__}: {reason}"[:500])
