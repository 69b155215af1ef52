"""A fixed part of the test set as a trained model sees it: what a shipped checkpoint carries instead of images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.data import ImageDataset, find_source
from vae.losses.objective import kl_divergence
from vae.training.config import TrainConfig
from vae.training.evaluation import loss_keywords
from vae.training.networks import VAE
from vae.training.step import pictures

SIZE = 2000  # the first test images, or all where there are fewer
MOST_BYTES = 1_600_000  # of their pictures: a file is small, and of larger pictures it has fewer
SIZE_OF_THOSE_HERE = 360  # where the data set itself is on every machine, and more can be encoded at any time


@dataclass(frozen=True, eq=False)
class Subset:
    """n test images, encoded. No image of the data set is in it, only what the model makes of one.

    mu, log_var: float32 (n, Z). labels: int64 (n,), or None. reconstructions: uint8 (n, C, H, W), decoded from mu.
    losses: float32 (n,), the reconstruction term of each, decoded from mu, nats per image.
    """

    mu: Tensor
    log_var: Tensor
    labels: Tensor | None
    reconstructions: Tensor
    losses: Tensor

    def __len__(self) -> int:
        return len(self.mu)

    @property
    def kl(self) -> Tensor:
        """KL of each image and dimension, (n, Z), nats."""
        return kl_divergence(self.mu, self.log_var)


@torch.inference_mode()
def encode_images(
    config: TrainConfig, model: VAE, images: Tensor, labels: Tensor | None, sigma: float | None = None
) -> Subset:
    """Encode images (uint8). sigma: the training set's optimal one, for a loss that takes it from residuals."""
    parts = [_encoded(config, model, piece, sigma) for piece in images.split(500)]
    mu, log_var, shown, losses = (torch.cat(column) for column in zip(*parts))
    return Subset(mu, log_var, None if labels is None else labels.clone(), shown, losses)


def _encoded(config: TrainConfig, model: VAE, images: Tensor, sigma: float | None) -> tuple[Tensor, ...]:
    x = config.x(images)
    mu, log_var = model.encode(x)
    logits = model.decode(mu)
    loss = config.loss_record().pixelwise(logits, x, **loss_keywords(config, model, sigma))
    return mu, log_var, torch.from_numpy(pictures(config, logits)), loss.flatten(1).sum(1)


def subset_size(config: TrainConfig) -> int:
    """Of how many test images a file carries the codes."""
    source = find_source(config.dataset)
    most = SIZE if source.megabytes else SIZE_OF_THOSE_HERE
    return min(most, MOST_BYTES // math.prod(config.shape), source.n_test)


def encode_test(config: TrainConfig, model: VAE, data: ImageDataset, sigma: float | None = None) -> Subset:
    """The first test images of the data set, as many as subset_size() says."""
    n = subset_size(config)
    labels = None if data.test_labels is None else data.test_labels[:n]
    return encode_images(config, model, data.test[:n], labels, sigma)
