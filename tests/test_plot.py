"""Figures as plain data: what the browser is sent is what was drawn."""

import base64
import json

import numpy as np
import pytest

from vae.figures.plot import across, encoded, figure, trace, upright
from vae.figures.theme import layout


def sent(values):
    return json.loads(encoded(figure([trace("scatter", y=values)], layout(100))))["data"][0]["y"]


def decoded(spec):
    flat = np.frombuffer(base64.b64decode(spec["bdata"]), np.dtype(spec["dtype"]).newbyteorder("<"))
    return flat.reshape([int(n) for n in spec["shape"].split(",")]) if "shape" in spec else flat


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f4", ">i2"])
def test_numbers_arrive_as_they_were(dtype):
    values = np.array([[0, 1, 2], [3, 4, 100]], dtype)
    for drawn in (values, values.T, values[:, 1], values[:0, 0]):
        spec = sent(drawn)
        assert np.array_equal(decoded(spec), drawn)
        assert ("shape" in spec) == (drawn.ndim == 2)


def test_what_no_typed_array_can_hold_is_a_list():
    assert sent(np.array([2**40, -(2**40)])) == [2**40, -(2**40)]
    assert sent(np.array([["a", "b"], ["c", "∞"]])) == [["a", "b"], ["c", "∞"]]
    assert sent(np.array(["a", np.inf, 1], object)) == ["a", None, 1]
    assert sent(np.array([True, False])) == [True, False]
    assert sent(np.zeros((1, 1, 2))) == [[[0, 0]]]


def test_what_is_not_finite_is_null_in_lists_and_itself_in_arrays():
    assert sent([1.5, np.nan, np.float32(-np.inf), (np.float64(2), np.int64(3))]) == [1.5, None, None, [2, 3]]
    assert np.array_equal(decoded(sent(np.array([np.nan, np.inf]))), [np.nan, np.inf], equal_nan=True)


def test_a_line_lies_on_its_own_plot():
    assert across(2.0, {"width": 1}, plot=1) == {
        "type": "line", "xref": "x2 domain", "x0": 0, "x1": 1, "yref": "y2", "y0": 2.0, "y1": 2.0, "line": {"width": 1}
    }  # fmt: skip
    assert (upright(3, {})["xref"], upright(3, {})["yref"]) == ("x", "y domain")
