"""The image that every part of the Latent page looks at, and how another one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st
import torch
from torch import Tensor

from vae.data import find_source
from vae.figures.mosaics import packed
from vae.study.opened import OpenedModel
from vae.ui.latent.state import STATE
from vae.ui.shared import datasets
from vae.ui.shared.components import atlas
from vae.ui.shared.pictures import pictures

ROW = 20  # images to choose from at a glance
CHOSEN = "#D55E00"


def index_of(model: OpenedModel, index: object) -> int:
    """An index as this model has it: one that came with another model may lie beyond its last image."""
    return int(index) if int(index) < len(model.encoded) else 0


def code_of(model: OpenedModel, index: object) -> Tensor:
    """mu (Z,) of that test image."""
    return model.encoded.mu[index_of(model, index)]


def gallery(model: OpenedModel, indices: Sequence[int]) -> Tensor:
    """Those test images, or what the model makes of them where they are not here: uint8 (n, C, H, W)."""
    return (model.images if model.images is not None else model.encoded.reconstructions)[list(indices)]


def name_of(model: OpenedModel, index: int) -> str:
    """ "image 17, a 3" """
    labels = model.encoded.labels
    return f"image {index}" + ("" if labels is None else f", {model.classes[int(labels[index])]}")


def picker(model: OpenedModel, field: str, label: str, key: str, n: int = ROW) -> int:
    """A row of test images to click, of one class if wanted, and a number for any other one; returns the index chosen."""
    index = index_of(model, STATE.now(field))
    left, middle, right = st.columns([6, 1, 1], vertical_alignment="center")
    among = _of_class(model, middle, field, f"{label}, of class", f"{key}.class")
    first = n * (among.index(index) // n) if index in among else 0  # the row that has the chosen one
    shown = among[first : first + n]
    with left:
        kind = "" if model.images is not None else " (reconstructions: the images are not on this machine)"
        st.caption(f"{label}: {name_of(model, index)}{kind}")
        marks = {shown.index(index): CHOSEN} if index in shown else {}
        pictures(
            gallery(model, shown), key, f"{label}: test images", columns=n, marks=marks, width=900,
            on_pick=lambda picked: STATE.set(**{field: shown[picked]}),
        )  # fmt: skip
    STATE.control(
        right.number_input, field, f"{label}, number", 0, len(model.encoded) - 1, label_visibility="collapsed"
    )
    return index


def _of_class(model: OpenedModel, place, field: str, label: str, key: str) -> list[int]:
    """The test images of the class that is asked for: of all, unless one is. Whoever asks for one wants an image of it."""
    labels = model.encoded.labels
    if labels is None or not len(model.classes):
        return list(range(len(model.encoded)))
    there = sorted(set(labels.tolist()))
    names = {str(i): model.classes[i] for i in there}
    key = f"{key}.{model.config.dataset}"

    def take_first() -> None:
        if (wanted := st.session_state[key]) and int(labels[index_of(model, STATE.now(field))]) != int(wanted):
            STATE.set(**{field: labels.tolist().index(int(wanted))})

    wanted = place.selectbox(
        label, ["", *names], format_func=lambda i: names.get(i, "all classes"), key=key, on_change=take_first,
        label_visibility="collapsed", filter_mode=None, persist_state="session",
    )  # fmt: skip
    return [i for i, of in enumerate(labels.tolist()) if wanted in ("", str(of))]


def need_images(model: OpenedModel, for_what: str) -> None:
    """Say that a part needs images that are not here, and offer to fetch them."""
    source = find_source(model.config.dataset)
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.caption(
        f"{for_what} needs the images of {source.title}, which do not ship with the app: about {source.megabytes} MB "
        "from the internet."
    )
    with right:
        datasets.offer(source)


def nearest(points: Tensor, at: Sequence[float] | Tensor) -> int:
    """The index of the point (n, d) nearest to at (d,)."""
    return int((points - torch.as_tensor(at, dtype=points.dtype)).square().sum(1).argmin())


def thumbnails(model: OpenedModel) -> str:
    """Hand the model's test images and their reconstructions to the browser; the name that figures know them by."""
    name, columns = thumbnail_name(model), 50
    pages = {} if model.images is None else {"image": _page(model, "images", columns)}
    pages["reconstruction"] = _page(model, "reconstructions", columns)
    atlas(name, pages, columns, -(-len(model.encoded) // columns))
    return name


def thumbnail_name(model: OpenedModel) -> str:
    return f"{model.key}.{id(model.encoded):x}"


@lru_cache(maxsize=16)
def _page(model: OpenedModel, which: str, columns: int) -> bytes:
    return packed((model.images if which == "images" else model.encoded.reconstructions).numpy(), columns)
