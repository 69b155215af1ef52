"""Training as a pure function over state: advance(state, config, data, steps) -> (state, progress).

Weights and optimiser moments go in and come out; the input is never changed, so that any state can be replayed or
forked. Randomness is a function of the seed and the step (see randomness.py), so chunk borders leave no trace.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vae.data import ImageDataset, find_source
from vae.errors import VaeError
from vae.losses.kl_terms import importance_weighted_objective
from vae.losses.objective import Terms, combine, kl_divergence
from vae.training.config import FEWEST_HELD_OUT, TrainConfig
from vae.training.evaluation import (
    Evaluation,
    evaluate_piece,
    laplacian_variance,
    loss_keywords,
    merge,
    pieces,
    terms_of_batch,
    training_sigma,
)
from vae.training.networks import VAE
from vae.training.pixels import treated
from vae.training.precision import check_possible, products_in
from vae.training.randomness import derived_seed, generator
from vae.training.update import AutogradUpdate, DenseUpdate, Row, Update, is_dense

N_PICTURES = 10  # test images shown with their reconstructions
N_SAMPLES = 10  # pictures decoded from fixed draws of the prior
STEPS_AHEAD = 50  # in which a training without finite figures on held-out images may find back
N_CODES = 500  # test images whose two-dimensional codes are drawn


@dataclass(frozen=True)
class TrainState:
    """A run after `step` updates. weights: the network's tensors by name; first, second: Adam's moments, likewise."""

    step: int
    weights: dict[str, Tensor]
    first: dict[str, Tensor]
    second: dict[str, Tensor]


@dataclass(frozen=True)
class Pictures:
    """What a run shows after `step` updates, on fixed test images and fixed draws of the prior: uint8 (n, C, H, W).

    Reconstructions are decoded from mu, never from a sampled z.
    """

    step: int
    inputs: np.ndarray
    reconstructions: np.ndarray
    samples: np.ndarray


@dataclass(frozen=True)
class Observation(Pictures):
    """Pictures with the figures that go with them, on held-out images with fixed noise.

    codes (n, 2) float32 and labels (n,) are there where the latent space has two dimensions. squared_error (summed over
    pixels) and sharpness (variance of the Laplacian, model / data) compare pictures decoded from mu with held-out images:
    the same measure whatever the loss. objective: see held_out_objective(). sigma: the decoder's, where it comes from
    residuals or is trained.
    """

    reconstruction: float  # nats per image
    kl_per_dim: tuple[float, ...]  # nats per image
    objective: float  # nats per image
    squared_error: float  # per image
    sharpness: float
    codes: np.ndarray | None = None
    labels: np.ndarray | None = None
    sigma: float | None = None

    @property
    def kl(self) -> float:
        return sum(self.kl_per_dim)


@dataclass(frozen=True)
class Progress:
    """What one call of advance did. The arrays hold one float per step taken: nats per image."""

    step: int  # updates done in all
    epoch: float
    reconstruction: np.ndarray
    kl: np.ndarray
    objective: np.ndarray  # what was minimised: reconstruction (reduced as configured) + beta KL
    observations: tuple[Observation, ...]
    pictures: Pictures  # after the last step, whether an observation was due there or not
    images_per_second: float
    failure: str | None = None  # one sentence, where a loss or an update was not finite
    device: str = "cpu"  # that took the steps

    @property
    def first_step(self) -> int:
        """The number of the first step in the arrays."""
        return self.step - len(self.reconstruction) + 1


# ---- What is minimised -------------------------------------------------------------------------------------------


def training_terms(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    """The Terms of the update after `step` others, on images x (B, C, H, W) in [0, 1]; noise gives the codes' eps."""
    if config.kl_record().bound:
        return _bound_terms(config, model, x, noise, int(config.kl_settings()["samples"]))
    eps = torch.randn(len(x), config.latent_dim, generator=noise).to(x.device)
    return terms_of_batch(config, model, x, eps, step=step)


