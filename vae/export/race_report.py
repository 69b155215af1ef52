"""The report of a race: what was set, what was seen, the score matrix, and what may be said, as one file to take home."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from vae.engine import Answer, Engine, Race, Run, View
from vae.export.report import ReportRun, Table, report_of
from vae.study.scoring import GROUPS, Scores, matrix
from vae.study.scoring.table import Row
from vae.study.sweep import QUANTITIES, compare, statement
from vae.training.race import labels, paired

PATIENCE = 60.0  # seconds for all scores; what is not there by then is left out
SAID_OF = ("sharpness", "squared_error", "kl")


def report_of_race(engine: Engine, race: Race, vary: str, language: str) -> bytes:
    """The report as it stands now; waits for the scores of its models."""
    views, configs = race.views(), race.configs
    names = labels(configs, vary)
    runs = [_run(run, name, view) for run, name, view in zip(race.runs, names, views)]
    first = configs[0]
    lines = {"reconstruction": first, "squared_error": replace(first, loss="mse", formula="", parameters=())}
    drawn = {
        kind: [(line.key, line.label, line.value) for line in engine.answers.lines(config).value or ()]
        for kind, config in lines.items()
    }
    tables = _matrix(engine, race.runs, names, views)
    return report_of(
        runs,
        title=_title(race, vary),
        tables=tables,
        verdicts=_verdicts(race, names, views),
        lines=drawn,
        language=language,
    ).encode()


def _title(race: Race, vary: str) -> str:
    first = race.configs[0]
    return f"{first.dataset}: " + " against ".join(labels(race.configs, vary))


def _run(run: Run, name: str, view: View) -> ReportRun:
    return ReportRun(
        name, run.config, view.reconstruction, view.kl, view.objective, view.observations, view.evaluation, run.threads,
        view.forks,
    )  # fmt: skip


def _verdicts(race: Race, names: Sequence[str], views: Sequence[View]) -> list[str]:
    """Every further column against the first, by measures that belong to no loss. One pair each: no interval."""
    if len(views) == 1 or not all(view.observations for view in views):
        return []
    said = [f"The columns have in common: {paired(race.configs)}."]
    common = set.intersection(*({o.step for o in view.observations} for view in views))
    at = max(common)  # step 0 is always among them
    last = [next(o for o in view.observations if o.step == at) for view in views]
    for name, seen in zip(names[1:], last[1:]):
        for key in SAID_OF:
            one = compare({0: getattr(last[0], key)}, {0: getattr(seen, key)})
            said.append(f"After step {at:,}. {statement(one, QUANTITIES[key], names[0], name)}")
    return said


def _matrix(engine: Engine, runs: Sequence[Run], names: Sequence[str], views: Sequence[View]) -> list[Table]:
    """The score matrix, a table for each of its groups."""
    scores = _scores(engine, runs, views)
    if not any(scores):
        return []
    unique = {
        f"{name} ({i})" if names.count(name) > 1 else name: s for i, (name, s) in enumerate(zip(names, scores), 1)
    }
    found = matrix(unique)
    return [
        _table(title, [row for row in found.rows if row.measure.group == group], found.columns)
        for group, title in GROUPS.items()
    ]


def _table(title: str, rows: Sequence[Row], columns: Sequence[str]) -> Table:
    arrows = {"lower": " ↓", "higher": " ↑", "data": " → data"}
    cells = tuple(
        (f"{row.measure.name}{arrows.get(row.measure.better, '')}", row.measure.unit, *(c.value for c in row.cells))
        for row in rows
    )
    best = frozenset((i, j + 2) for i, row in enumerate(rows) for j, cell in enumerate(row.cells) if cell.best)
    return Table(title, ("", "unit", *columns), cells, best)


def _scores(engine: Engine, runs: Sequence[Run], views: Sequence[View]) -> list[Scores | None]:
    until = time.monotonic() + PATIENCE
    states = [(run.id, view.step, run.config, run.state()) for run, view in zip(runs, views)]

    def answers() -> list[Answer[Scores]]:
        return [
            engine.answers.scores((key, step), config, state.weights) for key, step, config, state in states if state
        ]

    while any(answer.pending for answer in answers()) and time.monotonic() < until:
        time.sleep(0.1)
    return [answer.value for answer in answers()]
