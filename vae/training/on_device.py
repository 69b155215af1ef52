"""advance() and train() wherever the numbers are to be computed; and many runs of one shape as one program.

On a card lie the images, the weights and the moments while a chunk is under way; states come in and go out as tensors on the CPU,
so whatever else is done with them knows of no card. Batches and noise are drawn on the CPU by the generators that a training
there has. An MLP with a loss and a KL term written out goes through DenseRuns, on CUDA a replayed graph. By autograd, one
step after the other, go convolutions, a trained sigma, SSIM, formulas and the importance-weighted bound. On the CPU all the
same go bfloat16 and programs other than the correct one (the bug zoo's), and a chunk in which a number was not finite: the CPU
looks for the last good step in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from vae.data import ImageDataset, load_dataset
from vae.errors import VaeError
from vae.training import step as on_cpu
from vae.training.batched import NUMBERS, SPAN, DenseRuns, Tables, group_of, is_batched, kind_of, numbers_of, shape_of
from vae.training.config import TrainConfig
from vae.training.device import CPU, DeviceError, prepare, told_in_a_sentence
from vae.training.pixels import UNIT
from vae.training.precision import FLOAT32
from vae.training.randomness import generator
from vae.training.step import (
    CORRECT,
    Draws,
    Images,
    Observation,
    Pictures,
    Program,
    Progress,
    TrainState,
    batch_indices,
    check_trainable,
    draws_of,
    images_of,
    initial_state,
    look,
    observation_of,
    training_terms,
)
from vae.training.update import AutogradUpdate, Tensors

Advanced = tuple[TrainState, Progress]


def alone(state: TrainState, config: TrainConfig, data: ImageDataset, steps: int, device: torch.device) -> Advanced:
    """A chunk on a card that nobody else wants meanwhile. DeviceError where it fails."""
    return or_on_the_cpu([state], [config], data, steps, take_chunk([state], [config], data, steps, device))[0]


def advance(
    state: TrainState,
    config: TrainConfig,
    data: ImageDataset,
    steps: int,
    program: Program = CORRECT,
    device: torch.device = CPU,
    on_card: Callable[[TrainState, TrainConfig, ImageDataset, int, torch.device], Advanced] = alone,
) -> Advanced:
    """step.advance(), computed on that device. On another than the CPU the last digits differ. DeviceError where it fails.

    on_card: how a chunk gets through a card, where one of many threads wants it: see together.py.
    """
    if device.type == "cpu" or not leaves_the_cpu(config, program):
        return on_cpu.advance(state, config, data, steps, program)
    return on_card(state, config, data, steps, device)


def advance_many(
    states: Sequence[TrainState],
    configs: Sequence[TrainConfig],
    data: ImageDataset,
    steps: int,
    device: torch.device = CPU,
) -> list[Advanced]:
    """advance() of each, side by side in one program; as many steps as all of them have left.

    The runs need the same data, layers, latent dimensions and batch size (VaeError), and is_batched() settings; those that have
    none go one after the other. Side by side the last digits differ from those of a run alone.
    """
    if len({shape_of(config) for config in configs}) > 1:
        raise VaeError("Runs that are trained as one need the same data, layers, latent dimensions and batch size.")
    steps = min(steps, *(config.total_steps - state.step for state, config in zip(states, configs)))
    if not all(map(is_batched, configs)):
        return [advance(state, config, data, steps, CORRECT, device) for state, config in zip(states, configs)]
    return or_on_the_cpu(states, configs, data, steps, take_chunk(states, configs, data, steps, device))


def train(
    config: TrainConfig,
    data: ImageDataset | None = None,
    chunk: int = 50,
    device: torch.device = CPU,
    or_cpu: bool = False,
) -> Iterator[Advanced]:
    """advance() as a generator of (state, progress), from the initial state to the last step or a failure.

    Where the device fails, it ends there with the last good state, or (or_cpu) goes on from it on the CPU.
    """
    data = load_dataset(config.dataset, config.size) if data is None else data
    state = initial_state(config)
    while state.step < config.total_steps:
        try:
            state, progress = advance(state, config, data, chunk, device=device)
        except DeviceError as reason:
            if or_cpu:
                device = CPU
                continue
            progress = replace(on_cpu.advance(state, config, data, 0)[1], failure=str(reason), device=device.type)
        yield state, progress
        if progress.failure:
            return


def leaves_the_cpu(config: TrainConfig, program: Program) -> bool:
    """Whether a training may be computed on a card: see the module's own words."""
    return program == CORRECT and config.precision == FLOAT32


