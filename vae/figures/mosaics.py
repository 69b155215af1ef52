"""Pictures as one PNG: a browser shows a strip of images faster than many."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

GAP = 1  # pixels of the images' own size between two of them


def strip(images: np.ndarray, columns: int = 10, least_width: int = 560) -> bytes:
    """uint8 (n, C, H, W), C = 1 or 3 -> PNG, enlarged by a whole factor without smoothing, transparent between images."""
    n, channels, height, width = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    canvas = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), np.uint8)
    colours = np.repeat(images, 3, axis=1) if channels == 1 else images
    for i, image in enumerate(colours):
        top, left = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        canvas[top : top + height, left : left + width, :3] = image.transpose(1, 2, 0)
        canvas[top : top + height, left : left + width, 3] = 255
    scale = max(1, -(-least_width // canvas.shape[1]))
    canvas = canvas.repeat(scale, axis=0).repeat(scale, axis=1)
    file = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()
