"""How exactly a step multiplies matrices: a setting of a training, like its loss.

Weights, sums, losses, moments and held-out figures are float32 whatever the setting; only the products of an update take their
factors rounded to bfloat16, with float32 sums. Where PyTorch itself does so (processors with AMX), that is of every network,
of convolutions where oneDNN has such ones. Where the processor has the instructions alone (AVX-512's, Arm's), it is of the MLPs
whose derivatives are written out (update.py), and a product is rounded, too, as it comes from tensors of bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from vae.errors import SettingError

FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS: Mapping[str, str] = MappingProxyType({FLOAT32: "float32", BFLOAT16: "bfloat16, faster"})
INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # by PyTorch's names


def is_possible(precision: str, written_out: bool = True) -> bool:
    """Whether this processor multiplies in that precision, for a training whose derivatives are written out, or any."""
    return precision == FLOAT32 or rounds_by_itself() or (written_out and _has_instructions())


def check_possible(precision: str, written_out: bool = True) -> None:
    """SettingError where a training in that precision cannot run here."""
    if is_possible(precision, written_out):
        return
    if is_possible(precision):
        raise SettingError(
            "precision",
            precision,
            "on this processor it is for fully connected nets whose loss has its derivative written out; here float32 is accepted",
        )
    raise SettingError("precision", precision, "on this processor, which multiplies no bfloat16, float32 is accepted")


@lru_cache
def rounds_by_itself() -> bool:
    """Whether PyTorch's float32 products are in bfloat16 here when they are asked for in it. By trying, as it computes in
    float32 without a word where oneDNN has no such program."""
    factor = torch.full((64, 64), 1 + 2.0**-10)  # which bfloat16, with 8 bits, takes for 1
    with products_in(BFLOAT16):
        return bool((factor @ factor == 64).all())


def _has_instructions() -> bool:
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in INSTRUCTIONS)


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Within, PyTorch's float32 products are taken in that precision, where it does so; as they are anyway, for float32."""
    if precision == FLOAT32:
        yield
        return
    kinds: list[Any] = [getattr(torch.backends.mkldnn, kind) for kind in ("matmul", "conv")]
    before = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "bf16"
    try:
        yield
    finally:
        for kind, name in zip(kinds, before):
            kind.fp32_precision = name


class Products:
    """The three kinds of products in a pass through linear layers, as PyTorch takes them."""

    def affine(self, bias: Tensor, inputs: Tensor, weight: Tensor) -> Tensor:
        """bias (out,), inputs (B, in), weight (out, in) -> (B, out)."""
        return torch.addmm(bias, inputs, weight.T)

    def back(self, d: Tensor, weight: Tensor) -> Tensor:
        """d (..., B, out), weight (..., out, in) -> (..., B, in)."""
        return d @ weight

    def gradient(self, d: Tensor, inputs: Tensor, out: Tensor) -> None:
        """d (..., B, out), inputs (..., B, in) -> out (..., out, in)."""
        torch.matmul(d.mT, inputs, out=out)


class Rounded(Products):
    """Of tensors of bfloat16, rounded anew each time: to keep what is multiplied twice costs more, in caches, than it saves."""

    def affine(self, bias: Tensor, inputs: Tensor, weight: Tensor) -> Tensor:
        return (inputs.bfloat16() @ weight.bfloat16().T).float().add_(bias)

    def back(self, d: Tensor, weight: Tensor) -> Tensor:
        return (d.bfloat16() @ weight.bfloat16()).float()

    def gradient(self, d: Tensor, inputs: Tensor, out: Tensor) -> None:
        out.copy_(d.bfloat16().mT @ inputs.bfloat16())


def products_of(precision: str) -> Products:
    """Within products_in(precision)."""
    return Products() if precision == FLOAT32 or rounds_by_itself() else Rounded()
