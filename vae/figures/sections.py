"""Losses over the prediction at one true pixel, all in one plot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae.figures.cuts import section_cut
from vae.figures.panels import INFINITE, ON_TOP, SECOND_AXES, Cut, Panel, number, texts
from vae.figures.plot import Figure, Layout, Trace, figure, trace
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout


def sections(
    panels: Sequence[Panel], x: float, second: float, same_scale: bool = False, height: int = 450
) -> tuple[Figure, Layout]:
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
        xaxis=axis(SECOND_AXES[view.second_axis], range=[left - 0.01, right + 0.01]),
        yaxis=axis(view.label, range=[low - room, high + room]),
        shapes=[upright | {"x0": at, "x1": at, "line": line} for at, line in ((truth, dotted), (second, plain))],
        annotations=[said | {"showarrow": False, "font": {"size": 11}}],
    )
    curves = [trace for panel in panels for trace in _curve(panel, (low, high), second)]
    return figure(curves, drawn), {"height": 380}


def _curve(panel: Panel, cut: Cut, second: float) -> list[Trace]:
    s = panel.profile
    values = s.values[:, 0]
    infinite = np.isinf(values)
    shared = {"legendgroup": panel.name, "cliponaxis": False}
    return [
        *_outline(panel, s.p, np.clip(values, *cut)),
        trace(
            "scatter",
            x=s.p.astype(np.float32),
            y=np.clip(values, *cut).astype(np.float32),
            text=texts(values),
            mode="lines",
            name=panel.name,
            line={"color": panel.colour, "width": 3},
            hovertemplate=f"{s.view.second_axis} %{{x:.3f}}: %{{text}}<extra>{panel.name}</extra>",
            **shared,
        ),
        trace(
            "scatter",
            x=s.p[infinite].astype(np.float32),
            y=np.clip(values[infinite], *cut).astype(np.float32),
            mode="markers",
            showlegend=False,
            marker={"symbol": "x", "size": 10, "color": INFINITE},
            hovertemplate=f"{s.view.second_axis} %{{x:.3f}}: infinite<extra>{panel.name}</extra>",
            **shared,
        ),
        trace(
            "scatter",
            x=[second],
            y=np.clip([panel.here], *cut),
            mode="markers",
            showlegend=False,
            marker={"size": 12, "color": panel.colour, "line": {"color": ON_TOP, "width": 2}},
            hovertemplate=f"{number(panel.here)}<extra>{panel.name}</extra>",
            **shared,
        ),
    ]


def _outline(panel: Panel, x: np.ndarray, y: np.ndarray) -> list[Trace]:
    """A dark edge for the one colour that a light page would swallow."""
    if panel.colour != LOSS_COLOURS["formula"]:
        return []
    line = {"color": ON_TOP, "width": 5}
    return [trace("scatter", x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip", cliponaxis=False)]
