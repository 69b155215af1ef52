"""A setting as text: what a link carries of it, and what a person may write for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vae.errors import SettingError, short


@dataclass(frozen=True)
class Field:
    """One setting: its default, text -> value (SettingError if it cannot be used), and value -> text."""

    default: object
    parse: Callable[[str, str], object]
    show: Callable[[object], str] = str


def choice(default: str, accepted: Sequence[str]) -> Field:
    def parse(name: str, text: str) -> str:
        if text not in accepted:
            raise SettingError(name, text, f"one of {', '.join(accepted)} is accepted")
        return text

    return Field(default, parse)


def real(default: float, low: float, high: float, within: Callable[[float], bool] | None = None) -> Field:
    """A number from low to high; within narrows that, as where an end is left out."""
    named = f"from {low:g} to {high:g}" if within is None else f"between {low:g} and {high:g}"

    def parse(name: str, text: str) -> float:
        number = number_in(name, text, f"a number {named}")
        if not low <= number <= high or (within and not within(number)):  # NaN is within nothing
            raise SettingError(name, number, f"a number {named} is accepted")
        return number

    return Field(default, parse, "{:.12g}".format)


def whole(default: int, low: int, high: int) -> Field:
    def parse(name: str, text: str) -> int:
        text = digits_of(text)
        if not re.fullmatch("[0-9]{1,10}", text) or not low <= int(text) <= high:
            raise SettingError(name, text, f"a whole number from {low:,} to {high:,} is accepted")
        return int(text)

    return Field(default, parse)


def flag(default: bool = False) -> Field:
    def parse(name: str, text: str) -> bool:
        if text not in ("yes", "no"):
            raise SettingError(name, text, "yes or no is accepted")
        return text == "yes"

    return Field(default, parse, lambda on: "yes" if on else "no")


# ---- What people write, and what others add ---------------------------------------------------------------------------

# Added to links by mailing lists, social networks and advertisements; it says nothing to us.
_TRACKING = re.compile(
    "utm_.*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|mc_[ce]id|ref|_ga|_gl"
)


def unknown(name: str) -> list[str]:
    """The sentence on a setting of a link that does not exist; none on what a link collects where it is passed on."""
    if _TRACKING.fullmatch(name):
        return []
    return [f"The link has a setting {short(name)} that does not exist; it is left out."]


def digits_of(text: str) -> str:
    """The text with the digits and signs of other keyboards, as full-width ones, written as usual."""
    return unicodedata.normalize("NFKC", text).strip().replace("−", "-")


def number_in(name: str, text: str, accepted: str) -> float:
    """The number that a text says; SettingError, which tells what is meant where it has a decimal comma."""
    usual = digits_of(text)
    try:
        return float(usual)
    except ValueError:
        meant = f", with a point: {usual.replace(',', '.')}" if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", usual[:20]) else ""
        raise SettingError(name, text, f"{accepted} is accepted{meant}") from None
