"""Named configurations: the objectives and hyperparameters of programs that people know, with what they reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vae.config import TrainConfig
from vae.errors import SettingError


@dataclass(frozen=True)
class Preset:
    """settings: fields of TrainConfig that the program fixes. reached: its published or measured result, in words."""

    key: str
    name: str
    settings: Mapping[str, object]
    source: str
    url: str
    reached: str

    def config(self, **changes) -> TrainConfig:
        """The preset as a TrainConfig, with these fields changed."""
        return TrainConfig(**(dict(self.settings) | changes))


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.key: preset
        for preset in (
            Preset(
                "pytorch-examples",
                "pytorch/examples vae",
                MappingProxyType(
                    {
                        "dataset": "mnist",
                        "loss": "bce",
                        "architecture": "mlp",
                        "hidden": (400,),
                        "latent_dim": 20,
                        "learning_rate": 1e-3,
                        "batch_size": 128,
                        "epochs": 10,
                        "seed": 1,
                    }
                ),
                "pytorch/examples, vae/main.py",
                "https://github.com/pytorch/examples/tree/main/vae",
                "test -ELBO 105.6 after 10 epochs (published)",
            ),
            Preset(
                "l17",
                "Lecture STAT 453, L17",
                MappingProxyType(
                    {
                        "dataset": "mnist",
                        "loss": "mse",
                        "architecture": "l17",
                        "latent_dim": 2,
                        "learning_rate": 5e-4,
                        "batch_size": 256,
                        "epochs": 50,
                        "seed": 123,
                    }
                ),
                "rasbt/stat453-deep-learning-ss21, folder L17",
                "https://github.com/rasbt/stat453-deep-learning-ss21/tree/main/L17",
                "training loss 36 to 37 after 50 epochs: squared error about 31, KL about 5 (its log)",
            ),
        )
    }
)


def find_preset(key: object) -> Preset:
    """The preset of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in PRESETS:
        raise SettingError("preset", key, f"one of {', '.join(PRESETS)} is accepted")
    return PRESETS[key]
