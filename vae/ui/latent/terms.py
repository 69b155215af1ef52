"""The loss of one image, term by term: formula and numbers in one colour each, under two losses side by side."""

from __future__ import annotations

import html

import streamlit as st

from vae.figures.terms import KL, STYLE, formula, readable, said_of_terms, sum_of_terms, swatch
from vae.figures.theme import LOSS_COLOURS
from vae.latent.forward_pass import ForwardPass
from vae.losses.record import Loss
from vae.losses.table import LOSSES
from vae.study.opened import OpenedModel
from vae.ui.latent.state import STATE


def terms(model: OpenedModel, forward: ForwardPass, beside: tuple[OpenedModel, ForwardPass] | None, other: str) -> None:
    """Two columns: the model's own loss, and the one to compare with, which is chosen there."""
    own = model.config.loss_record()
    with st.container(key="vae-terms"):
        colours = (LOSS_COLOURS[own.key], LOSS_COLOURS[other], KL)
        st.html(f"{STYLE}<style>{''.join(map(readable, colours))}</style>")
        left, right = st.columns(2, gap="large")
        with left:
            st.html(f"<div class='vae-loss'>{swatch(own.key)}{html.escape(own.name)}, which it was trained with</div>")
            _column(own, model, forward, beside)
        with right:
            keys = [key for key in LOSSES if key != own.key]
            STATE.control(
                st.selectbox, "second_loss", "The same prediction under", keys,
                format_func=lambda key: f"under {LOSSES[key].name}", filter_mode=None, label_visibility="collapsed",
            )  # fmt: skip
            _column(LOSSES[other], model, forward, beside)


def _column(
    loss: Loss, model: OpenedModel, forward: ForwardPass, beside: tuple[OpenedModel, ForwardPass] | None
) -> None:
    st.latex(formula(loss, model.config))
    shown = [(model, forward), *([beside] if beside else [])]
    titles = [of.title if beside else "" for of, _ in shown]
    st.html("".join(sum_of_terms(loss, run, title) for (_, run), title in zip(shown, titles)))
    if loss.key in forward.reconstructions:
        st.caption(said_of_terms(loss, model, forward.reconstructions[loss.key]))
