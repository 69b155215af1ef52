"""Train VAEs and watch them learn, one alone or up to four in a race: controls, compute, show."""

import streamlit as st

from vae.ui import datasets, live, runs, settings, take_home
from vae.ui.engine import engine, starter
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline(
    "Train a VAE", "Its pictures sharpen as the reconstruction term falls; the KL term holds its codes near N(0, I)."
)
notices, controls, moving, results = slots(4)

with notices:
    for problem in settings.restore():
        say(problem, "warning")
lineup = settings.sidebar()
settings.share(lineup)

if engine() is None:
    with moving:
        live.start_up_notice(starter())
else:
    with notices:
        possible = datasets.ensure_present(lineup) and runs.are_accepted(engine(), lineup)
    usable = lineup if possible else None
    race = runs.current(engine(), usable)
    if race is not None:
        with notices:
            race = runs.obey(engine(), race, usable)
        vary = lineup.vary if lineup else ""
        with controls, st.container(horizontal=True, vertical_alignment="center", gap="small"):  # wrapped on a phone
            runs.buttons(race, usable)
            live.panel_choice(race)
        with moving:
            runs.say_difference(race, usable)
            live.show(engine(), race, vary)
        with results:
            take_home.show(engine(), race, vary)
