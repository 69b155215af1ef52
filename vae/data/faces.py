"""Faces: simple cartoons in colour, drawn from six known factors.

A picture's geometry comes of four factors, its colours of the other two. So each geometry is drawn once, as how many of a
pixel's points each paint covers; a picture is the paints' colours, mixed by those counts. All of it in whole numbers.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from vae.data.dataset import Factor, ImageDataset
from vae.data.drawing import POINTS, SAMPLES, check_size, chosen_levels, counted, factors_at
from vae.data.source import Source

SIZE = 48
N_TRAIN, N_TEST = 8_000, 1_000
CLASSES = ("no glasses", "glasses")
FACTORS = (
    Factor("skin", (0.0, 0.25, 0.5, 0.75, 1.0), ("light", "dark")),
    Factor("hair", (0.0, 0.25, 0.5, 0.75, 1.0), ("dark", "light")),
    Factor("eyes", (0.0, 0.25, 0.5, 0.75, 1.0), ("narrow", "wide")),
    Factor("mouth", (-1.0, -0.65, -0.3, 0.0, 0.3, 0.65, 1.0), ("sad", "smiling")),
    Factor("glasses", (0.0, 1.0), CLASSES),
    Factor("turn", (-1.0, -0.65, -0.3, 0.0, 0.3, 0.65, 1.0), ("left", "right")),
)
_COLOURS, _GEOMETRY = FACTORS[:2], FACTORS[2:]

_SKINS = ((255, 224, 196), (241, 194, 155), (212, 156, 112), (160, 106, 70), (105, 66, 44))
_HAIRS = ((38, 30, 34), (84, 52, 36), (146, 74, 40), (206, 146, 72), (240, 208, 132))
_PAINTS = range(8)
_BACKGROUND, _SKIN, _SHADE, _HAIR, _WHITE, _INK, _MOUTH, _SHIRT = _PAINTS

_PIECE = 100  # pictures mixed at once, which bounds the memory

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]


def draw(size: int = SIZE) -> ImageDataset:
    """All of them at size x size pixels, the same bytes on every machine; labels say whether glasses are worn."""
    check_size(size)
    places = chosen_levels(FACTORS, seed=0, n=N_TRAIN + N_TEST)
    geometries = np.stack([_coverage(size, *levels) for levels in itertools.product(*(f.levels for f in _GEOMETRY))])
    grid = tuple(len(factor.levels) for factor in _GEOMETRY)
    which = np.asarray(np.ravel_multi_index(tuple(places[:, len(_COLOURS) :].T), grid))
    colours = _palettes()[places[:, 0], places[:, 1]]
    images = np.empty((len(places), 3, size, size), np.uint8)
    for start in range(0, len(places), _PIECE):
        piece = slice(start, start + _PIECE)
        # Whole numbers below 2**24, which float32 multiplies and adds exactly.
        mixed = colours[piece] @ geometries[which[piece]].astype(np.float32)  # (n, 3, P) x (n, P, H W)
        images[piece] = ((mixed.astype(np.int32) + POINTS // 2) // POINTS).reshape(-1, 3, size, size)
    labels = torch.from_numpy(places[:, 4].copy())
    return ImageDataset.divided(
        "faces", torch.from_numpy(images), labels, CLASSES, N_TRAIN, factors_at(FACTORS, places)
    )


def _palettes() -> NDArray[np.float32]:
    """The colour of each paint, for each skin and hair: (5, 5, 3, P)."""
    found = np.empty((len(_SKINS), len(_HAIRS), 3, len(_PAINTS)), np.float32)
    for (i, skin), (j, hair) in itertools.product(enumerate(_SKINS), enumerate(_HAIRS)):
        shade = (skin[0] * 15 // 16, skin[1] * 13 // 16, skin[2] * 13 // 16)
        rows = ((190, 220, 232), skin, shade, hair, (255, 255, 255), (34, 30, 44), (176, 46, 62), (94, 124, 184))
        found[i, j] = np.array(rows).T
    return found


def _coverage(size: int, eyes: float, mouth: float, glasses: float, turn: float) -> NDArray[np.uint8]:
    """How many of each pixel's points each paint covers, (P, H W); over all paints that is 16."""
    line = (np.arange(size * SAMPLES) + 0.5) / (size * SAMPLES / 2) - 1  # of points, from -1 to 1
    paint = _painted(line[None, :], line[:, None], eyes, mouth, glasses == 1, turn)
    return np.stack([counted(paint == p) for p in _PAINTS]).reshape(len(_PAINTS), size * size)


