"""A network as PyTorch lines: read off the built modules, so that a new architecture needs nothing here."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vae.export.script.source import Unreadable, definitions
from vae.training.config import TrainConfig
from vae.training.networks import find_architecture, layers_of

_VARIABLES = {"encoder": "encoder", "mu": "to_mu", "log_var": "to_log_var", "decoder": "decoder"}


@dataclass(frozen=True)
class Network:
    """definitions: classes of our own that the lines use. lines: the assignments. learned_sigma: whether log_sigma is one."""

    definitions: str
    lines: str
    learned_sigma: bool


def network_of(config: TrainConfig) -> Network:
    """The layers in the order in which the package makes them, as each draws its initial weights from one generator."""
    with torch.device("meta"):  # shapes alone: no memory and no random numbers
        model = config.build_model()
    shapes = {layer.name: layer.output for layer in layers_of(model, config.shape)}
    parts = dict(model.named_children())
    if list(parts) != list(_VARIABLES):
        raise Unreadable(config.architecture)
    maker = find_architecture(config.architecture)
    starts = {"encoder": _applied(maker.encoder), "decoder": _applied(maker.decoder)}
    lines = []
    for name, part in parts.items():
        lines.append(f"{_VARIABLES[name]} = {_written(part, name, shapes, '')}")
        lines += [f"{_VARIABLES[name]}.apply({_public(start)})" for start in starts.get(name, ())]
    if any(weight.dim() == 4 for weight in model.parameters()):
        lines.append("for part in (encoder, decoder):")
        lines.append("    part.to(memory_format=torch.channels_last)  # channels innermost: convolutions are faster so")
    learned = model.log_sigma is not None
    if learned:
        lines.append("log_sigma = nn.Parameter(torch.zeros(()))  # one sigma for all pixels, from 1 on")
    own = {type(m): None for m in model.modules() if not _of_torch(type(m)) and m is not model}
    return Network(definitions([*own, *starts["encoder"], *starts["decoder"]]), "\n".join(lines), learned)


def _applied(maker: Callable[..., Any]) -> list[Callable[..., Any]]:
    """What a maker applies to its layers, so that they start from other weights than PyTorch's: its text says it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(maker)))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "apply"
    ]
    names = [call.args[0].id for call in calls if len(call.args) == 1 and isinstance(call.args[0], ast.Name)]
    if len(names) < len(calls):
        raise Unreadable(maker.__name__)
    return [maker.__globals__[name] for name in names]


def _public(thing: Callable[..., Any]) -> str:
    return thing.__name__.lstrip("_")


def _of_torch(kind: type) -> bool:
    return getattr(nn, kind.__name__, None) is _kind(kind)


def _kind(kind: type) -> type:
    """PyTorch's layer, where ours of that name makes the same numbers faster."""
    known = getattr(nn, kind.__name__, None)
    return known if isinstance(known, type) and issubclass(kind, known) else kind


def _written(module: nn.Module, path: str, shapes: dict[str, tuple[int, ...]], indent: str) -> str:
    inner = indent + "    "
    if type(module) is nn.Sequential:
        rows = [f"{inner}{_written(layer, f'{path}.{i}', shapes, inner)}" for i, layer in enumerate(module.children())]
        return "nn.Sequential(\n" + "\n".join(_before_comment(row, ",") for row in rows) + f"\n{indent})"
    shape = f"  # (B, {', '.join(map(str, shapes[path]))})" if path in shapes else ""
    return _call(module) + shape


def _before_comment(row: str, mark: str) -> str:
    code, hash_, comment = row.partition("  # ") if "\n" not in row else (row, "", "")
    return code + mark + hash_ + comment


def _call(module: nn.Module) -> str:
    """The call that makes the module: what its text says of itself, without arguments that have their default."""
    kind = _kind(type(module))
    parameters = inspect.signature(kind).parameters
    if module.extra_repr() or _of_torch(kind):
        call = ast.parse(f"f({module.extra_repr()})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = dict(zip(parameters, call.args)) | {k.arg: k.value for k in call.keywords if k.arg}
        given = {name: ast.literal_eval(value) for name, value in given.items()}
    else:  # a class of our own keeps its arguments under their names
        given = {name: getattr(module, name) for name in parameters}
    changed = {name: value for name, value in given.items() if value != parameters[name].default}
    written = [
        repr(value) if parameters[name].default is inspect.Parameter.empty else f"{name}={value!r}"
        for name, value in changed.items()
    ]
    name = f"nn.{kind.__name__}" if _of_torch(kind) else _public(kind)
    return f"{name}({', '.join(written)})"
