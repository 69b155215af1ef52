"""The dial drawn: one number on the scales of weight, sigma and beta, with the places that have a name.

The y axis counts pixels from the bottom of the plot, so that rows and labels keep their distances at any height.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae.figures.plot import Figure, Layout, Part, Trace, figure, trace
from vae.figures.theme import LOSS_COLOURS, Ink, heading, layout
from vae.training.beta_dial import HIGH, LOW, SCALES, Scale, Tick

WIDE, NARROW = 560, 340  # the least widths in pixels that labels are set apart for
CHARACTER = 6.4  # pixels, of a label's font
PITCH, LABEL = 30, 15  # pixels from row to row of scales, and from level to level of labels
LEVELS = 6  # of labels, at most
ASIDE = {"center": 0, "left": 3, "right": -3}  # pixels from a label to its line
MARKS = {
    "weight": (1000, 100, 10, 1, 0.1, 0.01, 0.001),
    "sigma": (0.03, 0.1, 0.3, 1, 3, 10),
    "beta": (0.001, 0.01, 0.1, 1, 10, 100, 1000),
}
OPTIMUM = LOSS_COLOURS["gaussian_optimal"]


@dataclass(frozen=True)
class Place:
    """Where a run stands."""

    label: str
    colour: str
    effective_beta: float


@dataclass(frozen=True)
class _Label:
    text: str
    x: float  # an effective beta
    colour: str


def dial(
    places: Sequence[Place], best: float | None, ticks: Sequence[Tick], rows: Sequence[str] = tuple(SCALES)
) -> tuple[Figure, Layout]:
    """The dial, and the layout for a narrow window. best: the live optimum's effective beta, if there is one.

    rows: which of SCALES apply. A click on a scale, a mark or a named place carries its effective beta as customdata.
    """
    shown = [SCALES[key] for key in rows]
    base = PITCH * len(shown) + 8
    labels = [_Label(place.label, place.effective_beta, place.colour) for place in places]
    if best is not None:
        labels.append(_Label("optimum now", best, OPTIMUM))
    labels += [_Label(tick.name, tick.effective_beta, Ink.REFERENCE) for tick in ticks]
    traces = [_rail(scale, _height(i, shown)) for i, scale in enumerate(shown)]
    traces += [_marks(scale, _height(i, shown)) for i, scale in enumerate(shown)]
    traces += [_named(ticks, base)] if ticks else []
    traces += [_standing(place, shown) for place in places] + ([_optimum(best, shown)] if best is not None else [])
    wide, narrow = (_layout(labels, shown, base, width) for width in (WIDE, NARROW))
    drawn = layout(0, hovermode="closest", title=heading(_heading(places, best))) | wide
    return figure(traces, drawn), narrow


def _height(row: int, shown: Sequence[Scale]) -> float:
    """Of a scale's line, in pixels above the bottom; its numbers stand below it."""
    return PITCH * (len(shown) - 1 - row) + 22


# ---- What is drawn and clicked -----------------------------------------------------------------------------------


def _rail(scale: Scale, y: float) -> Trace:
    """A line to click on: a point every twentieth of a decade."""
    x = [float(f"{b:.3g}") for b in np.geomspace(LOW, HIGH, 121)]
    return trace(
        "scatter",
        x=x,
        y=[y] * len(x),
        mode="lines+markers",
        line={"color": Ink.REFERENCE, "width": 1},
        marker={"size": 10, "color": Ink.REFERENCE, "opacity": 0},
        customdata=x,
        text=[_three(b) for b in x],
        hovertemplate="%{text}<extra></extra>",
        name=scale.name,
    )


def _marks(scale: Scale, y: float) -> Trace:
    x = [scale.back(value) for value in MARKS[scale.key]]
    return trace(
        "scatter",
        x=x,
        y=[y] * len(x),
        mode="markers",
        marker={"size": 7, "symbol": "line-ns-open", "color": Ink.REFERENCE, "line": {"width": 1.5}},
        customdata=x,
        text=[_three(b) for b in x],
        hovertemplate="%{text}<extra></extra>",
        name=scale.name,
    )


def _named(ticks: Sequence[Tick], y: float) -> Trace:
    x = [tick.effective_beta for tick in ticks]
    return trace(
        "scatter",
        x=x,
        y=[y] * len(x),
        mode="markers",
        marker={"size": 9, "symbol": "triangle-down", "color": Ink.REFERENCE},
        customdata=x,
        text=[f"<b>{tick.name}</b>: {tick.meaning}<br>{_three(tick.effective_beta)}" for tick in ticks],
        hovertemplate="%{text}<extra></extra>",
        name="dialects",
    )


def _standing(place: Place, shown: Sequence[Scale]) -> Trace:
    marker = {"size": 13, "color": place.colour, "line": {"color": "#ffffff", "width": 2}}
    return _column(place.effective_beta, f"{place.label}, {_three(place.effective_beta)}", marker, shown)


def _optimum(best: float, shown: Sequence[Scale]) -> Trace:
    text = f"optimum now: σ² as large as the residual<br>{_three(best)}"
    return _column(best, text, {"size": 11, "symbol": "diamond-open", "color": OPTIMUM, "line": {"width": 2}}, shown)


