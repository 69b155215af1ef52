"""Quantities that have bounds are inside them wherever they are made: over random inputs and over degenerate ones, as all
codes alike, one image, black and white pictures, zeros and numbers near the largest of float32."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

import vae
from vae.figures.latent import code_histograms
from vae.figures.per_pixel import shaded, signed
from vae.latent.codes import health, principal_directions
from vae.latent.pca_tsne import kl_of_map, knn_accuracy, pca, trustworthiness
from vae.losses.bernoulli import continuous_bernoulli_mean
from vae.losses.kl import Setting, densities, divergence, estimate
from vae.losses.kl_terms import KL_TERMS
from vae.losses.objective import kl_divergence
from vae.losses.others import ssim
from vae.losses.table import LOSSES
from vae.study.scoring.measures import MEASURES
from vae.study.scoring.outputs import Codes, ModelOutputs
from vae.study.scoring.readings import Prediction, continuous_bernoulli_parameter
from vae.study.sweep.statistics import band, compare
from vae.training.config import TrainConfig
from vae.training.evaluation import entropy_floor, laplacian_variance, middle_share

HUGE = (0.0, 1e-38, 1e-8, 1e-3, 1.0, 30.0, 1e4, 1e18, 3e38)
random = torch.Generator().manual_seed(0)


def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=random)


def pictures() -> dict[str, torch.Tensor]:
    """Name -> (8, 1, 12, 12) in [0, 1]."""
    shape = (8, 1, 12, 12)
    checks = (torch.arange(12)[:, None] + torch.arange(12)) % 2
    return {
        "random": torch.rand(shape, generator=random),
        "nearly black": 1e-4 * torch.rand(shape, generator=random),
        "binary": (torch.rand(shape, generator=random) > 0.5).float(),
        "checks": checks.float().expand(shape),
        **{f"all {grey}": torch.full(shape, grey) for grey in (0.0, 1e-7, 1 / 3, 0.999999, 1.0)},
    }


PICTURES = pictures()
PAIRS = list(itertools.product(PICTURES, PICTURES))


def inside(values: object, low: float, high: float = math.inf) -> None:
    values = np.asarray(values, dtype=np.float64)
    assert ((values >= low) & (values <= high)).all(), values[
        ~((values >= low) & (values <= high))
    ]  # NaN is in nothing


# ---- KL ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_kl_is_never_below_zero(dtype):
    sizes = torch.tensor([0.0, *np.geomspace(1e-30, 60, 4000)], dtype=dtype)
    log_var = torch.cat((sizes, -sizes, torch.tensor([-1e38, -math.inf, 88.0, 1e3], dtype=dtype)))
    for mu in (0.0, 1e-30, 1e-5, 1.0, 1e18, 3e38):
        inside(kl_divergence(torch.full_like(log_var, mu), log_var), 0)


@pytest.mark.parametrize("term", KL_TERMS)
def test_what_the_kl_adds_is_never_below_zero(term):
    config = TrainConfig(dataset="digits", kl_term=term, epochs=20)
    for size, step in itertools.product(HUGE, (0, 1, 50, 10_000)):
        inside(config.kl_cost(torch.full((20,), min(size, 1e30)), step), 0)


def test_the_kl_of_a_setting_and_of_a_map():
    for mu, log_var in itertools.product((-4, 0, 1e-9, 4), (-6, -1e-9, 0, 1e-9, 3)):
        inside(divergence(mu, log_var), 0)
        found, drawn = estimate(Setting(mu, log_var)), densities(mu, log_var)
        inside(found.errors, 0)
        inside(drawn.q, 0)
        inside(drawn.p, 0)
    p = csr_matrix((np.ones((50, 50)) - np.eye(50)) / (50 * 49))
    for layout in (np.zeros((50, 2)), 1e-8 * normal(50, 2).numpy(), 1e4 * normal(50, 2).numpy()):
        inside(kl_of_map(p, layout), 0)
        inside(kl_of_map(p, layout, estimate=-2.4), 0)


# ---- Probabilities and pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_a_picture_is_made_of_probabilities(loss):
    logits = torch.tensor([s * v for v in (*HUGE, math.inf) for s in (-1, 1)])
    inside(LOSSES[loss].picture(logits), 0, 1)
    inside(Prediction.by(LOSSES[loss], logits).mean, 0, 1)


def test_the_mean_of_the_continuous_bernoulli_and_its_inverse():
    for dtype in (torch.float32, torch.float64):
        logits = torch.tensor(
            [s * v for v in (*np.geomspace(1e-30, 1e30, 2000), math.inf) for s in (-1, 1)], dtype=dtype
        )
        inside(continuous_bernoulli_mean(logits), 0, 1)
    means = torch.tensor([0.0, 1e-30, 1e-9, 0.2, 0.5, 0.5 + 1e-12, 1 - 1e-9, 1.0], dtype=torch.float64)
    inside(continuous_bernoulli_mean(continuous_bernoulli_parameter(means)), 0, 1)


# ---- Measures of pictures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_ssim_is_between_minus_one_and_one(one, other):
    inside(1 - ssim(torch.logit(PICTURES[one]), PICTURES[other]), -1, 1)
    inside(1 - ssim(torch.logit(PICTURES[one].double()), PICTURES[other].double()), -1, 1)


@pytest.mark.parametrize("name", PICTURES)
def test_shares_variances_and_entropies(name):
    inside(middle_share(PICTURES[name]), 0, 1)
    inside(laplacian_variance(PICTURES[name]), 0)
    inside(entropy_floor((255 * PICTURES[name]).round().to(torch.uint8)), 0)


RANGES = {
    "squared_error": (0, 144), "mae": (0, 1), "psnr": (0, math.inf), "ssim": (-1, 1), "sharpness": (0, math.inf),
    "middle": (0, 100), "kl": (0, math.inf), "active_units": (0, 3), "neighbours": (0, 100),
    "loss.bce": (0, math.inf), "loss.mse": (0, math.inf), "loss.ssim": (0, 2 * 144), "loss.logcosh": (0, math.inf),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_measure_that_has_bounds(one, other):
    """A perfect copy of a flat image has no sharpness to compare: that is None, not a number."""
    for size in (0.0, 1.0, 3e38):
        mu, labels = normal(8, 3).clamp(-1, 1) * size, torch.arange(8) % 3
        codes = Codes(mu, torch.full((8, 3), -80.0 if size else 0.0), labels, mu, labels)
        outputs = ModelOutputs(
            PICTURES[other], PICTURES[one], Prediction.of_picture(PICTURES[one]), 0.1, None, codes, {}
        )
        for key, (low, high) in RANGES.items():
            value = MEASURES[key].of(outputs)
            if value is not None:
                inside(value, low, high)


# ---- Codes -----------------------------------------------------------------------------------------------------------


def codes() -> dict[str, torch.Tensor]:
    """Name -> (40, 3)."""
    return {
        "random": normal(40, 3),
        "identical": torch.ones(40, 3),
        "zeros": torch.zeros(40, 3),
        "two places": (torch.arange(120).view(40, 3) % 2).float(),
        "one far": torch.cat((normal(39, 3), torch.full((1, 3), 1e20))),
        "huge": normal(40, 3, scale=1e37).clamp(-3e38, 3e38),
        "tiny": normal(40, 3, scale=1e-30),
        "one dimension": normal(40, 3) * torch.tensor([1.0, 0, 0]),
    }


@pytest.mark.parametrize("name", codes())
def test_measures_of_codes(name):
    points, labels = codes()[name], torch.arange(40) % 4
    inside(trustworthiness(points, points[:, :2], 5), 0, 1)
    inside(trustworthiness(normal(40, 8), points, 5), 0, 1)
    inside(knn_accuracy(points, labels, 5), 0, 1)
    inside(pca(points)[1], 0, 1)
    inside(pca(points)[1].sum(), 0, 1 + 1e-12)
    inside(principal_directions(points)[1], 0)
    found = health(points, torch.zeros(40, 3))
    inside(found.kl_per_dim, 0)
    inside(found.sd, 0)
    assert 0 <= found.n_active <= 3
    assert found.n_active or name in ("identical", "zeros", "tiny")


# ---- Statistics ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[1.0], [0.1] * 3, [0.0, 0.0], [1e300, -1e300], [1e-320, 0.0], [3.0, 1e17, 3.0]])
def test_an_interval_holds_its_mean(values):
    found = band(np.array(values))
    if len(values) > 1:
        assert found.low <= found.mean <= found.high
    pairs = compare(dict(enumerate(values)), dict(enumerate(reversed(values))))
    assert 0 <= pairs.more + pairs.less <= pairs.n


# ---- In the figures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0.0, 1.0, 1e30, math.inf])
def test_pictures_of_numbers_that_are_not_finite(size):
    values = normal(1, 4, 4).double().numpy() * min(size, 1e30)
    values[0, 0, :3] = size, -size, math.nan
    assert signed(values).dtype == np.uint8 and shaded(values, "#0072B2").dtype == np.uint8
    red, green, blue = signed(values)[:, 0, :3].astype(int)
    if size:
        assert red[0] > blue[0] and blue[1] > red[1]
    assert (red[2], green[2], blue[2]) == (255, 255, 255)


def test_a_histogram_of_codes_that_are_all_outside():
    drawn, _ = code_histograms(np.full((20, 2), 1e6, np.float32), (0, 1), "#0072B2")
    bars = [trace for trace in drawn["data"] if trace["type"] == "bar"]
    for bar in bars:
        inside(bar["y"], 0, 0)


# ---- A training's figures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_observed_of_a_training(loss):
    config = TrainConfig(dataset="digits", loss=loss, hidden=(8,), latent_dim=2, epochs=1, batch_size=512)
    _, progress = vae.advance(vae.initial_state(config), config, vae.load_dataset("digits"), steps=config.total_steps)
    inside(progress.kl, 0)
    for outputs in progress.observations:
        inside([*outputs.kl_per_dim, outputs.kl, outputs.squared_error, outputs.sharpness], 0)
