"""Figures, and whatever else is data with texts in it, in another language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vae.language.translate import ENGLISH, translate

# Keys in figures, and in what components are given, under which is what people read.
SHOWN = {"above", "alt", "beside", "caption", "categoryarray", "cells", "dims", "hovertemplate", "hint", "hovertext", "label", "name",
         "nets", "note", "paints", "said", "text", "texttemplate", "ticktext", "title", "x", "y"}  # fmt: skip


def translate_data(data: Any, language: str, *, read: bool = False) -> Any:
    """The same data, with the texts that people read in that language. read: whether data itself is such a text."""
    if language == ENGLISH:
        return data
    if isinstance(data, str):
        return translate(data, language) if read else data
    if isinstance(data, np.ndarray) and read and data.dtype.kind == "U":
        texts, places = np.unique(data, return_inverse=True)
        return np.array([translate(str(text), language) for text in texts])[places.reshape(data.shape)]
    if isinstance(data, Mapping):
        return {key: translate_data(part, language, read=key in SHOWN) for key, part in data.items()}
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (str, Mapping, list, tuple)):
        return [translate_data(part, language, read=read) for part in data]
    return data
