"""What is drawn of each loss on show, under the settings of the Loss surfaces page: computed once, kept while the cursor
moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from vae.errors import SettingError
from vae.figures.panels import Panel
from vae.figures.theme import LOSS_COLOURS
from vae.losses.descent import Descent, descend
from vae.losses.record import Loss
from vae.losses.surfaces import Surface, surface

GRID = np.linspace(0, 1, 51)  # steps of .02: the lecture's points lie on it
DIFFERENCES = np.linspace(-0.5, 0.5, 101)  # where x + d and x - d can both be pixels
FINE = np.unique(np.concatenate([np.linspace(0, 1, 201), [0.0005, 0.001, 0.002, 0.998, 0.999, 0.9995]]))
MOST_DOTS = 150  # of a descent's trail


@dataclass(frozen=True)
class Chosen:
    """A loss on show, with its parameters as the sliders have them."""

    key: str
    loss: Loss
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        values = ", ".join(f"{symbol(name)} = {value:g}" for name, value in self.parameters)
        return self.loss.name.split(",")[0] + f", {values}" if values else self.loss.name

    @property
    def colour(self) -> str:
        return LOSS_COLOURS[self.key]


def symbol(name: str) -> str:
    return {"sigma": "σ"}.get(name, name)


@lru_cache(maxsize=128)
def grid(shown: Chosen, view: str, form: str) -> Surface:
    """A view of a loss on the page's grid; kept, as only the cursor moves most of the time."""
    if view == "asymmetry" and form == "surface":
        return _lozenge(shown, view)
    return surface(shown.loss, view, GRID, DIFFERENCES if view == "asymmetry" else GRID, **dict(shown.parameters))


def _lozenge(shown: Chosen, view: str) -> Surface:
    """The asymmetry on lines that end where x + d or x - d is 0 or 1: on a square grid its edge would be ragged."""
    along = np.linspace(-1, 1, 51)
    d = np.minimum(GRID, 1 - GRID)[None, :] * along[:, None]  # (51, 51)
    columns = [surface(shown.loss, view, [x], d[:, i], **dict(shown.parameters)) for i, x in enumerate(GRID)]
    x, values = np.broadcast_to(GRID, d.shape), np.concatenate([column.values for column in columns], axis=1)
    return replace(columns[0], x=x, p=d, values=values, note="It ends where x + d or x − d is 0 or 1.")


@lru_cache(maxsize=64)
def profile(shown: Chosen, view: str, x: float) -> Surface:
    """The same view at one true pixel, with fine steps; kept while the prediction moves."""
    fine = np.unique(np.concatenate([-FINE, FINE])) if view == "asymmetry" else FINE
    return surface(shown.loss, view, [x], fine, **dict(shown.parameters))


@lru_cache(maxsize=64)
def descent(shown: Chosen, target: float, p0: float, step_size: float, steps: int) -> Descent:
    return descend(shown.loss, target, p0, step_size, steps, **dict(shown.parameters))


def panel(shown: Chosen, state: Mapping[str, Any]) -> Panel:
    """All that is drawn of one loss."""
    view, x = state["view"], state["x"]
    second = state["p"] - x if view == "asymmetry" else state["p"]
    here = surface(shown.loss, view, [x], [second], **dict(shown.parameters)).values[0, 0]
    drawn = grid(shown, view, state["form"])
    return Panel(shown.name, shown.colour, drawn, profile(shown, view, x), float(here), _trail(shown, state))


def _trail(shown: Chosen, state: Mapping[str, Any]) -> Surface | None:
    """The descent below, on the surface."""
    if state["part"] != "descent":
        return None
    try:
        path = descent(shown, state["target"], state["p0"], state["step_size"], state["steps"]).p
    except SettingError:
        return None  # said below, where the settings are
    path = path[:: -(-len(path) // MOST_DOTS)]
    second = path - state["target"] if state["view"] == "asymmetry" else path
    return surface(shown.loss, state["view"], [state["target"]], second, **dict(shown.parameters))
