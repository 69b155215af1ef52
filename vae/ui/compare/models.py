"""Which models can be compared, and as which they were opened: a run that trains on is held at the step it was opened at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from vae.data import ImageDataset
from vae.engine import Answer
from vae.errors import CheckpointError
from vae.study.opened import OpenedModel
from vae.study.scoring import Scores
from vae.training.config import TrainConfig
from vae.training.pixels import treated
from vae.training.shipped import SHIPPED
from vae.training.step import as_bytes
from vae.ui.compare.state import Images, data_name
from vae.ui.latent.models import FILE, RUN, choices, open_model, run_of
from vae.ui.shared.engine import engine, starter

PREFERRED = ("mnist-bce-z20", "mnist-mse-z20", "mnist-gaussian_optimal-z20", "mnist-continuous_bernoulli-z20")
DEFAULT_MODELS = 4
HELD = "compare:held"  # key of a run -> the step and the model it was opened as


@dataclass(frozen=True)
class Option:
    """A model to choose: its title without the name of the data set."""

    key: str
    title: str
    config: TrainConfig


def options() -> dict[str, Option]:
    """Every model that can be opened now, by key."""
    found = {}
    for key, title in choices().items():
        config = _config_of(key)
        if config is not None:
            found[key] = Option(key, _short(key, title), config)
    return found


def _config_of(key: str) -> TrainConfig | None:
    if key in SHIPPED:
        return SHIPPED[key].config
    if key.startswith(FILE):
        return open_model(key).config
    run = run_of(key)
    return run.config if run else None


def _short(key: str, title: str) -> str:
    return title.partition(", ")[2] if key in SHIPPED else title


def default_models(data: str, known: dict[str, Option]) -> tuple[str, ...]:
    """Models that ship, trained on that data."""
    here = [key for key, option in known.items() if data_name(option.config) == data and key in SHIPPED]
    preferred = [key for key in PREFERRED if key in here]
    return tuple(preferred or here[:DEFAULT_MODELS])


def open_for(key: str, data: str) -> OpenedModel:
    """CheckpointError where there is no such model, or it was trained on other images."""
    model = _held(key) if key.startswith(RUN) else open_model(key)
    if data_name(model.config) != data:
        raise CheckpointError(
            f"{model.title} was trained on {data_name(model.config)}, not on {data}: choose models of the same images."
        )
    return model


def _held(key: str) -> OpenedModel:
    held = st.session_state.setdefault(HELD, {})
    if key not in held:
        run = run_of(key)
        step = run.view().step if run else 0
        held[key] = (step, open_model(key))
    return held[key][1]


def gone_on(keys: list[str]) -> list[str]:
    """The runs among these that have been trained further since they were opened."""
    held = st.session_state.get(HELD, {})
    return [key for key in keys if key in held and (run := run_of(key)) and run.view().step > held[key][0]]


def open_again(keys: list[str]) -> None:
    for key in keys:
        st.session_state[HELD].pop(key, None)


def title_of(model: OpenedModel) -> str:
    return _short(model.key, model.title)


def test_pictures(data: ImageDataset, pixels: str, indices: Sequence[int]) -> np.ndarray:
    """Those test images as models of that pixel treatment see them, uint8 (n, C, H, W)."""
    return as_bytes(treated(pixels, data.test[: max(indices, default=-1) + 1])[list(indices)])


# ---- Scores ----------------------------------------------------------------------------------------------------------


def scores_of(model: OpenedModel) -> Answer[Scores]:
    """Under way, or there; its title says after which step a run was opened."""
    if (running := engine()) is None:
        return Answer(problem=starter().problem)
    return running.answers.scores((model.key, model.title), model.config, model.model.state_dict())


def references_of(data: Images) -> Answer[tuple[Scores, Scores]]:
    if (running := engine()) is None:
        return Answer(problem=starter().problem)
    return running.answers.references(data.dataset, data.size, data.pixels)
