"""What stands beside every page in the browser: the button that copies its link; and on a phone a menu that closes by itself."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vae.ui.shared.assets import component

_frame = component(Path(__file__).with_name("frame.js"), Path(__file__).with_name("copy.js"))


def frame(page: str) -> None:
    """page: the name of the page that is shown."""
    with st.container(key="frame"):
        _frame(data={"page": page}, key="frame.of.page")
