"""Losses as surfaces over true pixel and prediction, side by side, with one cursor on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

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
from vae.figures.plot import Figure, Layout, Part, Trace, figure, numbered, trace
from vae.figures.theme import Ink, layout

if TYPE_CHECKING:
    from vae.losses.surfaces import Surface

EYE = {"x": -1.2, "y": -1.3, "z": 1.3}


def surfaces(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[Figure, Layout]:
    """The losses as surfaces with the cursor on them, and the changes to the layout for a narrow window.

    second: the cursor on the second axis, which is d = p - x in the view "asymmetry".
    """
    traces, scenes = [], {}
    for i, (panel, cut) in enumerate(zip(panels, cuts(panels, same_scale))):
        scene = numbered("scene", i)
        shown = (*_sheet(panel.surface, panel.name, panel.colour, cut), *_on_sheet(panel, cut, x, second))
        traces += [trace | {"scene": scene} for trace in shown]
        scenes[scene] = _scene(panel, cut, near=0.92 if len(panels) > 2 else 1.12)
    placed = joined(scenes, arranged(panels, 2, height, "scene"))
    drawn = figure(traces, layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, **placed))
    return drawn, arranged(panels, 1, NARROW_HEIGHT * len(panels), "scene")


@lru_cache(maxsize=64)  # most of what is drawn stays as it is while the cursor moves
def _sheet(s: Surface, name: str, colour: str, cut: Cut) -> tuple[Trace, Trace]:
    """The surface, and marks where it is infinite."""
    lines = {"show": True, "start": 0.0, "end": 1.0, "size": 0.1, "color": "rgba(0,0,0,.28)", "width": 1}
    along_p = lines | ({"start": -0.5} if s.view.second_axis == "d" else {})
    sheet = trace(
        "surface",
        x=s.x.astype(np.float32),
        y=s.p.astype(np.float32),
        z=np.clip(s.values, *cut).astype(np.float32),
        hovertext=texts(s.values),
        hoverinfo="x+y+text+name",
        name=name,
        contours={"x": lines | {"highlight": False}, "y": along_p | {"highlight": False}, "z": {"highlight": False}},
        lighting={"ambient": 0.85, "diffuse": 0.35, "specular": 0.02},
        showscale=False,
        **shades(colour, s.view.key, cut),
    )
    infinite = np.isinf(s.values)
    x, p = places(s, infinite)
    marks = trace(
        "scatter3d",
        x=x,
        y=p,
        z=np.clip(s.values[infinite], *cut).astype(np.float32),
        mode="markers",
        marker={"symbol": "circle", "size": 3.5, "color": INFINITE},
        hovertemplate=f"x %{{x:.2f}}, {s.view.second_axis} %{{y:.2f}}: infinite<extra>{name}</extra>",
    )
    return sheet, marks


def _on_sheet(panel: Panel, cut: Cut, x: float, second: float) -> list[Trace]:
    """The profile at the cursor's x, the descent's trail, and the cursor on top."""
    at_cursor = {"size": 6, "color": ON_TOP, "line": {"color": "#ffffff", "width": 2}}
    z = np.clip([panel.here], *cut) + 0.03 * (cut[1] - cut[0])  # held above the surface, which would cover half of it
    dots = {"size": 3.2, "color": "#ffffff", "line": {"color": ON_TOP, "width": 1}}
    return [
        _line_3d(panel.profile, cut, mode="lines", line={"color": ON_TOP, "width": 5}),
        _line_3d(panel.trail, cut, mode="markers", marker=dots),
        trace("scatter3d", x=[x], y=[second], z=z, mode="markers", marker=at_cursor, hoverinfo="skip"),
    ]


def _line_3d(along: Surface | None, cut: Cut, **style: Any) -> Trace:
    """A view along the second axis at one x, lifted a little so that the surface does not swallow it."""
    if along is None:
        return trace("scatter3d", x=[], y=[], z=[], hoverinfo="skip")
    z = np.clip(along.values[:, 0], *cut) + 0.004 * (cut[1] - cut[0])
    x, p = np.full(len(along.p), along.x[0], np.float32), along.p.astype(np.float32)
    return trace("scatter3d", x=x, y=p, z=z.astype(np.float32), hoverinfo="skip", **style)


def _scene(panel: Panel, cut: Cut, near: float) -> Part:
    second = panel.surface.view.second_axis
    room = 0.02 * (cut[1] - cut[0])
    small = {"gridcolor": Ink.GRID, "zeroline": False, "showspikes": False, "tickfont": {"size": 10}, "nticks": 5}

    def titled(text: str, **more: Any) -> Part:
        return small | {"title": {"text": text, "font": {"size": 11}}} | more

    return {
        "xaxis": titled(TRUE_PIXEL, range=[0, 1]),
        "yaxis": titled(SECOND_AXES[second], range=[-0.5, 0.5] if second == "d" else [0, 1]),
        "zaxis": titled("", range=[cut[0] - room, cut[1] + room]),
        "aspectmode": "manual",
        "aspectratio": {"x": 1, "y": 1, "z": 0.72},
        "camera": {"eye": {k: near * v for k, v in EYE.items()}, "center": {"x": 0, "y": 0, "z": -0.14}},
    }
