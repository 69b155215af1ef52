"""Scores side by side: rows are measures, columns are models; the best of each row is marked. Data, not a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from vae.study.scoring.measures import GROUPS, MEASURES, Measure
from vae.study.scoring.scores import Scores


@dataclass(frozen=True)
class Cell:
    """value: None where there is none. error: its standard error over images. best: the best of its row."""

    value: float | None
    error: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One measure. cells: a model each, in the columns' order. references: likewise, never marked."""

    measure: Measure
    cells: tuple[Cell, ...]
    references: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """columns: the models' names. references: those of the columns to read them against."""

    columns: tuple[str, ...]
    references: tuple[str, ...]
    rows: tuple[Row, ...]

    def csv(self) -> str:
        """A line for each measure and column: every value in full, its standard error, and whether it is the best."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("group", "measure", "name", "unit", "better", "column", "value", "standard_error", "best"))
        for row in self.rows:
            m = row.measure
            for column, cell in zip(self.columns + self.references, row.cells + row.references, strict=True):
                number = ["" if n is None else repr(n) for n in (cell.value, cell.error)]
                writer.writerow((m.group, m.key, m.name, m.unit, m.better, column, *number, "yes" if cell.best else ""))
        return file.getvalue()


def matrix(scores: Mapping[str, Scores | None], references: Mapping[str, Scores | None] | None = None) -> Matrix:
    """The scores of models by name, None for those that are not known yet, and of references likewise."""
    others = references or {}
    rows = [
        _row(measure, list(scores.values()), list(others.values()))
        for group in GROUPS
        for measure in MEASURES.values()
        if measure.group == group
    ]
    return Matrix(tuple(scores), tuple(others), tuple(rows))


def _row(measure: Measure, models: list[Scores | None], references: list[Scores | None]) -> Row:
    best = best_of(measure, models)
    return Row(
        measure,
        tuple(_cell(measure, scores, i in best) for i, scores in enumerate(models)),
        tuple(_cell(measure, scores, False) for scores in references),
    )


def _cell(measure: Measure, scores: Scores | None, best: bool) -> Cell:
    if scores is None:
        return Cell(None)
    return Cell(scores.values.get(measure.key), scores.errors.get(measure.key), best)


def best_of(measure: Measure, models: list[Scores | None]) -> set[int]:
    """Which are the best. Values that read alike at the measure's decimals share the place; one alone has no rival."""
    far = {i: distance for i, s in enumerate(models) if s and (distance := _badness(measure, s)) is not None}
    if len(far) < 2 or measure.better == "neither":
        return set()
    least = min(far.values())
    return {i for i, distance in far.items() if distance == least}


def _badness(measure: Measure, scores: Scores) -> float | None:
    """The less, the better: the value as it is shown, turned so."""
    value = scores.values.get(measure.key)
    if value is None:
        return None
    shown = round(value, measure.decimals)
    if (best := scores.data.get(measure.key)) is not None:
        return round(abs(shown - round(best, measure.decimals)), measure.decimals)
    return -shown if measure.better == "higher" else shown
