"""Traverse: one dimension at a time, as strips and as live sliders."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st
import torch
from torch import Tensor

from vae.export.animation import MOST_FRAMES, gif
from vae.figures.mosaics import difference
from vae.figures.theme import colour_of
from vae.latent.codes import UNITS, Walk, order_by_kl, scale_of
from vae.study.opened import OpenedModel
from vae.ui.latent.image_picker import code_of, picker
from vae.ui.latent.state import STARTS, STATE
from vae.ui.shared.downloads import download_button
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import plain

STEPS = 11
LARGE = 112  # pixels
ANIMATED = 8  # dimensions
SLIDERS = 8  # fit beside the strips on a projector; more open below


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    """Strips for the dimensions with the most KL; beside the second model's on the same grid, and the difference."""
    rows = min(int(state["rows"]), max(m.latent_dim for m in (first, second) if m))
    _controls(first, second)
    if state["start"] == "image":
        picker(first, "image", "Start", "traverse.pick")
    shown = [(model, _walk(model, state, rows)) for model in (first, second) if model]
    left, right = st.columns([7, 3], gap="medium")
    with left:
        _strips(shown, state)
    with right:
        _now(shown)
        _sliders(shown[0][1], state)


def _walk(model: OpenedModel, state: Values, rows: int) -> Walk:
    """Where the sliders of this model stand: slider k moves along its k-th most used dimension."""
    dims = order_by_kl(model.health.kl_per_dim)[:rows]
    start = torch.zeros(model.latent_dim) if state["start"] == "prior" else code_of(model, state["image"])
    moves = (*state["moves"], *[0.0] * len(dims))[: len(dims)]
    return Walk(start, dims, moves, scale_of(state["unit"], model.latent_dim, model.encoded.mu))


def _controls(first: OpenedModel, second: OpenedModel | None) -> None:
    start, unit, span, count, reset = st.columns([2.4, 2.6, 2, 1.6, 1.2], vertical_alignment="bottom")
    STATE.control(
        start.segmented_control,
        "start",
        "Start from",
        list(STARTS),
        format_func=STARTS.get,
        required=True,
        width="stretch",
    )
    STATE.control(
        unit.selectbox, "unit", "A step is measured in", list(UNITS), format_func=lambda u: UNITS[u].label,
        filter_mode=None,
        help="The prior has standard deviation 1 in every dimension. The codes' own may be much smaller or larger.",
    )  # fmt: skip
    STATE.control(span.slider, "span", "Range, ± standard deviations", 0.5, 6.0, step=0.5, on_change=_still)
    most = max(m.latent_dim for m in (first, second) if m)
    STATE.control(count.number_input, "rows", "Dimensions shown", 1, max(most, int(STATE.now("rows"))))
    reset.button("Reset", on_click=_still, width="stretch", help="All sliders back to the start.")


def _still() -> None:
    STATE.set(moves=())


def _strips(shown: list[tuple[OpenedModel, Walk]], state: Values) -> None:
    steps = torch.linspace(-state["span"], state["span"], STEPS)
    drawn = [(model, walk, model.decode(walk.strips(steps).flatten(0, 1))) for model, walk in shown]
    above = [f"{step:+.1f}".replace("-", "−") if abs(step) > 1e-6 else "0" for step in steps.tolist()]
    tiles = st.columns(len(drawn), gap="small")
    for i, (tile, (model, walk, seen)) in enumerate(zip(tiles, drawn)):
        beside = [f"z{_subscript(dim)} · {model.health.kl_per_dim[dim]:.1f}" for dim in walk.dims]
        with tile:
            st.caption(f"**{plain(model.title)}**. Rows: dimension · its KL in nats. Columns: steps from the start.")
            pictures(
                seen, f"strips.{i}", f"Traversals of {model.title}", columns=STEPS, above=above, beside=beside,
                marks=_marks(walk, steps, colour_of(model.config)), width=540,
                on_pick=partial(_picked, steps),
            )  # fmt: skip
            _told(model, walk)
            download_button(
                "Animation", data=partial(_animation, model, walk, state), file_name="traversal.gif", mime="image/gif",
                key=f"strips.gif.{i}", icon=":material/animation:",
                help=f"Up to {ANIMATED} dimensions moving there and back, each by itself, as an animated GIF.",
            )  # fmt: skip
    if len(drawn) == 2 and drawn[0][2].shape == drawn[1][2].shape:
        st.caption(
            "Difference: :orange[**orange**] where the first is brighter, :violet[**purple**] where the second is."
        )
        change = difference(drawn[0][2].numpy(), drawn[1][2].numpy())
        pictures(change, "strips.difference", "Difference of the two models", columns=STEPS, width=340)
    elif len(drawn) == 2:
        st.caption("The two models' pictures differ in size or in the number of rows: no difference is drawn.")