def _column(x: float, text: str, marker: Part, shown: Sequence[Scale]) -> Trace:
    """The same place on every scale."""
    y = [_height(i, shown) for i in range(len(shown))]
    x = _within(x)
    return trace(
        "scatter",
        x=[x] * len(y),
        y=y,
        mode="markers",
        marker=marker,
        customdata=[x] * len(y),
        text=[text] * len(y),
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )


# ---- What is written ---------------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return f"{value:.3g}" if 1e-3 <= value < 1e4 else f"{value:.0e}"


def _three(effective_beta: float) -> str:
    if effective_beta <= 0:
        return "β = 0: no KL at all"
    return ", ".join(f"{s.name.split()[-1]} = {_number(s.of(effective_beta))}" for s in SCALES.values())


def _heading(places: Sequence[Place], best: float | None) -> str:
    if len(places) != 1:
        return ""
    return _three(places[0].effective_beta) + (f"; optimum now: β = {_number(best)}" if best else "")


def _layout(labels: Sequence[_Label], shown: Sequence[Scale], base: float, width: float) -> Layout:
    """Everything that depends on the width: how high labels are set, and so how high the figure is."""
    wide = width >= WIDE
    margin = {"l": 62 if wide else 22, "r": 12, "t": 24, "b": 2}
    per_decade = (width - margin["l"] - margin["r"]) / math.log10(HIGH / LOW)
    spots = _spots(labels, per_decade)
    plot = base + 8 + LABEL * (max((spot.level for spot in spots), default=0) + 1)
    notes, lines = [], []
    for label, spot in zip(labels, spots):
        x, y = math.log10(_within(label.x)), base + 6 + LABEL * spot.level
        notes.append(_note(label.text, x, y, xanchor=spot.anchor, xshift=ASIDE[spot.anchor], yanchor="bottom"))
        bottom = base if label.colour == Ink.REFERENCE else _height(0, shown)
        lines.append({"type": "line", "x0": 10**x, "x1": 10**x, "y0": bottom, "y1": y + (12 if ASIDE[spot.anchor] else 1), "layer": "below",
                      "line": {"color": label.colour, "width": 1 if label.colour == Ink.REFERENCE else 2}})  # fmt: skip
    for row, scale in enumerate(shown):
        y = _height(row, shown)
        name = scale.name if wide else scale.name.split()[-1]
        notes.append(_note(name, 0, y, xref="paper", xanchor="right", yanchor="middle", xshift=-8))
        notes += [_note(f"{v:g}", math.log10(scale.back(v)), y - 6, yanchor="top", size=11) for v in MARKS[scale.key]]
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True}
    return {
        "height": plot + margin["t"] + margin["b"],
        "margin": margin,
        "xaxis": plain | {"type": "log", "range": [math.log10(LOW) - 0.06, math.log10(HIGH) + 0.06]},
        "yaxis": plain | {"range": [0, plot]},
        "annotations": notes,
        "shapes": lines,
    }


def _note(text: str, x: float, y: float, size: int = 12, **changes: Any) -> Part:
    return {
        "text": text,
        "x": x,
        "y": y,
        "showarrow": False,
        "borderpad": 0,
        "font": {"size": size, "color": Ink.TEXT},
    } | changes


@dataclass(frozen=True)
class _Spot:
    """Where a label is set, in pixels from the dial's middle: its ends, the line that leads to it, and its level."""

    left: float
    right: float
    line: float
    level: int
    anchor: str

    def spoils(self, other: _Spot) -> float:
        """What is wrong with both of them: much where the texts overlap, little where a line runs through a text."""
        if self.level == other.level:
            return 9.0 * (self.left < other.right + 6 and other.left < self.right + 6)
        upper, lower = (self, other) if self.level > other.level else (other, self)
        return float(lower.left + 1 < upper.line < lower.right - 1)


def _spots(labels: Sequence[_Label], per_decade: float) -> list[_Spot]:
    """The best place for each label: over, before or behind its line, as low as it goes without a clash.

    Each label is set in turn, then moved again now that the others stand.
    """
    placed: dict[int, _Spot] = {}
    for i, label in [*enumerate(labels)] * 3:
        others = [spot for j, spot in placed.items() if j != i]
        placed[i] = min(_choices(label, per_decade), key=lambda spot: _cost(spot, others, per_decade))
    return [placed[i] for i in range(len(labels))]


def _choices(label: _Label, per_decade: float) -> list[_Spot]:
    line = math.log10(_within(label.x)) * per_decade
    length = CHARACTER * len(label.text) + 4
    return [
        _Spot(line - share * length, line + (1 - share) * length, line, level, anchor)
        for level in range(LEVELS)
        for anchor, share in (("center", 0.5), ("left", 0.0), ("right", 1.0))
    ]


def _cost(spot: _Spot, others: Sequence[_Spot], per_decade: float) -> float:
    beyond = max(-spot.left, spot.right) > 3 * per_decade + 10  # the ends of the dial, and a little of the margin
    return sum(spot.spoils(other) for other in others) + 9 * beyond + 0.1 * spot.level


def _within(effective_beta: float) -> float:
    return min(max(effective_beta, LOW), HIGH)
