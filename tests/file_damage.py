"""Seeded damage to files that a user may bring, and what must come of each: it is read, or refused in one sentence."""

import csv
import io
import json
import math
import random
import re

import torch
from safetensors.torch import save

from vae.errors import VaeError

JUNK = (
    None, True, False, 0, -1, 1, 3, 10**400, 1e400, -1e400, math.nan, math.inf, 1e-320, 0.5, "", "31,5", "nan", "x" * 5000,
    "٣", "=1+1", "\ud800", "\x00", "![i](http://127.0.0.1:9/x.png)", "<b>", [], {}, [[]], [None], [1] * 5000, {"a": 1},
    "[" * 50_000, [[[[[[[[[[1]]]]]]]]]], "../../x", "1_000", "bce", "mse", "digits", "mnist", "TypeError: int() argument",
)  # fmt: skip
# Words that only Python's own errors have.
PYTHON = re.compile(
    r"Error\b|Traceback|NoneType|object at 0x|argument must|unhashable|not subscriptable|invalid literal|\bkeyword\b"
)


def check_sentence(said: str) -> None:
    """A refusal is one sentence of a bearable length, without a word of Python's, unless the file has it itself."""
    assert "\n" not in said and len(said) < 700, said
    assert not PYTHON.search(said.replace("TypeError: int() argument", "")), said
    assert said.rstrip().endswith((".", "!")), said


def damaged_value(random: random.Random, value: object) -> object:
    """A JSON value with one place in it changed."""
    if isinstance(value, (dict, list)) and value and random.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key, changed = random.choice(list(keys)), value.copy()
        what = random.random()
        if what < 0.1:
            del changed[key]
        elif what < 0.2 and isinstance(value, dict):
            changed[random.choice(("colour", "", "loss", "__class__"))] = random.choice(JUNK)
        elif what < 0.25 and isinstance(value, list):
            changed = changed * random.choice((2, 3))
        else:
            changed[key] = damaged_value(random, value[key])
        return changed
    return random.choice(JUNK)


def damaged_text(random: random.Random, text: str) -> str:
    """A text, often JSON, changed."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if random.random() < 0.7:
        junk = damaged_value(random, value)
        return junk if isinstance(junk, str) else json.dumps(junk)
    at = random.randrange(len(text) + 1)
    return (
        text[:at]
        + random.choice(("", "[" * 2000, "9" * 5000, "\x00", '"', ",", "\n"))
        + text[at + random.randrange(3) :]
    )


def damaged_tensor(random: random.Random, tensor: torch.Tensor) -> torch.Tensor:
    kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool, torch.complex64)
    ways = (
        lambda: tensor.to(random.choice(kinds)),
        lambda: tensor[: len(tensor) // 2] if tensor.dim() else tensor,
        lambda: torch.cat([tensor] * 3) if tensor.dim() else tensor,
        lambda: tensor.flatten(),
        lambda: tensor[None],
        lambda: torch.full_like(tensor, random.choice((math.nan, math.inf, 1e30, -1e30, 1e20, 12, -1)))
        if tensor.is_floating_point() else torch.full_like(tensor, random.choice((12, 127))),
        lambda: tensor * random.choice((1e3, 1e10, 1e18)) if tensor.is_floating_point() else tensor + 1,
    )  # fmt: skip
    return random.choice(ways)().contiguous()


def damaged_checkpoint(seed: int, header: dict[str, str], tensors: dict[str, torch.Tensor]) -> bytes:
    """The content of a checkpoint file with one to three things changed in it."""
    random = _random(seed)
    header, tensors = dict(sorted(header.items())), dict(sorted(tensors.items()))  # their order is not the file's
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        what, key = random.random(), random.choice(list(header))
        if what < 0.5:
            header[key] = damaged_text(random, header[key])
        elif what < 0.55 and len(header) > 1:
            del header[key]
        elif what < 0.9:
            name = random.choice(list(tensors))
            tensors[name] = damaged_tensor(random, tensors[name])
        elif what < 0.95 and len(tensors) > 1:
            del tensors[random.choice(list(tensors))]
        else:
            tensors[random.choice(("weights.x", "odd", "subset.", "first.mu.bias", "[x](http://a)", "x" * 4000))] = (
                torch.ones(2)
            )
    content = save(tensors, {k: v.encode("utf-8", "replace").decode() for k, v in header.items()})
    return damaged_bytes(random, content) if random.random() < 0.15 else content


def damaged_bytes(random: random.Random, content: bytes) -> bytes:
    at, length = random.randrange(len(content)), random.choice((1, 1, 8, 200))
    ways = (
        content[:at],
        content[at:],
        content[:at] + random.randbytes(length) + content[at + length :],
        content[:at] + random.randbytes(length) + content[at:],
        content[:at] + content[at + length :],
    )
    return random.choice(ways)


def damaged_results(seed: int, content: str) -> bytes:
    """The content of a results file with one to three things changed in it."""
    random = _random(seed)
    rows = list(csv.reader(io.StringIO(content)))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        row, what = random.choice(rows), random.random()
        if what < 0.7 and row:
            at = random.randrange(len(row))
            row[at] = damaged_text(random, row[at])
        elif what < 0.8:
            rows.insert(random.randrange(len(rows) + 1), list(random.choice(rows)))
        elif what < 0.85 and len(rows) > 1:
            rows.remove(row)
        elif what < 0.9:
            rows.insert(random.randrange(len(rows) + 1), [random.choice(("<<<<<<< HEAD", "=======", "", "version"))])
        else:
            del row[random.randrange(len(row) + 1) :]
    text = io.StringIO()
    csv.writer(text, lineterminator=random.choice(("\n", "\n", "\r\n"))).writerows(rows)
    whole = text.getvalue().encode("utf-8", "replace")
    return damaged_bytes(random, whole) if whole and random.random() < 0.2 else whole


def _random(seed: int) -> random.Random:
    return random.Random(seed)


def outcome(read, content: bytes) -> object:
    """What is read, or None where it is refused; an assertion fails where the refusal is no sentence."""
    try:
        return read(content)
    except VaeError as refusal:
        check_sentence(str(refusal))
        return None
