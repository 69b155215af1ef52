"""A training without the app: a step against other programs' and against its own arithmetic, the seconds to a quality, the
price of a chunk, what a step spends its time on, and how all that grows."""

from __future__ import annotations

import itertools
import json
import math
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.measuring import Acts, Row, exponent, in_turn, milliseconds, paired, seconds
from benchmarks.plain import plain_loss, plain_steps
from vae import (
    VAE,
    ImageDataset,
    TrainConfig,
    TrainState,
    advance,
    evaluate,
    initial_state,
    load_dataset,
    model_of,
    train,
)
from vae.data import to_unit
from vae.training.config import multiply_adds, operations_of_step
from vae.training.precision import BFLOAT16, is_possible, products_in
from vae.training.presets import find_preset
from vae.training.randomness import generator
from vae.training.step import batch_indices, training_terms
from vae.training.update import AutogradUpdate, DenseUpdate, is_dense

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
MLP = TrainConfig(dataset="mnist", latent_dim=20)  # pytorch/examples, vae/main.py
L17 = replace(MLP, architecture="l17", latent_dim=2, loss="mse")
NETS = {"MLP": (MLP, 60), "l17": (L17, 4)}  # with the steps of a round
CORES = torch.get_num_threads()
GOALS = (116.3, 105.6)  # test -ELBO of that program after two epochs and after ten


def our_steps(config: TrainConfig) -> Iterator[None]:
    """What advance() does for a step, without end."""
    data, state = load_dataset(config.dataset, config.size), initial_state(config)
    held = (0, state.weights, state.first, state.second)
    update = DenseUpdate(config, *held) if is_dense(config) else AutogradUpdate(config, training_terms, *held)
    for step in itertools.count():
        x = to_unit(data.train.index_select(0, batch_indices(config, step)))
        with products_in(config.precision):
            update.take(x, generator(config.seed, "noise", step), step)
        yield


def products(config: TrainConfig) -> Iterator[None]:
    """The matrix products of a step of an MLP with one hidden layer, at their own shapes, and nothing else."""
    batch, wide, narrow, codes = config.batch_size, math.prod(config.shape), config.hidden[0], config.latent_dim
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


def limit(config: TrainConfig) -> float:
    """Milliseconds of a step's multiply-adds at the rate of large square products, measured now."""
    a = torch.randn(1024, 1024)
    torch.mm(a, a)
    rate = 10 * 1024**3 / seconds(lambda: [torch.mm(a, a) for _ in range(10)])
    return 1e3 * operations_of_step(config) / rate


