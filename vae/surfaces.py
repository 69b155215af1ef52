"""A loss over every true pixel x and prediction p: its value, its excess over the least, its gradients, its descent.

Everything is float64. Derivatives of the losses in LOSSES are written out below; those of any other loss (a user's
formula) come from autograd. Where something is infinite it is inf, where it has no value it is nan and a note says why.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses import (
    Loss,
    continuous_bernoulli,
    continuous_bernoulli_mean,
    continuous_bernoulli_of_prediction,
)

# ---- Results -----------------------------------------------------------------------------------------------------


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
    compute: Callable[[Loss, Tensor, Tensor, dict], tuple[Tensor, str]]
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


@dataclass(frozen=True, eq=False)
class Least:
    """The least value of a loss for each x and the prediction that has it; -inf where it falls without bound.

    p is rounded as floats are: to 0 or 1 where the best is nearer to that than a float can say.
    """

    value: np.ndarray  # (n,), nats per pixel
    p: np.ndarray  # (n,)
    note: str  # one sentence on where there is no least value, or ""


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


@dataclass(frozen=True, eq=False)
class Descent:
    """Gradient descent of one pixel's logit: arrays of steps + 1 numbers, the start included.

    diverged_at is the step whose logit or value was no longer finite; the arrays then end just before it.
    """

    x: float
    step_size: float
    logit: np.ndarray
    p: np.ndarray
    value: np.ndarray  # nats per pixel
    diverged_at: int | None = None


# ---- Derivatives and minima --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Calculus:
    """Derivatives of a loss as functions of (p, x, **parameters), and its minimum over p for each x.

    least(loss, x (n,), **parameters) returns the least value (n,) and the p that has it (n,).
    """

    slope: Callable[..., Tensor]
    logit_slope: Callable[..., Tensor]
    curvature: Callable[..., Tensor]
    least: Callable[..., tuple[Tensor, Tensor]]


def _at_the_truth(loss: Loss, x: Tensor, **parameters: float) -> tuple[Tensor, Tensor]:
    """The minimum of a loss that is least where the prediction is right."""
    return loss.of_prediction(x, x, **parameters), x


def _of_residual(first: Callable[..., Tensor], second: Callable[..., Tensor]) -> Calculus:
    """The calculus of a loss of r = p - x alone, from its first and second derivative in r."""
    return Calculus(
        slope=lambda p, x, **parameters: first(p - x, **parameters),
        logit_slope=lambda p, x, **parameters: first(p - x, **parameters) * p * (1 - p),
        curvature=lambda p, x, **parameters: second(p - x, **parameters),
        least=_at_the_truth,
    )


_MSE = _of_residual(lambda r: 2 * r, lambda r: torch.full_like(r, 2))
_GAUSSIAN = _of_residual(lambda r, sigma: r / sigma**2, lambda r, sigma: torch.full_like(r, 1 / sigma**2))
_LAPLACE = _of_residual(  # a corner at r = 0: its slope is taken as 0 there, and it is infinitely curved
    lambda r, b: r.sign() / b, lambda r, b: torch.where(r == 0, torch.inf, torch.zeros_like(r))
)
_LOGCOSH = _of_residual(lambda r, a: torch.tanh(a * r), lambda r, a: a / torch.cosh(a * r).square())


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, 0 where part is 0: a term with weight 0 is absent even where p is 0 or 1."""
    return torch.where(part == 0, torch.zeros_like(part), part / whole)


_BCE = Calculus(
    slope=lambda p, x: _share(1 - x, 1 - p) - _share(x, p),
    logit_slope=lambda p, x: p - x,
    curvature=lambda p, x: _share(1 - x, (1 - p).square()) + _share(x, p.square()),
    least=_at_the_truth,
)


