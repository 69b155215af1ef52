"""What workers execute. Each function takes small arguments, loads the data set on its own worker, and is replayable:
the same arguments give the same result, on any worker and after any crash."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from distributed import Worker, WorkerPlugin, get_worker

import vae
from vae.data import DATASETS, ImageDataset, bring, carry, forget, load_dataset
from vae.errors import SettingError
from vae.latent.pca_tsne import (
    FEWEST,
    EmbeddingConfig,
    EmbeddingState,
    advance_embedding,
    affinities,
    initial_embedding,
    place,
)
from vae.study.scoring import Scores, reference_scores, score
from vae.study.sweep import cell
from vae.training import device
from vae.training.config import TrainConfig
from vae.training.evaluation import Evaluation, ReferenceLine, evaluate_piece, reference_lines, squared_residual
from vae.training.memory import keep_freed, keep_trimming, not_found
from vae.training.on_device import advance
from vae.training.step import Program, Progress, TrainState, initial_state
from vae.training.together import OF_THIS_PROCESS
from vae.training.update import model_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

T = TypeVar("T")

# What a chunk starts from: the state after the chunk before, one brought home, or None for the initial state.
Before = TrainState | None

NICENESS = 15  # workers give way to the web server, which has little to do and must do it at once


def state_in(before: Before, config: TrainConfig) -> TrainState:
    """The state that a chunk starts from."""
    return initial_state(config) if before is None else before


def publish(topic: str, key: str, seconds: float, value: object) -> None:
    """Tell the app what a task has found, and the seconds it took, without being asked."""
    get_worker().log_event(topic, (key, seconds, pickle.dumps(value, protocol=5)))


def advance_chunk(
    before: Before, config: TrainConfig, steps: int, threads: int, program: Program, topic: str, key: str
) -> TrainState:
    """advance() with the worker's copy of the data, on its card if it has one. The Progress is published; the state stays
    where it is."""
    started = time.perf_counter()
    torch.set_num_threads(threads)
    data, state = load_dataset(config.dataset, config.size), state_in(before, config)
    state, progress = device.on_device_of_this_process(
        lambda where: advance(state, config, data, steps, program, where, OF_THIS_PROCESS.advance)
    )
    if device.is_lost():
        _go_without_card()
    publish(topic, key, time.perf_counter() - started, progress)
    return state


def _go_without_card() -> None:
    """A worker that was there for its card goes, with all that it holds handed on; others take its runs from then on."""
    try:
        worker = get_worker()
    except ValueError:  # not in a worker
        return
    if worker.state.total_resources.get("GPU"):
        worker.loop.add_callback(worker.close_gracefully)


def untrained(config: TrainConfig, program: Program, threads: int) -> Progress:
    """What the network shows before its first step."""
    torch.set_num_threads(threads)
    data = load_dataset(config.dataset, config.size)
    return advance(initial_state(config), config, data, 0, program)[1]


def advance_map(
    state: EmbeddingState, p: csr_matrix, config: EmbeddingConfig, threads: int, topic: str, key: str
) -> None:
    """advance_embedding(); state and progress, which are small, are published."""
    started = time.perf_counter()
    found = advance_embedding(state, p, config, threads)
    publish(topic, key, time.perf_counter() - started, found)


def evaluation_piece(
    before: Before, config: TrainConfig, start: int, stop: int, sigma: float | None, threads: int
) -> Evaluation:
    torch.set_num_threads(threads)
    images = load_dataset(config.dataset, config.size).test
    return evaluate_piece(config, model_of(config, state_in(before, config).weights), images, start, stop, sigma)


def residual_piece(before: Before, config: TrainConfig, start: int, stop: int, threads: int) -> float:
    torch.set_num_threads(threads)
    images = load_dataset(config.dataset, config.size).train
    return squared_residual(config, model_of(config, state_in(before, config).weights), images, start, stop)


def reference_lines_of(config: TrainConfig) -> tuple[ReferenceLine, ...]:
    data = load_dataset(config.dataset, config.size)
    return reference_lines(data, config.loss_record(), config.loss_parameters(), config.latent_dim, config.pixels)


def score_model(config: TrainConfig, weights: dict[str, torch.Tensor], threads: int) -> Scores:
    torch.set_num_threads(threads)
    return score(config, model_of(config, weights), load_dataset(config.dataset, config.size))


def score_references(dataset: str, size: int, pixels: str, threads: int) -> tuple[Scores, Scores]:
    torch.set_num_threads(threads)
    return reference_scores(load_dataset(dataset, size), pixels=pixels)


def placed(state: EmbeddingState, codes: np.ndarray, config: EmbeddingConfig, code: np.ndarray) -> np.ndarray:
    """Where a code (Z,) belongs on the map of codes (N, Z), (2,)."""
    return place(state, codes, config, code[None])[0]


def dask_setup(worker: Worker) -> None:
    """Dask calls this when a worker is up. Ctrl-C in a terminal reaches all processes, and is for the app to obey: each
    worker would print a traceback, and ends with the app anyway."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(max(0, niceness() - os.nice(0)))
    keep_freed()
    keep_trimming()
    limit_memory()


