"""The dial: weight, sigma and beta as one number, for each column of a race. Turning it forks the run from where it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from vae.engine import Race
from vae.figures import dial as figures
from vae.figures.theme import LOSS_COLOURS
from vae.training.beta_dial import HIGH, LOW, SCALES, TICKS, effective_beta, optimum, remark, residual_of, weight_of
from vae.training.config import TrainConfig
from vae.training.step import Observation
from vae.ui.shared import components
from vae.ui.shared.words import plain
from vae.ui.train import runs, state


def show(race: Race, names: Sequence[str]) -> None:
    """The dial of all columns as they stand now, the optimum of the chosen one, and the controls that turn it."""
    configs = race.configs
    latest = [view.observations[-1] for view in race.views()]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        column = _column(names)
        config, observation = configs[column], latest[column]
        value, best = standing(config, observation), best_for(config, observation)
        _controls(config, observation, column, value, best)
    places = [(name, LOSS_COLOURS[c.loss], standing(c, o)) for name, c, o in zip(names, configs, latest)]
    drawn, narrow = figures.dial(_places(places), best, TICKS)
    components.figure(
        drawn, "dial", f"The dial: effective beta of {', '.join(names)}", narrow=narrow,
        on_click=lambda point: _clicked(config, observation, column, point),
    )  # fmt: skip
    st.caption(plain(_said(config, observation, value)))


def residual(config: TrainConfig, observation: Observation) -> float:
    """Mean squared error per pixel, of sampled codes where the loss tells it, else of pictures decoded from mu."""
    known = residual_of(config, observation.reconstruction, observation.sigma)
    return known if known is not None else observation.squared_error / math.prod(config.shape)


def weight(config: TrainConfig, observation: Observation) -> float | None:
    """Of the squared error in the objective as it is now; None where the loss is not one."""
    return weight_of(config, observation.sigma**2 if observation.sigma else None)


def standing(config: TrainConfig, observation: Observation) -> float | None:
    """The effective beta of a run now; a loss that is no squared error stands at its own beta. None for no KL at all."""
    found = effective_beta(config, observation.sigma**2 if observation.sigma else None)
    return (config.beta if found is None else found) or None


def best_for(config: TrainConfig, observation: Observation) -> float | None:
    """The effective beta that the residual asks for now, None where the objective has no squared error."""
    return optimum(residual(config, observation)) if weight(config, observation) is not None else None


def _places(found: Sequence[tuple[str, str, float | None]]) -> list[figures.Place]:
    """One place for all columns that stand on it."""
    together: dict[float, list[tuple[str, str]]] = {}
    for name, colour, value in found:
        if value is not None:
            together.setdefault(float(f"{value:.2g}"), []).append((name if len(found) > 1 else "this run", colour))
    return [figures.Place(", ".join(n for n, _ in here), here[0][1], value) for value, here in together.items()]


def _column(names: Sequence[str]) -> int:
    if len(names) == 1:
        return 0
    options = list(range(len(names)))
    if st.session_state.get("dial-column") not in options:
        st.session_state["dial-column"] = 1  # the first stays for comparison
    return st.segmented_control(
        "Turn the dial of", options, format_func=lambda i: names[i], default=st.session_state["dial-column"],
        key="dial-column", required=True, label_visibility="collapsed",
    )  # fmt: skip


def _controls(
    config: TrainConfig, observation: Observation, column: int, value: float | None, best: float | None
) -> None:
    key = state.dial_key(column, config)
    # A form: a number box alone may report an old value when it is made anew, and would turn the dial back by itself.
    with (
        st.form(f"form-{key}", border=False, width="content"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        st.number_input(
            "effective β", min_value=LOW, max_value=HIGH, value=min(max(value or LOW, LOW), HIGH), format="%.4g", key=key,
            label_visibility="collapsed", width=150, help="The objective is squared error + effective β × KL, or "
            "w × squared error + KL, or a Gaussian with this σ + KL.",
        )  # fmt: skip
        st.form_submit_button("Turn", on_click=lambda: _turn(config, observation, column, st.session_state[key]))
    st.button(
        "To the optimum", on_click=_turn, args=(config, observation, column, best), key="dial-optimum", disabled=best is None,
        help="σ² as large as the mean squared error of a pixel now, as sigma-VAE sets it: effective β = 2σ².",
    )  # fmt: skip
    if state.is_dialled():
        st.button("Back", on_click=_back, key="dial-back", help="All dials back to what the settings say.")


def _said(config: TrainConfig, observation: Observation, value: float | None) -> str:
    if refused := st.session_state.get(state.REFUSED):
        return refused
    told = remark(config, observation.sigma**2 if observation.sigma else None)
    if value is None:
        return f"No KL at all. {told}"
    if weight(config, observation) is None:
        return told
    scales = f"Effective β = {value:.3g} ↔ σ = {SCALES['sigma'].of(value):.3g} ↔ w = {SCALES['weight'].of(value):.3g}."
    return f"{scales} {told or 'Turning it takes the weights along: the run goes on from where it stands.'}"


def _clicked(config: TrainConfig, observation: Observation, column: int, point: Mapping) -> None:
    if isinstance(value := point.get("customdata"), (int, float)):
        _turn(config, observation, column, float(value))


def _turn(config: TrainConfig, observation: Observation, column: int, effective_beta: float) -> None:
    """A sigma that sets itself keeps doing so: there the dial turns beta, by the weight of the moment."""
    if config.loss_record().origin("sigma") in ("batch", "learned"):
        effective_beta *= weight(config, observation) or 1.0
    if state.turn_dial(column, float(f"{effective_beta:.4g}")):
        runs.ask_for("turn")


def _back() -> None:
    state.dials_back()
    runs.ask_for("turn")
