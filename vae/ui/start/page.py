"""The front door: one picture that says what a loss does, and a way in for each of three kinds of people."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import numpy as np
import streamlit as st

from vae.data import default_dataset
from vae.engine import Race
from vae.errors import VaeError
from vae.figures.mosaics import strip
from vae.figures.panels import swatch
from vae.figures.theme import colour_of
from vae.links import training as link
from vae.study.opened import OpenedModel
from vae.training.race import RaceConfig
from vae.ui.latent.models import open_model
from vae.ui.shared.engine import engine
from vae.ui.shared.shell import page
from vae.ui.train import runs
from vae.ui.train.state import STATE

COLUMNS = 8
TURN = "start.turn"  # which test images are shown: the first eight, the next ...
# One net, one data set, three losses: what each makes of the same test images.
MODELS = {
    "mnist-bce-z20": "BCE: binary cross-entropy",
    "mnist-mse-z20": "MSE: squared error",
    "mnist-gaussian_optimal-z20": "Squared error, weighed by its own σ",
}

# The race of the front door: seconds on a small machine, long enough to be watched.
RACES = {
    "mnist": {"dataset": "mnist", "latent_dim": "20", "epochs": "3"},
    "digits": {"dataset": "digits", "hidden": "200", "latent_dim": "8", "epochs": "200"},
}


# ---- The picture -----------------------------------------------------------------------------------------------------


def picture() -> None:
    """The same test images as three models see them, decoded now."""
    st.html(STYLE)
    try:
        models = [open_model(name) for name in MODELS]
    except VaeError:
        return  # without shipped models the doors are what is left
    count = min(len(model.encoded) for model in models)
    first = COLUMNS * st.session_state.get(TURN, 0) % (count - COLUMNS + 1)
    rows = []
    if models[0].images is not None:
        rows.append(_row("", "test images", models[0].images[first : first + COLUMNS].numpy()))
    rows += [_row(swatch(colour_of(m.config)), label, _decoded(m, first)) for m, label in zip(models, MODELS.values())]
    st.html(f"<div class='vae-front'>{''.join(rows)}</div>")
    with st.container(horizontal=True, vertical_alignment="center", key="start-below"):
        st.caption(
            "One network, trained three times on the same digits from the same first weights: only the loss differs.",
            width="content",
        )
        st.button("Other digits", key="start-other", type="tertiary", icon=":material/refresh:", on_click=_turn)


def _decoded(model: OpenedModel, first: int) -> np.ndarray:
    return model.decode(model.encoded.mu[first : first + COLUMNS]).numpy()


def _row(mark: str, label: str, images: np.ndarray) -> str:
    png = b64encode(strip(images, columns=COLUMNS, whole_row=True)).decode()
    said = escape(label)
    return (
        f"<figure><figcaption>{mark} {said}</figcaption><img src='data:image/png;base64,{png}' alt='{said}'></figure>"
    )


def _turn() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


# ---- The doors -------------------------------------------------------------------------------------------------------


def doors() -> None:
    """Three of them, each one click from a first picture."""
    with st.container(border=True, gap="small", key="start-student"):
        st.markdown(
            "**To see it.** Two networks start alike and learn the same digits, one by BCE, one by MSE. Watch them part."
        )
        if st.button("See BCE and MSE race", type="primary", icon=":material/play_arrow:", width="stretch"):
            _race()
    with st.container(border=True, gap="small", key="start-lecturer"):
        st.markdown(
            "**To teach it.** A lesson step by step, of five minutes or of fifty; exercises that the app checks; a class that votes by phone."
        )
        with st.container(horizontal=True, gap="small"):
            if st.button("Teach with it", icon=":material/school:", width="stretch"):
                st.switch_page(page("lesson"))
            if st.button("Open a class", icon=":material/groups:", width="stretch"):
                st.switch_page(page("classroom"))
    with st.container(border=True, gap="small", key="start-engineer"):
        st.markdown(
            "**To build with it.** Losses raced on your images; then which one to take, with its numbers and its code."
        )
        if st.button("Which loss for my data?", icon=":material/manage_search:", width="stretch"):
            st.switch_page(page("advisor"))


def race_config() -> RaceConfig:
    """The race that the student's door starts."""
    settings = RACES[default_dataset()]
    return link.read(settings | {"vary": "loss", "against": "mse"})[0]


def _race() -> None:
    """To the Train page with the race set, and started: nobody is sent there by a link. A race of this browser's that is
    under way is not stopped for it: the page then says what to press."""
    running = engine()
    mine = running.runs.get(st.session_state.get("run_id", "")) if running else None
    if mine is None or not Race.of(mine).status.active:
        runs.ask_for("start")
    STATE.ask(link.write(race_config()))
    st.switch_page(page("train"))


STYLE = """<style>
.stMain .stElementContainer h4 { font-size: 2rem; line-height: 1.2; padding: 0.6rem 0 0.4rem; }
.stMain .stElementContainer h4 span { display: block; font-size: 1.05rem; line-height: 1.45; padding-top: 0.5rem; max-width: 56rem; }
.vae-front { display: grid; gap: 3px; }
.vae-front figure { margin: 0; display: grid; grid-template-columns: 9.5rem 1fr; align-items: center; gap: 0.8rem; }
.vae-front figcaption { font-size: 0.9rem; line-height: 1.3; }
.vae-front img { width: 100%; display: block; image-rendering: pixelated; border-radius: 3px; }
[class*="st-key-start-"] p { line-height: 1.4; }
@media (max-width: 640px) {
  .stMain .stElementContainer h4 { font-size: 1.5rem; }
  .vae-front figure { grid-template-columns: 1fr; gap: 0; }
  .vae-front figcaption { padding-top: 0.3rem; }
}
</style>"""
