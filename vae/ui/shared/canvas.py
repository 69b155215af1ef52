"""A sheet to draw on, with mouse, pen or finger."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from vae.ui.shared.assets import component

SIDE = 112  # pixels a side of what arrives here
BRUSH, FINE_BRUSH = 0.1, 0.045  # widths, as shares of the sheet: of white on black, and over a picture
PAINTS = (
    ("black", "#000000"), ("white", "#ffffff"), ("red", "#d62728"), ("orange", "#e69f00"), ("yellow", "#f0e442"),
    ("green", "#009e73"), ("blue", "#0072b2"), ("pink", "#f4b6a6"),
)  # fmt: skip
_canvas = component(Path(__file__).with_name("canvas.js"))


def canvas(key: str, label: str, held: str, hint: str, ground: np.ndarray | None = None) -> None:
    """Show the sheet, black; or, in colour, with the picture `ground`, uint8 (3, H, W), on it to be painted over.

    held: the key in the session state where the drawing is kept, as the browser sent it: so it outlives a page that does
    not show the sheet, and is on it again when it does. drawing_in reads it. label is read out by screen readers.
    """

    def drawn() -> None:
        st.session_state[held] = st.session_state[key].drawing

    channels = 1 if ground is None else 3
    kept = st.session_state.get(held) if drawing_in(held, channels) is not None else ""
    data: dict[str, Any] = {
        "side": SIDE,
        "brush": BRUSH,
        "label": label,
        "hint": hint,
        "drawing": kept,
        "paints": [],
        "ground": "",
    }
    if ground is not None:
        enlarged = Image.fromarray(ground.transpose(1, 2, 0)).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        sent = base64.b64encode(enlarged.tobytes()).decode("ascii")
        data |= {"paints": PAINTS, "brush": FINE_BRUSH, "ground": sent}
    _canvas(data=data, key=key, on_drawing_change=drawn)


def drawing_in(held: str, channels: int = 1) -> np.ndarray | None:
    """The drawing kept under that key, uint8: (SIDE, SIDE), white on black, or in colour (3, SIDE, SIDE); None where
    nothing is drawn."""
    return levels(st.session_state.get(held), channels)


def levels(sent: object, channels: int = 1) -> np.ndarray | None:
    """What the browser sent as levels, None where it is no drawing: a browser can be made to send anything."""
    try:
        raw = base64.b64decode(sent, validate=True) if isinstance(sent, str) else b""
    except ValueError:
        return None
    if len(raw) != channels * SIDE * SIDE:
        return None
    pixels = np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE, channels)
    return pixels[:, :, 0] if channels == 1 else pixels.transpose(2, 0, 1)
