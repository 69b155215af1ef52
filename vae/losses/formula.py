"""A loss of one's own: a formula in x, p and logits becomes a Loss like those of the table, or one sentence says why not.

The text is parsed by Python's own parser and then read node by node against a list of what is known; nothing in it is
ever executed. What remains is a small tree of tensor operations, which is tried on a grid before it may be used.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses.derivatives import limit_at_ends
from vae.losses.record import Loss

LONGEST = 300  # characters
MOST_NODES = 100
DEEPEST = 20
LARGEST_NUMBER = 1e6
EPSILON = torch.finfo(torch.float32).eps  # keeps log(p) and log(1 - p) finite in training, see _pixelwise
GRID = 41  # points a side on which a formula is tried; with 41, multiples of .025


@dataclass(frozen=True)
class Operation:
    """Something a formula may do: what it computes and how it is written in LaTeX.

    strength: how tightly the written form binds; needs: how tightly each argument must, to go without parentheses.
    """

    apply: Callable[..., Tensor]
    latex: str
    needs: tuple[int, ...]
    strength: int = 5


def _function(apply: Callable[..., Tensor], latex: str, arity: int = 1) -> Operation:
    return Operation(apply, latex, (0,) * arity)


def _clip(value: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(value, low), high)  # torch.clamp keeps the shape of value alone


def _xlogy(value: Tensor, y: Tensor) -> Tensor:
    """value log y, and 0 with no gradient where value is 0, whatever y is there."""
    zero = value == 0
    return torch.where(zero, 0.0, value) * torch.log(torch.where(zero, 1.0, y))


OPERATORS: Mapping[type, Operation] = {
    ast.Add: Operation(torch.add, "{} + {}", (1, 3), 1),
    ast.Sub: Operation(torch.sub, "{} - {}", (1, 3), 1),
    ast.Mult: Operation(torch.mul, r"{} \cdot {}", (2, 3), 3),
    ast.Div: Operation(torch.div, r"\frac{{{}}}{{{}}}", (0, 0), 4),
    ast.Pow: Operation(torch.pow, "{}^{{{}}}", (5, 0), 4),
    ast.USub: Operation(torch.neg, "-{}", (3,), 2),
}
COMPARISONS: Mapping[type, Operation] = {
    ast.Lt: Operation(torch.lt, "{} < {}", (1, 1), 0),
    ast.LtE: Operation(torch.le, r"{} \le {}", (1, 1), 0),
    ast.Gt: Operation(torch.gt, "{} > {}", (1, 1), 0),
    ast.GtE: Operation(torch.ge, r"{} \ge {}", (1, 1), 0),
}
FUNCTIONS: Mapping[str, Operation] = {
    "abs": _function(torch.abs, r"\left|{}\right|"),
    "exp": _function(torch.exp, r"\exp\left({}\right)"),
    "log": _function(torch.log, r"\log\left({}\right)"),
    "xlogy": Operation(_xlogy, r"{} \log\left({}\right)", (3, 0), 3),
    "sqrt": _function(torch.sqrt, r"\sqrt{{{}}}"),
    "tanh": _function(torch.tanh, r"\tanh\left({}\right)"),
    "sigmoid": _function(torch.sigmoid, r"\sigma\left({}\right)"),
    "minimum": _function(torch.minimum, r"\min\left({}, {}\right)", 2),
    "maximum": _function(torch.maximum, r"\max\left({}, {}\right)", 2),
    "clip": _function(_clip, r"\mathrm{{clip}}\left({}, {}, {}\right)", 3),
    "where": _function(
        torch.where, r"\begin{{cases}}{1} & \text{{if }} {0}\\ {2} & \text{{otherwise}}\end{{cases}}", 3
    ),
}
VARIABLES: Mapping[str, str] = {"x": "x", "p": "p", "logits": r"\mathrm{logits}"}  # with their LaTeX
CONSTANTS: Mapping[str, tuple[float, str]] = {"pi": (math.pi, r"\pi"), "e": (math.e, "e")}

ACCEPTED = (
    f"a formula in {', '.join(VARIABLES)}, numbers, {', '.join(CONSTANTS)}, + - * / **, parentheses "
    f"and {', '.join(FUNCTIONS)} is accepted"
)

# What people write instead of what is known, and what to write then: a pattern of the text from where it cannot be read on.
_INSTEAD = (
    (r"\^", "a power is written with **, as x**2"),
    (r"[\d.]+[A-Za-z(]", "a product is written with its *, as 2*x"),
    (r"²|³", "a power is written with **, as x**2"),
    (r"[−–]", "a minus is written with -"),
    (r"·|×", "a product is written with *"),
)
_TWO_SIDES = "a comparison has two sides: for .2 < p < .8 write where(.2 < p, where(p < .8, a, b), b)"
_ZERO_LOG = "; xlogy(a, b) is a log(b), and 0 where a is 0"
_ROOT = "; the root of a square is abs(), which has a gradient everywhere"

# All that the parser ever sees: numbers, names, operators. No quotes, brackets, dots outside numbers or assignments.
_TOKENS = re.compile(
    r"(?:\s+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[A-Za-z]+(?!\w)|\*\*|<=|>=|[-+*/(),<>])*", re.ASCII
)


@dataclass(frozen=True)
class Term:
    """A node of the formula: an operation on its parts, or a leaf (a variable's name or a number)."""

    source: ast.expr
    operation: Operation | None = None
    parts: tuple[Term, ...] = ()
    leaf: str | float = 0.0
    latex_of_leaf: str = ""

    def __str__(self) -> str:
        return _short(self.source)

    def walk(self) -> Iterator[Term]:
        """Every node, parts before the whole."""
        for part in self.parts:
            yield from part.walk()
        yield self

    def evaluate(self, values: Mapping[str, Tensor]) -> Tensor:
        """The value where variables have these values; numbers take the type and device of p."""
        if self.operation:
            return self.operation.apply(*(part.evaluate(values) for part in self.parts))
        return values[self.leaf] if isinstance(self.leaf, str) else values["p"].new_tensor(self.leaf)

    def latex(self) -> str:
        return self._latex()[0]

    def _latex(self) -> tuple[str, int]:
        """The LaTeX and how tightly it binds."""
        if not self.operation:
            return self.latex_of_leaf, 5
        strength, written = self.operation.strength, []
        for part, needed in zip(self.parts, self.operation.needs, strict=True):
            text, own = part._latex()
            if own < needed:
                text = rf"\left({text}\right)"
            elif needed:
                strength = min(strength, own)  # -a b begins with a minus, so it binds no tighter than one
            written.append(text)
        return self.operation.latex.format(*written), strength


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:59] + "…"


