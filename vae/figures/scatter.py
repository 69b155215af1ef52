"""Images as points in a plane: codes on a map, or an embedding of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.figures.apart import apart
from vae.figures.plot import Figure, Part, Trace, figure, trace
from vae.figures.theme import Ink, axis, class_colours, heading, layout

MOST_NAMES = 12  # classes whose names are written into the plot; more would hide it
NAME_HEIGHT, NAME_WIDTH, NAME_LETTER = 23, 5, 10  # pixels that a name takes: of its frame, and of each of its letters
NARROWEST = 330  # pixels of a map on a phone


@dataclass(frozen=True, eq=False)
class Colouring:
    """What the colour of a point says. values (n,): class numbers where classes names them, else a quantity in `unit`.

    ends: words for the lowest and the highest value that the colours span, of a quantity that has such.
    """

    name: str
    values: np.ndarray
    classes: Sequence[str] = ()
    unit: str = ""
    ends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A point of its own, on top: a chosen image, a drawing."""

    x: float
    y: float
    text: str
    symbol: str = "circle-open"
    colour: str = "#111111"


def scattered(
    points: np.ndarray,
    colouring: Colouring | None,
    title: str = "",
    *,
    index: np.ndarray | None = None,
    marks: Sequence[Mark] = (),
    lasso: int | None = None,
    axes: tuple[str, str] = ("", ""),
    prior: bool = False,
    height: int = 470,
) -> Figure:
    """points (n, 2), of images `index` (n,), by default 0 to n - 1: trace 0, with the index of each as its customdata.

    lasso: a drag selects instead of moving the map, and another number takes an old selection away.
    prior: with the circle that holds 95 % of N(0, I). One unit is as long up as across.
    """
    traces = [
        trace(
            "scattergl",
            x=points[:, 0].astype(np.float32),
            y=points[:, 1].astype(np.float32),
            mode="markers",
            marker={"size": 6, "opacity": 0.85, "line": {"width": 0}} | _shades(colouring),
            customdata=(np.arange(len(points)) if index is None else index).tolist(),
            text=_said(colouring),
            hovertemplate="%{text}<extra></extra>",
        ),
        *(_on_top(mark) for mark in marks),
    ]
    reach = np.abs(points).max(initial=1.0)
    radius = float(np.sqrt(-2 * np.log(0.05)))
    circle = {"type": "circle", "x0": -radius, "x1": radius, "y0": -radius, "y1": radius, "layer": "below"}
    hidden: Part = {} if any(axes) else {"showticklabels": False, "showgrid": False}
    drawn = layout(
        height,
        title=heading(title),
        hovermode="closest",
        dragmode="pan" if lasso is None else "lasso",
        selectionrevision=lasso or 0,
        margin={"l": 40 if any(axes) else 6, "r": 6, "t": 28, "b": 36 if any(axes) else 6},
        annotations=_names(points, colouring, min(height, NARROWEST) / _span(points, reach if prior else None)),
        shapes=[circle | {"line": {"color": Ink.REFERENCE, "dash": "dot"}}] if prior else [],
        xaxis=axis(axes[0], **hidden) | ({"range": [-1.04 * reach, 1.04 * reach]} if prior else {}),
        yaxis=axis(axes[1], scaleanchor="x", **hidden),
    )
    return figure(traces, drawn)


def _shades(colouring: Colouring | None) -> Part:
    if colouring is None:
        return {"color": Ink.REFERENCE}
    if colouring.classes:
        shades = np.array(class_colours(len(colouring.classes)))
        return {"color": shades[colouring.values]}
    bar = {"thickness": 10, "len": 0.6, "title": {"text": colouring.unit, "side": "right"}}
    if colouring.ends:
        low, high = float(colouring.values.min(initial=np.inf)), float(colouring.values.max(initial=-np.inf))
        bar |= {"tickvals": [low, high], "ticktext": [colouring.ends[0], colouring.ends[-1]]}
    return {
        "color": colouring.values.astype(np.float32),
        "colorscale": "Viridis",
        "showscale": True,
        "colorbar": bar,
    }


def _said(colouring: Colouring | None) -> list[str] | str:
    if colouring is None:
        return ""
    if colouring.classes:
        names = [str(name) for name in colouring.classes]
        return [names[i] for i in colouring.values]
    return [f"{colouring.name} {value:.2f}" for value in colouring.values]


def _span(points: np.ndarray, reach: float | None) -> float:
    """How much of the plane the map shows, the longer way."""
    if reach is not None:
        return 2.08 * reach
    return float(np.ptp(points, axis=0).max()) or 1.0 if len(points) else 1.0


def _names(points: np.ndarray, colouring: Colouring | None, pixels: float) -> list[Part]:
    """The name of each class, where the middle of its points is, or beside it where another name is; pixels: of a unit."""
    if colouring is None or not 0 < len(colouring.classes) <= MOST_NAMES:
        return []
    there = [i for i in range(len(colouring.classes)) if (colouring.values == i).any()]
    if not there:
        return []
    shades = class_colours(len(colouring.classes))
    middles = np.array([np.median(points[colouring.values == i], axis=0) for i in there])
    sizes = np.array([(NAME_WIDTH + NAME_LETTER * len(str(colouring.classes[i])), NAME_HEIGHT) for i in there]) / pixels
    return [
        {"x": float(x), "y": float(y), "text": f"<b>{colouring.classes[i]}</b>", "showarrow": False, "font": {"size": 16},
         "bordercolor": shades[i], "borderwidth": 2, "borderpad": 1, "bgcolor": "rgba(128,128,128,.35)"}
        for i, (x, y) in zip(there, apart(middles, sizes))
    ]  # fmt: skip


def _on_top(mark: Mark) -> Trace:
    return trace(
        "scattergl",
        x=[mark.x],
        y=[mark.y],
        mode="markers",
        marker={"symbol": mark.symbol, "size": 16, "color": mark.colour, "line": {"width": 3, "color": mark.colour}},
        hovertemplate=f"{mark.text}<extra></extra>",
    )
