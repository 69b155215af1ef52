"""Walk: from one image to another, straight and round the origin, with the cross-fade of the pictures beneath."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from vae.data import to_unit
from vae.export.animation import MOST_FRAMES, gif
from vae.latent.codes import cross_fade, lerp, slerp
from vae.study.opened import OpenedModel
from vae.ui.latent.image_picker import code_of, index_of, picker
from vae.ui.shared.downloads import download_button
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import say

STEPS = 11
WAYS = {"straight": lerp, "round the origin": slerp}


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    start = picker(first, "image", "From", "walk.from")
    end = picker(first, "other", "To", "walk.to")
    t = torch.linspace(0, 1, STEPS)
    shown = [model for model in (first, second) if model]
    rows = [row for model in shown for row in _rows(model, start, end, t)]
    beside = [name for model in shown for name in _names(model, second is not None)]
    if len({row.shape for row in rows}) > 1:
        say("The two models draw pictures of different sizes: each has its own rows.", "info")
        for i in range(0, len(rows), 3):
            _table(rows[i : i + 3], beside[i : i + 3], f"walk.rows.{i}", t)
        return
    _table(rows, beside, "walk.rows", t)
    download_button(
        "Animation", data=partial(_animation, shown, start, end), file_name="walk.gif", mime="image/gif", key="walk.gif",
        icon=":material/animation:", help="The walk there and back as an animated GIF, the ways side by side.",
    )  # fmt: skip
    distance = (code_of(first, start) - code_of(first, end)).norm()
    kind = "images" if first.images is not None else "reconstructions, as the images are not on this machine"
    st.caption(
        f"The two codes are {float(distance):.2f} apart. A walk through the latent space passes through pictures that "
        f"the decoder finds plausible; the cross-fade of the {kind} lays one over the other."
    )


def _rows(model: OpenedModel, start: int, end: int, t: Tensor) -> list[Tensor]:
    """Each way from one image to the other, and the cross-fade: pictures uint8 (n, C, H, W) for t (n,)."""
    ways = [model.decode(way(code_of(model, start), code_of(model, end), t)) for way in WAYS.values()]
    return [*ways, faded(model, index_of(model, start), index_of(model, end), t)]


def _names(model: OpenedModel, beside: bool) -> list[str]:
    ways = [f"{model.title}: {name}" if beside else f"latent space, {name}" for name in WAYS]
    return [*ways, "pixels, cross-fade"]


def _animation(shown: list[OpenedModel], start: int, end: int) -> bytes:
    there = torch.linspace(0, 1, MOST_FRAMES // 2)
    t = torch.cat((there, there.flip(0)))
    rows = [row.numpy() for model in shown for row in _rows(model, start, end, t)]
    frames = [[row[k : k + 1] for row in rows] for k in range(len(t))]
    titles = [name for model in shown for name in _names(model, len(shown) > 1)]
    return gif(frames, [f"{100 * share:.0f} % of the way" for share in t.tolist()], titles, across=1)


def _table(rows: list[Tensor], beside: list[str], key: str, t: Tensor) -> None:
    above = [f"{100 * step:.0f} %" for step in t.tolist()]
    pictures(torch.cat(rows), key, "Walks between two images", columns=STEPS, above=above, beside=beside, width=980)


def faded(model: OpenedModel, start: int, end: int, t: Tensor) -> Tensor:
    """The cross-fade of two test images, uint8 (n, C, H, W)."""
    a, b = (to_unit(model.shown_input(index)[0]) for index in (start, end))
    return torch.from_numpy((255 * cross_fade(a, b, t)).round().numpy().astype(np.uint8))