def niceness() -> int:
    """How far workers give way. SettingError for a VAE_NICENESS that is none."""
    text = os.environ.get("VAE_NICENESS") or str(NICENESS)
    if not text.isdecimal() or int(text) > 19:
        raise SettingError("VAE_NICENESS", text, "a whole number from 0 to 19 is accepted")
    return int(text)


class DataSets(WorkerPlugin):
    """The data sets that the app has, for every worker elsewhere that lacks them, now or later: sent once."""

    def __init__(self, held: Mapping[str, ImageDataset]):
        self.held = dict(held)
        self.name = "vae-data-" + "-".join(sorted(held))

    def setup(self, worker: Worker) -> None:
        for name, data in self.held.items():
            if not DATASETS[name].is_present():
                carry(name, data)


class OwnImages(WorkerPlugin):
    """Pictures that somebody brought, for every worker, now or later, until the plugin is taken back."""

    idempotent = True  # or bringing the same ones again would first take them away

    def __init__(self, data: ImageDataset):
        self.data, self.name = data, plugin_name(data.name)

    def setup(self, worker: Worker) -> None:
        bring(self.data)

    def teardown(self, worker: Worker) -> None:
        forget(self.data.name)


def plugin_name(dataset: str) -> str:
    return f"vae-{dataset}"


def limit_memory() -> None:
    """Make an allocation beyond VAE_WORKER_MEMORY bytes fail in the one task that asks for it. Linux only: elsewhere the
    estimate before a run starts is all there is. Nor with a card, whose driver maps more than it ever uses."""
    given = os.environ.get("VAE_WORKER_MEMORY", "")
    if sys.platform == "linux" and given.isdecimal() and device.of_this_process().type == "cpu":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (int(given), resource.getrlimit(resource.RLIMIT_DATA)[1]))


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """What must be the same everywhere for a run to be the same wherever it is computed."""
    source = sha256()
    for path in sorted(Path(vae.__file__).parent.rglob("*.py")):
        if "ui" not in path.parts:
            source.update(path.read_bytes())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    # What follows a plus is for which cards PyTorch was built (2.13.0+cpu).
    packages = {name: metadata.version(name).partition("+")[0] for name in ("torch", "numpy", "distributed")}
    return {"python": python} | packages | {"this project": source.hexdigest()[:10]}


def warm(dataset: str, threads: int) -> None:
    """Pay for imports, the data set and torch's first steps before anybody waits for them."""
    config = TrainConfig(dataset=dataset)
    torch.set_num_threads(threads)
    data, start = load_dataset(dataset, config.size), initial_state(config)
    state, _ = device.on_device_of_this_process(
        lambda where: advance(start, config, data, 2, device=where, on_card=OF_THIS_PROCESS.advance)
    )
    evaluation_piece(state, config, 0, 1, None, threads)
    _freeze()


def warm_unfolding() -> None:
    """Pay for the imports of a t-SNE, which take seconds."""
    codes, config = np.eye(FEWEST), EmbeddingConfig(perplexity=2)
    # scikit-learn imports pandas where it is: 30 MB and half a second, for tables that nobody hands it.
    with not_found("pandas"):
        advance_embedding(initial_embedding(codes, config), affinities(codes, config), config)
    _freeze()


def _freeze() -> None:
    gc.collect()
    gc.freeze()  # the imported modules need no further looking at; a full collection over them costs 0.1 s


# ---- Cells of a sweep (vae/study/sweep/cell.py) ---------------------------------------------------------------------


def advance_cell_chunk(
    before: Before, config: TrainConfig, steps: int, threads: int, topic: str, key: str
) -> TrainState:
    """The Leg is published; the state stays where it is."""
    torch.set_num_threads(threads)
    data = load_dataset(config.dataset, config.size)
    state, leg = cell.advance_cell(state_in(before, config), config, data, steps)
    publish(topic, key, leg.seconds, leg)
    return state


def cell_residuals(before: Before, config: TrainConfig, start: int, stop: int, threads: int) -> list[float]:
    torch.set_num_threads(threads)
    return cell.residuals(config, state_in(before, config), load_dataset(config.dataset, config.size), start, stop)


def cell_sums(
    before: Before, config: TrainConfig, start: int, stop: int, sigma: float | None, threads: int
) -> cell.Sums:
    torch.set_num_threads(threads)
    data = load_dataset(config.dataset, config.size)
    return cell.sums(config, state_in(before, config), data, start, stop, sigma)


def cell_pictures(before: Before, config: TrainConfig, threads: int) -> tuple[bytes, str]:
    """Its pictures, and the versions of the packages that made them."""
    torch.set_num_threads(threads)
    data = load_dataset(config.dataset, config.size)
    return cell.picture_file(config, state_in(before, config), data), cell.versions()
