"""VAE Loss Lab: what the loss of a variational autoencoder does. No streamlit, dask or torchvision is imported here."""

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
from vae.training.presets import PRESETS
from vae.training.step import Observation, Progress, TrainState, advance, initial_state, train
from vae.training.update import model_of

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
