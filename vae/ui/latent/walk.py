"""Walk: from one image to another, straight and round the origin, with the cross-fade of the pictures beneath."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from vae.data import to_unit
from vae.latent.codes import cross_fade, lerp, slerp
from vae.study.opened import OpenedModel
from vae.ui.latent.image_picker import code_of, index_of, picker
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import say

STEPS = 11
WAYS = {"straight": lerp, "round the origin": slerp}


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    start = picker(first, "image", "From", "walk.from")
    end = picker(first, "other", "To", "walk.to")
    t = torch.linspace(0, 1, STEPS)
    rows, beside = [], []
    shown = [model for model in (first, second) if model]
    for model in shown:
        for name, way in WAYS.items():
            rows.append(model.decode(way(code_of(model, start), code_of(model, end), t)))
            beside.append(f"{model.title}: {name}" if second else f"latent space, {name}")
        rows.append(faded(model, index_of(model, start), index_of(model, end), t))
        beside.append("pixels, cross-fade")
    if len({row.shape for row in rows}) > 1:
        say("The two models draw pictures of different sizes: each has its own rows.", "info")
        for i in range(0, len(rows), 3):
            _table(rows[i : i + 3], beside[i : i + 3], f"walk.rows.{i}", t)
        return
    _table(rows, beside, "walk.rows", t)
    distance = (code_of(first, start) - code_of(first, end)).norm()
    kind = "images" if first.images is not None else "reconstructions, as the images are not on this machine"
    st.caption(
        f"The two codes are {float(distance):.2f} apart. A walk through the latent space passes through pictures that "
        f"the decoder finds plausible; the cross-fade of the {kind} lays one over the other."
    )


def _table(rows: list[Tensor], beside: list[str], key: str, t: Tensor) -> None:
    above = [f"{100 * step:.0f} %" for step in t.tolist()]
    pictures(torch.cat(rows), key, "Walks between two images", columns=STEPS, above=above, beside=beside, width=980)


def faded(model: OpenedModel, start: int, end: int, t: Tensor) -> Tensor:
    """The cross-fade of two test images, uint8 (n, C, H, W)."""
    a, b = (to_unit(model.shown_input(index)[0]) for index in (start, end))
    return torch.from_numpy((255 * cross_fade(a, b, t)).round().numpy().astype(np.uint8))
