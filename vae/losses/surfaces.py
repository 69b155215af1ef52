"""A loss over every true pixel x and prediction p: its value, its excess over the least, its gradients.

Everything is float64. Where something is infinite it is inf, where it has no value it is nan and a note says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses.arguments import axis, settings_of, unit
from vae.losses.derivatives import derivatives_of
from vae.losses.minimum import Minimum, minimum_at
from vae.losses.record import Loss

# ---- Results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """One way to look at a loss over (x, p). `label` names the quantity and its unit, as an axis should.

    compute(loss, x (1, n), p (m, 1), parameters) returns the values, (m, n), and a note ("" where nothing is amiss).
    """

    key: str
    name: str
    label: str
    latex: str
    meaning: str
    compute: Callable[[Loss, Tensor, Tensor, dict[str, float]], tuple[Tensor, str]]
    second_axis: str = "p"


@dataclass(frozen=True, eq=False)
class Surface:
    """A view of a loss on a grid: values[i, j] belongs to p[i] and x[j] (p holds d in the view "asymmetry")."""

    loss: Loss
    view: View
    parameters: Mapping[str, float]
    x: np.ndarray  # (n,)
    p: np.ndarray  # (m,)
    values: np.ndarray  # (m, n), inf where infinite, nan where there is no value
    note: str  # one sentence on the nans, or ""


@dataclass(frozen=True)
class Point:
    """All that is to be said of a loss at one (x, p). Nats per pixel; slopes in nats per unit of p or of the logit."""

    x: float
    p: float
    value: float
    excess: float
    slope: float
    logit_slope: float
    curvature: float
    least: float
    least_at: float
    note: str


# ---- Views -----------------------------------------------------------------------------------------------------------


def _value(loss: Loss, x: Tensor, p: Tensor, settings: dict[str, float]) -> tuple[Tensor, str]:
    return loss.at(p, x, **settings), ""


def _excess(loss: Loss, x: Tensor, p: Tensor, settings: dict[str, float]) -> tuple[Tensor, str]:
    floor = minimum_at(loss, x[0], settings)
    return _above(floor, loss.at(p, x, **settings)), floor.note


def _above(floor: Minimum, value: Tensor) -> Tensor:
    """The excess of values (m, n) over the least for each x: never below 0 by rounding, nan where there is no least."""
    lowest = torch.from_numpy(floor.value)
    return (value - torch.where(lowest == -torch.inf, torch.nan, lowest)).clamp_min(0)


def _asymmetry(loss: Loss, x: Tensor, d: Tensor, settings: dict[str, float]) -> tuple[Tensor, str]:
    above, below = _tidy(x + d), _tidy(x - d)
    inside = torch.minimum(above, below).ge(0) & torch.maximum(above, below).le(1)

    def difference(shrink: float) -> Tensor:
        high, low = (torch.where(inside, x + (p - x) * shrink, x) for p in (above, below))
        return loss.at(high, x, **settings) - loss.at(low, x, **settings)

    exact = difference(1.0)  # inf - inf where both predictions are at an end, x = d = 1/2: take the limit
    exact = torch.where(exact.isnan(), difference(1 - 2.0**-40), exact)
    exact = torch.where(above == below, 0.0, exact)
    note = "" if inside.all() else "There is no value where x + d or x - d leaves the range from 0 to 1."
    return torch.where(inside, exact, torch.nan), note


def _tidy(p: Tensor) -> Tensor:
    """x + d is 1 if it misses 1 by rounding alone: there a loss may be infinite, and it must not look finite."""
    nearest = p.round()
    return torch.where((p - nearest).abs() < 1e-12, nearest, p)


def _derivative(name: str) -> Callable[..., tuple[Tensor, str]]:
    return lambda loss, x, p, settings: (getattr(derivatives_of(loss), name)(p, x, **settings), "")


_VIEWS = (
    View("value", "Value", "loss (nats per pixel)", r"L(x,p)", "What the prediction costs.", _value),
    View(
        "excess",
        "Excess over the least",
        "excess (nats per pixel)",
        r"L(x,p)-\min_q L(x,q)",
        "What the prediction costs beyond the best one for that pixel: the part that training can remove.",
        _excess,
    ),
    View(
        "slope",
        "Gradient in p",
        "dL/dp (nats per unit of p)",
        r"\frac{\partial L}{\partial p}",
        "How fast the loss rises with the prediction.",
        _derivative("slope"),
    ),
    View(
        "logit_slope",
        "Gradient in the logit",
        "dL/dlogit (nats per unit of logit)",
        r"\frac{\partial L}{\partial\,\mathrm{logit}}=\frac{\partial L}{\partial p}\,p\,(1-p)",
        "What reaches the network through the sigmoid.",
        _derivative("logit_slope"),
    ),
    View(
        "curvature",
        "Curvature",
        "d²L/dp² (nats per squared unit of p)",
        r"\frac{\partial^2 L}{\partial p^2}",
        "How sharply the loss bends: near the best prediction, the weight of a small error.",
        _derivative("curvature"),
    ),
    View(
        "asymmetry",
        "Asymmetry",
        "L(x, x + d) − L(x, x − d) (nats per pixel)",
        r"L(x,x+d)-L(x,x-d)",
        "How much more it costs to predict too much than to predict too little by the same d.",
        _asymmetry,
        second_axis="d",
    ),
)

VIEWS: Mapping[str, View] = MappingProxyType({view.key: view for view in _VIEWS})


# ---- Surfaces and points ---------------------------------------------------------------------------------------------


def surface(loss: Loss, view: str, x: object, p: object, **parameters: float) -> Surface:
    """A view of a pointwise loss for all pairs of true pixels x (n,) and predictions p (m,), each within [0, 1].

    In the view "asymmetry" the second axis is d, within [-1, 1]. Values are nats per pixel (see VIEWS for units).
    SettingError for an axis out of range, an unknown view or parameter, or a loss that is not pointwise.
    """
    if not isinstance(view, str) or view not in VIEWS:
        raise SettingError("view", view, f"one of {', '.join(VIEWS)} is accepted")
    chosen, settings = VIEWS[view], settings_of(loss, parameters)
    x, p = axis("x", x), axis(chosen.second_axis, p, low=-1 if chosen.second_axis == "d" else 0)
    values, note = chosen.compute(loss, torch.from_numpy(x)[None, :], torch.from_numpy(p)[:, None], settings)
    grid = values.broadcast_to(len(p), len(x)).contiguous().numpy()
    return Surface(loss, chosen, MappingProxyType(settings), x, p, grid, note)


def at_point(loss: Loss, x: float, p: float, **parameters: float) -> Point:
    """Value, excess, gradients and curvature at one (x, p). SettingError unless both are numbers from 0 to 1."""
    settings = settings_of(loss, parameters)
    x, p = unit("x", x), unit("p", p)
    true, predicted = (torch.tensor([[v]], dtype=torch.float64) for v in (x, p))
    found = {
        key: VIEWS[key].compute(loss, true, predicted, settings)[0]
        for key in ("value", "slope", "logit_slope", "curvature")
    }
    floor = minimum_at(loss, true[0], settings)
    found["excess"] = _above(floor, found["value"])
    found |= {"least": torch.from_numpy(floor.value), "least_at": torch.from_numpy(floor.p)}
    return Point(x, p, **{name: number.item() + 0.0 for name, number in found.items()}, note=floor.note)  # no -0.0


def per_pixel(loss: Loss, x: object, p: object, **parameters: float) -> np.ndarray:
    """The loss of each pixel of an image x (H, W) predicted as p (H, W), nats per pixel; inf where it is infinite.

    Any loss of the table, ssim too. SettingError where the two differ in shape or leave the range from 0 to 1.
    """
    true, predicted = (np.asarray(image, dtype=np.float64) for image in (x, p))
    if true.shape != predicted.shape or true.ndim != 2:
        raise SettingError("p", predicted.shape, f"an image of the shape of x, {true.shape}, is accepted")
    for name, image in (("x", true), ("p", predicted)):
        axis(name, image.ravel())
    pixels, guess = torch.from_numpy(true), torch.from_numpy(predicted)
    if loss.pointwise:
        return loss.at(guess, pixels, **settings_of(loss, parameters)).numpy()
    return loss.pixelwise(torch.logit(guess), pixels, **parameters).numpy()
