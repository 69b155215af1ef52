"""Sweeps: a grid of trainings as one thing. Which cells there are and what they cost (grid.py), one cell from its first
step to its measures (cell.py), the file that keeps results (results.py), and what they say (statistics.py)."""

from vae.study.sweep.cell import Measures, Point, Result, run_cell
from vae.study.sweep.grid import (
    MOST_CELLS,
    Estimate,
    SweepSpec,
    estimate,
    group_of,
    label_of,
    seeds_in,
    values_in,
)
from vae.study.sweep.results import ResultsFile, Sheet, SweepError, parse_results, read_results, to_table
from vae.study.sweep.statistics import (
    QUANTITIES,
    Band,
    Paired,
    band,
    caveat,
    compare,
    grouped,
    statement,
    summary,
    tradeoffs,
    undominated,
)
from vae.training.axes import AXES

__all__ = [
    "AXES",
    "MOST_CELLS",
    "QUANTITIES",
    "Band",
    "Estimate",
    "Measures",
    "Paired",
    "Point",
    "Result",
    "ResultsFile",
    "Sheet",
    "SweepError",
    "SweepSpec",
    "band",
    "caveat",
    "compare",
    "estimate",
    "group_of",
    "grouped",
    "label_of",
    "parse_results",
    "read_results",
    "run_cell",
    "seeds_in",
    "statement",
    "summary",
    "to_table",
    "tradeoffs",
    "undominated",
    "values_in",
]
