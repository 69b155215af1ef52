"""Data that is not on this machine: says so, offers to fetch it, and names what is always there."""

from __future__ import annotations

import streamlit as st

from vae.data import DATASETS, Source, data_folder
from vae.errors import DataError
from vae.lineup import Lineup
from vae.ui import settings
from vae.ui.words import say


def ensure_present(lineup: Lineup | None) -> bool:
    """Whether the settings' data set can be trained on; if not, the page says what to do about it."""
    if lineup is None or DATASETS[lineup.base.dataset].is_present():
        return True
    source = DATASETS[lineup.base.dataset]
    say(
        f"{source.title} is not on this machine yet. Fetch it (about {source.megabytes} MB, needs internet), "
        "or choose the small digits, which are always here.",
        "info",
    )
    left, right, _ = st.columns([1, 1, 1])
    right.button("Use the small digits", on_click=settings.change, args=("dataset", "digits"), width="stretch")
    with left:
        offer(source)
    return False


def offer(source: Source) -> None:
    """A button that fetches a data set, with its progress, and then makes the page anew; or says why it could not."""
    if st.button(f"Fetch {source.name}", type="primary", width="stretch"):
        bar = st.progress(0.0, text=f"Fetching {source.name}")
        try:
            source.download(data_folder(), lambda share: bar.progress(share, text=f"Fetching {source.name}"))
        except DataError as reason:
            say(f"{reason} Is there an internet connection? The data set 'digits' needs none.", "error")
        else:
            st.rerun()
