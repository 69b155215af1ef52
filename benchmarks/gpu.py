"""What a card gives: an epoch, the columns of a race, and a class at once. One line where there is no card.

    PYTHONPATH=. python benchmarks/gpu.py [--dataset mnist] [--runs 40] [--json FILE]

mnist needs its files under VAE_DATA; digits, at MNIST's size, needs none.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from vae import TrainConfig, advance, advance_many, initial_state, load_dataset
from vae.data import DATASETS, default_dataset
from vae.training.batched import SPAN, DenseRuns, kind_of
from vae.training.device import chosen
from vae.training.on_device import tables
from vae.training.together import Together

ROUNDS = 3
CHUNK = 5  # of a person in a class, in steps from one observation to the next


def seconds_of(act: Callable[[], object]) -> float:
    """The median of some rounds, after one that makes programs and takes memory."""
    act()
    found = []
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        act()
        torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return statistics.median(found)


def replayed(configs: Sequence[TrainConfig], data, device: torch.device) -> float:
    """Seconds of a step of all of them that is nothing but the graph: the tables lie there already."""
    runs = DenseRuns([kind_of(config) for config in configs], data.train.to(device))
    for run, config in enumerate(configs):
        state = initial_state(config)
        runs.put(run, state.weights, state.first, state.second)
    runs.take(tables(configs, [0] * len(configs), SPAN, range(len(configs)), len(configs)))

    def span() -> None:
        runs._now.zero_()
        for _ in range(SPAN):
            runs._graph.replay()

    return seconds_of(span) / SPAN


def live(configs: Sequence[TrainConfig], data, steps: int, device: torch.device) -> float:
    """Seconds of so many steps with all that a page shows of them."""
    states = [initial_state(config) for config in configs]
    return seconds_of(lambda: advance_many(states, configs, data, steps, device))


def class_of(configs: Sequence[TrainConfig], data, chunks: int, device: torch.device) -> float:
    """Images a second of all of them together, each in a thread of its own that asks for one chunk after the other, as a
    worker's threads do."""
    card = Together()

    def person(config: TrainConfig) -> None:
        state = initial_state(config)
        for _ in range(chunks):
            state, _ = card.advance(state, config, data, CHUNK * config.observe_every, device)

    def everyone() -> None:
        threads = [threading.Thread(target=person, args=(config,)) for config in configs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    steps = chunks * CHUNK * configs[0].observe_every
    return len(configs) * steps * configs[0].batch_size / seconds_of(everyone)


def chunks_equal_whole(config: TrainConfig, data, device: torch.device) -> bool:
    whole, _ = advance(initial_state(config), config, data, 60, device=device)
    part = initial_state(config)
    for steps in (1, 20, 39):
        part, _ = advance(part, config, data, steps, device=device)
    return all(torch.equal(whole.weights[name], part.weights[name]) for name in whole.weights)


def largest_difference(config: TrainConfig, data, device: torch.device) -> float:
    """Of the objective over 100 steps from that of the CPU, relative."""
    curves = [
        advance(initial_state(config), config, data, 100, device=d)[1].objective for d in (device, torch.device("cpu"))
    ]
    return float(abs(curves[0] / curves[1] - 1).max())


def measured(dataset: str, many: int, device: torch.device) -> dict[str, object]:
    base = TrainConfig(dataset=dataset, size=0 if dataset == "mnist" else 28, latent_dim=20, epochs=100)
    data, epoch, batch = load_dataset(base.dataset, base.size), base.steps_per_epoch, base.batch_size
    race = [replace(base, loss=loss) for loss in ("bce", "mse", "gaussian_optimal", "continuous_bernoulli")]
    people = [replace(base, seed=seed) for seed in range(many)]
    found: dict[str, object] = {"card": torch.cuda.get_device_name(), "torch": torch.__version__, "dataset": dataset}
    found["epoch, live, s"] = one = live([base], data, epoch, device)
    found["epoch, graph alone, s"] = replayed([base], data, device) * epoch
    found["epoch of 4 columns / of 1, live"] = live(race, data, epoch, device) / one
    found["4 columns / 1, graph alone"] = replayed(race, data, device) / replayed([base], data, device)
    steps = 2 * SPAN
    found[f"{many} runs, images/s together, live"] = many * steps * batch / live(people, data, steps, device)
    found[f"{many} runs, images/s together, graph alone"] = many * batch / replayed(people, data, device)
    found[f"{many} runs, images/s together, each in a thread of its own"] = class_of(people, data, 4, device)
    found["memory, MB"] = torch.cuda.max_memory_allocated() / 1e6
    conv = replace(base, architecture="conv", batch_size=min(128, batch))
    for name, config in (("MLP", base), ("conv", conv)):
        found[f"{name}: chunks = whole, bit for bit"] = chunks_equal_whole(config, data, device)
        found[f"{name}: objective, largest difference from the CPU"] = largest_difference(config, data, device)
    found["conv, 20 steps by autograd, s"] = seconds_of(
        lambda: advance(initial_state(conv), conv, data, 20, device=device)
    )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="What a card gives.")
    parser.add_argument("--dataset", default=default_dataset(), choices=list(DATASETS))
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    device = chosen("auto")
    if device.type != "cuda":
        print("There is no CUDA card on this machine (or this PyTorch is built without CUDA): nothing to measure.")
        return 0
    found = measured(given.dataset, given.runs, device)
    for name, value in found.items():
        print(f"{name:55} {value:,.6g}" if isinstance(value, float) else f"{name:55} {value}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
