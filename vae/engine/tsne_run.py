"""A t-SNE on the cluster: a chunk of iterations at a time, so that the map can be watched while it unfolds.

The state of a map is small and comes home with every chunk, so a chunk depends on no other chunk, and a dead worker
costs one. The affinities are a task of their own: they stay on the workers, and Dask computes them again if they get
lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Future
from numpy.typing import ArrayLike

from vae.engine import tasks
from vae.engine.job import Job, Status
from vae.engine.workers import Workers
from vae.latent.pca_tsne import EmbeddingConfig, EmbeddingProgress, EmbeddingState, affinities, initial_embedding

SECONDS_OF_CHUNK = 0.25  # about, as long as nothing is measured


@dataclass(frozen=True, eq=False)
class TSNEView:
    """What can be seen of a map at one moment; before the first chunk, the first layout."""

    status: Status
    message: str  # why it failed, or that it was parked; else empty
    parked: bool
    iteration: int
    total_iterations: int
    coordinates: np.ndarray  # (N, 2) float32
    kl_divergence: float | None  # nats; None before the first chunk


class TSNE(Job):
    """One t-SNE of codes (N, Z). SettingError, when it is made, for codes, config and start that do not go together."""

    def __init__(
        self,
        workers: Workers,
        codes: ArrayLike,
        config: EmbeddingConfig,
        owner: str,
        unfolding_id: str,
        start: ArrayLike | None = None,
    ):
        super().__init__(workers, owner, unfolding_id)
        self.codes, self.config = np.array(codes, dtype=np.float32), config
        self._state = initial_embedding(self.codes, config, start)
        self._kl_divergence: float | None = None
        self._affinities: Future[Any] | None = None
        self._chunk: Future[Any] | None = None
        self._count, self._seconds, self.worker = 0, SECONDS_OF_CHUNK, ""

    def view(self) -> TSNEView:
        with self.lock:
            return TSNEView(
                self._status,
                self._message,
                self._parked,
                self._state.iteration,
                self.config.total_iterations,
                self._state.coordinates,
                self._kl_divergence,
            )

    def state(self) -> EmbeddingState:
        """The last accepted state: what embedding.place() needs."""
        with self.lock:
            return self._state

    @property
    def in_flight(self) -> int:
        return int(self._chunk is not None)

    def _fill(self) -> None:
        self._workers.ask(self)

    def wants_turn(self) -> bool:
        return self._status.active and self._chunk is None

    def take_turn(self, worker: str) -> tuple[str, float] | None:
        with self.lock:
            if not self.wants_turn():
                return None
            if self._affinities is None:
                self._affinities = self._workers.submit(affinities, self.codes, self.config)
            self._count, self.worker = self._count + 1, worker
            threads = max(1, self._workers.cores // max(1, self._workers.running))  # a map is the same with any number
            self._chunk = self._workers.submit_chunk(
                tasks.advance_map, self._state, self._affinities, self.config, threads, key=self._key, worker=worker
            )
            return self._key, self._seconds

    @property
    def _key(self) -> str:
        return f"advance-map-{self.id}-{self._count}"

    def _drop_chunks(self) -> None:
        """Let go of everything on the workers: a map that is paused for long is not to hold their memory."""
        self._workers.let_go([self._key])
        self._chunk = self._affinities = None

    def arrived(self, key: str, found: tuple[EmbeddingState, EmbeddingProgress], seconds: float) -> None:
        with self.lock:
            if self._chunk is None or key != self._key:  # dropped in the meantime
                return
            (self._state, progress), self._chunk, self._seconds = found, None, seconds
            self._kl_divergence = progress.kl_divergence
            if self._state.iteration >= self.config.total_iterations:
                self._status = Status.DONE
                self._drop_chunks()
            else:
                self._status = Status.RUNNING
            self._news.notify_all()

    def failed(self, key: str, reason: BaseException) -> None:
        with self.lock:
            if self._chunk is not None and key in ("", self._key):
                self._fail(reason)

    def recover(self) -> None:
        with self.lock:
            self._drop_chunks()
            if self._status.active:
                self._status = Status.QUEUED
                self._fill()
