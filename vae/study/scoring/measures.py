"""The table of measures: each row of the matrix is one record. A new measure is a new record here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from vae.data import Factors
from vae.latent.codes import ACTIVE_VARIANCE
from vae.losses.others import ssim
from vae.losses.table import LOSSES
from vae.study.factors import active, mig, sap
from vae.study.scoring.outputs import DENSITIES, MEASURED_AT_ONCE, ModelOutputs
from vae.study.scoring.readings import RAW, READINGS, Reading
from vae.training.evaluation import laplacian_variance, middle_share

GROUPS = MappingProxyType(
    {
        "losses": "Reconstruction under every loss",
        "measures": "Measures of no loss",
        "likelihood": "log p(x), estimated",
    }
)
NEIGHBOURS = 5


@dataclass(frozen=True)
class Measure:
    """of(outputs) -> a value for each image (N,), of which the mean is taken, or one number; None where it has no meaning.

    better: "lower", "higher", "data" (nearest to the value of the images themselves), or "neither".
    """

    key: str
    name: str
    meaning: str
    unit: str
    better: str
    decimals: int
    url: str
    group: str
    of: Callable[[ModelOutputs], Tensor | float | None]


# ---- Values ----------------------------------------------------------------------------------------------------------


def _error(outputs: ModelOutputs) -> Tensor:
    return (outputs.picture - outputs.x).flatten(1)


def _psnr(outputs: ModelOutputs) -> Tensor:
    return -10 * _error(outputs).double().square().mean(1).log10()


def _ssim(outputs: ModelOutputs) -> Tensor:
    pairs = zip(outputs.picture.split(MEASURED_AT_ONCE), outputs.x.split(MEASURED_AT_ONCE))
    return 1 - torch.cat([ssim(torch.logit(p), x).flatten(1).mean(1) for p, x in pairs])


def _sharpness(outputs: ModelOutputs) -> float | None:
    """None where the images are flat."""
    edges = laplacian_variance(outputs.x).mean()
    return float(laplacian_variance(outputs.picture).mean() / edges) if edges > 0 else None


def _middle(outputs: ModelOutputs) -> Tensor:
    return 100 * middle_share(outputs.picture)


def _kl(outputs: ModelOutputs) -> Tensor | None:
    return None if outputs.codes is None else outputs.codes.kl


def _active_units(outputs: ModelOutputs) -> float | None:
    """Units are counted; where one image has no variance over images, none is active."""
    codes = outputs.codes
    return None if codes is None else float((codes.mu.double().var(0, correction=0) > ACTIVE_VARIANCE).sum())


def _neighbours(outputs: ModelOutputs) -> Tensor | None:
    codes = outputs.codes
    if codes is None or codes.labels is None or codes.train_labels is None:
        return None
    if not bool(codes.train_mu.isfinite().all() & codes.mu.isfinite().all()):
        return None
    from sklearn.neighbors import KNeighborsClassifier  # a slow import that only this needs

    fitted = KNeighborsClassifier(min(NEIGHBOURS, len(codes.train_mu))).fit(
        codes.train_mu.double().numpy(), codes.train_labels.numpy()
    )
    return 100 * (torch.from_numpy(fitted.predict(codes.mu.double().numpy())) == codes.labels).double()


def _of_factors(score: Callable[[Tensor, Factors], float | None]) -> Callable[[ModelOutputs], float | None]:
    """None where no factors are known."""

    def of(outputs: ModelOutputs) -> float | None:
        codes = outputs.codes
        return None if codes is None or codes.factors is None else score(active(codes.mu), codes.factors)

    return of


# ---- The table -------------------------------------------------------------------------------------------------------


def _under(reading: Reading) -> Measure:
    """The reconstruction term under a loss."""
    told = {
        RAW: "The network's own output taken as the parameter λ, as in training with this loss. The mean of that "
        "distribution is not λ, so a model trained with BCE is misread this way.",
        "continuous_bernoulli": "The λ is chosen so that the distribution's mean is the model's picture, never nearer to "
        "0 or 1 than half a grey level.",
        "gaussian_optimal": "σ is the model's root mean square residual on training images.",
        "gaussian_learned": "σ is the one trained with the model; where there is none, the residual on training images.",
        "ssim": "Summed over the pixels of an image; no nats, as no density stands behind it.",
    }.get(reading.key, "")
    unit = "nats per image" if reading.loss.normalised or reading.key == "bce" else "per image"
    return Measure(
        f"loss.{reading.key}", reading.name, f"{reading.loss.meaning} {told}".strip(), unit, "lower", 2,
        reading.loss.url, "losses", lambda outputs: outputs.nats(reading),
    )  # fmt: skip


def _log_p(reading: Reading) -> Measure:
    return Measure(
        f"log_p.{reading.key}", reading.name,
        "Log of the mean of p(x|z) p(z) / q(z|x) over samples of q: from below, the nearer to log p(x) the more samples. "
        "A density of pixels in [0, 1]: it may be positive, and compares only with other values of its row.",
        "nats per image", "higher", 1, "https://arxiv.org/abs/1509.00519", "likelihood",
        lambda outputs: outputs.log_p.get(reading.key),
    )  # fmt: skip


_OWN = (
    Measure(
        "squared_error", "Squared error", "Sum over pixels of the squared difference, of the picture decoded from μ.",
        "per image", "lower", 2, "https://en.wikipedia.org/wiki/Mean_squared_error", "measures",
        lambda outputs: _error(outputs).double().square().sum(1),
    ),
    Measure(
        "mae", "MAE", "Mean over pixels of the absolute difference.", "per pixel", "lower", 4,
        "https://en.wikipedia.org/wiki/Mean_absolute_error", "measures", lambda outputs: _error(outputs).double().abs().mean(1),
    ),
    Measure(
        "psnr", "PSNR", "Peak signal-to-noise ratio, −10 log₁₀ of an image's mean squared error; mean over images.",
        "dB", "higher", 2, "https://en.wikipedia.org/wiki/Peak_signal-to-noise_ratio", "measures", _psnr,
    ),
    Measure(
        "ssim", "SSIM", "Structural similarity of the neighbourhoods of each pixel; 1 for a perfect copy.",
        "mean over pixels", "higher", 3, LOSSES["ssim"].url, "measures", _ssim,
    ),
    Measure(
        "sharpness", "Sharpness", "Variance of the 4-neighbour Laplacian over an image, divided by that of the images.",
        "model / data", "data", 3, "https://doi.org/10.1109/ICPR.2000.903548", "measures", _sharpness,
    ),
    Measure(
        "middle", "Middle pixels", "Share of pixels between .1 and .9, neither dark nor bright; best is what the images have.",
        "% of pixels", "data", 1, "https://github.com/rasbt/stat453-deep-learning-ss21", "measures", _middle,
    ),
    Measure(
        "kl", "KL", "How far the codes are from the prior: what the code costs. More is not better or worse by itself.",
        "nats per image", "neither", 2, "https://arxiv.org/abs/1312.6114", "measures", _kl,
    ),
    Measure(
        "active_units", "Active units", "Latent dimensions whose μ varies over the images by a variance above .01.",
        "dimensions", "neither", 0, "https://arxiv.org/abs/1509.00519", "measures", _active_units,
    ),
    Measure(
        "neighbours", "k-NN accuracy", "Test images whose class is that of most of the 5 nearest codes μ of training images.",
        "% of images", "higher", 1, "https://scikit-learn.org/stable/modules/neighbors.html", "measures", _neighbours,
    ),
    Measure(
        "mig", "MIG", "Mutual information gap: how much more of a known factor the best active dimension of μ tells than the second "
        "best, mean over factors. 1 where each factor has a dimension of its own.",
        "of the factor's entropy", "higher", 3, "https://arxiv.org/abs/1802.04942", "measures", _of_factors(mig),
    ),
    Measure(
        "sap", "SAP", "The same gap of how well a dimension alone predicts a known factor: R² of a line, and for kinds "
        "balanced accuracy of two thresholds, from 0 at chance to 1.",
        "of 1", "higher", 3, "https://arxiv.org/abs/1711.00848", "measures", _of_factors(sap),
    ),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.key: measure
        for measure in (
            *map(_under, READINGS.values()),
            *_OWN,
            *(_log_p(READINGS[key]) for key in DENSITIES),
        )
    }
)
