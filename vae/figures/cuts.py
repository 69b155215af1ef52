"""What of a loss is drawn at its height, and what is said of the rest.

What is infinite or far above the rest is drawn at a stated height (see cut_off) and marked: never a hole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from vae.figures.panels import Cut, Panel, places

if TYPE_CHECKING:
    from vae.losses.surfaces import Surface


def cut_off(values: np.ndarray) -> Cut:
    """Between which values a surface is drawn as it is: all finite ones, unless a few are so far out that the rest
    would look flat. Those beyond, and infinite ones, are drawn at the limit."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    (low, usual_low, usual_high, high) = np.quantile(finite, (0, 0.1, 0.9, 1))
    spread = usual_high - usual_low
    below, above = low < usual_low - 4 * spread, high > usual_high + 4 * spread
    low, high = -_round_up(-usual_low) if below else low, _round_up(usual_high) if above else high
    if below and above:
        low, high = -max(-low, high), max(-low, high)
    if not (np.isneginf(values).any() or low < 0):
        low = min(low, 0.0) if low < 0.5 * high else low
    if high - low < 1e-9:  # flat, but for rounding
        return float(low) - 0.5, float(low) + 0.5
    return float(low), float(high)


def _round_up(value: float) -> float:
    """To two digits, away from 0 for positive values."""
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 1.0
    return math.ceil(round(value / unit, 9)) * unit


@lru_cache(maxsize=128)
def _cut_of(drawn: Surface) -> Cut:
    return cut_off(drawn.values)


def cuts(panels: Sequence[Panel], same_scale: bool) -> list[Cut]:
    """What each panel is cut off at; with same_scale one pair for all."""
    each = [_cut_of(panel.surface) for panel in panels]
    if not same_scale or not each:
        return each
    return [(min(low for low, _ in each), max(high for _, high in each))] * len(each)


def section_cut(panels: Sequence[Panel]) -> Cut:
    """What a cross-section of all the losses is cut off at."""
    each = [_cut_of(panel.profile) for panel in panels]
    return min(low for low, _ in each), max(high for _, high in each)


@lru_cache(maxsize=128)
def said_of(name: str, s: Surface, cut: Cut) -> str:
    """One sentence on what is not drawn at its height, or ""."""
    low, high = cut
    parts = []
    for sign, limit, infinity in ((1, high, "+∞"), (-1, low, "−∞")):
        infinite = s.values == sign * np.inf
        if infinite.any():
            parts.append(f"{infinity} {_places(infinite, s)} (marked, drawn at {_short(limit)})")
    finite = s.values[np.isfinite(s.values)]
    if len(finite) and (finite.max() > high or finite.min() < low):
        parts.append(f"what lies beyond {_short(low)} to {_short(high)} is drawn flat")
    return f"{name}: {'; '.join(parts)}." if parts else ""


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _places(mask: np.ndarray, s: Surface) -> str:
    """Where a mask over the grid is True, as a student would write it."""
    rows, second = np.nonzero(mask)[0], s.view.second_axis
    x, p = places(s, mask)
    if second == "d":
        return "where x + d or x − d is 0 or 1"  # a loss that is infinite elsewhere has no difference there
    if len(rows) == len(s.x) and np.array_equal(p, x):
        return "where p = x"
    if len(set(rows)) <= 2:
        return " and ".join(f"at {second} = {s.p[row]:g}{_span(s.x, mask[row])}" for row in sorted(set(rows)))
    return f"at {mask.sum()} of the {mask.size:,} points drawn"


def _span(x: np.ndarray, mask: np.ndarray) -> str:
    if mask.all():
        return ""
    if mask[1:].all() and not mask[0]:
        return f" for x > {x[0]:g}"
    if mask[:-1].all() and not mask[-1]:
        return f" for x < {x[-1]:g}"
    if mask.sum() == 1:
        return f", x = {x[mask][0]:g}"
    return f" for x from {x[mask].min():g} to {x[mask].max():g}"
