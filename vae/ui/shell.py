"""What surrounds every page: navigation, spacing, and the browser's name for its runs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from vae.ui.engine import starter
from vae.ui.owner import owner

ICON = str(Path(__file__).with_name("icon.png"))  # a named icon would be fetched from the internet

STYLE = """
<style>
.stMainBlockContainer { padding: 3.6rem 1.6rem 1rem; }
.stSidebar [data-testid="stSidebarContent"] { padding-top: 0; }
.stSidebar [data-testid="stVerticalBlock"] { gap: 0.55rem; }
.stMain [data-testid="stVerticalBlock"] { gap: 0.6rem; }
.stMain h4 { padding: 0; font-size: 1.15rem; }
.stMain h4 span { font-weight: 400; opacity: 0.75; font-size: 0.95rem; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.6rem 0.8rem 1rem; }
}
</style>
"""


def pages():
    """The navigation; also starts the engine, so that its workers are warm before the first click."""
    st.html(STYLE)
    starter()
    owner()
    return st.navigation(
        [st.Page("pages/train.py", title="Train", icon=":material/model_training:", url_path="train", default=True)],
        position="top",
    )