def _bound_terms(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, samples: int) -> Terms:
    """The importance-weighted bound with so many codes an image; the first of them are those that other terms draw."""
    mu, log_var = model.encode(x)  # (B, Z)
    eps = torch.stack([torch.randn(mu.shape, generator=noise) for _ in range(samples)]).to(mu.device)  # (k, B, Z)
    z = mu + (0.5 * log_var).exp() * eps
    logits = model.decode(z.flatten(0, 1)).unflatten(0, (samples, len(x)))  # (k, B, C, H, W)
    pixel_loss = config.loss_record().pixelwise(logits, x.expand_as(logits), **loss_keywords(config, model))
    per_image = pixel_loss.flatten(2).sum(2)  # (k, B), sum over pixels
    divisor = pixel_loss[0, 0].numel() if config.reduction == "mean" else 1
    objective = importance_weighted_objective(per_image / divisor, log_var, z, eps, config.beta).mean()
    return Terms(per_image.mean(), kl_divergence(mu, log_var).mean(0), objective)


def held_out_objective(config: TrainConfig, figures: Evaluation, pixels: int, step: int) -> float:
    """What is minimised after `step` updates, on held-out images of so many pixels; of a bound over several samples, what
    it comes to with one."""
    weighed = float(config.kl_cost(torch.tensor(figures.kl_per_dim), step))
    return combine(figures.reconstruction, weighed, pixels, config.reduction)


@dataclass(frozen=True)
class Program:
    """What a training minimises and shows: functions of modules, so that it travels between processes by name.

    terms: as training_terms. observed(model): the model as held-out images meet it; where that is the model itself,
    observations are right whatever the training does. picture(logits): what is shown, None for the loss's own.
    """

    terms: Callable[[TrainConfig, VAE, Tensor, torch.Generator, int], Terms] = training_terms
    observed: Callable[[VAE], VAE] | None = None
    picture: Callable[[Tensor], Tensor] | None = None

    def as_observed(self, model: VAE) -> VAE:
        """The model as held-out images meet it."""
        return self.observed(model) if self.observed else model

    def shown(self, config: TrainConfig, logits: Tensor) -> Tensor:
        """Logits -> the picture that is shown of them, the same shape, in [0, 1]."""
        return (self.picture or config.loss_record().picture)(logits).clamp(0, 1)


CORRECT = Program()


# ---- Training ----------------------------------------------------------------------------------------------------


