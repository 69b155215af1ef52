"""A race as an animated GIF: what its columns drew after each step that is kept, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae.engine import View, lookback
from vae.export.animation import Panel, gif
from vae.training.step import Pictures

PICTURES = {1: 10, 2: 10, 3: 6, 4: 5}  # in a row, of a race with so many columns


def gif_of_race(views: Sequence[View], titles: Sequence[str]) -> bytes:
    """Test images, their reconstructions and samples over the steps. All views must have taken pictures."""
    films = [lookback.pictures_of(view) for view in views]
    steps, across = lookback.steps_of(films), PICTURES[len(films)]
    frames = [[_panel(lookback.at(film, step), across) for film in films] for step in steps]
    captions = [f"step {step:,}: test images, reconstructions, samples" for step in steps]
    return gif(frames, captions, titles, across)


def _panel(shown: Pictures, across: int) -> Panel:
    return np.concatenate([rows[:across] for rows in (shown.inputs, shown.reconstructions, shown.samples)])
