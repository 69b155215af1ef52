"""The latent space of a trained model: controls, compute, show."""

import streamlit as st

from vae.ui.latent import page
from vae.ui.shell import headline, slots
from vae.ui.words import plain

headline("Latent space", "What a code z means: move it, walk through it, map it, and see what the decoder makes of it.")
notices, controls, part = slots(3)

look, problems = page.restore()
with notices:
    for problem in problems:
        st.warning(plain(problem))
with controls:
    models = page.models(look)
with part:
    if models:
        page.show(models, look)
page.share(look)
