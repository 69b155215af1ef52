"""Real bugs of real programs: controls, train both, show symptoms, a guess, the cure."""

import streamlit as st

from vae.ui.shared.engine import engine, starter
from vae.ui.shared.shell import headline, slots, tell
from vae.ui.train import live
from vae.ui.zoo import page as zoo
from vae.ui.zoo.state import STATE

headline("Bug zoo", "A broken VAE beside a healthy one: read the symptoms, and say what is wrong.")
notices, controls, moving = slots(3)

state, problems = STATE.restore()
tell(notices, problems)
with controls, st.container(horizontal=True, vertical_alignment="center"):
    bug = zoo.patient_choice(state)
    if engine() is not None:
        race = zoo.race_of(engine(), bug)
        with notices:
            zoo.obey(engine(), race)
        zoo.examine_button(race, bug)
with moving:
    if engine() is None:
        live.start_up_notice(starter())
    else:
        zoo.show(race, bug)
STATE.share()
