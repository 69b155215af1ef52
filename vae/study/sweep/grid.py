"""Which cells a sweep has, and what they will cost."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from vae.data import find_source
from vae.errors import SettingError
from vae.study.sweep.cell import Result
from vae.training.axes import AXES
from vae.training.config import TrainConfig, multiply_adds, operations_of_step
from vae.training.networks import VAE, Shape
from vae.training.schema import decoded, record

MOST_CELLS = 1000
USUAL = ("loss", "latent_dim", "beta", "seed")  # columns of every results file, whether varied or not


# ---- The specification -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SweepSpec:
    """base with every combination of the axes' values. SettingError where a cell could not be trained, or for too many.

    axes: names of AXES with their values, a mapping or pairs. Two specs with the same cells of the same grid are equal.
    """

    base: TrainConfig
    axes: tuple[tuple[str, tuple[Any, ...]], ...]

    def __post_init__(self) -> None:
        given = {name: _checked_values(name, values) for name, values in dict(self.axes).items()}
        count = math.prod(map(len, given.values()))
        if count > MOST_CELLS:
            raise SettingError("sweep", f"{count:,} cells", f"at most {MOST_CELLS:,} in one sweep are accepted")
        object.__setattr__(self, "axes", tuple((name, given[name]) for name in AXES if name in given))
        object.__setattr__(self, "base", next(self._combinations()))
        self.cells()  # makes, and so checks, every one

    def _combinations(self) -> Iterator[TrainConfig]:
        """Seeds vary slowest: every group has its first result before any has its second."""
        axes = sorted(self.axes, key=lambda axis: axis[0] != "seed")
        for values in itertools.product(*(values for _, values in axes)):
            config = self.base
            chosen = dict(zip((name for name, _ in axes), values))
            for name, _ in self.axes:  # a loss before its parameters
                config = AXES[name].set(config, chosen[name]) or config
            yield config

    def cells(self) -> tuple[TrainConfig, ...]:
        """Every training of the sweep once, in a fixed order."""
        return _cells(self)

    @property
    def varied(self) -> tuple[str, ...]:
        """The axes with more than one value."""
        return tuple(name for name, values in self.axes if len(values) > 1)

    def to_json(self) -> str:
        values = {"base": self.base.to_dict(), "axes": dict(self.axes)}
        return json.dumps(values, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SweepSpec:
        values = record("spec", decoded("spec", text), ("base", "axes"))
        if not isinstance(values["axes"], dict):
            raise SettingError("axes", values["axes"], "an object of axes with their values is accepted")
        return cls(TrainConfig.from_dict(values["base"]), tuple(values["axes"].items()))


def _checked_values(name: str, values: Any) -> tuple[Any, ...]:
    if name not in AXES:
        raise SettingError("axis", name, f"one of {', '.join(AXES)} is accepted")
    try:
        if not isinstance(values, str) and len(values) > MOST_CELLS:  # before any of them is looked at
            raise SettingError(name, f"{len(values):,} values", f"at most {MOST_CELLS:,} are accepted")
        values = tuple(values) if not isinstance(values, str) else (values,)
        distinct = len(set(values))
    except TypeError:
        raise SettingError(name, values, "a list of values is accepted") from None
    if not values or distinct != len(values):
        raise SettingError(name, list(values), "at least one value, and each value once, is accepted")
    return tuple(float(v) if name == "beta" and type(v) is int and abs(v) < 1e9 else v for v in values)


@lru_cache(maxsize=64)
def _cells(spec: SweepSpec) -> tuple[TrainConfig, ...]:
    return tuple(dict.fromkeys(spec._combinations()))


def values_in(text: str) -> list[int | float | str]:
    """ ".5, 1, 4" -> [0.5, 1, 4]; what is no number stays a text, for the cells' own checks to answer."""
    return [_number(part.strip()) for part in text.split(",")]


def seeds_in(text: str) -> Sequence[int | float | str]:
    """ "5" -> 0 to 4; "0,3,7" -> those, and "3," -> 3 alone."""
    if "," not in text and isinstance(count := _number(text.strip()), int):
        if not 1 <= count <= MOST_CELLS:
            raise SettingError(
                "seeds", count, f"a number of seeds from 1 to {MOST_CELLS:,}, or a list of them, is accepted"
            )
        return range(count)
    return values_in(text.strip().rstrip(","))


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def in_order(results: Iterable[Result], spec: SweepSpec) -> tuple[Result, ...]:
    """Results, which come as they are finished, in the order of the sweep's cells."""
    place = {config: index for index, config in enumerate(spec.cells())}
    return tuple(sorted(results, key=lambda result: place[result.config]))


