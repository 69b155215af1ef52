"""Small pieces of HTML. What they are given is text, and is escaped; what they return is HTML, of its own type."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is HTML already; everything else is escaped where it is used."""


def escaped(content: object) -> Html:
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element. class_ and the like lose their underscore; an attribute that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{''.join(map(escaped, content))}</{name}>")


def join(parts: Iterable[object], between: str = "\n") -> Html:
    return Html(between.join(map(escaped, parts)))


def link(text: str, address: str) -> Html:
    """A link to another site, followed by a click alone; the plain text where there is no web address."""
    return tag("a", text, href=address, rel="noreferrer") if address.startswith("https://") else escaped(text)


def picture(png: bytes, told: str) -> Html:
    return Html(f'<img src="data:image/png;base64,{b64encode(png).decode()}" alt="{html.escape(told)}">')


def download(text: str, name: str, content: str, kind: str) -> Html:
    """A link that saves a file which the page itself holds."""
    return tag("a", text, download=name, href=f"data:{kind};base64,{b64encode(content.encode()).decode()}")


def table(head: Sequence[object], rows: Iterable[tuple[Sequence[object], str | None]]) -> Html:
    """rows: (cells, class of the row); the first cell is the row's name. Scrolls sideways where it is wider than the page."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [
        tag("tr", tag("th", cells[0], scope="row"), *map(_cell, cells[1:]), class_=of_class) for cells, of_class in rows
    ]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="wide", tabindex=0)


def _cell(content: object) -> Html:
    return content if isinstance(content, Html) and content.startswith("<td") else tag("td", content)
