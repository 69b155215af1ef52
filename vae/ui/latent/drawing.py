"""The digit that was drawn, for every part of the Latent page."""

from __future__ import annotations

import streamlit as st
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.latent.drawing import FORMS, MNIST, as_digit
from vae.latent.pca_tsne import usable
from vae.study.opened import OpenedModel
from vae.ui.shared.canvas import canvas as sheet
from vae.ui.shared.canvas import drawing_in

DRAWING = "latent:drawing"


def can_draw(model: OpenedModel) -> bool:
    """Whether the model's pictures are grey, as a drawing is."""
    return model.config.shape[0] == 1


def canvas() -> None:
    """The sheet to draw on; one on the page at a time."""
    sheet("latent.canvas", "A black sheet: draw a digit in white, with mouse, pen or finger", DRAWING)


def drawn(model: OpenedModel) -> Tensor | None:
    """What was drawn as an image of the model's data set, uint8 (1, H, W); None where nothing is drawn."""
    levels = drawing_in(DRAWING)
    if levels is None or not can_draw(model):
        return None
    config = model.config
    try:
        return torch.from_numpy(as_digit(levels, config.shape[1], FORMS.get(config.dataset, MNIST)))
    except SettingError:  # a touch so faint that it is no ink
        return None


@torch.inference_mode()
def code_of_drawing(model: OpenedModel) -> Tensor | None:
    """mu (Z,) of what was drawn; None where nothing is, or where no map can take it."""
    image = drawn(model)
    if image is None:
        return None
    mu = model.model.encode(model.config.x(image[None]))[0]
    return mu[0] if len(usable(mu).index) else None


def sheet_in_popover() -> None:
    """The sheet behind a button, for parts that show where the drawing lies."""
    with st.popover("Draw", icon=":material/draw:", help="Draw a digit: its place is marked on every map"):
        canvas()
