"""What the patients minimise: each objective complete and as people wrote it, with its one mistake.

The faulty line of each stands word for word in its record (bugs.py), beside the line that cures it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae.data import load_dataset, to_unit
from vae.losses.objective import Terms, kl_divergence
from vae.training.config import TrainConfig
from vae.training.networks import VAE
from vae.training.step import Program


def _terms(logits: Tensor, target: Tensor, mu: Tensor, log_var: Tensor, objective: Tensor) -> Terms:
    """The Terms as they are reported: BCE summed over pixels, KL of each dimension, both averaged over images."""
    reconstruction = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(target)
    return Terms(reconstruction, kl_divergence(mu, log_var).mean(0), objective)


# ---- Patients ----------------------------------------------------------------------------------------------------


def mean_reduction(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, x, mu, log_var, reconstruction + kl)


def kl_over_the_data_set(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x) / 60_000
    return _terms(logits, x, mu, log_var, reconstruction + kl)


def wrong_sign(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, x, mu, log_var, reconstruction + kl)


def standard_deviation_for_variance(
    config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int
) -> Terms:
    mu, log_var = model.encode(x)
    z = mu + torch.exp(log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, x, mu, log_var, reconstruction + kl)


def pixels_outside(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    x = (x - 0.1307) / 0.3081
    target = x
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, target, mu, log_var, reconstruction + kl)


def unbounded_log_variance(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    mu, log_var = model.encode(standardised(x))
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, x, mu, log_var, reconstruction + kl)


def without_sigmoid(logits: Tensor) -> Tensor:
    """The picture of a program that trains on logits, and shows them."""
    picture = logits
    return picture


# ---- Controls that are more than the correct program -----------------------------------------------------------------


def normalised_input(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    """The encoder sees normalised pixels, the loss the pixels themselves."""
    target = x
    x = normalised(x)
    mu, log_var = model.encode(x)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, target, mu, log_var, reconstruction + kl)


def bounded_log_variance(config: TrainConfig, model: VAE, x: Tensor, noise: torch.Generator, step: int) -> Terms:
    """As the patient, on the same standardised pixels, with the log variance between -10 and 10."""
    mu, log_var = model.encode(standardised(x))
    log_var = bounded(log_var)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=noise)
    logits = model.decode(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp()) / len(x)
    return _terms(logits, x, mu, log_var, reconstruction + kl)


# ---- What the encoder is given ---------------------------------------------------------------------------------------


def normalised(x: Tensor) -> Tensor:
    """Mean and standard deviation of MNIST, as tutorials have them: pixels from -0.42 to 2.82."""
    return (x - 0.1307) / 0.3081


def standardised(x: Tensor) -> Tensor:
    """Each pixel by its mean and standard deviation over the first 700 images of the digits.

    Some pixels are 0 in all of these; the first image that has ink there gets numbers in the tens of thousands.
    """
    mean, deviation = _of_first_images(700)
    return (x - mean) / (deviation + 1e-5)


@lru_cache(maxsize=2)
def _of_first_images(images: int) -> tuple[Tensor, Tensor]:
    first = to_unit(load_dataset("digits").train[:images])
    return first.mean(0), first.std(0)


def bounded(log_var: Tensor) -> Tensor:
    """Between -10 and 10, and smoothly, so that its gradient never vanishes altogether."""
    return 10 * torch.tanh(log_var / 10)


class _Used(VAE):
    """A VAE as its program uses it: what its encoder is given, and what is made of its log variance."""

    def __init__(
        self, model: VAE, prepare: Callable[[Tensor], Tensor], bound: Callable[[Tensor], Tensor] = torch.clone
    ):
        nn.Module.__init__(self)
        self.model, self.prepare, self.bound = model, prepare, bound

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_var = self.model.encode(self.prepare(x))
        return mu, self.bound(log_var)

    def decode(self, z: Tensor) -> Tensor:
        return self.model.decode(z)


def _on_normalised(model: VAE) -> VAE:
    return _Used(model, normalised)


def _on_standardised(model: VAE) -> VAE:
    return _Used(model, standardised)


def _on_standardised_bounded(model: VAE) -> VAE:
    return _Used(model, standardised, bounded)


MEAN_REDUCTION = Program(mean_reduction)
KL_OVER_THE_DATA_SET = Program(kl_over_the_data_set)
WRONG_SIGN = Program(wrong_sign)
STANDARD_DEVIATION_FOR_VARIANCE = Program(standard_deviation_for_variance)
PIXELS_OUTSIDE = Program(pixels_outside, observed=_on_normalised)
NORMALISED_INPUT = Program(normalised_input, observed=_on_normalised)
UNBOUNDED_LOG_VARIANCE = Program(unbounded_log_variance, observed=_on_standardised)
BOUNDED_LOG_VARIANCE = Program(bounded_log_variance, observed=_on_standardised_bounded)
WITHOUT_SIGMOID = Program(picture=without_sigmoid)
