"""Loss surfaces: what every prediction costs under several losses: controls, compute, show."""

import streamlit as st

from vae.ui.shared.shell import headline, slots, tell
from vae.ui.surfaces import page as surfaces
from vae.ui.surfaces import parts as surface_parts
from vae.ui.surfaces.state import STATE

headline(
    "Loss surfaces", "What a prediction p costs for a true pixel x. Turn a surface, click a point, move the cursor."
)
notices, controls, act, parts = slots(4)

tell(notices, STATE.restore()[1])
with controls:
    state = surfaces.controls()
with act:
    left, right = st.columns([5, 3], gap="medium")
    with left:
        surfaces.own_formula(state)
        losses = surfaces.chosen(state)
        surfaces.picture(losses, state)
    with right:
        surfaces.cursor(state)
        surfaces.table(losses, state)
        surfaces.lecture(state)
with parts:
    surface_parts.show(surfaces.part(state), losses, state)
surfaces.share(state)
