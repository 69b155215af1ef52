"""Trained models side by side under every loss and measure: controls, compute, show."""

import streamlit as st

from vae.ui.compare import page
from vae.ui.shell import headline, slots
from vae.ui.words import plain

headline("Compare models", "Every model under every loss, and under measures that belong to no loss.")
notices, controls, part = slots(3)

look, problems = page.restore()
with notices:
    for problem in problems:
        st.warning(plain(problem))
with controls:
    models = page.models(look)
with part:
    page.show(models, look)
page.share(look)
