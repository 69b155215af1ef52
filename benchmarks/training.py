"""How fast a training is: against programs as people write them, against the arithmetic that it cannot do without, and live
against headless. One process, everything in turn, so that ratios hold while the machine's own speed drifts.

    python benchmarks/training.py [rounds] [--json FILE]

Needs MNIST under VAE_DATA.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from vae import TrainConfig, evaluate, initial_state, load_dataset, model_of, train
from vae.data import DATASETS, data_folder
from vae.data.torchvision_import import datasets
from vae.engine import Engine
from vae.training.config import multiply_adds
from vae.training.precision import BFLOAT16, is_possible, products_in
from vae.training.presets import find_preset
from vae.training.randomness import generator
from vae.training.step import batch_indices, training_terms
from vae.training.update import AutogradUpdate, DenseUpdate, is_dense

NET = TrainConfig(dataset="mnist", latent_dim=20, epochs=10)  # pytorch/examples, vae/main.py
L17 = replace(NET, architecture="l17", latent_dim=2, loss="mse")
STEPS = 60
GOALS = (116.3, 105.6)  # test -ELBO of that program after one epoch and after ten


class Example(nn.Module):
    """The network of pytorch/examples, with its names for layers left out."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.mu, self.log_var = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.back, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x):
        h = F.relu(self.hidden(x.view(-1, 784)))
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        return torch.sigmoid(self.out(F.relu(self.back(z)))), mu, log_var

    def loss(self, x):
        p, mu, log_var = self(x)
        bce = F.binary_cross_entropy(p, x.view(-1, 784), reduction="sum")
        return bce - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


def loader() -> torch.utils.data.DataLoader:
    from torchvision import transforms

    mnist = datasets.MNIST(str(data_folder()), train=True, transform=transforms.ToTensor())
    return torch.utils.data.DataLoader(mnist, batch_size=128, shuffle=True)


def example_steps() -> Iterator[Example]:
    """The loop that many write: DataLoader, ToTensor, Adam."""
    model = Example()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for x, _ in loader():
            optimiser.zero_grad()
            loss = model.loss(x)
            loss.backward()
            loss.item()
            optimiser.step()
            yield model


def our_steps(config: TrainConfig) -> Iterator[None]:
    data, state = load_dataset(config.dataset), initial_state(config)
    held = (0, state.weights, state.first, state.second)
    update = DenseUpdate(config, *held) if is_dense(config) else AutogradUpdate(config, training_terms, *held)
    for step in range(config.total_steps):
        x = data.train.index_select(0, batch_indices(config, step)) / 255
        with products_in(config.precision):
            update.take(x, generator(config.seed, "noise", step), step)
        yield


def products() -> Iterator[None]:
    """The matrix products of a step of NET at their own shapes, and nothing else."""
    batch, wide, narrow, codes = 128, 784, 400, 20
    x, h, z, p = (torch.randn(batch, n) for n in (wide, narrow, codes, wide))
    into, heads = torch.randn(narrow, wide), torch.randn(2 * codes, narrow)
    back, out = torch.randn(narrow, codes), torch.randn(wide, narrow)
    d_heads = torch.randn(batch, 2 * codes)
    while True:
        for left, right in (
            (x, into.T), (h, heads.T), (z, back.T), (h, out.T), (p.T, h), (p, out), (h.T, z), (h, back), (d_heads.T, h),
            (d_heads, heads), (h.T, x),
        ):  # fmt: skip
            torch.mm(left, right)
        yield


def rate() -> float:
    """Multiply-adds a second of large square products."""
    a = torch.randn(1024, 1024)
    torch.mm(a, a)
    started = time.perf_counter()
    for _ in range(10):
        torch.mm(a, a)
    return 10 * 1024**3 / (time.perf_counter() - started)


def milliseconds(steps: Iterator[object], count: int) -> float:
    started = time.perf_counter()
    for _, _ in zip(range(count), steps):
        pass
    return 1e3 * (time.perf_counter() - started) / count


def step_times(threads: int, rounds: int) -> dict[str, float]:
    """Medians, in ms a step of 128 images."""
    torch.set_num_threads(threads)
    runs: dict[str, tuple[Callable[[], Iterator[object]], int]] = {
        "DataLoader loop": (example_steps, STEPS),
        "float32": (lambda: our_steps(NET), STEPS),
        "products alone": (products, STEPS),
        "l17 float32": (lambda: our_steps(L17), 3),
    }
    if is_possible(BFLOAT16):
        runs["bfloat16"] = (lambda: our_steps(replace(NET, precision=BFLOAT16)), STEPS)
        runs["l17 bfloat16"] = (lambda: our_steps(replace(L17, precision=BFLOAT16)), 3)
    going = {name: (make(), count) for name, (make, count) in runs.items()}
    found: dict[str, list[float]] = {name: [] for name in [*going, "limit", "l17 limit"]}
    for steps, count in going.values():
        milliseconds(steps, min(count, 10))
    for _ in range(rounds):
        for name, (steps, count) in going.items():
            found[name].append(milliseconds(steps, count))
        speed = rate()
        for name, config in (("limit", NET), ("l17 limit", L17)):
            found[name].append(1e3 * 3 * config.batch_size * multiply_adds(config) / speed)
    return {name: statistics.median(values) for name, values in found.items()}


