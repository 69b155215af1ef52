"""The sweeps that the Lab can open: those that ship with the app, this browser's own, and files that a user brings."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from vae.data import find_source
from vae.engine import Sweep
from vae.study.sweep import Result, Sheet, SweepError, SweepSpec, parse_results, read_results
from vae.study.sweep.results import is_results
from vae.training.axes import AXES
from vae.ui.shared.engine import engine
from vae.ui.shared.language import told
from vae.ui.shared.owner import owner
from vae.ui.shared.words import file_name

SHIPPED = Path(__file__).parents[3] / "measurements"
OURS, MINE, FILE = "shipped:", "mine:", "file:"
FILES_KEPT = 4  # of a session


@dataclass(frozen=True, eq=False)
class Opened:
    """A sweep on show. job: the one that runs it, or ran it in this process; path: its file, None for one brought."""

    key: str
    title: str
    spec: SweepSpec
    results: tuple[Result, ...]
    content: bytes | Path
    notice: str = ""
    job: Sweep | None = None

    @property
    def path(self) -> Path | None:
        return self.content if isinstance(self.content, Path) else None

    @property
    def missing(self) -> int:
        return len(self.spec.cells()) - len(self.results)


def folder() -> Path:
    """Where sweeps live: the environment's VAE_SWEEPS, else a folder "sweeps" beside the app."""
    return Path(os.environ.get("VAE_SWEEPS") or Path(__file__).parents[3] / "sweeps")


def own_folder() -> Path:
    """This browser's part of it; named so that a listing tells nobody the browser's name."""
    return folder() / hashlib.sha256(owner().encode()).hexdigest()[:16]


def new_path(spec: SweepSpec) -> Path:
    """A file that is not there yet, for a sweep of this browser's. SweepError where there can be none."""
    try:
        own_folder().mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise SweepError(f"The folder for sweeps, {folder().name}, cannot be made: {reason.strerror}.") from None
    number = 1
    while (path := own_folder() / f"{spec.base.dataset}-{number}.csv").exists():
        number += 1
    return path


def choices() -> dict[str, str]:
    """Key -> title of every sweep that can be opened now, the newest of this browser's own first."""
    own = sorted(own_folder().glob("*.csv"), key=lambda path: -path.stat().st_mtime) if own_folder().is_dir() else []
    found = {MINE + path.stem: f"My sweep {path.stem}" for path in own}
    for path in sorted(SHIPPED.glob("*.csv")):
        if is_results(path):
            found[OURS + path.stem] = _titled(path)
    return found | {key: f"My file: {name}" for key, (name, _, _) in _files().items()}


def _titled(path: Path) -> str:
    try:
        sheet = _read(path, *_stamp(path))
    except SweepError:
        return path.stem
    if not sheet.spec:
        return path.stem
    title = told(find_source(sheet.spec.base.dataset).title)
    return f"{re.split('[,，]| [0-9]+×', title)[0]}: {grid(sheet.spec)}"  # without its size, or the list cuts the rest


def grid(spec: SweepSpec) -> str:
    """ "2 losses × 3 β × 3 seeds" """
    names = {"loss": "losses", "beta": "β", "latent_dim": "z", "seed": "seeds"}
    counts = [f"{len(values)} {names.get(name, AXES[name].title)}" for name, values in spec.axes if len(values) > 1]
    return " × ".join(counts) or "one cell"


def _files() -> dict[str, tuple[str, bytes, Sheet]]:
    return st.session_state.setdefault("lab:files", {})


# ---- Opening ---------------------------------------------------------------------------------------------------------


def job_of(path: Path) -> Sweep | None:
    """The latest job of this browser's on that file."""
    running = engine()
    jobs = [job for job in running.sweeps.values() if job.owner == owner() and job.path == path] if running else []
    return jobs[-1] if jobs else None


def open_sweep(key: str, titles: dict[str, str]) -> Opened:
    """SweepError, in one sentence, where there is no such sweep or its file cannot be used."""
    if key not in titles:
        why = "was opened in another session: open it again here" if key.startswith(FILE) else "is not on this machine"
        raise SweepError(f"The sweep {key[:60]!r} {why}, or choose one from the list.")
    if key.startswith(FILE):
        name, content, sheet = _files()[key]
        return _opened(key, titles[key], sheet, content)
    kind, _, stem = key.partition(":")
    path = (SHIPPED if kind + ":" == OURS else own_folder()) / f"{stem}.csv"
    job = job_of(path)
    if job is not None:
        view = job.view()
        return Opened(key, titles[key], job.spec, view.results, path, view.notice, job)
    return _opened(key, titles[key], _read(path, *_stamp(path)), path)


def _opened(key: str, title: str, sheet: Sheet, content: bytes | Path) -> Opened:
    if sheet.spec is None:
        raise SweepError(f"{sheet.name} holds no result yet: its sweep ended before the first cell was done.")
    return Opened(key, title, sheet.spec, sheet.results, content, sheet.notice)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as reason:
        raise SweepError(f"{path.name} cannot be read: {reason.strerror}.") from None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _read(path: Path, *stamp: int) -> Sheet:
    return read_results(path)


def bring(name: str, content: bytes) -> str:
    """Open a results file that a user gave; the key it can be opened by in this session. SweepError says why not."""
    key = FILE + hashlib.sha256(content).hexdigest()[:12]
    if key not in _files():
        name = file_name(name)
        sheet = parse_results(name, content)
        _opened(key, name, sheet, content)
        while len(_files()) >= FILES_KEPT:
            _files().pop(next(iter(_files())))
        _files()[key] = (name, content, sheet)
    return key


def content_of(opened: Opened) -> bytes:
    """The file, for downloading."""
    return opened.content.read_bytes() if isinstance(opened.content, Path) else opened.content
