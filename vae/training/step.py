"""Training as a pure function over state: advance(state, config, data, steps) -> (state, progress).

Weights and optimiser moments go in and come out; the input is never changed, so that any state can be replayed or
forked. Randomness is a function of the seed and the step (see randomness.py), so chunk borders leave no trace.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

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
    evaluation_noise,
    laplacian_variance,
    loss_keywords,
    merge,
    pieces,
    residual_of,
    sigma_from,
    terms_of_batch,
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


_DRAWING = (
    threading.Lock()
)  # weights are drawn from the process's generator, which is put back: by one thread at a time


def initial_state(config: TrainConfig) -> TrainState:
    """Step 0: PyTorch's default initialisation, drawn from the config's seed. The process's generator is left as it was."""
    with _DRAWING, torch.random.fork_rng(devices=[]):
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
        dense = program.terms is training_terms and is_dense(config)
        check_possible(config.precision, dense)
        self.config, self.program, self.step = config, program, state.step
        held = (state.step, state.weights, state.first, state.second)
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


class Images(NamedTuple):
    """The fixed images that a look at a network is made from, as it sees them: (n, C, H, W), wherever it lies.

    shown: of the pictures. held: held-out ones; pieces: those in pieces; trained: as many training images, where the loss takes
    its sigma from residuals. coded: those whose codes are drawn, of two dimensions.
    """

    shown: Tensor
    held: Tensor
    pieces: tuple[Tensor, ...]
    trained: tuple[Tensor, ...]
    coded: Tensor | None


class Draws(NamedTuple):
    """The fixed draws of a look: prior (N_SAMPLES, Z) of the samples, and the noise (B, Z) of each piece of Images."""

    prior: Tensor
    pieces: tuple[Tensor, ...]
    trained: tuple[Tensor, ...]


def images_of(config: TrainConfig, data: ImageDataset) -> Images:
    """On the CPU."""
    held, train = data.test[: config.n_held_out], data.train[: config.n_held_out]
    spans = list(pieces(len(held)))
    return Images(
        config.x(data.test[picture_indices(data)]),
        config.x(held),
        tuple(config.x(held[a:b], a) for a, b in spans),
        tuple(config.x(train[a:b], a) for a, b in spans) if config.loss_record().origin("sigma") == "batch" else (),
        config.x(data.test[:N_CODES]) if config.latent_dim == 2 else None,
    )


def draws_of(config: TrainConfig, images: Images) -> Draws:
    """On the CPU."""
    prior = torch.randn(N_SAMPLES, config.latent_dim, generator=generator(config.seed, "prior"))
    eps = tuple(evaluation_noise(config, a, b) for a, b in pieces(len(images.held)))
    return Draws(prior, eps, eps if images.trained else ())


def pictured(config: TrainConfig, model: VAE, shown: Tensor, prior: Tensor, program: Program) -> tuple[Tensor, Tensor]:
    """Reconstructions and samples, uint8 (n, C, H, W)."""
    seen = program.shown(config, model.decode(model.encode(shown)[0]))
    return as_levels(seen), as_levels(program.shown(config, model.decode(prior)))


def look(
    config: TrainConfig, model: VAE, images: Images, draws: Draws, program: Program = CORRECT
) -> dict[str, Tensor]:
    """All that an observation needs of a network, as tensors where it lies: nothing here asks for a number."""
    seen: dict[str, Tensor] = {}
    if model.log_sigma is not None:
        seen["sigma"] = model.log_sigma.exp()
    model = program.as_observed(model)
    seen["reconstructions"], seen["samples"] = pictured(config, model, images.shown, draws.prior, program)
    sigma = None
    if images.trained:
        residuals = [residual_of(model, x, eps) for x, eps in zip(images.trained, draws.trained)]
        seen["sigma"] = sigma = sigma_from(residuals, [len(x) for x in images.trained])
    terms = [terms_of_batch(config, model, x, eps, sigma) for x, eps in zip(images.pieces, draws.pieces)]
    seen["reconstruction"] = torch.stack([part.reconstruction for part in terms])  # (pieces,)
    seen["kl_per_dim"] = torch.stack([part.kl_per_dim for part in terms])  # (pieces, Z)
    p = program.shown(config, model.decode(model.encode(images.held)[0]))
    seen["squared_error"] = (p - images.held).square().flatten(1).sum(1).mean()
    seen["sharpness"] = laplacian_variance(p).mean()
    if images.coded is not None:
        seen["codes"] = model.encode(images.coded)[0]
    return seen


