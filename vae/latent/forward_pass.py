"""One image through a VAE, every quantity on the way kept: x -> mu, log_var -> eps -> z -> logits -> p, and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from vae.losses.objective import combine, kl_divergence
from vae.losses.record import Loss
from vae.losses.squared_error import optimal_sigma
from vae.losses.table import find_loss
from vae.training.config import TrainConfig
from vae.training.evaluation import loss_keywords
from vae.training.networks import VAE
from vae.training.randomness import generator
from vae.training.step import pictures


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The reconstruction term of one image under one loss. per_pixel: (C, H, W), nats; parameters: those it was made with."""

    loss: Loss
    parameters: Mapping[str, float]
    per_pixel: Tensor

    @cached_property
    def total(self) -> float:
        """Nats, summed over pixels."""
        return float(self.per_pixel.sum())


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """mu, log_var, eps, z, kl_per_dim (nats): (Z,). logits: (C, H, W); p: the picture they stand for, uint8 (C, H, W).

    reconstructions: by the key of the loss; none where the image itself is not known.
    """

    config: TrainConfig
    mu: Tensor
    log_var: Tensor
    eps: Tensor
    z: Tensor
    logits: Tensor
    p: Tensor
    kl_per_dim: Tensor
    step: int  # updates that the model has had, which schedules of the KL term read
    reconstructions: Mapping[str, Reconstruction] = field(default_factory=dict)

    @cached_property
    def kl(self) -> float:
        """Nats, summed over latent dimensions."""
        return float(self.kl_per_dim.sum())

    @cached_property
    def kl_cost(self) -> float:
        """What the KL adds to the objective for this image alone, nats."""
        return float(self.config.kl_cost(self.kl_per_dim, self.step))

    def objective(self, loss: str) -> float:
        """What training under that loss would count for this image, nats."""
        return combine(self.reconstructions[loss].total, self.kl_cost, self.logits.numel(), self.config.reduction)


def noise(seed: int, latent_dim: int) -> Tensor:
    """eps (Z,): standard normal, fixed by the seed; seed 0 stands for no noise, so that z = mu."""
    if seed == 0:
        return torch.zeros(latent_dim)
    return torch.randn(latent_dim, generator=generator(seed, "noise"))


@torch.inference_mode()
def forward_pass(
    config: TrainConfig,
    model: VAE,
    x: Tensor,
    eps: Tensor,
    shift: Tensor,
    losses: Sequence[str] = (),
    sigma: float | None = None,
    step: int | None = None,
) -> ForwardPass:
    """x: uint8 (C, H, W); z = mu + exp(log_var / 2) eps + shift, each (Z,). losses: keys, besides the model's own.

    The model's own loss takes its parameters as evaluation does (sigma: the training set's, for a loss that measures
    it; None: this image's own); another loss has its defaults, and a sigma that is measured is this image's own. step: updates that the model
    has had; None: all of its training.
    """
    unit = config.x(x[None])
    mu, log_var = model.encode(unit)
    seen = decoded(config, model, mu[0], log_var[0], eps, shift, step)
    own = config.loss_record()
    records = {own.key: own} | {key: find_loss(key) for key in losses if key != own.key}
    found = {}
    for key, record in records.items():
        given = loss_keywords(config, model, sigma) if key == own.key else _defaults(record)
        found[key] = _reconstruction(record, given, seen.logits[None], unit)
    return replace(seen, reconstructions=found)


@torch.inference_mode()
def decoded(
    config: TrainConfig, model: VAE, mu: Tensor, log_var: Tensor, eps: Tensor, shift: Tensor, step: int | None = None
) -> ForwardPass:
    """The pass from the encoder's outputs on, where the image is not known: without reconstruction terms."""
    z = mu + (0.5 * log_var).exp() * eps + shift
    logits = model.decode(z[None])
    p = torch.from_numpy(pictures(config, logits))[0]
    step = config.total_steps if step is None else step
    return ForwardPass(config, mu, log_var, eps, z, logits[0], p, kl_divergence(mu, log_var), step)


def _defaults(record: Loss) -> dict[str, float | None]:
    return {p.name: None if p.origin == "batch" else p.default for p in record.parameters}


def _reconstruction(
    record: Loss, given: Mapping[str, float | Tensor | None], logits: Tensor, x: Tensor
) -> Reconstruction:
    """The term, and its parameters as numbers: a sigma that was left open is the one of these residuals."""
    known = {k: optimal_sigma(torch.sigmoid(logits), x) if value is None else value for k, value in given.items()}
    parameters = {name: float(value) for name, value in known.items()}
    return Reconstruction(record, parameters, record.pixelwise(logits, x, **given)[0])
