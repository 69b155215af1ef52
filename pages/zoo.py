"""Real bugs of real programs: controls, train both, show symptoms, a guess, the cure."""

import streamlit as st

from vae.ui import live, zoo
from vae.ui.engine import engine, starter
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline("Bug zoo", "A broken VAE beside a healthy one: read the symptoms, and say what is wrong.")
notices, controls, moving = slots(3)

look, problems = zoo.restore()
with notices:
    for problem in problems:
        say(problem, "warning")
with controls, st.container(horizontal=True, vertical_alignment="center"):
    bug = zoo.patient_choice(look)
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
zoo.share()
