"""Who comes to the Class page: a lecturer who opens a class, or somebody with a code."""

from __future__ import annotations

import re
from types import MappingProxyType

import streamlit as st

from vae.classroom import CLASSES, Classroom, ClassroomError
from vae.classroom.room import CODE_LENGTH, SIGNS
from vae.errors import SettingError
from vae.links.fields import Field, digits_of
from vae.ui.classroom.attempt import attempt, refusals
from vae.ui.shared.owner import owner
from vae.ui.shared.page_state import PageState


def _code(name: str, text: str) -> str:
    code = digits_of(text).upper()
    if not re.fullmatch(f"[{SIGNS}]{{{CODE_LENGTH}}}", code):
        raise SettingError(name, text, f"a code of {CODE_LENGTH} letters and digits is accepted")
    return code


STATE = PageState("classroom", MappingProxyType({"class": Field("", _code)}))


def enter() -> tuple[Classroom | None, list[str]]:
    """The class that this browser teaches or attends, joined here where a link or a typed code says which; and problems."""
    values, problems = STATE.restore()
    problems = [*problems, *refusals()]
    me, code = owner(), str(values["class"])
    room = CLASSES.taught_by(me)
    if room is None and code:
        attended = CLASSES.attended_by(me)
        try:
            room = CLASSES.join(code, me)
        except ClassroomError as reason:
            problems = [*problems, str(reason)]
        if room is not None and room is not attended:
            st.rerun()  # now as one of the class, on every page
    room = room or CLASSES.attended_by(me)
    STATE.set(**{"class": room.code if room else ""})
    STATE.share()
    return room, problems


def closed() -> None:
    """No class yet: join one, or open one."""
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True):
        st.markdown("**Join a class.** The code is on the lecturer's screen.")
        STATE.control(st.text_input, "class", "Code", max_chars=CODE_LENGTH, placeholder="five letters and digits")
        st.button("Join", key="classroom-join", type="primary", width="stretch")
    with right, st.container(border=True):
        st.markdown(
            "**Open a class.** Students join by a link; you ask claims, patients and races, everybody votes once, you reveal. "
            "Nothing is kept when the class ends."
        )
        st.button("Open a class", key="classroom-open", width="stretch", on_click=attempt, args=(CLASSES.open, owner()))


def leave(room: Classroom) -> None:
    """From a callback."""
    attempt(room.leave, owner())
    STATE.set(**{"class": ""})


def end(room: Classroom) -> None:
    """From a callback."""
    CLASSES.end(room)
    STATE.set(**{"class": ""})
