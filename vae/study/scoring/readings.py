"""One prediction, read by every loss: a model's mean picture as the mean of the loss's own distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor

from vae.losses.bernoulli import continuous_bernoulli_mean
from vae.losses.record import Loss
from vae.losses.table import LOSSES

HALF_A_GREY_LEVEL = 0.5 / 255
NEWTON_STEPS = 3  # each squares the error
AT_ONCE = 30_000  # numbers; so few stay in the processor's cache
RAW = "continuous_bernoulli_raw"  # the key of the reading without the inverse mean


def continuous_bernoulli_parameter(mean: Tensor, edge: float = HALF_A_GREY_LEVEL) -> Tensor:
    """The logits L whose continuous Bernoulli has this mean: the inverse of losses.continuous_bernoulli_mean. float64.

    A mean nearer to 0 or 1 than `edge` is taken as edge or 1 - edge: at a mean of exactly 0 there is no density, and
    near it a pixel of exactly 0 costs any amount below zero, so that a limit has to be named. Pixels of 8 bits do not
    tell such means apart from black or white. With a = |L| and e the distance of the mean from the nearer end,
    e = 1/a - 1/expm1(a): written in e, small ones keep their digits. Start: Jedynak's inverse of the Langevin function
    (2015, https://doi.org/10.1007/s00397-014-0802-2; within 1.5 %); then Newton's method.
    """
    mean = mean.double()
    e = torch.minimum(mean, 1 - mean)
    inside = ~(e <= edge)  # NaN too, and stays NaN; of most pictures only a part: many pixels are black
    a = _size_of_parameter(torch.full((), edge, dtype=torch.float64)).expand_as(e).clone()
    a[inside] = torch.cat([_size_of_parameter(some) for some in e[inside].split(AT_ONCE)])
    return torch.where(mean < 0.5, -a, a)


def _size_of_parameter(e: Tensor) -> Tensor:
    """The a >= 0 with 1/a - 1/expm1(a) = e, for e in (0, 1/2], float64."""
    y = 1 - 2 * e
    a = y * (3 - 2.6 * y + 0.7 * y * y) / (e * (1 + 0.1 * y))
    for _ in range(NEWTON_STEPS):
        a = (a + (continuous_bernoulli_mean(-a) - e) / _slope(a)).clamp_min(0)
    return a


def _slope(a: Tensor) -> Tensor:
    """Derivative of the mean: 1/a^2 - 1/(2 sinh(a/2))^2, with its series near 0. a >= 0."""
    near = a < 0.1
    safe = torch.where(near, torch.ones_like(a), a)
    square = torch.where(near, a, torch.zeros_like(a)).square()
    series = 1 / 12 - square / 240 + square * square / 6048
    return torch.where(near, series, safe.square().reciprocal() - (2 * torch.sinh(safe / 2)).square().reciprocal())


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a decoder says of images. logits: the network's, (..., C, H, W), None for a picture that no network made.

    picture_logits: those whose sigmoid is the mean picture; infinite where it is exactly 0 or 1.
    """

    logits: Tensor | None
    picture_logits: Tensor

    @classmethod
    def by(cls, loss: Loss, logits: Tensor) -> Prediction:
        """Of a network trained under that loss."""
        same = loss.picture is torch.sigmoid
        return cls(logits, logits if same else torch.logit(loss.picture(logits.double())))

    @classmethod
    def of_picture(cls, picture: Tensor) -> Prediction:
        return cls(None, torch.logit(picture.double()))

    def __getitem__(self, images: slice) -> Prediction:
        """Of some of the images only."""
        return Prediction(None if self.logits is None else self.logits[images], self.picture_logits[images])

    @cached_property
    def mean(self) -> Tensor:
        """The mean picture in [0, 1]."""
        return torch.sigmoid(self.picture_logits)


@dataclass(frozen=True)
class Reading:
    """A loss, and what of a prediction it is given. given(prediction) -> logits for the loss, or None."""

    key: str
    name: str
    loss: Loss
    given: Callable[[Prediction], Tensor | None] = lambda prediction: prediction.picture_logits

    def nats(
        self, prediction: Prediction, x: Tensor, sigma: float | None, trained_sigma: float | None
    ) -> Tensor | None:
        """The reconstruction term of each image, (..., C, H, W) -> (...), float64; None where there is none.

        sigma: the root mean square residual on training images, for losses that take theirs from the residuals;
        trained_sigma: the model's own, where one was trained along.
        """
        logits, parameters = self.given(prediction), self._parameters(sigma, trained_sigma)
        if logits is None or parameters is None:
            return None
        loss = self.loss.pixelwise(logits, x, **parameters)
        if self.loss.pointwise and not bool(logits.isfinite().all()):
            exact = self.loss.at(torch.sigmoid(logits), x.to(logits.dtype), **parameters)
            loss = torch.where(logits.isfinite(), loss, exact)
        return loss.flatten(-3).sum(-1, dtype=torch.float64)

    def _parameters(self, sigma: float | None, trained_sigma: float | None) -> dict[str, float] | None:
        origin = self.loss.origin("sigma")
        if origin not in ("batch", "learned"):
            return {p.name: p.default for p in self.loss.given()}
        used = trained_sigma if origin == "learned" and trained_sigma else sigma
        return None if used is None else {"sigma": used}


def _inverse_mean(prediction: Prediction) -> Tensor:
    return continuous_bernoulli_parameter(prediction.mean)


def _readings() -> Mapping[str, Reading]:
    found = {}
    for key, loss in LOSSES.items():
        if key == "continuous_bernoulli":
            found[key] = Reading(key, f"{loss.name}, mean = p", loss, _inverse_mean)
            found[RAW] = Reading(RAW, f"{loss.name}, λ = sigmoid(logits)", loss, lambda prediction: prediction.logits)
        else:
            settings = "".join(f", {p.name.replace('sigma', 'σ')} = {p.default:g}" for p in loss.given())
            found[key] = Reading(key, loss.name.removesuffix(", fixed σ") + settings, loss)
    return MappingProxyType(found)


READINGS: Mapping[str, Reading] = _readings()
