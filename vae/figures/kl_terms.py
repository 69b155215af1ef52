"""What a KL term does, drawn before it is run: the number that moves over the epochs, and the price of a KL."""

from __future__ import annotations

from collections.abc import Sequence

from vae.figures.beside import beside, on, stacked
from vae.figures.kl import CODE
from vae.figures.plot import Figure, Layout, Trace, figure, trace, upright
from vae.figures.theme import Ink, axis, layout
from vae.losses.kl_terms import Panel

DASHES = ("solid", "dash", "dot")


def kl_term(panels: Sequence[Panel], height: int = 190) -> tuple[Figure, Layout]:
    """The panels of vae.losses.kl_terms.panels() beside each other; and the layout for a narrow window, one below the other."""
    traces = [on(i, line) for i, panel in enumerate(panels) for line in _lines(panel)]
    y_axes = [axis(_folded(panel.y_label), rangemode="tozero") for panel in panels]
    x_axes = [axis(panel.x_label) for panel in panels]
    marked = [
        upright(panel.marked, {"color": Ink.REFERENCE, "dash": "dash", "width": 1.5}, i)
        for i, panel in enumerate(panels)
        if panel.marked is not None and panel.x[0] <= panel.marked <= panel.x[-1]
    ]
    drawn = layout(
        height,
        shapes=marked,
        showlegend=any(len(panel.lines) > 1 for panel in panels),
        legend={
            "x": 0.58,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "font": {"size": 11},
            "bgcolor": "rgba(0,0,0,0)",
        },
        margin={"l": 62, "r": 8, "t": 22, "b": 40},
    ) | beside([panel.title for panel in panels], x_axes, y_axes, gap=0.15)
    return figure(traces, drawn), stacked(drawn, 2 * height + 40)


def _lines(panel: Panel) -> list[Trace]:
    several = len(panel.lines) > 1
    return [
        trace("scatter", x=panel.x, y=y, mode="lines", name=label, showlegend=several,
              line={"color": CODE, "width": 2, "dash": dash},
              hovertemplate=f"{panel.x_label} %{{x:.3g}}: %{{y:.4g}}<extra>{label if several else ''}</extra>")
        for (label, y), dash in zip(panel.lines, DASHES)
    ]  # fmt: skip


def _folded(label: str, most: int = 18) -> str:
    """The label on two lines where it is longer than its plot is high."""
    if len(label) <= most:
        return label
    middle = min((i for i, c in enumerate(label) if c == " "), key=lambda i: abs(i - len(label) / 2))
    return f"{label[:middle]}<br>{label[middle + 1 :]}"
