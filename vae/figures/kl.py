"""The KL term drawn: over all codes, as two densities, as a mean over samples, and beside the reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vae.figures.beside import beside, on
from vae.figures.plot import Figure, Part, Trace, across, figure, trace
from vae.figures.theme import Ink, axis, heading, layout
from vae.losses.kl import Densities, Descent, Estimate, Weighing

# The two terms of the loss, wherever they stand beside each other; neither is the colour of a loss.
TERM_COLOURS = {"reconstruction": "#7B61C9", "kl": "#1B8A7A"}
CODE = TERM_COLOURS["kl"]
CURSOR = "#D81B60"
# Cividis, as matplotlib has it: plotly.js knows an older one.
CIVIDIS = ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"]
SCALE = [[i / 9, f"#{colour}"] for i, colour in enumerate(CIVIDIS)]
TIGHT = {"l": 48, "r": 10, "t": 26, "b": 36}


def _note(x: float, y: float, text: str, **changes: Any) -> Part:
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": {"size": 12, "color": Ink.TEXT}} | changes


# ---- Over all codes ----------------------------------------------------------------------------------------------


def surface(
    mu: np.ndarray, log_var: np.ndarray, values: np.ndarray, at: tuple[float, float, float], height: int
) -> Figure:
    """KL (rows: log_var, columns: mu) as a surface, with a ball at the code (mu, log_var, KL)."""
    sheet = trace(
        "surface",
        x=mu.astype(np.float32),
        y=log_var.astype(np.float32),
        z=values.astype(np.float32),
        colorscale=SCALE,
        showscale=False,
        opacity=0.94,
        contours={"z": {"show": True, "color": "rgba(255,255,255,.45)", "start": 0, "end": 16, "size": 1}},
        hovertemplate="μ = %{x:.2f}<br>log σ² = %{y:.2f}<br>KL = %{z:.3f} nats<extra></extra>",
    )
    balls = [_ball((0, 0, 0), "#ffffff", 4), _ball(at, CURSOR, 7)]
    scene = {
        "xaxis": _scene_axis("μ"),
        "yaxis": _scene_axis("log σ²"),
        "zaxis": _scene_axis("KL"),
        "camera": {"eye": {"x": 1.15, "y": -1.55, "z": 0.97}, "center": {"x": 0, "y": 0, "z": -0.16}},
        "aspectmode": "manual",
        "aspectratio": {"x": 1.15, "y": 1.15, "z": 0.75},
    }
    return figure([sheet, *balls], layout(height, scene=scene, margin={"l": 0, "r": 0, "t": 0, "b": 0}))


def _ball(at: tuple[float, float, float], colour: str, size: int) -> Trace:
    x, y, z = at
    return trace(
        "scatter3d",
        x=[x],
        y=[y],
        z=[z + 0.3],  # above the surface, not half inside it
        mode="markers",
        hoverinfo="skip",
        marker={"size": size, "color": colour, "line": {"color": "#ffffff", "width": 2}},
    )


def _scene_axis(title: str) -> Part:
    return {
        "title": {"text": title, "font": {"size": 13}},
        "gridcolor": Ink.REFERENCE,  # WebGL mixes see-through lines with white
        "zerolinecolor": Ink.REFERENCE,
        "tickfont": {"size": 11},
        "nticks": 6,
    }


LEVELS = (0.1, 0.5, 1, 2, 4, 8)


def contours(
    mu: np.ndarray, log_var: np.ndarray, values: np.ndarray, at: tuple[float, float, float], height: int
) -> Figure:
    """The same from above. Levels double, for KL is flat near its minimum and steep far from it."""
    plane = {"x": mu.astype(np.float32), "y": log_var.astype(np.float32)}
    shades = trace(
        "heatmap",
        **plane,
        z=np.sqrt(values).astype(np.float32),  # the root spreads the colours over the flat part
        customdata=values.astype(np.float32),
        colorscale=SCALE,
        showscale=False,
        zsmooth="best",
        hovertemplate="μ = %{x:.2f}<br>log σ² = %{y:.2f}<br>KL = %{customdata:.3f} nats<extra></extra>",
    )
    heights = plane | {"z": values.astype(np.float32)}
    marks = [_mark((0, 0), "x", "#ffffff", 9), _mark(at[:2], "circle", CURSOR, 13)]
    drawn = layout(
        height,
        margin=TIGHT | {"t": 8},
        xaxis=axis("μ", range=[mu[0], mu[-1]], showgrid=False),
        yaxis=axis("log σ²", range=[log_var[0], log_var[-1]], showgrid=False),
    )
    return figure([shades, *(_level(heights, level) for level in LEVELS), *marks], drawn)


def _level(heights: Part, level: float) -> Trace:
    """One contour line with its number."""
    return trace(
        "contour",
        **heights,
        autocontour=False,
        contours={"start": level, "end": level, "size": 1, "coloring": "none", "showlabels": True,
                  "labelfont": {"size": 11, "color": "#ffffff"}, "labelformat": "~g"},
        line={"color": "rgba(255,255,255,.7)", "width": 1},
        hoverinfo="skip",
        showscale=False,
    )  # fmt: skip


def _mark(at: tuple[float, float], symbol: str, colour: str, size: int) -> Trace:
    marker = {"symbol": symbol, "size": size, "color": colour, "line": {"color": "#ffffff", "width": 1.5}}
    return trace("scatter", x=[at[0]], y=[at[1]], mode="markers", hoverinfo="skip", marker=marker)


# ---- As densities, and as a mean over samples --------------------------------------------------------------------


def densities(drawn: Densities, mu: float, kl: float, integrand: bool, height: int) -> Figure:
    """q and p over z; with the integrand, q log(q / p), whose area (below zero counted off) is the KL."""
    reference = {"color": Ink.REFERENCE, "width": 2.5, "dash": "dash"}
    curves = [
        _density(drawn.z, drawn.p, "p(z) = N(0, 1)", reference),
        _density(drawn.z, drawn.q, "q(z|x) = N(μ, σ²)", {"color": CODE, "width": 2.5}),
    ]
    low, high, notes = 0.0, max(drawn.q.max(), drawn.p.max()), []
    if integrand:
        area = {"fill": "tozeroy", "fillcolor": "rgba(27,138,122,.18)"}
        dotted = {"color": CODE, "width": 1, "dash": "dot"}
        curves.insert(0, _density(drawn.z, drawn.integrand, "q log(q / p)", dotted) | area)
        low, high = min(low, float(drawn.integrand.min())), max(high, drawn.integrand.max())
        corner = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom"}
        notes = [_note(0.99, 0.02, f"shaded area = {kl:.3f} nats", **corner)]
    legend = {"x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"}
    if mu < 0:  # keep it off the peak
        legend |= {"x": 0.99, "xanchor": "right"}
    shown = layout(
        height,
        showlegend=True,
        legend=legend,
        margin=TIGHT | {"t": 8},
        annotations=notes,
        xaxis=axis("z", range=[drawn.z[0], drawn.z[-1]]),
        yaxis=axis("density", range=[1.05 * low - 0.02 * high, 1.35 * high]),
    )
    return figure(curves, shown)


def _density(z: np.ndarray, values: np.ndarray, name: str, line: Part) -> Trace:
    return trace("scatter", x=z, y=values, mode="lines", name=name, line=line, hovertemplate="z = %{x:.2f}: %{y:.3f}")


def convergence(found: Estimate, height: int) -> Figure:
    """The mean over the first n samples with a band of two standard errors, and the closed form as a line."""
    n, error = found.samples, 2 * found.errors
    band = trace(
        "scatter",
        x=np.concatenate([n, n[::-1]]),
        y=np.concatenate([found.values + error, (found.values - error)[::-1]]),
        mode="lines", fill="toself", fillcolor="rgba(27,138,122,.2)", line={"width": 0}, hoverinfo="skip",
    )  # fmt: skip
    mean = trace(
        "scatter",
        x=n, y=found.values, mode="lines+markers" if len(n) < 3 else "lines", line={"color": CODE, "width": 2},
        customdata=found.errors, hovertemplate="%{x:,} samples: %{y:.4f} ± %{customdata:.4f}<extra></extra>",
    )  # fmt: skip
    span = max(float(np.abs(found.values - found.exact).max() + error.max()), 0.05)
    corner = {"xref": "paper", "xanchor": "right", "yanchor": "bottom"}
    drawn = layout(
        height,
        margin=TIGHT,
        title=heading("Mean over the first n samples, ± 2 standard errors"),
        shapes=[across(found.exact, {"color": Ink.REFERENCE, "width": 1.5, "dash": "dash"})],
        annotations=[_note(0.995, found.exact, f"closed form {found.exact:.4f}", **corner)],
        xaxis=axis("samples n", type="log", dtick=1, range=[0.97, max(2.0, np.log10(n[-1])) + 0.03]),
        yaxis=axis("nats", range=[found.exact - span, found.exact + span]),
    )
    return figure([band, mean], drawn)


# ---- What breaks, and what weighs ----------------------------------------------------------------------------------


def variance_paths(direct: Descent, logged: Descent, best: float, height: int = 300) -> Figure:
    """The variance after each step, in steps of the variance and, on a scale of its own, in steps of its log."""
    traces = [on(0, _path(direct, CURSOR)), on(1, _path(logged, CODE))]
    shapes = [across(best, {"color": Ink.REFERENCE, "width": 1.5, "dash": "dot"}, plot) for plot in (0, 1)]
    if direct.broke_at is not None:
        traces.append(on(0, _break(direct.broke_at, float(direct.variance[-1]))))
        shapes.append(across(0, {"color": Ink.TEXT, "width": 1}))
    x_axes = axis("step", range=[-0.4, max(10, len(direct.variance))]), axis("step")
    y_axes = axis("variance σ²", tickformat="~g"), axis("", tickformat="~g")
    y_axes[0]["title"]["standoff"] = 4
    plots = beside(("steps in σ²", "steps in log σ²"), x_axes, y_axes, gap=0.1, title_size=13)
    return figure(traces, layout(height, margin=TIGHT | {"t": 30}, shapes=shapes, **plots))


def _path(path: Descent, colour: str) -> Trace:
    return trace(
        "scatter", x=np.arange(len(path.variance)), y=path.variance, mode="lines+markers", marker={"size": 4},
        line={"color": colour, "width": 2}, hovertemplate="step %{x}: σ² = %{y:.4f}<extra></extra>",
    )  # fmt: skip


def _break(step: int, variance: float) -> Trace:
    """The step after which there is no log of the variance."""
    return trace(
        "scatter", x=[step], y=[variance], mode="markers+text", hoverinfo="skip", textposition="middle right",
        marker={"symbol": "x", "size": 13, "color": CURSOR}, text=[f" σ² = {variance:.3g}, log σ² = nan"],
    )  # fmt: skip


def weighing(rows: Sequence[Weighing], height: int = 190) -> Figure:
    """Shares of the two terms in the objective, one bar for each way of reducing."""
    drawn = layout(
        height,
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        margin={"l": 140, "r": 12, "t": 26, "b": 36},
        xaxis=axis("share of the objective (%)", range=[0, 100]),
        yaxis=axis("", autorange="reversed", showgrid=False),
    )
    return figure([_shares(rows, "reconstruction", "reconstruction"), _shares(rows, "kl", "β · KL")], drawn)


def _shares(rows: Sequence[Weighing], term: str, label: str) -> Trace:
    """One term's share in each row, in percent, with its value in nats written inside."""
    values = [getattr(row, term) for row in rows]
    return trace(
        "bar",
        y=[row.name for row in rows],
        x=[100 * value / (row.reconstruction + row.kl) for value, row in zip(values, rows, strict=True)],
        orientation="h",
        name=label,
        marker={"color": TERM_COLOURS[term]},
        text=[f"{value:.3g}" for value in values],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        insidetextfont={"color": "#ffffff"},
        hovertemplate=f"{label}: %{{x:.1f}} % of the objective<extra></extra>",
    )


def said_of_descents(direct: Descent, logged: Descent, best: float) -> str:
    """What became of steps in the variance, and in its logarithm: Markdown."""
    last = f"σ² = {direct.variance[-1]:.3g}"
    if direct.broke_at is not None:
        first = (
            f"**Steps in σ²**: step {direct.broke_at} leads to {last}. log σ² is nan, and so is every number after it."
        )
    else:
        first = f"**Steps in σ²**: so small a step survives; {last} after {len(direct.variance) - 1} steps."
    second = (
        f"**Steps in log σ²**: σ² = {logged.variance[-1]:.3g} after {len(logged.variance) - 1} steps, on its way to the "
        f"best, {best:.3g}. exp of any number is positive: no step can break it."
    )
    return f"{first}\n\n{second}"
