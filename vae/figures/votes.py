"""How a class has answered: one bar for each answer, the right one in the colour of what is right."""

from __future__ import annotations

from collections.abc import Mapping

from vae.figures.plot import Figure, figure, trace
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout

RIGHT, OTHER = LOSS_COLOURS["gaussian_optimal"], Ink.REFERENCE


def votes(counts: Mapping[str, int], right: str) -> Figure:
    """counts: answer, as it reads -> votes. right: the answer that is."""
    names = [f"<b>✓ {name}</b>" if name == right else name for name in counts]
    total = sum(counts.values())
    bars = trace(
        "bar", x=list(counts.values()), y=names, orientation="h",
        marker={"color": [RIGHT if name == right else OTHER for name in counts]},
        text=[f"{votes} · {votes / total:.0%}" if votes else "0" for votes in counts.values()],
        textposition="outside", textfont={"size": 16}, cliponaxis=False, hovertemplate="%{y}: %{x}<extra></extra>",
    )  # fmt: skip
    most = max([1, *counts.values()])
    return figure(
        [bars],
        layout(
            60 + 33 * len(counts),
            margin={"l": 10, "r": 10, "t": 6, "b": 40},
            xaxis=axis("votes", range=[0, 1.6 * most], dtick=max(1, round(most / 5)), rangemode="tozero"),
            yaxis=axis("", autorange="reversed", automargin=True, showgrid=False, tickfont={"size": 15}),
        ),
    )
