"""A grid of pictures that can be clicked: one image, its labels, and the cells that are marked."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from torch import Tensor

from vae.figures.mosaics import strip
from vae.ui.shared.assets import component

_pictures = component(Path(__file__).with_name("pictures.js"))


def pictures(
    images: Tensor | np.ndarray,
    key: str,
    alt: str,
    *,
    columns: int,
    above: Sequence[str] = (),
    beside: Sequence[str] = (),
    marks: Mapping[int, str] | None = None,
    width: int = 640,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Show images, uint8 (n, C, H, W), row by row; alt is read out by screen readers.

    above, beside: a label for each column, each row. marks: index -> colour of a frame. width: pixels, at most.
    on_pick is called with the index of the picture clicked, before the page is made again.
    """
    images = np.asarray(images)
    columns = min(columns, len(images))
    data = {
        "png": base64.b64encode(strip(images, columns, least_width=0)).decode(),
        "count": len(images),
        "rows": -(-len(images) // columns),
        "columns": columns,
        "above": list(above),
        "beside": list(beside),
        "marks": [[int(index), colour] for index, colour in (marks or {}).items()],
        "alt": alt,
        "width": width,
        "clicks": on_pick is not None,
    }

    def picked() -> None:
        if on_pick is not None and (cell := st.session_state[key].picked):
            on_pick(int(cell["index"]))

    _pictures(data=data, key=key, on_picked_change=picked)
