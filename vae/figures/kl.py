"""The KL term drawn: over all codes, as two densities, as a mean over samples, and beside the reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.figures.theme import Ink, axis, layout
from vae.kl import Densities, Descent, Estimate, Weighing

# The two terms of the loss, wherever they stand beside each other; neither is the colour of a loss.
TERM_COLOURS = {"reconstruction": "#7B61C9", "kl": "#1B8A7A"}
CODE = TERM_COLOURS["kl"]
CURSOR = "#D81B60"
SCALE = "Cividis"
TIGHT = {"l": 48, "r": 10, "t": 26, "b": 36}


def _text(figure: go.Figure, x: float, y: float, text: str, **changes) -> None:
    figure.add_annotation(x=x, y=y, text=text, showarrow=False, font={"size": 12, "color": Ink.TEXT}, **changes)


def _title(text: str) -> dict:
    return {"text": text, "font": {"size": 13}, "x": 0.02, "y": 0.99, "yanchor": "top"}


# ---- Over all codes ----------------------------------------------------------------------------------------------


def surface(mu: np.ndarray, log_var: np.ndarray, values: np.ndarray, at: tuple[float, float, float], height: int):
    """KL (rows: log_var, columns: mu) as a surface, with a ball at the code (mu, log_var, KL)."""
    figure = go.Figure(
        go.Surface(
            x=mu.astype(np.float32),
            y=log_var.astype(np.float32),
            z=values.astype(np.float32),
            colorscale=SCALE,
            showscale=False,
            opacity=0.94,
            contours={"z": {"show": True, "color": "rgba(255,255,255,.45)", "start": 0, "end": 16, "size": 1}},
            hovertemplate="μ = %{x:.2f}<br>log σ² = %{y:.2f}<br>KL = %{z:.3f} nats<extra></extra>",
        )
    )
    for (x, y, z), colour, size in (((0, 0, 0), "#ffffff", 4), (at, CURSOR, 7)):
        figure.add_scatter3d(
            x=[x],
            y=[y],
            z=[z + 0.3],  # above the surface, not half inside it
            mode="markers",
            hoverinfo="skip",
            marker={"size": size, "color": colour, "line": {"color": "#ffffff", "width": 2}},
        )
    scene = {
        "xaxis": _scene_axis("μ"),
        "yaxis": _scene_axis("log σ²"),
        "zaxis": _scene_axis("KL"),
        "camera": {"eye": {"x": 1.15, "y": -1.55, "z": 0.97}, "center": {"x": 0, "y": 0, "z": -0.16}},
        "aspectmode": "manual",
        "aspectratio": {"x": 1.15, "y": 1.15, "z": 0.75},
    }
    figure.update_layout(layout(height, scene=scene, margin={"l": 0, "r": 0, "t": 0, "b": 0}))
    return figure


def _scene_axis(title: str) -> dict:
    return {
        "title": {"text": title, "font": {"size": 13}},
        "gridcolor": Ink.REFERENCE,  # WebGL mixes see-through lines with white
        "zerolinecolor": Ink.REFERENCE,
        "backgroundcolor": "rgba(0,0,0,0)",
        "tickfont": {"size": 11},
        "nticks": 6,
    }


LEVELS = (0.1, 0.5, 1, 2, 4, 8)


def contours(mu: np.ndarray, log_var: np.ndarray, values: np.ndarray, at: tuple[float, float, float], height: int):
    """The same from above. Levels double, for KL is flat near its minimum and steep far from it."""
    figure = go.Figure(
        go.Heatmap(
            x=mu.astype(np.float32),
            y=log_var.astype(np.float32),
            z=np.sqrt(values).astype(np.float32),  # the root spreads the colours over the flat part
            customdata=values.astype(np.float32),
            colorscale=SCALE,
            showscale=False,
            zsmooth="best",
            hovertemplate="μ = %{x:.2f}<br>log σ² = %{y:.2f}<br>KL = %{customdata:.3f} nats<extra></extra>",
        )
    )
    for level in LEVELS:
        figure.add_contour(
            x=mu.astype(np.float32),
            y=log_var.astype(np.float32),
            z=values.astype(np.float32),
            autocontour=False,
            contours={"start": level, "end": level, "size": 1, "coloring": "none", "showlabels": True,
                      "labelfont": {"size": 11, "color": "#ffffff"}, "labelformat": "~g"},
            line={"color": "rgba(255,255,255,.7)", "width": 1},
            hoverinfo="skip",
            showscale=False,
        )  # fmt: skip
    for (x, y), symbol, colour, size in (((0, 0), "x", "#ffffff", 9), (at[:2], "circle", CURSOR, 13)):
        marker = {"symbol": symbol, "size": size, "color": colour, "line": {"color": "#ffffff", "width": 1.5}}
        figure.add_scatter(x=[x], y=[y], mode="markers", hoverinfo="skip", marker=marker)
    figure.update_layout(layout(height, margin=TIGHT | {"t": 8}))
    figure.update_xaxes(**axis("μ", range=[mu[0], mu[-1]], showgrid=False))
    figure.update_yaxes(**axis("log σ²", range=[log_var[0], log_var[-1]], showgrid=False))
    return figure


def densities(drawn: Densities, mu: float, kl: float, integrand: bool, height: int) -> go.Figure:
    """q and p over z; with the integrand, q log(q / p), whose area (below zero counted off) is the KL."""
    figure = go.Figure()
    if integrand:
        figure.add_scatter(
            x=drawn.z, y=drawn.integrand, mode="lines", fill="tozeroy", name="q log(q / p)",
            line={"color": CODE, "width": 1, "dash": "dot"}, fillcolor="rgba(27,138,122,.18)",
            hovertemplate="z = %{x:.2f}: %{y:.3f}",
        )  # fmt: skip
    for name, values, line in (
        ("p(z) = N(0, 1)", drawn.p, {"color": Ink.REFERENCE, "width": 2.5, "dash": "dash"}),
        ("q(z|x) = N(μ, σ²)", drawn.q, {"color": CODE, "width": 2.5}),
    ):
        figure.add_scatter(
            x=drawn.z, y=values, mode="lines", name=name, line=line, hovertemplate="z = %{x:.2f}: %{y:.3f}"
        )
    legend = {"x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"}
    if mu < 0:  # keep it off the peak
        legend |= {"x": 0.99, "xanchor": "right"}
    figure.update_layout(layout(height, showlegend=True, legend=legend, margin=TIGHT | {"t": 8}))
    low = min(0.0, float(drawn.integrand.min())) if integrand else 0.0
    high = max(drawn.q.max(), drawn.p.max(), drawn.integrand.max() if integrand else 0)
    if integrand:
        _text(figure, 0.99, 0.02, f"shaded area = {kl:.3f} nats", xref="paper", yref="paper", xanchor="right", yanchor="bottom")  # fmt: skip
    figure.update_xaxes(**axis("z", range=[drawn.z[0], drawn.z[-1]]))
    figure.update_yaxes(**axis("density", range=[1.05 * low - 0.02 * high, 1.35 * high]))
    return figure


def convergence(found: Estimate, height: int) -> go.Figure:
    """The mean over the first n samples with a band of two standard errors, and the closed form as a line."""
    n, error = found.samples, 2 * found.errors
    figure = go.Figure()
    figure.add_scatter(
        x=np.concatenate([n, n[::-1]]),
        y=np.concatenate([found.values + error, (found.values - error)[::-1]]),
        mode="lines", fill="toself", fillcolor="rgba(27,138,122,.2)", line={"width": 0}, hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=n, y=found.values, mode="lines+markers" if len(n) < 3 else "lines", line={"color": CODE, "width": 2},
        customdata=found.errors, hovertemplate="%{x:,} samples: %{y:.4f} ± %{customdata:.4f}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(y=found.exact, line={"color": Ink.REFERENCE, "width": 1.5, "dash": "dash"})
    _text(figure, 0.995, found.exact, f"closed form {found.exact:.4f}", xref="paper", xanchor="right", yanchor="bottom")
    figure.update_layout(
        layout(
            height,
            margin=TIGHT,
            title=_title("Mean over the first n samples, ± 2 standard errors"),
        )
    )
    figure.update_xaxes(**axis("samples n", type="log", dtick=1, range=[0.97, max(2.0, np.log10(n[-1])) + 0.03]))
    span = max(float(np.abs(found.values - found.exact).max() + error.max()), 0.05)
    figure.update_yaxes(**axis("nats", range=[found.exact - span, found.exact + span]))
    return figure


# ---- What breaks, and what weighs ----------------------------------------------------------------------------------


def variance_paths(direct: Descent, logged: Descent, best: float, height: int = 300) -> go.Figure:
    """The variance after each step, in steps of the variance and, on a scale of its own, in steps of its log."""
    titles = ("steps in σ²", "steps in log σ²")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.1)
    for column, (path, colour) in enumerate(((direct, CURSOR), (logged, CODE)), 1):
        figure.add_scatter(
            x=np.arange(len(path.variance)), y=path.variance, mode="lines+markers", line={"color": colour, "width": 2},
            marker={"size": 4}, hovertemplate="step %{x}: σ² = %{y:.4f}<extra></extra>", row=1, col=column,
        )  # fmt: skip
    figure.add_hline(y=best, line={"color": Ink.REFERENCE, "width": 1.5, "dash": "dot"})
    if direct.broke_at is not None:
        x, y = direct.broke_at, float(direct.variance[-1])
        figure.add_scatter(
            x=[x], y=[y], mode="markers+text", hoverinfo="skip", marker={"symbol": "x", "size": 13, "color": CURSOR},
            text=[f" σ² = {y:.3g}, log σ² = nan"], textposition="middle right", row=1, col=1,
        )  # fmt: skip
        figure.add_hline(y=0, line={"color": Ink.TEXT, "width": 1}, row=1, col=1)
    figure.update_layout(layout(height, margin=TIGHT | {"t": 30}))
    figure.update_annotations(font={"size": 13, "color": Ink.TEXT})
    figure.update_xaxes(**axis("step"))
    figure.update_xaxes(range=[-0.4, max(10, len(direct.variance))], col=1)
    figure.update_yaxes(**axis("", tickformat="~g"))
    figure.update_yaxes(title={"text": "variance σ²", "standoff": 4, "font": {"size": 12}}, col=1)
    return figure


def weighing(rows: Sequence[Weighing], height: int = 190) -> go.Figure:
    """Shares of the two terms in the objective, one bar for each way of reducing."""
    figure = go.Figure()
    names = [row.name for row in rows]
    for term, label in (("reconstruction", "reconstruction"), ("kl", "β · KL")):
        values = np.array([getattr(row, term) for row in rows])
        figure.add_bar(
            y=names,
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
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"}
    figure.update_layout(
        layout(height, barmode="stack", showlegend=True, legend=legend, margin={"l": 140, "r": 12, "t": 26, "b": 36})
    )
    figure.update_xaxes(**axis("share of the objective (%)", range=[0, 100]))
    figure.update_yaxes(**axis("", autorange="reversed", showgrid=False))
    return figure
