"""What a pixel is: how a byte of a picture becomes the number that the network sees and the loss compares with.

A setting of a training, like its loss, because it decides what a loss means: BCE is the likelihood of pixels that are 0 or 1 and of
no others. Whatever the treatment, x and the picture sigmoid(logits) lie in [0, 1], so that figures and pictures can be
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from vae.data import to_unit
from vae.errors import SettingError
from vae.losses.record import Loss
from vae.training.randomness import generator

UNIT, SYMMETRIC, BINARY, BINARY_SAMPLED, DEQUANTISED = "unit", "symmetric", "binary", "binary_sampled", "dequantised"
DISCRETE = (BINARY, BINARY_SAMPLED)
GREY = (UNIT, SYMMETRIC)  # the same x, from 0 to 1, for one picture
HALF = 128  # of a byte: from here on a pixel is 1


@dataclass(frozen=True)
class Treatment:
    """of(images uint8 (N, C, H, W), noise) -> x float32, the same shape, in [0, 1]; drawn: whether noise decides."""

    key: str
    name: str
    meaning: str
    of: Callable[[Tensor, torch.Generator | None], Tensor]
    drawn: bool = False


def _sampled(images: Tensor, noise: torch.Generator | None) -> Tensor:
    """1 with probability byte / 255. Source: Salakhutdinov and Murray 2008, https://doi.org/10.1145/1390156.1390266."""
    return (torch.rand(images.shape, generator=noise).to(images.device) * 255 < images).float()


def _dequantised(images: Tensor, noise: torch.Generator | None) -> Tensor:
    """(byte + u) / 256, u uniform: Uria, Murray and Larochelle 2013, https://arxiv.org/abs/1306.0186."""
    return (images + torch.rand(images.shape, generator=noise).to(images.device)) / 256


TREATMENTS: Mapping[str, Treatment] = MappingProxyType(
    {
        record.key: record
        for record in (
            Treatment(UNIT, "grey, 0 to 1", "Grey levels divided by 255.", lambda images, noise: to_unit(images)),
            Treatment(
                SYMMETRIC,
                "grey, −1 to 1",
                "Twice the grey level less 1, as input and as target; the output is a tanh. Errors are twice as large.",
                lambda images, noise: to_unit(images),
            ),
            Treatment(
                BINARY,
                "0 or 1, by a threshold",
                "A pixel is 1 from the middle grey on, else 0.",
                lambda images, noise: (images >= HALF).float(),
            ),
            Treatment(
                BINARY_SAMPLED,
                "0 or 1, a coin for each",
                "A coin is flipped for each pixel at each step: 1 with the probability of its grey level.",
                _sampled,
                True,
            ),
            Treatment(
                DEQUANTISED,
                "grey with noise below a level",
                "A random share of a grey level is added at each step, so that pixels have a density.",
                _dequantised,
                True,
            ),
        )
    }
)


def treated(pixels: str, images: Tensor, seed: int = 0, position: int = 0, purpose: str = "held-out pixels") -> Tensor:
    """Images (N, C, H, W) uint8 under that treatment: float32 in [0, 1], the same shape.

    Where it draws, seed, purpose and position say which draw it is.
    """
    treatment = TREATMENTS[pixels]
    return treatment.of(images, generator(seed, purpose, position) if treatment.drawn else None)


def check_fits(pixels: str, loss: Loss) -> None:
    """SettingError for a treatment that is none, or that the loss has no value for."""
    if pixels not in tuple(TREATMENTS):
        raise SettingError("pixels", pixels, f"one of {', '.join(TREATMENTS)} is accepted")
    if pixels == SYMMETRIC and not loss.of_difference:
        others = ", ".join(key for key in TREATMENTS if key != SYMMETRIC)
        raise SettingError(
            "pixels", pixels, f"{loss.name} has values for pixels from 0 to 1: one of {others} is accepted"
        )


def stretched(loss: Loss) -> Loss:
    """The loss of pixels and predictions brought from [0, 1] to [-1, 1]: 2 p - 1 = tanh(logits / 2).

    A sigma that the user gives or that is trained is meant there; one that was measured on [0, 1] is doubled.
    """
    measured = loss.origin("sigma") == "batch"

    def of_prediction(p: Tensor, x: Tensor, **parameters: Any) -> Tensor:
        if measured and parameters.get("sigma") is not None:
            parameters["sigma"] = 2 * parameters["sigma"]
        return loss.at(2 * p - 1, 2 * x - 1, **parameters)

    return replace(
        loss,
        pixelwise=lambda logits, x, **parameters: of_prediction(torch.sigmoid(logits), x, **parameters),
        of_prediction=of_prediction,
        derivatives=None,
        total=None,
    )


def misfit(pixels: str, loss: Loss) -> str:
    """In one sentence why this loss is no likelihood of such pixels; empty where it is one."""
    if pixels in loss.likelihood_of:
        return ""
    if not loss.likelihood_of:
        return f"{loss.name} is no likelihood of any pixels: its nats cannot be compared with those of others."
    if pixels in DISCRETE:
        return f"{loss.name} is a density, which pixels that are only 0 or 1 do not have: it can fall without end."
    if set(loss.likelihood_of) <= set(DISCRETE):
        return f"{loss.name} is the likelihood of pixels that are 0 or 1: of grey ones even a perfect copy costs nats, so its floor is not 0."
    return f"{loss.name} is a density on 0 to 1, and pixels from −1 to 1 lie outside."
