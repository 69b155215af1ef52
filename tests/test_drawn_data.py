"""Data sets that code draws or cuts: the same bytes everywhere, and the factors are to be seen in the pixels."""

import hashlib
import math

import numpy as np
import pytest
import torch

import vae
from vae.data import DATASETS, drawing, faces, patches, sprites
from vae.errors import SettingError

# Of the images and then the factors' values: what was drawn once is drawn ever after.
SUMS = {
    ("sprites", 32): "959611d45e880aa9ae4bd557d7826dc2daf97620e430082876170cb8a281e7d6",
    ("sprites", 20): "9fc14e3d6ea0b26daab918eda8d592843b31acd7b1f12c9a3610eb5a0383d7e6",
    ("faces", 48): "4e04e0de875d05e6f52a12f7e5e6a69b6dd74d5418756fb4942ee8a06b5df662",
    ("faces", 20): "0e104adb01637d7b37c6f56b9437d5cd3896820dd1f272c5db4be638559b30da",
}


@pytest.mark.parametrize(("name", "size"), SUMS)
def test_the_pictures_are_the_same_bytes_on_every_machine(name, size):
    data = vae.load_dataset(name, size)
    digest = hashlib.sha256(data.images.numpy().tobytes())
    digest.update(data.factors.values.numpy().tobytes())
    assert data.shape[1:] == (size, size) and digest.hexdigest() == SUMS[name, size]


@pytest.mark.parametrize("name", ["sprites", "faces"])
def test_no_picture_is_there_twice_and_every_level_occurs_in_both_parts(name):
    data = vae.load_dataset(name)
    assert len({picture.numpy().tobytes() for picture in data.images}) == len(data.images)
    for k, factor in enumerate(data.factors.known):
        for values in (data.train_factors[:, k], data.test_factors[:, k]):
            assert np.array_equal(values.unique(), np.float32(factor.levels)), factor.name
    assert data.factors.values.dtype == torch.float32


@pytest.mark.parametrize("name", ["sprites", "faces"])
@pytest.mark.parametrize("size", [7, 129])
def test_a_size_that_is_not_drawn_is_said(name, size):
    with pytest.raises(SettingError, match=f"size = {size} cannot be used: pictures are drawn at 8 to 128 pixels"):
        DATASETS[name].drawn(size)


def test_a_choice_is_a_permutation_that_the_seed_decides():
    assert sorted(drawing.chosen(3, 100, 100)) == list(range(100))
    assert list(drawing.chosen(3, 100, 5)) == list(drawing.chosen(3, 100, 100))[:5]
    assert list(drawing.chosen(3, 100, 5)) != list(drawing.chosen(4, 100, 5))


def test_points_are_counted_by_the_pixel():
    inside = np.zeros((1, 8, 4), bool)
    inside[0, :4, :] = True
    inside[0, 4, 1:3] = True
    assert drawing.counted(inside).tolist() == [[[16], [2]]]


# ---- Sprites -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Sprites at 64 x 64, as light (N, 64, 64) and factors by name."""
    data = vae.load_dataset("sprites", 64)
    light = data.images[:, 0].double() / 255
    return light, {name: data.factors.values[:, k].double() for k, name in enumerate(data.factors.names)}, data


def test_a_sprite_has_the_area_of_its_shape_however_it_is_turned(drawn):
    """So none is cut off: 1.4 and pi / sqrt(3) are the areas of square and ellipse where the sprite's reach is 1."""
    light, factors, _ = drawn
    unit = (64 * sprites.REACH * factors["scale"]) ** 2
    for shape, area in ((0, 1.4**2), (1, math.pi / math.sqrt(3))):
        ratios = (light.sum(dim=(1, 2)) / unit)[factors["shape"] == shape]
        assert (ratios / area - 1).abs().max() < 0.05 and abs(ratios.mean() / area - 1) < 0.002
    ratios = (light.sum(dim=(1, 2)) / unit)[factors["shape"] == 2]
    assert (ratios / ratios.mean() - 1).abs().max() < 0.05


def test_a_sprite_is_where_its_factors_say(drawn):
    light, factors, _ = drawn
    middle, mass = (torch.arange(64) + 0.5) / 64, light.sum(dim=(1, 2))
    for name, direction in (("x", 1), ("y", 2)):
        centre = (light.sum(dim=direction) @ middle.double()) / mass
        expected = sprites.REACH + (1 - 2 * sprites.REACH) * factors[name]
        off = (centre - expected).abs()
        assert off[factors["shape"] < 2].max() < 0.1 / 64, "a tenth of a pixel"
        assert off.max() < 0.25 * sprites.REACH, "a heart is not as heavy at its tip"


def test_a_sprite_turns_by_its_rotation(drawn):
    """The long axis of an ellipse, from its second moments."""
    light, factors, _ = drawn
    which = torch.nonzero((factors["shape"] == 1) & (factors["scale"] == 1)).flatten()
    y, x = torch.meshgrid(*[(torch.arange(64) + 0.5).double()] * 2, indexing="ij")
    for index in which[:200].tolist():
        weight = light[index] / light[index].sum()
        dx, dy = x - (weight * x).sum(), y - (weight * y).sum()
        doubled = math.atan2(2 * float((weight * dx * dy).sum()), float((weight * (dx * dx - dy * dy)).sum()))
        assert abs(math.degrees(doubled) / 2 - float(factors["rotation"][index])) < 1.5


