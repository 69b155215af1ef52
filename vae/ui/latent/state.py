"""What the Latent page shows: its fields, as widgets hold them and links carry them."""

from __future__ import annotations

import re
from types import MappingProxyType

from vae.data import DATASETS
from vae.errors import SettingError
from vae.latent.codes import UNITS
from vae.links.fields import Field, choice, flag, real, whole
from vae.losses.table import LOSSES
from vae.training.subset import SIZE
from vae.ui.shared.page_state import PageState

PARTS = {
    "traverse": "Traverse",
    "map": "Map",
    "walk": "Walk",
    "arithmetic": "Arithmetic",
    "embed": "Embed",
    "image": "One image",
    "health": "Health",
}
STARTS = {"prior": "the prior mean", "image": "the chosen image"}
METHODS = {"pca": "PCA", "tsne": "t-SNE"}
INITIALS = {"pca": "PCA", "random": "random", "shared": "shared with the first"}
AGAINST = {"nothing": "nothing", "seed": "the next seed", "perplexity": "another perplexity"}
COLOURS_BY = {"class": "class", "kl": "KL", "loss": "reconstruction term", "axis": "an axis of my own"}
GROUPS = {
    "classes": "classes", "attribute": "a known attribute", "ticked": "ticked thumbnails", "lasso": "lassoed points",
}  # fmt: skip
SOURCES = {"chosen": "a test image", "drawn": "a drawing"}
MOST_MOVES = 6.0  # standard deviations


def _key(name: str, text: str) -> str:
    if len(text) > 80:
        raise SettingError(name, text[:80], "the name of a model is accepted")
    return text


def _colour(name: str, text: str) -> str:
    """One of COLOURS_BY, or a factor that is known of some data set."""
    if text not in COLOURS_BY and not _is_factor(text):
        raise SettingError(name, text[:80], f"one of {', '.join(COLOURS_BY)}, or a factor of a data set, is accepted")
    return text


def _factor(name: str, text: str) -> str:
    if not _is_factor(text):
        raise SettingError(name, text[:80], "a factor of a data set is accepted")
    return text


def _is_factor(text: str) -> bool:
    return any(text in source.factors for source in DATASETS.values())


def _moves(name: str, text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = (float("nan"),)
    if len(numbers) > 256 or not all(-MOST_MOVES <= number <= MOST_MOVES for number in numbers):
        raise SettingError(name, text[:80], f"numbers from {-MOST_MOVES:g} to {MOST_MOVES:g} with commas are accepted")
    return numbers


def _show_moves(moves: tuple[float, ...]) -> str:
    return ",".join(f"{move:g}" for move in moves)


def _ticks(name: str, text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,5}(,[0-9]{1,5})*", text) or len(text) > 400:
        raise SettingError(name, text[:80], "numbers of test images with commas between are accepted")
    return tuple(int(part) for part in text.split(","))


def _show_ticks(ticks: tuple[int, ...]) -> str:
    return ",".join(map(str, ticks))


STATE = PageState(
    "latent",
    MappingProxyType(
        {
            "model": Field("", _key),  # "": the first one there is
            "beside": Field("", _key),  # "": no second model
            "part": choice("traverse", tuple(PARTS)),
            "image": whole(0, 0, SIZE - 1),
            "other": whole(1, 0, SIZE - 1),
            # traverse
            "start": choice("prior", tuple(STARTS)),
            "unit": choice("prior", tuple(UNITS)),
            "span": real(3.0, 0.5, MOST_MOVES),
            "rows": whole(8, 1, 256),
            "moves": Field((), _moves, _show_moves),
            # map
            "plane": choice("dimensions", ("dimensions", "pca")),
            "first": whole(1, 1, 256),  # ranks by KL
            "second": whole(2, 1, 256),
            "cells": whole(15, 3, 25),
            # arithmetic: "3 minus 5 plus 8"
            "groups": choice("classes", tuple(GROUPS)),
            "attribute": Field("", _factor),  # a known factor; "": the first one there is
            "origin": choice("class", ("class", "image")),
            "origin_class": whole(3, 0, 255),
            "minus_class": whole(5, 0, 255),
            "plus_class": whole(8, 0, 255),
            "plus_ticks": Field((), _ticks, _show_ticks),
            "minus_ticks": Field((), _ticks, _show_ticks),
            # embed
            "method": choice("pca", tuple(METHODS)),
            "perplexity": real(30.0, 2.0, 200.0),
            "map_seed": whole(0, 0, 2**31 - 2),
            "initial": choice("pca", tuple(INITIALS)),
            "early": real(12.0, 1.0, 50.0),
            "against": choice("nothing", tuple(AGAINST)),
            "colour": Field("class", _colour),
            "isolate": flag(),
            "axis_from": whole(3, 0, 255),
            "axis_to": whole(8, 0, 255),
            # one image
            "source": choice("chosen", tuple(SOURCES)),
            "eps_seed": whole(1, 0, 9999),  # which draw of eps; 0: eps = 0
            "shift": Field((), _moves, _show_moves),  # what is added to z, by rank of KL
            "second_loss": choice("mse", tuple(LOSSES)),
            "seed": whole(0, 0, 2**31 - 1),
        }
    ),
    frozenset({"model", "part"}),
)
