"""What stands above every page for somebody in a class: where the class is, and where the lecturer sends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from vae.classroom import CLASSES, Classroom, State
from vae.ui.shared.keys import rules
from vae.ui.shared.language import of_the_link
from vae.ui.shared.owner import owner
from vae.ui.shared.refresh import refreshing

SECONDS = 2.0
HEARD, FOLLOWED = "classroom.heard", "classroom.followed"  # what this session knows of its class

_go = st.components.v2.component(
    "vae_go", js="export default function ({ data }) { location.assign(data.address); }", isolate_styles=False
)
_hold = st.components.v2.component("vae_hold", js=Path(__file__).with_name("hold.js").read_text(), isolate_styles=False)


def ring(current: str, page: Callable[..., st.Page]) -> None:
    """Make the page anew when something changes for the class, go where the lecturer sends, and say that a class is on.

    current: the name of the page that is about to be made; page(name): a page, to link and to go to.
    """
    me = owner()
    taught, attended = CLASSES.taught_by(me), CLASSES.attended_by(me)
    room = taught or attended
    st.session_state[HEARD] = _heard(room)
    if room is None:
        return
    if not taught:
        _follow(room)
    with st.container(horizontal=True, vertical_alignment="center", key="class-bell"):
        if current != "classroom":
            _banner(room.state, page, room.code, me, bool(taught))
        if room.state.locked and not taught:
            st.caption(":material/lock: The lecturer has locked the controls.", width="content")
            _hold(data={}, key="classroom.hold")
        if not (taught and current == "classroom"):  # the desk refreshes faster, and listens itself
            refreshing(listen, SECONDS)


def _heard(room: Classroom | None) -> tuple | None:
    return None if room is None else (room.code, *room.state.signal)


def listen() -> None:
    """Make the whole page anew if something has changed for the class."""
    me = owner()
    now = _heard(CLASSES.taught_by(me) or CLASSES.attended_by(me))
    if st.session_state.get(HEARD, now) != now:
        st.rerun(scope="app")


def _follow(room: Classroom) -> None:
    """Go where the lecturer has sent everybody since; whoever comes later stays where they came.

    The browser goes there as by a link: a page that the server switches while one of its parts is refreshed is now and
    then left empty.
    """
    sent, followed = room.state.sent, st.session_state.get(FOLLOWED, {})
    st.session_state[FOLLOWED] = {room.code: sent.number}
    if followed.get(room.code, sent.number) < sent.number:
        _go(
            data={"address": f"{rules().base}/{sent.page}?{urlencode({**sent.query, **of_the_link()})}"},
            key=f"classroom.go.{sent.number}",
        )


def _banner(state: State, page: Callable[..., st.Page], code: str, me: str, taught: bool) -> None:
    open_ = state.round is not None and not state.round.revealed
    if taught:
        label = f"Your class {code}"
    elif open_ and me not in state.round.votes:
        label = f"Class {code}: a question is open, vote"
    else:
        label = f"Class {code}"
    st.page_link(page("classroom"), label=label, icon=":material/groups:", query_params={"class": code})
