"""The processes that train, asked for before anything large is imported here: they take seconds to be up, and so does a page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from vae.errors import SettingError

# One thread of arithmetic a worker until a run has more: said before numpy and torch are imported there.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

Launched = subprocess.Popen[str]
_ahead: dict[int, Launched] = {}


def workers_wanted(environment: Mapping[str, str] = os.environ) -> int | None:
    """VAE_WORKERS, where it is set. SettingError unless it is a whole number from 1 to 256."""
    text = environment.get("VAE_WORKERS") or None
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise SettingError("VAE_WORKERS", text, "a whole number from 1 to 256 is accepted")
    return int(text)


def ahead() -> None:
    """Begin to start the local workers that this process's engine will ask for. What is wrong is said when it asks."""
    try:
        count = workers_wanted() or os.cpu_count() or 1
    except SettingError:
        return
    if not os.environ.get("VAE_SCHEDULER"):
        _ahead[count] = _launched(count)


def cluster_process(workers: int) -> Launched:
    """A process that serves a cluster of so many workers (vae/engine/local.py): the one begun ahead, or a new one."""
    return _ahead.pop(workers, None) or _launched(workers)


def _launched(workers: int) -> Launched:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])  # what can be imported here
    return subprocess.Popen(
        [sys.executable, "-m", "vae.engine", str(workers)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD | {"PYTHONPATH": paths}, text=True,
    )  # fmt: skip
