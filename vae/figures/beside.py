"""Plots beside each other in one figure, a title over each; one below the other where the window is narrow."""

from __future__ import annotations

from collections.abc import Sequence

from vae.figures.plot import Layout, Part, Trace, numbered


def on(plot: int, drawn: Trace) -> Trace:
    """The trace, on the plot with that index."""
    return drawn | {"xaxis": numbered("x", plot), "yaxis": numbered("y", plot)}


def beside(
    titles: Sequence[str],
    x_axes: Sequence[Part],
    y_axes: Sequence[Part],
    gap: float,
    widths: Sequence[float] | None = None,
    title_size: int = 12,
) -> Layout:
    """Axes and titles of plots from left to right. gap: between two, of the whole width; widths: relative to each other."""
    widths = widths or [1] * len(titles)
    changes: Layout = {"annotations": []}
    left = 0.0
    for i, (title, width, x_axis, y_axis) in enumerate(zip(titles, widths, x_axes, y_axes, strict=True)):
        right = left + (1 - gap * (len(titles) - 1)) * width / sum(widths)
        changes[numbered("xaxis", i)] = {"domain": [left, right], "anchor": numbered("y", i), **x_axis}
        changes[numbered("yaxis", i)] = {"domain": [0, 1], "anchor": numbered("x", i), **y_axis}
        changes["annotations"].append(_title(title, (left + right) / 2, 1, title_size))
        left = right + gap
    return changes


def stacked(drawn: Layout, height: int, columns: int = 1, below: int = 56) -> Layout:
    """Changes that put the same plots in rows of so many. below: pixels under each, for the numbers of its axis."""
    rows = -(-len(drawn["annotations"]) // columns)
    band, part, gap = 1 / rows, 1 / columns, 0.06 if columns > 1 else 0
    changes: Layout = {"height": height, "annotations": [], "legend": {"y": -0.08}}
    for i, note in enumerate(drawn["annotations"]):
        left, top = (i % columns) * part, 1 - (i // columns) * band
        changes[numbered("xaxis", i)] = {"domain": [left, left + part - gap]}
        changes[numbered("yaxis", i)] = {"domain": [top - band + below / height, top - 24 / height]}
        changes["annotations"].append(note | {"x": left + (part - gap) / 2, "y": top - 22 / height})
    return changes


def _title(text: str, x: float, y: float, size: int) -> Part:
    return {"text": text, "x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom",
            "showarrow": False, "font": {"size": size}}  # fmt: skip
