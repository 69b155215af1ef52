"""One loss beside others: what is drawn of it, its colours, its numbers as text, and its place in the figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vae.figures.plot import Layout, Part, numbered

if TYPE_CHECKING:
    from vae.losses.surfaces import Surface

INFINITE = "#e0115f"  # marks what is infinite: no loss has this colour
ON_TOP = "#1b1f24"  # lines and points on a surface, which is light on every page
TRUE_PIXEL = "true pixel x"
SECOND_AXES = {"p": "prediction p", "d": "difference d = p − x"}
NARROW_HEIGHT = 310  # of each panel, where they stand one below the other
SIGNED = ("slope", "logit_slope", "asymmetry")  # views coloured from a neutral 0 to both sides

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


def places(s: Surface, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and the second axis where a mask over the surface is True."""
    x, p = (s.x, s.p) if s.x.ndim == 2 else np.meshgrid(s.x, s.p)
    return x[mask].astype(np.float32), p[mask].astype(np.float32)


# ---- Text --------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """.5004, -12.41, 2.5e+03, ∞, or "none" where there is no value."""
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    text = f"{value:.4f}" if 1e-3 <= size < 100 or size < 1e-12 else f"{value:.4g}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def texts(values: np.ndarray) -> np.ndarray:
    """The values as hover text, infinite ones as words; of the same shape."""
    words = ["infinite" if math.isinf(v) else f"{v:.4g}" for v in values.ravel().tolist()]
    return np.array(words).reshape(values.shape)


def swatch(colour: str) -> str:
    return f'<span style="color:{colour}">■</span>'


# ---- Colours and places ------------------------------------------------------------------------------------------


def shades(colour: str, view: str, cut: Cut) -> Part:
    """From a light tint to the loss's own colour; in signed views a neutral 0 with dark grey below it."""
    strong = _mixed(colour, 0.06)
    if view not in SIGNED:
        return {"colorscale": [[0, _mixed(colour, 0.9)], [1, strong]], "cmin": cut[0], "cmax": cut[1]}
    reach = max(abs(cut[0]), abs(cut[1])) or 1.0
    return {"colorscale": [[0, "#8d949e"], [0.5, "#f7f7f7"], [1, strong]], "cmin": -reach, "cmax": reach}


def _mixed(colour: str, white: float) -> str:
    """The colour with a share of white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in parts)


def joined(parts: Part, changes: Layout) -> Layout:
    """Axes or scenes with their places, and whatever else the changes hold."""
    return {name: parts.get(name, {}) | value if isinstance(value, dict) else value for name, value in changes.items()}


def arranged(panels: Sequence[Panel], columns: int, height: int, kind: str) -> Layout:
    """Where the panels and their titles stand, row by row; a change to the layout. kind: "scene" or "axis"."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    title, gap_x, gap_y = (26 / height, 0.1, 56 / height) if kind == "axis" else (0, 0.01, 0.01)
    wide, high = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    changes: Layout = {"height": height, "annotations": []}
    for i, panel in enumerate(panels):
        left, top = (i % columns) * (wide + gap_x), 1 - (i // columns) * (high + gap_y)
        x, y = [left, left + wide], [max(0.0, top - high), top - title]
        if kind == "scene":
            changes[numbered("scene", i)] = {"domain": {"x": x, "y": y}}
        else:
            changes[numbered("xaxis", i)], changes[numbered("yaxis", i)] = {"domain": x}, {"domain": y}
        text = f"{swatch(panel.colour)} <b>{panel.name}</b>  {number(panel.here)}"
        note = {"text": text, "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left"}
        changes["annotations"].append(note | {"yanchor": "top", "showarrow": False, "font": {"size": 14}})
    return changes
