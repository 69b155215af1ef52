"""A sheet to draw on, with mouse, pen or finger."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import streamlit as st

from vae.ui.shared.assets import component

SIDE = 112  # pixels a side of what arrives here
BRUSH = 0.1  # its width, as a share of the sheet
_canvas = component(Path(__file__).with_name("canvas.js"))


def canvas(key: str, label: str, held: str) -> None:
    """Show the sheet; label is read out by screen readers.

    held: the key in the session state where the drawing is kept, as the browser sent it: so it outlives a page that does
    not show the sheet, and is on it again when it does. drawing_in reads it.
    """

    def drawn() -> None:
        st.session_state[held] = st.session_state[key].drawing

    kept = st.session_state.get(held) if drawing_in(held) is not None else ""
    data = {"side": SIDE, "brush": BRUSH, "label": label, "drawing": kept}
    _canvas(data=data, key=key, on_drawing_change=drawn)


def drawing_in(held: str) -> np.ndarray | None:
    """The drawing kept under that key, uint8 (SIDE, SIDE), white on black; None where nothing is drawn."""
    return levels(st.session_state.get(held))


def levels(sent: object) -> np.ndarray | None:
    """What the browser sent as grey levels, None where it is no drawing: a browser can be made to send anything."""
    try:
        raw = base64.b64decode(sent, validate=True) if isinstance(sent, str) else b""
    except ValueError:
        return None
    return np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE) if len(raw) == SIDE * SIDE else None
