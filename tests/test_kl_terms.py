"""The table of KL terms: what each adds, when; the importance-weighted bound on a model whose log p(x) is known."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import vae
from vae.losses.kl_terms import KL_TERMS, importance_weighted_objective, panels
from vae.training.randomness import generator
from vae.training.step import training_terms

CONFIG = vae.TrainConfig(dataset="digits", hidden=(40,), latent_dim=3, batch_size=32, epochs=4, seed=4)
KL = torch.tensor([0.1, 1.0, 2.5])


def terms(step=0, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    model = vae.model_of(config, vae.initial_state(config).weights)
    x = vae.load_dataset("digits").train[: config.batch_size].float() / 255
    return training_terms(config, model, x, generator(config.seed, "noise", step), step)


@pytest.mark.parametrize("key", KL_TERMS)
def test_every_term_has_working_defaults_and_is_drawn(key):
    term = KL_TERMS[key]
    assert term.url.startswith("https://") and term.source and term.meaning
    found = terms(step=7, kl_term=key)
    assert torch.isfinite(found.objective) and found.objective.requires_grad
    for panel in panels(term, 2.0, 10, term.settings({})):
        assert all(len(y) == len(panel.x) and np.isfinite(y).all() for _, y in panel.lines)


def test_schedules_move_as_their_papers_say():
    warmup, cyclical, capacity = (KL_TERMS[k].target for k in ("warmup", "cyclical", "capacity"))
    assert [warmup(4.0, t, warmup_epochs=2) for t in (0, 1, 2, 9)] == [0, 2, 4, 4]
    assert [cyclical(4.0, t, cycle_epochs=2, rising=0.5) for t in (0, 0.5, 1, 1.9, 2, 2.5)] == [0, 2, 4, 4, 0, 2]
    assert [capacity(9.0, t, capacity=25, capacity_epochs=10) for t in (0, 2, 10, 99)] == [0, 5, 25, 25]


def test_costs_by_hand():
    def cost(key, epoch=1.0, **settings):
        return float(KL_TERMS[key].cost(KL, 2.0, epoch, **settings))

    assert cost("constant") == pytest.approx(7.2)
    assert cost("warmup", warmup_epochs=4) == pytest.approx(1.8)
    assert cost("free_bits", free_nats=0.5) == pytest.approx(2 * (0.5 + 1.0 + 2.5))
    assert cost("capacity", capacity=10, capacity_epochs=2) == pytest.approx(2 * abs(3.6 - 5))
    assert cost("capacity", epoch=0.0, capacity=10, capacity_epochs=2) == cost("constant")


def test_a_free_dimension_has_no_gradient():
    kl = KL.clone().requires_grad_()
    KL_TERMS["free_bits"].cost(kl, 2.0, 0.0, free_nats=0.5).backward()
    assert kl.grad.tolist() == [0, 2, 2]


def test_steps_become_epochs_of_the_data_at_hand():
    rising = [
        float(((t := terms(step=s, kl_term="warmup")).objective - t.reconstruction).detach())
        for s in (0, 45, 90, 225, 400)
    ]
    kl = [float(terms(step=s).kl.detach()) for s in (0, 45, 90, 225, 400)]
    assert CONFIG.steps_per_epoch == 45
    # the difference of two numbers near 30 in float32
    np.testing.assert_allclose(rising, [0, kl[1] / 5, 2 * kl[2] / 5, kl[3], kl[4]], atol=2e-5)


def test_all_terms_draw_the_same_first_codes():
    """Paired: one more code for the bound does not change the noise of the first."""
    plain, bound = terms(), terms(kl_term="iwae", kl_parameters={"samples": 1})
    assert bound.reconstruction.item() == pytest.approx(plain.reconstruction.item(), rel=1e-6)
    assert torch.equal(bound.kl_per_dim, plain.kl_per_dim)


def linear_gaussian(images=400):
    """x = W z + b + sigma eps: log p(x) and the posterior are known, and the latter is diagonal where W's columns are."""
    g = torch.Generator().manual_seed(0)
    w = torch.linalg.qr(torch.randn(6, 2, generator=g, dtype=torch.float64))[0] * torch.tensor([2.0, 0.7])
    sigma = 0.5
    x = torch.randn(images, 2, generator=g, dtype=torch.float64) @ w.T + sigma * torch.randn(
        images, 6, generator=g, dtype=torch.float64
    )
    exact = torch.distributions.MultivariateNormal(torch.zeros(6).double(), w @ w.T + sigma**2 * torch.eye(6)).log_prob(
        x
    )
    precision = 1 + (w.square().sum(0) / sigma**2)
    return w, sigma, x, exact, (x @ w / sigma**2) / precision, -precision.log().expand(images, 2)


