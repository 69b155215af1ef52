"""What workers execute. Each function takes small arguments, loads the data set on its own worker, and is replayable:
the same arguments give the same result, on any worker and after any crash."""

from __future__ import annotations

import gc
import signal

import numpy as np
import torch
from distributed import Worker

from vae.config import TrainConfig
from vae.data import load_dataset
from vae.embedding import FEWEST, EmbeddingConfig, advance_embedding, affinities, initial_embedding
from vae.evaluation import Evaluation, ReferenceLine, evaluate_piece, reference_lines, squared_residual
from vae.sweep import cell
from vae.training import CORRECT, Program, Progress, TrainState, advance, initial_state, model_of

# What a chunk starts from: the result of the chunk before, a state brought home, or None for the initial state. Depending
# on the whole result saves the scheduler a task, and the worker a wait, between two chunks.
Before = tuple[TrainState, Progress] | TrainState | None


def state_in(before: Before, config: TrainConfig) -> TrainState:
    """The state that a chunk starts from."""
    if before is None:
        return initial_state(config)
    return before[0] if isinstance(before, tuple) else before


def advance_chunk(
    before: Before, config: TrainConfig, steps: int, threads: int, program: Program = CORRECT
) -> tuple[TrainState, Progress]:
    """advance() with the worker's copy of the data."""
    torch.set_num_threads(threads)
    data = load_dataset(config.dataset, config.size)
    return advance(state_in(before, config), config, data, steps, program)


def progress_of(result: tuple[TrainState, Progress]) -> Progress:
    """The small part of a chunk's result, which travels; the state stays where it is."""
    return result[1]


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
    return reference_lines(data, config.loss_record(), config.loss_parameters(), config.latent_dim)


def dask_setup(worker: Worker) -> None:
    """Dask calls this when a worker is up. Ctrl-C in a terminal reaches all processes, and is for the app to obey: each
    worker would print a traceback, and ends with the app anyway."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def warm(dataset: str, threads: int) -> None:
    """Pay for imports, the data set and torch's first steps before anybody waits for them."""
    config = TrainConfig(dataset=dataset)
    state, _ = advance_chunk(None, config, 2, threads)
    evaluation_piece(state, config, 0, 1, None, threads)
    _freeze()


def warm_unfolding() -> None:
    """Pay for the imports of a t-SNE, which take seconds."""
    codes, config = np.eye(FEWEST), EmbeddingConfig(perplexity=2)
    advance_embedding(initial_embedding(codes, config), affinities(codes, config), config)
    _freeze()


def _freeze() -> None:
    gc.collect()
    gc.freeze()  # the imported modules need no further looking at; a full collection over them costs 0.1 s


# ---- Cells of a sweep (vae/sweep/cell.py) ---------------------------------------------------------------------------


def advance_cell_chunk(before: Before, config: TrainConfig, steps: int, threads: int) -> tuple[TrainState, cell.Leg]:
    torch.set_num_threads(threads)
    return cell.advance_cell(state_in(before, config), config, load_dataset(config.dataset, config.size), steps)


def leg_of(result: tuple[TrainState, cell.Leg]) -> cell.Leg:
    """The small part of a chunk's result, which travels."""
    return result[1]


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
