"""How good a model is on images it was not trained on, and the lines that say what a number is worth.

Everything is nats per image (summed over pixels and latent dimensions, averaged over images), lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from vae.data import ImageDataset
from vae.losses.objective import Terms, kl_divergence, reduce_terms
from vae.losses.record import Loss
from vae.losses.squared_error import SMALLEST_SIGMA
from vae.losses.table import LOSSES
from vae.training.config import TrainConfig
from vae.training.networks import VAE
from vae.training.pixels import TREATMENTS, UNIT, treated
from vae.training.randomness import generator

ALL_AXES = 1200  # pixels up to which all principal axes are found: beyond it would take minutes
MOST_AXES, AXES_FROM = 272, 4000  # at most 256 are asked for; a few more make those more exact
PIECE = 500  # images a piece; part of what the noise of an evaluation means, so the same everywhere


@dataclass(frozen=True)
class Evaluation:
    """A model's figures on `images` images. kl_per_dim: nats per image, one per latent dimension."""

    images: int
    reconstruction: float
    kl_per_dim: tuple[float, ...]
    sigma: float | None = None  # of the training set, where the loss takes its sigma from the residuals

    @property
    def kl(self) -> float:
        return sum(self.kl_per_dim)

    @property
    def negative_elbo(self) -> float:
        """-ELBO: reconstruction + KL, at beta = 1 whatever beta the training used."""
        return self.reconstruction + self.kl


def loss_keywords(config: TrainConfig, model: VAE, batch_sigma: float | Tensor | None = None) -> dict[str, Any]:
    """The keyword arguments for the loss: given, trained, or (batch_sigma) measured on the training set.

    Without batch_sigma the optimal sigma is that of the batch at hand, which is what training uses.
    """
    origin = config.loss_record().origin("sigma")
    if origin == "learned":
        assert model.log_sigma is not None
        return {"sigma": model.log_sigma.exp()}
    if origin == "batch":
        return {"sigma": batch_sigma}
    return config.loss_parameters()


def terms_of_batch(
    config: TrainConfig, model: VAE, x: Tensor, eps: Tensor, batch_sigma: float | Tensor | None = None, step: int = 0
) -> Terms:
    """x (B, C, H, W) in [0, 1], eps (B, Z) standard normal -> the Terms of the update after `step` others on this batch.

    Of a bound over several samples of z: what it comes to with one.
    """
    logits, mu, log_var = model(x, eps)
    pixel_loss = config.loss_record().pixelwise(logits, x, **loss_keywords(config, model, batch_sigma))
    return reduce_terms(pixel_loss, kl_divergence(mu, log_var), partial(config.kl_cost, step=step), config.reduction)


def pieces(images: int) -> Iterator[tuple[int, int]]:
    """The (start, stop) of the pieces that an evaluation of so many images is made of."""
    return ((start, min(start + PIECE, images)) for start in range(0, images, PIECE))


def evaluation_noise(config: TrainConfig, start: int, stop: int) -> Tensor:
    """The fixed noise of a piece, (B, Z)."""
    return torch.randn(stop - start, config.latent_dim, generator=generator(config.seed, "evaluation", start))


@torch.inference_mode()
def evaluate_piece(
    config: TrainConfig, model: VAE, images: Tensor, start: int, stop: int, batch_sigma: float | None = None
) -> Evaluation:
    """One sample of z per image, the noise fixed by the config's seed and the piece's start. images: uint8 (N, C, H, W)."""
    eps = evaluation_noise(config, start, stop)
    terms = terms_of_batch(config, model, config.x(images[start:stop], start), eps, batch_sigma)
    return Evaluation(stop - start, float(terms.reconstruction), tuple(terms.kl_per_dim.tolist()), batch_sigma)


@torch.inference_mode()
def squared_residual(config: TrainConfig, model: VAE, images: Tensor, start: int, stop: int) -> float:
    """Mean squared residual of a piece of images (uint8) after one sampled pass: what the optimal sigma is made of."""
    return float(residual_of(model, config.x(images[start:stop], start), evaluation_noise(config, start, stop)))


def residual_of(model: VAE, x: Tensor, eps: Tensor) -> Tensor:
    """Mean squared residual of images x (B, C, H, W) after one pass with noise eps (B, Z)."""
    return (torch.sigmoid(model(x, eps)[0]) - x).square().mean()


def merge(parts: Iterable[Evaluation]) -> Evaluation:
    """The evaluation of all images from those of its pieces."""
    parts = list(parts)
    images = sum(p.images for p in parts)

    def mean(values: Iterable[float]) -> float:
        return math.fsum(v * p.images for v, p in zip(values, parts)) / images

    kl = tuple(mean(column) for column in zip(*(p.kl_per_dim for p in parts)))
    return Evaluation(images, mean(p.reconstruction for p in parts), kl, parts[0].sigma)


def training_sigma(config: TrainConfig, model: VAE, images: Tensor) -> float | None:
    """The optimal sigma over these training images (uint8), None unless the loss takes its sigma from residuals."""
    if config.loss_record().origin("sigma") != "batch":
        return None
    spans = list(pieces(len(images)))
    return sigma_of([squared_residual(config, model, images, a, b) for a, b in spans], spans)


def sigma_of(residuals: Sequence[float], spans: Sequence[tuple[int, int]]) -> float:
    """The optimal sigma over all images, from the mean squared residual of each piece and its (start, stop)."""
    total = math.fsum((stop - start) * r for r, (start, stop) in zip(residuals, spans))
    return max(math.sqrt(total / spans[-1][1]), SMALLEST_SIGMA)


