"""Why: the choice of a loss is also a choice of weight."""

from __future__ import annotations

import math

from vae.losses.bernoulli import BCE
from vae.losses.kl import L17_RECONSTRUCTION, PIXELS
from vae.losses.record import Loss
from vae.losses.squared_error import GAUSSIAN, MSE
from vae.losses.surfaces import Point, at_point
from vae.study.claims.record import Claim, Evidence, Rows, Values, Verdict, is_zero, surface_link


def _at(loss: Loss, x: float, p: float, **parameters: float) -> Point:
    return at_point(loss, x, p, **parameters)


def _weight(loss: Loss, x: float, **parameters: float) -> float:
    """How many squared errors a small error weighs at a perfect prediction: the ratio of curvatures at p = x."""
    return _at(loss, x, x, **parameters).curvature / _at(MSE, x, x).curvature


def _mse_weight() -> Rows:
    sigma = math.sqrt(L17_RECONSTRUCTION / PIXELS)
    half = math.sqrt(0.5)
    offsets = [_at(GAUSSIAN, 0.3, p, sigma=half).value - _at(MSE, 0.3, p).value for p in (0.0, 0.3, 0.9)]
    return (
        Evidence("weight at sigma^2 = 1/2", _weight(GAUSSIAN, 0.3, sigma=half), 1.0, "squared errors"),
        Evidence("Gaussian at sigma^2 = 1/2 minus MSE", offsets[0], None),
        Evidence("by how much that varies with p", max(offsets) - min(offsets), 0.0),
        Evidence("sigma at the residual 31 / 784", sigma, 0.199, "pixel value", 3),
        Evidence("weight at that sigma", _weight(GAUSSIAN, 0.3, sigma=sigma), 12.6, "squared errors", 1),
        Evidence("beta that weight 1 acts like", 1 / (2 * sigma**2), 12.6, "beta", 1),
    )


def _mse_weight_holds(values: Values) -> bool:
    gaussian = is_zero(values["weight at sigma^2 = 1/2"] - 1) and is_zero(values["by how much that varies with p"])
    return gaussian and values["weight at that sigma"] > 1


def _bce_weight() -> Rows:
    said = {0.5: (2.0, 1), 0.1: (5.6, 1), 0.02: (25.5, 1)}
    return tuple(
        Evidence(f"weight at x = {x}", _weight(BCE, x), expected, "squared errors", decimals)
        for x, (expected, decimals) in said.items()
    )


def _saturation() -> Rows:
    unit = "nats per unit of logit"
    points = {"saturated and wrong, (1, 0.001)": (1.0, 0.001), "undecided, (1, 0.5)": (1.0, 0.5)}
    rows = []
    for place, (x, p) in points.items():
        rows.append(Evidence(f"BCE, {place}", _at(BCE, x, p).logit_slope, p - x, unit))
        rows.append(Evidence(f"MSE, {place}", _at(MSE, x, p).logit_slope, 2 * (p - x) * p * (1 - p), unit))
    return tuple(rows)


def _saturation_holds(values: Values) -> bool:
    place = "saturated and wrong, (1, 0.001)"
    return abs(values[f"MSE, {place}"]) < 0.01 * abs(values[f"BCE, {place}"])


CLAIMS = (
    Claim(
        key="mse_weight",
        title="MSE with weight 1 is a Gaussian with a large sigma",
        sentence="Weight 1 means sigma^2 = 1/2; at the residual reached on MNIST a likelihood would weigh it far more.",
        compute=_mse_weight,
        holds=_mse_weight_holds,
        verdict=Verdict(
            "true",
            "Up to a constant it is that Gaussian. Calibrated to a squared error of 31 per image the weight is 12.6 "
            "times higher, so weight 1 acts like beta = 12.6.",
        ),
        otherwise=Verdict("not here", "The numbers do not bear this out."),
        page="surfaces",
        query=surface_link("curvature", 0.3, 0.3, "mse,gaussian"),
        of_lecture=False,
    ),
    Claim(
        key="bce_weight",
        title="Near its optimum BCE is MSE with a larger weight",
        sentence="The weight is 1 / (2 x (1 - x)): small in the middle of the range, large near black and white.",
        compute=_bce_weight,
        holds=lambda v: 1 < v["weight at x = 0.5"] < v["weight at x = 0.1"] < v["weight at x = 0.02"],
        verdict=Verdict(
            "true", "Even at middle grey it is 2; near the ends, where most pixels are, it is many times that."
        ),
        otherwise=Verdict("not here", "The numbers do not grow towards the ends of the range."),
        page="surfaces",
        query=surface_link("curvature", 0.02, 0.02),
        of_lecture=False,
    ),
    Claim(
        key="saturation",
        title="Behind a sigmoid MSE's gradient vanishes, BCE's stays",
        sentence="In the logit, BCE's gradient is p - x and that of the squared error 2 (p - x) p (1 - p).",
        compute=_saturation,
        holds=_saturation_holds,
        verdict=Verdict(
            "true", "A pixel that is confidently wrong is corrected at full speed by BCE and hardly at all by MSE."
        ),
        otherwise=Verdict("not here", "The gradients do not differ in this way."),
        page="surfaces",
        query=surface_link("logit_slope", 1, 0.001),
        of_lecture=False,
    ),
)
