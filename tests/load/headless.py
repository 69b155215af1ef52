"""What the workers could do without any page: the reference that runs on a server are compared with."""

from __future__ import annotations

import os
import time
from multiprocessing import get_context

from vae.engine.pace import CHUNK_SECONDS
from vae.training.config import TrainConfig

WARM_SECONDS = 3.0


def throughput(config: TrainConfig, workers: int, seconds: float) -> list[float]:
    """Steps a second of each of so many processes, which train at the same time, as workers do, in chunks."""
    context = get_context("spawn")
    results = context.Queue()
    begin = context.Barrier(workers)
    arguments = (config, seconds, begin, results)
    processes = [context.Process(target=_train, args=arguments, daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    rates = [results.get(timeout=seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    return rates


def _train(config: TrainConfig, seconds: float, begin, results) -> None:
    import torch

    from vae.data import load_dataset
    from vae.training.step import advance, initial_state

    torch.set_num_threads(1)
    os.nice(15)
    data, state, steps = load_dataset(config.dataset, config.size), initial_state(config), 1

    def go_on(until: float) -> int:
        nonlocal state, steps
        before = state.step
        while (started := time.perf_counter()) < until:
            state, _ = advance(state, config, data, steps)
            steps = max(1, round(steps * CHUNK_SECONDS / (time.perf_counter() - started)))
        return state.step - before

    go_on(time.perf_counter() + WARM_SECONDS)
    begin.wait(60)
    started = time.perf_counter()
    taken = go_on(started + seconds)
    results.put(taken / (time.perf_counter() - started))
