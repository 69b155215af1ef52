"""The trained models that ship with the app, and how each is made from scratch: python -m vae checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from vae.data import ImageDataset, load_dataset
from vae.errors import SettingError, VaeError
from vae.training.checkpoint import Checkpoint, LastEpoch, load_checkpoint, save_checkpoint
from vae.training.config import TrainConfig
from vae.training.evaluation import evaluate
from vae.training.on_device import train
from vae.training.presets import find_preset
from vae.training.step import TrainState, initial_state
from vae.training.subset import encode_test
from vae.training.update import model_of

FOLDER = Path(__file__).parents[2] / "checkpoints"


@dataclass(frozen=True)
class Shipped:
    """name: also the file's. published: a figure to compare with, in words, or ""."""

    name: str
    title: str
    config: TrainConfig
    published: str = ""

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.safetensors"


def _table() -> Mapping[str, Shipped]:
    """MNIST under four losses, the lecture's own net, the small digits, the faces, and the sets that are always here."""
    names = {"bce": "BCE", "mse": "MSE", "gaussian_optimal": "optimal σ", "continuous_bernoulli": "cont. Bernoulli"}
    published = {
        ("bce", 20): "test −ELBO 105.6 after 10 epochs (pytorch/examples)",
        ("mse", 2): "test loss 37.9 after 30 epochs (measured for this project)",
    }
    # Pixels of exactly 0 have no least continuous Bernoulli loss: training it on has no end, and spoils the samples.
    epochs = {"continuous_bernoulli": 10}
    models = [
        Shipped(
            f"mnist-{loss}-z{z}",
            f"MNIST, {names[loss]}, z = {z}",
            TrainConfig(dataset="mnist", loss=loss, latent_dim=z, epochs=epochs.get(loss, 50)),
            published.get((loss, z), ""),
        )
        for z in (2, 20)
        for loss in names
    ]
    models.append(
        Shipped(
            "mnist-l17",
            "MNIST, the lecture's own net, z = 2",
            find_preset("l17").config(epochs=34),  # as many as it takes to get below 37
            "training loss 36 to 37 after 50 epochs (the lecture's log)",
        )
    )
    models += [
        Shipped(
            f"digits-{loss}-z{z}",
            f"Small digits, {names[loss]}, z = {z}",
            TrainConfig(dataset="digits", loss=loss, latent_dim=z, hidden=(200,), epochs=200),
        )
        for z in (2, 8)
        for loss in ("bce", "mse")
    ]
    # Weight 1 (sigma .7) leaves a grey blur of 4,096 pixels; the optimal sigma, .04, learns 320 faces by heart. Between:
    faces = TrainConfig(
        dataset="olivetti", loss="gaussian", parameters=(("sigma", 0.12),), architecture="conv", latent_dim=32,
        batch_size=32, epochs=120,
    )  # fmt: skip
    models.append(Shipped("olivetti-gaussian-z32", "Olivetti faces, Gaussian σ = .12, z = 32", faces))
    always_here = {
        "sprites": ("Sprites", TrainConfig(dataset="sprites", hidden=(600, 300), latent_dim=8, epochs=60)),
        "faces": (
            "Cartoon faces",
            TrainConfig(dataset="faces", architecture="conv", latent_dim=16, batch_size=64, epochs=20),
        ),
        "patches": ("Patches of photographs", TrainConfig(dataset="patches", latent_dim=20, epochs=60)),
    }
    with_sigma = ("bce", "mse", "gaussian_optimal")  # by far the sharpest of natural pictures and of faces
    losses = {"faces": with_sigma, "patches": with_sigma}
    models += [
        Shipped(f"{name}-{loss}", f"{title}, {names[loss]}, z = {config.latent_dim}", replace(config, loss=loss))
        for name, (title, config) in always_here.items()
        for loss in losses.get(name, ("bce", "mse"))
    ]
    return MappingProxyType({model.name: model for model in models})


SHIPPED = _table()


