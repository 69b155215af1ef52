"""A link to the Loss surfaces page: what it shows, to and from the address. Pure functions over mappings of text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vae.errors import SettingError
from vae.links.fields import Field, choice, real, whole
from vae.losses.formula import formula_loss
from vae.losses.surfaces import VIEWS
from vae.losses.table import LOSSES
from vae.training.config import FORMULA, loss_keys
from vae.training.shipped import SHIPPED
from vae.ui.shared.page_state import PageState, Values

MOST_LOSSES = 4
FORMS = ("surface", "map", "section")
SCALES = ("own", "same")
PARTS = ("descent", "image", "patch")
SOURCES = ("mean", "run", *SHIPPED)  # of predictions: a collapsed decoder, the live run, a model that ships
PICTURES = 10  # test images to choose from
DISTORTIONS = ("shift", "blur", "brighten")
MOST_DISTORTION = 3.0


def _losses(name: str, text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    if not set(chosen) <= set(loss_keys()) or len(set(chosen)) < len(chosen) or len(chosen) > MOST_LOSSES:
        accepted = f"one to {MOST_LOSSES} different ones of {', '.join(loss_keys())}, with commas between, are accepted"
        raise SettingError(name, text, accepted)
    return chosen


def _formula(name: str, text: str) -> str:
    formula_loss(text)  # SettingError where it is no loss
    return text


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "losses": Field(("bce", "mse"), _losses, ",".join),
        "view": choice("value", tuple(VIEWS)),
        "form": choice("surface", FORMS),
        "scale": choice("own", SCALES),
        "x": real(0.8, 0, 1),
        "p": real(0.9, 0, 1),
        FORMULA: Field("abs(x - p)", _formula),
        "part": choice("descent", PARTS),
        "target": real(1.0, 0, 1),
        "p0": real(0.001, 0, 1, lambda p: 0 < p < 1),
        "step_size": real(1.0, 0, 1000, lambda size: size > 0),
        "steps": whole(100, 1, 2000),
        "source": choice("mean", SOURCES),
        "on": choice("bce", loss_keys()),
        "picture": whole(1, 1, PICTURES),
        "distortion": choice("shift", DISTORTIONS),
        "amount": real(1.0, 0, MOST_DISTORTION),
    }
    | {
        f"{key}.{p.name}": real(p.default, p.low, p.high)
        for key, loss in LOSSES.items()
        if loss.pointwise
        for p in loss.parameters
    }
)


class SurfaceState(PageState):
    """1 − SSIM has no surface: where it is chosen, the part that shows it is, and every link says so."""

    def read(self, query: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
        values, problems = super().read(query)
        if "part" not in query and "ssim" in values["losses"]:
            values["part"] = "patch"
        return values, problems

    def write(self, values: Values) -> dict[str, str]:
        part = {"part": values["part"]} if "ssim" in values["losses"] else {}
        return super().write(values) | part


STATE = SurfaceState("surface", FIELDS, frozenset({"losses", "view", "x", "p"}))
