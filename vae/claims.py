"""The lecture's claims, each recomputed: the numbers come first, and the verdict is a function of them.

The lecture is Sebastian Raschka, STAT 453 (2021), L17.4 "Variational Autoencoder Loss Function"; titles and sentences
are our words. BCE(x, p) and the like are nats per pixel at true pixel x and prediction p.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch

from vae import measured
from vae.kl import L17_RECONSTRUCTION, PIXELS
from vae.losses import LOSSES, Loss, continuous_bernoulli_mean
from vae.objective import kl_divergence, reduce_terms
from vae.surfaces import Point, at_point, surface

RECOMPUTED = "recomputed here"
MEASURED = "measured for this project"
ANSWERS = ("true", "true, but", "not so")

BCE, MSE, GAUSSIAN = LOSSES["bce"], LOSSES["mse"], LOSSES["gaussian"]
CONTINUOUS_BERNOULLI = LOSSES["continuous_bernoulli"]


@dataclass(frozen=True)
class Evidence:
    """One number. expected: what the lecture, or our table of its claims, says, printed with so many decimals."""

    label: str
    value: float
    expected: float | None = None
    unit: str = "nats per pixel"
    decimals: int = 4
    origin: str = RECOMPUTED
    interval: tuple[float, float] | None = None  # 95 %, of a mean over seeds

    @property
    def agrees(self) -> bool:
        """Whether the value is the expected one, rounded or cut off after `decimals`; True where none is expected."""
        return self.expected is None or abs(self.value - self.expected) < 10.0**-self.decimals


@dataclass(frozen=True)
class Verdict:
    """One or two words, and one or two sentences why."""

    name: str
    explain: str

    @property
    def answer(self) -> str:
        """Which of ANSWERS it comes to, for a class that guesses first."""
        return self.name if self.name in ANSWERS else "not so"


Rows = tuple[Evidence, ...]
Values = Mapping[str, float]  # label -> value


@dataclass(frozen=True)
class Claim:
    """A claim, how to recompute it, and what to say of it.

    compute() returns the evidence; holds(label -> value) whether it bears out `verdict`, else `otherwise` is the verdict.
    page and query open the page that shows it. run: commands that repeat a training. of_lecture is False for what the
    lecture does not say but what explains it.
    """

    key: str
    title: str
    sentence: str
    compute: Callable[[], Rows]
    holds: Callable[[Values], bool]
    verdict: Verdict
    otherwise: Verdict
    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    needs_training: bool = False
    run: tuple[str, ...] = ()
    statements: Callable[[], tuple[str, ...]] = tuple
    of_lecture: bool = True

    def check(self) -> Finding:
        """Recompute, then judge."""
        evidence = self.compute()
        return Finding(self, evidence, self.judge(evidence))

    def judge(self, evidence: Rows) -> Verdict:
        """The verdict on these numbers."""
        return self.verdict if self.holds({row.label: row.value for row in evidence}) else self.otherwise


@dataclass(frozen=True)
class Finding:
    """A claim after its numbers are in."""

    claim: Claim
    evidence: Rows
    verdict: Verdict


def _at(loss: Loss, x: float, p: float, **parameters: float) -> Point:
    return at_point(loss, x, p, **parameters)


def _is_zero(value: float) -> bool:
    return abs(value) < 1e-12


# ---- Claims of the lecture ---------------------------------------------------------------------------------------


def _perfect_costs() -> Rows:
    floors = {0.2: 0.5004, 0.4: 0.6730, 0.5: 0.6931}
    return (
        *(Evidence(f"BCE({x}, {x})", _at(BCE, x, x).value, said) for x, said in floors.items()),
        *(Evidence(f"slope in p at ({x}, {x})", _at(BCE, x, x).slope, 0.0, "nats per unit of p") for x in floors),
        *(Evidence(f"least at p, for x = {x}", _at(BCE, x, x).least_at, x, "pixel value") for x in floors),
    )


def _perfect_costs_but(values: Values) -> bool:
    costs = all(v > 0 for label, v in values.items() if label.startswith("BCE"))
    return costs and all(_is_zero(v) for label, v in values.items() if label.startswith("slope"))


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
    even = _is_zero(values["MSE(0.4, 0.3)"] - values["MSE(0.4, 0.5)"])
    return even and _is_zero(values["largest on the diagonal"]) and _is_zero(values["largest asymmetry at x = 0.5"])


def _mass(loss: Loss, p: float) -> float:
    """Integral of exp(-loss(x, p)) over x from 0 to 1, 1 for a density, by the trapezoidal rule (error below 1e-6)."""
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)
    density = (-loss.of_prediction(torch.full_like(x, p), x)).exp()
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


def _measured(quantity: str, unit: str, sizes: tuple[int, ...]) -> Rows:
    """Means over seeds with their intervals, for each contender and number of latent dimensions."""
    return tuple(
        Evidence(f"{name}, z = {z}", float(b.mean), None, unit, 3, MEASURED, (float(b.low), float(b.high)))
        for z in sizes
        for name, b in measured.bands(quantity, z).items()
    )


def _blur() -> Rows:
    return _measured("sharpness", "sharpness, model / data", (20, 2))


def _blur_depends_on_weight(values: Values) -> bool:
    return values["MSE, weight 1, z = 20"] < values["BCE, z = 20"] < values["MSE, optimal sigma, z = 20"]


# Share of MNIST's test pixels in (.1, .9), counted by tests/test_measured.py where MNIST is at hand.
MIDDLE_OF_DATA = 0.0859


def _middle() -> Rows:
    unit = "share of pixels in (.1, .9)"
    return (Evidence("data", MIDDLE_OF_DATA, None, unit, 3, MEASURED), *_measured("middle", unit, (20,)))


def _middle_depends_on_weight(values: Values) -> bool:
    return values[f"{measured.CALIBRATED}, z = 20"] < values["BCE, z = 20"] < values["MSE, weight 1, z = 20"]


_SWEEP = "python -m vae sweep --dataset mnist --latent-dims {z} --seeds 5 --epochs 6 --losses {losses} --betas {beta} --out {out}.csv"


def _sweeps() -> tuple[str, ...]:
    three = "bce,mse,gaussian_optimal"
    commands = [_SWEEP.format(z=z, losses=three, beta=1, out=f"losses-z{z}") for z in (20, 2)]
    return (*commands, _SWEEP.format(z=20, losses="mse", beta=measured.CALIBRATED_BETA, out="calibrated"))


_RACE = {
    "dataset": "mnist",
    "loss": "bce",
    "latent_dim": "20",
    "epochs": "6",
    "vary": "loss",
    "against": "mse,mse,gaussian_optimal",
    "dial": f"2:{measured.CALIBRATED_BETA}",
}


def _root() -> Rows:
    error = torch.full((2, 1, 28, 28), 0.1, dtype=torch.float64)
    pixel_loss = MSE.of_prediction(error, torch.zeros_like(error))
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
    return _is_zero(values["KL at mu = 0, var = 1"]) and values["least elsewhere, steps of .1 up to 3"] > 0


# ---- Why: the choice of a loss is also a choice of weight ----------------------------------------------------------


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
    gaussian = _is_zero(values["weight at sigma^2 = 1/2"] - 1) and _is_zero(values["by how much that varies with p"])
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


# ---- The table ---------------------------------------------------------------------------------------------------


def _link(view: str, x: float, p: float, losses: str = "bce,mse") -> Mapping[str, str]:
    return {"losses": losses, "view": view, "x": f"{x:g}", "p": f"{p:g}"}


_CLAIMS = (
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
        query=_link("value", 0.2, 0.2),
    ),
    Claim(
        key="asymmetry",
        title="BCE is not symmetric around the truth",
        sentence="For a true .2, predicting .1 and predicting .3 cost differently, though both are off by .1.",
        compute=_asymmetry,
        holds=lambda v: not _is_zero(v["BCE excess at (0.2, 0.1)"] - v["BCE excess at (0.2, 0.3)"]),
        verdict=Verdict(
            "true", "Missing towards the nearer end of the range costs more; the squared error is .01 either way."
        ),
        otherwise=Verdict("not here", "Both sides cost the same."),
        page="surfaces",
        query=_link("excess", 0.2, 0.1),
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
        query=_link("excess", 0.8, 0.9),
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
        query=_link("value", 0.4, 0.4),
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
        query=_link("value", 0.2, 0.2, "bce,continuous_bernoulli"),
    ),
    Claim(
        key="blur",
        title="BCE looks blurrier than MSE",
        sentence="In the lecturer's experience, pictures from a VAE trained with BCE are blurrier.",
        compute=_blur,
        holds=_blur_depends_on_weight,
        verdict=Verdict(
            "not in general",
            "MSE with weight 1 is blurrier than BCE; with the weight that BCE's own residual asks for, or the optimal "
            "sigma, MSE is the sharper one: the weight of the reconstruction decides, not the name of the loss.",
        ),
        otherwise=Verdict("true", "BCE is the least sharp of the three in these runs."),
        page="train",
        query=_RACE,
        needs_training=True,
        run=_sweeps(),
        statements=lambda: measured.statements("sharpness", 20),
    ),
    Claim(
        key="middle",
        title="BCE pushes predictions to the middle of the range",
        sentence="The blur is explained by predictions that are drawn towards middle grey.",
        compute=_middle,
        holds=_middle_depends_on_weight,
        verdict=Verdict(
            "not in general",
            "All have more middle pixels than the data. MSE with weight 1 has more of them than BCE; with the weight that "
            "BCE's own residual asks for it has fewer: again the weight decides.",
        ),
        otherwise=Verdict("true", "BCE has more middle pixels than MSE, whatever its weight, in these runs."),
        page="train",
        query=_RACE,
        needs_training=True,
        run=_sweeps(),
        statements=lambda: measured.statements("middle", 20),
    ),
    Claim(
        key="root",
        title="The mean of squares needs a square root",
        sentence="The squared error is spoken of with a root; the code sums squares per image and averages the batch.",
        compute=_root,
        holds=lambda v: _is_zero(v["what is minimised"] - v["sum of squares"]),
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
        query=_link("curvature", 0.3, 0.3, "mse,gaussian"),
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
        query=_link("curvature", 0.02, 0.02),
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
        query=_link("logit_slope", 1, 0.001),
        of_lecture=False,
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

CLAIMS: Mapping[str, Claim] = MappingProxyType({claim.key: claim for claim in _CLAIMS})
