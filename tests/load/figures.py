"""What a load run comes to: percentiles of reactions, steps of each run, and how even they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .client import KINDS, REFRESH, SLOW, Student


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def reactions(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {"n": 0}
    told = {"p50": percentile(seconds, 0.5), "p95": percentile(seconds, 0.95), "worst": max(seconds)}
    return {"n": len(seconds)} | {name: round(value, 3) for name, value in told.items()}


def jain(values: Sequence[float]) -> float:
    """Jain's index of fairness: 1 where all have the same, 1 / n where one has everything."""
    squares = len(values) * sum(v * v for v in values)
    return sum(values) ** 2 / squares if squares else 0.0


def steps_between(seen: Sequence[tuple[float, int]], start: float, end: float) -> float:
    """Steps a second between two moments, from (when, step) as a page said them; what lies between two is drawn straight."""
    until = [(when, step) for when, step in seen if when <= end]
    if not until or until[-1][0] <= start:
        return 0.0
    before = [(when, step) for when, step in until if when <= start]
    after = [(when, step) for when, step in until if when > start]
    first, steps = before[-1] if before else after[0]
    if before:  # where it stood at the start itself
        (t0, s0), (t1, s1) = before[-1], after[0]
        first, steps = start, s0 + (s1 - s0) * (start - t0) / (t1 - t0)
    last, reached = until[-1]
    return (reached - steps) / (last - first) if last > first else 0.0


def of_requests(students: Iterable[Student], now: float, since: float = 0.0) -> dict:
    """Reactions of all students, of those asked for after `since`. What is open for long counts with its age."""
    asked = [r for s in students for r in s.asked if r.sent >= since]
    counted = [r for r in asked if r.answered is not None or (now - r.sent > SLOW and not r.done.is_set())]
    ages = {kind: [r.age(now) for r in counted if r.kind == kind] for kind in KINDS}
    actions = [age for kind, held in ages.items() if kind != REFRESH for age in held]
    return {
        "actions": reactions(actions),
        "refreshes": reactions(ages[REFRESH]),
        "together": reactions(actions + ages[REFRESH]),
        "by kind": {kind: reactions(held) for kind, held in ages.items() if held and kind != REFRESH},
        "open at the end": sum(r.answered is None and not r.done.is_set() for r in asked),
    }


def of_steps(trainers: Sequence[Student], start: float, end: float) -> dict:
    """How far the runs came between two moments."""
    rates = [steps_between(s.seen, start, end) for s in trainers]
    return {
        "steps/s": round(sum(rates), 1),
        "steps/s of each": [round(r, 1) for r in sorted(rates)],
        "jain": round(jain(rates), 4),
        "not advanced": sum(r <= 0 for r in rates),
        "lost": sum(s.lost for s in trainers),
    }
