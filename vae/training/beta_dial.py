"""One dial: the weight of the squared error, the sigma of a Gaussian and beta are one number on three scales.

    weight * squared error + beta * KL      is, up to a factor that no minimum sees,      squared error + B * KL

with B = beta / weight, the *effective beta*; squared errors are summed over pixels. A Gaussian's weight is
1 / (2 sigma^2), so B = 2 sigma^2 beta. At beta = 1 the three scales are weight = 1 / B, sigma = sqrt(B / 2) and B.
Averaging over pixels divides the weight by their number. Adam does not see the factor either, but for its epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import torch

from vae.errors import SettingError
from vae.losses.formula import formula_term
from vae.losses.formula_weight import squared_error
from vae.losses.squared_error import HALF_LOG_2PI
from vae.training.config import FORMULA, TrainConfig
from vae.training.presets import PRESETS, Preset

LOW, HIGH = 1e-3, 1e3  # effective beta at the ends of the dial
WEIGHED = ("constant", "warmup", "cyclical")  # KL terms that are a weight times the KL, beta in the end


# ---- Three scales ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """One way to write the number. of(effective beta) -> its value, back(value) -> the effective beta."""

    key: str
    name: str
    meaning: str
    of: Callable[[float], float]
    back: Callable[[float], float]


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        scale.key: scale
        for scale in (
            Scale("weight", "weight w", "w × squared error + KL", lambda b: 1 / b, lambda w: 1 / w),
            Scale("sigma", "σ", "Gaussian with σ, + KL", lambda b: math.sqrt(b / 2), lambda sigma: 2 * sigma**2),
            Scale("beta", "β", "squared error + β × KL", lambda b: b, lambda beta: beta),
        )
    }
)


def optimum(residual: float) -> float:
    """The effective beta that a residual (mean squared error per pixel) asks for: sigma^2 = residual, so 2 residual.

    It moves with the training, as the residual does: https://arxiv.org/abs/2006.13202.
    """
    return 2 * residual


# ---- Where a config stands ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dial:
    """effective_beta: where the run stands, 0 for no KL at all. turns: the setting that turning it changes."""

    effective_beta: float
    turns: str

    def on(self, scale: str) -> float:
        """The same on one of SCALES; at an effective beta of 0 the weight is infinite."""
        if self.effective_beta == 0:
            return math.inf if scale == "weight" else 0.0
        return SCALES[scale].of(self.effective_beta)


def dial_of(config: TrainConfig, residual: float | None = None) -> Dial | None:
    """Where a config stands, or None where the objective is not a squared error plus a weight times the KL.

    A sigma that sets itself needs the residual of the moment, the mean squared error per pixel; without it: None.
    """
    value = effective_beta(config, residual)
    return None if value is None else Dial(value, "sigma" if _gives_sigma(config) else "beta")


def effective_beta(config: TrainConfig, residual: float | None = None) -> float | None:
    """The objective written as squared error summed over pixels + this * KL; None as in dial_of.

    A scheduled weight counts with the value that it reaches.
    """
    weight = weight_of(config, residual)
    return None if weight is None or config.kl_term not in WEIGHED else config.beta / weight


def weight_of(config: TrainConfig, residual: float | None = None) -> float | None:
    """The weight of the squared error, summed over pixels, in the objective; None where there is no such weight."""
    if config.loss_record().origin("sigma") in ("batch", "learned"):
        weight = 1 / (2 * residual) if residual else None
    else:
        weight = _squared_error(config.loss, config.formula, config.parameters)[0]
    return None if weight is None else weight / _divisor(config)


def residual_of(config: TrainConfig, reconstruction: float, sigma: float | None = None) -> float | None:
    """The mean squared error per pixel behind a reconstruction term (nats per image), None where it cannot be told.

    sigma: the optimal or trained one that the term was taken with, where the loss has such a sigma.
    """
    pixels = math.prod(config.shape)
    if config.loss_record().origin("sigma") in ("batch", "learned"):
        if sigma is None:
            return None
        return max(0.0, (reconstruction / pixels - math.log(sigma) - HALF_LOG_2PI) * 2 * sigma**2)
    weight, constant = _squared_error(config.loss, config.formula, config.parameters)
    return None if weight is None or constant is None else max(0.0, (reconstruction / pixels - constant) / weight)


def turned(config: TrainConfig, effective_beta: float, residual: float | None = None) -> TrainConfig:
    """The config with the dial at this effective beta: a fixed Gaussian's sigma changes, else beta.

    Where there is no squared error (see remark), beta itself takes the value. SettingError where a setting would leave its
    range.
    """
    if _gives_sigma(config) and config.kl_term in WEIGHED:
        if config.beta == 0:
            raise SettingError("beta", 0, "a number above 0 is accepted where sigma sets the balance")
        sigma = math.sqrt(effective_beta / (2 * config.beta * _divisor(config)))
        return replace(config, parameters=tuple({**dict(config.parameters), "sigma": sigma}.items()))
    return replace(config, beta=effective_beta * (weight_of(config, residual) or 1.0))


def remark(config: TrainConfig, residual: float | None = None) -> str:
    """What a user must know of the dial under this config, or "" where all three scales hold."""
    if config.kl_term not in WEIGHED:
        return f"The KL term is “{config.kl_record().name}”, not a weight times the KL: the dial sets its β."
    if weight_of(config, residual) is not None:
        return ""
    name = config.loss_record().name
    if config.loss_record().origin("sigma") in ("batch", "learned"):
        return f"{name}: σ sets itself; where the dial stands shows once the run has a residual."
    known = "not known to be" if config.loss == FORMULA else "not"
    return f"{name} is {known} a squared error: the dial sets β, and the scales of w and σ do not apply."


def _gives_sigma(config: TrainConfig) -> bool:
    return config.loss_record().origin("sigma") == "given"


def _divisor(config: TrainConfig) -> int:
    return math.prod(config.shape) if config.reduction == "mean" else 1


@lru_cache(maxsize=256)
def _squared_error(
    loss: str, formula: str, parameters: tuple[tuple[str, float], ...]
) -> tuple[float | None, float | None]:
    """(w, c) if the loss of a pixel is w (x - p)^2 + c; (w, None) if c depends on x; (None, None) if it is another.

    Of a formula of the user's that is proved; of a record of the table found on the numbers, in float64.
    """
    config = TrainConfig(loss=loss, formula=formula, parameters=parameters)
    record = config.loss_record()
    if loss == FORMULA:
        return squared_error(formula_term(formula))
    if not record.pointwise:
        return None, None
    grid = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    x, p = torch.meshgrid(grid, grid, indexing="ij")
    given = config.loss_parameters()
    least = record.at(x, x, **given)
    excess, square = record.at(p, x, **given) - least, (x - p).square()
    weight = float((excess * square).sum() / square.square().sum())
    if not (weight > 0 and torch.allclose(excess, weight * square, rtol=1e-6, atol=1e-9 * weight)):
        return None, None
    flat = torch.allclose(least, least[0, 0].expand_as(least), rtol=1e-6, atol=1e-9)
    return weight, float(least[0, 0]) if flat else None


# ---- Ticks: where the dialects stand -----------------------------------------------------------------------------

_PIXELS_OF_FACES = 3 * 64 * 64  # what PyTorch-VAE averages over
_PIXELS_OF_MNIST = 28 * 28
_RESIDUAL_OF_LECTURE = 31 / _PIXELS_OF_MNIST  # that the lecture's program reaches on MNIST with two latent dimensions


@dataclass(frozen=True)
class Tick:
    """A place on the dial that has a name, and why it is there."""

    effective_beta: float
    name: str
    meaning: str


def _of(preset: Preset, name: str, meaning: str, pixels: int = _PIXELS_OF_MNIST) -> Tick:
    config = preset.config()
    value = effective_beta(config)
    assert value is not None, preset.key
    return Tick(value * pixels / math.prod(config.shape) if config.reduction == "mean" else value, name, meaning)


TICKS: tuple[Tick, ...] = (
    _of(PRESETS["disentangling-vae"], "disentangling-vae", "255 × squared error + KL"),
    Tick(optimum(_RESIDUAL_OF_LECTURE), "calibrated", "σ² as large as the residual that the lecture's program reaches"),
    _of(PRESETS["l17"], "L17", "the lecture: squared error + KL"),
    _of(PRESETS["pythae"], "Pythae, σ = 1", "½ × squared error + KL, which is a Gaussian with σ = 1"),
    _of(PRESETS["pytorch-vae"], "PyTorch-VAE", "mean over 3 × 64 × 64 pixels + .00025 × KL", _PIXELS_OF_FACES),
    Tick(float(_PIXELS_OF_MNIST), "mean of 784", "mean over 28 × 28 pixels + KL: the code collapses"),
)
