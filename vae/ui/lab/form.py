"""A new sweep: its grid, what it will cost, and its start."""

from __future__ import annotations

import os

import streamlit as st

from vae.data import DATASETS
from vae.engine.sentences import duration
from vae.errors import SettingError, VaeError
from vae.losses.table import LOSSES
from vae.study.sweep import Estimate, SweepSpec, estimate, seeds_in, values_in
from vae.training.config import TrainConfig
from vae.ui.lab.state import STATE
from vae.ui.lab.sweeps import MINE, grid, new_path
from vae.ui.shared import datasets
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import say

REFUSAL = "lab:refusal"


def form(state: Values) -> None:
    """The grid's fields, the estimate as they change, and the button that starts it."""
    st.markdown("**A sweep of your own**")
    STATE.control(st.selectbox, "dataset", "Data", list(DATASETS), filter_mode=None)
    STATE.control(st.multiselect, "losses", "Losses", list(LOSSES), format_func=lambda key: LOSSES[key].name)
    left, right = st.columns(2)
    STATE.control(left.text_input, "betas", "β, the weight of KL", help="Numbers with commas between.")
    STATE.control(right.text_input, "latent_dims", "Latent dimensions", help="Whole numbers with commas between.")
    STATE.control(
        left.text_input, "seeds", "Seeds",
        help="How many, from 0 on, or which, with commas between. Cells of one seed share initial weights, batches and "
        "noise, so they are compared in pairs: five pairs or more make an interval narrow.",
    )  # fmt: skip
    STATE.control(right.number_input, "epochs", "Epochs", 1, 10_000)
    source = DATASETS[state["dataset"]]
    if not source.is_present():
        st.caption(f"{source.title} is not on this machine yet (about {source.megabytes} MB from the internet).")
        datasets.offer(source)
        return
    try:
        spec = asked_for(state)
    except SettingError as reason:
        say(reason, "error")
        return
    _start_button(spec)


def asked_for(state: Values) -> SweepSpec:
    """The sweep that the form describes; SettingError says what of it cannot be used."""
    if not state["losses"]:
        raise SettingError("losses", [], "at least one loss is accepted")
    axes = {
        "loss": state["losses"],
        "beta": values_in(state["betas"]),
        "latent_dim": values_in(state["latent_dims"]),
        "seed": seeds_in(state["seeds"]),
    }
    return SweepSpec(TrainConfig(dataset=state["dataset"], epochs=state["epochs"]), axes)


def _start_button(spec: SweepSpec) -> None:
    running = engine()
    cost = estimate(spec, running.workers if running else os.cpu_count() or 1)
    st.caption(told(spec, cost))
    agreed = True
    if cost.concerns:
        agreed = st.checkbox(f"Start it all the same: {' and '.join(cost.concerns)}", key=f"lab:agreed:{hash(spec)}")
    active = running and any(s.owner == owner() and s.status.active for s in running.sweeps.values())
    st.button(
        "Start this sweep", key="lab:start", icon=":material/play_arrow:", type="primary", width="stretch",
        disabled=not running or not agreed or bool(active), on_click=_start, args=(spec,),
        help="One at a time: yours is under way." if active else "It goes on while you are away, and gives way to live runs.",
    )  # fmt: skip


def told(spec: SweepSpec, cost: Estimate) -> str:
    """The estimate in words."""
    return (
        f"{cost.cells:,} cells ({grid(spec)}), {cost.steps:,} steps: about **{duration(cost.seconds)}** on "
        f"{cost.workers} workers, {cost.memory / 1e9:.1f} GB of memory."
    )


def _start(spec: SweepSpec) -> None:
    attempt(lambda: STATE.set(sweep=begin(spec)))


def begin(spec: SweepSpec) -> str:
    """Start a sweep in a file of its own; its key."""
    path = new_path(spec)
    engine().create_sweep(spec, path, owner()).start()
    return MINE + path.stem


def attempt(action) -> None:
    """Do what a button asks for; where it cannot be done, the page says why."""
    st.session_state[REFUSAL] = ""
    try:
        action()
    except VaeError as reason:
        st.session_state[REFUSAL] = str(reason)
