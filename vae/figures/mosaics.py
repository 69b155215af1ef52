"""Pictures as one PNG: a browser shows a strip of images faster than many."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

GAP = 1  # pixels of the images' own size between two of them


def strip(images: np.ndarray, columns: int = 10, least_width: int = 560, whole_row: bool = False) -> bytes:
    """uint8 (n, C, H, W), C = 1 or 3 -> PNG, enlarged by a whole factor without smoothing, transparent between images.

    whole_row: of fewer images than columns, the places that are left stay empty; else those images fill the row."""
    n, channels, height, width = images.shape
    columns = columns if whole_row else min(columns, n)
    rows = -(-n // columns)
    tiles = np.zeros((rows * columns, height + GAP, width + GAP, 4), np.uint8)  # a gap below and to the right of each
    tiles[:n, :height, :width, :3] = images.transpose(0, 2, 3, 1)
    tiles[:n, :height, :width, 3] = 255
    canvas = tiles.reshape(rows, columns, height + GAP, width + GAP, 4).swapaxes(1, 2)
    canvas = canvas.reshape(rows * (height + GAP), columns * (width + GAP), 4)[:-GAP, :-GAP]
    scale = max(1, -(-least_width // canvas.shape[1]))
    canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
    file = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()


def packed(images: np.ndarray, columns: int) -> bytes:
    """uint8 (n, C, H, W) -> a PNG with the pictures row by row, in their own size and without gaps."""
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    canvas = np.zeros((rows * columns, channels, height, width), np.uint8)
    canvas[:n] = images
    canvas = canvas.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    canvas = canvas.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    Image.fromarray(canvas[..., 0] if channels == 1 else canvas).save(file, "PNG", compress_level=6)
    return file.getvalue()


MORE, LESS = (230, 97, 0), (93, 58, 155)  # where the first of two pictures is brighter, and where the second is


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two stacks of pictures, uint8 (n, C, H, W) -> their difference in colour, uint8 (n, 3, H, W): white where equal."""
    signed = first.astype(np.float32).mean(1, keepdims=True) - second.astype(np.float32).mean(1, keepdims=True)
    strength = np.abs(signed) / 255  # (n, 1, H, W)
    hue = np.where(signed > 0, *(np.array(colour, np.float32).reshape(1, 3, 1, 1) for colour in (MORE, LESS)))
    return (255 + strength * (hue - 255)).round().astype(np.uint8)