class _Refusal(Exception):
    """Why a formula cannot be used, as the end of a sentence."""


# ---- Reading -----------------------------------------------------------------------------------------------------


def _read(text: str) -> Term:
    """The tree of the text, or _Refusal."""
    if len(text) > LONGEST:
        raise _Refusal(f"it has {len(text)} characters; up to {LONGEST} are accepted")
    stop = found.end() if (found := _TOKENS.match(text)) else 0
    if stop < len(text):
        told = next((told for pattern, told in _INSTEAD if re.match(pattern, text[stop:])), ACCEPTED)
        raise _Refusal(f"it cannot be read from {text[stop : stop + 10]!r} on; {told}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _Refusal(f"it is not a complete expression; {ACCEPTED}") from None
    nodes = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if nodes > MOST_NODES:
        raise _Refusal(f"it has {nodes} parts; up to {MOST_NODES} are accepted")
    return _term(tree, 1)


def _term(node: ast.expr, depth: int, condition: bool = False) -> Term:
    """The Term of a syntax node, or _Refusal; only the first argument of where() may, and must, be a comparison."""
    if depth > DEEPEST:
        raise _Refusal(f"it is nested deeper than the accepted {DEEPEST} levels")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _term(node.operand, depth + 1, condition)
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise _Refusal(_TWO_SIDES)
    if condition != isinstance(node, ast.Compare):
        raise _Refusal("a comparison is accepted as the first argument of where(), and nothing else there")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if not abs(value) <= LARGEST_NUMBER:
                raise _Refusal(f"numbers up to {LARGEST_NUMBER:,.0f} are accepted")
            return Term(node, leaf=float(value), latex_of_leaf=_latex_of_number(float(value)))
        case ast.Name(id=name) if name in VARIABLES:
            return Term(node, leaf=name, latex_of_leaf=VARIABLES[name])
        case ast.Name(id=name) if name in CONSTANTS:
            return Term(node, leaf=CONSTANTS[name][0], latex_of_leaf=CONSTANTS[name][1])
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return _operation(node, OPERATORS[type(op)], [operand], depth)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            return _operation(node, OPERATORS[type(op)], [left, right], depth)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return _operation(node, COMPARISONS[type(op)], [left, right], depth)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            wanted = len(FUNCTIONS[name].needs)
            if len(arguments) != wanted:
                raise _Refusal(f"{name}() is given {len(arguments)} arguments and takes {wanted}")
            return _operation(node, FUNCTIONS[name], arguments, depth)
    if isinstance(node, ast.Call) and (isinstance(node.func, ast.Constant) or _name(node).strip("'") in VARIABLES):
        raise _Refusal(f"{_short(node.func)}(...) is no function; a product is written with its *, as 2*(x - p)")
    raise _Refusal(f"{_name(node)} is not known; {ACCEPTED}")


def _operation(node: ast.expr, operation: Operation, arguments: list[ast.expr], depth: int) -> Term:
    where = operation is FUNCTIONS["where"]
    parts = (_term(argument, depth + 1, where and i == 0) for i, argument in enumerate(arguments))
    return Term(node, operation, tuple(parts))


def _name(node: ast.expr) -> str:
    """What to call a node that is not known: a function by its name, anything else as it was written."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
        node = node.func
    return repr(_short(node))


def _latex_of_number(value: float) -> str:
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    return rf"{{{mantissa} \cdot 10^{{{int(exponent)}}}}}" if exponent else mantissa


# ---- The loss ----------------------------------------------------------------------------------------------------


def _pixelwise(term: Term, logits: Tensor, x: Tensor) -> Tensor:
    """The formula as a loss of logits. p is kept EPSILON away from 0 and 1, so that log(p) and log(1 - p) are finite.

    Beyond that (logits outside +-16) a formula in p has no gradient. Float32 cannot tell 1 - p from 0 there anyway;
    a formula in logits can.
    """
    p = torch.sigmoid(logits).clamp(EPSILON, 1 - EPSILON)
    return _evaluated(term, {"x": x, "p": p, "logits": logits})


def _of_prediction(term: Term, p: Tensor, x: Tensor) -> Tensor:
    """The formula as a function of p, exact; where p = 0 or 1 makes it undefined, as in 0 log 0, it is the limit."""

    def value(p: Tensor, x: Tensor) -> Tensor:
        return _evaluated(term, {"x": x, "p": p, "logits": torch.logit(p)})

    exact = value(p, x)
    undefined = exact.isnan() & ((p == 0) | (p == 1))
    if not undefined.any():
        return exact
    p, x = (t.broadcast_to(exact.shape)[undefined] for t in (p, x))
    return exact.masked_scatter(undefined, _limit(lambda q: value(q, x), p))


def _limit(value: Callable[[Tensor], Tensor], p: Tensor) -> Tensor:
    """The limit at an end. At p = 0 that of a slow product, as p**.1 log(p), is only seen far closer than others need: it
    is taken where the value has settled there, and was on its way there where a difference still has its digits."""
    usual = limit_at_ends(value, p)
    at_40, at_50, at_900, at_1000 = (value(torch.where(p == 0, 2.0**-k, p)) for k in (40, 50, 900, 1000))
    scale = at_40.abs().clamp_min(1)
    settled = (at_1000 - at_900).abs() < 1e-9 * scale
    on_its_way = ((at_50 - at_1000).abs() < (at_40 - at_1000).abs()) & ((at_50 - at_40).abs() > 1e-9 * scale)
    return torch.where((p == 0) & settled & on_its_way, at_1000, usual)


def _evaluated(term: Term, values: Mapping[str, Tensor]) -> Tensor:
    return term.evaluate(values).broadcast_to(torch.broadcast_tensors(values["p"], values["x"])[0].shape)


# ---- Trying it ---------------------------------------------------------------------------------------------------


def _try(term: Term, grid: int) -> None:
    """_Refusal unless the formula depends on the prediction and is finite, with its gradient, wherever it is used.

    On (x, p) in float64 as on a surface, p from .0001 to .9999; at p = 0 and 1, where infinities may be; and on
    logits up to +-100 in float32 as in training.
    """
    x = torch.linspace(0, 1, grid, dtype=torch.float64)
    p = x.clamp(1e-4, 1 - 1e-4)[:, None].expand(grid, grid).clone().requires_grad_()
    if not _gradient(term, "p", {"x": x, "p": p, "logits": torch.logit(p)}).any():
        raise _Refusal("it does not depend on the prediction: a formula whose value changes with p is accepted")

    p = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    if place := _first(_of_prediction(term, p, x).isnan()):
        raise _Refusal(f"{term} has no value {_at('p', {'x': x, 'p': p.expand(2, grid)}, place)}")

    logits = torch.tensor([-100.0, -20, -10, -5, -1, 0, 1, 5, 10, 20, 100])[:, None]
    logits = logits.expand(len(logits), grid).clone().requires_grad_()
    p = torch.sigmoid(logits).clamp(EPSILON, 1 - EPSILON)
    _gradient(term, "logits", {"x": x.float(), "p": p, "logits": logits})


def _gradient(term: Term, name: str, values: Mapping[str, Tensor]) -> Tensor:
    """The gradient with respect to that variable, or _Refusal naming the place where it or the value is not finite."""
    value = _evaluated(term, values)
    if place := _first(~value.isfinite()):
        culprit = _culprit(term, values, place)
        told = _ZERO_LOG if culprit.operation is FUNCTIONS["log"] else ""
        raise _Refusal(f"{culprit} is not finite {_at(name, values, place)}{told}")
    if not value.requires_grad:
        return torch.zeros_like(value)
    (gradient,) = torch.autograd.grad(value.sum(), values[name], allow_unused=True, materialize_grads=True)
    if place := _first(~gradient.isfinite()):
        told = _ROOT if any(part.operation is FUNCTIONS["sqrt"] for part in term.walk()) else ""
        raise _Refusal(f"the gradient of {term} is not finite {_at(name, values, place)}{told}")
    return gradient


def _first(bad: Tensor) -> tuple[int, int] | None:
    """Row and column of the first True, or None."""
    return tuple(bad.nonzero()[0].tolist()) if bad.any() else None


def _at(name: str, values: Mapping[str, Tensor], place: tuple[int, int]) -> str:
    where = f"x = {values['x'][place[1]].item():.4g}, {name} = {values[name][place].item():.4g}"
    return f"at {where}; finite values and gradients are accepted"


def _culprit(term: Term, values: Mapping[str, Tensor], place: tuple[int, int]) -> Term:
    """The innermost part that is not finite at that place of the grid."""
    there = {name: value.detach().broadcast_to(values["p"].shape)[place] for name, value in values.items()}
    return next(part for part in term.walk() if not part.evaluate(there).isfinite())


@lru_cache(maxsize=256)
def _build(text: str, grid: int) -> Loss:
    try:
        term = _read(text)
        _try(term, grid)
    except _Refusal as refusal:
        raise SettingError("formula", text, str(refusal)) from None
    return Loss(
        key="formula",
        name=text if len(text) <= 40 else text[:39] + "…",
        meaning="A formula of your own.",
        latex=term.latex(),
        source="typed in",
        url="",
        normalised=False,
        pixelwise=partial(_pixelwise, term),
        of_prediction=partial(_of_prediction, term),
    )


def formula_loss(text: str, grid: int = GRID) -> Loss:
    """The Loss that the formula says, with key "formula"; built once a text. Workers are sent the text alone.

    Tried on grid x grid points of (x, p), corners included. SettingError, in one sentence, where the text is not a
    formula of the known parts, is too large, does not depend on the prediction, or is not finite somewhere.
    """
    if not isinstance(text, str) or not text.strip():
        raise SettingError("formula", text, ACCEPTED)
    return _build(text.strip(), grid)


def formula_term(text: str) -> Term:
    """The tree of a formula that formula_loss() takes."""
    pixelwise = formula_loss(text).pixelwise
    assert isinstance(pixelwise, partial)
    return pixelwise.args[0]
