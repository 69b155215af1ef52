"""Codes in the plane, and how much each latent dimension is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from vae.figures.theme import Ink, axis, class_colours, layout


def codes(points: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], height: int = 270) -> go.Figure:
    """Codes mu (n, 2) of test images, coloured by label; the circle holds 95 % of the prior."""
    figure = go.Figure()
    groups = [("", slice(None))] if labels is None else [(c, labels == i) for i, c in enumerate(classes)]
    for (name, chosen), colour in zip(groups, class_colours(len(groups))):
        figure.add_scatter(
            x=points[chosen, 0],
            y=points[chosen, 1],
            mode="markers",
            name=str(name),
            marker={"size": 5, "color": colour, "opacity": 0.85},
            hovertemplate="%{x:.2f}, %{y:.2f}",
        )
    radius = float(np.sqrt(-2 * np.log(0.05)))
    figure.add_shape(
        type="circle", x0=-radius, x1=radius, y0=-radius, y1=radius, line={"color": Ink.REFERENCE, "dash": "dot"}
    )
    reach = max(radius + 0.4, float(np.quantile(np.abs(points), 0.995)) * 1.05 if len(points) else 0)
    legend = {"font": {"size": 11}, "itemsizing": "constant", "x": 1.0, "y": 0.5, "yanchor": "middle"}
    figure.update_layout(
        layout(height, showlegend=labels is not None, legend=legend, title=_title("Codes μ of test images"))
    )
    figure.update_xaxes(**axis("", range=[-reach, reach]))
    figure.update_yaxes(**axis("", range=[-reach, reach], scaleanchor="x"))
    return figure


def kl_bars(kl_per_dim: Sequence[float], colour: str, height: int = 270) -> go.Figure:
    """KL of each latent dimension, nats per image, largest first: the dimensions that the code uses."""
    order = np.argsort(kl_per_dim)[::-1]
    figure = go.Figure(
        go.Bar(
            x=[str(i) for i in order],
            y=np.asarray(kl_per_dim, dtype=np.float32)[order],
            marker={"color": colour},
            hovertemplate="dimension %{x}: %{y:.3f} nats<extra></extra>",
        )
    )
    figure.update_layout(layout(height, title=_title("KL of each latent dimension")))
    figure.update_xaxes(**axis("latent dimension, by KL", type="category"))
    figure.update_yaxes(**axis("nats per image", rangemode="tozero"))
    return figure


def _title(text: str) -> dict:
    return {"text": text, "font": {"size": 13}, "x": 0.02, "y": 0.99, "yanchor": "top"}
