"""A data set that is not on this machine: says so, offers to fetch it, and names what is always there."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vae.data import find_source
from vae.training.race import RaceConfig
from vae.ui.shared.datasets import offer
from vae.ui.shared.words import say
from vae.ui.train.state import STATE


def ensure_present(race_config: RaceConfig | None) -> bool:
    """Whether the settings' data set can be trained on; if not, the page says what to do about it."""
    if race_config is None:
        return True
    return is_present(race_config.base.dataset, lambda: STATE.set(dataset="digits"))


def is_present(dataset: str, use_digits: Callable[[], None]) -> bool:
    """Whether a data set is here; if not, the page says what to do about it, and offers use_digits()."""
    source = find_source(dataset)
    if source.is_present():
        return True
    say(
        f"{source.title} is not on this machine yet. Fetch it (about {source.megabytes} MB, needs internet), "
        "or choose the small digits, which are always here.",
        "info",
    )
    left, right, _ = st.columns([1, 1, 1])
    right.button("Use the small digits", on_click=use_digits, width="stretch")
    with left:
        offer(source)
    return False
