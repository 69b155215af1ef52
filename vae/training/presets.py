"""Named configurations: the objectives and hyperparameters of programs that people know, with what they reached.

Each is one record. What of the program is not in the settings, or cannot be, is said in its `differs`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vae.data import find_source
from vae.errors import SettingError
from vae.training.config import TrainConfig

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "test": "−ELBO (reconstruction + KL) on the test set, nats per image, lower is better",
        "training": "training loss, mean over the batches of that epoch, nats per image, lower is better",
    }
)
MEASUREMENTS = Path(__file__).parents[2] / "measurements" / "dialects.csv"  # written by `make figures`


@dataclass(frozen=True)
class Figure:
    """A number to compare with. measure: a key of MEASURES; epoch: after which; origin: who found it, in words.

    spread: half the width of the range, where the source names one.
    """

    value: float
    measure: str
    epoch: int
    origin: str
    spread: float = 0.0

    def __str__(self) -> str:
        ends = (self.value - self.spread, self.value + self.spread) if self.spread else (self.value,)
        return " to ".join(f"{end:.6g}" for end in ends)


@dataclass(frozen=True)
class Preset:
    """settings: fields of TrainConfig that the program fixes. reached: its published or measured result, in words.

    differs: what here is not as in the program. figures: the numbers of `reached` that can stand beside one's own.
    epochs_measured: after which epochs `make figures` takes numbers where nobody has published any.
    """

    key: str
    name: str
    settings: Mapping[str, Any]
    source: str
    url: str
    reached: str
    differs: str
    figures: tuple[Figure, ...] = ()
    epochs_measured: tuple[int, ...] = ()

    def config(self, **changes: Any) -> TrainConfig:
        """The preset as a TrainConfig, with these fields changed; dataset=... puts it on the data at hand."""
        settings = dict(self.settings) | changes
        most = find_source(settings["dataset"]).n_train
        if "batch_size" not in changes:  # of few pictures of one's own, a batch is all there are
            settings["batch_size"] = min(settings.get("batch_size", most), most)
        return TrainConfig(**settings)

    @property
    def milestones(self) -> tuple[int, ...]:
        """The epochs after which this program's numbers are taken, in order."""
        return tuple(sorted({f.epoch for f in self.figures} | set(self.epochs_measured)))


def _preset(key: str, name: str, settings: Mapping[str, Any], **fields: Any) -> Preset:
    return Preset(key, name, MappingProxyType({"dataset": "mnist", **settings}), **fields)


