"""Whose run is whose. A cookie names a browser, so that a reload finds its run again; no account, no other data.

The door sets it, signed and out of reach of scripts; a page believes no other."""

from __future__ import annotations

import secrets
import threading

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vae.door.passes import OWNER_COOKIE
from vae.ui.shared.keys import passes

_sessions: dict[str, set[str]] = {}  # owner -> ids of their sessions
_lock = threading.Lock()


def owner() -> str:
    """This browser's name: 32 hexadecimal digits. Also notes that this session is one of theirs."""
    if "owner" not in st.session_state:
        cookie = st.context.cookies.get(OWNER_COOKIE, "")
        st.session_state.owner = passes().owner_of(cookie) or secrets.token_hex(16)
    context = get_script_run_ctx()
    if context is not None:
        with _lock:
            _sessions.setdefault(st.session_state.owner, set()).add(context.session_id)
    return st.session_state.owner


def is_present(name: str) -> bool:
    """Whether any session of that owner is connected, on whatever page. Called from the engine's thread.

    What follows a colon is the part of the app that an owner's jobs belong to ("...:zoo"), not another owner.
    """
    name = name.partition(":")[0]
    runtime = get_instance()
    with _lock:
        alive = {session for session in _sessions.get(name, ()) if runtime.is_active_session(session)}
        if alive:
            _sessions[name] = alive
        else:
            _sessions.pop(name, None)
    return bool(alive)


def forget_who_has_gone() -> None:
    """The names of those of whom no session is connected; whoever comes back is noted again."""
    with _lock:
        names = list(_sessions)
    for name in names:
        is_present(name)


def sessions() -> int:
    """How many sessions are connected."""
    runtime = get_instance()
    with _lock:
        return sum(runtime.is_active_session(session) for found in _sessions.values() for session in found)


def session_id() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def is_connected(session: str) -> bool:
    return get_instance().is_active_session(session)
