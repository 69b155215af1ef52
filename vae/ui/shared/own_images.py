"""Pictures that this browser brought: the one place that says which data sets a page may speak of."""

from __future__ import annotations

from collections.abc import Mapping

from vae.data import DATASETS, Source
from vae.data.own import is_own
from vae.errors import CheckpointError
from vae.training.config import TrainConfig
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner

IN_A_LINK = (
    "The link stands for pictures that somebody brought, which are in no link and are kept for nobody else: bring the "
    "same ones here, under “Own images”, and open it again. The default data set stands instead."
)


def mine() -> dict[str, Source]:
    """What this browser brought, by name; nothing while the engine is starting."""
    running = engine()
    return {source.name: source for source in running.own_images(owner())} if running else {}


def known() -> Mapping[str, Source]:
    """Every data set that can be chosen here: everybody's, and this browser's own."""
    return {**DATASETS, **mine()}


def is_mine(dataset: str) -> bool:
    """Whether a data set may be looked at here: everybody's may."""
    return not is_own(dataset) or dataset in mine()


def check(title: str, config: TrainConfig) -> None:
    """CheckpointError for a model of pictures that only somebody else brought."""
    if not is_mine(config.dataset):
        raise CheckpointError(
            f"{title} was trained on pictures that somebody brought, which are not in it: bring the same ones on the Train "
            "page first."
        )
