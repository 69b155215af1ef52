"""What the KL page shows: a code, and how it is sampled, as widgets hold them and links carry them."""

from __future__ import annotations

from dataclasses import fields, replace
from types import MappingProxyType

from vae.links.fields import Field, digits_of
from vae.losses import kl
from vae.ui.shared.page_state import PageState


def _field(name: str) -> Field:
    """A field of Setting, which says itself what it accepts."""
    default = getattr(kl.Setting(), name)

    def parse(_: str, text: str) -> object:
        try:
            value = type(default)(digits_of(text))
        except ValueError:
            value = text
        return getattr(replace(kl.Setting(), **{name: value}), name)

    return Field(default, parse, "{:.12g}".format if isinstance(default, float) else str)


STATE = PageState(
    "kl", MappingProxyType({f.name: _field(f.name) for f in fields(kl.Setting)}), frozenset({"mu", "log_var"})
)
