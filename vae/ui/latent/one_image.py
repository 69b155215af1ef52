"""One image: its whole way through the model, step by step, and its loss assembled term by term under two losses."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from vae.latent.codes import order_by_kl
from vae.latent.drawing import FORMS
from vae.latent.forward_pass import ForwardPass, decoded, forward_pass, noise
from vae.losses.table import LOSSES
from vae.study.opened import OpenedModel
from vae.ui.latent.diagram import diagram
from vae.ui.latent.drawing import canvas, drawn
from vae.ui.latent.image_picker import index_of, name_of, need_images, picker
from vae.ui.latent.state import SOURCES, STATE
from vae.ui.latent.terms import terms
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import plain, say

DRAGS = 3  # dimensions of z that can be moved by hand: those with the most KL
MOST_DRAWS = 9999


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    """The picture, the diagram, the terms."""
    x, name = _input(first, state)
    losses = (_other_loss(first),)
    moves = _moves(first, state)
    forward = _pass(first, x, state, moves, losses)
    if broken := _broken(forward):
        say(broken, "error")
        return
    other = _beside(first, second, x, state, losses)
    if other and _broken(other[1]):
        say(f"{second.title}: {_broken(other[1])}", "error")
        other = None
    diagram(
        first, forward, x, name, [(dim, moves.get(dim, 0.0)) for dim in _movable(first)],
        other and (other[0].title, other[1]), _pressed, lambda values: STATE.set(shift=tuple(values)),
    )  # fmt: skip
    _said(first, second, other, state, moves)
    terms(first, forward, other, losses[0])
    if x is None:
        _what_the_file_knows(first, state)


# ---- The picture -----------------------------------------------------------------------------------------------------


def _input(model: OpenedModel, state: Values) -> tuple[Tensor | None, str]:
    """The image, uint8 (C, H, W), None where it is not known, and what it is called."""
    left, right = st.columns([1.3, 8], gap="medium", vertical_alignment="center")
    STATE.control(left.radio, "source", "Picture", list(SOURCES), format_func=SOURCES.get)
    with right:
        return _chosen(model) if state["source"] == "chosen" else _drawn(model, state)


def _drawn(model: OpenedModel, state: Values) -> tuple[Tensor | None, str]:
    """The drawing; as long as there is none, the chosen test image."""
    x, index = drawn(model), index_of(model, state["image"])
    left, right = st.columns([1.3, 2.1], gap="medium", vertical_alignment="center")
    with left:
        canvas(model, index)
    right.caption(_form(model))
    if x is not None:
        return x, "your drawing"
    x = None if model.images is None else model.images[index]
    return x, f"{name_of(model, index)}, until you draw"


def _form(model: OpenedModel) -> str:
    """How a drawing becomes an image of the model's."""
    channels, height, width = model.config.shape
    if channels == 3:
        return (
            f"Paint glasses, a mouth, whatever you like: the sheet at {height} × {width} pixels is the image. The model encodes "
            "it at the end of each stroke. Clear brings the test image back."
        )
    of = model.config.dataset if model.config.dataset in FORMS else "mnist"
    return (
        f"A drawing is scaled and moved until it lies in its {height} × {width} pixels as the images of {of} do: with the "
        "ink as large as theirs, its centre of mass where theirs is. The model encodes it at the end of each stroke."
    )


def _chosen(model: OpenedModel) -> tuple[Tensor | None, str]:
    index = picker(model, "image", "The image", "one_image.chosen")
    return (None if model.images is None else model.images[index]), name_of(model, index)


# ---- The pass --------------------------------------------------------------------------------------------------------


def _pass(
    model: OpenedModel, x: Tensor | None, state: Values, moves: dict[int, float], losses: Sequence[str]
) -> ForwardPass:
    """From the image; or from what the file knows of it, where the image itself is not here."""
    eps = noise(int(state["eps_seed"]), model.latent_dim)
    shift = torch.zeros(model.latent_dim)
    for dim, move in moves.items():
        shift[dim] = move
    if x is not None:
        return forward_pass(model.config, model.model, x, eps, shift, losses, model.sigma, model.step)
    at = index_of(model, state["image"])
    mu, log_var = model.encoded.mu[at], model.encoded.log_var[at]
    return decoded(model.config, model.model, mu, log_var, eps, shift, model.step)


def _broken(forward: ForwardPass) -> str:
    """What on the way of this image is no number any more, if anything."""
    ways = {"μ": forward.mu, "log σ²": forward.log_var, "z = μ + σ ε": forward.z, "the logits": forward.logits}
    first = next((name for name, values in ways.items() if not values.isfinite().all()), None)
    return (
        f"Of this image {first} is not finite, and nothing can be made of that: the model is broken." if first else ""
    )


def _beside(
    first: OpenedModel, second: OpenedModel | None, x: Tensor | None, state: Values, losses: Sequence[str]
) -> tuple[OpenedModel, ForwardPass] | None:
    """The same image through the second model, its z not moved: under the first model's loss and the chosen one."""
    if second is None or _question(first) != _question(second):
        return None
    asked = [key for key in (first.config.loss, *losses) if key in LOSSES]  # not a formula of the first model's own
    return second, _pass(second, x, state, {}, asked)


def _question(model: OpenedModel) -> tuple:
    """What two models must share for one image to be both's."""
    return model.config.dataset, model.config.shape


def _movable(model: OpenedModel) -> tuple[int, ...]:
    return order_by_kl(model.health.kl_per_dim)[:DRAGS]


def _moves(model: OpenedModel, state: Values) -> dict[int, float]:
    """Dimension -> what is added to its z."""
    return dict(zip(_movable(model), state["shift"]))


def _pressed(button: str) -> None:
    now = int(STATE.now("eps_seed"))
    match button:
        case "again":
            STATE.set(eps_seed=now % MOST_DRAWS + 1)
        case "zero":
            STATE.set(eps_seed=0)
        case "back":
            STATE.set(shift=())


def _other_loss(model: OpenedModel) -> str:
    """The loss to compare with, never the model's own."""
    if STATE.now("second_loss") == model.config.loss:
        STATE.set(second_loss="bce" if model.config.loss == "mse" else "mse")
    return STATE.now("second_loss")


# ---- What is said about it -------------------------------------------------------------------------------------------


def _said(
    first: OpenedModel,
    second: OpenedModel | None,
    other: tuple[OpenedModel, ForwardPass] | None,
    state: Values,
    moves: dict[int, float],
) -> None:
    said = []
    if int(state["eps_seed"]) == 0:
        said.append("ε = 0, so z is the mean code μ.")
    if any(moves.values()):
        said.append("z was moved by hand: the reconstruction term is that of the moved z, the KL term stays q(z|x)'s.")
    if second and not other:
        said.append(f"{plain(second.title)} looks at other images, so it is not shown beside.")
    if said:
        st.caption(" ".join(said))


def _what_the_file_knows(model: OpenedModel, state: Values) -> None:
    """The image is not here: what the model's file says about it, and how to get it or one's own."""
    held = model.encoded
    at = index_of(model, state["image"])
    st.caption(
        f"Of {name_of(model, at)} the model's file knows μ, log σ² and the reconstruction, not the image: decoded from μ, "
        f"its reconstruction term is {float(held.losses[at]):.2f} nats ({plain(model.config.loss_record().name)}), summed over pixels."
        " Draw a picture to see the loss pixel by pixel."
    )
    need_images(model, "The loss pixel by pixel of a test image")
