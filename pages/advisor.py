"""Which loss for one's data: controls, compute, show."""

import streamlit as st

from vae.ui.advisor import page
from vae.ui.advisor.state import STATE
from vae.ui.shared.shell import headline, slots, tell

headline("Which loss for my data?", "A short race on your images, and what its numbers say for what you want.")
notices, act = slots(2)

state, problems = STATE.restore()
tell(notices, problems)
with act:
    left, right = st.columns([2, 3], gap="large")
with left:
    found = page.data(state)
if found is not None:
    config, card = found
    with right:
        planned = page.controls(state, config.dataset)
        if planned is not None:
            page.show(planned, card, state)
            STATE.share()
