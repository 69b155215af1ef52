"""The curves of runs side by side over the steps, on shared axes, with the lines that say what a value is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from types import MappingProxyType

import numpy as np

from vae.figures.apart import apart
from vae.figures.beside import beside, on, stacked
from vae.figures.plot import Figure, Layout, Part, Trace, across, figure, numbered, trace, upright
from vae.figures.theme import LOSS_COLOURS, Ink, axis, layout
from vae.training.config import TrainConfig

MOST_POINTS = 500
EARLY, FEW = 0.03, 60  # what was in this share of the steps is cut off, once there are more than a few
LABEL_WIDTH, LABEL_SIZE = 13, 11  # of a reference line's label: characters of a row, pixels of a letter
LEAST_HEIGHT = 110  # pixels of a panel between its axes: on a phone
DASHES = {"floor": "dot", "pca": "dashdot", "mean": "dash"}
RUN_DASHES, RUN_MARKERS = ("solid", "dash", "dot", "dashdot"), ("circle", "square", "diamond", "x")
RUN_MARKS = ("●──", "■─ ─", "◆···", "✕─·─")  # the same in text


@dataclass(frozen=True)
class Kind:
    """What a panel shows: its title and unit."""

    title: str
    unit: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "reconstruction": Kind("Reconstruction ↓", "nats per image"),
        "squared_error": Kind("Squared error of the pictures ↓", "per image"),
        "kl": Kind("KL", "nats per image"),
        "objective": Kind("Objective ↓", "nats per image"),
        "sharpness": Kind("Sharpness, model / data", ""),
    }
)


@dataclass(frozen=True)
class RunCurves:
    """One run's curves, by kind. training: one value per step from step 1; held_out: (steps, values), taken now and then.

    Runs of one colour are told apart by dash and marker, in their order. forks: steps at which the settings changed.
    """

    name: str
    colour: str
    training: Mapping[str, np.ndarray]
    held_out: tuple[np.ndarray, Mapping[str, np.ndarray]]
    forks: tuple[int, ...] = field(default=())


def training_curves(
    runs: Sequence[RunCurves],
    kinds: Sequence[str] = ("reconstruction", "kl", "objective"),
    lines: Mapping[str, Sequence[tuple[str, str, float]]] = MappingProxyType({}),
    marker: int | None = None,
    height: int = 215,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Figure:
    """kinds: the panels, keys of KINDS. lines: by kind, (key, label, value) drawn across; marker: the step looked at."""
    named = [titles.get(kind, KINDS[kind].title) for kind in kinds]
    if unit := KINDS[kinds[0]].unit:  # in the title: beside the axis it would run into long numbers
        named[0] += f", {unit}"
    y_axes = [axis("", **_range(kind, runs, lines.get(kind, ()))) for kind in kinds]
    for y_axis in y_axes:
        y_axis["exponentformat"] = "e"  # a diverging run's numbers stay narrow
    drawn = layout(
        height,
        hovermode="x unified",
        **beside(named, [axis("step", rangemode="tozero")] * len(kinds), y_axes, gap=0.125),
    )
    drawn["margin"] |= {"r": 84}
    drawn["shapes"] = []
    for plot, kind in enumerate(kinds):
        drawn["shapes"] += [across(value, _reference(key), plot) for key, _, value in lines.get(kind, ())]
        drawn["annotations"] += _labels(lines.get(kind, ()), y_axes[plot].get("range"), plot)
        drawn["shapes"] += [upright(step, _reference("pca"), plot) for run in runs for step in run.forks]
        if marker is not None:
            drawn["shapes"].append(upright(marker, {"color": Ink.TEXT, "width": 1}, plot))
    traces = []
    for index, run in enumerate(runs):
        twin = sum(other.colour == run.colour for other in runs[:index])
        traces += [on(plot, t) for plot, kind in enumerate(kinds) for t in _curves(run, kind, twin)]
    return figure(traces, drawn)


def narrow(drawn: Figure) -> Layout:
    """Changes to the layout for a phone: the panels below each other."""
    panels = [note for note in drawn["layout"]["annotations"] if note["xref"] == "paper"]
    changes = stacked({"annotations": panels}, 190 * len(panels))
    return changes | {
        "annotations": changes["annotations"] + [n for n in drawn["layout"]["annotations"] if n["xref"] != "paper"]
    }


def _reference(key: str) -> Part:
    return {"color": Ink.REFERENCE, "width": 1.2, "dash": DASHES.get(key, "dash")}


def _labels(lines: Sequence[tuple[str, str, float]], span: Sequence[float] | None, plot: int) -> list[Part]:
    """What lines across a panel stand for, on its right, where no curve is: each at its line's height, and those that
    would lie on each other moved apart."""
    found = sorted(((value, [*wrap(label, LABEL_WIDTH), f"{value:.4g}"]) for _, label, value in lines), reverse=True)
    scale = LEAST_HEIGHT / (span[1] - span[0]) if span else 0.0
    at = [-scale * value for value, _ in found]  # pixels down
    sizes = [(1.0, LABEL_SIZE * 1.35 * len(rows)) for _, rows in found]  # one below the other: all as wide
    free = apart(np.array([(0.0, y) for y in at]), np.array(sizes))[:, 1] if span and found else at
    return [
        _label("<br>".join(rows), value, plot, place - moved) for (value, rows), place, moved in zip(found, at, free)
    ]


def _label(text: str, y: float, plot: int, up: float) -> Part:
    return {"text": text, "x": 1, "xref": f"{numbered('x', plot)} domain", "xanchor": "left", "xshift": 4, "y": y,
            "yref": numbered("y", plot), "yanchor": "middle", "yshift": round(up, 1), "showarrow": False, "align": "left",
            "font": {"size": LABEL_SIZE, "color": Ink.TEXT}}  # fmt: skip


def _curves(run: RunCurves, kind: str, twin: int) -> list[Trace]:
    """A run in one panel: in training, and where it was taken on held-out images. twin: runs of its colour before it."""
    dash, symbol = RUN_DASHES[twin % len(RUN_DASHES)], RUN_MARKERS[twin % len(RUN_MARKERS)]
    drawn = []
    if kind in run.training:
        steps, means = binned(run.training[kind])
        drawn += _outline(run, steps, means, 2.5)
        drawn.append(trace(
            "scatter", x=steps, y=means, mode="lines", name=f"{run.name}, training", opacity=0.55,
            line={"color": run.colour, "width": 1.5, "dash": dash}, hovertemplate="%{y:.2f}",
        ))  # fmt: skip
    steps, values = run.held_out
    if kind in values:
        drawn += _outline(run, steps, values[kind].astype(np.float32), 4)
        drawn.append(trace(
            "scatter", x=steps, y=values[kind].astype(np.float32), mode="lines+markers", name=f"{run.name}, held out",
            line={"color": run.colour, "width": 2.5, "dash": dash}, marker={"size": 4 + 2 * (twin > 0), "symbol": symbol},
            hovertemplate="%{y:.3g}",
        ))  # fmt: skip
    return drawn


def _outline(run: RunCurves, steps: np.ndarray, values: np.ndarray, width: float) -> list[Trace]:
    """Dark, beneath the yellow of a formula of one's own, which a white page would swallow."""
    if run.colour != LOSS_COLOURS["formula"]:
        return []
    line = {"color": "rgba(60,60,60,.75)", "width": width}
    return [
        trace("scatter", x=steps, y=values, mode="lines", name="outline", meta="outline", hoverinfo="skip", line=line)
    ]


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


