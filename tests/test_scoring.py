"""Scores of models: closed forms, an exactly known likelihood, and the same numbers however they are asked for."""

import csv
import io
import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import MultivariateNormal

from vae import LOSSES, TrainConfig, load_dataset
from vae.losses.bernoulli import continuous_bernoulli_mean
from vae.losses.squared_error import optimal_sigma
from vae.study.scoring import (
    HALF_A_GREY_LEVEL,
    MEASURES,
    READINGS,
    Prediction,
    Scores,
    continuous_bernoulli_parameter,
    laplacian_variance,
    log_likelihood,
    matrix,
    mean_image,
    outputs_of,
    reference_scores,
    score,
)  # fmt: skip
from vae.study.scoring.outputs import Codes, ModelOutputs
from vae.study.scoring.scores import scores_of
from vae.training.evaluation import evaluate_piece, merge, pieces, reference_lines, sigma_of, squared_residual
from vae.training.pixels import DISCRETE, TREATMENTS
from vae.training.randomness import generator
from vae.training.shipped import load_shipped

IMAGES, SAMPLES = 200, 8


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def bce():
    checkpoint = load_shipped("digits-bce-z8")
    return checkpoint.config, checkpoint.model()


@pytest.fixture(scope="module")
def scores(bce, digits):
    return score(*bce, digits, IMAGES, SAMPLES)


@pytest.fixture(scope="module")
def outputs(bce, digits):
    return outputs_of(*bce, digits, IMAGES, SAMPLES)


# ---- The inverse mean ------------------------------------------------------------------------------------------------


def test_the_inverse_mean_is_the_inverse_over_the_whole_range():
    far = torch.logspace(-9, 6, 400, dtype=torch.float64)
    logits = torch.cat((-far, torch.zeros(1), far[far < 1e3], torch.linspace(-50, 50, 4001)))
    back = continuous_bernoulli_parameter(continuous_bernoulli_mean(logits), edge=1e-7)
    assert torch.allclose(back, logits, rtol=1e-12, atol=1e-12)


def test_the_inverse_mean_is_odd_and_rises_with_the_mean():
    mean = torch.linspace(0.002, 0.998, 999, dtype=torch.float64)
    found = continuous_bernoulli_parameter(mean)
    assert torch.allclose(found, -found.flip(0), atol=1e-9) and bool((found.diff() > 0).all())


def test_a_mean_of_0_or_1_is_taken_as_half_a_grey_level_from_it():
    found = continuous_bernoulli_parameter(torch.tensor([0.0, 1e-30, HALF_A_GREY_LEVEL, 1.0, 0.5, math.nan]))
    assert found[:4].tolist() == pytest.approx([-510, -510, -510, 510]) and found[4] == 0 and found[5].isnan()


def test_no_parameter_has_a_higher_density_than_the_one_whose_mean_is_the_pixel():
    x = torch.linspace(0.01, 0.99, 50, dtype=torch.float64)
    best, loss = continuous_bernoulli_parameter(x), LOSSES["continuous_bernoulli"].pixelwise
    for change in (-0.1, 0.1):
        assert bool((loss(best, x) < loss(best + change, x)).all())


# ---- log p(x), where it is known --------------------------------------------------------------------------------------


class Linear:
    """x = W z + b + sigma noise, with orthogonal columns of W: its posterior is a Gaussian with independent parts."""

    def __init__(self, dims: int = 12, latent: int = 3, sigma: float = 0.4, images: int = 20):
        g = generator(0, "samples")
        axes, _ = torch.linalg.qr(torch.randn(dims, latent, generator=g, dtype=torch.float64))
        self.w = axes * torch.tensor([0.5, 1.0, 1.5], dtype=torch.float64)
        self.b, self.sigma = torch.randn(dims, generator=g, dtype=torch.float64), sigma
        z = torch.randn(images, latent, generator=g, dtype=torch.float64)
        self.x = z @ self.w.T + self.b + sigma * torch.randn(images, dims, generator=g, dtype=torch.float64)
        covariance = self.w @ self.w.T + sigma**2 * torch.eye(dims, dtype=torch.float64)
        self.exact = MultivariateNormal(self.b, covariance).log_prob(self.x)  # (B,)
        precision = 1 + (self.w / sigma).square().sum(0)  # (Z,)
        self.mu = (self.x - self.b) @ self.w / sigma**2 / precision
        self.log_var = -precision.log().expand_as(self.mu)

    def log_p_x_given_z(self, z):  # (K, B, Z) -> (K, B)
        residual = (self.x - z @ self.w.T - self.b) / self.sigma
        return -0.5 * residual.square().sum(-1) - len(self.b) * (math.log(self.sigma) + 0.5 * math.log(2 * math.pi))

    def estimate(self, samples: int, shift: float = 0.0, wider: float = 0.0, seed: int = 0):
        eps = torch.randn(samples, *self.mu.shape, generator=generator(seed, "likelihood"), dtype=torch.float64)
        return log_likelihood(self.log_p_x_given_z, self.mu + shift, self.log_var + wider, eps)


