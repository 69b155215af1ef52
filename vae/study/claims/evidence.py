"""What trainings on MNIST, and on patches of photographs, reached under the losses that the lecture compares, read from results files that ship with the
app. Each is a sweep's file (vae/study/sweep): five paired seeds, made again with `python -m vae sweep` (docs/figures.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from vae.study.sweep import QUANTITIES, Band, Result, band, compare, read_results, statement
from vae.training.config import TrainConfig

FOLDER = Path(__file__).parents[3] / "measurements"
FILES = (
    "mnist-losses.csv", "mnist-losses-z2.csv", "mnist-calibrated.csv", "patches-losses.csv", "patches-calibrated.csv",
)  # fmt: skip

CALIBRATED_BETA = 0.0288  # see below; twice BCE's squared error of a pixel, tests/test_measurements.py compares

# Name -> whether a training is one of its. "Equal effective beta": MSE with the beta that BCE's own residual asks for,
# twice the mean squared error of a pixel that BCE reaches; "optimal sigma" finds its own.
BCE, WEIGHT_1 = "BCE", "MSE, weight 1"
CALIBRATED, OPTIMAL = "MSE, equal effective beta", "MSE, optimal sigma"
CONTENDERS: Mapping[str, Callable[[TrainConfig], bool]] = MappingProxyType(
    {
        BCE: lambda c: c.loss == "bce" and c.beta == 1,
        WEIGHT_1: lambda c: c.loss == "mse" and c.beta == 1,
        CALIBRATED: lambda c: c.loss == "mse" and c.beta < 1,
        OPTIMAL: lambda c: c.loss == "gaussian_optimal" and c.beta == 1,
    }
)


@lru_cache(maxsize=1)
def results() -> tuple[Result, ...]:
    """Everything measured, of the files that are there."""
    paths = [FOLDER / name for name in FILES if (FOLDER / name).is_file()]
    return tuple(result for path in paths for result in read_results(path).results)


@lru_cache(maxsize=32)
def values(quantity: str, latent_dim: int, dataset: str = "mnist") -> Mapping[str, Mapping[int, float]]:
    """Contender -> seed -> value of one of vae.study.sweep.QUANTITIES, on the test set; those that were measured."""
    found: dict[str, dict[int, float]] = {}
    for name, belongs in CONTENDERS.items():
        theirs = {
            r.config.seed: QUANTITIES[quantity].of(r.measures)
            for r in results()
            if r.measures and r.config.latent_dim == latent_dim and r.config.dataset == dataset and belongs(r.config)
        }
        if theirs:
            found[name] = theirs
    return MappingProxyType(found)


def bands(quantity: str, latent_dim: int, dataset: str = "mnist") -> dict[str, Band]:
    """Contender -> mean and 95 % interval over its seeds."""
    return {name: band(np.array(list(v.values()))) for name, v in values(quantity, latent_dim, dataset).items()}


def statements(quantity: str, latent_dim: int) -> tuple[str, ...]:
    """BCE against each form of MSE, in words, paired over seeds."""
    found = values(quantity, latent_dim)
    titles = {WEIGHT_1: "At equal weight 1", CALIBRATED: "At equal effective β", OPTIMAL: "At the optimal σ"}
    return tuple(
        f"{title}: {statement(compare(found[BCE], found[other]), QUANTITIES[quantity], BCE, 'MSE')}"
        for other, title in titles.items()
        if BCE in found and other in found
    )
