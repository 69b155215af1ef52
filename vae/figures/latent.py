"""Codes in the plane, and how much each latent dimension is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae.figures.plot import Figure, Layout, figure, numbered, trace
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


def kl_bars(kl_per_dim: Sequence[float], colour: str, height: int = 270, most: float | None = None) -> Figure:
    """KL of each latent dimension, nats per image, largest first: the dimensions that the code uses. most: the largest
    of all figures that stand beside each other."""
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
        yaxis=axis("nats per image", rangemode="tozero") | ({} if most is None else {"range": [0, 1.05 * most]}),
    )
    return figure([bars], drawn)


BINS = np.linspace(-4, 4, 41)
NORMAL = np.exp(-(BINS**2) / 2) / np.sqrt(2 * np.pi)


def code_histograms(mu: np.ndarray, dims: Sequence[int], colour: str, columns: int = 4) -> tuple[Figure, Layout]:
    """mu (N, Z) -> a density of codes for each of dims, with N(0, 1) over it; and the layout for a narrow window."""
    traces, layouts = [], {}
    for i, dim in enumerate(dims):
        counts = np.histogram(mu[:, dim], BINS)[0]
        density = (counts / max(counts.sum(), 1) / (BINS[1] - BINS[0])).astype(
            np.float32
        )  # 0 where all codes lie outside
        on = {"xaxis": numbered("x", i), "yaxis": numbered("y", i)}
        traces.append(trace("bar", x=(BINS[:-1] + BINS[1:]) / 2, y=density, width=BINS[1] - BINS[0], name=f"z{dim}",
                            marker={"color": colour}, hovertemplate=f"z{dim} %{{x:.1f}}: %{{y:.2f}}<extra></extra>", **on))  # fmt: skip
        traces.append(trace("scatter", x=BINS, y=NORMAL, mode="lines", line={"color": Ink.REFERENCE, "width": 2},
                            hoverinfo="skip", **on))  # fmt: skip
        layouts[numbered("xaxis", i)] = axis(
            f"z{dim}: mean {mu[:, dim].mean():.2f}, sd {mu[:, dim].std():.2f}", range=[-4, 4]
        )
        layouts[numbered("yaxis", i)] = axis("", showticklabels=False, rangemode="tozero")

    def grid(across: int) -> Layout:
        rows = -(-len(dims) // across)
        return {
            "height": 150 * rows + 40,
            "grid": {"rows": rows, "columns": across, "pattern": "independent", "ygap": 0.5},
        }

    drawn = layout(0, title=heading("Codes μ of test images, and N(0, 1)"), **layouts) | grid(min(columns, len(dims)))
    return figure(traces, drawn), grid(min(2, len(dims)))
