"""The scores of one model, and of the two pictures that every model can be read against."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae.data import ImageDataset
from vae.study.scoring.measures import MEASURES
from vae.study.scoring.outputs import IMAGES, SAMPLES, ModelOutputs, collapsed, outputs_of, perfect_copy
from vae.study.scoring.readings import RAW
from vae.study.scoring.rescue import Rescue
from vae.training.config import TrainConfig
from vae.training.networks import VAE
from vae.training.pixels import UNIT


@dataclass(frozen=True)
class Scores:
    """values: for each of MEASURES a number, None where it has none or is not finite. errors: standard errors of those
    that are means over images. data: what the images themselves reach, for measures that should come near it.

    images: test images scored; likelihood_images: those among them whose log p(x) was estimated, with `samples` each.
    """

    images: int
    likelihood_images: int
    samples: int
    sigma: float | None
    values: dict[str, float | None]
    errors: dict[str, float]
    data: dict[str, float | None]

    def negative_elbo(self, reading: str) -> float | None:
        """Reconstruction + KL under that reading, nats per image, lower is better; None where there is no such value."""
        reconstruction, kl = self.values[f"loss.{reading}"], self.values["kl"]
        return None if reconstruction is None or kl is None else reconstruction + kl

    @property
    def rescue(self) -> Rescue | None:
        """None where the model has no finite value."""
        raw, rescued = self.negative_elbo(RAW), self.negative_elbo("continuous_bernoulli")
        return None if raw is None or rescued is None else Rescue(-raw, -rescued)


def score(config: TrainConfig, model: VAE, data: ImageDataset, images: int = IMAGES, samples: int = SAMPLES) -> Scores:
    """Every measure of a trained model on the first test images, all where there are fewer. The same numbers every time.

    config: that of the training. samples: of q(z|x), for the estimate of log p(x).
    """
    return scores_of(outputs_of(config, model, data, images, samples), samples)


def reference_scores(data: ImageDataset, images: int = IMAGES, pixels: str = UNIT) -> tuple[Scores, Scores]:
    """The same measures of a perfect copy (the floor) and of the mean training image (a collapsed decoder), both of images
    under that pixel treatment."""
    return scores_of(perfect_copy(data, images, pixels)), scores_of(collapsed(data, images, pixels))


@torch.inference_mode()
def scores_of(outputs: ModelOutputs, samples: int = 1) -> Scores:
    values, errors, data = {}, {}, {}
    for key, measure in MEASURES.items():
        values[key], error = _mean(measure.of(outputs))
        if error is not None:
            errors[key] = error
        if measure.better == "data":
            data[key] = _mean(measure.of(replace(outputs, picture=outputs.x)))[0]
    estimated = len(next(iter(outputs.log_p.values()), ()))
    return Scores(len(outputs.x), estimated, samples if estimated else 0, outputs.sigma, values, errors, data)


def _mean(value: Tensor | float | None) -> tuple[float | None, float | None]:
    """The mean over images and its standard error; None for what is not there or not finite."""
    if value is None:
        return None, None
    if not isinstance(value, Tensor):
        return (value, None) if math.isfinite(value) else (None, None)
    mean = float(value.mean(dtype=torch.float64))
    if not math.isfinite(mean):
        return None, None
    return mean, float(value.double().std() / math.sqrt(len(value))) if len(value) > 1 else None
