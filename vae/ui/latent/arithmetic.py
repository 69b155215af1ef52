"""Arithmetic: a start, minus one group, plus another, in the latent space and in pixel space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from vae.data import to_unit
from vae.latent.codes import direction, moved
from vae.study.factors import varying
from vae.study.opened import OpenedModel
from vae.ui.latent.image_picker import CHOSEN, gallery, index_of, name_of
from vae.ui.latent.state import GROUPS, STATE
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import plain, say

ALPHAS = torch.linspace(-1, 2, 13)
ONE = 8  # where alpha is 1
THUMBNAILS = 80
ORIGINS = {"class": "a class", "image": "the chosen image"}
SIGNS = ("plus", "minus")
COLOURS = {"plus": "#009E73", "minus": "#CC79A7"}
LASSO = "latent:lasso"  # indices of the points last lassoed on a map


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    origin, start, kind, minus, plus = st.columns([2, 2, 2, 2, 2], vertical_alignment="bottom")
    STATE.control(origin.selectbox, "origin", "Start from", list(ORIGINS), format_func=ORIGINS.get, filter_mode=None)
    chosen = _kind(first, kind)
    begin = _start(first, STATE.now("origin"), start)
    groups = GROUPED[chosen](first, {"minus": minus, "plus": plus})
    if empty := [name for name, members in groups.items() if not members]:
        say(f"Put at least one image into the group {' and into the group '.join(empty)}.", "info")
        return
    for i, model in enumerate(m for m in (first, second) if m):
        if model.config.dataset != first.config.dataset:
            say(f"{model.title} looks at other images, so these groups mean nothing to it.", "info")
            continue
        try:
            _rows(model, begin, groups, i)
        except IndexError:
            say(f"{model.title} has fewer test images than the groups speak of.", "info")


# ---- The start and the groups: indices of images -----------------------------------------------------------------------


def _kind(model: OpenedModel, column) -> str:
    """What the groups are: attributes only where some are known."""
    known = [kind for kind in GROUPS if kind != "attribute" or _attributes(model)]
    if STATE.now("groups") not in known:
        STATE.set(groups="classes")
    return STATE.control(
        column.selectbox,
        "groups",
        "Groups are",
        known,
        format_func=GROUPS.get,
        filter_mode=None,
        on_change=_kind_chosen,
    )


def _kind_chosen() -> None:
    """An attribute is added to one picture, unless the user says otherwise afterwards."""
    if STATE.now("groups") == "attribute":
        STATE.set(origin="image")


def _start(model: OpenedModel, origin: object, column) -> list[int]:
    """The images whose mean is where the arithmetic starts: a class, or one image."""
    if origin == "class" and model.encoded.labels is not None:
        return _class(model, "origin", "the mean of", column)
    index = index_of(model, STATE.now("image"))
    column.caption(name_of(model, index))
    pictures(
        gallery(model, range(min(20, len(model.encoded)))), "arithmetic.start", "Start image", columns=20, marks={index: CHOSEN}, width=800,
        on_pick=lambda picked: STATE.set(image=picked),
    )  # fmt: skip
    return [index]


def _class(model: OpenedModel, name: str, label: str, column) -> list[int]:
    if model.encoded.labels is None:
        say("This data set has no classes.", "info", column)
        return []
    known = range(len(model.classes))
    if STATE.now(f"{name}_class") not in known:
        STATE.set(**{f"{name}_class": known[-1] if name == "plus" else 0})  # or plus and minus would be the same
    chosen = STATE.control(
        column.selectbox, f"{name}_class", label, known, format_func=lambda i: str(model.classes[i]), filter_mode=None
    )
    return (model.encoded.labels == chosen).nonzero().flatten().tolist()


def _classes(model: OpenedModel, columns: Mapping) -> dict[str, list[int]]:
    return {name: _class(model, name, f"{name} the mean of", column) for name, column in columns.items()}


def _attributes(model: OpenedModel) -> dict[str, tuple[str, str, Tensor]]:
    """The factors that have two ends: name -> (word of the lowest level, word of the highest, values (n,))."""
    if model.factors is None:
        return {}
    known = varying(model.factors)
    return {
        factor.name: (factor.words[0], factor.words[-1], known.values[:, k])
        for k, factor in enumerate(known.known)
        if len(factor.words) == 2
    }


def _attribute(model: OpenedModel, columns: Mapping) -> dict[str, list[int]]:
    """The images at the highest level of a known factor against those at its lowest."""
    known = _attributes(model)
    if STATE.now("attribute") not in known:
        STATE.set(attribute=next(iter(known)))
    name = STATE.control(
        columns["minus"].selectbox, "attribute", "Add", list(known), filter_mode=None,
        format_func=lambda name: f"{name}: {known[name][1]}, from {known[name][0]}",
    )  # fmt: skip
    low, high, values = known[name]
    groups = {
        "plus": (values == values.max()).nonzero().flatten().tolist(),
        "minus": (values == values.min()).nonzero().flatten().tolist(),
    }
    say(
        f"The direction “{name}” is the mean code of {len(groups['plus']):,} test images that are “{high}” less that of "
        f"{len(groups['minus']):,} that are “{low}”."
    )
    return groups


def _ticked(model: OpenedModel, columns: Mapping) -> dict[str, list[int]]:
    """Click on pictures to put them into a group, and again to take them out."""
    ticked = {name: list(STATE.now(f"{name}_ticks")) for name in SIGNS}
    adding = columns["minus"].segmented_control(
        "A click puts it into", SIGNS, key="latent:adding", default="plus", required=True
    )
    columns["plus"].button("Clear both", on_click=STATE.set, kwargs={"plus_ticks": (), "minus_ticks": ()})
    n = min(THUMBNAILS, len(model.encoded))
    marks = {i: COLOURS[name] for name, members in ticked.items() for i in members if i < n}
    pictures(
        gallery(model, range(n)), "ticks", "Test images to tick", columns=20, marks=marks, width=900,
        on_pick=lambda index: _tick(adding, index),
    )  # fmt: skip
    st.caption(f"In the group plus (green): {len(ticked['plus'])}; minus (pink): {len(ticked['minus'])}.")
    return {name: [i for i in members if i < len(model.encoded)] for name, members in ticked.items()}


def _tick(name: str, index: int) -> None:
    held = [*STATE.now(f"{name}_ticks")]
    other = "minus" if name == "plus" else "plus"
    changed = [i for i in held if i != index] if index in held else [*held, index]
    rest = [i for i in STATE.now(f"{other}_ticks") if i != index]
    STATE.set(**{f"{name}_ticks": tuple(changed), f"{other}_ticks": tuple(rest)})


def _lassoed(model: OpenedModel, columns: Mapping) -> dict[str, list[int]]:
    """What was last lassoed on a map of this model against all others."""
    chosen = [i for i in st.session_state.get(LASSO, ()) if i < len(model.encoded)]
    st.caption(f"plus: the {len(chosen)} points lassoed on Embed; minus: all others. Draw a lasso there first.")
    rest = sorted(set(range(len(model.encoded))) - set(chosen))
    return {"plus": chosen, "minus": rest if chosen else []}


GROUPED: Mapping[str, Callable[[OpenedModel, Mapping], dict[str, list[int]]]] = MappingProxyType(
    {"classes": _classes, "attribute": _attribute, "ticked": _ticked, "lasso": _lassoed}
)


# ---- The rows --------------------------------------------------------------------------------------------------------


def _rows(model: OpenedModel, start: list[int], groups: dict[str, list[int]], i: int) -> None:
    """The start moved along the difference of the groups, in the latent space and in pixel space."""
    way = direction(model.encoded.mu, groups["plus"], groups["minus"])
    codes = moved(model.encoded.mu[start].mean(0), way, ALPHAS)
    rows = torch.cat((model.decode(codes), _in_pixels(model, start, groups)))
    st.caption(
        f"**{plain(model.title)}**: start + α (mean of plus − mean of minus), for α from −1 to 2. "
        f"α = 1 is the sum as written; the two groups' mean codes are {float(way.norm()):.2f} apart."
    )
    kind = "pixels" if model.images is not None else "pixels of reconstructions"
    pictures(
        rows, f"arithmetic.{i}", f"Arithmetic with {model.title}", columns=len(ALPHAS),
        above=[f"{alpha:g}".replace("-", "−") for alpha in ALPHAS.tolist()], beside=["latent space", kind], width=1000,
        marks={ONE: COLOURS["plus"], ONE + len(ALPHAS): COLOURS["plus"]},
    )  # fmt: skip


def _in_pixels(model: OpenedModel, start: list[int], groups: dict[str, list[int]]) -> Tensor:
    """The same sum on the pictures themselves, cut to the range of a pixel: uint8 (n, C, H, W)."""
    source = to_unit(model.images if model.images is not None else model.encoded.reconstructions)
    flat = source.flatten(1)
    sums = moved(flat[start].mean(0), direction(flat, groups["plus"], groups["minus"]), ALPHAS).clamp(0, 1)
    return torch.from_numpy((255 * sums).round().numpy().astype(np.uint8)).view(-1, *source.shape[1:])
