"""Train VAEs and watch them learn, one alone or up to four in a race: controls, compute, show."""

import streamlit as st

from vae.ui.shared.engine import engine, starter
from vae.ui.shared.shell import headline, slots, tell
from vae.ui.train import data_card, datasets, live, runs, take_home
from vae.ui.train.sidebar import sidebar
from vae.ui.train.state import STATE

headline(
    "Train a VAE", "Its pictures sharpen as the reconstruction term falls; the KL term holds its codes near N(0, I)."
)
notices, controls, moving, results = slots(4)

tell(notices, STATE.restore()[1])
race_config = sidebar(notices)
if race_config is not None:
    STATE.share()

if engine() is None:
    with moving:
        live.start_up_notice(starter())
else:
    with notices:
        possible = datasets.ensure_present(race_config) and runs.are_accepted(engine(), race_config)
    usable = race_config if possible else None
    race = runs.current(engine(), usable)
    if race is not None:
        with notices:
            race = runs.obey(engine(), race, usable)
        vary = race_config.vary if race_config else ""
        with controls, st.container(horizontal=True, vertical_alignment="center", gap="small"):  # wrapped on a phone
            runs.buttons(race, usable)
            live.panel_choice(race)
        with moving:
            runs.say_difference(race, usable)
            live.show(engine(), race, vary)
        with results:
            take_home.show(engine(), race, vary)
    if usable is not None:
        with results:
            data_card.show(usable.base)