def observation_of(config: TrainConfig, data: ImageDataset, seen: dict[str, Tensor], step: int) -> Observation:
    """What was seen, on the CPU, as an Observation after `step` updates."""
    sizes = [stop - start for start, stop in pieces(len(data.test[: config.n_held_out]))]
    figures = merge(
        Evaluation(images, reconstruction, tuple(kl))
        for images, reconstruction, kl in zip(sizes, seen["reconstruction"].tolist(), seen["kl_per_dim"].tolist())
    )
    inputs = as_bytes(config.x(data.test[picture_indices(data)]))
    return Observation(
        step,
        inputs,
        seen["reconstructions"].numpy(),
        seen["samples"].numpy(),
        reconstruction=figures.reconstruction,
        kl_per_dim=figures.kl_per_dim,
        objective=held_out_objective(config, figures, inputs[0].size, step),
        squared_error=float(seen["squared_error"]),
        sharpness=float(seen["sharpness"]) / _sharpness_of_data(data, sum(sizes), config.pixels),
        codes=seen["codes"].numpy() if "codes" in seen else None,
        labels=data.test_labels[:N_CODES].numpy() if "codes" in seen and data.test_labels is not None else None,
        sigma=float(seen["sigma"]) if "sigma" in seen else None,
    )


@torch.inference_mode()
def observe(config: TrainConfig, model: VAE, data: ImageDataset, step: int, program: Program = CORRECT) -> Observation:
    """Pictures and held-out figures of the model as it is now."""
    images = images_of(config, data)
    return observation_of(config, data, look(config, model, images, draws_of(config, images), program), step)


@torch.inference_mode()
def pictures_of(config: TrainConfig, model: VAE, data: ImageDataset, step: int, program: Program = CORRECT) -> Pictures:
    """What the model shows as it is now: a few images' work, where an observation costs hundreds."""
    x = config.x(data.test[picture_indices(data)])
    z = torch.randn(N_SAMPLES, config.latent_dim, generator=generator(config.seed, "prior"))
    seen = pictured(config, program.as_observed(model), x, z, program)
    return Pictures(step, as_bytes(x), *(levels.numpy() for levels in seen))


@lru_cache(maxsize=16)
def _sharpness_of_data(data: ImageDataset, held_out: int, pixels: str) -> float:
    x = treated(pixels, data.test[:held_out])
    return float(laplacian_variance(x).mean())


def pictures(config: TrainConfig, logits: Tensor) -> np.ndarray:
    """Logits -> the images to show, uint8, through the loss's own map from logits to a picture."""
    return as_bytes(config.loss_record().picture(logits))


def as_levels(picture: Tensor) -> Tensor:
    """A picture in [0, 1] as grey levels, uint8."""
    return picture.clamp(0, 1).mul(255).round().to(torch.uint8)


def as_bytes(picture: Tensor) -> np.ndarray:
    return as_levels(picture).numpy()


@lru_cache(maxsize=16)
def picture_indices(data: ImageDataset) -> list[int]:
    """Fixed test images to show: the first of each class in turn, or simply the first."""
    if data.test_labels is None:
        return list(range(min(N_PICTURES, len(data.test))))
    labels = data.test_labels.tolist()
    firsts = [labels.index(label) for label in sorted(set(labels))]
    rest = [i for i in range(len(labels)) if i not in set(firsts)]
    return (firsts + rest)[:N_PICTURES]
