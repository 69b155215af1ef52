"""Photographs as files: each opened by Pillow's JPEG decoder and no other, cropped to its middle, made smaller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae.errors import DataError


def read_jpegs(paths: Sequence[Path], expected: tuple[int, int], crop: int, side: int) -> Tensor:
    """(N, 3, side, side) uint8: of pictures (width, height) large, their middle crop x crop pixels. DataError names a
    file that is absent, damaged or of another size."""
    from PIL import Image

    images = np.empty((len(paths), side, side, 3), np.uint8)
    left, top = ((length - crop) // 2 for length in expected)
    for row, path in zip(images, paths):
        try:
            with Image.open(path, formats=["JPEG"]) as picture:
                if picture.size != expected:  # before a pixel is decoded
                    raise ValueError(
                        f"it has {picture.width} × {picture.height} pixels, not {expected[0]} × {expected[1]}"
                    )
                middle = picture.convert("RGB").crop((left, top, left + crop, top + crop))
                row[:] = np.asarray(middle.resize((side, side), Image.Resampling.BILINEAR))
        except (OSError, ValueError, SyntaxError) as reason:  # Pillow's ways to say that a file is not sound
            raise DataError(f"{path} cannot be read ({reason}).") from None
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
