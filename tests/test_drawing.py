"""What a hand draws is brought into the form of the digits that a model knows."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from vae import load_dataset
from vae.errors import SettingError
from vae.latent.drawing import FORMS, MNIST, as_digit, as_painting


def stroke(*points, width=10, side=112):
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).line(points, fill=255, width=width)
    return np.asarray(image)


def extent(image, ink=32):
    """(rows, columns) that the ink takes."""
    rows, columns = np.nonzero(image[0] >= ink)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def centre(image):
    mass = image[0].astype(float)
    middles = np.arange(len(mass)) + 0.5
    return np.array([mass.sum(1) @ middles, mass.sum(0) @ middles]) / mass.sum()


SEVEN = stroke((30, 20), (80, 20), (50, 90))


def test_the_ink_fills_twenty_of_mnists_pixels_around_its_centre_of_mass():
    digit = as_digit(SEVEN, 28)
    assert digit.shape == (1, 28, 28) and digit.dtype == np.uint8
    height, width = extent(digit)
    assert 19 <= height <= 21
    ink = np.nonzero(SEVEN)
    assert width / height == pytest.approx(np.ptp(ink[1]) / np.ptp(ink[0]), abs=0.06)  # its aspect ratio
    np.testing.assert_allclose(centre(digit), 14.5, atol=0.1)
    assert len(np.unique(digit)) > 10  # antialiased


def test_where_and_how_large_it_was_drawn_makes_no_difference():
    moved = np.roll(SEVEN, (15, 25), (0, 1))
    assert np.array_equal(as_digit(moved, 28), as_digit(SEVEN, 28))
    half = np.zeros_like(SEVEN)
    half[50:106, 3:59] = np.asarray(Image.fromarray(SEVEN).resize((56, 56), Image.Resampling.BOX))
    difference = as_digit(half, 28).astype(float) - as_digit(SEVEN, 28)
    assert np.abs(difference).mean() < 0.1 * as_digit(SEVEN, 28).mean()


def test_a_small_digit_fills_its_box_and_loses_no_ink():
    narrow, wide = stroke((30, 20), (60, 20), (40, 90)), stroke((10, 20), (100, 20), (50, 60))
    for drawing, ink in ((narrow, (8, None)), (wide, (None, 6))):
        digit = as_digit(drawing, 8, FORMS["digits"])
        assert digit.shape == (1, 8, 8)
        scale = max(filter(None, ink)) / extent(drawing[None])[ink[0] is None]
        assert digit.sum() == pytest.approx(drawing.sum() * scale**2, rel=0.06)
    assert extent(as_digit(narrow, 8, FORMS["digits"]))[0] == 8
    assert not as_digit(wide, 8, FORMS["digits"])[0, :, [0, 7]].max() > 128


def test_a_digit_of_the_data_set_comes_back_as_itself():
    """Enlarged and put somewhere, as if it had been drawn."""
    data = load_dataset("digits")
    lost = []
    for image in data.test[:50, 0].numpy():
        canvas = np.zeros((112, 112), np.uint8)
        canvas[10:90, 25:105] = np.asarray(Image.fromarray(image).resize((80, 80), Image.Resampling.NEAREST))
        lost.append(np.abs(as_digit(canvas, 8, FORMS["digits"])[0].astype(float) - image).mean())
    assert np.mean(lost) < 0.3 * data.test[:50].float().mean()


def test_a_digit_of_mnist_comes_back_as_itself(mnist):
    images = mnist.test[:50, 0].numpy()
    enlarged = [np.asarray(Image.fromarray(i).resize((112, 112), Image.Resampling.NEAREST)) for i in images]
    again = torch.from_numpy(np.stack([as_digit(canvas, 28, MNIST)[0] for canvas in enlarged]))
    lost = (again.float() - mnist.test[:50, 0]).abs().mean()  # MNIST moved by whole pixels: up to half a pixel remains
    assert lost < 0.3 * mnist.test[:50].float().mean()


def test_a_painting_fills_its_picture_and_keeps_its_colours():
    canvas = np.zeros((3, 112, 112), np.uint8)
    canvas[0, :56], canvas[2, 56:] = 200, 90
    picture = as_painting(canvas, 32)
    assert picture.shape == (3, 32, 32) and picture.dtype == np.uint8
    assert (picture[0, :16] == 200).all() and (picture[2, 16:] == 90).all() and not picture[1].any()


def test_an_edge_a_dot_and_a_full_canvas():
    edge = stroke((0, 0), (0, 111), width=6)
    assert extent(as_digit(edge, 28))[0] in (20, 21)
    assert min(extent(as_digit(stroke((50, 50), (52, 50), width=3), 28))) > 10
    full = as_digit(np.full((112, 112), 255, np.uint8), 28)
    assert extent(full) == (20, 20) or extent(full) == (21, 21)


@pytest.mark.parametrize("level", [0, 31])
def test_an_empty_canvas_is_one_sentence(level):
    with pytest.raises(SettingError, match="drawing = 'an empty canvas' cannot be used: a canvas with at least one"):
        as_digit(np.full((112, 112), level, np.uint8), 28)
