"""The data card: what the chosen data set looks like, how its pixels are spread, where it comes from."""

from __future__ import annotations

import streamlit as st

from vae.data import find_source
from vae.errors import VaeError
from vae.figures.data_card import histogram
from vae.study.data_card import DataCard, data_card
from vae.training.config import TrainConfig
from vae.training.pixels import TREATMENTS
from vae.ui.shared import components
from vae.ui.shared.pictures import pictures
from vae.ui.shared.words import plain, say


def show(config: TrainConfig) -> None:
    """Folded up until it is asked for: reading a data set takes a moment."""
    source = find_source(config.dataset)
    with st.expander(f"The data: {plain(source.title)}", key="data-card", on_change="rerun") as card:
        if not card.open:
            return
        found = card_of(config)
        if found is None:
            return
        left, right = st.columns([3, 2], gap="medium")
        with left:
            alt = f"The first training images of {source.title}"
            pictures(found.pictures, "data-pictures", alt, columns=12, width=900)
            st.caption(about(config, found))
        with right:
            components.figure(histogram(found.edges, found.shares), "data-histogram", "How the pixels are spread")
            st.caption(
                f"**{found.between:.1%}** of all pixels lie strictly between 0 and 1. BCE of a perfect copy, its floor: "
                f"**{found.floor:,.2f}** nats per image."
            )


def card_of(config: TrainConfig) -> DataCard | None:
    """None, and a sentence, where the data cannot be read."""
    try:
        return data_card(config.dataset, config.size, config.pixels)
    except VaeError as reason:
        say(reason, "warning")
        return None


def about(config: TrainConfig, found: DataCard) -> str:
    """What the data set is, how many images it has, and where it comes from."""
    source = find_source(config.dataset)
    channels, height, width = config.shape
    colour = "in colour" if channels == 3 else "grey"
    known = [f"Known of each: {', '.join(source.factors)}."] if 0 < len(source.factors) < 12 else []
    cited = f"[{plain(source.citation)}]({source.url})" if source.url else plain(source.citation)
    size = (
        f"{source.n_train:,} images to train on, {source.n_test:,} to test with, {height} × {width}, {colour}; "
        f"{found.megabytes:,.1f} MB."
    )
    licence = f"Licence: {plain(source.licence)}."
    return " ".join((plain(source.about), size, TREATMENTS[config.pixels].meaning, *known, f"{cited}.", licence))
