"""Readings of values that come in a file: each is what it says it is, or a SettingError names it and what is accepted.

A checkpoint's header and a results file's lines are read through these alone, so that nothing in a file is believed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from vae.errors import SettingError

LEAST_KL = -1e-3  # a KL is never negative; a mean of float32 ones may be by a rounding


def decoded(field: str, text: Any) -> Any:
    """JSON text -> its value."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):  # also for numbers of thousands of digits and deep nesting
        raise SettingError(field, text, "JSON is accepted") from None


def record(field: str, value: object, names: Iterable[str]) -> dict[str, Any]:
    """A mapping with these names, no more and no fewer."""
    names = set(names)
    if not isinstance(value, dict) or value.keys() != names:
        raise SettingError(field, value, f"an object with {', '.join(sorted(names))} is accepted")
    return value


def number(field: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from low to high."""
    known = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not low <= known <= high or not abs(known) <= 1e300:  # NaN fails the comparison too
        raise SettingError(field, value, f"a finite number{_range(low, high)} is accepted")
    return float(known)


def whole(field: str, value: object, low: int, high: int) -> int:
    """A whole number from low to high."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise SettingError(field, value, f"a whole number from {low:,} to {high:,} is accepted")
    return value


def one_of(field: str, value: object, accepted: tuple[str, ...]) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in accepted:
        raise SettingError(field, value, f"one of {', '.join(accepted)} is accepted")
    return value


def numbers(field: str, value: object, length: int, low: float = -math.inf) -> tuple[float, ...]:
    """A list of so many finite numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise SettingError(field, value, f"a list of {length:,} numbers is accepted")
    return tuple(number(f"{field}[{i}]", one, low) for i, one in enumerate(value))


def written_number(field: str, text: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number as text, as in a table."""
    if not isinstance(text, str) or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        raise SettingError(field, text, f"a finite number{_range(low, high)} is accepted")
    return number(field, float(text), low, high)


def written_whole(field: str, text: object, low: int, high: int) -> int:
    """A whole number as text, in at most 12 digits."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,12}", text, re.ASCII):
        raise SettingError(field, text, f"a whole number from {low:,} to {high:,} is accepted")
    return whole(field, int(text), low, high)


def _range(low: float, high: float) -> str:
    return {
        (True, True): f" from {low:g} to {high:g}",
        (True, False): f" of at least {low:g}",
        (False, True): f" of at most {high:g}",
        (False, False): "",
    }[math.isfinite(low), math.isfinite(high)]
