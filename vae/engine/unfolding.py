"""A t-SNE on the cluster: a chunk of iterations at a time, so that the map can be watched while it unfolds.

The state of a map is small and comes home with every chunk, so a chunk depends on no other chunk, and a dead worker
costs one. The affinities are a task of their own: they stay on the workers, and Dask computes them again if they get
lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from distributed import Client, Future
from numpy.typing import ArrayLike

from vae.embedding import EmbeddingConfig, EmbeddingState, advance_embedding, affinities, initial_embedding
from vae.engine.job import Job, Status


@dataclass(frozen=True, eq=False)
class UnfoldingView:
    """What can be seen of a map at one moment; before the first chunk, the first layout."""

    status: Status
    message: str  # why it failed, or that it was parked; else empty
    parked: bool
    iteration: int
    total_iterations: int
    coordinates: np.ndarray  # (N, 2) float32
    kl_divergence: float | None  # nats; None before the first chunk


class Unfolding(Job):
    """One t-SNE of codes (N, Z). SettingError, when it is made, for codes, config and start that do not go together."""

    def __init__(
        self,
        client: Client,
        codes: ArrayLike,
        config: EmbeddingConfig,
        owner: str,
        unfolding_id: str,
        start: ArrayLike | None = None,
    ):
        super().__init__(client, owner, unfolding_id)
        self.codes, self.config = np.array(codes, dtype=np.float32), config
        self._state = initial_embedding(self.codes, config, start)
        self._kl_divergence: float | None = None
        self._affinities: Future | None = None
        self._chunk: Future | None = None  # of (state, progress)

    def view(self) -> UnfoldingView:
        with self.lock:
            return UnfoldingView(
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

    def _fill(self) -> None:
        if self._affinities is None:
            self._affinities = self._client.submit(affinities, self.codes, self.config, pure=False)
        self._chunk = self._client.submit(advance_embedding, self._state, self._affinities, self.config, pure=False)
        self._chunk.add_done_callback(self._on_chunk)

    def _drop_chunks(self) -> None:
        """Let go of everything on the workers: a map that is paused for long is not to hold their memory."""
        self._chunk = self._affinities = None

    def _on_chunk(self, chunk: Future) -> None:
        """Called by the client in a thread of its own."""
        with self.lock:
            if chunk is not self._chunk:  # dropped in the meantime
                return
            try:
                self._state, progress = chunk.result(timeout=30)
            except Exception as reason:
                self._fail(reason)
                return
            self._kl_divergence = progress.kl_divergence
            if self._state.iteration >= self.config.total_iterations:
                self._status = Status.DONE
                self._drop_chunks()
            else:
                self._status = Status.RUNNING
                self._fill()
            self._news.notify_all()
