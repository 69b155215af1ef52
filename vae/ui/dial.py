"""The dial: weight, sigma and beta as one number, for each column of a race. Turning it forks the run from where it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from vae.config import TrainConfig
from vae.dial import HIGH, LOW, SCALES, TICKS, dial_of, optimum, remark, residual_of
from vae.engine import Race
from vae.figures import dial as figures
from vae.figures.theme import LOSS_COLOURS
from vae.training import Observation
from vae.ui import components, runs, settings
from vae.ui.words import plain


def show(race: Race, names: Sequence[str], shown: Sequence[Observation]) -> None:
    """The dial of all columns, the optimum of the chosen one, and the controls that turn it."""
    configs = race.configs
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        column = _column(names)
        config, seen = configs[column], shown[column]
        residual, value = residual_of_run(config, seen), effective_beta_of(config, seen)
        _controls(column, value, residual)
    standing = [(name, LOSS_COLOURS[c.loss], effective_beta_of(c, o)) for name, c, o in zip(names, configs, shown)]
    places = _places(standing) if len(names) > 1 else [figures.Place("this run", *standing[0][1:])] if value else []
    drawn, narrow = figures.dial(places, optimum(residual) if residual else None, TICKS)
    components.figure(
        drawn, "dial", f"The dial: effective beta of {', '.join(names)}", narrow=narrow,
        on_click=lambda point: _clicked(column, point),
    )  # fmt: skip
    said = f"Effective β = {value:.3g} ↔ σ = {SCALES['sigma'].of(value):.3g} ↔ w = {SCALES['weight'].of(value):.3g}."
    told = remark(config, residual) or "Turning it takes the weights along: the run goes on from where it stands."
    st.caption(plain(f"{said if value else 'No KL at all.'} {told}"))


def _places(standing: Sequence[tuple[str, str, float | None]]) -> list[figures.Place]:
    """One place for all columns that stand on it."""
    together: dict[float, list[tuple[str, str]]] = {}
    for name, colour, value in standing:
        if value is not None:
            together.setdefault(float(f"{value:.2g}"), []).append((name, colour))
    return [figures.Place(", ".join(n for n, _ in here), here[0][1], value) for value, here in together.items()]


def residual_of_run(config: TrainConfig, seen: Observation) -> float:
    """Mean squared error per pixel, of sampled codes where the loss tells it, else of pictures decoded from mu."""
    known = residual_of(config, seen.reconstruction, seen.sigma)
    return known if known is not None else seen.squared_error / math.prod(config.shape)


def effective_beta_of(config: TrainConfig, seen: Observation) -> float | None:
    """Where a run stands now; a loss that is no squared error stands at its own beta."""
    found = dial_of(config, residual_of_run(config, seen))
    value = config.beta if found is None else found.effective_beta
    return value or None


def _column(names: Sequence[str]) -> int:
    if len(names) == 1:
        return 0
    options = list(range(len(names)))
    if st.session_state.get("dial-column") not in options:
        st.session_state["dial-column"] = 1  # the first stays for comparison
    return st.segmented_control(
        "Turn the dial of", options, format_func=lambda i: names[i], key="dial-column", required=True,
        label_visibility="collapsed",
    )  # fmt: skip


def _controls(column: int, value: float | None, residual: float) -> None:
    key = f"dial-value-{column}-{value}"
    st.number_input(
        "effective β", min_value=LOW, max_value=HIGH, value=min(max(value or LOW, LOW), HIGH), format="%.4g", key=key,
        on_change=lambda: _turn(column, st.session_state[key]), label_visibility="collapsed", width=150, help="The objective is squared error + effective β × KL, or "
        "w × squared error + KL, or a Gaussian with this σ + KL.",
    )  # fmt: skip
    st.button(
        "To the optimum", on_click=_turn, args=(column, optimum(residual)), key="dial-optimum",
        help="σ² as large as the mean squared error of a pixel now, as sigma-VAE sets it: effective β = 2σ².",
    )  # fmt: skip


def _clicked(column: int, point: Mapping) -> None:
    if isinstance(value := point.get("customdata"), (int, float)):
        _turn(column, float(value))


def _turn(column: int, effective_beta: float) -> None:
    settings.turn_dial(column, float(f"{effective_beta:.4g}"))
    runs.say("turn")
