"""The table and the rescue's figure show the numbers that they are made from."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from vae.figures.matrix import Column, number, table
from vae.figures.rescue import Bar, rescue
from vae.study.scoring import MEASURES, Scores, matrix


def made(value: float) -> Scores:
    return Scores(10, 5, 2, 0.1, dict.fromkeys(MEASURES, value), {"mae": 0.01}, {"sharpness": 1.0, "middle": 8.0})


def columns(*titles, pending=()) -> list[Column]:
    return [Column(title, "#123456", b"png", f"pictures of {title}", title in pending) for title in titles]


def cells(drawn: str, key: str) -> list[str]:
    row = re.search(f"data-measure='{re.escape(key)}'>(.*?)</tr>", drawn)[1]
    return re.findall(r"<td[^>]*>(.*?)</td>", row)


def test_every_number_stands_in_its_row_and_the_best_is_marked():
    found = matrix({"a": made(3.0), "b": made(2.0)}, {"copy": made(1.0)})
    drawn = table(found, columns("a", "b", "copy"))
    for key, measure in MEASURES.items():
        assert cells(drawn, key) == [number(measure, v) for v in (3.0, 2.0, 1.0)], key
    marked = re.findall("class='best' aria-label='best: ([^']*)'", drawn)
    assert len(marked) == sum(m.better != "neither" for m in MEASURES.values())
    assert "± 0.01, standard error" in drawn


def test_what_is_under_way_has_dots_and_what_is_not_there_a_dash():
    found = matrix({"a": made(3.0), "b": None}, {"copy": Scores(10, 0, 0, None, dict.fromkeys(MEASURES), {}, {})})
    drawn = table(found, columns("a", "b", "copy", pending=("b",)))
    assert cells(drawn, "mae") == ["3.0000", "…", "–"] and "class='best'" not in drawn


def test_a_title_is_text_and_never_markup():
    drawn = table(matrix({"a": made(1.0)}), [Column("<script>x</script>", "", b"", "'\"><b>")])
    assert "<script>" not in drawn and "<b>best" in drawn and "><b>'" not in drawn


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [("kl", -1234.567, "−1,234.57"), ("kl", -0.001, "0.00"), ("active_units", 3.0, "3"), ("mae", None, "–")],
)
def test_numbers_are_written_for_people(key, value, shown):
    assert number(MEASURES[key], value) == shown


def test_the_rescue_draws_the_curve_and_a_bar_for_each_elbo():
    x = np.linspace(0.01, 0.99, 50)
    drawn, narrow = rescue(x, x**2, [Bar("before", "#D55E00", -12.3, True), Bar("after", "#D55E00", 1234.5)])
    go.Figure(drawn).update_layout(narrow)  # Plotly checks every attribute
    bars = next(t for t in drawn["data"] if t["type"] == "bar")
    assert list(bars["x"]) == [-12.3, 1234.5] and list(bars["text"]) == ["−12", "1,234"]
    assert drawn["data"][1]["y"] == pytest.approx(x**2)
    assert drawn["layout"]["xaxis2"]["range"][0] < -12.3
    empty, _ = rescue(x, x, [])
    go.Figure(empty)
