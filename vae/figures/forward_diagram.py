"""The pass of one image through a model as plain data for a diagram: charts, pictures, layers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from vae.figures.kl import TERM_COLOURS
from vae.figures.mosaics import strip
from vae.figures.per_pixel import signed
from vae.figures.plot import Part
from vae.figures.theme import colour_of
from vae.latent.forward_pass import ForwardPass
from vae.study.opened import OpenedModel
from vae.training.networks import VAE, Layer, layers_of

SHOWN = 20  # latent dimensions
SPAN = 3.0  # what a slider adds to z, at most
LEAST_WIDTH = 112  # pixels of a picture
GREY = "#8a8f98"


def content(model: OpenedModel, forward: ForwardPass, drags: Sequence[tuple[int, float]]) -> Part:
    """All but the picture that goes in and those that come out. drags: (dimension, what is added to z)."""
    n = min(SHOWN, len(forward.mu))
    more = f", first {n} of {len(forward.mu)}" if n < len(forward.mu) else ""
    kl, own = TERM_COLOURS["kl"], colour_of(model.config)
    layers = _layers(model.model, model.config.shape)
    return {
        "colour": own,
        "dims": [f"dimension {i}" for i in range(n)],
        "code": [
            _bars("μ", forward.mu, n, f"{_range(forward.mu)}{more}", own),
            _bars("log σ²", forward.log_var, n, _range(forward.log_var), GREY),
            _bars("KL", forward.kl_per_dim, n, f"{forward.kl:.2f} nats in all", kl),
        ],
        "eps": [_bars("ε ~ N(0, I)", forward.eps, n, _range(forward.eps), GREY, span=SPAN)],
        "still": not bool(forward.eps.any()),
        "z": [_bars("bars: z, lines: μ", forward.z, n, _range(forward.z), own, span=_reach(forward), marks=forward.mu)],
        "drags": {
            "span": max(SPAN, *(abs(value) for _, value in drags)),  # a link may ask for more
            "sliders": [{"name": f"z{_subscript(dim)}", "value": value} for dim, value in drags],
        },
        "logits": _picture_of_logits(forward.logits.numpy()),
        "nets": {part: f"{_count(layers, part):,} parameters" for part in ("encoder", "decoder")},
        "layers": {
            "rows": [{"part": _part(layer), "cells": _cells(layer)} for layer in layers],
            "said": f"The architecture: {sum(layer.parameters for layer in layers):,} parameters, layer by layer",
        },
    }


# ---- Charts and pictures ---------------------------------------------------------------------------------------------


def _bars(
    name: str,
    values: ArrayLike,
    n: int,
    note: str,
    colour: str,
    span: float | None = None,
    marks: ArrayLike | None = None,
) -> Part:
    found = {"name": name, "values": np.asarray(values)[:n].tolist(), "note": note, "colour": colour, "span": span}
    return found | ({} if marks is None else {"marks": np.asarray(marks)[:n].tolist()})


def _reach(forward: ForwardPass) -> float:
    """What the chart of z spans: z and mu share it, so that one can be read against the other."""
    return max(SPAN, float(forward.z.abs().max()), float(forward.mu.abs().max()))


def _range(values: ArrayLike) -> str:
    found = np.asarray(values)
    if found.size == 1:
        return _number(found.item())
    return f"{_number(found.min())} to {_number(found.max())}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def picture(image: ArrayLike | None, caption: str, alt: str) -> Part:
    png = None if image is None else base64.b64encode(strip(np.asarray(image)[None], 1, LEAST_WIDTH)).decode()
    return {"png": png, "caption": caption, "alt": alt}


def _picture_of_logits(logits: np.ndarray) -> Part:
    mean = ", mean of channels" if len(logits) > 1 else ""
    caption = f"log odds{mean}, {_range(logits.mean(0))}; orange: above 0"
    return picture(signed(logits), caption, f"Logits: {caption}")


def said_of_p(model: OpenedModel, forward: ForwardPass) -> str:
    low, high = (float(level) / 255 for level in (forward.p.min(), forward.p.max()))
    what = "mean of p(x|z)" if model.config.loss == "continuous_bernoulli" else "sigmoid of the logits"
    return f"{what}, {low:.2f} to {high:.2f}"


# ---- The layers ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _layers(model: VAE, shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    return layers_of(model, shape)


def _part(layer: Layer) -> str:
    return "encoder" if layer.name.split(".")[0] in ("encoder", "mu", "log_var") else "decoder"


def _count(layers: Sequence[Layer], part: str) -> int:
    return sum(layer.parameters for layer in layers if _part(layer) == part)


def _cells(layer: Layer) -> list[str]:
    return [layer.name, layer.kind, " × ".join(map(str, layer.output)) or "one number", f"{layer.parameters:,}"]


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
