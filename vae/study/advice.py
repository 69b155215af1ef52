"""Which loss for these images: losses raced on the same weights, read by a ruler that belongs to none of them.

What is better depends on what one wants: each Want is a ruler. Seeds are compared in pairs, and a difference whose interval
holds 0 is called a tie. Every sentence says the numbers that it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from vae.data import find_source
from vae.losses.table import LOSSES
from vae.study.data_card import DataCard
from vae.study.scoring import READINGS, Scores
from vae.study.scoring.outputs import DENSITIES
from vae.study.scoring.readings import RAW
from vae.study.sweep.statistics import Paired, band, compare
from vae.training.config import TrainConfig, operations_of_step
from vae.training.pixels import UNIT, misfit

RACED = ("bce", "mse", "gaussian_optimal", "laplace")
SEEDS = (0, 1, 2)
BLURRED = 0.2  # of the images' sharpness
RUN_OPERATIONS, MOST_STEPS, FEWEST_STEPS = 1.2e11, 1200, 300  # of one run
# Measured on two cores: digits take 26 s in all; of sprites 27 s are training, and two minutes pass with the scores.
SECONDS_AN_OPERATION, SECONDS_OF_SCORING, SECONDS_OF_SMALL = 1.8e-11, 90.0, 30.0


def plan(dataset: str, losses: Sequence[str]) -> tuple[tuple[TrainConfig, ...], ...]:
    """The races, one a seed: a column for each loss, and nothing else differs. Sized by arithmetic, never by a clock."""
    height, width = find_source(dataset).shape[1:]
    small = height * width < 200
    one = TrainConfig.usual(dataset, latent_dim=8 if small else 16, hidden=(200,) if small else (400,), epochs=1)
    steps = min(MOST_STEPS, max(FEWEST_STEPS, RUN_OPERATIONS / operations_of_step(one)))
    shared = one.to_dict() | {"epochs": max(1, round(steps / one.steps_per_epoch))}
    return tuple(
        tuple(TrainConfig.from_dict(shared | {"loss": loss, "seed": seed}) for loss in losses) for seed in SEEDS
    )


def seconds(races: Sequence[Sequence[TrainConfig]]) -> float:
    """About how long they take on two cores, scores included."""
    operations = sum(config.total_steps * operations_of_step(config) for race in races for config in race)
    training = SECONDS_AN_OPERATION * operations
    return SECONDS_OF_SMALL if training < 10 else training + SECONDS_OF_SCORING


# ---- What the pixels are ---------------------------------------------------------------------------------------------

BINARY, MOSTLY_BINARY, GREY, CONTINUOUS = "binary", "mostly binary", "grey", "continuous"


@dataclass(frozen=True)
class Pixels:
    """kind: one of the four above. between: the share strictly between 0 and 1. floor: BCE of a perfect copy, nats an image."""

    kind: str
    between: float
    floor: float

    @property
    def sentence(self) -> str:
        share = f"{self.between:.1%} of the pixels lie strictly between 0 and 1"
        return {
            BINARY: f"Binary: {share}. Each pixel is a coin, and BCE is the likelihood of coins.",
            MOSTLY_BINARY: f"Nearly binary: only {share}. BCE fits almost all of them; the rest make its floor {self.floor:,.1f} nats per image.",
            GREY: f"Grey, with many pixels of exactly 0 or 1: {share}. No single density fits both kinds; BCE of a perfect copy still costs "
            f"{self.floor:,.1f} nats per image.",
            CONTINUOUS: f"Continuous: {share}. They have a density; BCE is none, and of a perfect copy it still costs {self.floor:,.1f} nats per image.",
        }[self.kind]  # fmt: skip


def pixels_of(card: DataCard) -> Pixels:
    """What these pixels are, by the share of them that is neither 0 nor 1."""
    edges = ((0.001, BINARY), (0.05, MOSTLY_BINARY), (0.9, GREY), (math.inf, CONTINUOUS))
    return Pixels(next(kind for below, kind in edges if card.between < below), card.between, card.floor)


# ---- What one may want -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Want:
    """ruler: what is measured, in one sentence. of(scores, pixels) -> the value, None where there is none; goodness(value): the more, the better."""

    key: str
    title: str
    name: str
    unit: str
    decimals: int
    ruler: str
    of: Callable[[Scores, Pixels], float | None]
    goodness: Callable[[float], float]

    def shown(self, value: float) -> str:
        return f"{value:,.{self.decimals}f}".replace("-", "−")


def _measure(key: str) -> Callable[[Scores, Pixels], float | None]:
    return lambda scores, pixels: scores.values[key]


def log_p(scores: Scores, pixels: Pixels) -> float | None:
    """log p(x), nats per image: as coins where pixels are binary (a lower bound), else under the density that explains this
    model's pictures best."""
    if pixels.kind == BINARY:
        cost = scores.negative_elbo("bce")
        return None if cost is None else -cost
    found = density_of(scores)
    return None if found is None else scores.values[f"log_p.{found}"]


