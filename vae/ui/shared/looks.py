"""How a page is looked at, as its address says beside what it shows: one panel alone (only), larger type (present), and what
guides there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import streamlit as st

from vae.errors import SettingError
from vae.links.fields import choice
from vae.ui.shared.language import LANG
from vae.ui.shared.words import say

ONLY, PRESENT = "only", "present"
# What guides through pages: see vae/ui/lesson/bar.py.
LESSON, STEP, EXERCISE, TURN = "lesson", "step", "exercise", "turn"
BESIDE = (ONLY, PRESENT, LESSON, STEP, EXERCISE, TURN, LANG)  # of an address's fields those that are no page's own
ARRIVED, HELD_BACK = "arrived", "held-back"  # what a guide does with the page that comes next
WRITTEN = "present:written"  # what we wrote into the address last

BEGIN = "do.start"  # the button without which a training alone would stand still; gone while it cannot be pressed


@dataclass(frozen=True)
class Panel:
    """A part of a page that can stand alone. keys: how the keys of its elements begin. needs: settings of the page's link
    without which it is not on the page."""

    keys: tuple[str, ...]
    needs: Mapping[str, str] = field(default_factory=dict)


def _part(part: str, *keys: str) -> Panel:
    return Panel(keys, {"part": part})


PANELS: Mapping[str, Mapping[str, Panel]] = MappingProxyType(
    {
        "lecture": {"figure": Panel(("lecture-",))},
        "surfaces": {
            "surface": Panel(("surfaces",)),
            "table": Panel(("surface-table",)),
            "descent": _part("descent", "descent"),
        },
        "kl": {
            "codes": Panel(("kl-over-codes",)),
            "densities": Panel(("kl-densities",)),
            "convergence": Panel(("kl-convergence",)),
        },
        "train": {
            "pictures": Panel(("film", BEGIN)),
            "curves": Panel(("curves", BEGIN)),
            "codes": Panel(("codes",)),
            "dial": Panel(("dial",)),
        },
        "latent": {
            "traverse": _part("traverse", "strips."),
            "map": _part("map", "grid."),
            "codes": _part("map", "codes."),
            "walk": _part("walk", "walk.rows"),
            "embed": _part("embed", "embed."),
            "health": _part("health", "health.kl."),
        },
    }
)


# ---- The address ---------------------------------------------------------------------------------------------------


def query() -> dict[str, str]:
    """What the address says of the page's own fields, with the settings that a panel alone needs."""
    own = {name: text for name, text in st.query_params.to_dict().items() if name not in BESIDE}
    return own | dict(panel.needs) if (panel := _panel()) else own


def replace_query(own: Mapping[str, str]) -> None:
    """Write the page's own fields into the address, and leave how it is looked at as it is."""
    looks = {name: st.query_params[name] for name in BESIDE if name in st.query_params}
    if st.query_params.to_dict() != {**own, **looks}:
        st.query_params.from_dict({**own, **looks})


def arrive(on: bool) -> None:
    """Note whether a guide has just led to the page that comes next: it then shows what its address says, though it may have
    said the same a moment ago."""
    st.session_state[ARRIVED] = on


def has_arrived() -> bool:
    return st.session_state.get(ARRIVED, False)


def hold_back(on: bool) -> None:
    """Note whether a guide has asked a question of the page that comes next, and not shown its answer."""
    st.session_state[HELD_BACK] = on


def is_held_back() -> bool:
    """Whether a page is to keep its own verdict to itself."""
    return st.session_state.get(HELD_BACK, False)


# ---- One panel alone -----------------------------------------------------------------------------------------------


def only() -> str:
    """The name of the panel that stands alone, "" for the whole page."""
    return st.query_params.get(ONLY, "") if _panel() else ""


def _panel() -> Panel | None:
    return _panels().get(st.query_params.get(ONLY, ""))


def _panels() -> Mapping[str, Panel]:
    return PANELS.get(st.session_state.get(ONLY, ""), {})


def name_of(key: str) -> str:
    """The panel of this page that an element with that key belongs to, "" for none."""
    found = (name for name, panel in _panels().items() if key.startswith(panel.keys))
    return next(found, "")


def show_only(page: str) -> None:
    """Hide all but the panel that the address asks for; whatever page comes next, this is the page of that name."""
    st.session_state[ONLY] = page
    asked = st.query_params.get(ONLY)
    if panel := _panel():
        st.html(_style(panel))
    elif asked is not None and _panels():
        try:
            choice("", tuple(_panels())).parse(ONLY, asked)
        except SettingError as reason:
            say(f"{reason} The whole page is shown instead.", "warning")
    elif asked is not None:
        say("No part of this page can stand alone: the whole page is shown.", "warning")


def _style(panel: Panel) -> str:
    """Hidden is whatever is neither the panel, nor in it, nor round it; what is wrong with the link stays."""
    names = [re.sub(r"[^\w-]", "-", key) for key in panel.keys]
    kept = ", ".join([*(f'[class*="st-key-{name}"]' for name in names), ".stAlert"])
    parts = ":is(.stElementContainer, .stColumn, .stVerticalBlock, .stHorizontalBlock, .stLayoutWrapper)"
    return f"""<style>
.stMainBlockContainer {parts}:not(:is({kept}), :is({kept}) *, :has({kept})) {{ display: none; }}
.stMainBlockContainer .stColumn:has({kept}) {{ flex: 1 1 100%; width: 100%; min-width: 0; }}
.stAppHeader, .stSidebar, .st-key-presenter, .st-key-language, .st-key-frame, .st-key-do-start:has(button:disabled) {{ display: none; }}
.stMainBlockContainer {{ padding: 0.4rem 0.6rem; }}
[class*="st-key-grid-"] .vae-pictures {{ max-width: min(100%, 94vh) !important; }}
</style>"""


# ---- Larger type ---------------------------------------------------------------------------------------------------

LARGER = """<style>
html { font-size: 20px !important; }
@media (min-width: 1700px) { html { font-size: 24px !important; } }
.stAppHeader { padding-right: 8.5rem; }
@media (min-width: 641px) { .st-key-frame { right: 3.1rem; } .st-key-language { right: 5.1rem; } }
.stSelectbox input { font-size: 0.8rem !important; padding-inline: 0.4rem !important; }
.stButtonGroup [role="radiogroup"] { flex-wrap: wrap; }
</style>"""


def presenter() -> None:
    """The switch of the presenter mode, which a link's present=1 turns on, and the larger type while it is on. It stays as
    it is from page to page."""
    asked = st.query_params.get(PRESENT)
    if asked is not None and asked != st.session_state.get(WRITTEN):  # a link was followed: it is not what we wrote
        st.session_state[PRESENT] = _is_wanted(asked)
    on = st.session_state.get(PRESENT, False)
    with st.container(key="presenter"):
        st.button(
            "Leave the presenter mode" if on else "Presenter mode", key="presenter.switch", icon=":material/co_present:",
            type="primary" if on else "tertiary", on_click=_switch, help="Larger type, for a hall, on every page.",
        )  # fmt: skip
    st.session_state[WRITTEN] = "1" if on else None
    if on:
        st.query_params[PRESENT] = "1"
        st.html(LARGER)
    elif asked is not None:
        del st.query_params[PRESENT]


def _is_wanted(asked: str) -> bool:
    try:
        return choice("0", ("0", "1")).parse(PRESENT, asked) == "1"
    except SettingError as reason:
        say(str(reason), "warning")
        return False


def _switch() -> None:
    st.session_state[PRESENT] = not st.session_state.get(PRESENT, False)
