"""How the losses of a race stand under one ruler: a dot a seed, a bar for their mean."""

from __future__ import annotations

import html

from vae.figures.plot import Figure, figure, trace
from vae.figures.theme import LOSS_COLOURS, axis, layout
from vae.study.advice import Advice, name_of


def standings(advice: Advice) -> Figure:
    """Best first, from the top down."""
    shown, want = advice.standings[::-1], advice.want
    traces = []
    for row, one in enumerate(shown):
        seeds, colour = sorted(one.values), LOSS_COLOURS[one.loss]
        values = [one.values[seed] for seed in seeds]
        dots = {"size": 9, "color": colour, "opacity": 0.75}
        traces.append(
            trace(
                "scatter", x=values, y=[row] * len(values), mode="markers", marker=dots, name=name_of(one.loss),
                text=[f"seed {seed}" for seed in seeds],
                hovertemplate=f"%{{x:.{want.decimals + 1}f}}, %{{text}}<extra></extra>",
            )
        )  # fmt: skip
        mean = {"symbol": "line-ns", "size": 20, "line": {"width": 2.5, "color": colour}}
        traces.append(
            trace(
                "scatter", x=[one.mean], y=[row], mode="markers", marker=mean, name=f"{name_of(one.loss)}, mean",
                hovertemplate=f"mean %{{x:.{want.decimals + 1}f}}<extra></extra>",
            )
        )  # fmt: skip
    names = axis(tickvals=[*range(len(shown))], ticktext=[name_of(one.loss) for one in shown])
    names |= {"range": [-0.6, len(shown) - 0.4], "fixedrange": True, "automargin": True}
    margin = {"l": 10, "r": 14, "t": 6, "b": 40}
    return figure(
        traces, layout(46 + 32 * len(shown), xaxis=axis(f"{want.name}, {want.unit}"), yaxis=names, margin=margin)
    )


def rulers_table(rows: list[tuple[str, str, list[str]]], losses: list[str], taken: str) -> str:
    """All rulers side by side, as an HTML table; the column of the loss that is taken is set off."""

    def cell(tag: str, text: str, loss: str) -> str:
        mark = " class='taken'" if loss == taken else ""
        return f"<{tag}{mark}>{text}</{tag}>"

    head = "".join(cell("th", html.escape(name_of(loss)), loss) for loss in losses)
    body = "".join(
        f"<tr><th scope='row'>{html.escape(name)} <small>{html.escape(unit)}</small></th>"
        + "".join(cell("td", value, loss) for value, loss in zip(values, losses))
        + "</tr>"
        for name, unit, values in rows
    )
    return f"<table class='vae-rulers'><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"
