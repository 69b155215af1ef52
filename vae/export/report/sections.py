"""The sections of a report, each from its runs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch

from vae.errors import VaeError
from vae.export.report.markup import Html, download, escaped, join, link, picture, table, tag
from vae.export.report.run import ReportRun, Table
from vae.export.script import LECTURE, LECTURE_CODE, script_of
from vae.figures.mosaics import strip
from vae.losses.kl_terms import KLTerm
from vae.losses.record import Loss
from vae.training.config import TrainConfig


def settings(runs: Sequence[ReportRun]) -> Html:
    """Every setting of every run; the rows in which they differ come first and are marked."""
    rows = {f.name: [_setting(run.config, f.name) for run in runs] for f in fields(TrainConfig)}
    rows["threads"] = [str(run.threads) for run in runs]
    rows["steps taken"] = [f"{run.steps:,} of {run.config.total_steps:,}" for run in runs]
    if any(run.forks for run in runs):
        rows["before"] = [_before(run) for run in runs]
    differing = [name for name, values in rows.items() if len(set(values)) > 1]
    order = sorted(rows, key=lambda name: name not in differing)
    marked = [((f"≠ {name}", *rows[name]), "differs") if name in differing else ((name, *rows[name]), None)
              for name in order if any(rows[name])]  # fmt: skip
    told = "≠ marks what differs; with equal seeds, first weights, batches and noise are the same."
    return join(([tag("p", told, class_="quiet")] if len(runs) > 1 else []) + [table(_names(runs), marked)])


def _setting(config: TrainConfig, name: str) -> str:
    value = getattr(config, name)
    if name == "parameters":
        value = config.loss_parameters()
    elif name == "kl_parameters":
        value = config.kl_settings()
    if isinstance(value, dict):
        return ", ".join(f"{key} = {number:g}" for key, number in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _before(run: ReportRun) -> str:
    """What was different before each of its forks."""
    later = [config for _, config in run.forks[1:]] + [run.config]
    told = []
    for (step, old), new in zip(run.forks, later):
        names = [f.name for f in fields(TrainConfig) if getattr(old, f.name) != getattr(new, f.name)]
        told.append(f"up to step {step:,}: " + ", ".join(f"{name} {_setting(old, name) or 'none'}" for name in names))
    return "; ".join(told)


def _names(runs: Sequence[ReportRun]) -> list[str]:
    return ["", *(run.name for run in runs)]


def pictures(runs: Sequence[ReportRun]) -> Html | None:
    """The last observation of each run: test images, their reconstructions, samples of the prior."""
    seen = [(run, run.observations[-1]) for run in runs if run.observations]
    if not seen:
        return None
    shown, blocks = None, []
    for run, last in seen:
        rows = [] if shown is not None and np.array_equal(shown, last.inputs) else [("test images x", last.inputs)]
        shown = last.inputs
        rows += [
            (f"reconstructions, decoded from μ: {last.reconstruction:.1f} nats per image (held out)", last.reconstructions),
            ("samples: z drawn from N(0, I)", last.samples),
        ]  # fmt: skip
        strips = [
            tag("figure", picture(strip(images), label), tag("figcaption", label)) for label, images in rows if len(images)
        ]  # fmt: skip
        blocks.append(tag("div", tag("h3", f"{run.name}, after step {last.step:,}"), *strips, class_="pictures"))
    return join(blocks)


def evaluations(runs: Sequence[ReportRun]) -> Html | None:
    """Figures of the whole test set, and the two measures that all losses share, on the last held-out images."""
    known = [run for run in runs if run.evaluation is not None]
    found = [run.evaluation for run in runs if run.evaluation is not None]
    if not known:
        return None
    rows = {
        "−ELBO ↓, nats per image": [_figure(e.negative_elbo) for e in found],
        "reconstruction ↓, nats per image": [_figure(e.reconstruction) for e in found],
        "KL, nats per image": [_figure(e.kl) for e in found],
        "σ of the training set": [_figure(e.sigma, 4) for e in found],
        "images": [escaped(f"{e.images:,}") for e in found],
        "squared error ↓, per image, held out": [_last(run, "squared_error", 2) for run in known],
        "sharpness, model / data, held out": [_last(run, "sharpness", 3) for run in known],
    }
    kept = [((name, *cells), None) for name, cells in rows.items() if any(cell != _figure(None) for cell in cells)]
    told = "One sample of z per image; −ELBO is at β = 1 whatever β the training used."
    return join((tag("p", told, class_="quiet"), table(_names(known), kept)))


def _last(run: ReportRun, name: str, decimals: int) -> Html:
    return _figure(getattr(run.observations[-1], name) if run.observations else None, decimals)


def _figure(value: float | None, decimals: int = 2) -> Html:
    """A cell; the number in full shows under the pointer."""
    return tag("td", "–") if value is None else tag("td", f"{value:,.{decimals}f}", title=repr(float(value)))


def given_table(given: Table) -> Html:
    rows = [
        ((row[0], *(_given(cell, (i, j) in given.best) for j, cell in enumerate(row[1:], 1))), None)
        for i, row in enumerate(given.rows)
    ]
    note = [tag("p", given.note, class_="quiet")] if given.note else []
    return join([*note, table(given.headers, rows)])


def _given(cell: str | int | float | None, best: bool) -> Html:
    number = isinstance(cell, float)
    text = "–" if cell is None else f"{cell:.4g}" if number else f"{cell:,}" if isinstance(cell, int) else cell
    mark = [Html(" "), tag("b", "best")] if best else []
    return tag("td", text, *mark, title=repr(cell) if number else None, class_="best" if best else None)


def scripts(runs: Sequence[ReportRun]) -> Html:
    """For each run its script, folded, and a link that saves it."""
    return join(_script(i, run) for i, run in enumerate(runs, 1))


def _script(number: int, run: ReportRun) -> Html:
    try:
        text = script_of(run.config_at(0), run.forks[0][0] if run.forks else None, run.threads)
    except VaeError as reason:
        return tag("details", tag("summary", run.name), tag("p", reason))
    note = f" It repeats the run up to step {run.forks[0][0]:,}, where its settings were changed." if run.forks else ""
    save = download("Save it", f"train-{number}.py", text, "text/x-python")
    intro = tag(
        "p", "It needs torch, numpy and its data set, nothing else, and prints the run's curve.", note, " ", save
    )
    return tag("details", tag("summary", run.name), intro, tag("pre", text))


def sources(runs: Sequence[ReportRun]) -> Html:
    """Where each loss and KL term comes from."""
    found: dict[tuple[str, str], Loss | KLTerm] = {}
    for record in [r for run in runs for r in (run.config.loss_record(), run.config.kl_record())]:
        found.setdefault((record.name, record.source), record)
    rows = [tag("li", f"{r.name}: {r.meaning} ", link(r.source, r.url)) for r in found.values()]
    lecture = tag("li", f"{LECTURE}. ", link("its code", LECTURE_CODE.partition(",")[0]))
    return tag("ul", *rows, lecture)


def versions(runs: Sequence[ReportRun]) -> str:
    """What it was made with; results are bit-identical at equal versions, machine and thread count."""
    import vae

    seeds = ", ".join(sorted({str(run.config.seed) for run in runs}, key=int))
    threads = ", ".join(sorted({str(run.threads) for run in runs}, key=int))
    return (
        f"VAE Loss Lab {vae.__version__}, torch {torch.__version__}, numpy {np.__version__}, "
        f"Python {platform.python_version()} · seed {seeds} · torch threads {threads}"
    )
