"""One small figure for each claim of the lecture: the curve or the bars that its numbers come from, and those numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from vae.figures.kl import CODE, TERM_COLOURS
from vae.figures.plot import Figure, Part, Trace, figure, trace, upright
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout
from vae.losses.kl import PIXELS, code_weight, divergence, weigh
from vae.losses.surfaces import surface
from vae.losses.table import LOSSES
from vae.study.claims import Evidence, Finding

HEIGHT = 350
P = np.linspace(0, 1, 401)
INSIDE = P[1:-1]  # where nothing is infinite
DASHES = ("solid", "dash", "dot")


def claim_figure(finding: Finding, height: int = HEIGHT) -> Figure:
    """The figure that shows the claim."""
    drawn = FIGURES[finding.claim.key](finding)
    return drawn | {"layout": drawn["layout"] | {"height": height}}


# ---- Parts -------------------------------------------------------------------------------------------------------


Mark = tuple[Part, Part]  # a line upwards, and its name
Numbers = Sequence[float] | np.ndarray


def _figure(
    traces: Sequence[Trace],
    x_title: str,
    y_title: str,
    x_axis: Mapping[str, Any] = {},
    y_axis: Mapping[str, Any] = {},
    marks: Sequence[Mark] = (),
    **changes: Any,
) -> Figure:
    place = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
    drawn = {
        "showlegend": True,
        "legend": place,
        "margin": {"l": 52, "r": 12, "t": 34, "b": 40},
        "xaxis": axis(x_title, **x_axis),
        "yaxis": axis(y_title, **y_axis),
        "shapes": [line for line, _ in marks],
        "annotations": [name for _, name in marks],
    }
    return figure(traces, layout(HEIGHT, **(drawn | changes)))


def _values(loss: str, view: str, x: float, p: Numbers) -> np.ndarray:
    """A view of a loss at one true pixel."""
    return surface(LOSSES[loss], view, [x], p).values[:, 0]


def _line(x: Numbers, y: Numbers, name: str, colour: str, dash: str = "solid", width: float = 2.5) -> Trace:
    return trace(
        "scatter", x=x, y=y, mode="lines", name=name, line={"color": colour, "dash": dash, "width": width},
        hovertemplate="%{x:.3g}: %{y:.4g}",
    )  # fmt: skip


def _points(x: Numbers, y: Numbers, colour: str, place: str | list[str] = "top center", form: str = ".4f") -> Trace:
    return trace(
        "scatter", x=x, y=y, mode="markers+text", showlegend=False, marker={"color": colour, "size": 10},
        text=[format(value, form) for value in y], textposition=place, textfont={"size": 12},
        hovertemplate="%{x:.3g}: %{y:.4f}<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _mark(x: float, text: str, side: str = "right") -> Mark:
    """A line upwards at x, named on that side."""
    line = upright(x, {"color": Ink.REFERENCE, "dash": "dot", "width": 1.5})
    anchor = {"right": "left", "left": "right"}[side]
    return line, {"text": text, "x": x, "xref": "x", "xanchor": anchor, "y": 1, "yref": "y domain", "yanchor": "top",
                  "showarrow": False, "font": {"size": 12, "color": Ink.TEXT}}  # fmt: skip


UNDER_BARS = {"tickangle": 0, "tickfont": {"size": 11}, "showgrid": False}


def _bars(names: Sequence[str], values: Numbers, colours: str | list[str], form: str = ".3f", **more: Any) -> Trace:
    return trace(
        "bar", x=[name.replace(", ", "<br>") for name in names], y=values, marker={"color": colours},
        text=[format(v, form) for v in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{x}: %{text}", **more,
    )  # fmt: skip


# ---- Claims of the lecture ---------------------------------------------------------------------------------------


def _perfect_costs(_: Finding) -> Figure:
    colour = LOSS_COLOURS["bce"]
    entropy = np.diag(surface(LOSSES["bce"], "value", P, P).values)
    traces = [_line(P, entropy, "H(x) at p = x", Ink.REFERENCE, "solid", 1.5)]
    for x, dash in zip((0.2, 0.4, 0.5), DASHES, strict=True):
        place = "bottom right" if x == 0.5 else "bottom center"
        traces += [
            _line(INSIDE, _values("bce", "value", x, INSIDE), f"x = {x:g}", colour, dash),
            _points([x], _values("bce", "value", x, [x]), colour, place),
        ]
    return _figure(
        traces, "prediction p", "BCE(x, p), nats per pixel", x_axis={"range": [0, 1]}, y_axis={"range": [0, 1.6]}
    )


def _asymmetry(_: Finding) -> Figure:
    traces = []
    for loss, place in (("bce", ["middle right", "middle left"]), ("mse", "top center")):
        traces += [
            _line(INSIDE, _values(loss, "excess", 0.2, INSIDE), LOSSES[loss].name, LOSS_COLOURS[loss]),
            _points([0.1, 0.3], _values(loss, "excess", 0.2, [0.1, 0.3]), LOSS_COLOURS[loss], place),
        ]
    return _figure(
        traces, "prediction p", "excess, nats per pixel", x_axis={"range": [0, 0.42]}, y_axis={"range": [0, 0.09]},
        marks=[_mark(0.2, "truth x = .2")],
    )  # fmt: skip


def _direction(_: Finding) -> Figure:
    missed = np.array([0.7, 0.9])
    colour = LOSS_COLOURS["bce"]
    traces = [
        _line(INSIDE, _values("bce", "value", 0.8, INSIDE), "the whole BCE", colour),
        _points(missed, _values("bce", "value", 0.8, missed), colour, ["bottom center", "bottom right"]),
        _line(INSIDE, -0.8 * np.log(INSIDE), "−x log p alone", colour, "dot"),
        _points(missed, -0.8 * np.log(missed), colour, "top right"),
    ]
    return _figure(
        traces, "prediction p", "nats per pixel", x_axis={"range": [0.55, 1]}, y_axis={"range": [0, 0.75]},
        marks=[_mark(0.8, "truth x = .8")],
    )  # fmt: skip


def _mse_zero(_: Finding) -> Figure:
    colour, traces = LOSS_COLOURS["mse"], []
    for x, dash in zip((0.2, 0.4), DASHES):
        traces += [
            _line(P, _values("mse", "value", x, P), f"x = {x:g}", colour, dash),
            _points([x], _values("mse", "value", x, [x]), colour, "top center", ".0f"),
        ]
    missed = [0.3, 0.5]
    traces.append(_points(missed, _values("mse", "value", 0.4, missed), colour, "top center", ".2f"))
    x_axis, y_axis = {"range": [-0.01, 0.8]}, {"range": [-0.006, 0.1]}
    return _figure(traces, "prediction p", "(x − p)², nats per pixel", x_axis, y_axis)


def _not_bernoulli(finding: Finding) -> Figure:
    found = {row.label: row.value for row in finding.evidence}
    traces = []
    for loss in ("bce", "continuous_bernoulli"):
        density = np.exp(-surface(LOSSES[loss], "value", P, [0.2]).values[0])
        mass = found["mass of exp(-BCE) at p = 0.2" if loss == "bce" else "mass of the continuous Bernoulli at p = 0.2"]
        traces.append(_line(P, density, f"{LOSSES[loss].name}: area {mass:.3f}", LOSS_COLOURS[loss]))
    mean = found["its mean at parameter 0.2"]
    return _figure(
        traces, "grey value x", "exp(−loss) at p = 0.2", x_axis={"range": [0, 1]}, y_axis={"range": [0, 2]},
        marks=[_mark(mean, f"its mean, {mean:.3f}"), _mark(0.2, "p = 0.2", "left")],
    )  # fmt: skip


MEASURED_LOSSES = {
    "BCE": "bce", "MSE, weight 1": "mse", "MSE, equal effective beta": "gaussian", "MSE, optimal sigma": "gaussian_optimal",
}  # fmt: skip


def _spread(rows: Sequence[Evidence]) -> Part:
    """The 95 % intervals as error bars, of no length where there is none."""
    ends = [row.interval or (row.value, row.value) for row in rows]
    high, low = ([abs(end[i] - row.value) for row, end in zip(rows, ends)] for i in (1, 0))
    return {"type": "data", "array": high, "arrayminus": low, "color": Ink.TEXT, "thickness": 1.5, "width": 4}


def _blur(finding: Finding) -> Figure:
    bars = []
    for name, loss in MEASURED_LOSSES.items():
        rows = [row for row in finding.evidence if row.label.rpartition(", z")[0] == name]
        sizes = [f"z{row.label.rpartition(', z')[2]}" for row in rows]
        bars.append(
            _bars(sizes, [row.value for row in rows], LOSS_COLOURS[loss], ".2f", name=name) | {"error_y": _spread(rows)}
        )
    return _figure(
        bars, "", "sharpness, model / data (1: as sharp)", UNDER_BARS, {"range": [0, 0.75]}, barmode="group"
    )  # fmt: skip


def _middle(finding: Finding) -> Figure:
    shown = [row for row in finding.evidence if not row.label.endswith("patches")]
    names = ["data", *(row.label.rpartition(", z")[0] for row in shown[1:])]
    colours = [Ink.REFERENCE, *(LOSS_COLOURS[MEASURED_LOSSES[name]] for name in names[1:])]
    bars = _bars(names, [row.value for row in shown], colours)
    bars |= {"error_y": _spread(shown)}
    return _figure([bars], "", "share of pixels in (.1, .9)", UNDER_BARS, {"range": [0, 0.25]}, showlegend=False)


def _root(finding: Finding) -> Figure:
    colours = [LOSS_COLOURS["mse"], Ink.REFERENCE, LOSS_COLOURS["mse"]]
    bars = _bars([row.label for row in finding.evidence], [row.value for row in finding.evidence], colours, ".2f")
    return _figure([bars], "", "per image, every pixel off by .1", UNDER_BARS, {"range": [0, 9]}, showlegend=False)


def _kl_least(_: Finding) -> Figure:
    steps = np.linspace(-3, 3, 241)
    traces = [
        _line(steps, divergence(steps, 0.0), "over μ, at σ² = 1", CODE),
        _line(steps, divergence(0.0, steps), "over log σ², at μ = 0", CODE, "dash"),
        _points([0], [0], CODE, "top center", ".0f"),
    ]
    return _figure(traces, "μ, or log σ²", "KL, nats", x_axis={"range": [-3, 3]}, y_axis={"range": [-0.2, 5]})


# ---- Why ---------------------------------------------------------------------------------------------------------


def _mse_weight(_: Finding) -> Figure:
    sigma = np.geomspace(0.1, 1, 101)
    traces = [_line(sigma, 1 / (2 * sigma**2), LOSSES["gaussian"].name, LOSS_COLOURS["gaussian"])]
    for weight, loss, text in (
        (1.0, "mse", "MSE: 1"),
        (code_weight(), "gaussian", f"at the residual: {code_weight():.1f}"),
    ):
        traces.append(trace(
            "scatter", x=[(2 * weight) ** -0.5], y=[weight], mode="markers+text", text=[text],
            textposition="middle right", marker={"size": 11, "color": LOSS_COLOURS[loss]}, showlegend=False,
            hovertemplate="σ = %{x:.3f}: weight %{y:.2f}<extra></extra>",
        ))  # fmt: skip
    return _figure(
        traces, "σ of the Gaussian", "weight 1 / (2σ²), squared errors",
        x_axis={"type": "log", "range": [-1, 0.05], "tickvals": [0.1, 0.2, 0.5, 1]},
        y_axis={"type": "log", "range": [-0.4, 1.75], "tickvals": [0.5, 1, 2, 5, 10, 20, 50]},
    )  # fmt: skip


def _bce_weight(_: Finding) -> Figure:
    x, traces = np.linspace(0.01, 0.99, 197), []
    for loss in ("bce", "mse"):
        bend = surface(LOSSES[loss], "curvature", x, x).values.diagonal() / 2  # a squared error bends by 2
        traces.append(_line(x, bend, LOSSES[loss].name, LOSS_COLOURS[loss]))
    marked = np.array([0.02, 0.1, 0.5])
    traces.append(_points(marked, 1 / (2 * marked * (1 - marked)), LOSS_COLOURS["bce"], "top right", ".1f"))
    return _figure(
        traces, "true pixel x, predicted as p = x", "weight, squared errors", x_axis={"range": [0, 1]},
        y_axis={"type": "log", "range": [-0.3, 1.75], "tickvals": [0.5, 1, 2, 5, 10, 20, 50]},
    )  # fmt: skip


def _saturation(_: Finding) -> Figure:
    logit = np.linspace(-9, 6, 301)
    p, marked = 1 / (1 + np.exp(-logit)), np.array([0.001, 0.5])
    at, traces = np.log(marked / (1 - marked)), []
    for loss, place in (("bce", ["bottom center", "middle right"]), ("mse", ["top center", "middle right"])):
        traces += [
            _line(logit, _values(loss, "logit_slope", 1.0, p), LOSSES[loss].name, LOSS_COLOURS[loss]),
            _points(at, _values(loss, "logit_slope", 1.0, marked), LOSS_COLOURS[loss], place, ".3f"),
        ]
    x_axis, y_axis = {"range": [-9, 6]}, {"range": [-1.12, 0.12]}
    return _figure(traces, "logit of the prediction, for x = 1", "gradient in the logit", x_axis, y_axis)


def _reduction(_: Finding) -> Figure:
    summed, averaged = weigh(1.0)[::2]
    names = ["sum over pixels", f"mean over {PIXELS} pixels"]
    shares = np.array([summed.share, averaged.share]) * 100
    bars = [
        _bars(names, 100 - shares, TERM_COLOURS["reconstruction"], ".1f", name="reconstruction"),
        _bars(names, shares, TERM_COLOURS["kl"], ".1f", name="KL"),
    ]
    return _figure(bars, "", "share of the objective (%)", UNDER_BARS, {"range": [0, 108]}, barmode="group")


def _bits(finding: Finding) -> Figure:
    """Bars of each data set beside each other: what a perfect copy costs in grey and in bits."""
    rows = [row for row in finding.evidence if row.label.startswith("floor")]
    kinds = cycle(("grey", "threshold", "coin"))  # as the evidence has them
    names = [f"{row.label.split(', ')[1]}, {kind}" for row, kind in zip(rows, kinds)]
    bars = _bars(names, [row.value for row in rows], LOSS_COLOURS["bce"], ".2f")
    top = 1.15 * max(row.value for row in rows)
    return _figure(
        [bars], "", "BCE of a perfect copy (nats per image)", UNDER_BARS, {"range": [0, top]}, showlegend=False
    )


FIGURES: Mapping[str, Callable[[Finding], Figure]] = {
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
    "bits": _bits,
}
