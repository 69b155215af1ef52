"""The curves of a run: reconstruction, KL and objective over the steps, with the lines that say what a value is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.figures.theme import Ink, axis, layout

MOST_POINTS = 500
PANELS = ("Reconstruction", "KL", "Objective")
DASHES = {"floor": "dot", "pca": "dashdot", "mean": "dash"}


@dataclass(frozen=True)
class CurveSet:
    """One run's curves. training: one value per step from step 1, for each panel; held_out: (steps, values) likewise."""

    name: str
    colour: str
    training: tuple[np.ndarray, np.ndarray, np.ndarray]
    held_out: tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray | None]]


def training_curves(
    runs: Sequence[CurveSet],
    lines: Sequence[tuple[str, str, float]],
    marker: int | None = None,
    height: int = 215,
    objective: str = "Objective",
) -> go.Figure:
    """lines: (key, label, nats per image), drawn on the reconstruction; marker: the step that is looked at."""
    titles = (PANELS[0], PANELS[1], objective)
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.06)
    for run in runs:
        for column in range(3):
            _add_run(figure, run, column)
    for key, label, value in lines:
        figure.add_hline(
            y=value,
            row=1,
            col=1,
            line={"color": Ink.REFERENCE, "width": 1.2, "dash": DASHES.get(key, "dash")},
            annotation={
                "text": f"{label} {value:.1f}",
                "font": {"size": 11, "color": Ink.TEXT},
                "yanchor": "bottom",
                "yshift": -2,
            },
            annotation_position="top right",
        )
    if marker is not None:
        figure.add_vline(x=marker, line={"color": Ink.TEXT, "width": 1})
    figure.update_layout(layout(height, hovermode="x unified"))
    figure.update_annotations(font_size=12)
    figure.update_xaxes(**axis("step", rangemode="tozero"))
    figure.update_yaxes(**axis(""))
    figure.update_yaxes(title={"text": "nats per image", "standoff": 4, "font": {"size": 12}}, col=1)
    _set_ranges(figure, runs, lines)
    return figure


def _add_run(figure: go.Figure, run: CurveSet, column: int) -> None:
    steps, means = binned(run.training[column])
    figure.add_scatter(
        x=steps,
        y=means,
        mode="lines",
        name=f"{run.name}, training",
        opacity=0.55,
        line={"color": run.colour, "width": 1.5},
        hovertemplate="%{y:.2f}",
        row=1,
        col=column + 1,
    )
    held_steps, values = run.held_out
    if values[column] is not None:
        figure.add_scatter(
            x=held_steps,
            y=values[column].astype(np.float32),
            mode="lines+markers",
            name=f"{run.name}, held out",
            line={"color": run.colour, "width": 2.5},
            marker={"size": 4},
            hovertemplate="%{y:.2f}",
            row=1,
            col=column + 1,
        )


def binned(values: np.ndarray, most: int = MOST_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Means of equal runs of steps, at their last step, so that at most `most` points are drawn: (steps, means)."""
    width = max(1, -(-len(values) // most))
    edges = np.arange(0, len(values), width)
    if not len(edges):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    counts = np.diff(np.append(edges, len(values)))
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.add.reduceat(values, edges) / counts
    return (edges + counts).astype(np.int32), means.astype(np.float32)


def _set_ranges(figure: go.Figure, runs: Sequence[CurveSet], lines) -> None:
    """Ranges that show where a curve is going: the first steps, many times higher, are cut off; double click shows all."""
    for column in range(3):
        values = [run.training[column] for run in runs] + [
            run.held_out[1][column] for run in runs if run.held_out[1][column] is not None
        ]
        values = np.concatenate(values) if values else np.zeros(0)
        values = values[np.isfinite(values)]
        references = [value for _, _, value in lines] if column == 0 else []
        if not len(values) and not references:
            continue
        low = min([*references, values.min()] if len(values) else references)
        early = np.concatenate([run.training[column][:4] for run in runs]) if runs else values
        high = max([*references, np.quantile(values, 0.97 if len(values) > 60 else 1)] if len(values) else references)
        high = max(high, float(np.nanmax(early))) if len(values) <= 60 and len(early) else high
        room = max(high - low, 0.02 * abs(high), 0.02)
        figure.update_yaxes(
            range=[min(0, low) if column == 1 else low - 0.06 * room, high + 0.1 * room], col=column + 1
        )
