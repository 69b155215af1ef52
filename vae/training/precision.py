"""How exactly a step multiplies matrices: a setting of a training, like its loss.

Weights, sums, losses, moments and held-out figures are float32 whatever the setting; only the products of an update (of linear
layers, forward and backward; of convolutions where oneDNN has such ones) take their factors rounded to bfloat16, with float32
sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch

from vae.errors import SettingError

FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS: Mapping[str, str] = MappingProxyType({FLOAT32: "float32", BFLOAT16: "bfloat16, faster"})


@lru_cache
def is_possible(precision: str) -> bool:
    """Whether products here are in that precision when they are asked for in it. By trying, as a processor may have the
    instructions and PyTorch still compute in float32 without a word, as on those with AVX-512's and without AMX."""
    if precision == FLOAT32:
        return True
    factor = torch.full((64, 64), 1 + 2.0**-10)  # which bfloat16, with 8 bits, takes for 1
    with products_in(precision):
        return bool((factor @ factor == 64).all())


def check_possible(precision: str) -> None:
    """SettingError where a training in that precision cannot run here."""
    if not is_possible(precision):
        raise SettingError(
            "precision", precision, "on this processor, where PyTorch multiplies no bfloat16, float32 is accepted"
        )


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Within, PyTorch's float32 products are taken in that precision; as they are anyway, for float32."""
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
