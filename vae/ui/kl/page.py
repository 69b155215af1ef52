"""The KL page: its controls, and what is shown of the code that they set."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from vae.errors import SettingError
from vae.figures import kl as figures
from vae.losses import kl
from vae.ui.kl.state import STATE
from vae.ui.shared.components import figure
from vae.ui.shared.words import say

HEIGHT = 296
FORM_NAMES = {"surface": "Surface", "contours": "Contours"}


# ---- The act -------------------------------------------------------------------------------------------------------


def controls() -> kl.Setting | None:
    """Draw the controls; the setting they stand for, or None after saying what is wrong with it."""
    STATE.control(st.slider, "mu", "μ, the code's mean", *kl.MU, step=0.1, format="%.2f")
    STATE.control(
        st.slider, "log_var", "log σ², its log variance", *kl.LOG_VAR, step=0.1, format="%.2f",
        help="The encoder's second output. σ² = exp(log σ²) is positive whatever the network says.",
    )  # fmt: skip
    with st.expander("More"):
        left, right = st.columns([3, 2])
    STATE.control(left.select_slider, "samples", "Samples", kl.SAMPLES, format_func="{:,}".format)
    STATE.control(right.number_input, "seed", "Seed", step=1, help="Another seed draws other samples.")
    try:
        setting = kl.Setting(**STATE.values())
    except SettingError as reason:
        say(reason, "error")
        return None
    STATE.share()
    return setting


def numbers(setting: kl.Setting, found: kl.Estimate) -> None:
    """The closed form beside the mean over samples."""
    apart = f"{abs(found.apart):.1f} standard errors" if found.error else "0: every sample says the same"
    rows = (
        ("σ", f"{math.exp(setting.log_var / 2):.3f}"),
        ("KL, closed form", f"<b>{found.exact:.4f}</b> nats"),
        ("KL, from samples", f"{found.value:.4f} ± {found.error:.4f}"),
        ("apart by", apart),
    )
    body = "".join(f"<tr><th scope='row'>{name}</th><td>{value}</td></tr>" for name, value in rows)
    st.html(f"<table class='vae-numbers'>{body}</table>{NUMBERS_STYLE}")
    st.caption("Click the surface or the contours to move the code.")


NUMBERS_STYLE = """
<style>
@media (max-width: 640px) { .stMain .katex-display { font-size: 0.78em; } }
.vae-numbers { width: 100%; font-size: 0.92rem; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.vae-numbers th { text-align: left; padding-right: 0.5rem; font-weight: 400; opacity: 0.8; }
.vae-numbers th, .vae-numbers td { padding-block: 3px; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
</style>
"""


def over_codes(setting: kl.Setting) -> None:
    """KL over all codes; a click moves the code."""
    STATE.control(
        st.segmented_control, "form", "KL over all codes", list(FORM_NAMES), format_func=FORM_NAMES.get, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    mu, log_var = kl.axes()
    at = (setting.mu, setting.log_var, float(kl.divergence(setting.mu, setting.log_var)))
    draw = {"surface": figures.surface, "contours": figures.contours}[setting.form]
    label = f"KL over mu and log variance. At mu {at[0]:.2f}, log variance {at[1]:.2f} it is {at[2]:.3f} nats"
    figure(draw(mu, log_var, kl.grid(mu, log_var), at, HEIGHT), "kl-over-codes", label, on_click=_clicked)


def _clicked(point: Mapping) -> None:
    STATE.set(mu=round(float(point["x"]), 1), log_var=round(float(point["y"]), 1))


def densities(setting: kl.Setting) -> None:
    """q and the prior."""
    integrand = st.toggle("Show q log(q / p), whose area is the KL", key="kl.integrand", persist_state="session")
    exact = float(kl.divergence(setting.mu, setting.log_var))
    drawn = figures.densities(kl.densities(setting.mu, setting.log_var), setting.mu, exact, integrand, HEIGHT)
    figure(drawn, "kl-densities", "The densities of the code q and of the prior p over z")


def convergence(found: kl.Estimate) -> None:
    label = f"Mean over samples: {found.value:.4f}, standard error {found.error:.4f}, closed form {found.exact:.4f}"
    figure(figures.convergence(found, 190), "kl-convergence", label)
