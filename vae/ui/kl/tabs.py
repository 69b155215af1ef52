"""Below: the KL term derived step by step, why the network says log variance, and what weighs the term."""

from __future__ import annotations

import streamlit as st

from vae.figures import kl as figures
from vae.losses import kl
from vae.study.derivation import STEPS
from vae.ui.shared.components import figure

STARTS = (0.001, 0.01, 0.1, 1.0)
STEP_SIZES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BETAS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0, 784.0)


def parts() -> None:
    """Three tabs, of which only the open one is made: a figure in a hidden tab would not know its width."""
    shown = {
        "Derivation": derivation,
        "Why log σ²": log_var_trick,
        "Sum, mean and β": weighing,
    }
    for tab, show in zip(st.tabs(list(shown), key="kl.part", on_change="rerun"), shown.values(), strict=True):
        if tab.open:
            with tab:
                show()


def derivation() -> None:
    for number, (words, formula) in enumerate(STEPS, 1):
        st.markdown(f"**{number}.** {words}")
        st.latex(formula)


def log_var_trick() -> None:
    """Two gradient descents of one variance, live."""
    st.markdown(
        "Why does the encoder give log σ² and not σ²? Here one code's variance is trained twice, by the same gradient "
        "descent on the same loss, **12.6 σ² + KL(N(0, σ²) || N(0, 1))**: noise in the code blurs the picture, "
        "so the reconstruction pulls σ² down, and the KL term keeps it from 0."
    )
    left, right = st.columns([1, 2.6], gap="medium")
    with left:
        start = st.select_slider("Variance at the start", STARTS, 0.01, key="kl.start", persist_state="session")
        step_size = st.select_slider("Step size", STEP_SIZES, 0.1, key="kl.step", persist_state="session")
        weight = kl.code_weight()
        direct, logged = (kl.descend(over, start, step_size, weight) for over in ("variance", "log_var"))
        st.markdown(figures.said_of_descents(direct, logged, kl.best_variance(weight)))
    with right:
        drawn = figures.variance_paths(direct, logged, kl.best_variance(weight))
        figure(drawn, "kl-trick", "The variance after each step, in steps of the variance and of its log")


def weighing() -> None:
    """Sum, mean and beta on the numbers of the lecture's program."""
    st.markdown(
        f"The lecture's program ends at a squared error of about {kl.L17_RECONSTRUCTION:g} and a KL of about "
        f"{kl.L17_KL:g} for an image of {kl.PIXELS} pixels. How the two are added decides which of them training hears."
    )
    left, right = st.columns([1, 2.6], gap="medium")
    with left:
        beta = st.select_slider("β", BETAS, 1.0, format_func="{:g}".format, key="kl.beta", persist_state="session")
        rows = kl.weigh(beta)
        mean = rows[-1]
        st.markdown(
            f"A mean over pixels divides the reconstruction by {kl.PIXELS} and leaves the KL as it is: with β = {beta:g} "
            f"it has the minimum of a sum with **β = {mean.acts_like:,.4g}**."
        )
    with right:
        figure(figures.weighing(rows), "kl-weighing", "Shares of reconstruction and KL in the objective")
    head = "| way | reconstruction | β · KL | share of the KL | acts like β = |\n|---|--:|--:|--:|--:|\n"
    lines = (
        f"| {row.name} | {row.reconstruction:.4g} | {row.kl:.4g} | {row.share:.1%} | {row.acts_like:,.4g} |"
        for row in rows
    )
    st.markdown(head + "\n".join(lines))
