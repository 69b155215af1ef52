"""Files that are made when their button is pressed, and kept until the browser has fetched them.

Streamlit forgets such a file at the end of the next script run but one, of whatever session: where a class looks at pages that
refresh, that is before the browser asks for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache, partial

import streamlit as st
from streamlit.runtime import exists, get_instance

from vae.errors import VaeError
from vae.export.script import script_of
from vae.training.config import TrainConfig

KEPT_SECONDS = 60.0
_made_at: dict[str, float] = {}  # place among Streamlit's media -> when the file there was made; 0.0: none is there
_lock = threading.Lock()


def download_button(
    label: str, data: Callable[[], str | bytes], file_name: str, mime: str, *, place=st, **options: object
) -> None:
    """Streamlit's, on that place, for a file that data() makes when it is pressed; the page is not made again for it."""
    made = partial(_made, data, file_name, mime)
    place.download_button(label, made, file_name, mime, on_click="ignore", **options)


@lru_cache(maxsize=64)
def script_or_why_not(config: TrainConfig, threads: int = 1) -> tuple[str, str]:
    """The run as a PyTorch script, and "" ; or "", and in one sentence why there is none."""
    try:
        return script_of(config, threads=threads), ""
    except VaeError as reason:
        return "", str(reason)


def _made(data: Callable[[], str | bytes], file_name: str, mime: str) -> bytes:
    content = data()
    content = content.encode() if isinstance(content, str) else content
    if exists():
        _keep(content, file_name, mime)
    return content


def _keep(content: bytes, file_name: str, mime: str) -> None:
    """As long as a file has a place among those of a session, Streamlit serves it: here of none that ever ends."""
    with _lock:
        where = next((w for w, made_at in _made_at.items() if not made_at), f"made.{len(_made_at)}")
        _made_at[where] = time.monotonic()
    get_instance().media_file_mgr.add(content, mime, where, file_name, is_for_static_download=True)


def let_go() -> None:
    """Of what every browser has had the time to fetch."""
    with _lock:
        old = [where for where, made_at in _made_at.items() if 0 < made_at < time.monotonic() - KEPT_SECONDS]
        for where in old:
            get_instance().media_file_mgr.add(b"", "text/plain", where, is_for_static_download=True)
            _made_at[where] = 0.0
