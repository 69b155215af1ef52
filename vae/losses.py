"""The table of reconstruction losses. Surfaces, training, evaluation, claims and tests all read it; a new loss is one record.

Every loss compares a true pixel x in [0, 1] with a prediction. A network predicts *logits*; p = sigmoid(logits) is the
same prediction on the scale of the picture. Values are nats per pixel, unreduced: objective.py does all reducing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from vae.errors import SettingError

LOG_2 = math.log(2.0)
HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
SMALLEST_SIGMA = math.exp(-6.0)  # the floor that sigma-VAE uses; without it a perfect batch would cost minus infinity


@dataclass(frozen=True)
class Parameter:
    """A number that a loss depends on besides x and its prediction.

    `origin` says who sets it in training: "given" (the user), "batch" (recomputed from the residuals), "learned" (trained).
    On a surface all of them are sliders.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    origin: str = "given"
    whole: bool = False  # whether only whole numbers make sense

    def check(self, value: object) -> float:
        """The value as a float; SettingError unless it is a finite number within [low, high]."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        kind = "a whole number" if self.whole else "a number"
        if not number or not self.low <= value <= self.high or (self.whole and value != int(value)):  # NaN fails too
            raise SettingError(self.name, value, f"{kind} from {self.low:g} to {self.high:g} is accepted")
        return float(value)


@dataclass(frozen=True)
class Loss:
    """One reconstruction loss.

    pixelwise(logits, x, **parameters): Tensor of the shape of x, nats per pixel, finite for logits within +-100.
    of_prediction(p, x, **parameters): the same as a function of p = sigmoid(logits), with its exact limits (inf
    included) at p = 0 and p = 1; None where the loss is not pointwise.
    picture(logits): the image to show in [0, 1]: the mean of the decoder's distribution.
    """

    key: str
    name: str
    meaning: str
    latex: str
    source: str
    url: str
    normalised: bool
    pixelwise: Callable[..., Tensor]
    of_prediction: Callable[..., Tensor] | None = None
    parameters: tuple[Parameter, ...] = ()
    picture: Callable[[Tensor], Tensor] = field(default=torch.sigmoid)

    @property
    def pointwise(self) -> bool:
        """Whether a pixel's loss depends on that pixel alone, so that it can be drawn over (x, p)."""
        return self.of_prediction is not None

    def given(self) -> tuple[Parameter, ...]:
        """The parameters that the user sets for a training."""
        return tuple(p for p in self.parameters if p.origin == "given")

    def origin(self, name: str) -> str | None:
        """Who sets the parameter `name` in training, or None where the loss has no such parameter."""
        return next((p.origin for p in self.parameters if p.name == name), None)


# ---- Bernoulli and continuous Bernoulli --------------------------------------------------------------------------


def bce(logits: Tensor, x: Tensor) -> Tensor:
    """Binary cross-entropy, softplus(logits) - x logits: the form that neither overflows nor takes log(0)."""
    return F.softplus(logits) - x * logits


def bce_of_prediction(p: Tensor, x: Tensor) -> Tensor:
    """-x log p - (1 - x) log(1 - p), where 0 log 0 = 0."""
    return -torch.xlogy(x, p) - torch.xlogy(1 - x, 1 - p)


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


# ---- Squared error and the Gaussians -----------------------------------------------------------------------------


def mse_of_prediction(p: Tensor, x: Tensor) -> Tensor:
    """Squared error (x - p)^2, no factor and no root: "MSE" as the field says it, before any mean."""
    return (x - p).square()


def gaussian_of_prediction(p: Tensor, x: Tensor, sigma: float | Tensor = 0.2) -> Tensor:
    """-log N(x; p, sigma^2): the squared error over 2 sigma^2, plus log sigma + log(2 pi) / 2."""
    log_sigma = sigma.log() if isinstance(sigma, Tensor) else math.log(sigma)
    return (x - p).square() / (2 * sigma * sigma) + log_sigma + HALF_LOG_2PI


def optimal_sigma(p: Tensor, x: Tensor) -> Tensor:
    """The sigma under which residuals x - p are most likely: their root mean square over all elements (arXiv:2006.13202)."""
    return (x - p).square().mean().clamp_min(SMALLEST_SIGMA**2).sqrt()


