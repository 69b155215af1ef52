"""What every section of the table measures with: rounds in turn, ratios within a round, and exponents."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A line of the table. beside: what the value is to be seen against, in words."""

    what: str
    value: float
    unit: str
    beside: str = ""


Acts = Mapping[str, Callable[[], float]]


def in_turn(acts: Acts, rounds: int) -> dict[str, list[float]]:
    """What each act found in each round. All take their turn in every round, as the machine's own speed drifts."""
    found: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            found[name].append(act())
    return found


def paired(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios of / to, each within its round."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The e of y = c x^e, by least squares between the logarithms."""
    return statistics.linear_regression([math.log(x) for x in xs], [math.log(y) for y in ys]).slope


def milliseconds(steps: Iterator[object], count: int) -> float:
    """Of a step, over the next `count` of them."""
    started = time.perf_counter()
    for _ in range(count):
        next(steps)
    return 1e3 * (time.perf_counter() - started) / count


def seconds(act: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    act(*arguments)
    return time.perf_counter() - started
