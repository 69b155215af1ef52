"""What a second worker brings a sweep: sixteen equal cells on one worker and on two, in turn in one run.

python benchmarks/sweep_scaling.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from vae import TrainConfig
from vae.engine import Engine, Status
from vae.study.sweep import SweepSpec

SPEC = SweepSpec(TrainConfig(dataset="digits", epochs=40), {"seed": list(range(16))})


def seconds(engine: Engine, folder: Path) -> float:
    sweep = engine.create_sweep(SPEC, folder / f"{time.time_ns()}.csv")
    started = time.perf_counter()
    sweep.start()
    while sweep.view().status.active:
        sweep.wait_for_news(1)
    taken = time.perf_counter() - started
    assert sweep.view().status is Status.DONE, sweep.view().message
    return taken


def main(rounds: int) -> None:
    engines = {count: Engine(workers=count) for count in (1, 2)}
    try:
        for engine in engines.values():
            engine.warm()
        ratios = []
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds):
                taken = {count: seconds(engine, Path(folder)) for count, engine in engines.items()}
                ratios.append(taken[1] / (2 * taken[2]))
                print(
                    f"round {number + 1}: one worker {taken[1]:.1f} s, two {taken[2]:.1f} s; speed of each of two "
                    f"{ratios[-1]:.3f} of one alone",
                    flush=True,
                )
        print(f"median {statistics.median(ratios):.3f} of {rounds} rounds")
    finally:
        for engine in engines.values():
            engine.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
