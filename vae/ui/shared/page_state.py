"""What a page shows, as a table of fields that its widgets hold and its link carries."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vae.errors import SettingError
from vae.links.fields import Field, unknown
from vae.ui.shared import looks

Values = Mapping[str, Any]


# ---- The address ---------------------------------------------------------------------------------------------------

LAG_SECONDS = 3.0  # a browser's address may be so old; going back in its history takes a person longer


@dataclass
class Address:
    """What we wrote into a browser's address last, and before that."""

    written: dict[str, str] | None = None
    before: dict[str, str] | None = None
    replaced_at: float = 0.0

    def is_followed(self, query: dict[str, str], fields: Iterable[str]) -> bool:
        """Whether a link was followed: the address is not ours, nor the one before, which the browser still had when it
        asked for a refresh; nor has it none of the page's fields, as where another page wrote it while the user went back.
        """
        lags = query == self.before and time.monotonic() - self.replaced_at < LAG_SECONDS
        return not query.keys().isdisjoint(fields) and query != self.written and not lags

    def write(self, query: dict[str, str]) -> None:
        if query != self.written:
            self.before, self.written, self.replaced_at = self.written, query, time.monotonic()
        looks.replace_query(query)


def doubled(fields: Iterable[str]) -> list[str]:
    """A sentence on each of the fields that the address has more than once, and not alike."""
    names = [name for name in fields if len(set(st.query_params.get_all(name))) > 1]
    return [f"The link has {name} more than once: the last one stands." for name in names]


# ---- A page's fields, in its widgets and in the address --------------------------------------------------------------


@dataclass(frozen=True)
class PageState:
    """The fields of one page. Those in `always` are written into a link even where they have their defaults."""

    name: str
    fields: Mapping[str, Field]
    always: frozenset[str] = frozenset()

    @property
    def linked(self) -> Iterable[str]:
        """The names that a link may have."""
        return self.fields

    def key(self, field: str) -> str:
        """The key of the widget that holds a field."""
        return f"{self.name}.{field}"

    def shown(self) -> dict[str, Any]:
        """What the page showed when it was last made, as restore() returned it."""
        return self._mine()["values"]

    def now(self, field: str) -> Any:
        """What a field holds: what it was set to since, else its widget's value, else what the page last showed. A widget
        that is not on the page is forgotten, in a refresh of a part too, and whatever asks for its value from elsewhere
        must not depend on that."""
        key, was_set = self.key(field), self._mine()["set"]
        if field in was_set:
            return was_set[field]
        return _value(st.session_state[key]) if key in st.session_state else self.shown()[field]

    def values(self) -> dict[str, Any]:
        """What all fields hold."""
        return {field: self.now(field) for field in self.fields}

    def set(self, **values: object) -> None:
        """Change what fields hold; from a callback, or before their widgets are made."""
        self._mine()["set"].update(values)

    def ask(self, query: Mapping[str, str]) -> None:
        """Have the page show what a link with that query would, when it is made next: for a button of another page."""
        self._mine()["asked"] = dict(query)

    def _mine(self) -> dict:
        return st.session_state.setdefault(f"{self.name}:state", {"address": Address(), "set": {}})

    def control(self, widget: Callable, field: str, label: str, *arguments: object, **options: object) -> Any:
        """The widget that holds a field; returns what it returns.

        The browser is told what the state holds as the widget's own start, too. Told by the state alone, it hears it once;
        and where the page is made again before the browser has loaded that kind of widget, it starts as an empty one.
        """
        given = inspect.signature(widget).bind_partial(label, *arguments, **options).arguments
        held, key = _held(self.now(field)), self.key(field)
        was_set = self._mine()["set"]
        if field in was_set or key not in st.session_state:
            # Only now: Streamlit would never forget what is put under the key of a widget that is not on the page, and
            # would take it up again when the widget has come and gone.
            st.session_state[key] = held
            was_set.pop(field, None)
        return widget(label, *arguments, **options, **_start(widget, given, held), key=key)

    def restore(self) -> tuple[Values, list[str]]:
        """What the page shows: a link's settings where one was followed, else what its widgets hold; and the link's problems."""
        mine, query = self._mine(), looks.query()
        followed = looks.has_arrived() or (mine["address"].is_followed(query, self.linked) and not self._moved())
        if (asked := mine.pop("asked", None)) is not None:
            query, followed = asked, True
        if "values" not in mine or followed:
            mine["values"], problems = self.read(query)
            mine["problems"] = [*problems, *doubled(self.linked)]
            self.set(**mine["values"])
        if self._moved():
            mine["problems"] = []
        mine["values"] = self.values()
        return mine["values"], mine["problems"]

    def _moved(self) -> bool:
        """Whether a control was moved: then the address is an older one of ours that the browser had not replaced yet."""
        return any(self.now(field) != value for field, value in self._mine().get("values", {}).items())

    def share(self) -> None:
        """Write what is shown into the address, so that copying it shares it: at the end of the page, which may have set
        some fields itself."""
        mine = self._mine()
        mine["values"] = self.values()
        mine["address"].write(self.write(mine["values"]))

    def read(self, query: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """The settings that a link stands for, and a sentence for each of its fields that cannot be used.

        A field that cannot be used keeps its default, and the sentence says so; nothing is corrected in silence.
        """
        values, problems = {name: field.default for name, field in self.fields.items()}, []
        for name, text in query.items():
            if name not in self.fields:
                problems += unknown(name)
                continue
            try:
                values[name] = self.fields[name].parse(name, text)
            except SettingError as reason:
                problems.append(f"{reason} The default stands instead.")
        return values, problems

    def write(self, values: Values) -> dict[str, str]:
        """The link's query: the fields that are always in it, and every other one that has not its default."""
        return {n: f.show(values[n]) for n, f in self.fields.items() if n in self.always or values[n] != f.default}


def _start(widget: Callable, given: Mapping[str, object], held: object) -> dict[str, object]:
    """How a widget is told where it starts; not at all where it cannot start there."""
    accepted = inspect.signature(widget).parameters
    options = given.get("options")
    if options is not None and not all(one in options for one in (held if isinstance(held, list) else [held])):
        return {}
    low, high = given.get("min_value"), given.get("max_value")
    if (low is not None and held < low) or (high is not None and held > high):
        return {}
    if "index" in accepted:
        return {"index": list(options).index(held)}
    return {"default" if "default" in accepted else "value": held}


def _held(value: object) -> object:
    """As a widget holds it: several choices are a list there."""
    return list(value) if isinstance(value, tuple) else value


def _value(held: object) -> object:
    return tuple(held) if isinstance(held, list) else held