def sigma_from(residuals: Sequence[Tensor], images: Sequence[int]) -> Tensor:
    """The same where the model lies, without asking for a number: mean squared residuals of pieces of so many images."""
    total = torch.stack([count * exact(residual) for count, residual in zip(images, residuals)]).sum()
    return (total / sum(images)).sqrt().clamp_min(SMALLEST_SIGMA)


def exact(x: Tensor) -> Tensor:
    """In float64, where the device has it."""
    return x if x.device.type == "mps" else x.double()


def evaluate(config: TrainConfig, model: VAE, data: ImageDataset) -> Evaluation:
    """The whole test set; an optimal sigma comes from the whole training set, so that the test set is not flattered."""
    sigma = training_sigma(config, model, data.train)
    return merge(evaluate_piece(config, model, data.test, a, b, sigma) for a, b in pieces(len(data.test)))


# ---- Pictures ----------------------------------------------------------------------------------------------------


def laplacian_variance(images: Tensor) -> Tensor:
    """Variance over each image (N, C, H, W) of its 4-neighbour Laplacian, without padding: (N,), float64. Its mean over
    a model's pictures, divided by that of the data, is their sharpness: below 1 they are blurrier."""
    x = exact(images)
    sides = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return (sides - 4 * x[..., 1:-1, 1:-1]).flatten(1).var(1, correction=0)


MIDDLE = (0.1, 0.9)  # neither dark nor bright


def middle_share(images: Tensor) -> Tensor:
    """Images (N, C, H, W) -> (N,), float64: the share of each one's pixels inside MIDDLE."""
    low, high = MIDDLE
    return ((images > low) & (images < high)).flatten(1).double().mean(1)


# ---- Reference lines: "is 105 good?" -----------------------------------------------------------------------------


@dataclass(frozen=True)
class ReferenceLine:
    """A value of the reconstruction term, nats per image, that a curve can be read against."""

    key: str
    label: str
    value: float


def reference_lines(
    data: ImageDataset, loss: Loss, parameters: dict[str, float], latent_dim: int, pixels: str = UNIT
) -> tuple[ReferenceLine, ...]:
    """The perfect copy, the mean training image and PCA with latent_dim components, under this loss, on the test set.

    Lines without a finite value are left out: a density may be unbounded at a perfect copy, and PCA predicts values
    outside [0, 1], where BCE has none. A mean pixel of exactly 0 or 1 is moved by half a grey level of one training
    image: no sigmoid reaches 0, and one faint test pixel would make the line infinite.
    """
    if not loss.pointwise:
        return ()
    least = 0.5 / 255 / data.n_train
    mean = principal_axes(data, pixels)[0].view(1, *data.shape).clamp(least, 1 - least)
    candidates: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
        ("floor", "perfect copy", lambda x: x),
        ("pca", f"PCA, {latent_dim} dims", lambda x: pca_reconstruction(data, x, latent_dim, pixels)),
        ("mean", "mean image", mean.expand_as),
    )
    x = treated(pixels, data.test)
    lines = []
    for key, label, predicted in candidates:  # in pieces: all at once, MNIST takes 200 MB
        sums = [loss.at(predicted(part), part, **parameters).sum(dtype=torch.float64) for part in x.split(1000)]
        value = float(sum(sums)) / len(x)
        if math.isfinite(value) and not (key == "floor" and loss.origin("sigma") in ("batch", "learned")):
            lines.append(ReferenceLine(key, label, value))
    return tuple(lines)


def pca_reconstruction(data: ImageDataset, x: Tensor, components: int, pixels: str = UNIT) -> Tensor:
    """Images x (float) from their first principal components, fitted on the training images; not clipped."""
    mean, axes = principal_axes(data, pixels)
    axes = axes[:, :components]  # (D, k)
    flat = x.flatten(1) - mean  # (N, D)
    return (flat @ axes @ axes.T + mean).view(len(flat), *data.shape)


@lru_cache(maxsize=4)
def principal_axes(data: ImageDataset, pixels: str = UNIT) -> tuple[Tensor, Tensor]:
    """Mean (D,) and principal axes (D, k) of the training images, largest variance first.

    All D axes of small pictures, exactly; of larger ones the first MOST_AXES, from the first AXES_FROM training images.
    """
    if math.prod(data.shape) > ALL_AXES:
        return _first_axes(treated(pixels, data.train, purpose="pixels").flatten(1))
    noise = generator(0, "pixels")
    total = torch.zeros(math.prod(data.shape), dtype=torch.float64)
    second = torch.zeros(len(total), len(total), dtype=torch.float64)
    for piece in data.train.split(5000):
        flat = TREATMENTS[pixels].of(piece, noise).flatten(1)
        total += flat.sum(0)
        second += flat.T @ flat
    mean = total / data.n_train
    covariance = second / data.n_train - torch.outer(mean, mean)
    return mean.float(), torch.linalg.eigh(covariance)[1].flip(1).float()


def _first_axes(flat: Tensor) -> tuple[Tensor, Tensor]:
    """By products with a few random directions, https://arxiv.org/abs/0909.4061. flat: (N, D)."""
    mean = flat.mean(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        axes = torch.svd_lowrank(flat[:AXES_FROM] - mean, q=min(MOST_AXES, *flat[:AXES_FROM].shape), niter=3)[2]
    return mean, axes


def entropy_floor(images: Tensor, pixels: str = UNIT) -> Tensor:
    """BCE of a perfect reconstruction for each image (uint8) in nats: its pixels' summed Bernoulli entropy, (N,)."""
    x = treated(pixels, images)
    return LOSSES["bce"].at(x, x).flatten(1).sum(1)
