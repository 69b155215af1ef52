"""The text of functions that train, with all that they use: so that a script cannot drift away from the package."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

# Names that a script gets by an import; a line goes into it only where its text uses the name.
IMPORTS = {
    "argparse": "import argparse",
    "math": "import math",
    "os": "import os",
    "sys": "import sys",
    "Path": "from pathlib import Path",
    "itertools": "import itertools",
    "Callable": "from collections.abc import Callable",
    "Iterator": "from collections.abc import Iterator",
    "Sequence": "from collections.abc import Sequence",
    "dataclass": "from dataclasses import dataclass",
    "replace": "from dataclasses import replace",
    "find_spec": "from importlib.util import find_spec",
    "islice": "from itertools import islice",
    "NDArray": "from numpy.typing import NDArray",
    "sliding_window_view": "from numpy.lib.stride_tricks import sliding_window_view",
    "np": "import numpy as np",
    "Image": "from PIL import Image",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "Tensor": "from torch import Tensor",
    "nn": "from torch import nn",
}


class Unreadable(Exception):
    """A function whose text does not stand on its own; the text says which."""


def definitions(roots: Iterable[Callable[..., Any]]) -> str:
    """Functions and classes, with the constants, functions and classes of this package that they use before them."""
    constants: dict[str, str] = {}
    things: dict[str, str] = {}
    for root in roots:
        _add(root, constants, things)
    texts = ["\n".join(dict.fromkeys(constants.values()))] if constants else []
    return _public("\n\n\n".join(texts + list(dict.fromkeys(things.values()))), [*constants, *things])


def imports_of(text: str) -> str:
    """The import lines that the text needs, standard library first."""
    used = names_in(text)
    lines = [line for name, line in IMPORTS.items() if name in used]
    own = [line for line in lines if not any(name in line for name in ("torch", "numpy", "PIL"))]
    others = "\n".join(line for line in lines if line not in own)
    if "ImageDataset" in used:  # a class whose text names itself
        own.insert(0, "from __future__ import annotations\n")
    return "\n".join(own) + "\n\n" + others.replace("import Tensor\nfrom torch import nn", "import Tensor, nn")


def names_in(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def enclosed(function: Callable[..., Any], maker: Callable[..., Any], name: str) -> Callable[..., Any] | None:
    """What `maker` was given as its argument `name` when it made this function; None if something else made it."""
    if getattr(function, "__qualname__", "").startswith(f"{maker.__qualname__}.<locals>."):
        return inspect.getclosurevars(function).nonlocals[name]
    return None


def _add(thing: Callable[..., Any], constants: dict[str, str], things: dict[str, str]) -> None:
    name = getattr(thing, "__name__", str(thing))
    if name in things:
        return
    if getattr(thing, "__qualname__", "<locals>") != name:  # a closure, a lambda, a partial
        raise Unreadable(name)
    try:
        text = inspect.getsource(thing)
    except (OSError, TypeError):
        raise Unreadable(name) from None
    _add_used(text, sys.modules[thing.__module__], constants, things, besides={name})
    things[name] = textwrap.dedent(text).rstrip()


def _add_used(
    text: str, module: ModuleType, constants: dict[str, str], things: dict[str, str], besides: set[str]
) -> None:
    for name in sorted(names_in(text) & vars(module).keys() - IMPORTS.keys() - besides):
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            _add(value, constants, things)
        elif name not in constants and name not in things:
            line, given = _assignment(name, module)
            _add_used(line, module, constants, things, besides=given)
            of_things = names_in(line) & things.keys()  # it can only come after them
            (things if of_things else constants).update(dict.fromkeys(given, line))


def _assignment(name: str, module: ModuleType) -> tuple[str, set[str]]:
    """The lines that give a constant its value, as they stand in its module, with their comment; all names given there."""
    text = inspect.getsource(module)
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and name in (given := names_in(ast.unparse(node.targets[0]))):
            return "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]), given
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            return _assignment(name, sys.modules[node.module])
    raise Unreadable(name)


def _public(text: str, names: Iterable[str]) -> str:
    """The text with names of its own that begin with an underscore, a matter of modules, without it."""
    for name in names:
        if name.startswith("_"):
            text = renamed(text, name, name.lstrip("_"))
    return text


def renamed(text: str, old: str, new: str) -> str:
    """The text with another name for something, wherever it is a name of the program (not in strings or comments)."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and node.id == old]
    places = [(node.lineno, node.col_offset) for node in nodes]
    lines = text.splitlines()
    for line, column in sorted(places, reverse=True):
        encoded = lines[line - 1].encode()  # columns count bytes
        lines[line - 1] = (encoded[:column] + new.encode() + encoded[column + len(old) :]).decode()
    heads = {f"def {old}(": f"def {new}(", f"class {old}(": f"class {new}("}
    text = "\n".join(lines)
    for head, changed in heads.items():
        text = text.replace(head, changed)
    return text
