"""A model looks at test images once; every measure reads what it made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor

from vae.data import Factors, ImageDataset
from vae.losses.objective import kl_divergence
from vae.losses.squared_error import SMALLEST_SIGMA
from vae.study.scoring.likelihood import log_likelihood
from vae.study.scoring.readings import READINGS, Prediction, Reading
from vae.training.config import TrainConfig, multiply_adds
from vae.training.evaluation import pieces
from vae.training.networks import VAE
from vae.training.pixels import UNIT, treated
from vae.training.randomness import generator

IMAGES, SAMPLES = 2000, 64
LIKELIHOOD_IMAGES, FEWEST_LIKELIHOOD_IMAGES = 200, 20
TRAINING_IMAGES, FEWEST_TRAINING_IMAGES = 5000, 500  # for sigma, and for the codes that neighbours are looked for in
# Multiply-adds that a large net may spend on log p(x), and on training images, before it gets fewer images.
LIKELIHOOD_OPERATIONS, TRAINING_OPERATIONS = 6e9, 8e9
VALUES_AT_ONCE = 200_000  # pixels decoded at a time, and
TREATED_AT_ONCE = 5000  # images
MEASURED_AT_ONCE = 100  # images measured at a time: arrays so small are faster
DENSITIES = tuple(key for key, reading in READINGS.items() if reading.loss.normalised)


@dataclass(frozen=True, eq=False)
class Codes:
    """mu, log_var: (N, Z) of the test images. train_mu: (M, Z) of training images. labels: int64, or None. factors: those
    known of the test images, or None."""

    mu: Tensor
    log_var: Tensor
    labels: Tensor | None
    train_mu: Tensor
    train_labels: Tensor | None
    factors: Factors | None = None

    @property
    def kl(self) -> Tensor:
        """KL of each image, (N,), nats."""
        return kl_divergence(self.mu, self.log_var).sum(1)


@dataclass(frozen=True, eq=False)
class ModelOutputs:
    """Test images x, float (N, C, H, W) in [0, 1], and what a model, or a fixed picture, says of them.

    picture: (N, C, H, W) in [0, 1], the mean picture decoded from mu. sampled: the prediction from one z ~ q(z|x) each.
    sigma: root mean square residual on training images; trained_sigma: the model's own; None where there is none.
    codes: None for a fixed picture. log_p: for each of DENSITIES log p(x) of the first images, (M,), nats.
    """

    x: Tensor
    picture: Tensor
    sampled: Prediction
    sigma: float | None
    trained_sigma: float | None
    codes: Codes | None
    log_p: dict[str, Tensor]

    def nats(self, reading: Reading) -> Tensor | None:
        """The reconstruction term of each image under that reading, (N,), of the sampled z."""
        spans = [slice(start, start + MEASURED_AT_ONCE) for start in range(0, len(self.x), MEASURED_AT_ONCE)]
        parts = [reading.nats(self.sampled[some], self.x[some], self.sigma, self.trained_sigma) for some in spans]
        known = [part for part in parts if part is not None]  # all of them, or none
        return torch.cat(known) if known else None


@torch.inference_mode()
def outputs_of(
    config: TrainConfig, model: VAE, data: ImageDataset, images: int = IMAGES, samples: int = SAMPLES
) -> ModelOutputs:
    """The first test images as the model sees them; all where there are fewer. The same numbers every time.

    An image's noise depends on the config's seed and on its place, in pieces as evaluate() takes them: the
    reconstruction term under the model's own loss is that of evaluate_piece().
    """
    x = config.x(data.test[:images])
    mu, log_var, logits, decoded = (
        torch.cat(part) for part in zip(*(_piece(config, model, x, *p) for p in pieces(len(x))))
    )
    loss = config.loss_record()
    sigma, train_mu = _training(config, model, data)
    labels = None if data.test_labels is None else data.test_labels[: len(x)]
    train_labels = None if data.train_labels is None else data.train_labels[: len(train_mu)]
    trained = None if model.log_sigma is None else float(model.log_sigma.exp())
    return ModelOutputs(
        x,
        loss.picture(decoded).clamp(0, 1),
        Prediction.by(loss, logits),
        sigma,
        trained,
        Codes(mu, log_var, labels, train_mu, train_labels, data.known_of_test(0, len(x))),
        _log_p(config, model, x, mu, log_var, sigma, trained, samples),
    )


def _piece(config: TrainConfig, model: VAE, x: Tensor, start: int, stop: int) -> tuple[Tensor, ...]:
    """mu, log_var, logits of a sampled z, logits of mu."""
    eps = torch.randn(stop - start, config.latent_dim, generator=generator(config.seed, "evaluation", start))
    logits, mu, log_var = model(x[start:stop], eps)
    return mu, log_var, logits, model.decode(mu)


def _training(config: TrainConfig, model: VAE, data: ImageDataset) -> tuple[float, Tensor]:
    """The optimal sigma over training images (one sampled z each), and their mu (M, Z)."""
    n = _within(TRAINING_OPERATIONS / multiply_adds(config), FEWEST_TRAINING_IMAGES, TRAINING_IMAGES)
    images, picture, total, codes = data.train[:n], config.loss_record().picture, 0.0, []
    for start, stop in pieces(len(images)):
        x = config.x(images[start:stop], start)
        eps = torch.randn(stop - start, config.latent_dim, generator=generator(config.seed, "evaluation", start))
        logits, mu, _ = model(x, eps)
        total += float((picture(logits) - x).square().sum(dtype=torch.float64))
        codes.append(mu)
    return max(math.sqrt(total / images.numel()), SMALLEST_SIGMA), torch.cat(codes)


def _log_p(
    config: TrainConfig,
    model: VAE,
    x: Tensor,
    mu: Tensor,
    log_var: Tensor,
    sigma: float,
    trained_sigma: float | None,
    samples: int,
) -> dict[str, Tensor]:
    """log p(x) of the first images under every density, a few images at a time; the noise is each image's own."""
    n = likelihood_images(config, len(x), samples)
    loss, at_once = config.loss_record(), max(1, VALUES_AT_ONCE // (samples * x[0].numel()))

    def estimate(start: int, stop: int) -> Tensor:
        noise = [
            torch.randn(samples, config.latent_dim, generator=generator(config.seed, "likelihood", i))
            for i in range(start, stop)
        ]

        def log_p_x_given_z(z: Tensor) -> Tensor:
            logits = model.decode(z.flatten(0, 1)).unflatten(0, z.shape[:2])  # (K, B, C, H, W)
            prediction = Prediction.by(loss, logits)
            terms = [READINGS[key].nats(prediction, x[start:stop], sigma, trained_sigma) for key in DENSITIES]
            return -torch.stack(cast(list[Tensor], terms))  # none is None, as there are logits and a sigma

        return log_likelihood(log_p_x_given_z, mu[start:stop], log_var[start:stop], torch.stack(noise, 1))

    found = torch.cat([estimate(start, min(start + at_once, n)) for start in range(0, n, at_once)], 1)
    return dict(zip(DENSITIES, found))


def likelihood_images(config: TrainConfig, images: int, samples: int = SAMPLES) -> int:
    """How many images log p(x) is estimated on: fewer for a net whose decoder is large. Sized by arithmetic, not time."""
    wanted = LIKELIHOOD_OPERATIONS / (samples * multiply_adds(config) / 2)
    return min(images, _within(wanted, FEWEST_LIKELIHOOD_IMAGES, LIKELIHOOD_IMAGES))


def _within(wanted: float, low: int, high: int) -> int:
    return int(min(high, max(low, wanted)))


# ---- What every column can be read against ---------------------------------------------------------------------------


def perfect_copy(data: ImageDataset, images: int = IMAGES, pixels: str = UNIT) -> ModelOutputs:
    """The picture is the image itself under that pixel treatment: the floor."""
    x = treated(pixels, data.test[:images])
    return ModelOutputs(x, x, Prediction.of_picture(x), None, None, None, {})


def collapsed(data: ImageDataset, images: int = IMAGES, pixels: str = UNIT) -> ModelOutputs:
    """The picture is the mean training image whatever the code: what a decoder shows that has stopped to listen.

    As nothing depends on the code, log p(x) is exact: it is the reconstruction term. A mean pixel of exactly 0 or 1 is
    moved by half a grey level of one training image, as in evaluation.reference_lines.
    """
    x, least = treated(pixels, data.test[:images]), 0.5 / 255 / data.n_train
    mean = mean_image(data, pixels).clamp(least, 1 - least)
    squared = sum(float((piece - mean).square().sum(dtype=torch.float64)) for piece in _training_pixels(data, pixels))
    sigma = math.sqrt(squared / data.train.numel())
    picture = mean.expand_as(x)
    prediction = Prediction.of_picture(picture)
    terms = {
        key: READINGS[key].nats(prediction[:LIKELIHOOD_IMAGES], x[:LIKELIHOOD_IMAGES], sigma, None) for key in DENSITIES
    }
    log_p = {key: -term for key, term in terms.items() if term is not None}
    return ModelOutputs(x, picture, prediction, sigma, None, None, log_p)


@lru_cache(maxsize=4)
def mean_image(data: ImageDataset, pixels: str = UNIT) -> Tensor:
    """The mean training image under that treatment, float (1, C, H, W) in [0, 1]."""
    totals = (piece.sum(0, keepdim=True, dtype=torch.float64) for piece in _training_pixels(data, pixels))
    total = sum(totals, start=torch.zeros(()))
    return (total / data.n_train).float()


def _training_pixels(data: ImageDataset, pixels: str) -> Iterator[Tensor]:
    for start in range(0, data.n_train, TREATED_AT_ONCE):
        yield treated(pixels, data.train[start : start + TREATED_AT_ONCE], position=start, purpose="pixels")
