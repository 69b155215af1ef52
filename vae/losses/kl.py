"""The KL term of one latent dimension: over all codes, against samples, without the log variance, and weighed.

A code is q = N(mu, exp(log_var)), the prior is p = N(0, 1). Everything is float64, and in nats.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses.objective import combine, kl_divergence

MU = (-4.0, 4.0)
LOG_VAR = (-6.0, 3.0)
SAMPLES = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
FORMS = ("surface", "contours")
LARGEST_SEED = 2**31 - 1

# What the lecture's program reaches on MNIST with z = 2, in its own units: squared error and nats per image.
PIXELS = 28 * 28
L17_RECONSTRUCTION = 31.0
L17_KL = 5.0


@dataclass(frozen=True)
class Setting:
    """A code, how many samples it is tried with, and how KL is drawn. SettingError names what cannot be used."""

    mu: float = 1.0
    log_var: float = -1.0
    samples: int = 1_000
    seed: int = 0
    form: str = "surface"

    def __post_init__(self) -> None:
        for name, (low, high) in {"mu": MU, "log_var": LOG_VAR}.items():
            value = getattr(self, name)
            if not _is(numbers.Real, value) or not low <= value <= high:  # NaN fails the comparison too
                raise SettingError(name, value, f"a number from {low:g} to {high:g} is accepted")
        if not _is(numbers.Integral, self.samples) or self.samples not in SAMPLES:
            raise SettingError("samples", self.samples, f"one of {', '.join(map(str, SAMPLES))} is accepted")
        if not _is(numbers.Integral, self.seed) or not 0 <= self.seed <= LARGEST_SEED:
            raise SettingError("seed", self.seed, f"a whole number from 0 to {LARGEST_SEED} is accepted")
        if self.form not in FORMS:
            raise SettingError("form", self.form, f"one of {', '.join(FORMS)} is accepted")


def _is(kind: type, value: object) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


# ---- Over all codes ----------------------------------------------------------------------------------------------


def _tensor(values: object) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


def divergence(mu: object, log_var: object) -> np.ndarray:
    """KL(q || p) for numbers or arrays that broadcast, by the closed form that training uses."""
    return kl_divergence(_tensor(mu), _tensor(log_var)).numpy()


def axes(points: int = 81) -> tuple[np.ndarray, np.ndarray]:
    """The values of mu and of log_var over which KL is drawn; 0 and 0 are among them."""
    return np.linspace(*MU, points), np.linspace(*LOG_VAR, points + 9)


def grid(mu: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """KL with a row for each log_var and a column for each mu."""
    return divergence(mu[None, :], log_var[:, None])


@dataclass(frozen=True, eq=False)
class Densities:
    """q and p over z, and q log(q / p), the area under which is the KL."""

    z: np.ndarray
    q: np.ndarray
    p: np.ndarray
    integrand: np.ndarray


def densities(mu: float, log_var: float, points: int = 241) -> Densities:
    """Both densities, on points that are dense where either of them has its mass."""
    sigma = math.exp(log_var / 2)
    reach = max(4.5, abs(mu) + 4.0 * sigma)
    z = np.union1d(np.linspace(-reach, reach, points), mu + sigma * np.linspace(-6, 6, points))
    z = z[np.abs(z) <= reach]
    log_q = -0.5 * ((z - mu) / sigma) ** 2 - 0.5 * log_var - 0.5 * math.log(2 * math.pi)
    log_p = -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    q = np.exp(log_q)
    return Densities(z, q, np.exp(log_p), q * (log_q - log_p))


# ---- Against samples ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Estimate:
    """KL as a mean over samples, after the first few, some more, ... and all of them."""

    exact: float  # the closed form
    samples: np.ndarray  # (k,), increasing; the last is all of them
    values: np.ndarray  # (k,), mean of log q(z) - log p(z)
    errors: np.ndarray  # (k,), standard error of that mean

    @property
    def value(self) -> float:
        return float(self.values[-1])

    @property
    def error(self) -> float:
        return float(self.errors[-1])

    @property
    def apart(self) -> float:
        """Standard errors between the estimate and the closed form; 0 where every sample says the same."""
        return (self.value - self.exact) / self.error if self.error else 0.0


def estimate(setting: Setting) -> Estimate:
    """Draw z = mu + sigma * noise and average log q(z) - log p(z), noise from a generator of its own."""
    generator = torch.Generator().manual_seed(setting.seed)
    noise = torch.randn(setting.samples, generator=generator, dtype=torch.float64)
    z = setting.mu + math.exp(setting.log_var / 2) * noise
    ratio = 0.5 * (z.square() - noise.square() - setting.log_var)  # the two log 2 pi cancel
    exact = float(divergence(setting.mu, setting.log_var))
    off = ratio - exact  # sums of these keep the digits that a variance needs
    count = _counts(setting.samples)
    last = torch.from_numpy(count) - 1
    total, squares = off.cumsum(0)[last].numpy(), off.square().cumsum(0)[last].numpy()
    variance = np.maximum(squares - total**2 / count, 0) / (count - 1)
    return Estimate(exact, count, exact + total / count, np.sqrt(variance / count))


def _counts(samples: int, points: int = 80) -> np.ndarray:
    return np.unique(np.geomspace(10, samples, points).round().astype(np.int64))


# ---- Without the log variance ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Descent:
    """Gradient descent of one code's variance; both arrays begin with the start.

    broke_at is the step after which the objective was not a number; the arrays end there, with that step.
    """

    variance: np.ndarray
    objective: np.ndarray
    broke_at: int | None


def code_weight() -> float:
    """How strongly a calibrated decoder pulls a code's variance down: 1 / (2 sigma^2) at the residual of L17."""
    return PIXELS / (2 * L17_RECONSTRUCTION)


