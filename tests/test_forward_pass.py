"""One image through a model, step by step: the steps are the model's, and the terms add up to what training counts."""

import dataclasses

import pytest
import torch

from vae import LOSSES, TrainConfig, load_dataset
from vae.data import to_unit
from vae.latent.forward_pass import decoded, forward_pass, noise
from vae.losses.kl_terms import KL_TERMS
from vae.training.evaluation import evaluate_piece, terms_of_batch
from vae.training.randomness import generator
from vae.training.step import pictures

DATA = load_dataset("digits")
X = DATA.test[3]
STILL = torch.zeros(3)


def made(loss="bce", **changes):
    config = TrainConfig(**{"dataset": "digits", "loss": loss, "latent_dim": 3, "hidden": (20,)} | changes)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = config.build_model().requires_grad_(False)
    model.log_var.bias -= 1  # a spread other than the prior's
    return config, model


CASES = [(key, {}) for key in LOSSES]
CASES += [
    ("mse", {"beta": 0.5}),
    ("bce", {"beta": 4.0, "reduction": "mean"}),
    ("gaussian", {"parameters": {"sigma": 0.1}}),
    ("formula", {"formula": "abs(x - p)**3"}),
]
CASES += [("bce", {"kl_term": key, "epochs": 3}) for key in KL_TERMS]


@pytest.mark.parametrize("loss, changes", CASES, ids=lambda part: str(part))
@pytest.mark.parametrize("sigma", [None, 0.17])
def test_the_terms_add_up_to_the_objective_of_this_image(loss, changes, sigma):
    config, model = made(loss, **changes)
    if model.log_sigma is not None:
        model.log_sigma.fill_(-1.5)
    eps = noise(5, 3)
    seen = forward_pass(config, model, X, eps, STILL, (), sigma, 17)
    terms = terms_of_batch(config, model, to_unit(X)[None], eps[None], sigma, 17)
    assert seen.objective(loss) == pytest.approx(float(terms.objective), rel=1e-5)
    own = seen.reconstructions[loss]
    assert own.total == pytest.approx(float(terms.reconstruction), rel=1e-5)
    assert own.per_pixel.shape == X.shape
    torch.testing.assert_close(seen.kl_per_dim, terms.kl_per_dim)


@pytest.mark.parametrize("loss", ["bce", "gaussian_optimal"])
def test_an_evaluation_of_one_image_says_the_same(loss):
    config, model = made(loss)
    eps = torch.randn(1, 3, generator=generator(config.seed, "evaluation", 0))[0]
    judged = evaluate_piece(config, model, X[None], 0, 1, 0.2)
    seen = forward_pass(config, model, X, eps, STILL, sigma=0.2)
    assert seen.reconstructions[loss].total == pytest.approx(judged.reconstruction, rel=1e-5)
    assert seen.objective(loss) == pytest.approx(judged.negative_elbo, rel=1e-5)


def test_every_step_follows_from_the_one_before():
    config, model = made("continuous_bernoulli")
    eps, shift = noise(2, 3), torch.tensor([0.0, 1.5, 0.0])
    seen = forward_pass(config, model, X, eps, shift)
    mu, log_var = model.encode(to_unit(X)[None])
    torch.testing.assert_close(seen.mu, mu[0])
    torch.testing.assert_close(seen.z, mu[0] + log_var[0].exp().sqrt() * eps + shift)
    torch.testing.assert_close(seen.logits, model.decode(seen.z[None])[0])
    assert torch.equal(seen.p, torch.from_numpy(pictures(config, seen.logits[None]))[0])
    again = decoded(config, model, seen.mu, seen.log_var, eps, shift)
    assert torch.equal(again.p, seen.p) and not again.reconstructions
    assert again.kl == seen.kl  # q does not know where z was moved


@pytest.mark.parametrize("loss", LOSSES)
def test_another_loss_is_asked_about_the_same_prediction_with_its_defaults(loss):
    config, model = made("mse" if loss == "bce" else "bce")
    seen = forward_pass(config, model, X, noise(1, 3), STILL, (loss,), sigma=0.17)
    record, other = LOSSES[loss], seen.reconstructions[loss]
    given = {p.name: p.default for p in record.parameters if p.origin != "batch"}
    expected = record.pixelwise(seen.logits[None], to_unit(X)[None], **given)[0]
    torch.testing.assert_close(other.per_pixel, expected)
    assert set(seen.reconstructions) == {config.loss, loss}
    assert seen.objective(loss) - seen.objective(config.loss) == pytest.approx(
        other.total - seen.reconstructions[config.loss].total, abs=1e-3
    )


def test_a_measured_sigma_is_this_images_own_or_the_training_sets():
    config, model = made("gaussian_optimal")
    residual = (torch.sigmoid(forward_pass(config, model, X, STILL, STILL).logits) - to_unit(X)).square().mean().sqrt()
    own = forward_pass(config, model, X, STILL, STILL).reconstructions["gaussian_optimal"]
    assert own.parameters == {"sigma": pytest.approx(float(residual))}
    trained = forward_pass(config, model, X, STILL, STILL, sigma=0.3).reconstructions["gaussian_optimal"]
    assert trained.parameters == {"sigma": pytest.approx(0.3)}
    assert own.total < trained.total  # no sigma is better for this image
    other = forward_pass(
        dataclasses.replace(config, loss="mse"), model, X, STILL, STILL, ("gaussian_optimal",), sigma=0.3
    )
    assert other.reconstructions["gaussian_optimal"].parameters == own.parameters


def test_noise_is_fixed_by_its_seed_and_zero_means_none():
    assert torch.equal(noise(0, 4), torch.zeros(4))
    assert torch.equal(noise(3, 4), noise(3, 4)) and not torch.equal(noise(3, 4), noise(4, 4))
    many = torch.cat([noise(seed, 100) for seed in range(1, 101)])
    assert abs(many.mean()) < 0.04 and abs(many.std() - 1) < 0.03