def _variance(logits: Tensor) -> Tensor:
    """Variance of the continuous Bernoulli, the derivative of its mean: 1 / L^2 - 1 / (2 sinh(L / 2))^2, 1/12 at 0."""
    near = logits.abs() < 0.2
    safe = torch.where(near, torch.ones_like(logits), logits)
    square = torch.where(near, logits, torch.zeros_like(logits)).square()
    series = 1 / 12 - square * (1 / 240 - square * (1 / 6048 - square / 172800))
    return torch.where(near, series, 1 / safe.square() - 0.25 / torch.sinh(safe / 2).square())


def _continuous_bernoulli_slope(p: Tensor, x: Tensor) -> Tensor:
    value = continuous_bernoulli_of_prediction(p, x)  # infinite at p = 0 and 1: falling from, or to, that value
    inside = (continuous_bernoulli_mean(torch.logit(p)) - x) / (p * (1 - p))
    return torch.where(value.isinf(), (2 * p - 1) * value, inside)


def _continuous_bernoulli_curvature(p: Tensor, x: Tensor) -> Tensor:
    value, logits = continuous_bernoulli_of_prediction(p, x), torch.logit(p)
    inside = _variance(logits) - (continuous_bernoulli_mean(logits) - x) * (1 - 2 * p)
    return torch.where(value.isinf(), value, inside / (p * (1 - p)).square())


def continuous_bernoulli_logits(mean: Tensor, steps: int = 12) -> Tensor:
    """The logits whose continuous Bernoulli has that mean, 0 < mean < 1: Newton's method, kept within a bracket.

    Solved below 1/2 and mirrored. There the mean is a convex function of the logit, at most -1 / L and at least its
    tangent 1/2 + L / 12, which gives the bracket. Its lower end is off by e^(-1 / mean) only: for small means, exact.
    """
    small = torch.minimum(mean, 1 - mean)
    low, high = (-1 / small).clamp_min(torch.finfo(mean.dtype).min), 12 * (small - 0.5)
    logits = torch.where(small < 0.15, low, high)
    for _ in range(steps):
        newton = logits - (continuous_bernoulli_mean(logits) - small) / _variance(logits)
        logits = torch.where(small < 0.01, low, torch.minimum(torch.maximum(newton, low), high))
    return torch.where(mean > 0.5, -logits, logits)


def _where_mean_is_truth(loss: Loss, x: Tensor) -> tuple[Tensor, Tensor]:
    inside = (x > 0) & (x < 1)
    logits = continuous_bernoulli_logits(torch.where(inside, x, torch.full_like(x, 0.5)))
    # Valued in logits: for a mean of .001 the best logit is -1000, and p = exp(-1000) is 0 in any floating point.
    value = torch.where(inside, continuous_bernoulli(logits, x), loss.of_prediction(x, x))
    return value, torch.where(inside, torch.sigmoid(logits), x)


_CONTINUOUS_BERNOULLI = Calculus(
    slope=_continuous_bernoulli_slope,
    logit_slope=lambda p, x: continuous_bernoulli_mean(torch.logit(p)) - x,
    curvature=_continuous_bernoulli_curvature,
    least=_where_mean_is_truth,
)

_CLOSED_FORMS: Mapping[str, Calculus] = MappingProxyType(
    {
        "bce": _BCE,
        "mse": _MSE,
        "gaussian": _GAUSSIAN,
        "gaussian_optimal": _GAUSSIAN,
        "gaussian_learned": _GAUSSIAN,
        "continuous_bernoulli": _CONTINUOUS_BERNOULLI,
        "laplace": _LAPLACE,
        "logcosh": _LOGCOSH,
    }
)


def calculus(loss: Loss) -> Calculus:
    """The closed forms of that loss, or autograd and a search where there are none."""
    return _CLOSED_FORMS.get(loss.key) or numerical_calculus(loss)


