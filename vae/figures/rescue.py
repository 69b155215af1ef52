"""The continuous Bernoulli rescue in a figure: the mean is not the parameter, and what reading it right is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.figures.beside import beside, on, stacked
from vae.figures.plot import Figure, Layout, Trace, figure, trace
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout


@dataclass(frozen=True)
class Bar:
    """An ELBO under the continuous Bernoulli, nats per image, higher is better."""

    name: str
    colour: str
    elbo: float
    faint: bool = False


def rescue(parameter: np.ndarray, mean: np.ndarray, bars: Sequence[Bar], height: int = 200) -> tuple[Figure, Layout]:
    """parameter, mean: points of the curve, both in (0, 1). The second result is for a narrow window."""
    top = max([bar.elbo for bar in bars], default=1.0)
    low = min([0.0, *(bar.elbo for bar in bars)])
    x_axes = axis("λ, the parameter", range=[0, 1]), axis("nats per image", range=[1.02 * low, 1.22 * max(top, 1)])
    y_axes = axis("mean", range=[0, 1]), axis("", autorange="reversed", showgrid=False)
    titles = ("mean of the continuous Bernoulli", "ELBO, a log density: higher is better")
    plots = beside(titles, x_axes, y_axes, gap=0.2, widths=(1, 2.2), title_size=13)
    drawn = layout(height, margin={"l": 44, "r": 8, "t": 28, "b": 38}, **plots)
    traces = [on(0, t) for t in _curve(parameter, mean)] + [on(1, _bars(bars))]
    narrow = stacked(drawn, 520) | {"margin": {"l": 44, "r": 8, "t": 4, "b": 8}}
    narrow["xaxis2"] = narrow["xaxis2"] | {"domain": [0.3, 1]}
    return figure(traces, drawn), narrow


def _curve(parameter: np.ndarray, mean: np.ndarray) -> list[Trace]:
    same = trace(
        "scatter", x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip", line={"color": Ink.REFERENCE, "dash": "dot"}
    )
    curve = trace(
        "scatter", x=parameter.astype(np.float32), y=mean.astype(np.float32), mode="lines",
        line={"color": LOSS_COLOURS["continuous_bernoulli"], "width": 2.5},
        hovertemplate="λ = %{x:.3f}: mean %{y:.3f}<extra></extra>",
    )  # fmt: skip
    return [same, curve]


def _bars(bars: Sequence[Bar]) -> Trace:
    return trace(
        "bar", x=[bar.elbo for bar in bars], y=[bar.name for bar in bars], orientation="h",
        marker={"color": [bar.colour for bar in bars], "opacity": [0.5 if bar.faint else 1.0 for bar in bars]},
        text=[f"{bar.elbo:,.0f}".replace("-", "−") for bar in bars], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:,.1f} nats per image<extra></extra>",
    )  # fmt: skip
