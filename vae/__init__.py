"""VAE Loss Lab: what the loss of a variational autoencoder does. No streamlit, dask or torchvision is imported here.

Nor is anything else before it is asked for: torch takes more than a second, and not all that begins with `import vae` needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae.data import DATASETS, ImageDataset, load_dataset
    from vae.errors import CheckpointError, DataError, SettingError, VaeError
    from vae.losses.kl_terms import KL_TERMS
    from vae.losses.objective import kl_divergence
    from vae.losses.record import Loss
    from vae.losses.table import LOSSES
    from vae.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from vae.training.config import TrainConfig
    from vae.training.evaluation import Evaluation, evaluate, reference_lines
    from vae.training.networks import ARCHITECTURES, VAE
    from vae.training.on_device import advance, advance_many, train
    from vae.training.presets import PRESETS
    from vae.training.step import Observation, Progress, TrainState, initial_state
    from vae.training.update import model_of

_NAMES = {
    "vae.data": "DATASETS ImageDataset load_dataset",
    "vae.errors": "CheckpointError DataError SettingError VaeError",
    "vae.losses.kl_terms": "KL_TERMS",
    "vae.losses.objective": "kl_divergence",
    "vae.losses.record": "Loss",
    "vae.losses.table": "LOSSES",
    "vae.training.checkpoint": "Checkpoint load_checkpoint save_checkpoint",
    "vae.training.config": "TrainConfig",
    "vae.training.evaluation": "Evaluation evaluate reference_lines",
    "vae.training.networks": "ARCHITECTURES VAE",
    "vae.training.on_device": "advance advance_many train",
    "vae.training.presets": "PRESETS",
    "vae.training.step": "Observation Progress TrainState initial_state",
    "vae.training.update": "model_of",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__version__ = "0.1.0"

__all__ = [
    "ARCHITECTURES",
    "DATASETS",
    "KL_TERMS",
    "LOSSES",
    "PRESETS",
    "VAE",
    "Checkpoint",
    "CheckpointError",
    "DataError",
    "Evaluation",
    "ImageDataset",
    "Loss",
    "Observation",
    "Progress",
    "SettingError",
    "TrainConfig",
    "TrainState",
    "VaeError",
    "advance",
    "advance_many",
    "evaluate",
    "initial_state",
    "kl_divergence",
    "load_checkpoint",
    "load_dataset",
    "model_of",
    "reference_lines",
    "save_checkpoint",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