def numerical_calculus(loss: Loss) -> Calculus:
    """The same for any pointwise loss, by float64 autograd, limits at p = 0 and 1, and a search for the minimum."""

    def derivative(p: Tensor, x: Tensor, parameters: dict, order: int = 1) -> Tensor:
        p = p.broadcast_to(torch.broadcast_shapes(p.shape, x.shape)).detach().clone().requires_grad_()
        result = loss.of_prediction(p, x, **parameters)
        for _ in range(order):
            if not result.requires_grad:  # constant in p
                return torch.zeros_like(p)
            (result,) = torch.autograd.grad(result.sum(), p, create_graph=True)
        return result.detach()

    return Calculus(
        slope=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters), p),
        logit_slope=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters) * q * (1 - q), p),
        curvature=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters, 2), p),
        least=search,
    )


def limit_at_ends(function: Callable[[Tensor], Tensor], p: Tensor) -> Tensor:
    """function(p), except that at p = 0 and p = 1 it is the limit from inside, good to about ten digits.

    The limit is judged from three points ever nearer to the end: where steps do not shrink (a logarithm's stay
    alike, a pole's grow) it is infinite, otherwise it is the value at the nearest.
    """
    end = (p == 0) | (p == 1)
    if not end.any():
        return function(p)
    far, middle, near = (function(torch.where(end, p + (1 - 2 * p) * 2.0**-k, p)) for k in (20, 30, 40))
    step = near - middle
    grows = (step.abs() > 0.75 * (middle - far).abs()) & (step.abs() > 1e-6 * near.abs().clamp_min(1))
    return torch.where(end & grows, step.sign() * torch.inf, near)


# Even steps find minima inside, steps even in the logit those beside 0 and 1.
_SEARCHED = torch.cat(
    [torch.linspace(0, 1, 201, dtype=torch.float64), torch.linspace(-60, 30, 121, dtype=torch.float64).sigmoid()]
).unique()
_GOLDEN = (math.sqrt(5) - 1) / 2


def search(loss: Loss, x: Tensor, **parameters: float) -> tuple[Tensor, Tensor]:
    """The least value of a pointwise loss for each x, (n,), and the p that has it, by grid and golden section.

    p = x is tried as well, and wins ties: it is where most losses have their minimum, and exactly there.
    """

    def value(p: Tensor) -> Tensor:
        return loss.of_prediction(p, x, **parameters).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)

    best = value(_SEARCHED[:, None]).argmin(0)
    low, high = _SEARCHED[(best - 1).clamp_min(0)], _SEARCHED[(best + 1).clamp_max(len(_SEARCHED) - 1)]
    for _ in range(40):  # to 1e-10 in p, where a smooth minimum is flat to every digit
        inner = _GOLDEN * (high - low)
        pair = torch.stack((high - inner, low + inner))
        left, right = value(pair)
        low, high = torch.where(left < right, low, pair[0]), torch.where(left < right, pair[1], high)
    tried = torch.stack((_SEARCHED[best], (low + high) / 2, x))
    values = value(tried)
    least, choice = values.min(0)
    at_truth = values[2] <= least + 1e-12 * least.abs().clamp_min(1)
    p = torch.where(at_truth, x, tried.gather(0, choice[None])[0])
    return torch.where(at_truth, values[2], least), p


def least(loss: Loss, x: object, **parameters: float) -> Least:
    """The least value over p for each of the true pixels x, (n,) or a number. SettingError as for surface()."""
    settings = _settings(loss, parameters)
    return _least(loss, torch.from_numpy(_axis("x", np.atleast_1d(x))), settings)


def _least(loss: Loss, x: Tensor, settings: dict) -> Least:
    value, p = calculus(loss).least(loss, x, **settings)
    ends = torch.tensor([0.0, 1.0], dtype=x.dtype)
    lowest, end = loss.of_prediction(ends[:, None], x, **settings).broadcast_to(2, len(x)).min(0)
    unbounded = lowest == -torch.inf
    value, p = torch.where(unbounded, lowest, value), torch.where(unbounded, ends[end], p)
    return Least(value.numpy(), p.numpy(), _without_least(loss, x[unbounded].tolist()))


