"""The names of classes on a map: where the middle of each class is, and none on another."""

import numpy as np
import pytest

from vae.figures.apart import apart
from vae.figures.scatter import Colouring, scattered


def overlaps(middles, sizes):
    n = len(middles)
    gaps = [(sizes[i] + sizes[j]) / 2 - abs(middles[i] - middles[j]) for i in range(n) for j in range(i)]
    return sum(bool((gap > 1e-3 * sizes.min()).all()) for gap in gaps)


@pytest.mark.parametrize("seed", range(20))
def test_no_name_lies_on_another(seed):
    random = np.random.default_rng(seed)
    middles, sizes = random.normal(0, 1, (10, 2)), random.uniform(0.1, 1.0, (10, 2))
    assert overlaps(middles, sizes) and not overlaps(apart(middles, sizes), sizes)


def test_names_in_one_place_part_and_keep_their_middle():
    middles, sizes = np.ones((3, 2)), np.full((3, 2), 0.5)
    moved = apart(middles, sizes)
    assert sorted(moved[:, 1]) == pytest.approx([0.5, 1, 1.5], abs=1e-3) and (moved[:, 0] == 1).all()


def test_names_with_room_stay():
    middles, sizes = np.array([[0, 0], [0, 1.1], [2, 0]]), np.ones((3, 2))
    assert np.array_equal(apart(middles, sizes), middles)


def test_a_class_is_named_where_its_points_are():
    points = np.array([[0, 0], [0, 2], [0, 100.0], [50, 50], [50, 50], [50, 50]])
    drawn = scattered(points, Colouring("class", np.array([0, 0, 0, 1, 1, 1]), ("a", "b", "nobody's")))
    notes = [(note["x"], note["y"], note["text"]) for note in drawn["layout"]["annotations"]]
    assert notes == [(0, 2, "<b>a</b>"), (50, 50, "<b>b</b>")]


def test_points_in_one_place_are_named_all_the_same():
    drawn = scattered(np.zeros((4, 2)), Colouring("class", np.array([0, 0, 1, 1]), ("a", "b")))
    assert len({note["y"] for note in drawn["layout"]["annotations"]}) == 2
