"""Other losses: the absolute error as a likelihood, log-cosh between it and the square, and structural similarity."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vae.losses.record import OF_NUMBERS, Loss, Parameter, of_residual, of_sigmoid, total_of_sigmoid

LOG_2 = math.log(2.0)


def laplace_of_prediction(p: Tensor, x: Tensor, b: float | Tensor = 0.1) -> Tensor:
    """-log Laplace(x; p, b) = |x - p| / b + log(2 b)."""
    return (x - p).abs() / b + math.log(2 * b)


_OF_LAPLACE = of_residual(  # a corner at r = 0: its slope is taken as 0 there, and it is infinitely curved
    lambda r, b: r.sign() / b, lambda r, b: torch.where(r == 0, torch.inf, torch.zeros_like(r))
)

LAPLACE = Loss(
    key="laplace",
    name="Laplace",
    meaning="Absolute error as a likelihood: forgives outliers, prefers the median.",
    latex=r"\frac{|x-p|}{b}+\log 2b",
    source="torch.distributions.Laplace",
    url="https://docs.pytorch.org/docs/stable/distributions.html",
    normalised=True,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(laplace_of_prediction),
    of_prediction=laplace_of_prediction,
    parameters=(Parameter("b", 0.1, 0.01, 2.0, "scale of the Laplace distribution"),),
    derivatives=_OF_LAPLACE,
    total=total_of_sigmoid(laplace_of_prediction, _OF_LAPLACE),
)


def logcosh_of_prediction(p: Tensor, x: Tensor, a: float | Tensor = 10.0) -> Tensor:
    """log(cosh(a (x - p))) / a: quadratic near 0, straight farther out; written so that cosh cannot overflow."""
    t = a * (x - p).abs()
    return (t + F.softplus(-2 * t) - LOG_2) / a


_OF_LOGCOSH = of_residual(lambda r, a: torch.tanh(a * r), lambda r, a: a / torch.cosh(a * r).square())

LOGCOSH = Loss(
    key="logcosh",
    name="log-cosh",
    meaning="Quadratic for small errors and straight for large ones.",
    latex=r"\tfrac1a\log\cosh\big(a(x-p)\big)",
    source="Chen, Chen, Zhang and Liang 2019",
    url="https://openreview.net/forum?id=rkglvsC9Ym",
    normalised=False,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(logcosh_of_prediction),
    of_prediction=logcosh_of_prediction,
    parameters=(Parameter("a", 10.0, 0.1, 100.0, "where quadratic turns into straight: at an error of about 1 / a"),),
    derivatives=_OF_LOGCOSH,
    total=total_of_sigmoid(logcosh_of_prediction, _OF_LOGCOSH),
)


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


SSIM = Loss(
    key="ssim",
    name="1 − SSIM",
    meaning="One minus the structural similarity of the neighbourhood of a pixel.",
    latex=r"1-\frac{(2\mu_p\mu_x+c_1)(2\sigma_{px}+c_2)}{(\mu_p^2+\mu_x^2+c_1)(\sigma_p^2+\sigma_x^2+c_2)}",
    source="Wang, Bovik, Sheikh and Simoncelli 2004",
    url="https://doi.org/10.1109/TIP.2003.819861",
    normalised=False,
    pixelwise=ssim,
)
