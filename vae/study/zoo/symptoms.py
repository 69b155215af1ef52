"""What is measured of a patient and of its healthy control. Test images are all 360 of the digits; one z for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.data import ImageDataset, to_unit
from vae.study.zoo.case import Outcome
from vae.training.evaluation import evaluate
from vae.training.randomness import generator

LAST = 20  # training steps that "at the end" is the mean of
SAMPLES = 500  # pictures drawn from the prior


@dataclass(frozen=True)
class Symptom:
    """A number that is out of the ordinary: above or below the threshold. normal: what a healthy net has, in words."""

    name: str
    unit: str
    measure: Callable[[Outcome, ImageDataset], float]
    threshold: float
    above: bool
    normal: str

    def shown_by(self, value: float) -> bool:
        """Whether this value is the symptom; a value that is not a number is."""
        return not (value <= self.threshold if self.above else value >= self.threshold)


# ---- From the curves ---------------------------------------------------------------------------------------------


def steps_taken(outcome: Outcome, data: ImageDataset) -> float:
    return len(outcome.objective)


def last_objective(outcome: Outcome, data: ImageDataset) -> float:
    return float(outcome.objective[-LAST:].mean())


def last_reconstruction(outcome: Outcome, data: ImageDataset) -> float:
    return float(outcome.reconstruction[-LAST:].mean())


def highest_objective(outcome: Outcome, data: ImageDataset) -> float:
    """Relative to the objective of the first step, which is that of the untrained network."""
    return float(outcome.objective.max() / outcome.objective[0])


# ---- From the weights --------------------------------------------------------------------------------------------


def reported_negative_elbo(outcome: Outcome, data: ImageDataset) -> float:
    """What the program itself says of the test images, nats per image."""
    case, x = outcome.case, to_unit(data.test)
    noise = generator(case.config.seed, "evaluation")
    with torch.inference_mode():
        return float(case.program.terms(case.config, outcome.model, x, noise, outcome.step).objective)


def recomputed_negative_elbo(outcome: Outcome, data: ImageDataset) -> float:
    """-ELBO of the test images from the same weights, by the correct formula, with the same noise; nats per image."""
    return evaluate(outcome.case.config, outcome.used, data).negative_elbo


def kl_of_test(outcome: Outcome, data: ImageDataset) -> float:
    return evaluate(outcome.case.config, outcome.used, data).kl


@torch.inference_mode()
def variance_of_codes(outcome: Outcome, data: ImageDataset) -> float:
    """Variance of codes z over the test images, mean over dimensions: of the means mu, and within each cloud."""
    mu, log_var = outcome.used.encode(to_unit(data.test))  # (N, Z)
    return float((mu.var(0, correction=0) + log_var.exp().mean(0)).mean())


@torch.inference_mode()
def distance_of_samples(outcome: Outcome, data: ImageDataset) -> float:
    """Squared distance from a picture drawn from the prior to the nearest training image, mean over SAMPLES."""
    config = outcome.case.config
    z = torch.randn(SAMPLES, config.latent_dim, generator=generator(config.seed, "samples"))
    drawn = outcome.picture(outcome.used.decode(z)).flatten(1)
    return float(torch.cdist(drawn, to_unit(data.train).flatten(1)).min(1).values.square().mean())


def error_of_pictures(outcome: Outcome, data: ImageDataset) -> float:
    """Squared error of the reconstructions as they are shown, summed over pixels, mean over test images."""
    x = to_unit(data.test)
    return float((_reconstructions(outcome, x) - x).square().flatten(1).sum(1).mean())


def variety(outcome: Outcome, data: ImageDataset) -> float:
    """Variance over test images of the reconstructions, summed over pixels, relative to that of the images."""
    x = to_unit(data.test)
    return float(_reconstructions(outcome, x).var(0).sum() / x.var(0).sum())


@torch.inference_mode()
def _reconstructions(outcome: Outcome, x: Tensor) -> Tensor:
    return outcome.picture(outcome.used.decode(outcome.used.encode(x)[0]))
