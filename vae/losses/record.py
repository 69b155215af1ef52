"""What a loss is: a record of its functions, its numbers, and its derivatives where they have a closed form.

Every loss compares a true pixel x in [0, 1] with a prediction. A network predicts *logits*; p = sigmoid(logits) is the
same prediction on the scale of the picture. Values are nats per pixel, unreduced: objective.py does all reducing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vae.errors import SettingError


@dataclass(frozen=True)
class Parameter:
    """A number that a loss depends on besides x and its prediction.

    `origin` says who sets it in training: "given" (the user), "batch" (recomputed from the residuals), "learned" (trained).
    On a surface all of them are sliders.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    origin: str = "given"
    whole: bool = False  # whether only whole numbers make sense

    def check(self, value: object) -> float:
        """The value as a float; SettingError unless it is a finite number within [low, high]."""
        number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        kind = "a whole number" if self.whole else "a number"
        if not self.low <= number <= self.high or (self.whole and number != int(number)):  # NaN fails too
            raise SettingError(self.name, value, f"{kind} from {self.low:g} to {self.high:g} is accepted")
        return float(number)


@dataclass(frozen=True)
class Derivatives:
    """Derivatives of a loss as functions of (p, x, **parameters), and its minimum over p for each x.

    minimum(loss, x (n,), **parameters) returns the least value (n,) and the p that has it (n,).
    """

    slope: Callable[..., Tensor]
    logit_slope: Callable[..., Tensor]
    curvature: Callable[..., Tensor]
    minimum: Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Loss:
    """One reconstruction loss.

    pixelwise(logits, x, **parameters): Tensor of the shape of x, nats per pixel, finite for logits within +-100.
    of_prediction(p, x, **parameters): the same as a function of p = sigmoid(logits), with its exact limits (inf
    included) at p = 0 and p = 1; None where the loss is not pointwise.
    picture(logits): the image to show in [0, 1]: the mean of the decoder's distribution.
    total(logits, x, **parameters): the sum over all pixels of a batch, and its derivative with respect to each logit, in one
    and perhaps in the place of the logits; None where autograd finds it.
    likelihood_of: the keys of the pixel treatments (training/pixels.py) under which it is a likelihood, up to a constant.
    of_difference: whether it depends on p - x alone, so that it has a value for whatever range of pixels.
    derivatives: in closed form; None where autograd and a search stand in (derivatives.py).
    """

    key: str
    name: str
    meaning: str
    latex: str
    source: str
    url: str
    normalised: bool
    pixelwise: Callable[..., Tensor]
    of_prediction: Callable[..., Tensor] | None = None
    parameters: tuple[Parameter, ...] = ()
    picture: Callable[[Tensor], Tensor] = field(default=torch.sigmoid)
    derivatives: Derivatives | None = None
    total: Callable[..., tuple[Tensor, Tensor]] | None = None
    likelihood_of: tuple[str, ...] = ()
    of_difference: bool = False

    @property
    def pointwise(self) -> bool:
        """Whether a pixel's loss depends on that pixel alone, so that it can be drawn over (x, p)."""
        return self.of_prediction is not None

    def at(self, p: Tensor, x: Tensor, **parameters: float | Tensor | None) -> Tensor:
        """of_prediction() of a loss that is pointwise."""
        assert self.of_prediction is not None
        return self.of_prediction(p, x, **parameters)

    def given(self) -> tuple[Parameter, ...]:
        """The parameters that the user sets for a training."""
        return tuple(p for p in self.parameters if p.origin == "given")

    def origin(self, name: str) -> str | None:
        """Who sets the parameter `name` in training, or None where the loss has no such parameter."""
        return next((p.origin for p in self.parameters if p.name == name), None)


OF_BITS = ("binary", "binary_sampled")
OF_GREYS = ("unit", "dequantised")
OF_NUMBERS = (*OF_GREYS, "symmetric")


def of_sigmoid(of_prediction: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The loss of logits for a loss that is safe to write in p = sigmoid(logits)."""

    def pixelwise(logits: Tensor, x: Tensor, **parameters: float | Tensor | None) -> Tensor:
        return of_prediction(torch.sigmoid(logits), x, **parameters)

    return pixelwise


def total_of_sigmoid(
    of_prediction: Callable[..., Tensor], derivatives: Derivatives
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Loss.total of a loss that is safe to write in p = sigmoid(logits)."""

    def total(logits: Tensor, x: Tensor, **parameters: float | Tensor) -> tuple[Tensor, Tensor]:
        p = logits.sigmoid_()
        return of_prediction(p, x, **parameters).sum(), derivatives.logit_slope(p, x, **parameters)

    return total


def at_the_truth(loss: Loss, x: Tensor, **parameters: float) -> tuple[Tensor, Tensor]:
    """The minimum of a loss that is least where the prediction is right."""
    return loss.at(x, x, **parameters), x


def of_residual(first: Callable[..., Tensor], second: Callable[..., Tensor]) -> Derivatives:
    """The derivatives of a loss of r = p - x alone, from its first and second derivative in r."""
    return Derivatives(
        slope=lambda p, x, **parameters: first(p - x, **parameters),
        logit_slope=lambda p, x, **parameters: first(p - x, **parameters) * p * (1 - p),
        curvature=lambda p, x, **parameters: second(p - x, **parameters),
        minimum=at_the_truth,
    )
