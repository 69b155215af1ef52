"""Arithmetic: a start, minus one group, plus another, in the latent space and in pixel space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from vae.data import to_unit
from vae.errors import SettingError
from vae.latent import direction, moved
from vae.ui.latent.chosen import CHOSEN, gallery, index_of
from vae.ui.latent.look import LOOK
from vae.ui.latent.models import Opened
from vae.ui.look import Values
from vae.ui.pictures import pictures
from vae.ui.words import plain

ALPHAS = torch.linspace(-1, 2, 13)
ONE = 8  # where alpha is 1
THUMBNAILS = 80
KINDS = {"classes": "classes", "ticked": "ticked thumbnails", "lasso": "lassoed points"}
GROUPS = ("plus", "minus")
COLOURS = {"plus": "#009E73", "minus": "#CC79A7"}
LASSO = "latent:lasso"  # indices of the points last lassoed on a map


def show(first: Opened, second: Opened | None, look: Values) -> None:
    groups = _groups(first, look)
    start = _start(first, look)
    try:
        for i, model in enumerate(m for m in (first, second) if m):
            _rows(model, start, groups, look, i)
    except SettingError as reason:
        st.info(plain(reason))


# ---- The groups and the start ----------------------------------------------------------------------------------------


def _groups(model: Opened, look: Values) -> dict[str, list[int]]:
    """Indices of the images in each of the two groups."""
    kind, *columns = st.columns([2.2, 3, 3], vertical_alignment="bottom")
    kind.selectbox("Groups are made of", list(KINDS), format_func=KINDS.get, key=LOOK.key("groups"), filter_mode=None)
    if look["groups"] == "classes":
        return {name: _class(model, name, column) for name, column in zip(GROUPS, columns)}
    if look["groups"] == "ticked":
        return _ticked(model, columns)
    return _lassoed(model, columns)


def _class(model: Opened, name: str, column) -> list[int]:
    if model.encoded.labels is None:
        column.info("This data set has no classes.")
        return []
    key = LOOK.key(f"{name}_class")
    if not int(st.session_state[key]) < len(model.classes):
        LOOK.set(**{f"{name}_class": 0})
    chosen = column.selectbox(
        f"{name} the mean of", range(len(model.classes)), format_func=lambda i: str(model.classes[i]), key=key,
        filter_mode=None,
    )  # fmt: skip
    return (model.encoded.labels == chosen).nonzero().flatten().tolist()


def _ticked(model: Opened, columns: Sequence) -> dict[str, list[int]]:
    """Click on pictures to put them into a group, and again to take them out."""
    ticked = {name: list(st.session_state[LOOK.key(f"{name}_ticks")]) for name in GROUPS}
    adding = columns[0].segmented_control(
        "A click puts it into the group", GROUPS, key="latent:adding", default="plus", required=True
    )
    columns[1].button("Clear both", on_click=LOOK.set, kwargs={"plus_ticks": (), "minus_ticks": ()})
    n = min(THUMBNAILS, len(model.encoded))
    marks = {i: COLOURS[name] for name, members in ticked.items() for i in members if i < n}
    pictures(
        gallery(model, n), "ticks", "Test images to tick", columns=20, marks=marks, width=900,
        on_pick=lambda index: _tick(adding, index),
    )  # fmt: skip
    st.caption(f"In the group plus (green): {len(ticked['plus'])}; minus (pink): {len(ticked['minus'])}.")
    return {name: [i for i in members if i < len(model.encoded)] for name, members in ticked.items()}


def _tick(name: str, index: int) -> None:
    held = [*st.session_state[LOOK.key(f"{name}_ticks")]]
    other = "minus" if name == "plus" else "plus"
    changed = [i for i in held if i != index] if index in held else [*held, index]
    rest = [i for i in st.session_state[LOOK.key(f"{other}_ticks")] if i != index]
    LOOK.set(**{f"{name}_ticks": tuple(changed), f"{other}_ticks": tuple(rest)})


def _lassoed(model: Opened, columns: Sequence) -> dict[str, list[int]]:
    """What was last lassoed on a map of this model against all others."""
    chosen = [i for i in st.session_state.get(LASSO, ()) if i < len(model.encoded)]
    columns[0].caption(f"plus: the {len(chosen)} points lassoed on Embed; minus: all others. Draw a lasso there first.")
    rest = sorted(set(range(len(model.encoded))) - set(chosen))
    return {"plus": chosen, "minus": rest if chosen else []}


def _start(model: Opened, look: Values) -> list[int]:
    """The images whose mean is where the arithmetic starts: one image, or a class."""
    left, right = st.columns([2.2, 6], vertical_alignment="bottom")
    left.selectbox(
        "Start from", ["class", "image"], format_func={"class": "the mean of a class", "image": "the chosen image"}.get,
        key=LOOK.key("origin"), filter_mode=None,
    )  # fmt: skip
    if look["origin"] == "class" and model.encoded.labels is not None:
        with right:
            return _class(model, "origin", st.container())
    index = index_of(model, look["image"])
    with right:
        pictures(
            gallery(model, 20), "arithmetic.start", "Start image", columns=20, marks={index: CHOSEN}, width=800,
            on_pick=lambda picked: LOOK.set(image=picked),
        )  # fmt: skip
    return [index]


# ---- The rows --------------------------------------------------------------------------------------------------------


def _rows(model: Opened, start: list[int], groups: dict[str, list[int]], look: Values, i: int) -> None:
    """The start moved along the difference of the groups, in the latent space and in pixel space."""
    way = direction(model.encoded.mu, groups["plus"], groups["minus"])
    codes = moved(model.encoded.mu[start].mean(0), way, ALPHAS)
    rows = torch.cat((model.decode(codes), _in_pixels(model, start, groups)))
    st.caption(
        f"**{model.title}**: start + α (mean of plus − mean of minus), for α from −1 to 2. "
        f"α = 1 is the sum as written; the two groups' mean codes are {float(way.norm()):.2f} apart."
    )
    kind = "pixels" if model.images is not None else "pixels of reconstructions"
    pictures(
        rows, f"arithmetic.{i}", f"Arithmetic with {model.title}", columns=len(ALPHAS),
        above=[f"{alpha:g}".replace("-", "−") for alpha in ALPHAS.tolist()], beside=["latent space", kind], width=1000,
        marks={ONE: COLOURS["plus"], ONE + len(ALPHAS): COLOURS["plus"]},
    )  # fmt: skip


def _in_pixels(model: Opened, start: list[int], groups: dict[str, list[int]]) -> Tensor:
    """The same sum on the pictures themselves, cut to the range of a pixel: uint8 (n, C, H, W)."""
    source = to_unit(model.images if model.images is not None else model.encoded.reconstructions)
    flat = source.flatten(1)
    sums = moved(flat[start].mean(0), direction(flat, groups["plus"], groups["minus"]), ALPHAS).clamp(0, 1)
    return torch.from_numpy((255 * sums).round().numpy().astype(np.uint8)).view(-1, *source.shape[1:])
