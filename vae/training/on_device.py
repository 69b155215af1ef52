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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from vae.data import ImageDataset, load_dataset
from vae.errors import VaeError
from vae.training import step as on_cpu
from vae.training.batched import SPAN, DenseRuns, Tables, group_of, is_batched, kind_of, numbers_of, shape_of
from vae.training.config import TrainConfig
from vae.training.device import CPU, DeviceError, prepare, told_in_a_sentence
from vae.training.networks import VAE
from vae.training.precision import FLOAT32
from vae.training.randomness import generator
from vae.training.step import (
    CORRECT,
    Observation,
    Program,
    Progress,
    TrainState,
    batch_indices,
    check_trainable,
    has_finite_figures,
    initial_state,
    observe,
    pictures_of,
    training_terms,
)
from vae.training.update import AutogradUpdate, Tensors

Advanced = tuple[TrainState, Progress]


def advance(
    state: TrainState,
    config: TrainConfig,
    data: ImageDataset,
    steps: int,
    program: Program = CORRECT,
    device: torch.device = CPU,
) -> Advanced:
    """step.advance(), computed on that device. On another than the CPU the last digits differ. DeviceError where it fails."""
    if device.type == "cpu" or not leaves_the_cpu(config, program):
        return on_cpu.advance(state, config, data, steps, program)
    return _on_device([state], [config], data, steps, device)[0]


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
    order = sorted(range(len(configs)), key=lambda run: repr(group_of(configs[run])))
    found = _on_device([states[run] for run in order], [configs[run] for run in order], data, steps, device)
    return [found[order.index(run)] for run in range(len(configs))]


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
    """Runs under way on a device. models: their networks, as they are now; state, take: as those of DenseRuns."""

    models: list[VAE]

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]: ...

    def take(self, steps: Sequence[int], count: int) -> Tensor:
        """`count` steps, of each run those after so many others: (count, R, 3)."""


@dataclass
class _Seen:
    """What a run was seen to do."""

    rows: list[Tensor] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)


def _on_device(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, steps: int, device: torch.device
) -> list[Advanced]:
    for state in states:
        check_trainable(state)
    prepare(device)
    try:
        return _taken(states, configs, data, steps, device)
    except DeviceError as reason:
        if reason.lost:
            raise
        return _taken(states, configs, data, steps, device)  # it was full, perhaps of what is let go of by now


def _taken(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, steps: int, device: torch.device
) -> list[Advanced]:
    started = time.perf_counter()
    steps = max(0, min(steps, *(c.total_steps - s.step for s, c in zip(states, configs))))
    with told_in_a_sentence(forget):
        runs = _runs_of(states, configs, data, device)
        models = [cast(VAE, _OnTheCPU(model)) for model in runs.models]
        seen = _walk(runs, models, [state.step for state in states], configs, data, steps)
        seconds = time.perf_counter() - started
        found = [
            _result(runs, run, model, states[run].step + steps, config, data, seen[run], seconds, device)
            for run, (model, config) in enumerate(zip(models, configs))
        ]
    return [one or on_cpu.advance(states[run], configs[run], data, steps) for run, one in enumerate(found)]


def _walk(
    runs: Runs, models: Sequence[VAE], at: list[int], configs: Sequence[TrainConfig], data: ImageDataset, steps: int
) -> list[_Seen]:
    """Take the steps in spans from one observation of any of the runs to the next."""
    seen = [_Seen() for _ in configs]

    def look(run: int) -> None:
        if all(bool(rows.isfinite().all()) for rows in seen[run].rows[-1:]):
            seen[run].observations.append(observe(configs[run], models[run], data, at[run]))

    for run, step in enumerate(at):
        if step == 0:
            look(run)
    while steps > 0:
        span = min(SPAN, steps, *(_to_observation(config, step) for config, step in zip(configs, at)))
        rows = runs.take(at, span)
        at, steps = [step + span for step in at], steps - span
        for run, config in enumerate(configs):
            seen[run].rows.append(rows[:, run])
            if config.observes(at[run]):
                look(run)
    return seen


def _to_observation(config: TrainConfig, step: int) -> int:
    """Steps from there to the next observation, SPAN at most."""
    return next((span for span in range(1, SPAN) if config.observes(step + span)), SPAN)


def _result(
    runs: Runs,
    run: int,
    model: VAE,
    step: int,
    config: TrainConfig,
    data: ImageDataset,
    seen: _Seen,
    seconds: float,
    device: torch.device,
) -> Advanced | None:
    """The new state and what there is to see; None where a number is not finite."""
    state = TrainState(step, *runs.state(run))
    rows = torch.cat([torch.zeros(0, 3), *seen.rows])
    finite = all(bool(tensor.isfinite().all()) for tensor in (rows, *state.weights.values()))
    if not finite or not has_finite_figures(config, model, data):
        return None
    reconstruction, kl, objective = rows.double().numpy().T
    return state, Progress(
        step,
        step / config.steps_per_epoch,
        reconstruction,
        kl,
        objective,
        tuple(seen.observations),
        pictures_of(config, model, data, step),
        len(rows) * config.batch_size / max(seconds, 1e-9),
        device=device.type,
    )


