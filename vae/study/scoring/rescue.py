"""The continuous Bernoulli rescue: a net trained with BCE, its output taken as a mean instead of as the parameter."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.losses.bernoulli import continuous_bernoulli_mean
from vae.study.scoring.readings import continuous_bernoulli_parameter


@dataclass(frozen=True)
class Rescue:
    """ELBO under the continuous Bernoulli, nats per image, higher is better: the output read as the parameter (raw), and
    as the mean, through the inverse mean (rescued). Loaiza-Ganem and Cunningham 2019, https://arxiv.org/abs/1907.06845."""

    raw: float
    rescued: float

    @property
    def gain(self) -> float:
        return self.rescued - self.raw


@torch.inference_mode()
def rescue_pictures(logits: Tensor) -> tuple[Tensor, Tensor]:
    """What a continuous Bernoulli shows, its mean, with lambda = sigmoid(logits), and with lambda from the inverse mean of
    sigmoid(logits): two uint8 tensors of the shape of the logits."""
    logits = logits.double()
    raw = continuous_bernoulli_mean(logits)
    rescued = continuous_bernoulli_mean(continuous_bernoulli_parameter(torch.sigmoid(logits)))
    raw, rescued = (p.clamp(0, 1).mul(255).round().to(torch.uint8) for p in (raw, rescued))
    return raw, rescued