# ---- A chunk -----------------------------------------------------------------------------------------------------


class Runs(Protocol):
    """Runs under way on a device. state: as that of DenseRuns."""

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]: ...

    def left(self, run: int, state: TrainState) -> None:
        """That is the state which was had of it last."""

    def take(self, steps: Sequence[int], count: int, then: tuple[Sequence[int], int] | None) -> Tensor:
        """`count` steps, of each run those after so many others: (count, R, 3). then: what is taken next, if anything."""

    def look(self, runs: Sequence[int]) -> list[dict[str, Tensor]]:
        """step.look() at the networks of these, on the CPU."""


def take_chunk(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, steps: int, device: torch.device
) -> list[Advanced | None]:
    """So many steps of each on the device; None where a number is not finite. DeviceError where it is lost, or full twice."""
    for state in states:
        check_trainable(state)
    prepare(device)
    try:
        return _taken(states, configs, data, steps, device)
    except DeviceError as reason:
        if reason.lost:
            raise
        return _taken(states, configs, data, steps, device)  # it was full, perhaps of what is let go of by now


def or_on_the_cpu(
    states: Sequence[TrainState],
    configs: Sequence[TrainConfig],
    data: ImageDataset,
    steps: int,
    found: Sequence[Advanced | None],
) -> list[Advanced]:
    """The CPU takes the chunk where a number was not finite: it looks for the last good step."""
    return [one or on_cpu.advance(states[run], configs[run], data, steps) for run, one in enumerate(found)]


def _taken(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, steps: int, device: torch.device
) -> list[Advanced | None]:
    started = time.perf_counter()
    steps = max(0, min(steps, *(c.total_steps - s.step for s, c in zip(states, configs))))
    with told_in_a_sentence(forget), torch.no_grad():
        runs = _runs_of(states, configs, data, device)
        walk = _Walk(runs, [state.step for state in states], configs, data)
        walk.go(steps)
        return [walk.result(run, time.perf_counter() - started, device) for run in range(len(configs))]


class _Walk:
    """Runs on their way, and what each was seen to do."""

    def __init__(self, runs: Runs, at: list[int], configs: Sequence[TrainConfig], data: ImageDataset):
        self._runs, self._at, self._configs, self._data = runs, at, configs, data
        self._rows: list[Tensor] = [torch.zeros(0, len(configs), 3)]
        self._observations: list[list[Observation]] = [[] for _ in configs]
        self._shown: dict[int, Observation] = {}  # of each run, as it is now

    def go(self, steps: int) -> None:
        """Take the steps in spans from one observation of any of the runs to the next."""
        self._observe([run for run, step in enumerate(self._at) if step == 0])
        span = self._span(steps)
        while steps > 0:
            at, count = self._at, span
            self._at, steps, self._shown = [step + span for step in at], steps - span, {}
            span = self._span(steps)
            self._rows.append(self._runs.take(at, count, (self._at, span) if span else None))
            self._observe([run for run, c in enumerate(self._configs) if c.observes(self._at[run])])
        self._look([run for run in range(len(self._configs)) if run not in self._shown])

    def _span(self, steps: int) -> int:
        """From where they are to the next observation, of so many steps that are left."""
        return min(SPAN, steps, *map(_to_observation, self._configs, self._at))

    def _observe(self, due: Sequence[int]) -> None:
        self._look(due)
        for run in due:
            if run in self._shown:
                self._observations[run].append(self._shown[run])

    def _look(self, due: Sequence[int]) -> None:
        """At all of them together; at what is finite."""
        for run, seen in zip(due, self._runs.look(due) if due else []):
            if all(bool(tensor.isfinite().all()) for tensor in seen.values()):
                self._shown[run] = observation_of(self._configs[run], self._data, seen, self._at[run])

    def result(self, run: int, seconds: float, device: torch.device) -> Advanced | None:
        """The new state and what there is to see; None where a number is not finite."""
        config, shown, step = self._configs[run], self._shown.get(run), self._at[run]
        rows = torch.cat([taken[:, run] for taken in self._rows])
        state = TrainState(step, *self._runs.state(run))
        if shown is None or not all(bool(tensor.isfinite().all()) for tensor in (rows, *state.weights.values())):
            return None
        self._runs.left(run, state)
        reconstruction, kl, objective = rows.double().numpy().T
        return state, Progress(
            step,
            step / config.steps_per_epoch,
            reconstruction,
            kl,
            objective,
            tuple(self._observations[run]),
            Pictures(step, shown.inputs, shown.reconstructions, shown.samples),
            len(rows) * config.batch_size / max(seconds, 1e-9),
            device=device.type,
        )