def initial_state(config: TrainConfig) -> TrainState:
    """Step 0: PyTorch's default initialisation, drawn from the config's seed. No process-wide generator is touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(config.seed, "weights"))
        model = config.build_model()
    weights = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    zeros = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    return TrainState(0, weights, zeros, {name: torch.zeros_like(tensor) for name, tensor in weights.items()})


def advance(
    state: TrainState, config: TrainConfig, data: ImageDataset, steps: int, program: Program = CORRECT
) -> tuple[TrainState, Progress]:
    """Take up to `steps` more updates, none past the config's last one; the input state stays as it is.

    If a loss or an update is not finite, the last good state comes back, with finite weights and finite figures on held-out
    images, and progress.failure says after which step.
    """
    started = time.perf_counter()
    steps = max(0, min(steps, config.total_steps - state.step))
    chunk = _Chunk(state, config, program)
    failed = _walk(chunk, data, steps)
    if not chunk.finite():  # some update broke the weights, though its own loss was still finite
        failed = _first_broken_update(state, config, data, steps, program)
    elif failed is None and not chunk.good(data) and _is_lost(chunk.state(), config, data, program):
        failed = chunk.step
    if failed is not None:
        kept = _last_good_step(state, config, data, failed - 1, program)
        chunk = _Chunk(state, config, program)
        _walk(chunk, data, kept - state.step)
    seconds = time.perf_counter() - started
    return chunk.state(), chunk.progress(data, seconds, failed)


def check_trainable(state: TrainState) -> None:
    """VaeError for a state that training cannot go on from."""
    if state.weights.keys() != state.first.keys():
        raise VaeError("This state has weights but no optimiser moments: it is for looking at, not for training on.")


class _Chunk:
    """The working copy of one call of advance: model and optimiser, and what they were seen to do."""

    def __init__(self, state: TrainState, config: TrainConfig, program: Program):
        check_trainable(state)
        check_possible(config.precision)
        self.config, self.program, self.step = config, program, state.step
        held = (state.step, state.weights, state.first, state.second)
        dense = program.terms is training_terms and is_dense(config)
        self.update: Update = DenseUpdate(config, *held) if dense else AutogradUpdate(config, program.terms, *held)
        self.model = self.update.model
        self.rows: list[Row] = []
        self.observations: list[Observation] = []

    def take_step(self, data: ImageDataset) -> bool:
        """One update on the batch that the seed puts at this step; False, and no update, if its loss is not finite."""
        x = self.config.x(data.train.index_select(0, batch_indices(self.config, self.step)), self.step, "pixels")
        with products_in(self.config.precision):
            row = self.update.take(x, generator(self.config.seed, "noise", self.step), self.step)
        if row is None:
            return False
        self.rows.append(row)
        self.step += 1
        return True

    def finite(self) -> bool:
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    def good(self, data: ImageDataset) -> bool:
        return has_finite_figures(self.config, self.program.as_observed(self.model), data)

    def observe(self, data: ImageDataset) -> None:
        self.observations.append(observe(self.config, self.model, data, self.step, self.program))

    def state(self) -> TrainState:
        weights, first, second = (_copied(held) for held in self.update.state())
        return TrainState(self.step, weights, first, second)

    def progress(self, data: ImageDataset, seconds: float, failed: int | None) -> Progress:
        reconstruction, kl, objective = np.array(self.rows, dtype=np.float64).reshape(-1, 3).T
        images = len(objective) * self.config.batch_size
        return Progress(
            self.step,
            self.step / self.config.steps_per_epoch,
            reconstruction,
            kl,
            objective,
            tuple(self.observations),
            pictures_of(self.config, self.model, data, self.step, self.program),
            images / max(seconds, 1e-9),
            None if failed is None else _failure_sentence(self.config, self.step),
        )


def has_finite_figures(config: TrainConfig, model: VAE, data: ImageDataset) -> bool:
    """On the first held-out images."""
    seen = evaluate_piece(config, model, data.test, 0, min(FEWEST_HELD_OUT, len(data.test)))
    return bool(np.isfinite((seen.reconstruction, *seen.kl_per_dim)).all())


def _copied(held: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in held.items()}


def _walk(chunk: _Chunk, data: ImageDataset, steps: int) -> int | None:
    """Take the steps, observing where the config says so; the number of the step that failed, None if none did."""
    if chunk.step == 0 and not chunk.observations:
        chunk.observe(data)
    for _ in range(steps):
        if not chunk.take_step(data):
            return chunk.step + 1
        if chunk.config.observes(chunk.step):
            if not chunk.finite():
                return None
            chunk.observe(data)
    return None


def _first_broken_update(
    state: TrainState, config: TrainConfig, data: ImageDataset, steps: int, program: Program
) -> int:
    """The number of the first step after which a weight is not finite; looked for only once it is known to exist."""
    chunk = _Chunk(state, config, program)
    for _ in range(steps):
        if not chunk.take_step(data) or not chunk.finite():
            break
    return chunk.step


def _is_lost(state: TrainState, config: TrainConfig, data: ImageDataset, program: Program) -> bool:
    """Whether a state without finite figures on held-out images ends so: looked for in the steps that come after it."""
    ahead = _Chunk(state, config, program)
    for _ in range(min(STEPS_AHEAD, config.total_steps - state.step)):
        if not ahead.take_step(data) or not ahead.finite():
            return True
        if ahead.good(data):
            return False
    return True


def _last_good_step(state: TrainState, config: TrainConfig, data: ImageDataset, last: int, program: Program) -> int:
    """The last step up to `last` with finite figures on held-out images; the one to begin with where there is none."""
    chunk, good = _Chunk(state, config, program), state.step
    while chunk.step < last and chunk.take_step(data):
        if chunk.good(data):
            good = chunk.step
    return good


def _failure_sentence(config: TrainConfig, kept: int) -> str:
    return (
        f"Training stopped: from step {kept + 1:,} on the loss, a weight or a figure on held-out images was no longer a finite "
        f"number; the state after step {kept:,} is kept. A lower learning rate than {config.learning_rate:g} is the usual cure."
    )


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, images: int) -> Tensor:
    return torch.randperm(images, generator=generator(seed, "order", epoch))


def batch_indices(config: TrainConfig, step: int) -> Tensor:
    """Which training images step `step` (from 0) sees: (batch,) int64. Each epoch sees every image once."""
    epoch, position = divmod(step, config.steps_per_epoch)
    order = _epoch_order(config.seed, epoch, find_source(config.dataset).n_train)
    return order[position * config.batch_size : (position + 1) * config.batch_size]


@torch.inference_mode()
def pictures_of(config: TrainConfig, model: VAE, data: ImageDataset, step: int, program: Program = CORRECT) -> Pictures:
    """What the model shows as it is now: a few images' work, where an observation costs hundreds."""
    model = program.as_observed(model)
    x = config.x(data.test[picture_indices(data)])
    z = torch.randn(N_SAMPLES, config.latent_dim, generator=generator(config.seed, "prior"))
    return Pictures(
        step,
        as_bytes(x),
        as_bytes(program.shown(config, model.decode(model.encode(x)[0]))),
        as_bytes(program.shown(config, model.decode(z))),
    )