def best_variance(weight: float) -> float:
    """Where weight * variance + KL is least, at mu = 0."""
    return 1 / (1 + 2 * weight)


def descend(over: str, start: float, step_size: float, weight: float, steps: int = 100) -> Descent:
    """Minimise weight * variance + KL(N(0, variance) || N(0, 1)) from the variance `start`, with autograd's gradients.

    over: "variance", what one would write down first, or "log_var", what VAEs do. The first term is the expected
    squared error of a decoder that passes its code on: noise in the code is noise in the picture.
    """
    if over not in ("variance", "log_var"):
        raise SettingError("over", over, "one of variance, log_var is accepted")
    free = _tensor(start if over == "variance" else math.log(start)).clone()
    path, broke_at = [], None
    for step in range(steps + 1):
        free.requires_grad_()
        variance, log_var = (free, free.log()) if over == "variance" else (free.exp(), free)
        objective = weight * variance + kl_divergence(torch.zeros_like(log_var), log_var)
        path.append((variance.item(), objective.item()))
        if not math.isfinite(objective.item()):
            broke_at = step
            break
        (gradient,) = torch.autograd.grad(objective, free)
        free = free.detach() - step_size * gradient
    variance, objective = np.array(path).T
    return Descent(variance, objective, broke_at)


# ---- Weighed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weighing:
    """What one way of reducing makes of a reconstruction and a KL."""

    name: str
    reconstruction: float  # as it enters the objective
    kl: float  # likewise, with beta
    acts_like: float  # the beta of a sum over pixels with the same minimum

    @property
    def share(self) -> float:
        """Share of the KL term in the objective, 0 to 1."""
        return self.kl / (self.reconstruction + self.kl)


def weigh(beta: float, reconstruction: float = L17_RECONSTRUCTION, kl: float = L17_KL) -> Sequence[Weighing]:
    """The ELBO, the sum over pixels with beta, and the mean over pixels with beta, for a typical image."""
    ways = (
        ("sum, β = 1: the ELBO", "sum", 1.0),
        (f"sum, β = {beta:g}", "sum", beta),
        (f"mean, β = {beta:g}", "mean", beta),
    )

    def weighing(name: str, reduction: str, beta: float) -> Weighing:
        weighed = combine(reconstruction, 0.0, PIXELS, reduction)
        return Weighing(name, weighed, beta * kl, beta * reconstruction / weighed)

    return [weighing(*way) for way in ways]
