"""Losses of a pixel as a coin: BCE, and the continuous Bernoulli that makes it a density on [0, 1]."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vae.losses.record import OF_BITS, OF_GREYS, Derivatives, Loss, at_the_truth

LOG_2 = math.log(2.0)

# ---- Binary cross-entropy --------------------------------------------------------------------------------------------


def bce(logits: Tensor, x: Tensor) -> Tensor:
    """Binary cross-entropy, softplus(logits) - x logits: the form that neither overflows nor takes log(0)."""
    return F.softplus(logits) - x * logits


def bce_of_prediction(p: Tensor, x: Tensor) -> Tensor:
    """-x log p - (1 - x) log(1 - p), where 0 log 0 = 0."""
    return -torch.xlogy(x, p) - torch.xlogy(1 - x, 1 - p)


def bce_total(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over all pixels, and p - x.

    log(1 + exp(L)) is max(L, 0) - log max(p, 1 - p): from a p that is needed anyway, in two thirds of the time of softplus,
    and as exact, since the likelier of two outcomes is never near 0.
    """
    linear = logits.relu().sum() - torch.dot(x.flatten(), logits.flatten())
    p = logits.sigmoid_()
    likelier = (p - 0.5).abs_().add_(0.5)
    return linear - _sum_of_logs(likelier.view(-1)), p.sub_(x)


def _sum_of_logs(q: Tensor) -> Tensor:
    """Of numbers from .5 to 1, (N,): by the logarithms of products of 32 of them, none below 2^-32, in a fifth of the time."""
    each = len(q) // 32
    return q[: 32 * each].view(32, each).prod(0).log_().sum() + q[32 * each :].log_().sum()


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, 0 where part is 0: a term with weight 0 is absent even where p is 0 or 1."""
    return torch.where(part == 0, torch.zeros_like(part), part / whole)


BCE = Loss(
    key="bce",
    name="BCE",
    meaning="Binary cross-entropy: the likelihood of a coin flip, used for grey values too.",
    latex=r"-x\log p-(1-x)\log(1-p)",
    source="Kingma and Welling 2013, appendix C.1",
    url="https://arxiv.org/abs/1312.6114",
    normalised=False,
    likelihood_of=OF_BITS,
    pixelwise=bce,
    of_prediction=bce_of_prediction,
    derivatives=Derivatives(
        slope=lambda p, x: _share(1 - x, 1 - p) - _share(x, p),
        logit_slope=lambda p, x: p - x,
        curvature=lambda p, x: _share(1 - x, (1 - p).square()) + _share(x, p.square()),
        minimum=at_the_truth,
    ),
    total=bce_total,
)

# ---- Continuous Bernoulli --------------------------------------------------------------------------------------------


def log_normaliser(logits: Tensor) -> Tensor:
    """log C of the continuous Bernoulli: log(L / tanh(L / 2)), log 2 at L = 0 (arXiv:1907.06845, eq. 6, in logits).

    Near 0 the quotient loses its digits, so its Taylor series stands in; the error is below 1e-12 at the border.
    """
    near = logits.abs() < 0.2
    safe = torch.where(near, torch.ones_like(logits), logits)
    square = torch.where(near, logits, torch.zeros_like(logits)).square() / 4  # (L/2)^2
    series = LOG_2 + square * (1 / 3 + square * (-7 / 90 + square * (62 / 2835 - square * 127 / 18900)))
    return torch.where(near, series, torch.log(safe / torch.tanh(safe / 2)))


def continuous_bernoulli(logits: Tensor, x: Tensor) -> Tensor:
    """BCE minus the log normaliser that makes it a density on [0, 1]."""
    return bce(logits, x) - log_normaliser(logits)


def continuous_bernoulli_total(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over all pixels, and mean - x."""
    return continuous_bernoulli(logits, x).sum(), continuous_bernoulli_mean(logits) - x


def continuous_bernoulli_of_prediction(p: Tensor, x: Tensor) -> Tensor:
    """The same in the parameter p. At p = 0: +inf for x > 0, -inf at x = 0 (all mass in one point); mirrored at p = 1."""
    inside = (p > 0) & (p < 1)
    logits = torch.logit(torch.where(inside, p, torch.full_like(p, 0.5)))
    at_edge = torch.where(torch.where(p <= 0, x <= 0, x >= 1), -torch.inf, torch.inf)
    return torch.where(inside, continuous_bernoulli(logits, x), at_edge.to(p.dtype))