def bound(k, shift=0.0, wider=0.0, beta=1.0):
    w, sigma, x, exact, mu, log_var = linear_gaussian()
    mu, log_var = mu + shift, log_var + wider
    eps = torch.randn(k, *mu.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = mu + (0.5 * log_var).exp() * eps
    reconstruction = ((x - z @ w.T).square() / (2 * sigma**2) + math.log(sigma * math.sqrt(2 * math.pi))).sum(-1)
    return importance_weighted_objective(reconstruction, log_var, z, eps, beta), exact


def test_the_bound_is_exact_with_the_exact_posterior_at_any_k():
    for k in (1, 7):
        found, exact = bound(k)
        torch.testing.assert_close(found, -exact, atol=1e-10, rtol=0)


def test_with_another_q_the_bound_tightens_with_k_and_never_crosses():
    gaps = []
    for k in (1, 5, 50, 2000):
        found, exact = bound(k, shift=0.3, wider=0.5)
        gap = found + exact
        gaps.append(float(gap.mean()))
        assert gap.mean() > -3 * gap.std() / len(gap) ** 0.5
    assert gaps == sorted(gaps, reverse=True) and gaps[0] > 0.2 and gaps[-1] < 0.01


def test_with_one_sample_the_bound_is_the_elbo_on_average():
    _, mu, log_var = linear_gaussian()[3:]
    mu, log_var = mu + 0.3, log_var + 0.5
    kl = vae.kl_divergence(mu, log_var).sum(1)
    w, sigma, x = linear_gaussian()[:3]
    expected = ((x - mu @ w.T).square().sum(1) + (log_var.exp() @ w.square().T).sum(1)) / (2 * sigma**2)
    expected = expected + 6 * math.log(sigma * math.sqrt(2 * math.pi)) + kl
    found, _ = bound(1, shift=0.3, wider=0.5)
    error = (found - expected).std() / len(found) ** 0.5
    assert abs(float((found - expected).mean())) < 4 * float(error)


def test_beta_weighs_the_ratio_alone():
    found, _ = bound(1, shift=0.3, beta=0.0)
    w, sigma, x, _, mu, log_var = linear_gaussian()
    eps = torch.randn(1, *mu.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)[0]
    z = mu + 0.3 + (0.5 * log_var).exp() * eps
    expected = (x - z @ w.T).square().sum(1) / (2 * sigma**2) + 6 * math.log(sigma * math.sqrt(2 * math.pi))
    torch.testing.assert_close(found, expected)


def test_free_bits_keep_the_code_open_under_a_beta_that_closes_it():
    data, active = vae.load_dataset("digits"), {}
    for key in ("constant", "free_bits"):
        config = dataclasses.replace(CONFIG, loss="mse", beta=8.0, kl_term=key, epochs=10)
        state, _ = vae.advance(vae.initial_state(config), config, data, config.total_steps)
        active[key] = vae.evaluate(config, vae.model_of(config, state.weights), data).kl
    assert active["constant"] < 0.2 and active["free_bits"] > 1.0


def test_capacity_reaches_its_target():
    config = dataclasses.replace(
        CONFIG, loss="mse", beta=20.0, kl_term="capacity", kl_parameters={"capacity": 3, "capacity_epochs": 2}, epochs=8
    )
    data = vae.load_dataset("digits")
    _, progress = vae.advance(vae.initial_state(config), config, data, config.total_steps)
    assert progress.kl[-45:].mean() == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kl_term": "magic"}, "kl_term = 'magic' cannot be used: one of constant, warmup"),
        ({"kl_term": "iwae", "kl_parameters": {"samples": 2.5}}, "samples = 2.5 .*a whole number from 1 to 64"),
        ({"kl_parameters": {"samples": 2}}, "kl_parameters = 'samples' .*the KL term constant has these .*: none"),
        ({"kl_term": "warmup", "kl_parameters": {"warmup_epochs": math.nan}}, "warmup_epochs = nan"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(changes, said):
    with pytest.raises(vae.SettingError, match=said):
        dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize("key", KL_TERMS)
def test_the_held_out_objective_is_what_training_minimises(key):
    """Of a bound: what it comes to with one code."""
    config = dataclasses.replace(CONFIG, kl_term=key, beta=2.0)
    _, progress = vae.advance(vae.initial_state(config), config, vae.load_dataset("digits"), 20)
    for seen in progress.observations:
        kl, t = np.array(seen.kl_per_dim), seen.step / config.steps_per_epoch
        cost = {
            "constant": 2 * kl.sum(),
            "warmup": 2 * min(1, t / 5) * kl.sum(),
            "cyclical": 2 * min(1, (t % 4) / 2) * kl.sum(),
            "free_bits": 2 * np.maximum(kl, 0.5).sum(),
            "capacity": 2 * abs(kl.sum() - 10 * min(1, t / 5)),
            "iwae": 2 * kl.sum(),
        }[key]
        assert seen.objective == pytest.approx(seen.reconstruction + cost, rel=1e-5)
