"""The curves of a report's runs: one figure that the page draws, and the whole curves to save."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from vae.export.report.markup import Html, tag
from vae.export.report.run import ReportRun
from vae.figures.curves import RunCurves, narrow, training_curves
from vae.figures.plot import Figure, encoded
from vae.figures.theme import colour_of
from vae.language import translate_data

Lines = Mapping[str, Sequence[tuple[str, str, float]]]
HEIGHT, LEGEND_ROW = 330, 26  # pixels


def figure_of(runs: Sequence[ReportRun], lines: Lines, language: str) -> Html:
    """The element that page.js draws in: its figure lies inside as JSON, in which no "<" is left."""
    several = len({run.config.loss_record().name for run in runs}) > 1
    kinds = ("reconstruction", *(["squared_error"] if several else []), "kl", "objective")
    drawn = training_curves([_curves(run) for run in runs], kinds, lines, height=HEIGHT)
    _one_entry_a_run(drawn)
    stacked = narrow(drawn)
    stacked["height"] += LEGEND_ROW * len(runs)
    drawn, stacked = translate_data(drawn, language), translate_data(stacked, language)
    data = f'{{"figure":{encoded(drawn)},"narrow":{encoded(stacked)}}}'.replace("<", "\\u003c")
    script = Html(f'<script type="application/json">{data}</script>')
    told = "Curves of reconstruction, KL and objective over the steps"
    return tag("div", script, class_="figure", role="img", aria_label=told, style=f"min-height: {HEIGHT}px")


def _one_entry_a_run(drawn: Figure) -> None:
    """A legend with an entry for each run; a click on it hides the run in every panel."""
    listed = set()
    for curve in reversed(drawn["data"]):  # held out comes after training, and is what is listed where there is any
        run = curve["name"].rpartition(", ")[0]
        curve |= {"legendgroup": run, "showlegend": curve["xaxis"] == "x" and run not in listed}
        listed |= {run} if curve["showlegend"] else set()
    drawn["layout"] |= {"showlegend": True, "legend": {"orientation": "h", "y": -0.2, "font": {"size": 12}}}


def csv_of(run: ReportRun) -> str:
    """Every step's figures in full: nats per image."""
    rows = np.stack((run.reconstruction, run.kl, run.objective), axis=1).tolist()
    lines = [",".join(map(repr, (step, *row))) for step, row in enumerate(rows, 1)]
    return "\n".join(["step,reconstruction,kl,objective", *lines, ""])


def _curves(run: ReportRun) -> RunCurves:
    seen = run.observations
    kinds = ("reconstruction", "kl", "squared_error", "objective")
    held_out = {kind: np.array([getattr(o, kind) for o in seen]) for kind in kinds}
    return RunCurves(
        html.escape(run.name, quote=False),  # Plotly reads a few tags in names
        colour_of(run.config),
        {"reconstruction": run.reconstruction, "kl": run.kl, "objective": run.objective},
        (np.array([o.step for o in seen]), held_out if seen else {}),
        tuple(step for step, _ in run.forks),
    )
