"""What speaks for a claim's verdict, as an HTML table."""

from __future__ import annotations

import html
from collections.abc import Sequence

from vae.study.claims import Evidence


def evidence_table(rows: Sequence[Evidence]) -> str:
    """What the lecture says stands beside each number, where it says something."""
    expected = any(row.expected is not None for row in rows)
    head = "<th></th><th>value</th>" + ("<th>expected</th><th></th>" if expected else "")
    units = {row.unit for row in rows}
    body = "".join(_row(row, expected, len(units) > 1) for row in rows)
    return f"<table class='vae-evidence'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: Evidence, expected: bool, unit: bool) -> str:
    name = html.escape(row.label) + (f" <small>{html.escape(row.unit)}</small>" if unit and row.unit else "")
    within = ""
    if row.interval is not None:
        within = f" <small>{' to '.join(_number(end, row.decimals) for end in row.interval)}</small>"
    cells = f"<th scope='row'>{name}</th><td>{_number(row.value, row.decimals)}{within}</td>"
    if not expected:
        return f"<tr>{cells}</tr>"
    if row.expected is None:
        return f"<tr>{cells}<td>–</td><td></td></tr>"
    sign = "<span title='agrees'>✓</span>" if row.agrees else "<b title='does not agree'>✗</b>"
    return f"<tr>{cells}<td>{_number(row.expected, row.decimals)}</td><td>{sign}</td></tr>"


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", "−")