@pytest.mark.parametrize("samples", [1, 2, 64])
def test_with_the_exact_posterior_log_p_is_exact_at_any_number_of_samples(samples):
    model = Linear()
    assert torch.allclose(model.estimate(samples), model.exact, atol=1e-10)


@pytest.mark.parametrize(("shift", "wider"), [(0.0, 1.2), (0.0, -0.4), (0.3, 0.0), (-0.1, 0.8)])
def test_with_a_wrong_posterior_log_p_is_reached_from_below(shift, wider):
    model = Linear()
    draws = {k: torch.stack([model.estimate(k, shift, wider, s).mean() for s in range(40)]) for k in (1, 8, 512)}
    means = [float(values.mean() - model.exact.mean()) for values in draws.values()]
    errors = [float(values.std() / math.sqrt(len(values))) for values in draws.values()]
    assert all(mean < 4 * error for mean, error in zip(means, errors))  # never above, as expectations go
    assert means[0] + 4 * math.hypot(errors[0], errors[1]) < means[1]
    assert means[0] < -0.02  # at one sample, -ELBO's gap: KL(q || posterior)
    assert abs(means[2]) < 4 * errors[2] + 0.002
    expected = -_gap(model, shift, wider)
    assert abs(means[0] - expected) < 4 * errors[0]


def _gap(model: Linear, shift: float, wider: float) -> float:
    """KL of a q that is shifted and wider than the exact posterior, in closed form."""
    ratio = math.exp(wider)
    per_image = 0.5 * (shift**2 / model.log_var.exp() + ratio - 1 - wider)
    return float(per_image.sum(1).mean())


def test_several_densities_share_the_decoding():
    model = Linear()
    eps = torch.randn(16, *model.mu.shape, generator=generator(1, "likelihood"), dtype=torch.float64)
    both = log_likelihood(
        lambda z: torch.stack((model.log_p_x_given_z(z), model.log_p_x_given_z(z) - 7)), model.mu, model.log_var, eps
    )
    assert torch.allclose(both[0], both[1] + 7)


# ---- Measures with closed forms ---------------------------------------------------------------------------------------


def of_picture(picture, x, codes=None) -> Scores:
    return scores_of(ModelOutputs(x, picture, Prediction.of_picture(picture), 0.1, None, codes, {}))


def test_measures_of_a_constant_difference():
    x = torch.full((3, 1, 10, 10), 0.5)
    found = of_picture(x + 0.25, x)
    assert found.values["mae"] == pytest.approx(0.25)
    assert found.values["squared_error"] == found.values["loss.mse"] == pytest.approx(100 * 0.0625)
    assert found.values["psnr"] == pytest.approx(20 * math.log10(4))
    assert found.values["middle"] == 100 and found.errors["mae"] == 0
    c1 = 0.01**2  # of flat pictures only the brightness term is left of SSIM
    assert found.values["ssim"] == pytest.approx((2 * 0.5 * 0.75 + c1) / (0.25 + 0.5625 + c1), abs=1e-4)


def test_a_perfect_copy(digits):
    floor, collapsed = reference_scores(digits, IMAGES)
    assert floor.values["ssim"] == pytest.approx(1) and floor.values["sharpness"] == 1
    assert floor.values["squared_error"] == floor.values["mae"] == floor.values["loss.logcosh"] == 0
    assert floor.values["psnr"] is None  # without end
    assert floor.values["loss.gaussian_optimal"] is floor.values["log_p.gaussian"] is floor.values["kl"] is None
    for key, value in collapsed.values.items():
        below = MEASURES[key].better == "lower" and value is not None and floor.values[key] is not None
        assert not below or floor.values[key] < value, key


