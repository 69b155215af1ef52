"""A training from the app, on its workers: against the same without the app, to the first picture, in columns; and how often a
t-SNE moves."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from benchmarks.maps import CONFIG, SIZES, codes_of_mnist
from benchmarks.measuring import Row, exponent, in_turn, paired, seconds
from benchmarks.steps import CORES, L17, MLP
from vae import TrainConfig, load_dataset, train
from vae.engine import Engine, Status
from vae.training.memory import keep_freed

FOUR = [replace(MLP, loss=loss, epochs=1) for loss in ("bce", "mse", "laplace", "gaussian")]


@contextmanager
def warm_engine(workers: int = CORES) -> Iterator[Engine]:
    engine = Engine(workers=workers)
    try:
        engine.warm()
        yield engine
    finally:
        engine.close()


# ---- Against the same without the app ----------------------------------------------------------------------------


def live(rounds: int) -> Iterator[Row]:
    """Seconds without the app over seconds with it, the page looking three times a second: 1 would cost nothing."""
    lone = replace(MLP, epochs=2)
    processes = ProcessPoolExecutor(CORES, multiprocessing.get_context("spawn"), one_thread)
    with warm_engine() as engine, processes as pool:
        threads = _threads_of(engine, lone)
        parallel(pool, [replace(config, dataset="digits") for config in FOUR])  # imports
        found = in_turn(
            {
                "lone": partial(with_app, engine, [lone]),
                "lone headless": partial(seconds, without_app, lone, threads),
                "four": partial(with_app, engine, FOUR),
                "four headless": partial(seconds, parallel, pool, FOUR),
            },
            rounds,
        )
    beside = f"{statistics.median(found['lone']):.1f} s, {threads} thread(s)"
    yield Row("a lone run, headless / live", paired(found["lone headless"], found["lone"]), "", beside)
    beside = f"{statistics.median(found['four']):.1f} s; headless {CORES} processes of one thread each"
    yield Row("four columns, headless / live", paired(found["four headless"], found["four"]), "", beside)


def _threads_of(engine: Engine, config: TrainConfig) -> int:
    run = engine.create_run(config)
    engine.discard(run)
    return run.threads


def with_app(engine: Engine, configs: Sequence[TrainConfig]) -> float:
    """Seconds until all columns are through, looked at as a page does."""
    race = engine.create_race(configs)
    while not all(view.observations for view in race.views()):
        time.sleep(0.01)
    started = looked = time.perf_counter()
    race.start()
    while race.status.active:
        race.wait_for_news(0.05)
        if time.perf_counter() - looked > 1 / 3:
            race.views()
            looked = time.perf_counter()
    taken = time.perf_counter() - started
    assert all(run.status is Status.DONE for run in race.runs), [view.message for view in race.views()]
    for run in race.runs:
        engine.discard(run)
    return taken


def without_app(config: TrainConfig, threads: int) -> None:
    torch.set_num_threads(threads)
    for _ in train(config):
        pass


def one_thread() -> None:
    keep_freed()
    torch.set_num_threads(1)
    load_dataset(MLP.dataset)


def parallel(pool: Executor, configs: Sequence[TrainConfig]) -> None:
    list(pool.map(without_app, configs, [1] * len(configs)))


# ---- Columns, first picture, maps --------------------------------------------------------------------------------


def columns(rounds: int) -> Iterator[Row]:
    """Seconds of one to four columns of an epoch, as a power of how many there are."""
    with warm_engine() as engine:
        acts = {str(n): partial(with_app, engine, FOUR[:n]) for n in range(1, len(FOUR) + 1)}
        found = in_turn(acts, min(rounds, 3))
    times = [statistics.median(taken) for taken in found.values()]
    shown = ", ".join(f"{n}: {taken:.2f} s" for n, taken in zip(found, times))
    yield Row(f"columns on {CORES} workers, exponent", exponent([int(n) for n in found], times), "", shown)


def first(rounds: int) -> Iterator[Row]:
    """From Start, with workers that are up and the untrained pictures shown, to pictures of a step."""
    with warm_engine() as engine:
        for name, config in {"MLP": MLP, "l17": L17}.items():
            times = [_first_picture(engine, replace(config, seed=seed)) for seed in range(2 * rounds)]
            beside = f"worst of {len(times)}: {max(times):.0f} ms; without a browser"
            yield Row(f"Start to first picture, {name}", statistics.median(times), "ms", beside)


def _first_picture(engine: Engine, config: TrainConfig) -> float:
    run = engine.create_run(config)
    while run.view().pictures is None:
        run.wait_for_news(0.01)
    started = time.perf_counter()
    run.start()
    while (shown := run.view().pictures) is None or shown.step < 1:
        run.wait_for_news(0.01)
    taken = 1e3 * (time.perf_counter() - started)
    engine.discard(run)
    return taken


def moves(rounds: int) -> Iterator[Row]:
    """How a t-SNE moves on a worker."""
    with warm_engine() as engine:
        for n in SIZES:
            unfolding = engine.create_tsne(codes_of_mnist(n), CONFIG)
            started, first, seen, moved = time.perf_counter(), 0.0, 0, 0
            unfolding.start()
            while not unfolding.view().status.ended:
                unfolding.wait_for_news(0.5)
                if (now := unfolding.view().iteration) > seen:
                    seen, moved = now, moved + 1
                    first = first or time.perf_counter() - started
            taken = time.perf_counter() - started
            beside = f"first move after {first:.2f} s, {taken:.1f} s in all"
            yield Row(f"t-SNE of {n:,} codes", moved / taken, "moves a second", beside)