_RECORDS = (
    _preset(
        "pytorch-examples",
        "pytorch/examples vae",
        {"loss": "bce", "hidden": (400,), "latent_dim": 20, "learning_rate": 1e-3, "batch_size": 128, "epochs": 10,
         "seed": 1},
        source="pytorch/examples, vae/main.py",
        url="https://github.com/pytorch/examples/tree/main/vae",
        reached="test -ELBO 105.6 after 10 epochs (published); 128.4 and 116.3 after 1 and 2 (its own program, measured)",
        differs="Nothing but the random numbers.",
        figures=(
            Figure(128.4, "test", 1, "its own program, seed 1, measured"),
            Figure(116.3, "test", 2, "its own program, seed 1, measured"),
            Figure(105.6, "test", 10, "published"),
        ),
    ),
    _preset(
        "l17",
        "Lecture STAT 453, L17",
        {"loss": "mse", "architecture": "l17", "latent_dim": 2, "learning_rate": 5e-4, "batch_size": 256, "epochs": 50,
         "seed": 123},
        source="rasbt/stat453-deep-learning-ss21, folder L17",
        url="https://github.com/rasbt/stat453-deep-learning-ss21/tree/main/L17",
        reached="training loss 36 to 37 after 50 epochs: squared error about 31, KL about 5 (its log)",
        differs="Nothing but the random numbers: its seed call lacks parentheses, so its log cannot be had again.",
        figures=(Figure(36.5, "training", 50, "its log, published", 0.5),),
        epochs_measured=(1,),
    ),
    _preset(
        "fast",
        "Fast: net and loss of pytorch/examples",
        {"loss": "bce", "hidden": (400,), "latent_dim": 20, "learning_rate": 5e-3, "schedule": "linear",
         "batch_size": 128, "epochs": 7},
        source="pytorch/examples, vae/main.py",
        url="https://github.com/pytorch/examples/tree/main/vae",
        reached="test -ELBO 105.6 after 10 epochs with that program's own settings (published)",
        differs="Net and objective are as there; five times its learning rate, brought down in a straight line to 0, was chosen "
        "here for quality per second.",
        epochs_measured=(1, 7),
    ),
    _preset(
        "keras",
        "Keras vae example",
        {"loss": "bce", "architecture": "keras", "latent_dim": 2, "learning_rate": 1e-3, "batch_size": 128,
         "epochs": 30},
        source="keras-team/keras-io, examples/generative/vae.py",
        url="https://keras.io/examples/generative/vae/",
        reached="training loss 152.2 after 10 epochs, 146.95 = 140.15 + 6.80 after 30 (published)",
        differs="It trains on all 70,000 images, here the 60,000 of the training set; the two layers that give μ and "
        "log σ² start from PyTorch's initialisation, all others from Glorot's as there; Adam's epsilon is 1e-7 there, 1e-8 "
        "here; its convolutions pad below and on the right, here on all sides.",
        figures=(Figure(152.2, "training", 10, "published"), Figure(146.95, "training", 30, "published")),
        epochs_measured=(1,),
    ),
    _preset(
        "mlp-mse",
        "MLP, squared error, weight 1",
        {"loss": "mse", "hidden": (400,), "latent_dim": 2, "learning_rate": 1e-3, "batch_size": 128, "epochs": 30},
        source="the lecture's loss on the net of pytorch/examples",
        url="https://github.com/rasbt/stat453-deep-learning-ss21/tree/main/L17",
        reached="test loss 37.9 after 30 epochs (measured for this project)",
        differs="Nobody's program: the lecture's objective without its conv net, about a hundred times faster.",
        figures=(Figure(37.9, "test", 30, "measured for this project"),),
    ),
    _preset(
        "pythae",
        "Pythae VAE",
        {"loss": "formula", "formula": "0.5*(x-p)**2", "hidden": (512,), "latent_dim": 20, "learning_rate": 1e-3,
         "batch_size": 128, "epochs": 100, "seed": 8},
        source="clementchadebec/benchmark_VAE, src/pythae/models/vae/vae_model.py",
        url="https://github.com/clementchadebec/benchmark_VAE",
        reached="no figure is published for these settings",
        differs="Its default net and objective. The trainer's own defaults are learning rate 1e-4 and batch 64 with 10 "
        "latent dimensions; its MNIST scripts use 1e-3, batch 100 and 16.",
        epochs_measured=(1, 5),
    ),
    _preset(
        "pytorch-vae",
        "PyTorch-VAE",
        {"loss": "mse", "reduction": "mean", "beta": 0.00025, "architecture": "conv", "latent_dim": 128,
         "learning_rate": 5e-3, "batch_size": 64, "epochs": 100, "seed": 1265},
        source="AntixK/PyTorch-VAE, models/vanilla_vae.py and configs/vae.yaml",
        url="https://github.com/AntixK/PyTorch-VAE",
        reached="pictures only, no figure is published",
        differs="It trains on faces, 3 × 64 × 64: the mean over pixels makes the weight depend on their number. Its net has "
        "five convolutions each way with batch normalisation and a tanh at the end, here three without; its learning rate "
        "falls by 5 % each epoch.",
        epochs_measured=(1,),
    ),
    _preset(
        "disentangling-vae",
        "disentangling-vae, Gaussian",
        {"loss": "formula", "formula": "255*(x-p)**2", "kl_term": "warmup", "kl_parameters": {"warmup_epochs": 10.66},
         "architecture": "conv", "latent_dim": 10, "learning_rate": 5e-4, "batch_size": 64, "epochs": 400,
         "seed": 1234},
        source="YannDubs/disentangling-vae, disvae/models/losses.py and hyperparam.ini",
        url="https://github.com/YannDubs/disentangling-vae",
        reached="no figure is published for this loss",
        differs="Its default likelihood is Bernoulli; this is its `-r gaussian`. The KL's weight rises over 10,000 steps, "
        "which is 10.66 epochs of MNIST. Its images are enlarged to 32 × 32, here padded; its net has two dense layers of "
        "256 after 32-channel convolutions, here wider convolutions alone.",
        epochs_measured=(1,),
    ),
    _preset(
        "disentangling-vae-laplace",
        "disentangling-vae, Laplace",
        {"loss": "formula", "formula": "3*abs(x-p)", "kl_term": "warmup", "kl_parameters": {"warmup_epochs": 10.66},
         "architecture": "conv", "latent_dim": 10, "learning_rate": 5e-4, "batch_size": 64, "epochs": 400,
         "seed": 1234},
        source="YannDubs/disentangling-vae, disvae/models/losses.py and hyperparam.ini",
        url="https://github.com/YannDubs/disentangling-vae",
        reached="no figure is published for this loss",
        differs="As for its Gaussian; this is its `-r laplace`.",
        epochs_measured=(1,),
    ),
    _preset(
        "disentangling-vae-capacity",
        "disentangling-vae, target capacity",
        {"loss": "bce", "beta": 1000.0, "kl_term": "capacity",
         "kl_parameters": {"capacity": 25.0, "capacity_epochs": 106.6}, "architecture": "conv", "latent_dim": 10,
         "learning_rate": 5e-4, "batch_size": 64, "epochs": 400, "seed": 1234},
        source="YannDubs/disentangling-vae, disvae/models/losses.py and hyperparam.ini, betaB",
        url="https://github.com/YannDubs/disentangling-vae",
        reached="no figure is published for MNIST",
        differs="The target rises over 100,000 steps, which is 106.6 epochs of MNIST; images and net as for its Gaussian.",
        epochs_measured=(1,),
    ),
    _preset(
        "sigma-vae",
        "σ-VAE, optimal σ",
        {"loss": "gaussian_optimal", "architecture": "conv", "latent_dim": 20, "learning_rate": 1e-3,
         "batch_size": 128, "epochs": 10},
        source="orybkin/sigma-vae-pytorch, model.py, --model optimal_sigma_vae",
        url="https://github.com/orybkin/sigma-vae-pytorch",
        reached="in words: averaging over pixels works very poorly, σ = 1 better, learned or optimal σ best",
        differs="It trains on house numbers in colour (SVHN); its net has three convolutions each way, the first without "
        "stride, with ReLU; log σ is softly kept above −6, here clipped there.",
        epochs_measured=(1,),
    ),
    _preset(
        "sigma-vae-1",
        "σ-VAE, σ = 1",
        {"loss": "gaussian", "parameters": {"sigma": 1.0}, "architecture": "conv", "latent_dim": 20,
         "learning_rate": 1e-3, "batch_size": 128, "epochs": 10},
        source="orybkin/sigma-vae-pytorch, model.py, --model gaussian_vae",
        url="https://github.com/orybkin/sigma-vae-pytorch",
        reached="in words: better than averaging over pixels, worse than learned or optimal σ",
        differs="As for its optimal σ.",
        epochs_measured=(1,),
    ),
)  # fmt: skip

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.key: preset for preset in _RECORDS})


