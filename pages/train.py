"""Train a VAE and watch it learn: controls, compute, show."""

import streamlit as st

from vae.ui import datasets, live, runs, settings
from vae.ui.engine import engine, starter

st.html(
    "<h4>Train a VAE <span>Its pictures sharpen as the reconstruction term falls; the KL term holds its codes near N(0, I).</span></h4>"
)
for problem in settings.restore():
    st.warning(problem)
config = settings.sidebar()
settings.share(config)

if engine() is None:
    live.start_up_notice(starter().problem, lambda: engine() is not None or starter().problem)
else:
    present = datasets.ensure_present(config)
    run = runs.current(engine(), config if present else None)
    if run is not None:
        run = runs.obey(engine(), run, config if present else None)
        runs.buttons(run, config, present)
        live.show(engine(), run)
        live.results(run)
