"""Components of our own: a figure, thumbnails for its points, and a run's pictures with a slider over its history."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from vae.figures import plot
from vae.figures.plot import Figure, encoded
from vae.ui.shared import looks
from vae.ui.shared.assets import component, plotly_js
from vae.ui.shared.language import told, worded

_plotly = Path(__file__).with_name("plotly.js")
_figure = component(
    Path(__file__).with_name("figure.js"),
    _plotly,
    Path(plot.__file__).with_name("merged.js"),
    Path(__file__).with_name("copy.js"),
    Path(__file__).with_name("take.js"),
)
_atlas = st.components.v2.component("vae_atlas", js=Path(__file__).with_name("atlas.js").read_text())
_film = component(Path(__file__).with_name("film.js"))


@dataclass(frozen=True, eq=False)
class Player:
    """Points that move over the steps, played in the browser: traces[i] is one point, at (x[i][k], y[i][k]) in step k."""

    traces: Sequence[int]
    x: Sequence[Sequence[float]]
    y: Sequence[Sequence[float]]


def figure(
    drawn: Figure,
    key: str,
    label: str,
    *,
    on_click: Callable[[Mapping[str, Any]], None] | None = None,
    narrow: Mapping[str, Any] | None = None,
    player: Player | None = None,
    mode_bar: bool = False,
    on_select: Callable[[Sequence[int]], None] | None = None,
    thumbnails: str = "",
) -> None:
    """Show a Plotly figure; label is read out by screen readers.

    on_click is called with the point clicked (x, y, z, pointNumber, curveNumber, customdata) before the page is made
    again, so it may set what other widgets hold. narrow: changes to the layout where the figure has less than 560 pixels.
    on_select is called with the customdata of the points of trace 0 round which a lasso was drawn, none if it was undone.
    thumbnails: the name of an atlas() whose pictures show beside the pointer, for points whose customdata is an index.
    """
    data = {
        "figure": encoded(worded(drawn)),
        "narrow": narrow and encoded(worded(narrow)),
        "label": label,
        "file": label,  # what it is called when it is taken along, in whatever language
        "alone": looks.name_of(key),
        "plotly": plotly_js(),
        "clicks": on_click is not None,
        "selects": on_select is not None,
        "thumbnails": thumbnails,
        "player": player and {"traces": list(player.traces), "x": player.x, "y": player.y},
        "config": {"displayModeBar": mode_bar},
    }

    def clicked() -> None:
        if on_click is not None and (point := st.session_state[key].clicked):
            on_click(point)

    def selected() -> None:
        if on_select is not None and (chosen := st.session_state[key].selected) is not None:
            on_select(chosen)

    _figure(data=data, key=key, on_clicked_change=clicked, on_selected_change=selected)


def atlas(name: str, pages: Mapping[str, bytes], columns: int, rows: int) -> None:
    """Hand pictures to the browser once, for figures to show as thumbnails.

    pages: label -> one PNG with the pictures of all indices in rows, without gaps. Keep it outside what refreshes.
    """
    data = {
        "name": name,
        "pages": [{"label": told(label), "png": base64.b64encode(png).decode()} for label, png in pages.items()],
        "columns": columns,
        "rows": rows,
    }
    _atlas(data=data, key=f"atlas.{name}")


@dataclass(frozen=True)
class Row:
    """One strip of pictures: its name for tests and styles, a caption, the PNG, and what it shows for screen readers."""

    name: str
    label: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class Column:
    """Rows of pictures under each other. title and note stand over them; a mark in its colour says whose they are."""

    rows: Sequence[Row]
    title: str = ""
    note: str = ""
    colour: str = ""
    mark: str = "■"


def film(columns: Sequence[Column], steps: Sequence[int], shown: int, looking: int | None, said: str, key: str) -> None:
    """Show pictures after steps[shown]; the slider sets st.session_state[key]["looking"] to a step or None.

    said: a sentence for screen readers, read out when it changes.
    """
    data = {
        "columns": [
            {
                "title": c.title,
                "note": c.note,
                "colour": c.colour,
                "mark": c.mark,
                "rows": [_row(row) for row in c.rows],
            }
            for c in columns
        ],
        "steps": [int(step) for step in steps],
        "shown": shown,
        "looking": looking,
        "said": said,
    }
    _film(data=data, key=key, default={"looking": None}, on_looking_change=_nothing)


def _row(row: Row) -> dict[str, str]:
    return {"name": row.name, "label": row.label, "png": base64.b64encode(row.png).decode(), "alt": row.alt}


def _nothing() -> None:
    """A callback is how a component declares a value; the value itself is read from the session state."""
