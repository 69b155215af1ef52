"""Pictures of a number for each pixel keep its sign and its order."""

import numpy as np

from vae.figures.per_pixel import DARK, shaded, signed


def test_logits_are_white_at_zero_and_differ_by_sign():
    seen = signed(np.array([[[-4.0, 0.0, 4.0, 2.0]]])).astype(int)
    assert seen.shape == (3, 1, 4)
    less, none, more, half = seen[:, 0].T
    assert none.tolist() == [255] * 3
    assert more[0] > more[2] and less[2] > less[0]  # orange, purple
    np.testing.assert_allclose(half, (255 + more) / 2, atol=1)
    assert (signed(np.zeros((1, 2, 2))) == 255).all()


def test_a_pixel_that_adds_more_is_brighter():
    values = np.linspace(-3, 5, 40).reshape(1, 5, 8)  # a density's terms may be negative
    seen = shaded(values, "#0072B2")
    assert (np.diff(seen.astype(int).sum(0).ravel()) >= 0).all()
    assert tuple(seen[:, 0, 0]) == DARK and (seen[:, -1, -1] == 255).all()
    colours = shaded(np.stack([np.zeros((5, 8)), values[0] / 2, values[0] / 2]), "#0072B2")
    assert np.array_equal(colours, seen)
    assert (shaded(np.ones((1, 2, 2)), "#0072B2").reshape(3, -1).T == DARK).all()
