"""What was drawn, for every part of the Latent page."""

from __future__ import annotations

import streamlit as st
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.latent.drawing import FORMS, MNIST, as_digit, as_painting
from vae.latent.pca_tsne import usable
from vae.study.opened import OpenedModel
from vae.ui.shared.canvas import canvas as sheet
from vae.ui.shared.canvas import drawing_in

DRAWING = "latent:drawing"


def _held(model: OpenedModel) -> str:
    """Where a drawing is kept: one for all models of grey pictures, and one for each data set in colour."""
    return DRAWING if model.config.shape[0] == 1 else f"{DRAWING}:{model.config.dataset}"


def canvas(model: OpenedModel, index: int) -> None:
    """The sheet to draw on, one on the page at a time: black, or in colour that test image to be painted over."""
    if model.config.shape[0] == 1:
        label = "A black sheet: draw a digit in white, with mouse, pen or finger"
        sheet("latent.canvas", label, DRAWING, "draw a digit here")
    else:
        label = "A test image: paint over it, with mouse, pen or finger"
        sheet("latent.canvas.colour", label, _held(model), "", model.shown_input(index)[0].numpy())


def drawn(model: OpenedModel) -> Tensor | None:
    """What was drawn as an image of the model's data set, uint8 (C, H, W); None where nothing is drawn."""
    config = model.config
    levels = drawing_in(_held(model), config.shape[0])
    if levels is None:
        return None
    if config.shape[0] == 3:
        return torch.from_numpy(as_painting(levels, config.shape[1]))
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


def sheet_in_popover(model: OpenedModel, index: int) -> None:
    """The sheet behind a button, for parts that show where the drawing lies."""
    with st.popover("Draw", icon=":material/draw:", help="Draw a picture: its place is marked on every map"):
        canvas(model, index)
