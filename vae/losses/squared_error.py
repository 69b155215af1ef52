"""The squared error, and the Gaussians whose sigma is its weight: fixed, optimal for each batch, or learned."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae.losses.record import OF_NUMBERS, Loss, Parameter, of_residual, of_sigmoid, total_of_sigmoid

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
SMALLEST_SIGMA = math.exp(-6.0)  # the floor that sigma-VAE uses; without it a perfect batch would cost minus infinity


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


def _sigma(meaning: str, origin: str = "given") -> Parameter:
    return Parameter("sigma", 0.2, 0.01, 2.0, meaning, origin)


_OF_GAUSSIAN = of_residual(lambda r, sigma: r / sigma**2, lambda r, sigma: torch.full_like(r, 1 / sigma**2))
_gaussian_total = total_of_sigmoid(gaussian_of_prediction, _OF_GAUSSIAN)


def _optimal_total(logits: Tensor, x: Tensor, sigma: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Where the sigma is the best there is, its own derivative is 0."""
    return _gaussian_total(logits, x, sigma=optimal_sigma(torch.sigmoid(logits), x) if sigma is None else sigma)


_OF_MSE = of_residual(lambda r: 2 * r, lambda r: torch.full_like(r, 2))

MSE = Loss(
    key="mse",
    name="MSE",
    meaning="Squared error with weight 1: a Gaussian with sigma squared 1/2, up to a constant.",
    latex=r"(x-p)^2",
    source="STAT 453, L17.4 Variational Autoencoder Loss Function",
    url="https://github.com/rasbt/stat453-deep-learning-ss21",
    normalised=False,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(mse_of_prediction),
    of_prediction=mse_of_prediction,
    derivatives=_OF_MSE,
    total=total_of_sigmoid(mse_of_prediction, _OF_MSE),
)

GAUSSIAN = Loss(
    key="gaussian",
    name="Gaussian, fixed σ",
    meaning="Gaussian likelihood; its sigma is the weight of the squared error, 1 / (2 sigma^2).",
    latex=r"\frac{(x-p)^2}{2\sigma^2}+\log\sigma+\tfrac12\log 2\pi",
    source="Kingma and Welling 2013, appendix C.2",
    url="https://arxiv.org/abs/1312.6114",
    normalised=True,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(gaussian_of_prediction),
    of_prediction=gaussian_of_prediction,
    parameters=(_sigma("standard deviation of the decoder's Gaussian; .2 is about the residual reached on MNIST"),),
    derivatives=_OF_GAUSSIAN,
    total=_gaussian_total,
)

GAUSSIAN_OPTIMAL = Loss(
    key="gaussian_optimal",
    name="Gaussian, optimal σ",
    meaning="Gaussian whose sigma is the root mean square residual of the batch: the weight finds itself.",
    latex=r"\frac{(x-p)^2}{2\hat\sigma^2}+\log\hat\sigma+\tfrac12\log 2\pi,\quad \hat\sigma^2=\overline{(x-p)^2}",
    source="Rybkin, Daniilidis and Levine 2021, sigma-VAE",
    url="https://arxiv.org/abs/2006.13202",
    normalised=True,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(gaussian_optimal_of_prediction),
    of_prediction=gaussian_optimal_of_prediction,
    parameters=(_sigma("root mean square residual, recomputed for each batch", "batch"),),
    derivatives=_OF_GAUSSIAN,
    total=_optimal_total,
)

GAUSSIAN_LEARNED = Loss(
    key="gaussian_learned",
    name="Gaussian, learned σ",
    meaning="Gaussian with one sigma that is trained along with the network.",
    latex=r"\frac{(x-p)^2}{2\sigma_\theta^2}+\log\sigma_\theta+\tfrac12\log 2\pi",
    source="Rybkin, Daniilidis and Levine 2021, sigma-VAE",
    url="https://arxiv.org/abs/2006.13202",
    normalised=True,
    likelihood_of=OF_NUMBERS,
    of_difference=True,
    pixelwise=of_sigmoid(gaussian_of_prediction),
    of_prediction=gaussian_of_prediction,
    parameters=(_sigma("one standard deviation for all pixels, trained from 1 on", "learned"),),
    derivatives=_OF_GAUSSIAN,
)
