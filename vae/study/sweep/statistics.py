"""What the results of a sweep say: means over seeds with intervals, differences in pairs, rate against distortion.

Cells with one seed share initial weights, batch order and noise. So two groups of cells are compared seed by seed, and
the spread of those differences, not of the groups, says how sure a difference is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from vae.study.sweep.cell import Measures, Result
from vae.study.sweep.grid import group_of
from vae.training.config import TrainConfig

LEVEL = 0.95
FEW = 5  # pairs below which an interval is called wide


# ---- What is measured --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantity:
    """A measure by its field. more, less: what is said of a group {0} with a larger, a smaller value than
    another {1}, by so much {2}.

    own_ruler: nats under the cell's own loss, which say nothing between two losses. better: "lower", "higher" or "".
    """

    key: str
    title: str
    unit: str
    better: str
    more: str
    less: str
    own_ruler: bool = False

    def of(self, measures: Measures) -> float:
        value = getattr(measures, self.key)
        return math.nan if value is None else float(value)

    @property
    def reading(self) -> str:
        """ "test −ELBO, nats per image (lower is better)" """
        return f"{self.title}, {self.unit}" + (f" ({self.better} is better)" if self.better else "")


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity.key: quantity
        for quantity in (
            Quantity("negative_elbo", "test −ELBO", "nats per image", "lower", "{0} has a higher test −ELBO than {1} by {2}",
                     "{0} has a lower test −ELBO than {1} by {2}", True),
            Quantity("reconstruction", "reconstruction", "nats per image", "lower", "{0} has a higher reconstruction term than {1} by {2}",
                     "{0} has a lower reconstruction term than {1} by {2}", True),
            Quantity("kl", "KL", "nats per image", "", "{0} spends more KL than {1} by {2}", "{0} spends less KL than {1} by {2}"),
            Quantity("squared_error", "squared error", "summed over an image", "lower", "{0} has a larger squared error than {1} by {2}",
                     "{0} has a smaller squared error than {1} by {2}"),
            Quantity("sharpness", "sharpness", "model / data, 1 as sharp as the data", "", "{0} is sharper than {1} by {2}",
                     "{0} is blurrier than {1} by {2}"),
            Quantity("middle", "middle pixels", "share in (.1, .9)", "", "{0} has more middle pixels than {1} by {2}",
                     "{0} has fewer middle pixels than {1} by {2}"),
            Quantity("active_units", "active units", "latent dimensions", "", "{0} uses more latent dimensions than {1} by {2}",
                     "{0} uses fewer latent dimensions than {1} by {2}"),
            Quantity("sigma", "σ", "of the decoder", "", "{0} has a larger σ than {1} by {2}", "{0} has a smaller σ than {1} by {2}"),
            Quantity("mig", "MIG", "gap of the two best dimensions, mean over known factors", "higher",
                     "{0} has a higher MIG than {1} by {2}", "{0} has a lower MIG than {1} by {2}"),
            Quantity("sap", "SAP", "gap of the two best dimensions, mean over known factors", "higher",
                     "{0} has a higher SAP than {1} by {2}", "{0} has a lower SAP than {1} by {2}"),
        )
    }
)  # fmt: skip


def grouped(results: Sequence[Result]) -> dict[TrainConfig, dict[int, Result]]:
    """Group -> seed -> result, of those that did not fail; groups in the order of the results."""
    found: dict[TrainConfig, dict[int, Result]] = {}
    for result in results:
        if result.measures is not None:
            found.setdefault(group_of(result.config), {})[result.config.seed] = result
    return found


def values_of(group: Mapping[int, Result], quantity: Quantity) -> dict[int, float]:
    """Seed -> value."""
    return {seed: quantity.of(result.measures) for seed, result in sorted(group.items()) if result.measures}


# ---- Means and intervals -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Band:
    """Mean over n samples and its 95 % t-interval, each an array or number; low and high are NaN where n = 1."""

    n: int
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def band(samples: np.ndarray) -> Band:
    """samples (n, ...) -> mean and interval over the first axis: mean -+ t s / sqrt(n), with n - 1 degrees of freedom."""
    samples = np.asarray(samples, dtype=np.float64)
    n, mean = len(samples), samples.mean(0)
    if n < 2:
        return Band(n, mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan))
    with np.errstate(over="ignore"):  # of numbers near the largest the interval is everything
        from scipy.special import stdtrit  # takes .3 s to import, and only tables of several seeds need it

        half = stdtrit(n - 1, 0.5 + LEVEL / 2) * samples.std(0, ddof=1) / math.sqrt(n)
    return Band(n, mean, mean - half, mean + half)


def summary(results: Sequence[Result], quantity: Quantity) -> dict[TrainConfig, Band]:
    """Mean and interval over seeds for every group."""
    return {
        group: band(np.array(list(values_of(members, quantity).values())))
        for group, members in grouped(results).items()
    }


# ---- Two groups, seed by seed ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paired:
    """The differences, first minus second, of n pairs that share a seed.

    low, high: 95 % t-interval of the mean difference, NaN for fewer than two pairs. effect: Cohen's d_z, the mean
    difference over the standard deviation of the differences; infinite or NaN where they do not vary.
    more, less: in how many pairs the first is larger, and smaller.
    """

    n: int
    mean: float
    low: float
    high: float
    effect: float
    more: int
    less: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.n > 1 and (self.low > 0 or self.high < 0)

    @property
    def constant(self) -> bool:
        """Whether every pair has the same difference."""
        return self.n > 1 and self.low == self.high


def compare(first: Mapping[int, float], second: Mapping[int, float]) -> Paired:
    """Values by seed -> their differences in pairs; seeds that only one side has, or that are not finite, are left out."""
    seeds = [seed for seed in first if seed in second and math.isfinite(first[seed]) and math.isfinite(second[seed])]
    differences = np.array([first[seed] - second[seed] for seed in sorted(seeds)])
    n = len(differences)
    if not n:
        return Paired(0, math.nan, math.nan, math.nan, math.nan, 0, 0)
    found, mean = band(differences), float(differences.mean())
    # of equal ones rounding would give a standard deviation of 1e-17, and an effect of 1e16
    if np.ptp(differences) == 0 or found.high == found.low:
        mean = float(differences[0])
        edge, effect = (mean if n > 1 else math.nan), math.copysign(math.inf, mean) if mean and n > 1 else math.nan
        return Paired(n, mean, edge, edge, effect, int((differences > 0).sum()), int((differences < 0).sum()))
    with np.errstate(over="ignore"):
        effect = mean / float(differences.std(ddof=1))
    more, less = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(n, mean, float(found.low), float(found.high), effect, more, less)


def statement(paired: Paired, quantity: Quantity, first: str, second: str) -> str:
    """What the pairs say about two groups, in words: how much, how sure, and in how many pairs."""
    n, size = paired.n, abs(paired.mean)
    if n == 0:
        return f"No seed has both {first} and {second} finished, so there is nothing to compare yet."
    said = (quantity.more if paired.mean > 0 else quantity.less).format(first, second, _digits(size))
    if n == 1:
        equal = f"{first} and {second} are equal in {quantity.title}"
        return f"In the one pair there is, {said if size else equal}; one pair gives no interval."
    if paired.constant:
        if not size:
            return f"{first} and {second} are equal in {quantity.title} in all {n} pairs."
        return f"{said} in every one of {n} pairs; as the difference never varies, no interval and no d_z can be given."
    low, high = sorted((paired.low, paired.high)) if paired.mean > 0 else sorted((-paired.low, -paired.high))
    sure = f"(95 % interval {_digits(low)} to {_digits(high)}, {n} paired seeds, d_z = {abs(paired.effect):.3g})"
    count = max(paired.more, paired.less)
    wide = f" {n} pairs are few: the interval is wide." if n < FEW else ""
    if not paired.clear:
        return (
            f"No clear difference in {quantity.title}: on average {said} {sure}, but the interval holds 0; "
            f"{first} is higher in {paired.more} of {n} pairs.{wide}"
        )
    return f"{said} {sure}; {f'in all {n} pairs' if count == n else f'in {count} of {n} pairs'}.{wide}"


def caveat(quantity: Quantity, first: TrainConfig, second: TrainConfig) -> str:
    """What to mind in that comparison, a sentence or "": nats of two losses have no common scale."""
    if not quantity.own_ruler or (first.loss, first.parameters, first.formula) == (
        second.loss, second.parameters, second.formula,
    ):  # fmt: skip
        return ""
    return (
        f"Mind that {quantity.title} is measured by each one's own loss: two losses are two rulers, and only squared "
        "error, KL, sharpness and middle pixels are the same for both."
    )


def _digits(value: float) -> str:
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")


# ---- Rate and distortion -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tradeoff:
    """One line in the plane: groups that differ only in beta, in its order. rate: KL; distortion: squared error."""

    key: TrainConfig  # with beta = 1: what the groups have in common
    betas: tuple[float, ...]
    rate: tuple[float, ...]
    distortion: tuple[float, ...]


def tradeoffs(results: Sequence[Result]) -> tuple[Tradeoff, ...]:
    """Means over seeds of KL and squared error, a line for each loss (and whatever else varies) over its betas."""
    groups = grouped(results)
    lines: dict[TrainConfig, list[tuple[float, float, float]]] = {}
    for group, members in groups.items():
        rate, distortion = (
            float(np.mean(list(values_of(members, QUANTITIES[key]).values()))) for key in ("kl", "squared_error")
        )
        lines.setdefault(replace(group, beta=1.0), []).append((group.beta, rate, distortion))
    return tuple(Tradeoff(key, *(tuple(column) for column in zip(*sorted(line)))) for key, line in lines.items())


def undominated(rate: Sequence[float], distortion: Sequence[float]) -> list[int]:
    """Indices of the points that no other beats in both, by rising rate: the lower left edge of all of them."""
    kept: list[int] = []
    for index in sorted(range(len(rate)), key=lambda i: (rate[i], distortion[i])):
        if not kept or distortion[index] < distortion[kept[-1]]:
            kept.append(index)
    return kept