def _range(kind: str, runs: Sequence[RunCurves], lines: Sequence[tuple[str, str, float]]) -> Part:
    """A range that shows where a curve is going: the first steps, many times higher, are cut off; double click shows all."""
    curves = [run.training[kind] for run in runs if kind in run.training]
    held = [(run.held_out[0], run.held_out[1][kind]) for run in runs if kind in run.held_out[1]]
    values = _finite([*curves, *(value for _, value in held)])
    references = [value for _, _, value in lines]
    if not len(values) and not references:
        return {"range": [0, 1], "showticklabels": False}  # there is nothing yet that a number could stand for
    if curves:
        settled = np.quantile(values, [1 - EARLY]) if len(values) > FEW else values
    else:  # taken often at first and then now and then: a quantile would be of the first steps
        settled = _finite([value[steps > EARLY * steps[-1]] for steps, value in held if max(steps, default=0) > FEW])
    high = np.concatenate([references, settled if len(settled) else values]).max()
    low = np.concatenate([references, values]).min()
    room = max(high - low, 0.02 * abs(high), 0.02)
    return {"range": [min(0, low) if kind == "kl" else low - 0.06 * room, high + 0.1 * room]}


def _finite(values: Sequence[np.ndarray]) -> np.ndarray:
    together = np.concatenate(values) if values else np.zeros(0)
    return together[np.isfinite(together)]


# ---- What is drawn of trainings side by side ---------------------------------------------------------------------------


def kinds_of(configs: Sequence[TrainConfig]) -> tuple[str, str, str]:
    """The panels that can be compared: the reconstruction term only where all have the same unit, which is their loss."""
    if len(configs) == 1:
        return ("reconstruction", "kl", "objective")
    same = len({(c.loss, c.formula, c.parameters) for c in configs}) == 1
    return ("reconstruction" if same else "squared_error", "kl", "sharpness")


def applies(line: str, configs: Sequence[TrainConfig]) -> bool:
    """Whether a reference line is the same for all of them."""
    return line != "pca" or len({c.latent_dim for c in configs}) == 1


def objective_name(config: TrainConfig) -> str:
    """The title of the curve of what is minimised."""
    if config.kl_term != "constant":
        return f"Objective, {config.kl_record().name}"
    reconstruction = "reconstruction / pixels" if config.reduction == "mean" else "reconstruction"
    weight = "" if config.beta == 1 else f"{config.beta:g} "
    name = f"Objective = {reconstruction} + {weight}KL"
    return name + (" = −ELBO" if config.reduction == "sum" and config.beta == 1 else "")