def _to_observation(config: TrainConfig, step: int) -> int:
    """Steps from there to the next observation, SPAN at most."""
    return next((span for span in range(1, SPAN) if config.observes(step + span)), SPAN)


# ---- The two ways of taking steps --------------------------------------------------------------------------------


def _runs_of(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, device: torch.device
) -> Runs:
    if not all(map(is_batched, configs)):
        return _Eager(states[0], configs[0], data, device)
    return _Batched(states, configs, data, device)


_drawing = ThreadPoolExecutor(1, thread_name_prefix="vae-draws")


class _Batched:
    """Through DenseRuns: a program is made once for its kinds, and used again.

    It has room for a power of two of each kind, so that runs that come and go leave it as it is; and a run whose state is the
    one that was had of it last goes on where it lies.
    """

    def __init__(
        self, states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, device: torch.device
    ):
        self._configs = configs
        alike: dict[str, list[int]] = {}
        for run, config in enumerate(configs):
            alike.setdefault(repr(group_of(config)), []).append(run)
        room = {key: 1 << (len(runs) - 1).bit_length() for key, runs in alike.items()}
        kinds = tuple(kind_of(configs[alike[key][0]]) for key in sorted(alike) for _ in range(room[key]))
        self._data, self._device, self._alike = data, device, alike
        self._drawn: Future[Tables] | None = None  # of the next steps, while the device takes those before
        self._program = _program(kinds, data, device)
        self._places, start = [0] * len(configs), 0
        for key in sorted(alike):
            self._place(alike[key], range(start, start + room[key]), states)
            start += room[key]

    def _place(self, runs: Sequence[int], free: Sequence[int], states: Sequence[TrainState]) -> None:
        lying = {id(held): place for place in free if (held := self._program.held(place)) is not None}
        at = {run: place for run in runs if (place := lying.pop(id(states[run]), None)) is not None}
        others = iter([place for place in free if place not in at.values()])
        for run in runs:
            if run not in at:
                at[run], state = next(others), states[run]
                self._program.put(at[run], state.weights, state.first, state.second)
            self._places[run] = at[run]

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]:
        return self._program.state(self._places[run])

    def left(self, run: int, state: TrainState) -> None:
        self._program.left(self._places[run], state)

    def take(self, steps: Sequence[int], count: int, then: tuple[Sequence[int], int] | None) -> Tensor:
        drawn = self._drawn.result() if self._drawn else self._tables(steps, count)
        self._drawn = _drawing.submit(self._tables, *then) if then else None
        return self._program.take(drawn)[:, self._places]

    def _tables(self, steps: Sequence[int], count: int) -> Tables:
        return tables(self._configs, steps, count, self._places, self._program.runs)

    def look(self, runs: Sequence[int]) -> list[dict[str, Tensor]]:
        seen: dict[int, dict[str, Tensor]] = {}
        for alike in self._alike.values():
            due = [run for run in alike if run in runs]
            if due:
                kind = kind_of(self._configs[due[0]])
                draws = [
                    _draws_on(replace(kind, seed=self._configs[run].seed), self._data, self._device) for run in due
                ]
                images = _looked_at(kind, self._data, self._device)
                seen |= zip(due, self._program.look([self._places[run] for run in due], kind, images, draws))
        return [seen[run] for run in runs]


