"""The models that the Latent page can open: shipped ones, this browser's runs while they train, a file of one's own."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st
import torch
from torch import Tensor

from vae.data import DATASETS, load_dataset
from vae.engine import Run
from vae.errors import CheckpointError
from vae.figures.theme import LOSS_COLOURS
from vae.latent.codes import Health, health
from vae.training.checkpoint import Checkpoint, load_checkpoint
from vae.training.config import TrainConfig, multiply_adds
from vae.training.evaluation import Evaluation, training_sigma
from vae.training.networks import VAE
from vae.training.shipped import SHIPPED, load_shipped
from vae.training.step import pictures
from vae.training.subset import SIZE, Subset, encode_images
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner
from vae.ui.shared.words import file_name

ENCODED_AT_ONCE = 2e9  # multiply-adds that opening a model may spend on encoding test images: half a second or so
FEWEST = 200
FILES_KEPT = 4  # of a session
RUN, FILE = "run:", "file:"
GONE = "a run that is gone"


@dataclass(frozen=True, eq=False)
class Opened:
    """A model on show. encoded: test images as it sees them; images: those images (uint8), None where they are not here."""

    key: str
    title: str
    config: TrainConfig
    model: VAE
    step: int  # updates that it has had
    encoded: Subset
    images: Tensor | None
    metrics: Evaluation | None = None
    sigma: float | None = None  # of the training set, for a loss that takes it from the residuals

    @property
    def classes(self) -> tuple[str, ...]:
        return DATASETS[self.config.dataset].classes

    @property
    def colour(self) -> str:
        return LOSS_COLOURS[self.config.loss]

    @property
    def latent_dim(self) -> int:
        return self.config.latent_dim

    @torch.inference_mode()
    def predict(self, z: Tensor) -> Tensor:
        """Codes (n, Z) -> predicted pixels (n, C, H, W), floats in [0, 1]."""
        return self.config.loss_record().picture(self.model.decode(z)).clamp(0, 1)

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        """Codes (n, Z) -> pictures uint8 (n, C, H, W)."""
        return torch.from_numpy(pictures(self.config, self.model.decode(z)))

    @property
    def health(self) -> Health:
        return _health(self.encoded)

    def shown_input(self, index: int) -> tuple[Tensor, bool]:
        """The picture (C, H, W) of that test image, and whether it is the image itself, not its reconstruction."""
        if self.images is not None:
            return self.images[index], True
        return self.encoded.reconstructions[index], False


@lru_cache(maxsize=32)
def _health(encoded: Subset) -> Health:
    return health(encoded.mu, encoded.log_var)


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
    return f"My run: {config.dataset}, {config.loss}, z = {config.latent_dim}"


def _files() -> dict[str, Opened]:
    """The files that this session has brought."""
    return st.session_state.setdefault("latent:files", {})


# ---- Opening ---------------------------------------------------------------------------------------------------------


def open_model(key: str) -> Opened:
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
def _shipped(key: str, images_here: bool) -> Opened:
    return _opened(key, SHIPPED[key].title, load_shipped(key))


def run_of(key: str) -> Run | None:
    """The run that a key stands for, None for other models and for runs that are gone."""
    return next((run for run in _runs() if RUN + run.id == key), None)


def _of_run(key: str) -> Opened:
    run = run_of(key)
    if run is None:
        raise CheckpointError(
            "That run is not in this browser any more: start one on the Train page, or choose a model."
        )
    return _of_state(run, run.view().step)


@lru_cache(maxsize=8)
def _of_state(run: Run, step: int) -> Opened:
    state = run.state()
    title = f"{_run_title(run)}, after step {state.step:,}"
    return _opened(RUN + run.id, title, Checkpoint(state, run.config, run.view().evaluation, run.threads))


def bring(name: str, content: bytes) -> str:
    """Open a file that a user gave; the key it can be opened by in this session. CheckpointError says why not."""
    key = FILE + hashlib.sha256(content).hexdigest()[:12]
    if key not in _files():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file_name(name)
            path.write_bytes(content)
            checkpoint = load_checkpoint(path)
        while len(_files()) >= FILES_KEPT:
            _files().pop(next(iter(_files())))
        _files()[key] = _opened(key, f"My file: {file_name(name)}", checkpoint)
    return key


def _opened(key: str, title: str, checkpoint: Checkpoint) -> Opened:
    """Images where the data set is here; else the file's own subset. CheckpointError where there is neither."""
    config, model = checkpoint.config, checkpoint.model()
    sigma = checkpoint.metrics.sigma if checkpoint.metrics else None
    images, encoded = None, checkpoint.subset
    if DATASETS[config.dataset].is_present():
        data = load_dataset(config.dataset, config.size)
        if encoded is None:
            n = int(min(SIZE, max(FEWEST, ENCODED_AT_ONCE / multiply_adds(config))))
            if sigma is None:
                sigma = training_sigma(config, model, data.train[:n])
            labels = None if data.labels is None else data.test_labels[:n]
            encoded = encode_images(config, model, data.test[:n], labels, sigma)
        images = data.test[: len(encoded)]
    if encoded is None:
        raise CheckpointError(
            f"{title} brings no codes of its own and its data set {config.dataset} is not on this machine: "
            "fetch the data on the Train page first."
        )
    return Opened(key, title, config, model, checkpoint.state.step, encoded, images, checkpoint.metrics, sigma)
