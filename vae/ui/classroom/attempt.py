"""What the class refuses, said on the page that is made next."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vae.classroom import ClassroomError

REFUSED = "classroom.refused"


def attempt(step: Callable[..., object], *arguments: object) -> None:
    """A callback: step(*arguments), and its sentence where the class refuses."""
    try:
        step(*arguments)
    except ClassroomError as reason:
        st.session_state[REFUSED] = str(reason)


def refusals() -> list[str]:
    """The sentence of the last attempt, once."""
    return [st.session_state.pop(REFUSED)] if REFUSED in st.session_state else []