def _painted(x: Floats, y: Floats, eyes: float, mouth: float, glasses: bool, turn: float) -> NDArray[np.uint8]:
    """The paint at each point, x to the right and y downwards from -1 to 1: what is drawn later lies on top."""
    front = x - 0.17 * turn  # across the face, from the middle between the eyes
    aside = abs(front)
    paint = np.full(np.broadcast_shapes(x.shape, y.shape), _BACKGROUND, np.uint8)

    def cover(mask: Mask, colour: int) -> None:
        paint[np.broadcast_to(mask, paint.shape)] = colour

    cover(_ellipse(x, y - 1.12, 0.72, 0.38), _SHIRT)
    cover((abs(x) < 0.2) & (y > 0.4) & (y < 0.86), _SHADE)
    cover(_ellipse(x + 0.04 * turn, y + 0.14, 0.68, 0.72), _HAIR)
    cover(_ellipse(abs(x + 0.08 * turn) - 0.6, y - 0.1, 0.1, 0.15), _SHADE)  # ears
    head = _ellipse(x, y - 0.08, 0.58, 0.7)
    cover(head, _SKIN)
    cover(head & (y < -0.2 - 0.5 * front * front + 0.12 * front), _HAIR)
    cover(head & _ellipse(aside - 0.36, y - 0.3, 0.12, 0.08), _SHADE)  # cheeks
    cover(_ellipse(front - 0.03 * turn, y - 0.24, 0.06, 0.085), _SHADE)  # nose
    opened = 0.045 + 0.1 * eyes
    white = _ellipse(aside - 0.25, y - 0.03, 0.14, opened)
    cover(white, _WHITE)
    cover(white & _ellipse(abs(front - 0.04 * turn) - 0.25, y - 0.03, 0.075, 0.095), _INK)  # pupils, and lids over them
    brow = y + 0.09 + 0.07 * eyes - 0.9 * (aside - 0.25) * (aside - 0.25)
    cover((abs(brow) < 0.03) & (abs(aside - 0.25) < 0.15), _HAIR)
    bent = y - 0.5 - 0.11 * mouth * (1 - 2 * (front / 0.27) * (front / 0.27))
    slope = 0.44 * mouth * front / (0.27 * 0.27)  # by which a line is thicker upwards than across
    cover((bent * bent < 0.0016 * (1 + slope * slope)) & (aside < 0.27), _MOUTH)
    if glasses:
        ring = _ellipse(aside - 0.26, y - 0.04, 0.235, 0.215) & ~_ellipse(aside - 0.26, y - 0.04, 0.18, 0.16)
        cover(ring, _INK)
        cover((abs(y - 0.02) < 0.03) & ((aside < 0.05) | (head & (aside > 0.47))), _INK)  # bridge and sides
    return paint


def _ellipse(x: Floats, y: Floats, across: float, down: float) -> Mask:
    x, y = x / across, y / down
    return x * x + y * y <= 1


SOURCE = Source(
    "faces",
    "Cartoon faces 48×48, drawn here",
    (3, SIZE, SIZE),
    N_TRAIN,
    N_TEST,
    CLASSES,
    lambda root: draw(),
    drawn=draw,
    factors=tuple(factor.name for factor in FACTORS),
    licence="MIT, as this program",
    citation="Drawn by this program",
    about="Cartoon faces in flat colours, drawn from six known factors: no noise, and few colours to a picture.",
)
