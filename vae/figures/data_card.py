"""The histogram of a data set's pixels."""

from __future__ import annotations

import numpy as np

from vae.figures.plot import Figure, figure, trace
from vae.figures.theme import axis, layout

COLOUR = "#7f8c9a"


def histogram(edges: np.ndarray, shares: np.ndarray) -> Figure:
    """Shares of pixels, (n,), between edges (n + 1,). The heights are logarithmic: most pixels of a digit are black."""
    middles = (edges[:-1] + edges[1:]) / 2
    bars = trace(
        "bar", x=middles, y=np.where(shares > 0, shares, np.nan), width=float(edges[1] - edges[0]), marker={"color": COLOUR},
        hovertemplate="x about %{x:.2f}: %{y:.2%} of pixels<extra></extra>",
    )  # fmt: skip
    ranges = {"type": "log", "tickformat": "~%", "dtick": 1, "range": [-4.2, 0.1]}
    margin = {"l": 52, "r": 8, "t": 8, "b": 38}
    return figure([bars], layout(190, xaxis=axis("pixel x"), yaxis=axis("share") | ranges, margin=margin, bargap=0))
