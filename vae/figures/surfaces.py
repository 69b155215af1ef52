"""Losses over true pixel and prediction: surfaces, maps and cross-sections, several losses side by side.

What is infinite or far above the rest is drawn at a stated height (see cut_off) and marked: never a hole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout

if TYPE_CHECKING:
    from vae.surfaces import Surface

INFINITE = "#e0115f"  # marks what is infinite: no loss has this colour
ON_TOP = "#1b1f24"  # lines and points on a surface, which is light on every page
TRUE_PIXEL = "true pixel x"
SECOND_AXES = {"p": "prediction p", "d": "difference d = p − x"}
NARROW_HEIGHT = 310  # of each panel, where they stand one below the other
SIGNED = ("slope", "logit_slope", "asymmetry")  # views coloured from a neutral 0 to both sides
EYE = {"x": -1.2, "y": -1.3, "z": 1.3}

Cut = tuple[float, float]  # the lowest and highest value that is drawn as it is


@dataclass(frozen=True, eq=False)
class Panel:
    """One loss. profile: the same view at the cursor's x alone; here: its value at the cursor; trail: along a descent.

    x and p of the surface may be two-dimensional, as values are, where its outline is no square.
    """

    name: str
    colour: str
    surface: Surface
    profile: Surface
    here: float
    trail: Surface | None = None


# ---- What is cut off ---------------------------------------------------------------------------------------------


def cut_off(values: np.ndarray) -> Cut:
    """Between which values a surface is drawn as it is: all finite ones, unless a few are so far out that the rest
    would look flat. Those beyond, and infinite ones, are drawn at the limit."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    (low, usual_low, usual_high, high) = np.quantile(finite, (0, 0.1, 0.9, 1))
    spread = usual_high - usual_low
    below, above = low < usual_low - 4 * spread, high > usual_high + 4 * spread
    low, high = -_round_up(-usual_low) if below else low, _round_up(usual_high) if above else high
    if below and above:
        low, high = -max(-low, high), max(-low, high)
    if not (np.isneginf(values).any() or low < 0):
        low = min(low, 0.0) if low < 0.5 * high else low
    if high - low < 1e-9:  # flat, but for rounding
        return float(low) - 0.5, float(low) + 0.5
    return float(low), float(high)


def _round_up(value: float) -> float:
    """To two digits, away from 0 for positive values."""
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 1.0
    return math.ceil(round(value / unit, 9)) * unit


def _round_step(value: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * (1 - 1e-9))


def cuts(panels: Sequence[Panel], same_scale: bool) -> list[Cut]:
    """What each panel is cut off at; with same_scale one pair for all."""
    each = [cut_off(panel.surface.values) for panel in panels]
    if not same_scale or not each:
        return each
    return [(min(low for low, _ in each), max(high for _, high in each))] * len(each)


def section_cut(panels: Sequence[Panel]) -> Cut:
    """What a cross-section of all the losses is cut off at."""
    each = [cut_off(panel.profile.values) for panel in panels]
    return min(low for low, _ in each), max(high for _, high in each)


def said_of(name: str, s: Surface, cut: Cut) -> str:
    """One sentence on what is not drawn at its height, or ""."""
    low, high = cut
    parts = []
    for sign, limit, infinity in ((1, high, "+∞"), (-1, low, "−∞")):
        infinite = s.values == sign * np.inf
        if infinite.any():
            parts.append(f"{infinity} {_places(infinite, s)} (marked, drawn at {_short(limit)})")
    finite = s.values[np.isfinite(s.values)]
    if len(finite) and (finite.max() > high or finite.min() < low):
        parts.append(f"what lies beyond {_short(low)} to {_short(high)} is drawn flat")
    return f"{name}: {'; '.join(parts)}." if parts else ""


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _places(mask: np.ndarray, s: Surface) -> str:
    """Where a mask over the grid is True, as a student would write it."""
    rows, second = np.nonzero(mask)[0], s.view.second_axis
    x, p = _at(s, mask)
    if second == "d":
        return "where x + d or x − d is 0 or 1"  # a loss that is infinite elsewhere has no difference there
    if len(rows) == len(s.x) and np.array_equal(p, x):
        return "where p = x"
    if len(set(rows)) <= 2:
        return " and ".join(f"at {second} = {s.p[row]:g}{_span(s.x, mask[row])}" for row in sorted(set(rows)))
    return f"at {mask.sum()} of the {mask.size:,} points drawn"