def test_references_are_those_of_the_curves(digits):
    floor, collapsed = reference_scores(digits)
    for key in ("bce", "mse", "gaussian", "laplace", "logcosh"):
        loss = LOSSES[key]
        lines = {
            line.key: line.value for line in reference_lines(digits, loss, {p.name: p.default for p in loss.given()}, 2)
        }
        assert floor.values[f"loss.{key}"] == pytest.approx(lines["floor"], rel=1e-5), key
        assert collapsed.values[f"loss.{key}"] == pytest.approx(lines["mean"], rel=1e-4), key


def test_where_nothing_depends_on_the_code_log_p_is_the_reconstruction_term(digits):
    _, collapsed = reference_scores(digits, IMAGES)
    assert collapsed.values["log_p.laplace"] == pytest.approx(-collapsed.values["loss.laplace"])
    assert collapsed.sigma == pytest.approx(float(optimal_sigma(mean_image(digits), digits.train / 255)), rel=1e-5)


def test_sharpness_of_a_known_picture():
    x, y = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    board = ((x + y) % 2).view(1, 1, 12, 12)  # each inner pixel's Laplacian is +4 or -4, as often as the other
    assert laplacian_variance(board).item() == 16
    assert laplacian_variance((0.3 * x + 0.5 * y).view(1, 1, 12, 12) / 20).item() == pytest.approx(0, abs=1e-12)
    assert of_picture(board / 2, board).values["sharpness"] == 0.25


def test_active_units_kl_and_neighbours_of_known_codes():
    g = generator(3, "samples")
    labels = torch.arange(60) % 3
    mu = torch.stack((labels * 10.0, 0.05 * torch.randn(60, generator=g), torch.ones(60)), 1)
    x = torch.rand(60, 1, 6, 6, generator=g)
    found = of_picture(x / 2, x, Codes(mu, torch.zeros(60, 3), labels, mu + 0.01, labels)).values
    assert found["active_units"] == 1 and found["neighbours"] == 100
    assert found["kl"] == pytest.approx(float(mu.square().sum(1).mean()) / 2, rel=1e-5)
    assert of_picture(x / 2, x, Codes(mu, torch.zeros(60, 3), None, mu, None)).values["neighbours"] is None


# ---- Whole models -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits-bce-z8", "digits-mse-z2"])
def test_a_models_own_loss_is_that_of_its_evaluation(name, digits):
    checkpoint = load_shipped(name)
    config, model = checkpoint.config, checkpoint.model()
    found = score(config, model, digits, len(digits.test), 1)
    whole = merge(evaluate_piece(config, model, digits.test, a, b) for a, b in pieces(len(digits.test)))
    assert found.negative_elbo(config.loss) == pytest.approx(whole.negative_elbo, rel=1e-5)
    assert found.values["active_units"] == int((checkpoint.subset.mu.var(0) > 0.01).sum())


def test_the_same_numbers_every_time_and_for_every_part(bce, digits, scores, outputs):
    assert score(*bce, digits, IMAGES, SAMPLES) == scores
    fewer = outputs_of(*bce, digits, 70, SAMPLES)
    for key, estimates in fewer.log_p.items():
        assert torch.allclose(estimates, outputs.log_p[key][:70], rtol=1e-5, atol=1e-3), key
    assert torch.allclose(fewer.codes.mu, outputs.codes.mu[:70], atol=1e-5)
    assert torch.allclose(fewer.picture, outputs.picture[:70], atol=1e-5)


def test_an_images_estimate_depends_on_no_other_image(bce, digits, outputs, monkeypatch):
    monkeypatch.setattr("vae.study.scoring.outputs.VALUES_AT_ONCE", 7 * SAMPLES * 64)  # seven images at a time
    for key, estimates in outputs_of(*bce, digits, 70, SAMPLES).log_p.items():
        assert torch.allclose(estimates, outputs.log_p[key][:70], rtol=1e-5, atol=1e-3), key


def test_in_pieces_as_in_whole(outputs):
    for reading in READINGS.values():
        at_once = reading.nats(outputs.sampled, outputs.x, outputs.sigma, None)
        assert torch.allclose(outputs.nats(reading), at_once, rtol=1e-6), reading.key


