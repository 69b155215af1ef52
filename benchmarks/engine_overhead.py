"""What driving a training from the app costs: images a second of a Run on one worker against the same train() called
headless with the same number of threads, in turn in one run, beside the machine's matrix-product limit.

    python benchmarks/engine_overhead.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time

import torch

from vae import TrainConfig, load_dataset, train
from vae.data import DATASETS
from vae.engine import Engine
from vae.training.config import multiply_adds


def headless(config: TrainConfig) -> float:
    started = time.perf_counter()
    for _ in train(config, load_dataset(config.dataset)):
        pass
    return images(config) / (time.perf_counter() - started)


def driven(engine: Engine, config: TrainConfig) -> float:
    """Looked at three times a second, as the page does."""
    run = engine.create_run(config)
    while not run.view().observations:
        time.sleep(0.01)
    started = time.perf_counter()
    run.start()
    while run.view().step < config.total_steps:
        time.sleep(0.05)
    rate = images(config) / (time.perf_counter() - started)
    while run.view().evaluating:
        time.sleep(0.05)
    return rate


def images(config: TrainConfig) -> int:
    return config.epochs * DATASETS[config.dataset].n_train


def limit(config: TrainConfig) -> float:
    """Images a second if training were nothing but matrix products at the speed of large square ones."""
    a = torch.randn(1024, 1024)
    torch.mm(a, a)
    started = time.perf_counter()
    for _ in range(10):
        torch.mm(a, a)
    products_per_second = 10 * 1024**3 / (time.perf_counter() - started)
    return products_per_second / (3 * multiply_adds(config))


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    mnist = DATASETS["mnist"].is_present()
    config = TrainConfig(dataset="mnist", latent_dim=20, epochs=3) if mnist else TrainConfig(epochs=200)
    engine = Engine(workers=1)
    try:
        engine.warm()
        load_dataset(config.dataset)
        ratios = []
        for number in range(rounds):
            alone, on_page, most = headless(config), driven(engine, config), limit(config)
            ratios.append(on_page / alone)
            print(
                f"round {number + 1}: headless {alone:8,.0f}  run {on_page:8,.0f} images a second, ratio "
                f"{ratios[-1]:.3f}; matrix products alone {most:8,.0f}",
                flush=True,
            )
        print(f"{config.dataset}, 1 thread: median ratio {statistics.median(ratios):.3f} of {rounds} rounds")
    finally:
        engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
