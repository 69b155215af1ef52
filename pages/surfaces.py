"""Loss surfaces: what every prediction costs under several losses: controls, compute, show."""

import streamlit as st

from vae.ui import surface_parts, surfaces
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline(
    "Loss surfaces", "What a prediction p costs for a true pixel x. Turn a surface, click a point, move the cursor."
)
notices, controls, act, parts = slots(4)

with notices:
    for problem in surfaces.restore():
        say(problem, "warning")
with controls:
    look = surfaces.controls()
with act:
    left, right = st.columns([5, 3], gap="medium")
    with left:
        surfaces.own_formula(look)
        losses = surfaces.chosen(look)
        surfaces.picture(losses, look)
    with right:
        surfaces.cursor(look)
        surfaces.table(losses, look)
        surfaces.lecture(look)
with parts:
    surface_parts.show(surfaces.part(look), losses, look)
surfaces.share(look)