def density_of(scores: Scores) -> str | None:
    """The key of that density. A network's own output as λ misreads what was not trained so: its mean is what is read."""
    known = {key: scores.values.get(f"log_p.{key}") for key in DENSITIES if key != RAW}
    finite = {key: value for key, value in known.items() if value is not None}
    return max(finite, key=lambda key: finite[key]) if finite else None


def _lower(value: float) -> float:
    return -value


WANTS: Mapping[str, Want] = MappingProxyType(
    {
        want.key: want
        for want in (
            Want("likelihood", "Likelihood", "log p(x)", "nats per image, higher is better", 1,
                 "Test images' log p(x), each model under the noise that explains its pictures best: a nat is 1.44 bits.",
                 log_p, float),
            Want("sharp", "Sharp pictures", "sharpness", "model / data, 1 is best", 3,
                 "Edges of the decoded pictures over edges of the images. Noise has edges too: look at the pictures before you believe it.",
                 _measure("sharpness"), lambda value: -abs(value - 1)),
            Want("error", "Pixel error", "squared error", "summed over an image, lower is better", 2,
                 "Squared difference of test images and the pictures decoded from μ, summed over pixels.", _measure("squared_error"), _lower),
            Want("robust", "Outliers", "MAE", "per pixel, lower is better", 4,
                 "Mean absolute difference: a few pixels that are far off weigh less in it than in a square.", _measure("mae"), _lower),
            Want("code", "A code", "k-NN accuracy", "% of test images, higher is better", 1,
                 "Test images whose class is that of most of the 5 training images with the nearest codes μ.", _measure("neighbours"), float),
        )
    }
)  # fmt: skip


# ---- What to take ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """One loss under a ruler. values: seed -> value. low, high: 95 % t-interval of their mean."""

    loss: str
    values: Mapping[int, float]
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Advice:
    """loss: the one to take, "" where this ruler has no values. ties: the losses that cannot be told from the best, it first;
    none where it is clear. sentences: why, with numbers. standings: best first."""

    want: Want
    loss: str
    ties: tuple[str, ...]
    sentences: tuple[str, ...]
    standings: tuple[Standing, ...]


Scored = Mapping[str, Mapping[int, Scores]]  # loss -> seed -> what its model reached


def advise(want: Want, scored: Scored, pixels: Pixels) -> Advice:
    """What the race says to somebody who wants that. The best mean wins; of those that cannot be told from it, a loss
    that is a likelihood of such pixels is taken first."""
    standings = sorted(_standings(want, scored, pixels), key=lambda s: want.goodness(s.mean), reverse=True)
    if not standings:
        return Advice(want, "", (), (_nothing(want),), ())
    best = standings[0]
    rivals = {s.loss: _against(want, best, s) for s in standings[1:]}
    tied = tuple(loss for loss, paired in rivals.items() if not paired.clear)
    among = [s for s in standings if s is best or s.loss in tied]
    taken = max(among, key=lambda s: (_fits(s.loss, pixels), want.goodness(s.mean))).loss
    told = [_verdict(want, standings, taken), _tie(best.loss, rivals, tied), _why(taken, scored, pixels)]
    if want.key == "likelihood":
        told.append(_density_told(scored, pixels))
    if want.key == "sharp" and max(s.mean for s in standings) < BLURRED:
        told.append(
            f"None is sharp: all are below {BLURRED:g}. More training, or more latent dimensions, change that before a loss does."
        )
    ties = (best.loss, *tied) if tied else ()
    return Advice(want, taken, ties, tuple(filter(None, told)), tuple(standings))


def _standings(want: Want, scored: Scored, pixels: Pixels) -> list[Standing]:
    found = []
    for loss, by_seed in scored.items():
        known = {seed: value for seed, scores in by_seed.items() if (value := want.of(scores, pixels)) is not None}
        if known:
            mean = band(np.array(list(known.values())))
            found.append(Standing(loss, known, float(mean.mean), float(mean.low), float(mean.high)))
    return found


def _against(want: Want, best: Standing, other: Standing) -> Paired:
    """How much better the best is than another, in pairs of one seed."""
    return compare(*({seed: want.goodness(value) for seed, value in s.values.items()} for s in (best, other)))


def _fits(loss: str, pixels: Pixels) -> bool:
    """Whether a loss is a likelihood of such pixels."""
    return not misfit("binary" if pixels.kind in (BINARY, MOSTLY_BINARY) else UNIT, LOSSES[loss])


def _nothing(want: Want) -> str:
    if want.key == "code":
        return "These images have no classes, so what a code tells of them cannot be asked: say that something else matters."
    return f"No model of this race has a finite {want.name}."


def _verdict(want: Want, standings: Sequence[Standing], taken: str) -> str:
    means = {s.loss: f"{want.shown(s.mean)} under {name_of(s.loss)}" for s in standings}
    told = "; ".join((means.pop(taken), *means.values()))
    return f"{want.name}, {want.unit}: {told}."