def gaussian_optimal_of_prediction(p: Tensor, x: Tensor, sigma: float | Tensor | None = None) -> Tensor:
    """The Gaussian with its closed-form sigma, taken over everything given unless a sigma is passed.

    Summed over everything it is D/2 log(mean squared error) plus a constant. That sigma is differentiated or held
    constant makes no difference to the sum's gradient: at the optimum the derivative with respect to it is zero.
    """
    return gaussian_of_prediction(p, x, optimal_sigma(p, x) if sigma is None else sigma)


# ---- Others ------------------------------------------------------------------------------------------------------


def laplace_of_prediction(p: Tensor, x: Tensor, b: float | Tensor = 0.1) -> Tensor:
    """-log Laplace(x; p, b) = |x - p| / b + log(2 b)."""
    return (x - p).abs() / b + math.log(2 * b)


def logcosh_of_prediction(p: Tensor, x: Tensor, a: float | Tensor = 10.0) -> Tensor:
    """log(cosh(a (x - p))) / a: quadratic near 0, straight farther out; written so that cosh cannot overflow."""
    t = a * (x - p).abs()
    return (t + F.softplus(-2 * t) - LOG_2) / a


def ssim(logits: Tensor, x: Tensor, window: int = 7) -> Tensor:
    """1 - SSIM around each pixel, for images (..., C, H, W): Gaussian window with sigma 1.5, borders repeated.

    Constants K1 = .01, K2 = .03, as in Wang et al. 2004. Needs a neighbourhood, so it has no value at a single (x, p).
    """
    p = torch.sigmoid(logits)
    shape = torch.broadcast_shapes(p.shape, x.shape)
    p, x = (t.expand(shape).reshape(-1, 1, *shape[-2:]) for t in (p, x))
    offset = torch.arange(window, dtype=p.dtype, device=p.device) - window // 2
    weight = torch.softmax(-offset.square() / (2 * 1.5**2), dim=0)

    def blur(image: Tensor) -> Tensor:
        padded = F.pad(image, (window // 2,) * 4, mode="replicate")
        return F.conv2d(F.conv2d(padded, weight.view(1, 1, 1, -1)), weight.view(1, 1, -1, 1))

    mean_p, mean_x, pp, xx, px = blur(torch.cat((p, x, p * p, x * x, p * x))).chunk(5)
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mean_p * mean_x + c1) * (2 * (px - mean_p * mean_x) + c2)
    similarity = similarity / (
        (mean_p.square() + mean_x.square() + c1) * (pp - mean_p.square() + xx - mean_x.square() + c2)
    )
    return (1 - similarity.clamp(-1, 1)).reshape(shape)  # rounding leaves the bounds where a picture is flat


def of_sigmoid(of_prediction: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The loss of logits for a loss that is safe to write in p = sigmoid(logits)."""

    def pixelwise(logits: Tensor, x: Tensor, **parameters) -> Tensor:
        return of_prediction(torch.sigmoid(logits), x, **parameters)

    return pixelwise


def _sigma(meaning: str, origin: str = "given") -> Parameter:
    return Parameter("sigma", 0.2, 0.01, 2.0, meaning, origin)


_RECORDS = (
    Loss(
        key="bce",
        name="BCE",
        meaning="Binary cross-entropy: the likelihood of a coin flip, used for grey values too.",
        latex=r"-x\log p-(1-x)\log(1-p)",
        source="Kingma and Welling 2013, appendix C.1",
        url="https://arxiv.org/abs/1312.6114",
        normalised=False,
        pixelwise=bce,
        of_prediction=bce_of_prediction,
    ),
    Loss(
        key="mse",
        name="MSE",
        meaning="Squared error with weight 1: a Gaussian with sigma squared 1/2, up to a constant.",
        latex=r"(x-p)^2",
        source="STAT 453, L17.4 Variational Autoencoder Loss Function",
        url="https://github.com/rasbt/stat453-deep-learning-ss21",
        normalised=False,
        pixelwise=of_sigmoid(mse_of_prediction),
        of_prediction=mse_of_prediction,
    ),
    Loss(
        key="gaussian",
        name="Gaussian, fixed σ",
        meaning="Gaussian likelihood; its sigma is the weight of the squared error, 1 / (2 sigma^2).",
        latex=r"\frac{(x-p)^2}{2\sigma^2}+\log\sigma+\tfrac12\log 2\pi",
        source="Kingma and Welling 2013, appendix C.2",
        url="https://arxiv.org/abs/1312.6114",
        normalised=True,
        pixelwise=of_sigmoid(gaussian_of_prediction),
        of_prediction=gaussian_of_prediction,
        parameters=(_sigma("standard deviation of the decoder's Gaussian; .2 is about the residual reached on MNIST"),),
    ),
    Loss(
        key="gaussian_optimal",
        name="Gaussian, optimal σ",
        meaning="Gaussian whose sigma is the root mean square residual of the batch: the weight finds itself.",
        latex=r"\frac{(x-p)^2}{2\hat\sigma^2}+\log\hat\sigma+\tfrac12\log 2\pi,\quad \hat\sigma^2=\overline{(x-p)^2}",
        source="Rybkin, Daniilidis and Levine 2021, sigma-VAE",
        url="https://arxiv.org/abs/2006.13202",
        normalised=True,
        pixelwise=of_sigmoid(gaussian_optimal_of_prediction),
        of_prediction=gaussian_optimal_of_prediction,
        parameters=(_sigma("root mean square residual, recomputed for each batch", "batch"),),
    ),
    Loss(
        key="gaussian_learned",
        name="Gaussian, learned σ",
        meaning="Gaussian with one sigma that is trained along with the network.",
        latex=r"\frac{(x-p)^2}{2\sigma_\theta^2}+\log\sigma_\theta+\tfrac12\log 2\pi",
        source="Rybkin, Daniilidis and Levine 2021, sigma-VAE",
        url="https://arxiv.org/abs/2006.13202",
        normalised=True,
        pixelwise=of_sigmoid(gaussian_of_prediction),
        of_prediction=gaussian_of_prediction,
        parameters=(_sigma("one standard deviation for all pixels, trained from 1 on", "learned"),),
    ),
    Loss(
        key="continuous_bernoulli",
        name="Continuous Bernoulli",
        meaning="BCE with the normaliser that makes it a density for grey values in [0, 1].",
        latex=r"-x\log p-(1-x)\log(1-p)-\log\frac{2\,\mathrm{artanh}(1-2p)}{1-2p}",
        source="Loaiza-Ganem and Cunningham 2019",
        url="https://arxiv.org/abs/1907.06845",
        normalised=True,
        pixelwise=continuous_bernoulli,
        of_prediction=continuous_bernoulli_of_prediction,
        picture=continuous_bernoulli_mean,
    ),
    Loss(
        key="laplace",
        name="Laplace",
        meaning="Absolute error as a likelihood: forgives outliers, prefers the median.",
        latex=r"\frac{|x-p|}{b}+\log 2b",
        source="torch.distributions.Laplace",
        url="https://docs.pytorch.org/docs/stable/distributions.html",
        normalised=True,
        pixelwise=of_sigmoid(laplace_of_prediction),
        of_prediction=laplace_of_prediction,
        parameters=(Parameter("b", 0.1, 0.01, 2.0, "scale of the Laplace distribution"),),
    ),
    Loss(
        key="logcosh",
        name="log-cosh",
        meaning="Quadratic for small errors and straight for large ones.",
        latex=r"\tfrac1a\log\cosh\big(a(x-p)\big)",
        source="Chen, Chen, Zhang and Liang 2019",
        url="https://openreview.net/forum?id=rkglvsC9Ym",
        normalised=False,
        pixelwise=of_sigmoid(logcosh_of_prediction),
        of_prediction=logcosh_of_prediction,
        parameters=(
            Parameter("a", 10.0, 0.1, 100.0, "where quadratic turns into straight: at an error of about 1 / a"),
        ),
    ),
    Loss(
        key="ssim",
        name="1 − SSIM",
        meaning="One minus the structural similarity of the neighbourhood of a pixel.",
        latex=r"1-\frac{(2\mu_p\mu_x+c_1)(2\sigma_{px}+c_2)}{(\mu_p^2+\mu_x^2+c_1)(\sigma_p^2+\sigma_x^2+c_2)}",
        source="Wang, Bovik, Sheikh and Simoncelli 2004",
        url="https://doi.org/10.1109/TIP.2003.819861",
        normalised=False,
        pixelwise=ssim,
    ),
)

LOSSES: Mapping[str, Loss] = MappingProxyType({record.key: record for record in _RECORDS})


def find_loss(key: object) -> Loss:
    """The record of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in LOSSES:
        raise SettingError("loss", key, f"one of {', '.join(LOSSES)} is accepted")
    return LOSSES[key]
