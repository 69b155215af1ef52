"""What stands below the surfaces: a pixel's descent, an image on a surface, and SSIM on a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vae.figures.beside import beside, on, stacked
from vae.figures.cuts import cut_off
from vae.figures.maps import map_traces
from vae.figures.panels import INFINITE, ON_TOP, SECOND_AXES, TRUE_PIXEL, Panel, swatch
from vae.figures.plot import Figure, Layout, Part, Trace, across, figure, numbered, trace
from vae.figures.theme import Ink, axis, layout

if TYPE_CHECKING:
    from vae.losses.descent import Descent

LIT = INFINITE  # the pixel looked at, in both pictures and on the map
GREYS = [[0, "#000000"], [1, "#ffffff"]]


@dataclass(frozen=True, eq=False)
class Fall:
    """A descent under one loss, and the loss itself over logits: hill = (logits, values)."""

    name: str
    colour: str
    path: Descent
    hill: tuple[np.ndarray, np.ndarray]


# ---- A pixel descends --------------------------------------------------------------------------------------------

Moving = tuple[list[int], list[list[float]], list[list[float]]]  # (traces, x, y) of what moves


def descents(falls: Sequence[Fall], height: int = 300) -> tuple[Figure, Layout, Moving]:
    """The descents over time and on the loss's hill; the narrow layout; and what moves: (traces, x, y) for each step.

    A descent that ended early (it was no longer finite) stays where it ended.
    """
    last = max((len(fall.path.p) for fall in falls), default=1) - 1
    traces: list[Trace] = []
    moving: Moving = ([], [], [])
    for fall in falls:
        steps = np.arange(len(fall.path.p), dtype=np.float32)
        lines = ((steps, fall.path.p), (steps, fall.path.value), fall.hill)
        balls = (*lines[:2], (fall.path.logit, fall.path.value))
        for column, (line, ball) in enumerate(zip(lines, balls)):
            moving[0].append(len(traces) + 1)
            traces += [on(column, t) for t in _fall(fall, line, named=column == 0)]
            for axis_, values in zip(moving[1:], ball):
                padded = np.append(values, np.full(last + 1 - len(values), values[-1]))
                axis_.append([round(float(v), 6) for v in padded])
    titles = ("prediction p", "loss (nats per pixel)", "the hill: loss over the logit")
    x_axes = [axis(title, rangemode="tozero") for title in ("step", "step", "logit")]
    clear: Part = {"ticklabelstandoff": 8}  # of the balls where they start
    y_axes = [axis(range=[-0.04, 1.04], **clear), axis(**clear), axis(**clear)]
    drawn = layout(
        height,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.2, "font": {"size": 12}},
        margin={"l": 44, "r": 8, "t": 26, "b": 64},
        shapes=[across(f.path.x, {"color": Ink.REFERENCE, "dash": "dot", "width": 1.5}) for f in falls[:1]],
        **beside(titles, x_axes, y_axes, gap=0.07),
    )
    return figure(traces, drawn), stacked(drawn, height=760), moving


def _fall(fall: Fall, line: tuple[np.ndarray, np.ndarray], named: bool) -> tuple[Trace, Trace]:
    """A line, and the ball that moves along it. named: whether the legend names them."""
    x, y = (np.asarray(values, dtype=np.float32) for values in line)
    shared = {"name": fall.name, "legendgroup": fall.name}
    ball = {"size": 12, "color": fall.colour, "line": {"color": Ink.REFERENCE, "width": 2}}  # seen on dark and light
    return (
        trace(
            "scatter", x=x, y=y, mode="lines", line={"color": fall.colour, "width": 2.5}, showlegend=named,
            hovertemplate="%{x:.4g}: %{y:.4g}", **shared,
        ),
        trace(
            "scatter", x=[], y=[], mode="markers", showlegend=False, hoverinfo="skip", cliponaxis=False, marker=ball,
            **shared,
        ),
    )  # fmt: skip


# ---- An image on the surface -------------------------------------------------------------------------------------

POINTS = 2  # traces of the two pictures come first, then the points


def image_on_map(
    panel: Panel, x: np.ndarray, p: np.ndarray, lit: tuple[int, int] | None, height: int = 330
) -> tuple[Figure, Layout]:
    """A picture x and its prediction p, (H, W), and their pixels as points on the map of a loss.

    Traces 0 and 1 are the pictures and trace POINTS the points, in the order of the pixels, row by row. lit: the pixel
    marked in all three.
    """
    titles = ("true image x", "prediction p", f"{swatch(panel.colour)} " + f"its pixels on {panel.name}")
    shades = map_traces(panel.surface, panel.name, panel.colour, cut_off(panel.surface.values))
    traces = [
        on(0, _picture(x, "row %{y}, column %{x}: x = %{z:.3f}<extra></extra>")),
        on(1, _picture(p, "row %{y}, column %{x}: p = %{z:.3f}<extra></extra>")),
        *(on(2, t) for t in (_pixels(x, p), *shades)),
        *([] if lit is None else _lit(lit, (float(x[lit]), float(p[lit])))),
    ]
    plane = {"range": [-0.02, 1.02], "showgrid": False}
    x_axes = [_no_axis(), _no_axis(), axis(TRUE_PIXEL, **plane)]
    y_axes = [_downwards(0), _downwards(1), axis(SECOND_AXES["p"], **plane)]
    plots = beside(titles, x_axes, y_axes, gap=0.05, widths=(0.27, 0.27, 0.46))
    drawn = layout(height, margin={"l": 8, "r": 8, "t": 26, "b": 48}, **plots)
    return figure(traces, drawn), stacked(drawn, height=1080) | {"margin": {"l": 40}}


def _pixels(x: np.ndarray, p: np.ndarray) -> Trace:
    return trace(
        "scatter", x=x.ravel().astype(np.float32), y=p.ravel().astype(np.float32), mode="markers", zorder=2,
        marker={"size": 6, "color": ON_TOP, "opacity": 0.35, "line": {"width": 0}}, cliponaxis=False,
        hovertemplate="x %{x:.3f}, p %{y:.3f}<extra></extra>",
    )  # fmt: skip


def _picture(image: np.ndarray, hover: str, scale: Sequence[object] = GREYS, high: float = 1.0) -> Trace:
    return trace(
        "heatmap", z=image.astype(np.float32), zmin=0, zmax=high, colorscale=scale, showscale=False, hovertemplate=hover
    )


def _lit(pixel: tuple[int, int], point: tuple[float, float]) -> list[Trace]:
    """Marks around a pixel (row, column) of both pictures, and at its point on the map."""
    frame = {"size": 14, "color": "rgba(0,0,0,0)", "symbol": "square", "line": {"color": LIT, "width": 3}}
    mark = {"mode": "markers", "hoverinfo": "skip"}
    around = trace("scatter", x=[pixel[1]], y=[pixel[0]], marker=frame, **mark)
    dot = frame | {"symbol": "circle", "color": LIT}
    at = trace("scatter", x=[point[0]], y=[point[1]], marker=dot, cliponaxis=False, zorder=3, **mark)
    return [on(0, around), on(1, around), on(2, at)]


def _no_axis(**changes: Any) -> Part:
    """An axis of a picture: not seen, and no longer than the picture is."""
    return axis(ticks="", showticklabels=False, showgrid=False, constrain="domain", **changes)


def _downwards(plot: int) -> Part:
    """Rows of a picture from the top, as high as columns are wide."""
    return _no_axis(autorange="reversed", scaleanchor=numbered("x", plot))


# ---- SSIM on a patch ---------------------------------------------------------------------------------------------


def patch(
    x: np.ndarray, p: np.ndarray, losses: Mapping[str, tuple[np.ndarray, str]], height: int = 290
) -> tuple[Figure, Layout]:
    """A picture, its prediction, and for each loss its map: losses[name] = (values (H, W), colour)."""
    titles = ("true image x", "prediction p", *(f"{swatch(colour)} {name}" for name, (_, colour) in losses.items()))
    traces = [on(plot, _picture(image, "%{z:.3f}<extra></extra>")) for plot, image in enumerate((x, p))]
    for plot, (name, (values, colour)) in enumerate(losses.items(), start=2):
        traces += [on(plot, t) for t in _loss_map(name, values, colour)]
    plots = range(len(titles))
    axes = beside(titles, [_no_axis() for _ in plots], [_downwards(plot) for plot in plots], gap=0.02)
    drawn = layout(height, margin={"l": 4, "r": 4, "t": 26, "b": 4}, **axes)
    return figure(traces, drawn), stacked(drawn, height=640, columns=2, below=8)


def _loss_map(name: str, values: np.ndarray, colour: str) -> tuple[Trace, Trace]:
    """A loss's values (H, W) as a picture in its colour, and marks where it is infinite."""
    finite = values[np.isfinite(values)]
    high = max(float(finite.max()) if len(finite) else 1.0, 0.05)
    scale = [[0, "#ffffff"], [1, colour]]
    rows, columns = np.nonzero(np.isinf(values))
    marks = trace(
        "scatter", x=columns, y=rows, mode="markers", marker={"symbol": "x", "size": 4, "color": INFINITE},
        hovertemplate=f"infinite<extra>{name}</extra>",
    )  # fmt: skip
    return _picture(np.clip(values, 0, high), f"%{{z:.3f}}<extra>{name}</extra>", scale, high), marks
