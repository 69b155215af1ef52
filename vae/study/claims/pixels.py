"""What a pixel costs under BCE and under MSE."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from vae.data import load_dataset
from vae.losses.bernoulli import BCE, CONTINUOUS_BERNOULLI, continuous_bernoulli_mean
from vae.losses.record import Loss
from vae.losses.squared_error import MSE
from vae.losses.surfaces import Point, at_point, surface
from vae.study.claims.record import Claim, Evidence, Rows, Values, Verdict, is_zero, surface_link
from vae.training.evaluation import entropy_floor
from vae.training.pixels import BINARY, BINARY_SAMPLED, TREATMENTS, UNIT


def _at(loss: Loss, x: float, p: float, **parameters: float) -> Point:
    return at_point(loss, x, p, **parameters)


def _perfect_costs() -> Rows:
    floors = {0.2: 0.5004, 0.4: 0.6730, 0.5: 0.6931}
    return (
        *(Evidence(f"BCE({x}, {x})", _at(BCE, x, x).value, said) for x, said in floors.items()),
        *(Evidence(f"slope in p at ({x}, {x})", _at(BCE, x, x).slope, 0.0, "nats per unit of p") for x in floors),
        *(Evidence(f"least at p, for x = {x}", _at(BCE, x, x).least_at, x, "pixel value") for x in floors),
    )


def _perfect_costs_but(values: Values) -> bool:
    costs = all(v > 0 for label, v in values.items() if label.startswith("BCE"))
    return costs and all(is_zero(v) for label, v in values.items() if label.startswith("slope"))


def _asymmetry() -> Rows:
    return (
        Evidence("BCE excess at (0.2, 0.1)", _at(BCE, 0.2, 0.1).excess, 0.0444),
        Evidence("BCE excess at (0.2, 0.3)", _at(BCE, 0.2, 0.3).excess, 0.0257),
        Evidence("MSE(0.2, 0.1)", _at(MSE, 0.2, 0.1).value, 0.01),
        Evidence("MSE(0.2, 0.3)", _at(MSE, 0.2, 0.3).value, 0.01),
    )


def _direction() -> Rows:
    return (
        Evidence("-x log p at (0.8, 0.7)", -0.8 * math.log(0.7), 0.2853),
        Evidence("-x log p at (0.8, 0.9)", -0.8 * math.log(0.9), 0.0843),
        Evidence("BCE(0.8, 0.7)", _at(BCE, 0.8, 0.7).value, 0.5261),
        Evidence("BCE(0.8, 0.9)", _at(BCE, 0.8, 0.9).value, 0.5448),
    )


def _direction_turns(values: Values) -> bool:
    half = values["-x log p at (0.8, 0.7)"] > values["-x log p at (0.8, 0.9)"]
    return half and values["BCE(0.8, 0.7)"] < values["BCE(0.8, 0.9)"]


def _mse_zero() -> Rows:
    grid = np.linspace(0, 1, 101)
    diagonal = surface(MSE, "value", grid, grid).values.diagonal()
    lopsided = surface(MSE, "asymmetry", [0.5], grid / 2).values
    return (
        Evidence("MSE(0.2, 0.2)", _at(MSE, 0.2, 0.2).value, 0.0),
        Evidence("MSE(0.4, 0.4)", _at(MSE, 0.4, 0.4).value, 0.0),
        Evidence("largest on the diagonal", float(diagonal.max()), 0.0),
        Evidence("MSE(0.4, 0.3)", _at(MSE, 0.4, 0.3).value, 0.01),
        Evidence("MSE(0.4, 0.5)", _at(MSE, 0.4, 0.5).value, 0.01),
        Evidence("largest asymmetry at x = 0.5", float(abs(lopsided).max()), 0.0),
    )


def _mse_zero_holds(values: Values) -> bool:
    even = is_zero(values["MSE(0.4, 0.3)"] - values["MSE(0.4, 0.5)"])
    return even and is_zero(values["largest on the diagonal"]) and is_zero(values["largest asymmetry at x = 0.5"])


def _mass(loss: Loss, p: float) -> float:
    """Integral of exp(-loss(x, p)) over x from 0 to 1, 1 for a density, by the trapezoidal rule (error below 1e-6)."""
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)
    density = (-loss.at(torch.full_like(x, p), x)).exp()
    return torch.trapezoid(density, x).item()


def _not_bernoulli() -> Rows:
    means = {0.01: 0.207, 0.1: 0.330, 0.2: 0.388}
    return (
        Evidence("mass of exp(-BCE) at p = 0.2", _mass(BCE, 0.2), None, ""),
        Evidence("mass of the continuous Bernoulli at p = 0.2", _mass(CONTINUOUS_BERNOULLI, 0.2), 1.0, ""),
        *(
            Evidence(
                f"its mean at parameter {p}",
                continuous_bernoulli_mean(torch.tensor(p, dtype=torch.float64).logit()).item(),
                said,
                "pixel value",
                3,
            )
            for p, said in means.items()
        ),
    )


def _not_bernoulli_holds(values: Values) -> bool:
    improper = abs(values["mass of exp(-BCE) at p = 0.2"] - 1) > 0.01
    return improper and abs(values["mass of the continuous Bernoulli at p = 0.2"] - 1) < 1e-4


BITS_FROM = ("digits", "patches")  # data sets that are always here


def _floor_of_bits() -> Rows:
    bits = torch.tensor([0.0, 1.0], dtype=torch.float64)
    mass = BCE.at(torch.full_like(bits, 0.2), bits).neg().exp().sum().item()
    floors = [
        Evidence(
            f"floor of BCE, {name}, {TREATMENTS[pixels].name}", _mean_floor(name, pixels), said, "nats per image", 2
        )
        for name in BITS_FROM
        for pixels, said in ((UNIT, None), (BINARY, 0.0), (BINARY_SAMPLED, 0.0))
    ]
    return (Evidence("sum of exp(-BCE) over x = 0 and 1, at p = 0.2", mass, 1.0, ""), *floors)


@lru_cache(maxsize=8)
def _mean_floor(name: str, pixels: str) -> float:
    return float(entropy_floor(load_dataset(name).test, pixels).mean())


def _floor_of_bits_is_zero(values: Values) -> bool:
    floors = {label: value for label, value in values.items() if label.startswith("floor")}
    grey = TREATMENTS[UNIT].name
    return all((value > 0) is label.endswith(grey) for label, value in floors.items())


CLAIMS = (
    Claim(
        key="perfect_costs",
        title="A perfect prediction still costs",
        sentence="Under BCE a grey pixel costs something even when it is predicted exactly, and how much depends on it.",
        compute=_perfect_costs,
        holds=_perfect_costs_but,
        verdict=Verdict(
            "true, but",
            "The cost is the entropy H(x): BCE(x, p) = H(x) + KL(Ber(x) || Ber(p)). It does not depend on p, so its "
            "gradient is 0 and the best prediction is still p = x.",
        ),
        otherwise=Verdict("not here", "The numbers show no cost at p = x, or one that pulls the prediction away."),
        page="surfaces",
        query=surface_link("value", 0.2, 0.2),
    ),
    Claim(
        key="asymmetry",
        title="BCE is not symmetric around the truth",
        sentence="For a true .2, predicting .1 and predicting .3 cost differently, though both are off by .1.",
        compute=_asymmetry,
        holds=lambda v: not is_zero(v["BCE excess at (0.2, 0.1)"] - v["BCE excess at (0.2, 0.3)"]),
        verdict=Verdict(
            "true", "Missing towards the nearer end of the range costs more; the squared error is .01 either way."
        ),
        otherwise=Verdict("not here", "Both sides cost the same."),
        page="surfaces",
        query=surface_link("excess", 0.2, 0.1),
    ),
    Claim(
        key="direction",
        title="True .8: predicting .7 costs .28, and .9 costs .08",
        sentence="For a true .8, predicting too little is said to cost more than predicting too much.",
        compute=_direction,
        holds=_direction_turns,
        verdict=Verdict(
            "the other way round",
            "The asymmetry is real, but those two numbers are -x log p alone. With -(1 - x) log(1 - p) added, "
            "predicting .9 costs more than .7.",
        ),
        otherwise=Verdict("true", "The full BCE, too, is larger at .7 than at .9."),
        page="surfaces",
        query=surface_link("excess", 0.8, 0.9),
    ),
    Claim(
        key="mse_zero",
        title="MSE is 0 on the whole diagonal, and symmetric",
        sentence="A perfect prediction costs nothing under the squared error, whatever the pixel, and sides do not matter.",
        compute=_mse_zero,
        holds=_mse_zero_holds,
        verdict=Verdict("true", "It depends on the difference alone, and on its size alone."),
        otherwise=Verdict("not here", "The numbers show a cost on the diagonal or a difference between the sides."),
        page="surfaces",
        query=surface_link("value", 0.4, 0.4),
    ),
    Claim(
        key="not_bernoulli",
        title="Grey pixels are not Bernoulli",
        sentence="A grey pixel is a value between 0 and 1, not a coin flip, so BCE is no likelihood for it.",
        compute=_not_bernoulli,
        holds=_not_bernoulli_holds,
        verdict=Verdict(
            "true",
            "exp(-BCE) does not integrate to 1 over grey values. The continuous Bernoulli adds the missing normaliser; "
            "its mean is not its parameter, so the picture to show is the mean.",
        ),
        otherwise=Verdict("not here", "exp(-BCE) integrates to 1 already, or the continuous Bernoulli does not."),
        page="surfaces",
        query=surface_link("value", 0.2, 0.2, "bce,continuous_bernoulli"),
    ),
    Claim(
        key="bits",
        title="On pixels that are 0 or 1, BCE is the likelihood",
        sentence="What is wrong with BCE is wrong with grey pixels: where each is 0 or 1, its floor is 0.",
        compute=_floor_of_bits,
        holds=_floor_of_bits_is_zero,
        verdict=Verdict(
            "true",
            "A threshold or a coin for each pixel makes BCE a likelihood, and a perfect copy free. Of the same pictures in grey "
            "even a perfect copy costs nats, most where most pixels are grey.",
        ),
        otherwise=Verdict("not so", "A floor is not where it should be."),
        page="train",
        query={"dataset": "sprites", "loss": "bce", "vary": "pixels", "against": "binary"},
        of_lecture=False,
    ),
)
