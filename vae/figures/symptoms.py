"""What was measured of a patient of the zoo, as an HTML table."""

from __future__ import annotations

import html
import math

from vae.study.zoo import Bug, Examination


def symptoms_table(bug: Bug, found: Examination) -> str:
    """Of the patient and of the healthy control, with what is normal below each."""
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(s.name)} <small>{html.escape(s.unit)}</small></th>"
        f"<td><b>{_number(sick)}</b></td><td>{_number(healthy)}</td></tr>"
        f"<tr class='normal'><td colspan='3'>a symptom {'above' if s.above else 'below'} "
        f"{_number(s.threshold)}; healthy: {html.escape(s.normal)}</td></tr>"
        for s, sick, healthy in zip(bug.symptoms, found.patient, found.control)
    )
    return (
        "<table class='vae-symptoms'><thead><tr><th>Symptom</th>"
        f"<th>{bug.title}</th><th>control</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _number(value: float) -> str:
    """HTML: three digits, and powers of ten where the number is very large or very small."""
    if not math.isfinite(value) or value == 0 or 1e-3 <= abs(value) < 1e5:
        return short(value)
    exponent = math.floor(math.log10(abs(value)))
    return f"{value / 10**exponent:.1f}·10<sup>{exponent}</sup>".replace("-", "−")


def short(value: float) -> str:
    """Three digits, in text; whole numbers as they are."""
    if not math.isfinite(value) or not 1e-3 <= abs(value) < 1e5:
        text = f"{value:.3g}"
    elif value == int(value):
        text = f"{value:.0f}"
    else:
        text = f"{value:.{min(2, max(0, 2 - math.floor(math.log10(abs(value)))))}f}"
    return text.replace("-", "−")