def find_shipped(name: object) -> Shipped:
    """The record of that name; SettingError lists the known ones."""
    if not isinstance(name, str) or name not in SHIPPED:
        raise SettingError("checkpoint", name, f"one of {', '.join(SHIPPED)} is accepted")
    return SHIPPED[name]


@lru_cache(maxsize=len(SHIPPED))
def load_shipped(name: str) -> Checkpoint:
    """A shipped model, kept in memory for the next call. CheckpointError where its file is absent or damaged."""
    return load_checkpoint(find_shipped(name).path)


# ---- Making them -------------------------------------------------------------------------------------------------

SAME_PICTURE = 1  # grey levels of 255 that half-precision weights may move a pixel


def make(shipped: Shipped, folder: Path, tick: Callable[[int], object]) -> Path:
    """Train a model from scratch, evaluate it and write its file; tick is told of every few steps taken."""
    config, data, rows = shipped.config, load_dataset(shipped.config.dataset), []
    state = initial_state(config)
    for state, progress in train(config, data):
        if progress.failure:
            raise VaeError(progress.failure)
        rows.append(np.stack((progress.reconstruction, progress.kl, progress.objective)))
        tick(len(progress.objective))
    last = np.concatenate(rows, axis=1)[:, -config.steps_per_epoch :].mean(1)
    return finish(shipped, folder, state, LastEpoch(*last.tolist()), data)


def finish(shipped: Shipped, folder: Path, state: TrainState, last: LastEpoch, data: ImageDataset) -> Path:
    """Weights in half precision where no picture changes by it; figures and test subset of the weights as stored."""
    config, weights = shipped.config, _stored_weights(shipped.config, state, data)
    model = model_of(config, {name: weight.float() for name, weight in weights.items()})
    metrics = evaluate(config, model, data)
    path = folder / shipped.path.name
    save_checkpoint(
        path,
        TrainState(state.step, weights, {}, {}),
        config,
        metrics,
        last_epoch=last,
        subset=encode_test(config, model, data, metrics.sigma),
    )
    return path


def _stored_weights(config: TrainConfig, state: TrainState, data: ImageDataset) -> dict[str, torch.Tensor]:
    half = {name: weight.half() for name, weight in state.weights.items()}
    rounded = {name: weight.float() for name, weight in half.items()}
    one, other = (encode_test(config, model_of(config, w), data) for w in (state.weights, rounded))
    moved = (one.reconstructions.int() - other.reconstructions.int()).abs().max()
    return half if moved <= SAME_PICTURE else state.weights


TABLE_BEGINS, TABLE_ENDS = "<!-- table -->\n", "<!-- end of table -->"


def write_table(folder: Path) -> None:
    """Bring the table in the folder's README up to date; a folder without one gets none."""
    readme = folder / "README.md"
    if readme.is_file():
        before, _, rest = readme.read_text().partition(TABLE_BEGINS)
        _, _, after = rest.partition(TABLE_ENDS)
        readme.write_text(f"{before}{TABLE_BEGINS}{table(folder)}{TABLE_ENDS}{after}")


def table(folder: Path) -> str:
    """What the models in a folder reached, as a Markdown table. Nats per image, lower is better."""
    head = (
        "| file | trained | test −ELBO | reconstruction | KL | active units | last training epoch | compare with |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    )
    here = [(model, folder / model.path.name) for model in SHIPPED.values()]
    return head + "".join(_row(model, load_checkpoint(path)) for model, path in here if path.is_file())


def _row(shipped: Shipped, model: Checkpoint) -> str:
    config, e, last = model.config, model.metrics, model.last_epoch
    assert e is not None and last is not None and model.subset is not None  # finish() wrote them
    trained = f"{config.epochs} epochs" + (f", β = {config.beta:g}" if config.beta != 1 else "")
    active = int((model.subset.mu.var(0) > 0.01).sum())
    cells = (
        f"`{shipped.path.name}`", trained, f"{e.negative_elbo:.2f}", f"{e.reconstruction:.2f}", f"{e.kl:.2f}",
        f"{active} of {config.latent_dim}", f"{last.objective:.2f}", shipped.published,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"