def _tie(best: str, rivals: Mapping[str, Paired], tied: Sequence[str]) -> str:
    """Which losses cannot be told from the best, with the numbers of the nearest; "" for none."""
    if not tied:
        return ""
    names, near = "; ".join(map(name_of, (best, *tied))), rivals[tied[0]]
    if near.n < 2:
        return f"A tie, as one seed says nothing of how sure a difference is: {names}."
    low, high, mean = (f"{value:.3g}".replace("-", "−") for value in (near.low, near.high, near.mean))
    return (
        f"A tie: {names}. Over {near.n} paired seeds the first two differ by {mean}, with a 95 % interval from {low} to {high}, "
        "which holds 0."
    )


def _why(loss: str, scored: Scored, pixels: Pixels) -> str:
    """What to know of the loss that is taken, on such pixels."""
    return {
        "bce": _why_bce,
        "mse": _why_mse,
        "gaussian_optimal": _why_sigma,
        "laplace": _why_laplace,
    }.get(loss, lambda scored, pixels: LOSSES[loss].meaning)(scored, pixels)  # fmt: skip


def _why_bce(scored: Scored, pixels: Pixels) -> str:
    if pixels.kind == BINARY:
        return f"Of pixels that are 0 or 1 BCE is the likelihood: a perfect copy costs {pixels.floor:,.1f}, and its nats are a code length."
    return (
        f"BCE is not the likelihood of grey pixels: even a perfect copy costs {pixels.floor:,.1f} nats per image here. That offset depends on no "
        "prediction, so training is not hurt by it, and near the truth BCE weighs an error by 1 / (2 x (1 − x)): most where x is near 0 or 1. "
        "Report another ruler than its nats."
    )


def _why_mse(scored: Scored, pixels: Pixels) -> str:
    sigma = _sigma_of("mse", scored)
    if sigma is None:
        return LOSSES["mse"].meaning
    return (
        f"Weight 1 means σ = .71, and its residuals come to σ = {sigma:.3g}: it trains as if β were {1 / (2 * sigma**2):.3g}, and drops what "
        "costs more code than that."
    )


def _why_sigma(scored: Scored, pixels: Pixels) -> str:
    sigma = _sigma_of("gaussian_optimal", scored)
    if sigma is None:
        return LOSSES["gaussian_optimal"].meaning
    told = (
        f"σ is fitted to the residuals, {sigma:.3g} here, so a squared error weighs 1 / (2 σ²) = {1 / (2 * sigma**2):,.3g} times as much as in "
        "MSE of weight 1: nothing has to be tuned, and less is blurred away."
    )
    if pixels.kind in (BINARY, MOSTLY_BINARY):
        told += " Mind that pixels of exactly 0 and 1 have no density: as pictures get perfect, σ goes to 0 and the loss falls without end."
    return told


def _why_laplace(scored: Scored, pixels: Pixels) -> str:
    b = LOSSES["laplace"].given()[0].default
    return (
        f"It pulls at each pixel by 1 / b = {1 / b:g} nats per unit of p, however far off the pixel is: what it aims at is the median, which a few "
        "outliers hardly move."
    )


def _sigma_of(loss: str, scored: Scored) -> float | None:
    """Root mean square residual on training images, mean over seeds."""
    known = [scores.sigma for scores in scored.get(loss, {}).values() if scores.sigma]
    return float(np.mean(known)) if known else None


def _density_told(scored: Scored, pixels: Pixels) -> str:
    """Under which noise each is read, and where such values are not to be leaned on."""
    if pixels.kind == BINARY:
        return "All are read as coins: −(reconstruction + KL), a lower bound of log P(x)."
    names = {loss: found for loss, by in scored.items() if by and (found := density_of(next(iter(by.values()))))}
    if len(set(names.values())) == 1:
        told = f"All are read as {READINGS[next(iter(names.values()))].name}, which explains each best."
    else:
        told = "Read as: " + "; ".join(f"{name_of(loss)} as {READINGS[key].name}" for loss, key in names.items()) + "."
    if pixels.between < 0.9:
        told += (
            f" As {1 - pixels.between:.0%} of the pixels are exactly 0 or 1, a density can grow there without end: do not compare with other "
            "people's figures."
        )
    if "continuous_bernoulli" in names.values() and "continuous_bernoulli" not in scored:
        told += f" Race {name_of('continuous_bernoulli')} too: it trains what is read best here."
    return told


def name_of(loss: str) -> str:
    return LOSSES[loss].name


# ---- All rulers side by side -----------------------------------------------------------------------------------------

ALSO = (  # what else is told of each model: name, unit, decimals, and of its scores
    ("SSIM", "1 is best", 3, _measure("ssim")),
    ("KL", "nats per image", 1, _measure("kl")),
    ("active units", "dimensions", 1, _measure("active_units")),
)


def table(scored: Scored, pixels: Pixels) -> list[tuple[str, str, list[str]]]:
    """Rows (name, unit, a mean over seeds for each loss as it is written)."""
    rulers = [(want.name, want.unit, want.decimals, want.of) for want in WANTS.values()]
    rows = []
    for name, unit, decimals, of in (*rulers, *ALSO):
        means = [_mean([of(scores, pixels) for scores in by_seed.values()]) for by_seed in scored.values()]
        shown = ["–" if mean is None else f"{mean:,.{decimals}f}".replace("-", "−") for mean in means]
        rows.append((name, unit, shown))
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
