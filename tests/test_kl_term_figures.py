"""A KL term drawn before it is run: every line of its panels, and the setting itself where it lies on an axis."""

import numpy as np
import pytest

from vae.figures.kl_terms import kl_term
from vae.losses.kl_terms import KL_TERMS, panels


def drawn(key, **settings):
    term = KL_TERMS[key]
    given = panels(term, 2.0, 10.0, term.settings(settings))
    return given, *kl_term(given)


@pytest.mark.parametrize("key", KL_TERMS)
def test_every_line_is_drawn_on_its_panel(key):
    given, figure, narrow = drawn(key)
    lines = [(panel, axis, *line) for panel, axis in zip(given, ("x", "x2")) for line in panel.lines]
    assert len(figure["data"]) == len(lines)
    for trace, (panel, axis, label, y) in zip(figure["data"], lines):
        assert trace["xaxis"] == axis and trace["name"] == label
        assert np.array_equal(trace["x"], panel.x) and np.array_equal(trace["y"], y)
    assert [note["text"] for note in figure["layout"]["annotations"]] == [panel.title for panel in given]
    assert figure["layout"]["showlegend"] == any(len(panel.lines) > 1 for panel in given)
    assert narrow["height"] > figure["layout"]["height"]
    assert narrow["xaxis"]["domain"] == narrow["xaxis2"]["domain"]  # one below the other


def test_the_setting_is_marked_where_it_lies_on_the_axis():
    given, figure, _ = drawn("iwae", samples=5)
    assert given[1].marked == 5
    (line,) = figure["layout"]["shapes"]
    assert line["xref"] == "x2" and line["x0"] == line["x1"] == 5
    assert drawn("constant")[1]["layout"]["shapes"] == []
