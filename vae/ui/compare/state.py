"""What the Compare page shows: its fields, as widgets hold them and links carry them."""

from __future__ import annotations

import re
from types import MappingProxyType

from vae.errors import SettingError
from vae.links.fields import Field, choice
from vae.training.config import TrainConfig
from vae.ui.shared.own_images import known
from vae.ui.shared.page_state import PageState

PARTS = {"matrix": "Matrix", "rescue": "Rescue"}
MOST_MODELS = 6


def data_name(config: TrainConfig) -> str:
    """Models of one name see the same images: "mnist", or "mnist-14" at 14 pixels a side."""
    return config.dataset + (f"-{config.size}" if config.size else "")


def data_of(name: str) -> tuple[str, int]:
    """(data set, size) of such a name; SettingError where there is none."""
    dataset, _, size = (name, "", "") if name in known() else name.rpartition("-")
    if dataset not in known() or not re.fullmatch("[0-9]{0,3}", size):
        raise SettingError("data", name[:80], f"one of {', '.join(known())} is accepted")
    return dataset, int(size or 0)


def data_title(name: str) -> str:
    dataset, size = data_of(name)
    return known()[dataset].title + (f", at {size}×{size}" if size else "")


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
