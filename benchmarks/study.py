"""What the pages of many trainings wait for: a sweep on several workers, and the patients of the bug zoo."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from benchmarks.live import warm_engine
from benchmarks.measuring import Row, in_turn, paired, seconds
from benchmarks.steps import CORES
from vae import TrainConfig, load_dataset
from vae.engine import Engine, Status
from vae.study.sweep import SweepSpec
from vae.study.zoo import ZOO, train_case


def sweep(rounds: int) -> Iterator[Row]:
    """What each further worker brings a sweep of sixteen equal cells."""
    spec = SweepSpec(TrainConfig(dataset="digits", epochs=40), {"seed": list(range(16))})
    with warm_engine(1) as one, warm_engine(CORES) as many, tempfile.TemporaryDirectory() as folder:
        acts = {
            "one": partial(seconds, _swept, one, spec, Path(folder)),
            "many": partial(seconds, _swept, many, spec, Path(folder)),
        }
        found = in_turn(acts, min(rounds, 3))
    beside = f"{statistics.median(found['one']):.1f} s on one, {statistics.median(found['many']):.1f} s on {CORES}"
    yield Row(f"sweep, each of {CORES} workers / one alone", paired(found["one"], found["many"]) / CORES, "", beside)


def _swept(engine: Engine, spec: SweepSpec, folder: Path) -> None:
    sweep = engine.create_sweep(spec, folder / f"{time.time_ns()}.csv")
    sweep.start()
    while sweep.view().status.active:
        sweep.wait_for_news(1)
    assert sweep.view().status is Status.DONE, sweep.view().message


def zoo(rounds: int) -> Iterator[Row]:
    """Seconds of training until a patient shows its symptoms, alone on one thread, once each."""
    torch.set_num_threads(1)
    data = load_dataset("digits")
    train_case(next(iter(ZOO.values())).control, data)  # torch's first steps
    times = {bug.name: seconds(train_case, bug.patient, data) for bug in ZOO.values()}
    slowest = max(times, key=lambda name: times[name])
    yield Row(f"bug zoo, median of {len(times)} patients", statistics.median(times.values()), "s")
    yield Row("bug zoo, slowest patient", times[slowest], "s", slowest)
