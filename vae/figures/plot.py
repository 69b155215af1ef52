"""A figure as plain data in Plotly's schema, {"data": traces, "layout": layout}, and its text for the browser.

Plotly's own Python objects check every property of every trace: 100 ms and more for a page that is drawn again with
each move of a slider. Here a figure is dictionaries, and the tests let Plotly check each of them.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

Trace = dict[str, Any]
Layout = dict[str, Any]
Figure = dict[str, Any]
Part = dict[str, Any]  # of a trace or a layout: an axis, a shape, a note

TYPED = ("f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4")  # the arrays that a browser knows


def trace(kind: str, **attributes: Any) -> Trace:
    """One trace: trace("scatter", x=..., y=...). The attributes are those of https://plotly.com/javascript/reference."""
    return {"type": kind} | attributes


def figure(traces: Iterable[Trace], layout: Layout) -> Figure:
    return {"data": list(traces), "layout": layout}


def numbered(name: str, index: int) -> str:
    """Plotly's name of the index-th axis or scene, counted from 0: x, x2, x3 or scene, scene2."""
    return name if index == 0 else f"{name}{index + 1}"


# ---- Lines across a plot -----------------------------------------------------------------------------------------


def across(y: float, line: Mapping[str, Any], plot: int = 0) -> Part:
    """A shape: a line at height y over the whole width of the plot with that index."""
    of = numbered("x", plot)
    return {"type": "line", "xref": f"{of} domain", "x0": 0, "x1": 1, "yref": numbered("y", plot), "y0": y, "y1": y,
            "line": dict(line)}  # fmt: skip


def upright(x: float, line: Mapping[str, Any], plot: int = 0) -> Part:
    """A shape: a line at x over the whole height of the plot with that index."""
    of = numbered("y", plot)
    return {"type": "line", "xref": numbered("x", plot), "x0": x, "x1": x, "yref": f"{of} domain", "y0": 0, "y1": 1,
            "line": dict(line)}  # fmt: skip


# ---- For the browser ---------------------------------------------------------------------------------------------


def encoded(drawn: Figure) -> str:
    """The figure as JSON. Arrays of numbers travel as base64; elsewhere a number that is not finite becomes null."""
    return json.dumps(_plain(drawn), allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def _array(values: np.ndarray) -> Any:
    """A typed array as plotly.js reads it, or a list where there is no such type. Its rows and columns if it is 2-D."""
    if values.dtype.kind == "U":
        return values.tolist()  # text needs no look at each element
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and _fits(values, np.int32):
        values = values.astype(np.int32)
    if values.dtype.str[1:] not in TYPED or values.ndim > 2:
        return _plain(values.tolist())
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    spec = {"dtype": values.dtype.str[1:], "bdata": b64encode(little.tobytes()).decode()}
    return spec | ({"shape": f"{values.shape[0]}, {values.shape[1]}"} if values.ndim == 2 else {})


def _fits(values: np.ndarray, kind: type) -> bool:
    span = np.iinfo(kind)
    return not values.size or (values.min() >= span.min and values.max() <= span.max)
