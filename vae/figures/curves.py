"""The curves of a run: reconstruction, KL and objective over the steps, with the lines that say what a value is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.figures.beside import beside, on
from vae.figures.plot import Figure, Trace, across, figure, trace, upright
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
) -> Figure:
    """lines: (key, label, nats per image), drawn on the reconstruction; marker: the step that is looked at."""
    titles = (PANELS[0], PANELS[1], objective)
    y_axes = [axis("nats per image" if column == 0 else "") | _range(column, runs, lines) for column in range(3)]
    y_axes[0]["title"]["standoff"] = 4
    drawn = layout(
        height, hovermode="x unified", **beside(titles, [axis("step", rangemode="tozero")] * 3, y_axes, gap=0.06)
    )
    drawn["shapes"] = [across(value, _reference(key)) for key, _, value in lines]
    if marker is not None:
        drawn["shapes"] += [upright(marker, {"color": Ink.TEXT, "width": 1}, plot) for plot in range(3)]
    drawn["annotations"] += [_label(f"{label} {value:.1f}", value) for _, label, value in lines]
    return figure([on(column, t) for run in runs for column in range(3) for t in _curves(run, column)], drawn)


def _reference(key: str) -> dict:
    return {"color": Ink.REFERENCE, "width": 1.2, "dash": DASHES.get(key, "dash")}


def _label(text: str, y: float) -> dict:
    """What a line across the reconstruction stands for, at its right end."""
    return {"text": text, "x": 1, "xref": "x domain", "xanchor": "right", "y": y, "yref": "y", "yanchor": "bottom",
            "yshift": -2, "showarrow": False, "font": {"size": 12, "color": Ink.TEXT}}  # fmt: skip


def _curves(run: CurveSet, column: int) -> list[Trace]:
    """A run in one panel: in training, and where it was taken on held-out images."""
    steps, means = binned(run.training[column])
    training = trace(
        "scatter",
        x=steps,
        y=means,
        mode="lines",
        name=f"{run.name}, training",
        opacity=0.55,
        line={"color": run.colour, "width": 1.5},
        hovertemplate="%{y:.2f}",
    )
    held_steps, values = run.held_out
    if values[column] is None:
        return [training]
    held_out = trace(
        "scatter",
        x=held_steps,
        y=values[column].astype(np.float32),
        mode="lines+markers",
        name=f"{run.name}, held out",
        line={"color": run.colour, "width": 2.5},
        marker={"size": 4},
        hovertemplate="%{y:.2f}",
    )
    return [training, held_out]


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


def _range(column: int, runs: Sequence[CurveSet], lines) -> dict:
    """A range that shows where a curve is going: the first steps, many times higher, are cut off; double click shows all."""
    values = [run.training[column] for run in runs]
    values += [run.held_out[1][column] for run in runs if run.held_out[1][column] is not None]
    values = np.concatenate(values) if values else np.zeros(0)
    values = values[np.isfinite(values)]
    references = [value for _, _, value in lines] if column == 0 else []
    if not len(values) and not references:
        return {}
    low = min([*references, values.min()] if len(values) else references)
    early = np.concatenate([run.training[column][:4] for run in runs]) if runs else values
    high = max([*references, np.quantile(values, 0.97 if len(values) > 60 else 1)] if len(values) else references)
    high = max(high, float(np.nanmax(early))) if len(values) <= 60 and len(early) else high
    room = max(high - low, 0.02 * abs(high), 0.02)
    return {"range": [min(0, low) if column == 1 else low - 0.06 * room, high + 0.1 * room]}
