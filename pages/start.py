"""The front door: what this is, a picture that says it, and three ways in."""

import streamlit as st

from vae.ui.shared.shell import headline, slots
from vae.ui.start import page

headline(
    "See what the loss of a VAE does",
    "A variational autoencoder squeezes a picture into a few numbers and draws it again from them. Its loss decides what it "
    "keeps: choose another one, and watch the pictures change.",
)
(act,) = slots(1)
with act:
    picture, doors = st.columns([5, 3], gap="medium", vertical_alignment="center")
with picture:
    page.picture()
with doors:
    page.doors()