@contextmanager
def peers() -> Iterator[Callable[..., float] | None]:
    """ask(trainer, config, threads, steps) -> milliseconds of a step; None where `make peers` was not run."""
    if not PEERS.is_file():
        yield None
        return
    command = [PEERS, "-m", "benchmarks.peers"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None

        def ask(trainer: str, config: TrainConfig, threads: int, steps: int) -> float:
            asked = {"trainer": trainer, "config": config.to_dict(), "threads": threads, "steps": steps}
            print(json.dumps(asked), file=child.stdin, flush=True)
            return float(child.stdout.readline())

        yield ask


# ---- A step ------------------------------------------------------------------------------------------------------


def step(rounds: int) -> Iterator[Row]:
    with peers() as ask:
        for threads in sorted({1, CORES}):
            torch.set_num_threads(threads)
            for name, (config, count) in NETS.items():
                acts = _programs(config, count)
                if ask is not None:
                    acts |= {peer: partial(ask, peer, config, threads, count) for peer in ("Pythae", "Lightning")}
                in_turn(acts, 1)  # what is slow the first time
                yield from _step_rows(f"{name}, {_threads(threads)}", in_turn(acts, rounds))


def _programs(config: TrainConfig, count: int) -> dict[str, Callable[[], float]]:
    going: dict[str, Iterator[object]] = {"DataLoader loop": plain_steps(config), "here": our_steps(config)}
    if is_possible(BFLOAT16):
        going["here, bfloat16"] = our_steps(replace(config, precision=BFLOAT16))
    if config.architecture == "mlp":
        going["its products alone"] = products(config)
    acts = {name: partial(milliseconds, steps, count) for name, steps in going.items()}
    return acts | {"limit": partial(limit, config)}


def _step_rows(where: str, found: dict[str, list[float]]) -> Iterator[Row]:
    for name, times in found.items():
        told = [] if name in ("here", "limit") else [f"here {paired(times, found['here']):.2f} times as fast"]
        told += [] if name == "limit" else [f"the limit is {paired(found['limit'], times):.2f} of it"]
        yield Row(f"{where}: {name}", statistics.median(times), "ms a step", "; ".join(told))


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"


def profile(rounds: int) -> Iterator[Row]:
    """Where the time of a step goes, by PyTorch's own profiler, which makes it longer."""
    for name, (config, count) in NETS.items():
        torch.set_num_threads(1)
        going = our_steps(config)
        milliseconds(going, count)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            milliseconds(going, count)
        events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
        whole = sum(event.self_cpu_time_total for event in events)
        for event in events[:8]:
            share = f"{event.self_cpu_time_total / whole:.0%}, {event.count / count:.0f} calls"
            yield Row(f"{name}, 1 thread: {event.key}", event.self_cpu_time_total / count, "us a step", share)


# ---- Quality for a second ----------------------------------------------------------------------------------------


def goals(rounds: int) -> Iterator[Row]:
    """Seconds of training, observations included, until the test -ELBO is there, looked at four times an epoch. Once."""
    torch.set_num_threads(CORES)
    programs = {
        "DataLoader loop": _looks_of_plain(MLP),
        "here": _looks(replace(MLP, epochs=15)),
        "here, preset fast": _looks(find_preset("fast").config()),
    }
    for name, looks in programs.items():
        for goal, taken in seconds_to(GOALS, looks).items():
            yield Row(f"{name}, to test -ELBO {goal}", taken, "s", _threads(CORES))


def seconds_to(goals: Iterable[float], looks: Iterable[Callable[[], float]]) -> dict[float, float]:
    """Seconds that the iterable takes until a look's figure is at most each goal; looking is not counted. inf: never."""
    reached = dict.fromkeys(goals, math.inf)
    taken, started = 0.0, time.perf_counter()
    for look in looks:
        taken += time.perf_counter() - started
        found = look()
        reached = {goal: min(before, taken) if found <= goal else before for goal, before in reached.items()}
        if max(reached.values()) < math.inf:
            break
        started = time.perf_counter()
    return reached


def _looks(config: TrainConfig) -> Iterator[Callable[[], float]]:
    data = load_dataset(config.dataset)
    for state, _ in train(config, data, config.steps_per_epoch // 4):
        yield partial(_elbo, config, state, data)


def _elbo(config: TrainConfig, state: TrainState, data: ImageDataset) -> float:
    return evaluate(config, model_of(config, state.weights), data).negative_elbo


def _looks_of_plain(config: TrainConfig) -> Iterator[Callable[[], float]]:
    x = to_unit(load_dataset(config.dataset).test)
    for number, net in enumerate(itertools.islice(plain_steps(config), 15 * config.steps_per_epoch), 1):
        if number % (config.steps_per_epoch // 4) == 0:
            yield partial(_plain_elbo, config, net, x)


@torch.no_grad()
def _plain_elbo(config: TrainConfig, net: VAE, x: Tensor) -> float:
    return float(plain_loss(config, net, x)) / len(x)


# ---- Chunks, and how a step grows --------------------------------------------------------------------------------


def chunk(rounds: int) -> Iterator[Row]:
    """What it costs to stop and go on: a hundred steps in ten chunks against one, with the same observations."""
    for name, (config, _) in NETS.items():
        steps = 100 if config is MLP else 20
        torch.set_num_threads(1)
        data = load_dataset(config.dataset)
        begun, _ = advance(initial_state(config), config, data, 2)
        walks: Acts = {
            "ten": partial(seconds, _walk, begun, config, steps, 10),
            "one": partial(seconds, _walk, begun, config, steps, 1),
        }
        found = in_turn(walks, rounds)
        border = statistics.median(1e3 * (ten - one) / 9 for ten, one in zip(found["ten"], found["one"]))
        of_step = 1e3 * statistics.median(found["one"]) / steps
        yield Row(f"{name}, 1 thread: a border", border, "ms", f"{border / of_step:.1f} steps; observations included")


def _walk(state: TrainState, config: TrainConfig, steps: int, chunks: int) -> None:
    for _ in range(chunks):
        state, _ = advance(state, config, load_dataset(config.dataset), steps // chunks)


GROWING = {
    "batch": {n: replace(MLP, batch_size=n) for n in (32, 128, 512, 2048)},
    "hidden width": {n: replace(MLP, hidden=(n,)) for n in (100, 200, 400, 800, 1600)},
    "image side": {n: replace(MLP, size=n) for n in (16, 24, 32, 48, 64)},
}


def scaling(rounds: int) -> Iterator[Row]:
    """Milliseconds of a step as a power of what grows, on one thread; and what another thread brings."""
    torch.set_num_threads(1)
    for what, configs in GROWING.items():
        acts = {}
        for n, config in configs.items():
            going, count = our_steps(config), max(3, round(60 * operations_of_step(MLP) / operations_of_step(config)))
            milliseconds(going, min(count, 10))
            acts[str(n)] = partial(milliseconds, going, count)
        times = [statistics.median(found) for found in in_turn(acts, rounds).values()]
        alone = exponent(list(configs), [c.batch_size * multiply_adds(c) for c in configs.values()])
        shown = ", ".join(f"{n}: {ms:.2f} ms" for n, ms in zip(configs, times))
        yield Row(f"{what}, exponent", exponent(list(configs), times), "", f"arithmetic alone {alone:.2f}; {shown}")
    for name, (config, count) in NETS.items() if CORES > 1 else ():
        going = our_steps(config)
        acts = {str(n): partial(_on_threads, n, going, count) for n in (1, CORES)}
        found = in_turn(acts, rounds)
        times = [statistics.median(ms) for ms in found.values()]
        faster = f"{paired(found['1'], found[str(CORES)]):.2f} times as fast on {CORES}"
        yield Row(f"threads, {name}, exponent", exponent([1, CORES], times), "", faster)


def _on_threads(threads: int, steps: Iterator[object], count: int) -> float:
    torch.set_num_threads(threads)
    next(steps)
    return milliseconds(steps, count)
