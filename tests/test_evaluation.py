"""Held-out figures and reference lines: pieces equal the whole, PCA is scikit-learn's, MNIST's lines are the published."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

import vae
from vae.data import to_unit
from vae.training.evaluation import entropy_floor, evaluate_piece, merge, pca_reconstruction, pieces, training_sigma

CONFIG = vae.TrainConfig(dataset="digits", hidden=(40,), epochs=3)


@pytest.fixture(scope="module")
def digits():
    return vae.load_dataset("digits")


@pytest.fixture(scope="module")
def trained(digits):
    return list(vae.train(CONFIG, digits))[-1][0]


def lines_of(data, key, latent_dim=2, **parameters):
    return {line.key: line.value for line in vae.reference_lines(data, vae.LOSSES[key], parameters, latent_dim)}


def test_an_evaluation_is_the_mean_of_its_pieces(digits, trained):
    model = vae.model_of(CONFIG, trained.weights)
    whole = vae.evaluate(CONFIG, model, digits)
    images = digits.test
    parts = [evaluate_piece(CONFIG, model, images, a, b) for a, b in pieces(len(images))]
    assert merge(reversed(parts)).negative_elbo == pytest.approx(whole.negative_elbo, abs=1e-9)
    assert whole.images == 360 and whole.negative_elbo == pytest.approx(whole.reconstruction + sum(whole.kl_per_dim))
    assert vae.evaluate(CONFIG, model, digits) == whole  # its noise is fixed


def test_the_optimal_sigma_is_the_training_sets(digits):
    config = dataclasses.replace(CONFIG, loss="gaussian_optimal")
    state = list(vae.train(config, digits))[-1][0]
    model = vae.model_of(config, state.weights)
    evaluation = vae.evaluate(config, model, digits)
    assert evaluation.sigma == training_sigma(config, model, digits.train)
    x = to_unit(digits.train)
    with torch.no_grad():
        residual = (torch.sigmoid(model.decode(model.encode(x)[0])) - x).square().mean().sqrt().item()
    assert evaluation.sigma == pytest.approx(residual, rel=0.05)  # one decodes mu, the other a sample of z


def test_pca_is_scikit_learns(digits):
    flat = to_unit(digits.train).flatten(1).numpy().astype(np.float64)
    test = to_unit(digits.test).flatten(1).numpy().astype(np.float64)
    pca = PCA(5, svd_solver="full").fit(flat)
    expected = pca.inverse_transform(pca.transform(test))
    np.testing.assert_allclose(
        pca_reconstruction(digits, vae.data.to_unit(digits.test), 5).flatten(1), expected, atol=1e-4
    )


def test_lines_of_digits(digits):
    assert entropy_floor(digits.images).mean().item() == pytest.approx(13.68, abs=0.005)
    assert (digits.images == 0).float().mean().item() == pytest.approx(0.489, abs=0.0005)
    lines = lines_of(digits, "mse")
    assert lines["floor"] == 0 < lines["pca"] < lines["mean"]
    assert "pca" not in lines_of(digits, "bce")  # it leaves [0, 1], where BCE has no value
    assert "floor" not in lines_of(digits, "gaussian_optimal")  # a perfect copy has no finite density
    assert vae.reference_lines(digits, vae.LOSSES["ssim"], {}, 2) == ()


def test_lines_of_mnist_are_the_published_ones(mnist):
    bce = lines_of(mnist, "bce")
    assert bce["floor"] == pytest.approx(45.53, rel=0.0005) and bce["mean"] == pytest.approx(205.80, rel=0.0005)
    assert entropy_floor(mnist.test).std().item() == pytest.approx(10.79, abs=0.005)
    assert lines_of(mnist, "mse")["mean"] == pytest.approx(52.90, abs=0.005)
    squared = {k: lines_of(mnist, "mse", k)["pca"] for k in (2, 10, 20, 32)}
    assert squared == pytest.approx({2: 43.64, 10: 26.71, 20: 18.45, 32: 13.19}, rel=0.0005)
    half = torch.full((1, 784), 0.5, dtype=torch.float64)
    assert vae.LOSSES["bce"].of_prediction(half, to_unit(mnist.test[:1]).flatten(1)).sum() == pytest.approx(
        784 * math.log(2)
    )
    assert (mnist.test == 0).float().mean().item() == pytest.approx(0.807, abs=0.0005)
