"""A user's formula as PyTorch code. It is written from the tree that was read, node by node: no text of the user's is."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vae.export.script.source import definitions
from vae.losses.formula import COMPARISONS, FUNCTIONS, OPERATORS, Term

_KINDS = {operation: kind for table in (OPERATORS, COMPARISONS) for kind, operation in table.items()}
_NAMES = {operation: name for name, operation in FUNCTIONS.items()}

_TEXT = '''\
EPSILON = torch.finfo(torch.float32).eps


def number(value: float) -> Tensor:
    """A number of the formula, as torch.minimum and others need it."""
    return torch.tensor(value)


def formula(logits: Tensor, x: Tensor) -> Tensor:
    """The loss that was typed in, nats per pixel, of logits and true pixels x."""
    p = torch.sigmoid(logits).clamp(EPSILON, 1 - EPSILON)  # so that log(p) and log(1 - p) stay finite
    return {expression}'''

_WIDTH = 100


def formula_text(term: Term) -> str:
    """The definition of formula(logits, x), with the functions of ours that it calls before it."""
    used = {part.operation.apply for part in term.walk() if part.operation in _NAMES}
    own = sorted((f for f in used if not _of_torch(f)), key=lambda f: f.__name__)
    expression = ast.unparse(ast.fix_missing_locations(_written(term)))
    if len(expression) > _WIDTH:  # broken at spaces, which is safe: it holds no strings
        expression = (
            "(\n"
            + textwrap.indent(
                textwrap.fill(expression, _WIDTH, break_long_words=False, break_on_hyphens=False), " " * 8
            )
            + "\n    )"
        )
    text = _TEXT.format(expression=expression)
    return "\n\n\n".join([definitions(own), text] if own else [text])


def _of_torch(apply: Callable[..., Tensor]) -> bool:
    return getattr(torch, apply.__name__, None) is apply


def _written(term: Term) -> ast.expr:
    """The syntax tree of the PyTorch expression."""
    if term.operation is None:
        if isinstance(term.leaf, str):
            return ast.Name(term.leaf, ast.Load())
        return ast.Call(ast.Name("number", ast.Load()), [ast.Constant(term.leaf)], [])
    parts = [_written(part) for part in term.parts]
    if term.operation in _NAMES:
        apply = term.operation.apply
        name = f"torch.{apply.__name__}" if _of_torch(apply) else apply.__name__.lstrip("_")
        return ast.Call(ast.parse(name, mode="eval").body, parts, [])
    kind: type[Any] = _KINDS[term.operation]
    if issubclass(kind, ast.cmpop):
        return ast.Compare(parts[0], [kind()], parts[1:])
    return ast.UnaryOp(kind(), *parts) if issubclass(kind, ast.unaryop) else ast.BinOp(parts[0], kind(), parts[1])