# ---- Quality per second ----------------------------------------------------------------------------------------------


def seconds_to_goals(config: TrainConfig) -> dict[float, float]:
    """Seconds of training until the test -ELBO is there, looked at four times an epoch."""
    data, reached, seconds, started = load_dataset("mnist"), {}, 0.0, time.perf_counter()
    for state, _ in train(config, data, config.steps_per_epoch // 4):
        seconds += time.perf_counter() - started
        found = evaluate(config, model_of(config, state.weights), data).negative_elbo
        reached |= {goal: seconds for goal in GOALS if goal not in reached and found <= goal}
        if len(reached) == len(GOALS):
            break
        started = time.perf_counter()
    return {goal: reached.get(goal, math.inf) for goal in GOALS}


def example_seconds_to_goals() -> dict[float, float]:
    data, reached, seconds, started = load_dataset("mnist"), {}, 0.0, time.perf_counter()
    x = data.test / 255
    for step, model in enumerate(example_steps(), 1):
        if step % (NET.steps_per_epoch // 4) == 0:
            seconds += time.perf_counter() - started
            with torch.no_grad():
                found = float(model.loss(x)) / len(x)
            reached |= {goal: seconds for goal in GOALS if goal not in reached and found <= goal}
            if len(reached) == len(GOALS) or step > 15 * NET.steps_per_epoch:
                break
            started = time.perf_counter()
    return {goal: reached.get(goal, math.inf) for goal in GOALS}


# ---- Live ------------------------------------------------------------------------------------------------------------


def headless(config: TrainConfig, threads: int) -> float:
    """Images a second of train()."""
    torch.set_num_threads(threads)
    started = time.perf_counter()
    for _ in train(config):
        pass
    return config.total_steps * config.batch_size / (time.perf_counter() - started)


def live(engine: Engine, configs: list[TrainConfig]) -> tuple[float, int]:
    """Images a second of all columns together, looked at three times a second as a page does; and the threads of each."""
    race = engine.create_race(configs)
    while not all(view.observations for view in race.views()):
        time.sleep(0.01)
    started = time.perf_counter()
    race.start()
    while min(view.step for view in race.views()) < configs[0].total_steps:
        time.sleep(0.05)
    found = sum(c.total_steps * c.batch_size for c in configs) / (time.perf_counter() - started)
    threads = race.runs[0].threads
    for run in race.runs:
        engine.discard(run)
    return found, threads


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--goals", action="store_true", help="also the seconds to two test -ELBOs, some minutes")
    options = parser.parse_args()
    if not DATASETS["mnist"].is_present():
        sys.exit(f"MNIST is not in {data_folder()}: set VAE_DATA or run 'python -m vae fetch mnist'")
    cores, table = torch.get_num_threads(), {}
    for threads in sorted({1, cores}):
        table[f"{threads} threads"] = found = step_times(threads, options.rounds)
        print(f"\n{threads} thread(s), ms a step of 128 images, medians of {options.rounds} rounds in turn")
        for name, value in found.items():
            against = found["DataLoader loop"] / value
            print(f"  {name:16} {value:8.2f}" + ("" if name.startswith("l17") else f"   {against:5.2f} x the loop"))
        for name, limit in (("float32", "limit"), ("float32", "products alone"), ("l17 float32", "l17 limit")):
            print(f"  {limit} / {name}: {found[limit] / found[name]:.2f}")
    if options.goals:
        torch.set_num_threads(cores)
        table["seconds to"] = {
            name: {str(goal): seconds for goal, seconds in act().items()}
            for name, act in {
                "loop": example_seconds_to_goals,
                "ours": lambda: seconds_to_goals(replace(NET, epochs=15)),
                "fast": lambda: seconds_to_goals(find_preset("fast").config()),
            }.items()
        }
        print("\nseconds to test -ELBO", json.dumps(table["seconds to"]))
    engine = Engine(workers=cores)
    try:
        engine.warm()
        short = replace(NET, epochs=2)
        ratios: dict[str, list[float]] = {"lone run": [], "four columns": []}
        for _ in range(max(1, options.rounds // 2)):
            alone, threads = live(engine, [short])
            ratios["lone run"].append(alone / headless(short, threads))
            together, each = live(
                engine, [replace(short, loss=loss, epochs=1) for loss in ("bce", "mse", "laplace", "gaussian")]
            )
            ratios["four columns"].append(together / (cores * headless(replace(short, epochs=1), 1)))
        table["live / headless"] = {name: statistics.median(values) for name, values in ratios.items()}
        print(f"\nlive / headless: {table['live / headless']} (the lone run has {threads} threads, a column {each})")
    finally:
        engine.close()
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
