"""Which formulas are a weight times the squared error: told by algebra on the formula's tree, so that it is proved and not
only seen at some points. A formula that is one in a way that this does not follow is not said to be one."""

from __future__ import annotations

import ast
import math
from collections import defaultdict

import torch

from vae.losses.formula import FUNCTIONS, OPERATORS, Term

MOST_TERMS, MOST_POWER = 200, 8
ROUNDING = 1e-9
Polynomial = dict[tuple[str, ...], float]  # sorted names -> coefficient; a part in x alone may be a name of its own


def squared_error(term: Term) -> tuple[float | None, float | None]:
    """(w, c) if the formula is w (x - p)^2 + c; (w, None) if c depends on x; (None, None) where it is not told to be so."""
    found = expanded(term)
    if found is None or not (w := found.get(("p", "p"), 0.0)) > 0:
        return None, None
    for square, coefficient in ((("p", "p"), w), (("p", "x"), -2 * w), (("x", "x"), w)):
        found[square] = found.get(square, 0.0) - coefficient
    constant = found.pop((), 0.0)
    left = {names for names, coefficient in found.items() if abs(coefficient) > ROUNDING * w}
    if any("p" in names for names in left):
        return None, None
    return w, None if left else constant


def expanded(term: Term) -> Polynomial | None:
    """The formula as a polynomial in x, p and parts that depend on x alone; None where it is none."""
    if term.operation is None:
        known: dict[str, Polynomial | None] = {"x": {("x",): 1.0}, "p": {("p",): 1.0}, "logits": None}
        return known[term.leaf] if isinstance(term.leaf, str) else {(): term.leaf}
    variables = {part.leaf for part in term.walk() if isinstance(part.leaf, str) and part.operation is None}
    if not variables:
        value = float(term.evaluate({"p": torch.zeros((), dtype=torch.float64)}))
        return {(): value} if math.isfinite(value) else None
    if term.operation is FUNCTIONS["sigmoid"] and term.parts[0].leaf == "logits" and not term.parts[0].operation:
        return {("p",): 1.0}
    found = _of_operation(term)
    return {(str(term),): 1.0} if found is None and variables == {"x"} else found


def _of_operation(term: Term) -> Polynomial | None:
    kind = next((kind for kind, operation in OPERATORS.items() if operation is term.operation), None)
    if kind is ast.Pow:
        return _power(*term.parts)
    parts = [part for part in map(expanded, term.parts if kind else ()) if part is not None]
    match kind, parts:  # of which none matches too few parts
        case ast.USub, [a]:
            return _sum(a, {}, -1)
        case ast.Add, [a, b]:
            return _sum(b, a, 1)
        case ast.Sub, [a, b]:
            return _sum(b, a, -1)
        case ast.Mult, [a, b]:
            return _product(a, b)
        case ast.Div, [a, b] if b.keys() == {()} and b[()] != 0:
            return {names: value / b[()] for names, value in a.items()}
    return None


def _sum(added: Polynomial, to: Polynomial, sign: int) -> Polynomial:
    found = defaultdict(float, to)
    for names, value in added.items():
        found[names] += sign * value
    return dict(found)


def _product(a: Polynomial, b: Polynomial) -> Polynomial | None:
    found: Polynomial = defaultdict(float)
    for names, value in a.items():
        for others, other in b.items():
            found[tuple(sorted(names + others))] += value * other
    small = len(found) <= MOST_TERMS and all(len(names) <= 2 * MOST_POWER for names in found)
    return dict(found) if small and all(map(math.isfinite, found.values())) else None


def _power(base: Term, exponent: Term) -> Polynomial | None:
    to = expanded(exponent)
    n = to.get((), 0.0) if to is not None and to.keys() <= {()} else -1
    if n != int(n) or not 0 <= n <= MOST_POWER:
        return None
    if base.operation is FUNCTIONS["abs"] and n % 2 == 0:
        base = base.parts[0]
    one = expanded(base)
    found: Polynomial | None = {(): 1.0}
    for _ in range(int(n)):
        found = None if one is None or found is None else _product(found, one)
    return found