def cell_id(config: TrainConfig) -> str:
    """A short name of a cell: "c" and the beginning of the SHA-256 of its config. With hexadecimal digits alone, one in a
    hundred would read as a number, such as 514354e89756, in a table of one cell."""
    return "c" + hashlib.sha256(config.to_json().encode()).hexdigest()[:11]


@lru_cache(maxsize=4096)
def group_of(config: TrainConfig) -> TrainConfig:
    """What the cells that differ only in their seed have in common."""
    return replace(config, seed=0)


def label_of(config: TrainConfig, varied: tuple[str, ...]) -> str:
    """What distinguishes a group of a sweep: "BCE, z = 2, β = 4"."""
    telling = (axis for name, axis in AXES.items() if name in varied and name != "seed")
    said = [axis.shown(config) for axis in telling if axis.get(config) is not None]
    return ", ".join(said) or config.loss_record().name


# ---- What it costs -----------------------------------------------------------------------------------------------

# One worker thread of a laptop; what is measured while a sweep runs replaces it.
OPERATIONS_PER_SECOND, SECONDS_PER_STEP, SECONDS_PER_CELL = 2.5e10, 1.2e-3, 0.1
BYTES_PER_WORKER = 450e6  # torch and a data set
STATES_HELD = 4  # of a cell: before and after a chunk, one brought home, the working copy
LONG_SECONDS, LARGE_BYTES = 300.0, 4e9


@dataclass(frozen=True)
class Estimate:
    """What a sweep takes, about. operations: multiply-adds; seconds: by the clock, all workers on it; memory: bytes."""

    cells: int
    steps: int
    operations: float
    seconds: float
    memory: float
    workers: int

    @property
    def concerns(self) -> tuple[str, ...]:
        """Why somebody should say yes before it starts; none for a short and small sweep."""
        said = []
        if self.seconds > LONG_SECONDS:
            said.append(f"it takes longer than {LONG_SECONDS / 60:.0f} minutes")
        if self.memory > LARGE_BYTES:
            said.append(f"it takes more than {LARGE_BYTES / 1e9:.0f} GB of memory")
        return tuple(said)


def cell_seconds(config: TrainConfig) -> float:
    """What one worker needs for a cell, about: its steps, a tenth for looking at held-out images, the evaluation."""
    step = SECONDS_PER_STEP + operations_of_step(config) / OPERATIONS_PER_SECOND
    source = find_source(config.dataset)
    images = 2 * source.n_test + (source.n_train if config.loss_record().origin("sigma") == "batch" else 0)
    return SECONDS_PER_CELL + 1.1 * config.total_steps * step + images * multiply_adds(config) / OPERATIONS_PER_SECOND


@lru_cache(maxsize=64)
def estimate(spec: SweepSpec, workers: int, missing: tuple[TrainConfig, ...] | None = None) -> Estimate:
    """What the cells of a sweep take on so many workers; missing: only these of them."""
    cells = spec.cells() if missing is None else missing
    seconds = [cell_seconds(config) for config in cells]
    at_once = sorted((state_bytes(config) for config in cells), reverse=True)[:workers]
    return Estimate(
        len(cells),
        sum(config.total_steps for config in cells),
        sum(config.total_steps * operations_of_step(config) for config in cells),
        max([sum(seconds) / workers, *seconds]) if seconds else 0.0,
        workers * BYTES_PER_WORKER + STATES_HELD * sum(at_once),
        workers,
    )


def state_bytes(config: TrainConfig) -> float:
    """Weights, gradients and Adam's two moments, and the activations of a batch, roughly: float32."""
    samples = config.kl_settings().get(
        "samples", 1
    )  # of the importance-weighted bound: each passes through the decoder
    batch = config.batch_size * samples * (20 * math.prod(config.shape) + 10 * sum(config.hidden))
    return 4.0 * (4 * _parameters(config.architecture, config.shape, config.latent_dim, config.hidden) + batch)


@lru_cache(maxsize=64)
def _parameters(architecture: str, shape: Shape, latent_dim: int, hidden: tuple[int, ...]) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in VAE(architecture, shape, latent_dim, hidden).parameters())