def _told(model: OpenedModel, walk: Walk) -> None:
    """Which factor each dimension on show tells most, where factors are known."""
    if model.factors is None:
        return
    named = [
        f"z{_subscript(dim)}: {plain(told.factor)} ({_share(told.share)})"
        for dim in walk.dims
        if (told := model.told[dim])
    ]
    st.caption(
        f"Each dimension and what it moves most: {', '.join(named)}. In brackets the share of the factor's entropy that the "
        "dimension tells, above what chance tells; below .1, or where a dimension is not used, none is named."
        if named
        else "None of these dimensions is used and tells as much as .1 of the entropy of any known factor."
    )


def _share(value: float) -> str:
    """ ".41" """
    return f"{value:.2f}".removeprefix("0")


def _animation(model: OpenedModel, walk: Walk, state: Values) -> bytes:
    """The dimensions with the most KL side by side, each from one end of the range to the other and back."""
    there = torch.linspace(-state["span"], state["span"], MOST_FRAMES // 2)
    steps = torch.cat((there, there.flip(0)))
    few = replace(walk, dims=walk.dims[:ANIMATED], moves=walk.moves[:ANIMATED])
    seen = model.decode(few.strips(steps).flatten(0, 1)).unflatten(0, (len(few.dims), len(steps))).numpy()
    frames = [[strip[k : k + 1] for strip in seen] for k in range(len(steps))]
    captions = [f"one dimension at a time, {step:+.1f} {UNITS[state['unit']].label}" for step in steps.tolist()]
    return gif(frames, captions, [f"z{dim}" for dim in few.dims], across=1)


def _marks(walk: Walk, steps: Tensor, colour: str) -> dict[int, str]:
    """In each row the picture nearest to where its slider stands."""
    nearest = [int((steps - move).abs().argmin()) for move in walk.moves]
    return {rank * STEPS + column: colour for rank, column in enumerate(nearest)}


def _picked(steps: Tensor, index: int) -> None:
    _move(index // STEPS, float(steps[index % STEPS]))


def _move(rank: int, step: float) -> None:
    moves = [*STATE.now("moves")]
    moves += [0.0] * (rank + 1 - len(moves))
    moves[rank] = round(step, 2)
    STATE.set(moves=tuple(moves))


def _now(shown: list[tuple[OpenedModel, Walk]]) -> None:
    """What the sliders' code decodes to, large."""
    for i, (tile, (model, walk)) in enumerate(zip(st.columns(2), shown)):
        with tile:
            seen = model.decode(walk.here()[None])
            pictures(seen, f"now.{i}", f"Decoded by {model.title}", columns=1, width=LARGE)


def _sliders(walk: Walk, state: Values) -> None:
    visible = st.columns(2, gap="small")
    rest = st.expander(f"{len(walk.dims) - SLIDERS} more").columns(2) if len(walk.dims) > SLIDERS else ()
    for rank, dim in enumerate(walk.dims):
        key = STATE.key(f"move.{rank}")
        if st.session_state.get(key) != walk.moves[rank]:  # said again, it would undo what the user did meanwhile
            st.session_state[key] = float(walk.moves[rank])
        span = max(float(state["span"]), abs(walk.moves[rank]))
        column = (visible if rank < SLIDERS else rest)[rank % 2]
        label = f"z{_subscript(dim)}"
        STATE.control(column.slider, f"move.{rank}", label, -span, span, step=0.05, on_change=_slid, args=(rank,))


def _slid(rank: int) -> None:
    _move(rank, STATE.now(f"move.{rank}"))


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