def continuous_bernoulli_mean(logits: Tensor) -> Tensor:
    """Mean of the continuous Bernoulli: 1 / (1 - exp(-L)) - 1 / L, 1/2 at L = 0. It is not sigmoid(L)."""
    near = logits.abs() < 0.2
    safe = torch.where(near, torch.ones_like(logits), logits)
    small = torch.where(near, logits, torch.zeros_like(logits))
    series = 0.5 + small / 12 * (1 - small.square() / 60 * (1 - small.square() / 42))
    return torch.where(near, series, -1 / torch.expm1(-safe) - 1 / safe)


def _variance(logits: Tensor) -> Tensor:
    """Variance of the continuous Bernoulli, the derivative of its mean: 1 / L^2 - 1 / (2 sinh(L / 2))^2, 1/12 at 0."""
    near = logits.abs() < 0.2
    safe = torch.where(near, torch.ones_like(logits), logits)
    square = torch.where(near, logits, torch.zeros_like(logits)).square()
    series = 1 / 12 - square * (1 / 240 - square * (1 / 6048 - square / 172800))
    return torch.where(near, series, 1 / safe.square() - 0.25 / torch.sinh(safe / 2).square())


def _slope(p: Tensor, x: Tensor) -> Tensor:
    value = continuous_bernoulli_of_prediction(p, x)  # infinite at p = 0 and 1: falling from, or to, that value
    inside = (continuous_bernoulli_mean(torch.logit(p)) - x) / (p * (1 - p))
    return torch.where(value.isinf(), (2 * p - 1) * value, inside)


def _curvature(p: Tensor, x: Tensor) -> Tensor:
    value, logits = continuous_bernoulli_of_prediction(p, x), torch.logit(p)
    inside = _variance(logits) - (continuous_bernoulli_mean(logits) - x) * (1 - 2 * p)
    return torch.where(value.isinf(), value, inside / (p * (1 - p)).square())


def continuous_bernoulli_logits(mean: Tensor, steps: int = 12) -> Tensor:
    """The logits whose continuous Bernoulli has that mean, 0 < mean < 1: Newton's method, kept within a bracket.

    Solved below 1/2 and mirrored. There the mean is a convex function of the logit, at most -1 / L and at least its
    tangent 1/2 + L / 12, which gives the bracket. Its lower end is off by e^(-1 / mean) only: for small means, exact.
    """
    small = torch.minimum(mean, 1 - mean)
    low, high = (-1 / small).clamp_min(torch.finfo(mean.dtype).min), 12 * (small - 0.5)
    logits = torch.where(small < 0.15, low, high)
    for _ in range(steps):
        newton = logits - (continuous_bernoulli_mean(logits) - small) / _variance(logits)
        logits = torch.where(small < 0.01, low, torch.minimum(torch.maximum(newton, low), high))
    return torch.where(mean > 0.5, -logits, logits)


def _where_mean_is_truth(loss: Loss, x: Tensor) -> tuple[Tensor, Tensor]:
    inside = (x > 0) & (x < 1)
    logits = continuous_bernoulli_logits(torch.where(inside, x, torch.full_like(x, 0.5)))
    # Valued in logits: for a mean of .001 the best logit is -1000, and p = exp(-1000) is 0 in any floating point.
    value = torch.where(inside, continuous_bernoulli(logits, x), loss.at(x, x))
    return value, torch.where(inside, torch.sigmoid(logits), x)


CONTINUOUS_BERNOULLI = Loss(
    key="continuous_bernoulli",
    name="Continuous Bernoulli",
    meaning="BCE with the normaliser that makes it a density for grey values in [0, 1].",
    latex=r"-x\log p-(1-x)\log(1-p)-\log\frac{2\,\mathrm{artanh}(1-2p)}{1-2p}",
    source="Loaiza-Ganem and Cunningham 2019",
    url="https://arxiv.org/abs/1907.06845",
    normalised=True,
    likelihood_of=OF_GREYS,
    pixelwise=continuous_bernoulli,
    of_prediction=continuous_bernoulli_of_prediction,
    picture=continuous_bernoulli_mean,
    derivatives=Derivatives(
        slope=_slope,
        logit_slope=lambda p, x: continuous_bernoulli_mean(torch.logit(p)) - x,
        curvature=_curvature,
        minimum=_where_mean_is_truth,
    ),
    total=continuous_bernoulli_total,
)
