"""Map: a plane through the latent space, decoded cell by cell, with the codes of test images on it; and prior samples."""

from __future__ import annotations

import streamlit as st
import torch

from vae.figures.scatter import Colouring, Mark, scattered
from vae.latent.codes import Plane, order_by_kl, plane_of_dimensions, plane_of_pca, prior_samples
from vae.study.opened import OpenedModel
from vae.ui.latent.drawing import code_of_drawing
from vae.ui.latent.image_picker import CHOSEN, index_of, name_of, nearest, thumbnails
from vae.ui.latent.state import STATE
from vae.ui.shared.components import figure
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import plain

PLANES = {"dimensions": "two dimensions", "pca": "the codes' two principal axes"}
N_SAMPLES = 24
GRID_WIDTH, GRID_WIDTH_BELOW_CONTROLS = 430, 350  # pixels: they fit a projector


def plane_of(model: OpenedModel, state: Values) -> Plane:
    """The plane that is decoded: for two dimensions all of the latent space."""
    if state["plane"] == "pca" and model.latent_dim > 1:
        return plane_of_pca(model.encoded.mu)
    order = order_by_kl(model.health.kl_per_dim)
    ranks = [min(int(state[name]), model.latent_dim) - 1 for name in ("first", "second")]
    i, j = sorted(order[rank] for rank in ranks) if model.latent_dim == 2 else (order[rank] for rank in ranks)
    return plane_of_dimensions(torch.zeros(model.latent_dim), i, j)


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    if first.latent_dim > 2:
        _plane_controls(state)
    shown = [model for model in (first, second) if model]
    columns = st.columns(2, gap="medium")
    for i, (model, column) in enumerate(zip(shown, columns)):
        with column:
            _grid(model, plane_of(model, state), int(state["cells"]), f"grid.{i}")
    with columns[1] if second is None else st.container():
        for tile, (i, model) in zip(st.columns(len(shown)), enumerate(shown)):
            with tile:
                _codes(model, plane_of(model, state), state, f"codes.{i}")
    _samples(shown, state)


def _plane_controls(state: Values) -> None:
    plane, one, other, _ = st.columns([2.4, 1.6, 1.6, 3], vertical_alignment="bottom")
    STATE.control(
        plane.selectbox, "plane", "Plane through", list(PLANES), format_func=PLANES.get, filter_mode=None,
        help="Either through 0 along two dimensions, or the plane in which the codes spread most.",
    )  # fmt: skip
    for column, field, label in ((one, "first", "Across: rank by KL"), (other, "second", "Up: rank by KL")):
        STATE.control(
            column.number_input, field, label, 1, 256, disabled=state["plane"] == "pca",
            help="1 is the dimension with the most KL.",
        )  # fmt: skip


def _grid(model: OpenedModel, plane: Plane, cells: int, key: str) -> None:
    at = plane.grid(cells)
    st.caption(
        f"**{plain(model.title)}**: each cell holds the same share of the prior. Click one: the nearest test image is chosen."
    )
    pictures(
        model.decode(plane.points(at)),
        key,
        f"Pictures on a plane of the latent space of {model.title}",
        columns=cells,
        width=GRID_WIDTH if model.latent_dim == 2 else GRID_WIDTH_BELOW_CONTROLS,
        on_pick=lambda cell: _choose_nearest(model, plane, at[cell]),
    )


def _choose_nearest(model: OpenedModel, plane: Plane, at: torch.Tensor) -> None:
    STATE.set(image=nearest(plane.coordinates(model.encoded.mu), at))


def _codes(model: OpenedModel, plane: Plane, state: Values, key: str) -> None:
    """The codes on that plane, and the chosen image among them."""
    encoded, index = model.encoded, index_of(model, state["image"])
    points = plane.coordinates(encoded.mu)
    classes = None if encoded.labels is None else Colouring("class", encoded.labels.numpy(), model.classes)
    marks = [Mark(*points[index].tolist(), name_of(model, index), colour=CHOSEN)]
    if (code := code_of_drawing(model)) is not None:
        marks.append(Mark(*plane.coordinates(code[None])[0].tolist(), "your drawing", "star", CHOSEN))
    drawn = scattered(
        points.numpy(),
        classes,
        "Codes μ of test images; dotted: 95 % of the prior",
        marks=marks,
        prior=True,
        height=430,
    )
    label = f"Codes of {len(encoded)} test images of {model.title}"
    figure(drawn, key, label, on_click=_clicked, thumbnails=thumbnails(model))
    _pair(model, index)


def _clicked(point) -> None:
    if point["curveNumber"] == 0:
        STATE.set(image=int(point["customdata"]))


def _pair(model: OpenedModel, index: int) -> None:
    """The chosen image and its reconstruction, side by side."""
    seen, own = model.shown_input(index)
    both = torch.stack((seen, model.encoded.reconstructions[index])) if own else seen[None]
    above = ["image", "reconstruction"] if own else ["reconstruction"]
    st.caption(f"Chosen: {name_of(model, index)}, reconstruction term {float(model.encoded.losses[index]):.1f} nats")
    pictures(both, f"pair.{model.key}", f"Test image {index}", columns=2, above=above, width=130 * len(both))


def _samples(shown: list[OpenedModel], state: Values) -> None:
    cells, seed, _ = st.columns([2, 2, 5])
    STATE.control(cells.slider, "cells", "Pictures a side of the map", 3, 25)
    STATE.control(seed.number_input, "seed", "Seed of the samples", 0, 2**31 - 1)
    for i, model in enumerate(shown):
        st.caption(f"Samples of **{plain(model.title)}**: z drawn from N(0, I) with this seed, decoded.")
        seen = model.decode(prior_samples(N_SAMPLES, model.latent_dim, int(state["seed"])))
        pictures(seen, f"samples.{i}", f"Prior samples of {model.title}", columns=N_SAMPLES // 2, width=720)
