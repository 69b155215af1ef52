"""How a loss becomes an ELBO: the KL term, the one place where anything is summed or averaged, and beta.

    objective = reconstruction + beta * KL          (nats per image; lower is better)

Reconstruction is summed over pixels, KL over latent dimensions, both averaged over images. That is -ELBO at beta = 1.
What else may be done with the KL term is a table of its own, kl_terms.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

REDUCTIONS = ("sum", "mean")
Nats = TypeVar("Nats", float, Tensor)


@dataclass(frozen=True)
class Terms:
    """The terms of the objective for a batch. Scalars (0-dim Tensors), except kl_per_dim (latent,)."""

    reconstruction: Tensor  # nats per image, summed over pixels, whatever the reduction
    kl_per_dim: Tensor  # nats per image, averaged over images, one per latent dimension
    objective: Tensor  # what is minimised

    @property
    def kl(self) -> Tensor:
        """KL in nats per image, summed over latent dimensions."""
        return self.kl_per_dim.sum()


def kl_divergence(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) || N(0, 1)) for each element, in nats: (batch, latent) -> (batch, latent).

    -1/2 (1 + log_var - mu^2 - exp(log_var)), Kingma and Welling 2013, appendix B, https://arxiv.org/abs/1312.6114.
    Written with expm1, so that it keeps its digits near its minimum, 0 at mu = 0, log_var = 0.
    """
    return 0.5 * (mu.square() + log_var.expm1() - log_var)


def reduce_terms(
    pixel_loss: Tensor, kl: Tensor, beta: float | Callable[[Tensor], Tensor], reduction: str = "sum"
) -> Terms:
    """pixel_loss (batch, C, H, W) and kl (batch, latent) -> Terms.

    beta: the weight of the KL term; or a function from the KL of each dimension, averaged over images, (latent,), to what
    it adds to the objective. reduction="mean" divides the reconstruction inside the objective by the number of pixels.
    That is a common mistake (on 28 x 28 pixels it multiplies beta by 784), kept to be seen; the reported reconstruction
    stays a sum.
    """
    images = pixel_loss.shape[0]
    reconstruction = pixel_loss.sum() / images  # sum over pixels, mean over images
    kl_per_dim = kl.mean(0)  # mean over images; Terms.kl sums over latent dimensions
    weighed = beta(kl_per_dim) if callable(beta) else beta * kl_per_dim.sum()
    return Terms(reconstruction, kl_per_dim, combine(reconstruction, weighed, pixel_loss[0].numel(), reduction))


def of_batch(total: float, images: int, pixels: int, reduction: str = "sum") -> tuple[float, float]:
    """The reconstruction in nats per image, from a batch's sum over all pixels of all images; and by how much the objective
    grows with the loss of one pixel of one of them."""
    return total / images, combine(1.0, 0.0, pixels, reduction) / images


def combine(reconstruction: Nats, weighed_kl: Nats, pixels: int, reduction: str = "sum") -> Nats:
    """What is minimised, from the reconstruction and beta KL in nats per image (numbers or tensors)."""
    return (reconstruction / pixels if reduction == "mean" else reconstruction) + weighed_kl
