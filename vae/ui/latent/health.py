"""Health: how much each dimension says, and whether the codes look like the prior."""

from __future__ import annotations

import streamlit as st

from vae.figures.latent import code_histograms, kl_bars
from vae.figures.theme import colour_of
from vae.latent.codes import order_by_kl
from vae.study.opened import OpenedModel
from vae.ui.shared.components import figure
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import plain

HISTOGRAMS = 8


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    shown = [model for model in (first, second) if model]
    for i, (model, column) in enumerate(zip(shown, st.columns(len(shown), gap="medium"))):
        with column:
            _one(model, i, 2 if second else 4)


def _one(model: OpenedModel, i: int, columns: int) -> None:
    health = model.health
    st.markdown(f"**{plain(model.title)}**: {health.verdict}")
    figure(
        kl_bars(health.kl_per_dim, colour_of(model.config), 230),
        f"health.kl.{i}",
        f"KL of each dimension of {model.title}",
    )
    order = order_by_kl(health.kl_per_dim)[:HISTOGRAMS]
    drawn, narrow = code_histograms(model.encoded.mu.numpy(), order, colour_of(model.config), columns)
    figure(drawn, f"health.codes.{i}", f"Histograms of the codes of {model.title} against N(0, 1)", narrow=narrow)
    st.caption(
        f"KL {sum(health.kl_per_dim):.2f} nats per image over {len(model.encoded):,} test images. A dimension counts as "
        "used where the variance of its μ over the images is above .01 (active units, Burda et al. 2016). The line is "
        "N(0, 1): the codes of one image are spread around its μ, so over all images μ alone is narrower than the prior."
    )