def test_every_measure_has_a_finite_value_for_a_model(scores):
    missing = {key for key, value in scores.values.items() if value is None}
    assert set(scores.values) == set(MEASURES) and missing == {"mig", "sap"}, "no factors are known of digits"
    assert scores.likelihood_images == scores.images == IMAGES and scores.samples == SAMPLES
    means = {key for key in MEASURES if key not in ("sharpness", "active_units", "mig", "sap")}
    assert set(scores.errors) == means and set(scores.data) == {"sharpness", "middle"} and scores.data["sharpness"] == 1
    for key in ("laplace", "gaussian_optimal"):  # more samples than one: above the ELBO
        assert scores.values[f"log_p.{key}"] > -scores.negative_elbo(key)


def test_the_error_is_that_of_the_mean_over_images(outputs, scores):
    per_image = outputs.nats(READINGS["bce"])
    assert scores.errors["loss.bce"] == pytest.approx(float(per_image.std()) / math.sqrt(IMAGES))


def test_sigma_is_the_residual_of_the_training_images(bce, digits, scores):
    spans = list(pieces(digits.n_train))
    assert scores.sigma == pytest.approx(
        sigma_of([squared_residual(*bce, digits.train, a, b) for a, b in spans], spans)
    )
    assert scores.values["loss.gaussian_learned"] == scores.values["loss.gaussian_optimal"]


def test_a_trained_sigma_is_the_models_own(digits):
    config = TrainConfig(loss="gaussian_learned", hidden=(8,))
    model = config.build_model()
    found = score(config, model.requires_grad_(False), digits, 50, 1)
    x = torch.from_numpy(digits.test[:50].numpy() / 255).float()
    eps = torch.randn(50, 2, generator=generator(config.seed, "evaluation", 0))
    with torch.inference_mode():
        expected = LOSSES["gaussian_learned"].pixelwise(model(x, eps)[0], x, sigma=1.0).flatten(1).sum(1).mean()
    assert found.values["loss.gaussian_learned"] == pytest.approx(float(expected), rel=1e-5)
    assert found.values["loss.gaussian_optimal"] < found.values["loss.gaussian_learned"]


def test_a_model_of_the_continuous_bernoulli_is_read_by_its_mean(digits):
    config = TrainConfig(loss="continuous_bernoulli", hidden=(8,))
    model = config.build_model().requires_grad_(False)
    outputs = outputs_of(config, model, digits, 50, 1)
    assert torch.allclose(outputs.sampled.mean, continuous_bernoulli_mean(outputs.sampled.logits.double()))
    found = scores_of(outputs).values  # untrained, so no mean is near 0 or 1: there and back changes nothing
    assert found["loss.continuous_bernoulli"] == pytest.approx(
        found["loss.continuous_bernoulli_raw"], abs=1e-6
    )  # nats: the pixels' terms, some 45 nats in all, nearly cancel, and they are single precision


def test_a_broken_model_has_no_values_and_breaks_nothing(bce, digits):
    config, _ = bce
    model = config.build_model().requires_grad_(False)
    model.mu.bias.fill_(math.nan)
    found = score(config, model, digits, 20, 2)
    assert (
        found.values["loss.mse"] is found.values["neighbours"] is found.values["log_p.laplace"] is found.rescue is None
    )


def test_the_rescue_lifts_a_bce_model_by_the_inverse_mean_alone(scores):
    assert scores.rescue.gain > 30  # 64 pixels of digits; more than 500 on MNIST
    assert scores.rescue.rescued == pytest.approx(-scores.values["loss.continuous_bernoulli"] - scores.values["kl"])


def test_the_rescue_on_mnist(mnist):
    found = {}
    for loss in ("bce", "continuous_bernoulli"):
        checkpoint = load_shipped(f"mnist-{loss}-z20")
        found[loss] = score(checkpoint.config, checkpoint.model(), mnist, 500, 1).rescue
    assert found["bce"].gain > 500
    assert found["bce"].rescued > found["continuous_bernoulli"].rescued - 30


def test_measured_sharpness_on_mnist(mnist):
    ranks = []
    for loss in ("mse", "bce", "gaussian_optimal"):
        checkpoint = load_shipped(f"mnist-{loss}-z20")
        ranks.append(score(checkpoint.config, checkpoint.model(), mnist, 500, 1).values["sharpness"])
    assert 0.2 < ranks[0] < ranks[1] < ranks[2] < 0.8  # the order of the measured figures, and their range


# ---- The matrix -------------------------------------------------------------------------------------------------------


def made(**values) -> Scores:
    data = {"sharpness": 1.0, "middle": 8.0}
    return Scores(10, 0, 0, None, dict.fromkeys(MEASURES) | values, {}, data)


