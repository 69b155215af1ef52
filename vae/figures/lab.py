"""What a sweep found: curves with bands over seeds, the plane of rate and distortion, and two groups seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.figures.plot import Figure, Layout, Part, Trace, figure, trace
from vae.figures.theme import Ink, axis, layout

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "triangle-down", "cross")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
NEAR = (0.09, 0.05)  # shares of the plane, across and up, within which two labels would lie on each other
KEY = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def dash(index: int) -> str:
    return DASHES[index % len(DASHES)]


def symbol(index: int) -> str:
    return SYMBOLS[index % len(SYMBOLS)]


# ---- Curves ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class BandLine:
    """A group's curve: mean, and the ends of its interval (NaN where one seed gives none), over steps."""

    name: str
    colour: str
    dash: str
    steps: Sequence[int]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curves(lines: Sequence[BandLine], title: str, height: int = 390) -> Figure:
    """Mean curves with bands. The first points, many times higher, are cut off; a double click shows them."""
    drawn = _keyed(
        height,
        xaxis=axis("step", rangemode="tozero"),
        yaxis=axis(title) | _range([line.mean[len(line.mean) // 4 :] for line in lines]),
    )
    return figure([part for line in lines for part in _band(line)], drawn)


def _keyed(height: int, **axes: object) -> Layout:
    """With a key above."""
    margin = {"l": 52, "r": 8, "t": 46, "b": 38}
    return layout(height, showlegend=True, legend=KEY, margin=margin, hovermode="closest", **axes)


def _band(line: BandLine) -> list[Trace]:
    mean = trace(
        "scatter", x=list(line.steps), y=line.mean, mode="lines", name=line.name,
        line={"color": line.colour, "width": 2, "dash": line.dash},
        hovertemplate=f"{line.name}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
    )  # fmt: skip
    if not np.isfinite(line.low).any():
        return [mean]
    around = trace(
        "scatter", x=[*line.steps, *reversed(line.steps)], y=np.concatenate((line.high, line.low[::-1])), mode="lines",
        fill="toself", fillcolor=_faint(line.colour), line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return [around, mean]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},.18)"


def _range(parts: Sequence[np.ndarray]) -> Part:
    values = np.concatenate(list(parts)) if len(parts) else np.zeros(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return {}
    low, high = float(values.min()), float(values.max())
    room = max(high - low, 0.02 * abs(high), 1e-3)
    return {"range": [low - 0.06 * room, high + 0.1 * room]}


# ---- Rate and distortion -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dot:
    """A finished cell in the plane."""

    rate: float
    distortion: float
    colour: str
    symbol: str
    text: str


@dataclass(frozen=True)
class Frontier:
    """Groups that differ only in beta, in its order: where they lie, and what beta each has."""

    name: str
    colour: str
    dash: str
    rate: Sequence[float]
    distortion: Sequence[float]
    betas: Sequence[float]


@dataclass(frozen=True)
class Trail:
    """How a cell came to where it is."""

    rate: Sequence[float]
    distortion: Sequence[float]
    colour: str
    live: bool
    text: str


def plane(
    dots: Sequence[Dot],
    frontiers: Sequence[Frontier],
    trails: Sequence[Trail] = (),
    edge: tuple[Sequence[float], Sequence[float]] = ((), ()),
    height: int = 390,
) -> Figure:
    """Trace 0 holds the dots, with their index as customdata. edge: the groups that no other beats in both."""
    traces = [_dots(dots), *(_trail(t) for t in trails)]
    if len(edge[0]) > 1:
        traces.append(
            trace(
                "scatter",
                x=list(edge[0]),
                y=list(edge[1]),
                mode="lines",
                name="none is better in both",
                line={"color": Ink.REFERENCE, "width": 1.5, "dash": "dot"},
                hoverinfo="skip",
            )  # fmt: skip
        )
    shown = [np.array([getattr(d, name) for d in dots]) for name in ("rate", "distortion")]
    live = [t for t in trails if t.live and len(t.rate)]
    shown = [np.append(part, [getattr(t, name)[-1] for t in live]) for part, name in zip(shown, ("rate", "distortion"))]
    ranges = [_range([part]) for part in shown]
    spans = [r["range"][1] - r["range"][0] if r else 1.0 for r in ranges]
    traces += [_frontier(line, _labels(frontiers, i, spans)) for i, line in enumerate(frontiers)]
    drawn = _keyed(
        height,
        xaxis=axis("rate: KL, nats per image") | ranges[0],
        yaxis=axis("distortion: squared error, summed over an image") | ranges[1],
    )
    return figure(traces, drawn)


def _dots(dots: Sequence[Dot]) -> Trace:
    return trace(
        "scatter",
        x=[d.rate for d in dots],
        y=[d.distortion for d in dots],
        mode="markers",
        marker={"size": 9, "color": [d.colour for d in dots], "symbol": [d.symbol for d in dots], "opacity": 0.75},
        customdata=list(range(len(dots))),
        text=[d.text for d in dots],
        hovertemplate="%{text}<br>KL %{x:.2f}, squared error %{y:.2f}<extra></extra>",
        showlegend=False,
    )


def _labels(frontiers: Sequence[Frontier], index: int, spans: Sequence[float]) -> list[str]:
    """What beta a frontier has at each of its points; nothing where a frontier before it says something at that place."""
    before = [point for line in frontiers[:index] for point in zip(line.rate, line.distortion)]

    def taken(rate: float, distortion: float) -> bool:
        return any(abs(r - rate) < NEAR[0] * spans[0] and abs(d - distortion) < NEAR[1] * spans[1] for r, d in before)

    line = frontiers[index]
    points = zip(line.betas, line.rate, line.distortion)
    return ["" if taken(rate, distortion) else f"\u2002β = {beta:g}" for beta, rate, distortion in points]


def _frontier(line: Frontier, labels: list[str]) -> Trace:
    return trace(
        "scatter", x=list(line.rate), y=list(line.distortion), mode="lines+text", name=line.name,
        line={"color": line.colour, "width": 2, "dash": line.dash},
        text=labels, textposition="top right", textfont={"size": 11, "color": Ink.TEXT},
        hoverinfo="skip",
    )  # fmt: skip


def _trail(trail: Trail) -> Trace:
    ends = [0] * (len(trail.rate) - 1) + [8 if trail.live else 0]
    return trace(
        "scatter", x=list(trail.rate), y=list(trail.distortion), mode="lines+markers",
        line={"color": trail.colour, "width": 1.6 if trail.live else 1}, opacity=0.9 if trail.live else 0.35,
        marker={"size": ends, "color": trail.colour, "symbol": "circle-open"}, showlegend=False,
        **({"text": trail.text, "hovertemplate": "%{text}<extra></extra>"} if trail.live else {"hoverinfo": "skip"}),
    )  # fmt: skip


# ---- Two groups, seed by seed ------------------------------------------------------------------------------------


def pairs(
    names: tuple[str, str], colours: tuple[str, str], values: Sequence[tuple[int, float, float]], title: str,
    height: int = 330,
) -> Figure:  # fmt: skip
    """values: (seed, first, second). A line joins the two of one seed: parallel lines are a difference that is sure."""
    lines = [
        trace(
            "scatter",
            x=[0, 1],
            y=[first, second],
            mode="lines+markers",
            name=f"seed {seed}",
            line={"color": Ink.REFERENCE, "width": 1},
            marker={"size": 11, "color": list(colours)},
            hovertemplate=f"seed {seed}: %{{y:.4g}}<extra></extra>",
        )  # fmt: skip
        for seed, first, second in values
    ]
    drawn = layout(
        height,
        hovermode="closest",
        margin={"l": 56, "r": 8, "t": 10, "b": 34},
        xaxis=axis(tickvals=[0, 1], ticktext=[f"<b>{name}</b>" for name in names], range=[-0.35, 1.35], showgrid=False),
        yaxis=axis(title),
    )
    return figure(lines, drawn)
