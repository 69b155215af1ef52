"""Animated GIFs: which frames, how long, how large, and what is on them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from vae.export import animation
from vae.export.animation import gif, legible, mosaic, thinned, wrapped

pytestmark = pytest.mark.quick
NOISE = np.random.default_rng(0)


def frames_of(count, columns=1, n=3, shape=(1, 8, 8)):
    """Frame k: every picture has the grey 4 k."""
    return [[np.full((n, *shape), 4 * k, np.uint8) for _ in range(columns)] for k in range(count)]


def opened(content):
    return Image.open(io.BytesIO(content))


def grey_of(page):
    """Of the first picture's middle."""
    return page.convert("RGB").getpixel((page.width // 6, page.height // 2))[0]


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 240, 1000])
def test_frames_are_thinned_evenly_and_the_ends_stay(count):
    kept = thinned(count, 60)
    assert len(kept) == min(count, 60) and kept[0] == 0 and kept[-1] == count - 1
    gaps = np.diff(kept)
    assert not gaps.size or gaps.max() - gaps.min() <= 1


def test_a_file_has_its_frames_and_holds_the_last_one():
    made = opened(gif(frames_of(5), [f"step {k}" for k in range(5)], (), across=3))
    pages = [page.copy() for page in ImageSequence.Iterator(made)]
    assert made.format == "GIF" and made.info["loop"] == 0 and len(pages) == 5
    durations = [page.info["duration"] for page in ImageSequence.Iterator(made)]
    assert durations == [120, 120, 120, 120, 2000]
    assert [grey_of(page) for page in pages] == pytest.approx([0, 4, 8, 12, 16], abs=1)


def test_two_hundred_frames_become_sixty_with_the_last_one():
    made = opened(gif([[np.full((1, 1, 8, 8), k, np.uint8)] for k in range(200)], [str(k) for k in range(200)], (), 1))
    assert made.n_frames == 60
    made.seek(59)
    assert made.convert("RGB").getpixel((made.width // 3, made.height // 2))[0] == pytest.approx(199, abs=2)


def test_a_file_stays_small_whatever_the_pictures():
    frames = [[NOISE.integers(0, 256, (30, 3, 64, 64), np.uint8)] for _ in range(60)]
    content = gif(frames, [f"step {k}" for k in range(60)], (), across=10)
    assert len(content) <= animation.MOST_BYTES and opened(content).n_frames >= 2


def test_a_pixel_stays_a_square():
    picture = NOISE.integers(0, 256, (4, 1, 5, 7), np.uint8)
    drawn = mosaic(picture, across=2, scale=3)
    assert drawn.shape == (3 * (5 + 1 + 5), 3 * (7 + 1 + 7), 3)
    for index, (top, left) in enumerate([(0, 0), (0, 8), (6, 0), (6, 8)]):
        block = drawn[3 * top : 3 * (top + 5), 3 * left : 3 * (left + 7)]
        assert (block == picture[index, 0].repeat(3, 0).repeat(3, 1)[..., None]).all()
    assert (drawn[15:18] == 255).all()  # the gap


def test_columns_of_a_race_stand_side_by_side_under_their_titles():
    captions = ["step 1", "step 1,000,000: a longer one"]
    alone = opened(gif(frames_of(2), captions, (), 3))
    race = opened(gif(frames_of(2, columns=3), captions, ["BCE", "MSE", "Gaussian, its own σ"], 3))
    assert race.width >= 3 * race.height / 2 and alone.width > alone.height
    assert np.asarray(race.convert("L"))[: animation.MARGIN + animation.LINE].min() < 100  # something is written there
    assert len({page.size for page in ImageSequence.Iterator(race)}) == 1


def test_words_are_wrapped_and_endless_ones_cut():
    assert wrapped("pixels, cross-fade", 80) == ["pixels,", "cross-fade"]
    (line,) = wrapped("x" * 300, 80)
    assert line.endswith("~") and animation._width(line) <= 80
    assert wrapped("", 80) == []


def test_titles_are_spelled_in_letters_that_the_font_has():
    assert legible("Gaussian, fixed σ = .5, β² −3 × z₂") == "Gaussian, fixed sigma = .5, beta2 -3 x z2"
    assert "?" in legible("数") and legible("plain text, 1.5") == "plain text, 1.5"
