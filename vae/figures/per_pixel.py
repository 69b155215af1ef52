"""A number for each pixel as a picture: logits around 0, and what each pixel adds to a loss."""

from __future__ import annotations

import numpy as np

from vae.figures.mosaics import LESS, MORE

DARK = (16, 18, 24)  # where a pixel adds least


def signed(values: np.ndarray) -> np.ndarray:
    """(C, H, W) -> uint8 (3, H, W): the mean over channels, white at 0, orange above, purple below."""
    flat = _finite(values.mean(0))
    strength = np.abs(flat) / max(float(np.abs(flat).max()), 1e-12)
    hue = np.where(flat[..., None] > 0, MORE, LESS)  # (H, W, 3)
    return (255 + strength[..., None] * (hue - 255.0)).round().astype(np.uint8).transpose(2, 0, 1)


def shaded(values: np.ndarray, colour: str) -> np.ndarray:
    """(C, H, W) -> uint8 (3, H, W): the sum over channels, from dark where least through the colour to white where most."""
    flat = _finite(values.sum(0))
    span = float(flat.max() - flat.min())
    share = (flat - flat.min()) / span if span > 1e-12 else np.zeros_like(flat)
    own = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
    stops = np.array((DARK, own, (255, 255, 255)), dtype=np.float64)
    channels = [np.interp(share, (0, 0.6, 1), stops[:, channel]) for channel in range(3)]
    return np.stack(channels).round().astype(np.uint8)


def _finite(values: np.ndarray) -> np.ndarray:
    """Infinite values as the largest number there is on that side; what is no number as 0. float64."""
    values = np.asarray(values, dtype=np.float64)
    most = np.abs(values[np.isfinite(values)]).max(initial=1e-12)
    return np.nan_to_num(values, nan=0.0, posinf=most, neginf=-most)
