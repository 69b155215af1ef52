"""What the Lab shows, and the sweep that its form describes: fields, as widgets hold them and links carry them."""

from __future__ import annotations

from types import MappingProxyType

from vae.data import DATASETS
from vae.errors import SettingError
from vae.links.fields import Field, choice, flag, whole
from vae.losses.table import LOSSES
from vae.study.sweep import QUANTITIES
from vae.ui.shared.page_state import PageState

VIEWS = {"plane": "Rate–distortion", "curves": "Curves", "table": "Table", "compare": "Compare two"}
UNCHOSEN = -1  # the first group that differs from the other in its loss alone
CURVES = {"squared_error": "squared error", "reconstruction": "reconstruction", "kl": "KL"}


def _text(longest: int):
    def parse(name: str, text: str) -> str:
        if len(text) > longest:
            raise SettingError(name, text[:40], f"a text of up to {longest} characters is accepted")
        return text

    return parse


def _losses(name: str, text: str) -> tuple[str, ...]:
    keys = tuple(text.split(","))
    if not set(keys) <= set(LOSSES):
        raise SettingError(name, text[:80], f"some of {', '.join(LOSSES)} with commas between are accepted")
    return tuple(dict.fromkeys(keys))


STATE = PageState(
    "lab",
    MappingProxyType(
        {
            "sweep": Field("", _text(80)),  # "": the first one there is
            "view": choice("plane", tuple(VIEWS)),
            "curve": choice("squared_error", tuple(CURVES)),
            "trails": flag(),
            "measure": choice("sharpness", tuple(QUANTITIES)),
            "first": whole(0, 0, 999),  # groups, in the order of the grid
            "second": whole(UNCHOSEN, 0, 999),
            # the form
            "dataset": choice("digits", tuple(DATASETS)),
            "losses": Field(("bce", "mse"), _losses, ",".join),
            "betas": Field("0.5, 1, 4", _text(400)),
            "latent_dims": Field("2", _text(400)),
            "seeds": Field("3", _text(400)),
            "epochs": whole(10, 1, 10_000),
        }
    ),
    frozenset({"sweep", "view"}),
)
