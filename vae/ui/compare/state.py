"""What the Compare page shows: its fields, as widgets hold them and links carry them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import NamedTuple

from vae.errors import SettingError
from vae.links.fields import Field, choice
from vae.training.config import TrainConfig
from vae.training.pixels import GREY, TREATMENTS, UNIT
from vae.ui.shared.own_images import known
from vae.ui.shared.page_state import PageState

PARTS = {"matrix": "Matrix", "rescue": "Rescue"}
MOST_MODELS = 6


TREATED = tuple(key for key in TREATMENTS if key not in GREY)  # under these a picture is another x


class Images(NamedTuple):
    """What models have to share to be compared: a data set, its size (0: its own) and what its pixels are."""

    dataset: str
    size: int
    pixels: str = UNIT


def data_name(config: TrainConfig) -> str:
    """Models of one name see the same images: "mnist", "mnist-14" at 14 pixels a side, "mnist-binary", "mnist-14-binary"."""
    parts = [config.dataset, str(config.size or ""), config.pixels if config.pixels in TREATED else ""]
    return "-".join(filter(None, parts))


def data_of(name: str) -> Images:
    """SettingError for a name that is none."""
    rest, _, pixels = name.rpartition("-")
    if pixels not in TREATED:
        rest, pixels = name, UNIT
    dataset, _, size = (rest, "", "") if rest in known() else rest.rpartition("-")
    if dataset not in known() or not re.fullmatch("[0-9]{0,3}", size):
        raise SettingError("data", name[:80], f"one of {', '.join(known())} is accepted")
    return Images(dataset, int(size or 0), pixels)


def data_title(name: str) -> str:
    dataset, size, pixels = data_of(name)
    at = f", at {size}×{size}" if size else ""
    return known()[dataset].title + at + (f", {TREATMENTS[pixels].name}" if pixels in TREATED else "")


def _data(_: str, text: str) -> str:
    data_of(text)
    return text


def _keys(name: str, text: str) -> tuple[str, ...]:
    keys = tuple(dict.fromkeys(key for key in text.split(",") if key))
    if len(keys) > MOST_MODELS or max(map(len, keys), default=0) > 80:
        raise SettingError(name, text[:80], f"the names of up to {MOST_MODELS} models with commas are accepted")
    return keys


def _key(name: str, text: str) -> str:
    if len(text) > 80:
        raise SettingError(name, text[:80], "the name of a model is accepted")
    return text


STATE = PageState(
    "compare",
    MappingProxyType(
        {
            "data": Field("", _data),  # "": the data set of the class
            "models": Field((), _keys, ",".join),  # (): those that ship
            "part": choice("matrix", tuple(PARTS)),
            "rescued": Field("", _key),  # the model trained with BCE; "": the first there is
        }
    ),
    frozenset({"data", "models", "part"}),
)


def settle(**values: object) -> None:
    """Put in what a setting left open comes to, before its widget is made: no move of the user's."""
    STATE.set(**values)
    STATE.shown().update(values)
