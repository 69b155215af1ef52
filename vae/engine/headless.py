"""A sweep without the app: python -m vae sweep. Its progress on a terminal, and what came out as a table."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from distributed import Client
from tqdm import tqdm

from vae.engine.cluster import Engine
from vae.engine.job import Status
from vae.errors import SettingError
from vae.launch import workers_wanted
from vae.study.sweep import (
    QUANTITIES,
    Band,
    Estimate,
    Result,
    ResultsFile,
    Sheet,
    SweepSpec,
    estimate,
    label_of,
    read_results,
    summary,
)

SHOWN = ("negative_elbo", "kl", "squared_error", "sharpness", "middle", "active_units")


def sweep(spec: SweepSpec, path: Path, scheduler: str | None, workers: object, confirmed: bool) -> int:
    """Run what is missing of a sweep, its results appended to path. Exit status: 0 done, 1 not done, 130 interrupted.

    scheduler, workers: None for what the environment says. VaeError for a file that cannot be gone on with, a scheduler
    that does not answer, or a sweep that is long or large and not confirmed.
    """
    scheduler = scheduler or os.environ.get("VAE_SCHEDULER") or None
    wanted = workers_wanted() or os.cpu_count() if workers is None else workers
    workers = _workers_of(scheduler) if scheduler else _checked(wanted)
    missing, done = spec.cells(), 0
    if path.exists():
        file = ResultsFile(path, spec)  # answers for a file of another sweep before any worker is started
        missing, done = file.missing, len(file.results)
        file.close()
    if done:
        print(f"{path}: {done:,} of {len(spec.cells()):,} cells are there; {len(missing):,} are missing")
    cost = estimate(spec, workers, missing)
    print(told(cost))
    if missing and not _agreed(cost, confirmed):
        return 1
    if missing and (status := _run(spec, path, scheduler, workers)):
        return status
    print(closing_table(spec, read_results(path)))
    return 0


def _checked(workers: object) -> int:
    if not isinstance(workers, int) or not 1 <= workers <= 256:
        raise SettingError("--workers", workers, "a whole number from 1 to 256 is accepted")
    return workers


def _workers_of(scheduler: str) -> int:
    """How many chunks a cluster can run at once."""
    try:
        with Client(scheduler, timeout=10, set_as_default=False) as client:
            return max(1, sum(client.nthreads().values()))
    except (OSError, ValueError):  # of whatever kind, its text has no use for a reader
        raise SettingError("--scheduler", scheduler, "the address of a Dask scheduler that runs is accepted") from None


def told(cost: Estimate) -> str:
    """The estimate in a sentence."""
    minutes = cost.seconds / 60
    time = (
        f"{cost.seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
    )
    return (
        f"estimate: {cost.cells:,} cells, {cost.steps:,} steps, {cost.operations:.2g} multiply-adds: about {time} on "
        f"{cost.workers} worker(s), {cost.memory / 1e9:.1f} GB of memory"
    )


def _agreed(cost: Estimate, confirmed: bool) -> bool:
    if confirmed or not cost.concerns:
        return True
    why = " and ".join(cost.concerns)
    if not sys.stdin.isatty():
        raise SettingError("sweep", f"{cost.cells:,} cells", f"as {why}, it starts only with --yes")
    return input(f"This is a large sweep: {why}. Start? [y/N] ").strip().lower() in ("y", "yes")


def _run(spec: SweepSpec, path: Path, scheduler: str | None, workers: int) -> int:
    engine = Engine(scheduler, workers)
    try:
        job = engine.create_sweep(spec, path)
        job.start()
        with tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {n:.0f} % {postfix}") as bar:
            try:
                while (view := job.view()).status.active:
                    bar.set_postfix_str(f"{len(view.results)} of {view.total} cells", refresh=False)
                    bar.update(100 * view.share - bar.n)
                    job.wait_for_news(0.5)
            except KeyboardInterrupt:
                job.stop()
        view = job.view()
    finally:
        engine.close()
    if view.notice:
        print(view.notice)
    if view.status is Status.DONE:
        return 0
    reason = view.message or "interrupted."
    print(
        f"vae: {reason} {len(view.results):,} of {view.total:,} cells are in {path}; the same command goes on.",
        file=sys.stderr,
    )
    return 130 if view.status is Status.STOPPED else 1


# ---- What came out -----------------------------------------------------------------------------------------------


def closing_table(spec: SweepSpec, sheet: Sheet) -> str:
    """Means over seeds, with 95 % intervals: a line for each group."""
    columns = {key: summary(sheet.results, QUANTITIES[key]) for key in SHOWN}
    head = ["", "seeds", *(QUANTITIES[key].title for key in SHOWN)]
    rows = [
        [label_of(group, spec.varied), str(found.n), *(_shown(columns[key][group]) for key in SHOWN)]
        for group, found in columns[SHOWN[0]].items()
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows]]
    note = "Means over seeds on the whole test set, -+ half of the 95 % t-interval; -ELBO and KL in nats per image."
    return "\n".join(["", *lines, "", note, *_failures(spec, sheet.results)])


def _shown(found: Band) -> str:
    half = "" if found.n < 2 else f" -+ {float(found.high - found.mean):.2g}"
    return f"{float(found.mean):.4g}{half}"


def _failures(spec: SweepSpec, results: Sequence[Result]) -> list[str]:
    return [
        f"failed: {label_of(r.config, spec.varied)}, seed {r.config.seed}: {r.failure}" for r in results if r.failure
    ]
