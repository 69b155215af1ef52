"""What pages ask the workers once for all who want to know: asked for, kept, and there when it is there."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from torch import Tensor

from vae.engine import tasks
from vae.engine.job import sentence_of
from vae.engine.tsne_run import TSNE
from vae.engine.workers import Found, Workers
from vae.latent.pca_tsne import Quality, quality
from vae.study.scoring import Scores
from vae.training.config import TrainConfig
from vae.training.evaluation import ReferenceLine

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


class Answers:
    """Asks a cluster. Every method returns at once, and may be called from any thread; who asks looks again later."""

    def __init__(self, workers: Workers, threads: int = 1):
        self._workers, self._threads = workers, threads
        self._asked: OrderedDict[Hashable, Answer[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def lines(self, config: TrainConfig) -> Answer[tuple[ReferenceLine, ...]]:
        """The reference lines for this config's data, loss and latent dimensions."""
        key = (config.dataset, config.size, config.pixels, config.loss, config.formula, config.parameters, config.latent_dim)  # fmt: skip
        return self._ask(("lines", *key), tasks.reference_lines_of, config)

    def scores(self, key: Hashable, config: TrainConfig, weights: dict[str, Tensor]) -> Answer[Scores]:
        """Of the model with these weights. key: names the model in this very state; equal keys share an answer."""
        return self._ask(("scores", key), tasks.score_model, config, weights, self._threads)

    def references(self, dataset: str, size: int, pixels: str) -> Answer[tuple[Scores, Scores]]:
        """Scores of a perfect copy and of the mean training image."""
        return self._ask(
            ("references", dataset, size, pixels), tasks.score_references, dataset, size, pixels, self._threads
        )

    def quality(self, source: np.ndarray, points: np.ndarray, labels: np.ndarray | None) -> Answer[Quality]:
        """How far to trust a map of codes, or codes of pictures: see pca_tsne.quality()."""
        arrays = (source, points, labels)
        key = tuple(None if a is None else (a.shape, hash(a.tobytes())) for a in arrays)
        return self._ask(("quality", *key), quality, *arrays)

    def place(self, unfolding: TSNE, code: np.ndarray) -> Answer[np.ndarray]:
        """Where a code (Z,) belongs on that map as it stands, (2,)."""
        state = unfolding.state()
        key = (unfolding.id, state.iteration, code.tobytes())
        return self._ask(("place", *key), tasks.placed, state, unfolding.codes, unfolding.config, code)

    def forget(self) -> None:
        """All of them, as after the scheduler has gone: whoever asks again starts again."""
        with self._lock:
            self._asked.clear()

    def _ask(self, key: Hashable, task: Callable[..., T], *arguments: object) -> Answer[T]:
        with self._lock:
            if key not in self._asked:
                while len(self._asked) >= KEPT:
                    self._asked.popitem(last=False)
                self._workers.apart(lambda found: self._keep(key, found), task, *arguments)
                self._asked[key] = Answer()
            return self._asked[key]

    def _keep(self, key: Hashable, found: Found) -> None:
        with self._lock:
            if isinstance(
                found, (CancelledError, asyncio.CancelledError)
            ):  # the workers have gone: it may be asked again
                self._asked.pop(key, None)
            elif isinstance(found, BaseException):
                self._asked[key] = Answer(problem=sentence_of(found))
            else:
                self._asked[key] = Answer(found[0])
