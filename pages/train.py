"""Train a VAE and watch it learn: controls, compute, show."""

import streamlit as st

from vae.ui import datasets, live, runs, settings
from vae.ui.engine import engine, starter
from vae.ui.shell import headline, slots
from vae.ui.words import plain

headline(
    "Train a VAE", "Its pictures sharpen as the reconstruction term falls; the KL term holds its codes near N(0, I)."
)
notices, controls, moving, results = slots(4)

with notices:
    for problem in settings.restore():
        st.warning(plain(problem))
config = settings.sidebar()
settings.share(config)

if engine() is None:
    with moving:
        live.start_up_notice(starter())
else:
    with notices:
        present = datasets.ensure_present(config)
    usable = config if present else None
    run = runs.current(engine(), usable)
    if run is not None:
        run = runs.obey(engine(), run, usable)
        with controls:
            runs.buttons(run, usable)
        with moving:
            live.show(engine(), run)
        with results:
            live.results(run)
