"""The scores of models as a table in HTML: a column a model with its pictures on top, the best of each row marked."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from vae.study.scoring.measures import GROUPS, Measure
from vae.study.scoring.table import Cell, Matrix, Row

NARROW = "&nbsp;=&nbsp;"  # not broken over two lines
ARROWS = {"lower": "↓", "higher": "↑", "data": "→", "neither": ""}
DIRECTIONS = {
    "lower": "Lower is better.",
    "higher": "Higher is better.",
    "data": "Best is what the images themselves have.",
    "neither": "Neither more nor less is better.",
}


@dataclass(frozen=True)
class Column:
    """What stands over a column: its title, the loss's colour or "", and a PNG with pictures and what they show."""

    title: str
    colour: str
    png: bytes
    alt: str
    pending: bool = False


def number(measure: Measure, value: float | None) -> str:
    """The value at the measure's decimals, with a minus sign; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.{measure.decimals}f}"
    return text.lstrip("-") if not float(text.replace(",", "")) else text.replace("-", "−")


def table(found: Matrix, columns: Sequence[Column]) -> str:
    """columns: those of the matrix, then its references, in order. A pending one has dots instead of numbers."""
    head = "".join(_head(column, i >= len(found.columns)) for i, column in enumerate(columns))
    body = ""
    for group, rows in groupby(found.rows, key=lambda row: row.measure.group):
        body += f"<tr class='group'><th scope='rowgroup' colspan='{len(columns) + 1}'><span>{GROUPS[group]}</span></th></tr>"
        body += "".join(_row(row, columns) for row in rows)
    corner = (
        "<th class='corner'>↓ lower, ↑ higher is better<br>→ nearest to the images is best<br><b>best</b> of a row</th>"
    )
    return (
        f"<div class='vae-matrix' tabindex='0'><table><thead><tr>{corner}{head}</tr></thead><tbody>{body}</tbody></table>"
        f"</div>{STYLE}"
    )


def _head(column: Column, reference: bool) -> str:
    swatch = f"<i style='background:{column.colour}'></i>" if column.colour else ""
    data = base64.b64encode(column.png).decode()
    picture = f"<img src='data:image/png;base64,{data}' alt='{escape(column.alt, quote=True)}'>"
    kind = " class='reference'" if reference else ""
    return f"<th scope='col'{kind}><span>{swatch}{escape(column.title).replace(' = ', NARROW)}</span>{picture}</th>"


def _row(row: Row, columns: Sequence[Column]) -> str:
    measure, models = row.measure, len(row.cells)
    told = escape(f"{measure.meaning} In {measure.unit}. {DIRECTIONS[measure.better]}", quote=True)
    cells = "".join(
        _cell(measure, cell, column, i >= models)
        for i, (cell, column) in enumerate(zip(row.cells + row.references, columns, strict=True))
    )
    name = f"<abbr title='{told}'>{escape(measure.name)}</abbr>"
    direction = f"<em title='{DIRECTIONS[measure.better]}'>{ARROWS[measure.better]}</em>"
    return (
        f"<tr data-measure='{measure.key}'><th scope='row'>{name} {direction}"
        f"<small>{escape(measure.unit)}</small></th>{cells}</tr>"
    )


def _cell(measure: Measure, cell: Cell, column: Column, reference: bool) -> str:
    if column.pending:
        return "<td>…</td>"
    error = f" title='± {cell.error:.2g}, standard error over images'" if cell.error else ""
    kind = f" class='best' aria-label='best: {number(measure, cell.value)}'" if cell.best else ""
    return f"<td{kind or (' class=reference' if reference else '')}{error}>{number(measure, cell.value)}</td>"


# What sticks while the rest scrolls covers it: the page's own background, as in .streamlit/config.toml.
STYLE = """
<style>
.vae-matrix { overflow: auto; max-height: max(320px, calc(100vh - 252px)); font-size: 0.86rem; position: relative;
  font-variant-numeric: tabular-nums; }
.vae-matrix table { border-collapse: separate; border-spacing: 0; width: 100%; }
.vae-matrix th { font-weight: 400; text-align: left; }
.vae-matrix thead th { position: sticky; top: 0; z-index: 2; vertical-align: bottom; padding: 0 8px 4px; min-width: 96px;
  text-align: right; background: light-dark(#ffffff, #0e1117); border-bottom: 1px solid rgba(128,128,128,.5); }
.vae-matrix thead th span { display: block; font-weight: 600; line-height: 1.15; }
.vae-matrix thead th.reference span { font-weight: 400; opacity: 0.8; }
.vae-matrix thead i { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 5px; }
.vae-matrix thead img { width: 100%; max-width: 170px; image-rendering: pixelated; margin-top: 3px; margin-left: auto; display: block; }
.vae-matrix .corner { left: 0; z-index: 3; text-align: left; font-size: 0.75rem; line-height: 1.3; white-space: nowrap; }
.vae-matrix .corner { color: color-mix(in srgb, currentColor 70%, transparent); }
.vae-matrix tbody th[scope=row] { position: sticky; left: 0; z-index: 1; background: light-dark(#ffffff, #0e1117);
  white-space: nowrap; padding: 2px 10px 2px 0; }
.vae-matrix abbr { text-decoration: underline dotted rgba(128,128,128,.6); text-underline-offset: 3px; cursor: help; }
.vae-matrix em { font-style: normal; opacity: 0.8; }
.vae-matrix small { opacity: 0.8; margin-left: 6px; }
.vae-matrix td { text-align: right; padding: 2px 8px; }
.vae-matrix tbody tr:not(.group) > * { border-bottom: 1px solid rgba(128,128,128,.18); }
.vae-matrix td.reference { opacity: 0.8; }
.vae-matrix td.best, .vae-matrix .corner b { font-weight: 700; background: rgba(27,138,122,.22); border-radius: 3px; }
.vae-matrix .corner b { padding: 0 5px; }
.vae-matrix .group th { padding: 7px 0 2px; font-weight: 600; border-bottom: 1px solid rgba(128,128,128,.5); }
.vae-matrix .group span { position: sticky; left: 0; }
@media (max-width: 640px) {
  .vae-matrix { max-height: 70vh; font-size: 0.8rem; }
  .vae-matrix small { display: none; }
  .vae-matrix thead th { min-width: 78px; padding: 0 5px 3px; }
  .vae-matrix thead img { max-width: 84px; }
  .vae-matrix .corner { white-space: normal; font-size: 0.66rem; }
  .vae-matrix tbody th[scope=row] { white-space: normal; max-width: 118px; }
}
</style>
"""
