"""The pass of one image as a diagram that is alive: buttons at the draw of eps, sliders at z, layers behind the nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from torch import Tensor

from vae.figures.forward_diagram import content, picture, said_of_p
from vae.latent.forward_pass import ForwardPass
from vae.study.opened import OpenedModel
from vae.ui.latent.state import MOST_MOVES
from vae.ui.shared.assets import component

_diagram = component(Path(__file__).with_name("diagram.js"))


def diagram(
    model: OpenedModel,
    forward: ForwardPass,
    x: Tensor | None,
    said_of_x: str,
    drags: Sequence[tuple[int, float]],
    beside: tuple[str, ForwardPass] | None,
    on_press: Callable[[str], object],
    on_drag: Callable[[list[float]], None],
) -> None:
    """x: uint8 (C, H, W), None where it is not known. drags: (dimension, what is added to z). beside: another model's pass.

    on_press is called with "again", "zero" or "back", on_drag with what the sliders add, before the page is made again.
    """
    data = content(model, forward, drags) | {
        "x": picture(x, said_of_x, "not on this machine" if x is None else said_of_x),
        "p": [picture(forward.p, said_of_p(model, forward), "The decoded picture")],
    }
    if beside:
        data["p"][0]["caption"] = "this model"
        data["p"].append(picture(beside[1].p, beside[0], f"Decoded by {beside[0]}"))
    key = "one_image.pass"
    _diagram(
        data=data, key=key,
        on_pressed_change=lambda: st.session_state[key].pressed and on_press(st.session_state[key].pressed),
        on_shift_change=lambda: on_drag(_numbers(st.session_state[key].shift)),
    )  # fmt: skip


def _numbers(sent: object) -> list[float]:
    """What the sliders sent, within what they can send."""
    values = sent if isinstance(sent, list) else []
    return [min(max(float(v), -MOST_MOVES), MOST_MOVES) for v in values if isinstance(v, (int, float)) and v == v]
