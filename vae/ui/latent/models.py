"""The models that the Latent page can open: shipped ones, this browser's runs while they train, a file of one's own."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import streamlit as st

from vae.data import DATASETS, find_source
from vae.data.own import is_own
from vae.engine import Run
from vae.errors import CheckpointError
from vae.study.opened import OpenedModel, open_checkpoint
from vae.training.checkpoint import Checkpoint, load_checkpoint
from vae.training.shipped import SHIPPED, load_shipped
from vae.ui.shared import own_images
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner
from vae.ui.shared.words import file_name

FILES_KEPT = 4  # of a session
RUN, FILE = "run:", "file:"
GONE = "a run that is gone"


# ---- What there is to choose from ------------------------------------------------------------------------------------


def choices() -> dict[str, str]:
    """Key -> title of every model that can be opened now."""
    found = {name: model.title for name, model in SHIPPED.items() if model.path.is_file()}
    found |= {RUN + run.id: _run_title(run) for run in _runs()}
    return found | {key: file.title for key, file in _files().items()}


def title_in(titles: Mapping[str, str], key: str) -> str:
    """How a model reads in a list, also one that a link names and that is not there (any more)."""
    return titles.get(key, GONE if key.startswith(RUN) else key)


def _runs() -> list[Run]:
    running = engine()
    return [run for run in running.runs_of(owner()) if run.view().step] if running else []


def _run_title(run: Run) -> str:
    config = run.config
    data = find_source(config.dataset).title.partition(":")[0] if is_own(config.dataset) else config.dataset
    return f"My run: {data}, {config.loss}, z = {config.latent_dim}"


def _files() -> dict[str, OpenedModel]:
    """The files that this session has brought, without those whose pictures have been let go of."""
    files = st.session_state.setdefault("latent:files", {})
    for key in [key for key, file in files.items() if not own_images.is_mine(file.config.dataset)]:
        del files[key]
    return files


# ---- Opening ---------------------------------------------------------------------------------------------------------


def open_model(key: str) -> OpenedModel:
    """CheckpointError, in one sentence, where there is no such model or its file cannot be used."""
    if key.startswith(RUN):
        return _of_run(key)
    if key.startswith(FILE):
        if key not in _files():
            raise CheckpointError(
                "The file that this link speaks of was opened in another session: open it again here."
            )
        return _files()[key]
    if key not in SHIPPED:
        raise CheckpointError(f"There is no model {key[:60]!r}: choose one from the list.")
    return _shipped(key, DATASETS[SHIPPED[key].config.dataset].is_present())


@lru_cache(maxsize=len(SHIPPED))
def _shipped(key: str, images_here: bool) -> OpenedModel:
    return open_checkpoint(key, SHIPPED[key].title, load_shipped(key))


def run_of(key: str) -> Run | None:
    """The run that a key stands for, None for other models and for runs that are gone."""
    return next((run for run in _runs() if RUN + run.id == key), None)


def _of_run(key: str) -> OpenedModel:
    run = run_of(key)
    if run is None:
        raise CheckpointError(
            "That run is not in this browser any more: start one on the Train page, or choose a model."
        )
    return _of_state(run, run.view().step)


@lru_cache(maxsize=8)
def _of_state(run: Run, step: int) -> OpenedModel:
    state = run.state()
    title = f"{_run_title(run)}, after step {state.step:,}"
    return open_checkpoint(RUN + run.id, title, Checkpoint(state, run.config, run.view().evaluation, run.threads))


def bring(name: str, content: bytes) -> str:
    """Open a file that a user gave; the key it can be opened by in this session. CheckpointError says why not."""
    key = FILE + hashlib.sha256(content).hexdigest()[:12]
    if key not in _files():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file_name(name)
            path.write_bytes(content)
            checkpoint = load_checkpoint(path)
        own_images.check(file_name(name), checkpoint.config)
        while len(_files()) >= FILES_KEPT:
            _files().pop(next(iter(_files())))
        _files()[key] = open_checkpoint(key, f"My file: {file_name(name)}", checkpoint)
    return key
