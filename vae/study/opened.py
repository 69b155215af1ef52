"""A trained model opened for a look: its codes of test images, and the images where they are here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from vae.data import Factors, find_source, load_dataset
from vae.errors import CheckpointError
from vae.latent.codes import Health, health
from vae.study.factors import Told, most_told
from vae.training.checkpoint import Checkpoint
from vae.training.config import TrainConfig, multiply_adds
from vae.training.evaluation import Evaluation, training_sigma
from vae.training.networks import VAE
from vae.training.step import as_bytes, pictures
from vae.training.subset import SIZE, Subset, encode_images

ENCODED_AT_ONCE = 2e10  # multiply-adds that opening a model may spend on encoding test images: a second or so
FEWEST = 200


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model on show. encoded: test images as it sees them; images: those images as it
    takes them, uint8, None where they are not here; factors: what is known of them, if anything."""

    key: str
    title: str
    config: TrainConfig
    model: VAE
    step: int  # updates that it has had
    encoded: Subset
    images: Tensor | None
    metrics: Evaluation | None = None
    sigma: float | None = None  # of the training set, for a loss that takes it from the residuals
    factors: Factors | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return find_source(self.config.dataset).classes

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

    @property
    def told(self) -> tuple[Told | None, ...]:
        """For each dimension the known factor that it tells most, None where it tells none."""
        return (None,) * self.latent_dim if self.factors is None else _told(self.encoded, self.factors)

    def shown_input(self, index: int) -> tuple[Tensor, bool]:
        """The picture (C, H, W) of that test image, and whether it is the image itself, not its reconstruction."""
        if self.images is not None:
            return self.images[index], True
        return self.encoded.reconstructions[index], False


@lru_cache(maxsize=32)
def _health(encoded: Subset) -> Health:
    return health(encoded.mu, encoded.log_var)


@lru_cache(maxsize=32)
def _told(encoded: Subset, factors: Factors) -> tuple[Told | None, ...]:
    return most_told(encoded.mu, factors)


def _as_taken(config: TrainConfig, images: Tensor) -> Tensor:
    """The images as the model takes them, uint8; the very same where it takes them as they are: ten thousand are 8 MB."""
    taken = torch.from_numpy(as_bytes(config.x(images)))
    return images if torch.equal(taken, images) else taken


def open_checkpoint(key: str, title: str, checkpoint: Checkpoint) -> OpenedModel:
    """Images where the data set is here; else the file's own subset. CheckpointError where there is neither."""
    config, model = checkpoint.config, checkpoint.model()
    sigma = checkpoint.metrics.sigma if checkpoint.metrics else None
    images, encoded, factors = None, checkpoint.subset, None
    if find_source(config.dataset).is_present():
        data = load_dataset(config.dataset, config.size)
        n = int(min(SIZE, len(data.test), max(FEWEST, ENCODED_AT_ONCE / multiply_adds(config))))
        if encoded is None or len(encoded) < n:
            if sigma is None:
                sigma = training_sigma(config, model, data.train[:n])
            labels = None if data.test_labels is None else data.test_labels[:n]
            encoded = encode_images(config, model, data.test[:n], labels, sigma)
        images = _as_taken(config, data.test[: len(encoded)])
        factors = data.known_of_test(0, len(encoded))
    if encoded is None:
        raise CheckpointError(
            f"{title} brings no codes of its own and its data set {config.dataset} is not on this machine: "
            "fetch the data on the Train page first."
        )
    step, metrics = checkpoint.state.step, checkpoint.metrics
    return OpenedModel(key, title, config, model, step, encoded, images, metrics, sigma, factors)
