"""One small figure for each claim of the lecture: the curve or the bars that its numbers come from, and those numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from vae.claims import Finding
from vae.figures.kl import CODE, TERM_COLOURS
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout
from vae.kl import PIXELS, code_weight, divergence, weigh
from vae.losses import LOSSES
from vae.surfaces import surface

HEIGHT = 350
P = np.linspace(0, 1, 401)
INSIDE = P[1:-1]  # where nothing is infinite
DASHES = ("solid", "dash", "dot")


def claim_figure(finding: Finding, height: int = HEIGHT) -> go.Figure:
    """The figure that shows the claim."""
    drawn = FIGURES[finding.claim.key](finding)
    drawn.update_layout(height=height)
    return drawn


# ---- Parts -------------------------------------------------------------------------------------------------------


def _figure(x_title: str, y_title: str, legend: bool = True, x_axis: Mapping = {}, y_axis: Mapping = {}) -> go.Figure:
    place = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
    figure = go.Figure(
        layout=layout(HEIGHT, showlegend=legend, legend=place, margin={"l": 52, "r": 12, "t": 34, "b": 40})
    )
    figure.update_xaxes(**axis(x_title, **x_axis))
    figure.update_yaxes(**axis(y_title, **y_axis))
    return figure


def _values(loss: str, view: str, x: float, p: Sequence[float]) -> np.ndarray:
    """A view of a loss at one true pixel."""
    return surface(LOSSES[loss], view, [x], p).values[:, 0]


def _line(figure: go.Figure, x, y, name: str, colour: str, dash: str = "solid", width: float = 2.5) -> None:
    figure.add_scatter(
        x=x, y=y, mode="lines", name=name, line={"color": colour, "dash": dash, "width": width},
        hovertemplate="%{x:.3g}: %{y:.4g}",
    )  # fmt: skip


def _points(figure: go.Figure, x, y, colour: str, place: str | list[str] = "top center", form: str = ".4f") -> None:
    figure.add_scatter(
        x=x, y=y, mode="markers+text", showlegend=False, marker={"color": colour, "size": 10},
        text=[format(value, form) for value in y], textposition=place, textfont={"size": 12},
        hovertemplate="%{x:.3g}: %{y:.4f}<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _mark(figure: go.Figure, x: float, text: str, side: str = "right") -> None:
    """A line upwards at x, named on that side."""
    note = {"text": text, "font": {"size": 12, "color": Ink.TEXT}}
    line = {"color": Ink.REFERENCE, "dash": "dot", "width": 1.5}
    figure.add_vline(x=x, line=line, annotation=note, annotation_position=f"top {side}")


def _bars(figure: go.Figure, names: Sequence[str], values: Sequence[float], colours, form: str = ".3f", **more) -> None:
    figure.update_xaxes(tickangle=0, tickfont={"size": 11}, showgrid=False)
    figure.add_bar(
        x=[name.replace(", ", "<br>") for name in names], y=values, marker={"color": colours},
        text=[format(v, form) for v in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{x}: %{text}", **more,
    )  # fmt: skip


# ---- Claims of the lecture ---------------------------------------------------------------------------------------


def _perfect_costs(_: Finding) -> go.Figure:
    figure = _figure("prediction p", "BCE(x, p), nats per pixel", x_axis={"range": [0, 1]}, y_axis={"range": [0, 1.6]})
    _line(
        figure, P, np.diag(surface(LOSSES["bce"], "value", P, P).values), "H(x) at p = x", Ink.REFERENCE, "solid", 1.5
    )
    for x, dash in zip((0.2, 0.4, 0.5), DASHES, strict=True):
        _line(figure, INSIDE, _values("bce", "value", x, INSIDE), f"x = {x:g}", LOSS_COLOURS["bce"], dash)
        place = "bottom right" if x == 0.5 else "bottom center"
        _points(figure, [x], _values("bce", "value", x, [x]), LOSS_COLOURS["bce"], place)
    return figure


def _asymmetry(_: Finding) -> go.Figure:
    figure = _figure("prediction p", "excess, nats per pixel", x_axis={"range": [0, 0.42]}, y_axis={"range": [0, 0.09]})
    for loss, place in (("bce", ["middle right", "middle left"]), ("mse", "top center")):
        _line(figure, INSIDE, _values(loss, "excess", 0.2, INSIDE), LOSSES[loss].name, LOSS_COLOURS[loss])
        _points(figure, [0.1, 0.3], _values(loss, "excess", 0.2, [0.1, 0.3]), LOSS_COLOURS[loss], place)
    _mark(figure, 0.2, "truth x = .2")
    return figure


def _direction(_: Finding) -> go.Figure:
    figure = _figure("prediction p", "nats per pixel", x_axis={"range": [0.55, 1]}, y_axis={"range": [0, 0.75]})
    missed = np.array([0.7, 0.9])
    colour = LOSS_COLOURS["bce"]
    _line(figure, INSIDE, _values("bce", "value", 0.8, INSIDE), "the whole BCE", colour)
    _points(figure, missed, _values("bce", "value", 0.8, missed), colour, ["bottom center", "bottom right"])
    _line(figure, INSIDE, -0.8 * np.log(INSIDE), "−x log p alone", colour, "dot")
    _points(figure, missed, -0.8 * np.log(missed), colour, "top right")
    _mark(figure, 0.8, "truth x = .8")
    return figure


def _mse_zero(_: Finding) -> go.Figure:
    figure = _figure(
        "prediction p", "(x − p)², nats per pixel", x_axis={"range": [-0.01, 0.8]}, y_axis={"range": [-0.006, 0.1]}
    )
    for x, dash in zip((0.2, 0.4), DASHES):
        _line(figure, P, _values("mse", "value", x, P), f"x = {x:g}", LOSS_COLOURS["mse"], dash)
        _points(figure, [x], _values("mse", "value", x, [x]), LOSS_COLOURS["mse"], "top center", ".0f")
    _points(figure, [0.3, 0.5], _values("mse", "value", 0.4, [0.3, 0.5]), LOSS_COLOURS["mse"], "top center", ".2f")
    return figure


def _not_bernoulli(finding: Finding) -> go.Figure:
    found = {row.label: row.value for row in finding.evidence}
    figure = _figure("grey value x", "exp(−loss) at p = 0.2", x_axis={"range": [0, 1]}, y_axis={"range": [0, 2]})
    for loss in ("bce", "continuous_bernoulli"):
        density = np.exp(-surface(LOSSES[loss], "value", P, [0.2]).values[0])
        mass = found["mass of exp(-BCE) at p = 0.2" if loss == "bce" else "mass of the continuous Bernoulli at p = 0.2"]
        _line(figure, P, density, f"{LOSSES[loss].name}: area {mass:.3f}", LOSS_COLOURS[loss])
    mean = found["its mean at parameter 0.2"]
    _mark(figure, mean, f"its mean, {mean:.3f}")
    _mark(figure, 0.2, "p = 0.2", "left")
    return figure


MEASURED_LOSSES = {"BCE": "bce", "MSE, weight 1": "mse", "MSE, optimal sigma": "gaussian_optimal"}


def _blur(finding: Finding) -> go.Figure:
    found = {row.label: row.value for row in finding.evidence}
    figure = _figure("", "sharpness, model / data (1: as sharp)", y_axis={"range": [0, 0.7]})
    sizes = ("z = 20", "z = 2")
    for name, loss in MEASURED_LOSSES.items():
        _bars(figure, sizes, [found[f"{name}, {size}"] for size in sizes], LOSS_COLOURS[loss], name=name)
    figure.update_layout(barmode="group")
    return figure


def _middle(finding: Finding) -> go.Figure:
    figure = _figure("", "share of pixels in (.1, .9)", legend=False, y_axis={"range": [0, 0.25]})
    colours = [Ink.REFERENCE, *(LOSS_COLOURS[loss] for loss in MEASURED_LOSSES.values())]
    _bars(figure, [row.label for row in finding.evidence], [row.value for row in finding.evidence], colours)
    return figure


def _root(finding: Finding) -> go.Figure:
    figure = _figure("", "per image, every pixel off by .1", legend=False, y_axis={"range": [0, 9]})
    colours = [LOSS_COLOURS["mse"], Ink.REFERENCE, LOSS_COLOURS["mse"]]
    _bars(figure, [row.label for row in finding.evidence], [row.value for row in finding.evidence], colours, ".2f")
    return figure


def _kl_least(_: Finding) -> go.Figure:
    figure = _figure("μ, or log σ²", "KL, nats", x_axis={"range": [-3, 3]}, y_axis={"range": [-0.2, 5]})
    steps = np.linspace(-3, 3, 241)
    _line(figure, steps, divergence(steps, 0.0), "over μ, at σ² = 1", CODE)
    _line(figure, steps, divergence(0.0, steps), "over log σ², at μ = 0", CODE, "dash")
    _points(figure, [0], [0], CODE, "top center", ".0f")
    return figure


# ---- Why ---------------------------------------------------------------------------------------------------------


def _mse_weight(_: Finding) -> go.Figure:
    figure = _figure(
        "σ of the Gaussian", "weight 1 / (2σ²), squared errors",
        x_axis={"type": "log", "range": [-1, 0.05], "tickvals": [0.1, 0.2, 0.5, 1]},
        y_axis={"type": "log", "range": [-0.4, 1.75], "tickvals": [0.5, 1, 2, 5, 10, 20, 50]},
    )  # fmt: skip
    sigma = np.geomspace(0.1, 1, 101)
    _line(figure, sigma, 1 / (2 * sigma**2), LOSSES["gaussian"].name, LOSS_COLOURS["gaussian"])
    for weight, loss, text in (
        (1.0, "mse", "MSE: 1"),
        (code_weight(), "gaussian", f"at the residual: {code_weight():.1f}"),
    ):
        figure.add_scatter(
            x=[(2 * weight) ** -0.5], y=[weight], mode="markers+text", text=[text], textposition="middle right",
            marker={"size": 11, "color": LOSS_COLOURS[loss]}, showlegend=False,
            hovertemplate="σ = %{x:.3f}: weight %{y:.2f}<extra></extra>",
        )  # fmt: skip
    return figure


def _bce_weight(_: Finding) -> go.Figure:
    figure = _figure(
        "true pixel x, predicted as p = x", "weight, squared errors", x_axis={"range": [0, 1]},
        y_axis={"type": "log", "range": [-0.3, 1.75], "tickvals": [0.5, 1, 2, 5, 10, 20, 50]},
    )  # fmt: skip
    x = np.linspace(0.01, 0.99, 197)
    for loss in ("bce", "mse"):
        bend = surface(LOSSES[loss], "curvature", x, x).values.diagonal() / 2  # a squared error bends by 2
        _line(figure, x, bend, LOSSES[loss].name, LOSS_COLOURS[loss])
    marked = np.array([0.02, 0.1, 0.5])
    _points(figure, marked, 1 / (2 * marked * (1 - marked)), LOSS_COLOURS["bce"], "top right", ".1f")
    return figure


def _saturation(_: Finding) -> go.Figure:
    figure = _figure("logit of the prediction, for x = 1", "gradient in the logit",
                     x_axis={"range": [-9, 6]}, y_axis={"range": [-1.12, 0.12]})  # fmt: skip
    logit = np.linspace(-9, 6, 301)
    p, marked = 1 / (1 + np.exp(-logit)), np.array([0.001, 0.5])
    for loss, place in (("bce", ["bottom center", "middle right"]), ("mse", ["top center", "middle right"])):
        _line(figure, logit, _values(loss, "logit_slope", 1.0, p), LOSSES[loss].name, LOSS_COLOURS[loss])
        at = np.log(marked / (1 - marked))
        _points(figure, at, _values(loss, "logit_slope", 1.0, marked), LOSS_COLOURS[loss], place, ".3f")
    return figure


def _reduction(_: Finding) -> go.Figure:
    figure = _figure("", "share of the objective (%)", y_axis={"range": [0, 108]})
    summed, _, averaged = weigh(1.0)
    names = ["sum over pixels", f"mean over {PIXELS} pixels"]
    shares = np.array([summed.share, averaged.share]) * 100
    for term, values in (("reconstruction", 100 - shares), ("kl", shares)):
        label = "KL" if term == "kl" else term
        _bars(figure, names, values, TERM_COLOURS[term], ".1f", name=label)
    figure.update_layout(barmode="group")
    return figure


FIGURES: Mapping[str, Callable[[Finding], go.Figure]] = {
    "perfect_costs": _perfect_costs,
    "asymmetry": _asymmetry,
    "direction": _direction,
    "mse_zero": _mse_zero,
    "not_bernoulli": _not_bernoulli,
    "blur": _blur,
    "middle": _middle,
    "root": _root,
    "kl_least": _kl_least,
    "mse_weight": _mse_weight,
    "bce_weight": _bce_weight,
    "saturation": _saturation,
    "reduction": _reduction,
}