def find_preset(key: object) -> Preset:
    """The preset of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in PRESETS:
        raise SettingError("preset", key, f"one of {', '.join(PRESETS)} is accepted")
    return PRESETS[key]


# ---- What was measured here --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One number that `make figures` found on MNIST, in nats per image; reconstruction and kl are its parts.

    seconds: of that epoch's training; threads: of torch, on which the last bits depend.
    """

    preset: str
    epoch: int
    measure: str
    value: float
    reconstruction: float
    kl: float
    seed: int
    threads: int
    seconds: float


def measurements(path: Path = MEASUREMENTS) -> tuple[Measured, ...]:
    """What the file holds, in its order; nothing where there is no file. What was not run is not there."""
    if not path.is_file():
        return ()
    kinds: dict[object, type] = {"str": str, "int": int, "float": float}
    with path.open(newline="") as lines:
        return tuple(
            Measured(**{f.name: kinds[f.type](row[f.name]) for f in fields(Measured)}) for row in csv.DictReader(lines)
        )


def measured(preset: str, figure: Figure, among: tuple[Measured, ...]) -> Measured | None:
    """What was measured here that stands beside this figure, or None where it was not run."""
    wanted = (preset, figure.epoch, figure.measure)
    return next((m for m in among if (m.preset, m.epoch, m.measure) == wanted), None)
