"""How the terms are written, summed and averaged."""

from __future__ import annotations

import math

import torch

from vae.losses.kl import PIXELS
from vae.losses.objective import kl_divergence, reduce_terms
from vae.losses.squared_error import MSE
from vae.study.claims.record import Claim, Evidence, Rows, Values, Verdict, is_zero


def _root() -> Rows:
    error = torch.full((2, 1, 28, 28), 0.1, dtype=torch.float64)
    pixel_loss = MSE.at(error, torch.zeros_like(error))
    terms = reduce_terms(pixel_loss, kl_divergence(torch.zeros(2, 1), torch.zeros(2, 1)), beta=1.0)
    total = pixel_loss[0].sum().item()
    unit = "per image, every pixel off by .1"
    return (
        Evidence("sum of squares", total, PIXELS * 0.01, unit),
        Evidence("its square root", math.sqrt(total), None, unit),
        Evidence("what is minimised", terms.objective.item(), PIXELS * 0.01, unit),
    )


def _kl_least() -> Rows:
    axis = torch.arange(-30, 31, dtype=torch.float64) / 10
    mu, log_var = torch.meshgrid(axis, axis, indexing="ij")
    ours = kl_divergence(mu, log_var)
    written = -0.5 * (1 + log_var - mu.square() - log_var.exp())
    elsewhere = ours[(mu != 0) | (log_var != 0)]
    unit = "nats per latent dimension"
    return (
        Evidence("KL at mu = 0, var = 1", ours[30, 30].item(), 0.0, unit),
        Evidence("least elsewhere, steps of .1 up to 3", elsewhere.min().item(), None, unit),
        Evidence(
            "largest difference from -1/2 (1 + log_var - mu^2 - var)", (ours - written).abs().max().item(), 0.0, unit
        ),
    )


def _kl_least_holds(values: Values) -> bool:
    return is_zero(values["KL at mu = 0, var = 1"]) and values["least elsewhere, steps of .1 up to 3"] > 0


def _reduction() -> Rows:
    pixel_loss = torch.full((2, 1, 28, 28), 0.1, dtype=torch.float64)
    kl = torch.ones(2, 2, dtype=torch.float64)
    summed, averaged = (reduce_terms(pixel_loss, kl, 1.0, reduction) for reduction in ("sum", "mean"))
    weights = [((t.objective - t.kl) / t.reconstruction).item() for t in (summed, averaged)]
    return (
        Evidence("weight of the reconstruction, summed", weights[0], 1.0, "", 4),
        Evidence("weight of the reconstruction, averaged", weights[1], 1 / PIXELS, "", 7),
        Evidence("beta that averaging acts like", weights[0] / weights[1], 784.0, "beta", 1),
    )


CLAIMS = (
    Claim(
        key="root",
        title="The mean of squares needs a square root",
        sentence="The squared error is spoken of with a root; the code sums squares per image and averages the batch.",
        compute=_root,
        holds=lambda v: is_zero(v["what is minimised"] - v["sum of squares"]),
        verdict=Verdict("wording only", "No root is taken: what is minimised is the sum of squares per image."),
        otherwise=Verdict("true", "What is minimised is not the sum of squares."),
        page="train",
        query={"loss": "mse"},
    ),
    Claim(
        key="kl_least",
        title="The KL term is least at mean 0 and variance 1",
        sentence="-1/2 (1 + log_var - mu^2 - exp(log_var)) is 0 there and larger everywhere else.",
        compute=_kl_least,
        holds=_kl_least_holds,
        verdict=Verdict("true", "It is the divergence from the standard normal, and 0 only for that."),
        otherwise=Verdict("not here", "The numbers show a least value elsewhere."),
        page="kl",
        query={"mu": "0", "log_var": "0"},
    ),
    Claim(
        key="reduction",
        title="Averaging over pixels is a large beta in disguise",
        sentence="Dividing the reconstruction by the number of pixels leaves the KL term that many times heavier.",
        compute=_reduction,
        holds=lambda v: v["beta that averaging acts like"] > 100,
        verdict=Verdict("true", "On 28 x 28 pixels it is beta = 784, under which the code collapses."),
        otherwise=Verdict("not here", "Averaging leaves the two terms in proportion."),
        page="train",
        query={"loss": "mse", "reduction": "mean"},
        of_lecture=False,
    ),
)
