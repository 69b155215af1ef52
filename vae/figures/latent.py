"""Codes in the plane, and how much each latent dimension is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae.figures.plot import Figure, figure, trace
from vae.figures.theme import Ink, axis, class_colours, heading, layout


def codes(points: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], height: int = 270) -> Figure:
    """Codes mu (n, 2) of test images, coloured by label; the circle holds 95 % of the prior."""
    groups = [("", slice(None))] if labels is None else [(c, labels == i) for i, c in enumerate(classes)]
    dots = [
        trace(
            "scatter",
            x=points[chosen, 0],
            y=points[chosen, 1],
            mode="markers",
            name=str(name),
            marker={"size": 5, "color": colour, "opacity": 0.85},
            hovertemplate="%{x:.2f}, %{y:.2f}",
        )
        for (name, chosen), colour in zip(groups, class_colours(len(groups)))
    ]
    radius = float(np.sqrt(-2 * np.log(0.05)))
    circle = {"type": "circle", "x0": -radius, "x1": radius, "y0": -radius, "y1": radius}
    reach = max(radius + 0.4, float(np.quantile(np.abs(points), 0.995)) * 1.05 if len(points) else 0)
    drawn = layout(
        height,
        showlegend=labels is not None,
        legend={"font": {"size": 11}, "itemsizing": "constant", "x": 1.0, "y": 0.5, "yanchor": "middle"},
        title=heading("Codes μ of test images"),
        shapes=[circle | {"line": {"color": Ink.REFERENCE, "dash": "dot"}}],
        xaxis=axis("", range=[-reach, reach]),
        yaxis=axis("", range=[-reach, reach], scaleanchor="x"),
    )
    return figure(dots, drawn)


def kl_bars(kl_per_dim: Sequence[float], colour: str, height: int = 270) -> Figure:
    """KL of each latent dimension, nats per image, largest first: the dimensions that the code uses."""
    order = np.argsort(kl_per_dim)[::-1]
    bars = trace(
        "bar",
        x=[str(i) for i in order],
        y=np.asarray(kl_per_dim, dtype=np.float32)[order],
        marker={"color": colour},
        hovertemplate="dimension %{x}: %{y:.3f} nats<extra></extra>",
    )
    drawn = layout(
        height,
        title=heading("KL of each latent dimension"),
        xaxis=axis("latent dimension, by KL", type="category"),
        yaxis=axis("nats per image", rangemode="tozero"),
    )
    return figure([bars], drawn)