def _without_least(loss: Loss, x: list[float]) -> str:
    if not x:
        return ""
    where = " and ".join(f"{v:g}" for v in x) if len(x) <= 2 else f"{min(x):g} to {max(x):g}"
    return f"{loss.name} has no least value at x = {where}: it falls without bound, so there is no excess over it."


# ---- Views -------------------------------------------------------------------------------------------------------


def _value(loss: Loss, x: Tensor, p: Tensor, settings: dict) -> tuple[Tensor, str]:
    return loss.of_prediction(p, x, **settings), ""


def _excess(loss: Loss, x: Tensor, p: Tensor, settings: dict) -> tuple[Tensor, str]:
    floor = _least(loss, x[0], settings)
    return _above(floor, loss.of_prediction(p, x, **settings)), floor.note


def _above(floor: Least, value: Tensor) -> Tensor:
    """The excess of values (m, n) over the least for each x: never below 0 by rounding, nan where there is no least."""
    lowest = torch.from_numpy(floor.value)
    return (value - torch.where(lowest == -torch.inf, torch.nan, lowest)).clamp_min(0)


def _asymmetry(loss: Loss, x: Tensor, d: Tensor, settings: dict) -> tuple[Tensor, str]:
    above, below = _tidy(x + d), _tidy(x - d)
    inside = torch.minimum(above, below).ge(0) & torch.maximum(above, below).le(1)

    def difference(shrink: float) -> Tensor:
        high, low = (torch.where(inside, x + (p - x) * shrink, x) for p in (above, below))
        return loss.of_prediction(high, x, **settings) - loss.of_prediction(low, x, **settings)

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
    return lambda loss, x, p, settings: (getattr(calculus(loss), name)(p, x, **settings), "")


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


def defaults(loss: Loss) -> dict[str, float]:
    """The parameters with which a loss is drawn unless others are given: {name: default}."""
    return {parameter.name: parameter.default for parameter in loss.parameters}


def surface(loss: Loss, view: str, x: object, p: object, **parameters: float) -> Surface:
    """A view of a pointwise loss for all pairs of true pixels x (n,) and predictions p (m,), each within [0, 1].

    In the view "asymmetry" the second axis is d, within [-1, 1]. Values are nats per pixel (see VIEWS for units).
    SettingError for an axis out of range, an unknown view or parameter, or a loss that is not pointwise.
    """
    if not isinstance(view, str) or view not in VIEWS:
        raise SettingError("view", view, f"one of {', '.join(VIEWS)} is accepted")
    chosen, settings = VIEWS[view], _settings(loss, parameters)
    x, p = _axis("x", x), _axis(chosen.second_axis, p, low=-1 if chosen.second_axis == "d" else 0)
    values, note = chosen.compute(loss, torch.from_numpy(x)[None, :], torch.from_numpy(p)[:, None], settings)
    values = values.broadcast_to(len(p), len(x)).contiguous().numpy()
    return Surface(loss, chosen, MappingProxyType(settings), x, p, values, note)


def at_point(loss: Loss, x: float, p: float, **parameters: float) -> Point:
    """Value, excess, gradients and curvature at one (x, p). SettingError unless both are numbers from 0 to 1."""
    settings = _settings(loss, parameters)
    x, p = _unit("x", x), _unit("p", p)
    true, predicted = (torch.tensor([[v]], dtype=torch.float64) for v in (x, p))
    found = {
        key: VIEWS[key].compute(loss, true, predicted, settings)[0]
        for key in ("value", "slope", "logit_slope", "curvature")
    }
    floor = _least(loss, true[0], settings)
    found["excess"] = _above(floor, found["value"])
    found |= {"least": floor.value, "least_at": floor.p}
    return Point(x, p, **{name: number.item() + 0.0 for name, number in found.items()}, note=floor.note)  # no -0.0


