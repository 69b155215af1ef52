"""Looking back at runs side by side: which pictures there are, and which of them stand at the step looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from vae.engine.run import View
from vae.training.step import Pictures

Frame = TypeVar("Frame", bound=Pictures)


def pictures_of(view: View) -> Sequence[Pictures]:
    """Oldest first, last what it shows now: that is newer than its figures most of the time. Not before the first chunk."""
    observed, newest = view.observations, view.pictures
    return (*observed, newest) if newest is not None and newest.step > observed[-1].step else observed


def steps_of(films: Sequence[Sequence[Pictures]]) -> list[int]:
    """The steps at which any of them has a picture."""
    return sorted({frame.step for film in films for frame in film})


def place(steps: Sequence[int], looking: int | None) -> int:
    """The index of the step looked at: the last one for None, else the latest not after it, the first if there is none."""
    return len(steps) - 1 if looking is None else max(0, bisect_right(steps, looking) - 1)


def at(frames: Sequence[Frame], step: int) -> Frame:
    """The latest frame not after the step; the first one if there is none."""
    return frames[place([frame.step for frame in frames], step)]