def tables(
    configs: Sequence[TrainConfig], steps: Sequence[int], count: int, places: Sequence[int], room: int
) -> Tables:
    """What `count` steps need, of each run those after so many others, at its place among so many."""
    batch, latent = configs[0].batch_size, configs[0].latent_dim
    chosen = torch.zeros(count, room, batch, dtype=torch.int64)
    eps = torch.zeros(count, room, batch, latent)
    numbers = torch.tensor((1.0, 1.0, 1.0, 0.0, 0.0, 1.0)).repeat(
        count, room, 1
    )  # a place without a run stays as it is
    for config, first, place in zip(configs, steps, places):
        drawn = [batch_indices(config, step) for step in range(first, first + count)]
        sizes = list(map(len, drawn))
        noise = [_noise(config.seed, first + row, images, latent) for row, images in enumerate(sizes)]
        if min(sizes, default=batch) == batch:  # all but the last of an epoch
            torch.stack(drawn, out=chosen[:, place])
            torch.stack(noise, out=eps[:, place])
        else:
            for row, images in enumerate(sizes):
                chosen[row, place, :images], eps[row, place, :images] = drawn[row], noise[row]
        numbers[:, place] = torch.tensor(numbers_of(config, first, sizes)).view(count, NUMBERS)
    return Tables(chosen, eps, numbers)


@lru_cache(maxsize=40 * SPAN)
def _noise(seed: int, step: int, images: int, latent: int) -> Tensor:
    """Drawn once for runs of one seed side by side."""
    return torch.randn(images, latent, generator=generator(seed, "noise", step))


class _Eager:
    """One run by autograd, step after step, which asks the device for three numbers each time."""

    def __init__(self, state: TrainState, config: TrainConfig, data: ImageDataset, device: torch.device):
        self._config, self._images, self._device, self._data = config, _images_on(data, device), device, data
        held = ({name: t.to(device) for name, t in part.items()} for part in (state.weights, state.first, state.second))
        with torch.enable_grad():
            self._update = AutogradUpdate(config, training_terms, state.step, *held)

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]:
        weights, first, second = (
            {name: t.cpu().clone(memory_format=torch.contiguous_format) for name, t in held.items()}
            for held in self._update.state()
        )
        return weights, first, second

    def left(self, run: int, state: TrainState) -> None:
        pass  # it is put there anew next time

    @torch.enable_grad()
    def take(self, steps: Sequence[int], count: int, then: tuple[Sequence[int], int] | None) -> Tensor:
        rows = torch.full((count, 1, 3), torch.nan)
        for row, step in enumerate(range(steps[0], steps[0] + count)):
            chosen = batch_indices(self._config, step).to(self._images.device)
            x = self._config.x(self._images.index_select(0, chosen), step, "pixels")
            found = self._update.take(x, generator(self._config.seed, "noise", step), step)
            if found is None:
                break
            rows[row, 0] = torch.tensor(found)
        return rows

    def look(self, runs: Sequence[int]) -> list[dict[str, Tensor]]:
        kind = replace(kind_of(self._config), seed=self._config.seed)  # which treatments of pixels draw by
        where = kind, self._data, self._device
        seen = look(self._config, self._update.model, _looked_at(*where), _draws_on(*where))
        return [{name: tensor.cpu() for name, tensor in seen.items()} for _ in runs]


# ---- What stays on a device between chunks -----------------------------------------------------------------------


@lru_cache(maxsize=4)
def _images_on(data: ImageDataset, device: torch.device) -> Tensor:
    """The training images there, uint8."""
    return data.train.to(device)


@lru_cache(maxsize=8)
def _looked_at(kind: TrainConfig, data: ImageDataset, device: torch.device) -> Images:
    found = images_of(kind, data)
    pieces, trained = (tuple(x.to(device) for x in part) for part in (found.pieces, found.trained))
    coded = None if found.coded is None else found.coded.to(device)
    return Images(found.shown.to(device), found.held.to(device), pieces, trained, coded)


@lru_cache(maxsize=256)
def _draws_on(kind: TrainConfig, data: ImageDataset, device: torch.device) -> Draws:
    """Of a kind with its seed."""
    found = draws_of(kind, _looked_at(replace(kind, seed=0) if kind.pixels == UNIT else kind, data, device))
    pieces = tuple(eps.to(device) for eps in found.pieces)
    return Draws(found.prior.to(device), pieces, pieces if found.trained else ())


@lru_cache(maxsize=8)
def _program(kinds: tuple[TrainConfig, ...], data: ImageDataset, device: torch.device) -> DenseRuns:
    return DenseRuns(kinds, _images_on(data, device))


def forget() -> None:
    """Let go of all that is kept on devices."""
    for kept in (_program, _images_on, _looked_at, _draws_on):
        kept.cache_clear()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