@torch.inference_mode()
def observe(config: TrainConfig, model: VAE, data: ImageDataset, step: int, program: Program = CORRECT) -> Observation:
    """Pictures and held-out figures of the model as it is now."""
    shown = pictures_of(config, model, data, step, program)
    trained_sigma = None if model.log_sigma is None else float(model.log_sigma.exp())
    model = program.as_observed(model)
    images = data.test[: config.n_held_out]
    sigma = training_sigma(config, model, data.train[: config.n_held_out])
    figures = merge(evaluate_piece(config, model, images, a, b, sigma) for a, b in pieces(len(images)))
    x = config.x(images)
    p = program.shown(config, model.decode(model.encode(x)[0]))
    codes = labels = None
    if config.latent_dim == 2:
        codes = model.encode(config.x(data.test[:N_CODES]))[0].numpy()
        labels = None if data.test_labels is None else data.test_labels[:N_CODES].numpy()
    return Observation(
        **vars(shown),
        reconstruction=figures.reconstruction,
        kl_per_dim=figures.kl_per_dim,
        objective=held_out_objective(config, figures, shown.inputs[0].size, step),
        squared_error=float((p - x).square().flatten(1).sum(1).mean()),
        sharpness=float(laplacian_variance(p).mean()) / _sharpness_of_data(data, len(images), config.pixels),
        codes=codes,
        labels=labels,
        sigma=sigma if trained_sigma is None else trained_sigma,
    )


@lru_cache(maxsize=16)
def _sharpness_of_data(data: ImageDataset, held_out: int, pixels: str) -> float:
    x = treated(pixels, data.test[:held_out])
    return float(laplacian_variance(x).mean())


def pictures(config: TrainConfig, logits: Tensor) -> np.ndarray:
    """Logits -> the images to show, uint8, through the loss's own map from logits to a picture."""
    return as_bytes(config.loss_record().picture(logits))


def as_bytes(picture: Tensor) -> np.ndarray:
    """A picture in [0, 1] as grey levels, uint8."""
    return picture.clamp(0, 1).mul(255).round().to(torch.uint8).numpy()


@lru_cache(maxsize=16)
def picture_indices(data: ImageDataset) -> list[int]:
    """Fixed test images to show: the first of each class in turn, or simply the first."""
    if data.test_labels is None:
        return list(range(min(N_PICTURES, len(data.test))))
    labels = data.test_labels.tolist()
    firsts = [labels.index(label) for label in sorted(set(labels))]
    rest = [i for i in range(len(labels)) if i not in set(firsts)]
    return (firsts + rest)[:N_PICTURES]