def descend(loss: Loss, x: float, p0: float, step_size: float, steps: int, **parameters: float) -> Descent:
    """Gradient descent of one pixel's logit, p = sigmoid(logit), from p0 towards the true pixel x.

    The gradient is that of `pixelwise`: what a network would get. SettingError unless x is in [0, 1], 0 < p0 < 1,
    0 < step_size <= 1000 and steps is a whole number from 1 to 2000.
    """
    settings = _settings(loss, parameters)
    x = _unit("x", x)
    if not _is_number(p0) or not 0 < p0 < 1:
        raise SettingError("p0", p0, "a number between 0 and 1, without the two ends, is accepted")
    if not _is_number(step_size) or not 0 < step_size <= 1000:
        raise SettingError("step_size", step_size, "a number above 0 and up to 1000 is accepted")
    if not isinstance(steps, numbers.Integral) or isinstance(steps, bool) or not 1 <= steps <= 2000:
        raise SettingError("steps", steps, "a whole number from 1 to 2000 is accepted")

    target = torch.tensor(x, dtype=torch.float64)
    logit = torch.logit(torch.tensor(p0, dtype=torch.float64))
    path = []
    for _ in range(steps + 1):
        logit.requires_grad_()
        value = loss.pixelwise(logit, target, **settings)
        if not (math.isfinite(logit.item()) and math.isfinite(value.item())):
            break
        path.append((logit.item(), value.item()))
        (gradient,) = torch.autograd.grad(value, logit)
        logit = logit.detach() - step_size * gradient
    logits, values = np.array(path).reshape(-1, 2).T.copy()
    p = torch.from_numpy(logits).sigmoid().numpy()
    return Descent(x, float(step_size), logits, p, values, len(path) if len(path) <= steps else None)


def per_pixel(loss: Loss, x: object, p: object, **parameters: float) -> np.ndarray:
    """The loss of each pixel of an image x (H, W) predicted as p (H, W), nats per pixel; inf where it is infinite.

    Any loss of the table, ssim too. SettingError where the two differ in shape or leave the range from 0 to 1.
    """
    true, predicted = (np.asarray(image, dtype=np.float64) for image in (x, p))
    if true.shape != predicted.shape or true.ndim != 2:
        raise SettingError("p", predicted.shape, f"an image of the shape of x, {true.shape}, is accepted")
    for name, image in (("x", true), ("p", predicted)):
        _axis(name, image.ravel())
    true, predicted = torch.from_numpy(true), torch.from_numpy(predicted)
    if loss.pointwise:
        return loss.of_prediction(predicted, true, **_settings(loss, parameters)).numpy()
    return loss.pixelwise(torch.logit(predicted), true, **parameters).numpy()


# ---- Checks ------------------------------------------------------------------------------------------------------


def _settings(loss: Loss, parameters: dict) -> dict[str, float]:
    """The parameters of a pointwise loss, checked, with defaults for those not given."""
    if not loss.pointwise:
        raise SettingError("loss", loss.key, "a loss that looks at one pixel at a time is accepted")
    known = {parameter.name: parameter for parameter in loss.parameters}
    for name, value in parameters.items():
        if name not in known:
            raise SettingError(name, value, f"{loss.name} takes {', '.join(known) or 'no parameter'}")
    return defaults(loss) | {name: known[name].check(value) for name, value in parameters.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _unit(name: str, value: object) -> float:
    if not _is_number(value) or not 0 <= value <= 1:  # NaN fails the comparison too
        raise SettingError(name, value, "a number from 0 to 1 is accepted")
    return float(value)


def _axis(name: str, values: object, low: float = 0) -> np.ndarray:
    """The axis as a new float64 array (n,) within [low, 1]."""
    try:
        axis = np.asarray(values, dtype=np.float64).copy()  # ours alone, whoever gave it
    except (TypeError, ValueError):
        axis = np.empty(0)
    if axis.ndim != 1 or not axis.size:
        raise SettingError(name, values, "a list of one or more numbers is accepted")
    outside = ~((axis >= low) & (axis <= 1))  # NaN counts as outside
    if outside.any():
        raise SettingError(name, float(axis[outside][0]), f"a number from {low} to 1 is accepted")
    return axis
