"""Data that is not on this machine: a button that fetches it."""

from __future__ import annotations

import streamlit as st

from vae.data import Source, data_folder
from vae.errors import DataError
from vae.ui.shared.words import say


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