def _at(s: Surface, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and the second axis where a mask over the surface is True."""
    x, p = (s.x, s.p) if s.x.ndim == 2 else np.meshgrid(s.x, s.p)
    return x[mask].astype(np.float32), p[mask].astype(np.float32)


def _span(x: np.ndarray, mask: np.ndarray) -> str:
    if mask.all():
        return ""
    if mask[1:].all() and not mask[0]:
        return f" for x > {x[0]:g}"
    if mask[:-1].all() and not mask[-1]:
        return f" for x < {x[-1]:g}"
    if mask.sum() == 1:
        return f", x = {x[mask][0]:g}"
    return f" for x from {x[mask].min():g} to {x[mask].max():g}"


def number(value: float) -> str:
    """.5004, -12.41, 2.5e+03, ∞, or "none" where there is no value."""
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    text = f"{value:.4f}" if 1e-3 <= size < 100 or size < 1e-12 else f"{value:.4g}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


# ---- 3-D ---------------------------------------------------------------------------------------------------------


def surfaces(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[go.Figure, dict]:
    """The losses as surfaces with the cursor on them, and the changes to the layout for a narrow window.

    second: the cursor on the second axis, which is d = p - x in the view "asymmetry".
    """
    traces, scenes = [], {}
    for i, (panel, cut) in enumerate(zip(panels, cuts(panels, same_scale))):
        scene = _name("scene", i)
        traces += [_sheet(panel, cut, scene), _infinite_3d(panel, cut, scene)]
        traces += _on_sheet(panel, cut, x, second, scene)
        scenes[scene] = _scene(panel, cut, near=0.92 if len(panels) > 2 else 1.12)
    placed = _joined(scenes, _arranged(panels, 2, height, "scene"))
    figure = go.Figure(traces, layout(margin={"l": 0, "r": 0, "t": 0, "b": 0}, **placed))
    return figure, _arranged(panels, 1, NARROW_HEIGHT * len(panels), "scene")


def _sheet(panel: Panel, cut: Cut, scene: str) -> go.Surface:
    s = panel.surface
    lines = {"show": True, "start": 0.0, "end": 1.0, "size": 0.1, "color": "rgba(0,0,0,.28)", "width": 1}
    along_p = lines | ({"start": -0.5} if s.view.second_axis == "d" else {})
    return go.Surface(
        x=s.x.astype(np.float32),
        y=s.p.astype(np.float32),
        z=np.clip(s.values, *cut).astype(np.float32),
        hovertext=np.array(_texts(s.values)),
        hoverinfo="x+y+text+name",
        name=panel.name,
        contours={"x": lines | {"highlight": False}, "y": along_p | {"highlight": False}, "z": {"highlight": False}},
        lighting={"ambient": 0.85, "diffuse": 0.35, "specular": 0.02},
        showscale=False,
        scene=scene,
        **_colours(panel, cut),
    )


def _infinite_3d(panel: Panel, cut: Cut, scene: str) -> go.Scatter3d:
    s = panel.surface
    infinite = np.isinf(s.values)
    x, p = _at(s, infinite)
    return go.Scatter3d(
        x=x,
        y=p,
        z=np.clip(s.values[infinite], *cut).astype(np.float32),
        mode="markers",
        marker={"symbol": "circle", "size": 3.5, "color": INFINITE},
        hovertemplate=f"x %{{x:.2f}}, {s.view.second_axis} %{{y:.2f}}: infinite<extra>{panel.name}</extra>",
        scene=scene,
    )


def _on_sheet(panel: Panel, cut: Cut, x: float, second: float, scene: str) -> list[go.Scatter3d]:
    """The profile at the cursor's x, the descent's trail, and the cursor on top."""
    still = {"scene": scene, "hoverinfo": "skip"}
    at_cursor = {"size": 6, "color": ON_TOP, "line": {"color": "#ffffff", "width": 2}}
    z = np.clip([panel.here], *cut) + 0.03 * (cut[1] - cut[0])  # held above the surface, which would cover half of it
    trail = panel.trail
    return [
        _line_3d(panel.profile, cut, mode="lines", line={"color": ON_TOP, "width": 5}, **still),
        go.Scatter3d(x=[], y=[], z=[], **still)
        if trail is None
        else _line_3d(
            trail,
            cut,
            mode="markers",
            marker={"size": 3.2, "color": "#ffffff", "line": {"color": ON_TOP, "width": 1}},
            **still,
        ),
        go.Scatter3d(x=[x], y=[second], z=z, mode="markers", marker=at_cursor, **still),
    ]


def _line_3d(along: Surface, cut: Cut, **style) -> go.Scatter3d:
    """A view along the second axis at one x, lifted a little so that the surface does not swallow it."""
    z = np.clip(along.values[:, 0], *cut) + 0.004 * (cut[1] - cut[0])
    x = np.full(len(along.p), along.x[0], np.float32)
    return go.Scatter3d(x=x, y=along.p.astype(np.float32), z=z.astype(np.float32), **style)


def _scene(panel: Panel, cut: Cut, near: float) -> dict:
    second = panel.surface.view.second_axis
    room = 0.02 * (cut[1] - cut[0])
    plain = {"gridcolor": Ink.GRID, "showbackground": False, "zeroline": False, "showspikes": False}
    small = plain | {"tickfont": {"size": 10}, "nticks": 5}

    def titled(text: str, **more) -> dict:
        return small | {"title": {"text": text, "font": {"size": 11}}} | more

    return {
        "xaxis": titled(TRUE_PIXEL, range=[0, 1]),
        "yaxis": titled(SECOND_AXES[second], range=[-0.5, 0.5] if second == "d" else [0, 1]),
        "zaxis": titled("", range=[cut[0] - room, cut[1] + room]),
        "aspectmode": "manual",
        "aspectratio": {"x": 1, "y": 1, "z": 0.72},
        "camera": {"eye": {k: near * v for k, v in EYE.items()}, "center": {"x": 0, "y": 0, "z": -0.14}},
    }


# ---- Maps --------------------------------------------------------------------------------------------------------


def maps(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[go.Figure, dict]:
    """The losses as heat maps with contours and the cursor; and the layout for a narrow window, as surfaces() does."""
    traces, axes = [], {}
    for i, (panel, cut) in enumerate(zip(panels, cuts(panels, same_scale))):
        x_axis, y_axis = _name("x", i), _name("y", i)
        for trace in (*map_traces(panel, cut), *_trail_2d(panel), _cross(x, second)):
            trace.xaxis, trace.yaxis = x_axis, y_axis
            traces.append(trace)
        second_axis = panel.surface.view.second_axis
        low, high = (-0.5, 0.5) if second_axis == "d" else (0, 1)
        axes[_name("xaxis", i)] = axis(TRUE_PIXEL, range=[-0.015, 1.015], anchor=y_axis, showgrid=False)
        axes[_name("yaxis", i)] = axis(
            SECOND_AXES[second_axis], range=[low - 0.015, high + 0.015], anchor=x_axis, showgrid=False
        )
    placed = _joined(axes, _arranged(panels, 2, height, "axis"))
    figure = go.Figure(traces, layout(hovermode="closest", margin={"l": 44, "r": 8, "t": 4, "b": 50}, **placed))
    return figure, _arranged(panels, 1, NARROW_HEIGHT * len(panels), "axis")


def map_traces(panel: Panel, cut: Cut) -> list:
    """One loss as a heat map with labelled contours, and marks where it is infinite."""
    s = panel.surface
    infinite_x, infinite_p = _at(s, np.isinf(s.values))
    hover = f"x %{{x:.2f}}, {s.view.second_axis} %{{y:.2f}}: "
    shades, reach = _colours(panel, cut), cut[1] - cut[0]
    step = _round_step(reach / 9)
    levels = {"start": math.ceil(cut[0] / step) * step, "end": math.floor(cut[1] / step) * step, "size": step}
    # Finite values keep their height where they exceed the colours: along a plateau contours would be ragged.
    z = np.where(np.isinf(s.values), np.clip(s.values, *cut), np.clip(s.values, cut[0] - 5 * reach, cut[1] + 5 * reach))
    return [
        go.Contour(
            x=s.x.astype(np.float32),
            y=s.p.astype(np.float32),
            z=z.round(12).astype(np.float32),  # contours of rounding errors would be noise
            zmin=shades.pop("cmin"),
            zmax=shades.pop("cmax"),
            text=_texts(s.values),
            hovertemplate=hover + f"%{{text}}<extra>{panel.name}</extra>",
            contours=levels | {"coloring": "heatmap", "showlabels": True, "labelfont": {"size": 10, "color": ON_TOP}},
            line={"color": "rgba(0,0,0,.35)", "width": 0.7},
            autocontour=False,
            showscale=False,
            **shades,
        ),
        go.Scatter(
            x=infinite_x,
            y=infinite_p,
            mode="markers",
            marker={"symbol": "x", "size": 5, "color": INFINITE},
            hovertemplate=hover + f"infinite<extra>{panel.name}</extra>",
            cliponaxis=False,
        ),
    ]


def _trail_2d(panel: Panel) -> list[go.Scatter]:
    trail = panel.trail
    x, p = ([], []) if trail is None else (np.full(len(trail.p), trail.x[0], np.float32), trail.p.astype(np.float32))
    marker = {"size": 5, "color": "#ffffff", "line": {"color": ON_TOP, "width": 1}}
    return [go.Scatter(x=x, y=p, mode="markers", marker=marker, hoverinfo="skip", cliponaxis=False)]


def _cross(x: float, second: float) -> go.Scatter:
    marker = {"size": 11, "color": ON_TOP, "line": {"color": "#ffffff", "width": 2}}
    return go.Scatter(x=[x], y=[second], mode="markers", marker=marker, hoverinfo="skip", cliponaxis=False)


# ---- Cross-section -----------------------------------------------------------------------------------------------


def sections(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[go.Figure, dict]:
    """All losses in one plot over the prediction, at the cursor's x; on one scale whatever same_scale says."""
    low, high = section_cut(panels)
    view = panels[0].surface.view
    truth = x if view.second_axis == "p" else 0
    left, right = (-0.5, 0.5) if view.second_axis == "d" else (0, 1)
    room = 0.04 * (high - low)
    upright = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    dotted, plain = ({"color": Ink.REFERENCE, "dash": dash, "width": 1.5} for dash in ("dot", "solid"))
    said = {"text": f"truth: p = x = {x:g}", "x": truth, "y": 1, "yref": "paper", "yanchor": "bottom"}
    drawn = layout(
        height,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": -0.14, "font": {"size": 12}},
        hovermode="closest",
        xaxis=axis(SECOND_AXES[view.second_axis], range=[left - 0.01, right + 0.01]),
        yaxis=axis(view.label, range=[low - room, high + room]),
        shapes=[upright | {"x0": at, "x1": at, "line": line} for at, line in ((truth, dotted), (second, plain))],
        annotations=[said | {"showarrow": False, "font": {"size": 11}}],
    )
    curves = [trace for panel in panels for trace in _curve(panel, (low, high), second)]
    return go.Figure(curves, drawn), {"height": 380}


def _curve(panel: Panel, cut: Cut, second: float) -> list[go.Scatter]:
    s = panel.profile
    values = s.values[:, 0]
    infinite = np.isinf(values)
    shared = {"legendgroup": panel.name, "cliponaxis": False}
    return [
        *_outline(panel, s.p, np.clip(values, *cut)),
        go.Scatter(
            x=s.p.astype(np.float32),
            y=np.clip(values, *cut).astype(np.float32),
            text=_texts(values[:, None]),
            mode="lines",
            name=panel.name,
            line={"color": panel.colour, "width": 3},
            hovertemplate=f"{s.view.second_axis} %{{x:.3f}}: %{{text}}<extra>{panel.name}</extra>",
            **shared,
        ),
        go.Scatter(
            x=s.p[infinite].astype(np.float32),
            y=np.clip(values[infinite], *cut).astype(np.float32),
            mode="markers",
            showlegend=False,
            marker={"symbol": "x", "size": 10, "color": INFINITE},
            hovertemplate=f"{s.view.second_axis} %{{x:.3f}}: infinite<extra>{panel.name}</extra>",
            **shared,
        ),
        go.Scatter(
            x=[second],
            y=np.clip([panel.here], *cut),
            mode="markers",
            showlegend=False,
            marker={"size": 12, "color": panel.colour, "line": {"color": ON_TOP, "width": 2}},
            hovertemplate=f"{number(panel.here)}<extra>{panel.name}</extra>",
            **shared,
        ),
    ]


def _outline(panel: Panel, x: np.ndarray, y: np.ndarray) -> list[go.Scatter]:
    """A dark edge for the one colour that a light page would swallow."""
    if panel.colour != LOSS_COLOURS["formula"]:
        return []
    line = {"color": ON_TOP, "width": 5}
    return [go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip", cliponaxis=False)]


# ---- Shared ------------------------------------------------------------------------------------------------------


def _name(kind: str, index: int) -> str:
    """Plotly's name of the index-th scene or axis: scene, scene2, scene3."""
    return kind if index == 0 else f"{kind}{index + 1}"


def _texts(values: np.ndarray) -> list:
    """The values as hover text, infinite ones as words; rows of rows, or one row for a single column."""
    words = [["infinite" if math.isinf(v) else f"{v:.4g}" for v in row] for row in values.tolist()]
    return [row[0] for row in words] if values.shape[1] == 1 else words


def _colours(panel: Panel, cut: Cut) -> dict:
    """From a light tint to the loss's own colour; in signed views a neutral 0 with dark grey below it."""
    strong = _mixed(panel.colour, 0.06)
    if panel.surface.view.key not in SIGNED:
        return {"colorscale": [[0, _mixed(panel.colour, 0.9)], [1, strong]], "cmin": cut[0], "cmax": cut[1]}
    reach = max(abs(cut[0]), abs(cut[1])) or 1.0
    return {"colorscale": [[0, "#8d949e"], [0.5, "#f7f7f7"], [1, strong]], "cmin": -reach, "cmax": reach}


def _mixed(colour: str, white: float) -> str:
    """The colour with a share of white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in parts)


def swatch(colour: str) -> str:
    return f'<span style="color:{colour}">■</span>'


def _joined(parts: dict, changes: dict) -> dict:
    """Axes or scenes with their places, and whatever else the changes hold."""
    return {name: parts.get(name, {}) | value if isinstance(value, dict) else value for name, value in changes.items()}


def _arranged(panels: Sequence[Panel], columns: int, height: int, kind: str) -> dict:
    """Where the panels and their titles stand, row by row; a change to the layout. kind: "scene" or "axis"."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    title, gap_x, gap_y = (26 / height, 0.1, 56 / height) if kind == "axis" else (0, 0.01, 0.01)
    wide, high = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    changes: dict = {"height": height, "annotations": []}
    for i, panel in enumerate(panels):
        left, top = (i % columns) * (wide + gap_x), 1 - (i // columns) * (high + gap_y)
        x, y = [left, left + wide], [max(0.0, top - high), top - title]
        if kind == "scene":
            changes[_name("scene", i)] = {"domain": {"x": x, "y": y}}
        else:
            changes[_name("xaxis", i)], changes[_name("yaxis", i)] = {"domain": x}, {"domain": y}
        text = f"{swatch(panel.colour)} <b>{panel.name}</b>  {number(panel.here)}"
        note = {"text": text, "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left"}
        changes["annotations"].append(note | {"yanchor": "top", "showarrow": False, "font": {"size": 14}})
    return changes