def best(key: str, *values) -> list[bool]:
    found = matrix({str(i): None if v is ... else made(**{key: v}) for i, v in enumerate(values)})
    row = next(row for row in found.rows if row.measure.key == key)
    return [cell.best for cell in row.cells]


def test_the_best_of_a_row_is_marked_by_its_direction():
    assert best("mae", 0.2, 0.1, 0.3) == [False, True, False]
    assert best("psnr", 20.0, 10.0, 30.0) == [False, False, True]
    assert best("sharpness", 0.5, 1.3, 1.6) == [False, True, False]
    assert best("middle", 20.0, 7.0, 9.5) == [False, True, False]
    assert best("kl", 1.0, 2.0) == [False, False]


def test_ties_share_the_mark_and_what_is_not_there_has_none():
    assert best("psnr", 20.001, 20.002, 10.0) == [True, True, False]  # alike at two decimals
    assert best("sharpness", 0.9, 1.1, 0.5) == [True, True, False]
    assert best("mae", None, 0.2, ..., 0.1) == [False, False, False, True]
    assert best("mae", 0.1) == best("mae", 0.1, None)[:1] == [False]  # one alone has no rival


def test_no_order_of_the_models_changes_the_matrix(scores, digits):
    floor, collapsed = reference_scores(digits, IMAGES)
    other = replace(scores, values={k: None if v is None else v * 0.9 for k, v in scores.values.items()})
    one = matrix({"a": scores, "b": other}, {"floor": floor, "collapsed": collapsed})
    two = matrix({"b": other, "a": scores}, {"floor": floor, "collapsed": collapsed})
    assert [row.cells for row in one.rows] == [row.cells[::-1] for row in two.rows]
    assert [row.references for row in one.rows] == [row.references for row in two.rows]
    assert not any(cell.best for row in one.rows for cell in row.references)
    assert len(one.rows) == len(MEASURES)


def test_the_csv_has_every_number(scores):
    found = matrix({"one, with a comma": scores, "two": None})
    lines = list(csv.DictReader(io.StringIO(found.csv())))
    assert len(lines) == 2 * len(MEASURES)
    mae = next(line for line in lines if line["measure"] == "mae")
    assert mae["column"] == "one, with a comma" and float(mae["value"]) == scores.values["mae"]
    assert float(mae["standard_error"]) == scores.errors["mae"]


def test_the_table_of_measures_is_whole():
    for key, measure in MEASURES.items():
        assert measure.key == key and measure.url.startswith("https://") and measure.meaning.endswith(".")
        assert measure.better in ("lower", "higher", "data", "neither") and measure.unit and measure.name
    assert {f"loss.{key}" for key in LOSSES} <= set(MEASURES)
    assert {f"log_p.{key}" for key, loss in LOSSES.items() if loss.normalised} <= set(MEASURES)


# ---- Known factors ---------------------------------------------------------------------------------------------------


def test_where_factors_are_known_their_gaps_are_measured_and_nowhere_else(scores):
    assert scores.values["mig"] is scores.values["sap"] is None
    config = TrainConfig(dataset="sprites", size=8, hidden=(16,), latent_dim=6)
    data = load_dataset("sprites", 8)
    outputs = outputs_of(config, config.build_model().requires_grad_(False), data, 300, 1)
    assert outputs.codes.factors.values.tolist() == data.test_factors[:300].tolist()
    exact = replace(outputs, codes=replace(outputs.codes, mu=data.test_factors[:300]))
    assert 0 <= MEASURES["mig"].of(outputs) < 0.3 < 0.6 < MEASURES["mig"].of(exact)
    assert 0 <= MEASURES["sap"].of(outputs) < 0.3 < 0.9 < MEASURES["sap"].of(exact)
    floor, _ = reference_scores(data, 20)
    assert floor.values["mig"] is None


@pytest.mark.parametrize("pixels", TREATMENTS)
def test_references_are_of_the_pixels_that_the_model_was_trained_on(digits, pixels):
    """The floor of BCE is 0 where a pixel is 0 or 1, and is that of the training's own reference lines."""
    floor, collapsed = reference_scores(digits, pixels=pixels)
    if pixels in DISCRETE:
        assert floor.values["loss.bce"] == pytest.approx(0, abs=1e-4)
    lines = {line.key: line.value for line in reference_lines(digits, LOSSES["mse"], {}, 2, pixels)}
    assert collapsed.values["loss.mse"] == pytest.approx(lines["mean"], rel=2e-3)
