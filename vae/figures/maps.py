"""Losses over true pixel and prediction as maps, side by side, with one cursor on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vae.figures.beside import on
from vae.figures.cuts import cuts
from vae.figures.panels import (
    INFINITE,
    NARROW_HEIGHT,
    ON_TOP,
    SECOND_AXES,
    TRUE_PIXEL,
    Cut,
    Panel,
    arranged,
    joined,
    places,
    shades,
    texts,
)
from vae.figures.plot import Figure, Layout, Trace, figure, numbered, trace
from vae.figures.theme import axis, layout

if TYPE_CHECKING:
    from vae.losses.surfaces import Surface


def maps(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[Figure, Layout]:
    """The losses as heat maps with contours and the cursor; and the layout for a narrow window, as surfaces() does."""
    traces, axes = [], {}
    for i, (panel, cut) in enumerate(zip(panels, cuts(panels, same_scale))):
        shown = (*map_traces(panel.surface, panel.name, panel.colour, cut), _trail(panel), _cross(x, second))
        traces += [on(i, trace) for trace in shown]
        second_axis = panel.surface.view.second_axis
        low, high = (-0.5, 0.5) if second_axis == "d" else (0, 1)
        x_axis, y_axis = numbered("x", i), numbered("y", i)
        axes[numbered("xaxis", i)] = axis(TRUE_PIXEL, range=[-0.015, 1.015], anchor=y_axis, showgrid=False)
        axes[numbered("yaxis", i)] = axis(
            SECOND_AXES[second_axis], range=[low - 0.015, high + 0.015], anchor=x_axis, showgrid=False
        )
    placed = joined(axes, arranged(panels, 2, height, "axis"))
    drawn = figure(traces, layout(margin={"l": 52, "r": 8, "t": 4, "b": 50}, **placed))
    return drawn, arranged(panels, 1, NARROW_HEIGHT * len(panels), "axis")


@lru_cache(maxsize=64)  # most of what is drawn stays as it is while the cursor moves
def map_traces(s: Surface, name: str, colour: str, cut: Cut) -> tuple[Trace, Trace]:
    """One loss as a heat map with labelled contours, and marks where it is infinite. Kept: not to be changed."""
    infinite_x, infinite_p = places(s, np.isinf(s.values))
    hover = f"x %{{x:.2f}}, {s.view.second_axis} %{{y:.2f}}: "
    coloured, reach = shades(colour, s.view.key, cut), cut[1] - cut[0]
    step = _round_step(reach / 9)
    levels = {"start": math.ceil(cut[0] / step) * step, "end": math.floor(cut[1] / step) * step, "size": step}
    # Finite values keep their height where they exceed the colours: along a plateau contours would be ragged.
    z = np.where(np.isinf(s.values), np.clip(s.values, *cut), np.clip(s.values, cut[0] - 5 * reach, cut[1] + 5 * reach))
    shaded = trace(
        "contour",
        x=s.x.astype(np.float32),
        y=s.p.astype(np.float32),
        z=z.round(12).astype(np.float32),  # contours of rounding errors would be noise
        zmin=coloured["cmin"],
        zmax=coloured["cmax"],
        colorscale=coloured["colorscale"],
        text=texts(s.values),
        hovertemplate=hover + f"%{{text}}<extra>{name}</extra>",
        contours=levels | {"coloring": "heatmap", "showlabels": True, "labelfont": {"size": 10, "color": ON_TOP}},
        line={"color": "rgba(0,0,0,.35)", "width": 0.7},
        autocontour=False,
        showscale=False,
    )
    marks = trace(
        "scatter",
        x=infinite_x,
        y=infinite_p,
        mode="markers",
        marker={"symbol": "x", "size": 5, "color": INFINITE},
        hovertemplate=hover + f"infinite<extra>{name}</extra>",
        cliponaxis=False,
    )
    return shaded, marks


def _round_step(value: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * (1 - 1e-9))


def _trail(panel: Panel) -> Trace:
    trail = panel.trail
    x, p = ([], []) if trail is None else (np.full(len(trail.p), trail.x[0], np.float32), trail.p.astype(np.float32))
    marker = {"size": 5, "color": "#ffffff", "line": {"color": ON_TOP, "width": 1}}
    return trace("scatter", x=x, y=p, mode="markers", marker=marker, hoverinfo="skip", cliponaxis=False)


def _cross(x: float, second: float) -> Trace:
    marker = {"size": 11, "color": ON_TOP, "line": {"color": "#ffffff", "width": 2}}
    return trace("scatter", x=[x], y=[second], mode="markers", marker=marker, hoverinfo="skip", cliponaxis=False)