def test_a_sprite_is_white_on_black_and_grey_at_its_edge_alone(drawn):
    light, factors, data = drawn
    assert data.images.unique().tolist() == [(255 * count + 8) // 16 for count in range(17)]
    grey = ((light > 0) & (light < 1)).sum(dim=(1, 2))
    around = 64 * sprites.REACH * factors["scale"] * 2 * math.pi
    assert (grey < 2 * around).all() and ((light == 1).sum(dim=(1, 2)) > 20).all()


# ---- Faces ---------------------------------------------------------------------------------------------------------


def painted(paint, eyes=0.5, mouth=0.0, glasses=0, turn=0.0, size=64):
    """How much of each pixel that paint covers, (H, W), 0 to 16."""
    return faces._coverage(size, eyes, mouth, glasses, turn)[paint].reshape(size, size).astype(float)


def centre(amount):
    """(row, column) of its middle."""
    rows, columns = np.indices(amount.shape)
    return (amount * rows).sum() / amount.sum(), (amount * columns).sum() / amount.sum()


def test_every_point_has_one_paint():
    for glasses in (0, 1):
        assert (faces._coverage(24, 0.25, 0.3, glasses, -1.0).sum(axis=0, dtype=int) == 16).all()


def test_the_corners_of_a_mouth_go_up_with_the_smile():
    heights = []
    for mouth in faces.FACTORS[3].levels:
        lips = painted(faces._MOUTH, mouth=mouth)
        inner, outer = lips.copy(), lips.copy()
        inner[:, :29] = inner[:, 35:] = 0
        outer[:, 26:38] = 0
        heights.append(centre(inner)[0] - centre(outer)[0])  # rows go down
    assert heights == sorted(heights) and heights[0] < -3 and heights[-1] > 3 and abs(heights[3]) < 0.01


def test_eyes_open_glasses_are_seen_and_the_head_turns():
    whites = [painted(faces._WHITE, eyes=eyes).sum() for eyes in faces.FACTORS[2].levels]
    assert whites == sorted(whites) and whites[-1] > 2 * whites[0] > 0
    assert painted(faces._INK, glasses=1).sum() > 2 * painted(faces._INK, glasses=0).sum()
    sides = [centre(painted(faces._MOUTH, turn=turn))[1] for turn in faces.FACTORS[5].levels]
    assert sides == sorted(sides) and sides[-1] - sides[0] > 8


def test_skin_and_hair_decide_colours_and_nothing_else():
    data = vae.load_dataset("faces")
    values = data.factors.values
    chin, crown = data.images[:, :, 40, 24].float(), data.images[:, :, 4, 24].float()
    for k, seen, brighter in ((0, chin, -1), (1, crown, 1)):
        levels = [seen[values[:, k] == level] for level in values[:, k].unique()]
        assert all((level.std(dim=0) == 0).all() for level in levels), "one colour for each level, whatever the rest"
        light = [brighter * float(level[0].sum()) for level in levels]
        assert light == sorted(light) and len(set(light)) == 5
    assert torch.equal(data.labels, values[:, 4].long()) and data.classes == ("no glasses", "glasses")


# ---- Patches -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photographs():
    from sklearn.datasets import load_sample_images

    return load_sample_images().images


def windows_of(photograph, columns):
    """Every patch of those columns, as bytes."""
    windows = np.lib.stride_tricks.sliding_window_view(photograph[:, columns], (28, 28), axis=(0, 1))
    return {hashlib.md5(window.tobytes()).digest() for row in windows for window in row}


def test_patches_are_cut_from_the_photographs_and_no_pixel_is_on_both_sides(photographs):
    data = vae.load_dataset("patches_colour")
    assert data.labels.bincount().tolist() == [7000, 7000] and data.test_labels.bincount().tolist() == [1000, 1000]
    for label, photograph in enumerate(photographs):
        tested = windows_of(photograph, slice(240, 360))
        test = data.test[data.test_labels == label]
        assert all(hashlib.md5(patch.numpy().tobytes()).digest() in tested for patch in test)
    first = np.arange(640 - 28 + 1)
    trained, tested = patches._trained(first), patches._tested(first)
    columns = [{c for start in first[part] for c in range(start, start + 28)} for part in (trained, tested)]
    assert not columns[0] & columns[1] and len(columns[0] | columns[1]) == 640


def test_training_patches_are_cut_from_left_and_right(photographs):
    data = vae.load_dataset("patches_colour")
    for label, photograph in enumerate(photographs):
        sides = windows_of(photograph, slice(0, 240)) | windows_of(photograph, slice(360, 640))
        train = data.train[data.train_labels == label]
        assert all(hashlib.md5(patch.numpy().tobytes()).digest() in sides for patch in train)


def test_grey_patches_are_the_luma_of_the_colour_ones():
    colour, grey = vae.load_dataset("patches_colour").images.double(), vae.load_dataset("patches").images[:, 0]
    luma = 0.299 * colour[:, 0] + 0.587 * colour[:, 1] + 0.114 * colour[:, 2]
    assert (grey - luma).abs().max() <= 0.5 + 1e-9
