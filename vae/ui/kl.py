"""The KL page's controls and the parts it shows. The setting is in the address: mu, log_var, samples, seed, form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType

import streamlit as st

from vae import kl
from vae.errors import SettingError
from vae.figures import kl as figures
from vae.ui.components import figure
from vae.ui.look import Field, Look, digits_of
from vae.ui.words import say

HEIGHT = 296
FORM_NAMES = {"surface": "Surface", "contours": "Contours"}
STARTS = (0.001, 0.01, 0.1, 1.0)
STEP_SIZES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
BETAS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 100.0, 784.0)


# ---- The setting and the address -----------------------------------------------------------------------------------


def _field(name: str) -> Field:
    """A field of Setting, which says itself what it accepts."""
    default = getattr(kl.Setting(), name)

    def parse(_: str, text: str) -> object:
        try:
            value = type(default)(digits_of(text))
        except ValueError:
            value = text
        return getattr(replace(kl.Setting(), **{name: value}), name)

    return Field(default, parse, "{:.12g}".format if isinstance(default, float) else str)


LOOK = Look("kl", MappingProxyType({f.name: _field(f.name) for f in fields(kl.Setting)}), frozenset({"mu", "log_var"}))


def restore() -> list[str]:
    """Fill the widgets; the link's problems."""
    return LOOK.restore()[1]


# ---- The act -------------------------------------------------------------------------------------------------------


