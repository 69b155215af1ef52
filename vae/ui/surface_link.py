"""A link to the Loss surfaces page: what it shows, to and from the address. Pure functions over mappings of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vae.config import FORMULA, loss_keys
from vae.errors import SettingError
from vae.formula import formula_loss
from vae.losses import LOSSES, Parameter
from vae.shipped import SHIPPED
from vae.surfaces import VIEWS

MOST_LOSSES = 4
FORMS = ("surface", "map", "section")
SCALES = ("own", "same")
PARTS = ("descent", "image", "patch")
SOURCES = ("mean", "run", *SHIPPED)  # of predictions: a collapsed decoder, the live run, a model that ships
PICTURES = 10  # test images to choose from
DISTORTIONS = ("shift", "blur", "brighten")
MOST_DISTORTION = 3.0


@dataclass(frozen=True)
class Field:
    """One setting of the page: its default, text -> value (SettingError if it cannot be used), and value -> text."""

    default: object
    parse: Callable[[str, str], object]
    show: Callable[[object], str] = str


def _choice(default: str, accepted: Sequence[str]) -> Field:
    def parse(name: str, text: str) -> str:
        if text not in accepted:
            raise SettingError(name, text, f"one of {', '.join(accepted)} is accepted")
        return text

    return Field(default, parse)


def _real(default: float, within: Callable[[float], bool], accepted: str) -> Field:
    def parse(name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise SettingError(name, text, f"a number {accepted} is accepted") from None
        if not within(number):  # NaN is within nothing
            raise SettingError(name, number, f"a number {accepted} is accepted")
        return number

    return Field(default, parse, "{:.12g}".format)


def _unit(default: float) -> Field:
    return _real(default, lambda v: 0 <= v <= 1, "from 0 to 1")


def _parameter(parameter: Parameter) -> Field:
    low, high = parameter.low, parameter.high
    return _real(parameter.default, lambda v: low <= v <= high, f"from {low:g} to {high:g}")


def _losses(name: str, text: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in text.split(","))
    if not set(chosen) <= set(loss_keys()) or len(set(chosen)) < len(chosen) or len(chosen) > MOST_LOSSES:
        accepted = f"one to {MOST_LOSSES} different ones of {', '.join(loss_keys())}, with commas between, are accepted"
        raise SettingError(name, text, accepted)
    return chosen


def _whole(default: int, most: int) -> Field:
    def parse(name: str, text: str) -> int:
        if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= most:
            raise SettingError(name, text, f"a whole number from 1 to {most} is accepted")
        return int(text)

    return Field(default, parse)


def _formula(name: str, text: str) -> str:
    formula_loss(text)  # SettingError where it is no loss
    return text


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "losses": Field(("bce", "mse"), _losses, ",".join),
        "view": _choice("value", tuple(VIEWS)),
        "form": _choice("surface", FORMS),
        "scale": _choice("own", SCALES),
        "x": _unit(0.8),
        "p": _unit(0.9),
        FORMULA: Field("abs(x - p)", _formula),
        "part": _choice("descent", PARTS),
        "target": _unit(1.0),
        "p0": _real(0.001, lambda v: 0 < v < 1, "between 0 and 1, without the two ends,"),
        "step_size": _real(1.0, lambda v: 0 < v <= 1000, "above 0 and up to 1000"),
        "steps": _whole(100, 2000),
        "source": _choice("mean", SOURCES),
        "picture": _whole(1, PICTURES),
        "distortion": _choice("shift", DISTORTIONS),
        "amount": _real(1.0, lambda v: 0 <= v <= MOST_DISTORTION, f"from 0 to {MOST_DISTORTION:g}"),
    }
    | {f"{key}.{p.name}": _parameter(p) for key, loss in LOSSES.items() if loss.pointwise for p in loss.parameters}
)


def defaults() -> dict[str, object]:
    """What the page shows when nothing else was asked for."""
    return {name: field.default for name, field in FIELDS.items()}


def read(query: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """The settings that a link stands for, and a sentence for each of its fields that cannot be used.

    A field that cannot be used keeps its default, and the sentence says so; nothing is corrected in silence.
    """
    values, problems = defaults(), []
    for name, text in query.items():
        if name not in FIELDS:
            problems.append(f"The link has a setting {name!r} that does not exist; it is left out.")
            continue
        try:
            values[name] = FIELDS[name].parse(name, text)
        except SettingError as reason:
            problems.append(f"{reason} The default stands instead.")
    if "part" not in query and "ssim" in values["losses"]:
        values["part"] = "patch"  # the one place where it can be seen
    return values, problems


def write(values: Mapping[str, object]) -> dict[str, str]:
    """The link's query: losses, view and cursor always, every other field where it is not the default."""
    always = {"losses", "view", "x", "p"} | ({"part"} if "ssim" in values["losses"] else set())
    return {n: f.show(values[n]) for n, f in FIELDS.items() if n in always or values[n] != f.default}