class _OnTheCPU(nn.Module):
    """A network that lies on a device, for who brings images and codes on the CPU and looks at what comes back there."""

    def __init__(self, model: VAE):
        super().__init__()
        self._model, self._device = model, model.mu.weight.device

    @property
    def log_sigma(self) -> Tensor | None:
        return None if self._model.log_sigma is None else self._model.log_sigma.detach().cpu()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self._model.encode(x.to(self._device))
        return mu.cpu(), log_var.cpu()

    def decode(self, z: Tensor) -> Tensor:
        return self._model.decode(z.to(self._device)).cpu()

    def forward(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, log_var = self.encode(x)
        return self.decode(mu + (0.5 * log_var).exp() * eps), mu, log_var


# ---- The two ways of taking steps --------------------------------------------------------------------------------


def _runs_of(
    states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, device: torch.device
) -> Runs:
    if not all(map(is_batched, configs)):
        return _Eager(states[0], configs[0], data, device)
    return _Batched(states, configs, data, device)


class _Batched:
    """Through DenseRuns: a program is made once for its kinds, and used again."""

    def __init__(
        self, states: Sequence[TrainState], configs: Sequence[TrainConfig], data: ImageDataset, device: torch.device
    ):
        self._configs = configs
        self._program = _program(tuple(map(kind_of, configs)), data, device)
        self.models, self.state = self._program.models, self._program.state
        for run, state in enumerate(states):
            self._program.put(run, state.weights, state.first, state.second)

    def take(self, steps: Sequence[int], count: int) -> Tensor:
        return self._program.take(tables(self._configs, steps, count))


def tables(configs: Sequence[TrainConfig], steps: Sequence[int], count: int) -> Tables:
    """What `count` steps need, of each run those after so many others."""
    runs, batch, latent = len(configs), configs[0].batch_size, configs[0].latent_dim
    chosen = torch.zeros(count, runs, batch, dtype=torch.int64)
    eps = torch.zeros(count, runs, batch, latent)
    numbers = torch.empty(count, runs, len(numbers_of(configs[0], 0, batch)))
    for run, (config, first) in enumerate(zip(configs, steps)):
        for row, step in enumerate(range(first, first + count)):
            indices = batch_indices(config, step)
            chosen[row, run, : len(indices)] = indices
            eps[row, run, : len(indices)] = _noise(config.seed, step, len(indices), latent)
            numbers[row, run] = torch.tensor(numbers_of(config, step, len(indices)))
    return Tables(chosen, eps, numbers)


@lru_cache(maxsize=2 * SPAN)
def _noise(seed: int, step: int, images: int, latent: int) -> Tensor:
    """Drawn once for runs of one seed side by side."""
    return torch.randn(images, latent, generator=generator(seed, "noise", step))


class _Eager:
    """One run by autograd, step after step, which asks the device for three numbers each time."""

    def __init__(self, state: TrainState, config: TrainConfig, data: ImageDataset, device: torch.device):
        self._config, self._images = config, _images_on(data, device)
        held = ({name: t.to(device) for name, t in part.items()} for part in (state.weights, state.first, state.second))
        self._update = AutogradUpdate(config, training_terms, state.step, *held)
        self.models = [self._update.model]

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]:
        weights, first, second = (
            {name: t.cpu().clone(memory_format=torch.contiguous_format) for name, t in held.items()}
            for held in self._update.state()
        )
        return weights, first, second

    def take(self, steps: Sequence[int], count: int) -> Tensor:
        rows = torch.full((count, 1, 3), torch.nan)
        for row, step in enumerate(range(steps[0], steps[0] + count)):
            chosen = batch_indices(self._config, step).to(self._images.device)
            x = self._config.x(self._images.index_select(0, chosen), step, "pixels")
            found = self._update.take(x, generator(self._config.seed, "noise", step), step)
            if found is None:
                break
            rows[row, 0] = torch.tensor(found)
        return rows


# ---- What stays on a device between chunks -----------------------------------------------------------------------


@lru_cache(maxsize=4)
def _images_on(data: ImageDataset, device: torch.device) -> Tensor:
    """The training images there, uint8."""
    return data.train.to(device)


@lru_cache(maxsize=8)
def _program(kinds: tuple[TrainConfig, ...], data: ImageDataset, device: torch.device) -> DenseRuns:
    return DenseRuns(kinds, _images_on(data, device))


def forget() -> None:
    """Let go of all that is kept on devices."""
    _program.cache_clear()
    _images_on.cache_clear()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