def controls() -> kl.Setting | None:
    """Draw the controls; the setting they stand for, or None after saying what is wrong with it."""
    LOOK.control(st.slider, "mu", "μ, the code's mean", *kl.MU, step=0.1, format="%.2f")
    LOOK.control(
        st.slider, "log_var", "log σ², its log variance", *kl.LOG_VAR, step=0.1, format="%.2f",
        help="The encoder's second output. σ² = exp(log σ²) is positive whatever the network says.",
    )  # fmt: skip
    left, right = st.columns([3, 2])
    LOOK.control(left.select_slider, "samples", "Samples", kl.SAMPLES, format_func="{:,}".format)
    LOOK.control(right.number_input, "seed", "Seed", step=1, help="Another seed draws other samples.")
    values = {name: LOOK.now(name) for name in LOOK.fields}
    try:
        setting = kl.Setting(**values)
    except SettingError as reason:
        say(reason, "error")
        return None
    LOOK.share()
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
.vae-numbers th { text-align: left; font-weight: 400; opacity: 0.8; }
.vae-numbers th, .vae-numbers td { padding: 3px 0; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
</style>
"""


def over_codes(setting: kl.Setting) -> None:
    """KL over all codes; a click moves the code."""
    LOOK.control(
        st.segmented_control, "form", "KL over all codes", list(FORM_NAMES), format_func=FORM_NAMES.get, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    mu, log_var = kl.axes()
    at = (setting.mu, setting.log_var, float(kl.divergence(setting.mu, setting.log_var)))
    draw = {"surface": figures.surface, "contours": figures.contours}[setting.form]
    label = f"KL over mu and log variance. At mu {at[0]:.2f}, log variance {at[1]:.2f} it is {at[2]:.3f} nats"
    figure(draw(mu, log_var, kl.grid(mu, log_var), at, HEIGHT), "kl-over-codes", label, on_click=_clicked)


def _clicked(point: Mapping) -> None:
    LOOK.set(mu=round(float(point["x"]), 1), log_var=round(float(point["y"]), 1))


def densities(setting: kl.Setting) -> None:
    """q and the prior."""
    integrand = st.toggle("Show q log(q / p), whose area is the KL", key="kl.integrand", persist_state="session")
    exact = float(kl.divergence(setting.mu, setting.log_var))
    drawn = figures.densities(kl.densities(setting.mu, setting.log_var), setting.mu, exact, integrand, HEIGHT)
    figure(drawn, "kl-densities", "The densities of the code q and of the prior p over z")


def convergence(found: kl.Estimate) -> None:
    label = f"Mean over samples: {found.value:.4f}, standard error {found.error:.4f}, closed form {found.exact:.4f}"
    figure(figures.convergence(found, 190), "kl-convergence", label)


# ---- Below ---------------------------------------------------------------------------------------------------------


def parts() -> None:
    """Three tabs, of which only the open one is made: a figure in a hidden tab would not know its width."""
    shown = {
        "Derivation, step by step": derivation,
        "The log-variance trick": log_var_trick,
        "Sum, mean and β": weighing,
    }
    for tab, show in zip(st.tabs(list(shown), key="kl.part", on_change="rerun"), shown.values(), strict=True):
        if tab.open:
            with tab:
                show()


STEPS = (
    (
        "Start from what the divergence is: how many nats more a sample of q costs under p than under q.",
        r"\mathrm{KL}(q\,\|\,p)=\mathbb{E}_{z\sim q}\big[\log q(z)-\log p(z)\big]",
    ),
    (
        "Write down both log densities: q has mean μ and variance σ², p has mean 0 and variance 1.",
        r"\begin{aligned}\log q(z)&=-\tfrac12\log 2\pi-\tfrac12\log\sigma^2-\frac{(z-\mu)^2}{2\sigma^2}\\"
        r"\log p(z)&=-\tfrac12\log 2\pi-\tfrac12 z^2\end{aligned}",
    ),
    (
        "Subtract. The constant is the same in both and goes away.",
        r"\log q(z)-\log p(z)=\tfrac12\Big(z^2-\log\sigma^2-\frac{(z-\mu)^2}{\sigma^2}\Big)",
    ),
    (
        "Take the mean over q. The squared distance from the mean is the variance, and a mean square is variance plus "
        "squared mean.",
        r"\mathbb{E}_q\big[(z-\mu)^2\big]=\sigma^2,\qquad \mathbb{E}_q\big[z^2\big]=\sigma^2+\mu^2",
    ),
    (
        "Put both in. This is the term in the loss, with log σ² as the network gives it.",
        r"\begin{aligned}\mathrm{KL}&=\tfrac12\big(\mu^2+\sigma^2-1-\log\sigma^2\big)\\"
        r"&=-\tfrac12\big(1+\log\sigma^2-\mu^2-e^{\log\sigma^2}\big)\end{aligned}",
    ),
    (
        "Where is it least? Both derivatives are 0 at μ = 0, σ² = 1, and there KL = 0; it bends upwards in both "
        "directions, so this is the only minimum.",
        r"\frac{\partial\,\mathrm{KL}}{\partial\mu}=\mu,\qquad"
        r"\frac{\partial\,\mathrm{KL}}{\partial\log\sigma^2}=\tfrac12\big(\sigma^2-1\big)",
    ),
    (
        "With several latent dimensions q and p are products, so their logs are sums: add up the KL of each dimension, "
        "then average over the images of a batch.",
        r"\mathrm{KL}\big(q(z|x)\,\|\,\mathcal N(0,I)\big)=\sum_j\tfrac12\big(\mu_j^2+\sigma_j^2-1-\log\sigma_j^2\big)",
    ),
)


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
        st.markdown(_what_happened(direct, logged, kl.best_variance(weight)))
    with right:
        drawn = figures.variance_paths(direct, logged, kl.best_variance(weight))
        figure(drawn, "kl-trick", "The variance after each step, in steps of the variance and of its log")


def _what_happened(direct: kl.Descent, logged: kl.Descent, best: float) -> str:
    last = f"σ² = {direct.variance[-1]:.3g}"
    if direct.broke_at is not None:
        first = (
            f"**Steps in σ²**: step {direct.broke_at} leads to {last}. log σ² is nan, and so is every number after it."
        )
    else:
        first = f"**Steps in σ²**: so small a step survives; {last} after {len(direct.variance) - 1} steps."
    second = (
        f"**Steps in log σ²**: σ² = {logged.variance[-1]:.3g} after {len(logged.variance) - 1} steps, on its way to the "
        f"best, {best:.3g}. exp of any number is positive: no step can break it."
    )
    return f"{first}\n\n{second}"


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
