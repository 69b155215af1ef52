"""Written-out derivatives against autograd: of each loss's total, of a step, and of a training against a plain loop."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vae
from vae.losses.kl_terms import KL_TERMS
from vae.losses.table import LOSSES
from vae.training import precision
from vae.training.precision import Rounded, is_possible, products_in, rounds_by_itself
from vae.training.randomness import generator
from vae.training.step import advance, batch_indices, initial_state, training_terms
from vae.training.update import AutogradUpdate, DenseUpdate, is_dense

CONFIG = vae.TrainConfig(dataset="digits", hidden=(24,), latent_dim=3, batch_size=50, epochs=3, seed=4)
CLOSED = [loss for loss in LOSSES.values() if loss.total is not None]


@pytest.mark.parametrize("loss", CLOSED, ids=lambda loss: loss.key)
@pytest.mark.parametrize("largest", [0.1, 5.0, 90.0])
def test_a_total_is_the_sum_of_the_pixels_and_its_slope_is_autograds(loss, largest):
    draw = torch.Generator().manual_seed(3)
    logits = (2 * torch.rand(7, 30, generator=draw, dtype=torch.float64) - 1) * largest
    x = torch.rand(7, 30, generator=draw, dtype=torch.float64).round(decimals=1)
    leaf = logits.clone().requires_grad_()
    given = {p.name: p.default for p in loss.given()}
    summed = loss.pixelwise(leaf, x, **given).sum()
    (slope,) = torch.autograd.grad(summed, leaf)
    total, found = loss.total(logits, x, **given)
    torch.testing.assert_close(total, summed.detach())
    torch.testing.assert_close(found, slope, rtol=1e-7, atol=1e-10)


def rows(update, config, data, steps=20):
    found = []
    for step in range(steps):
        x = data.train[batch_indices(config, step)] / 255
        found.append(update.take(x, generator(config.seed, "noise", step), step))
    return np.array(found)


CHANGES = (
    [{"loss": loss.key} for loss in CLOSED]
    + [{"kl_term": key, "loss": "mse"} for key, term in KL_TERMS.items() if not term.bound]
    + [{"reduction": "mean"}, {"hidden": (30, 20, 10)}, {"latent_dim": 1}, {"beta": 0.0}, {"batch_size": 1}]
)


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_step_written_out_is_autograds(changes):
    config, data = dataclasses.replace(CONFIG, **changes), vae.load_dataset("digits")
    assert is_dense(config)
    state = initial_state(config)
    held = (0, state.weights, state.first, state.second)
    ours, theirs = DenseUpdate(config, *held), AutogradUpdate(config, training_terms, *held)
    np.testing.assert_allclose(rows(ours, config, data), rows(theirs, config, data), rtol=3e-5, atol=1e-6)
    for mine, other in zip(ours.state(), theirs.state()):
        assert list(mine) == list(other)
        for name in mine:
            torch.testing.assert_close(mine[name], other[name], rtol=2e-3, atol=2e-5)
    assert all(torch.equal(state.weights[name], tensor) for name, tensor in initial_state(config).weights.items())


def test_what_is_not_written_out_goes_by_autograd():
    for changes in ({"architecture": "conv"}, {"loss": "ssim"}, {"loss": "gaussian_learned"}, {"kl_term": "iwae"}):
        assert not is_dense(dataclasses.replace(CONFIG, **changes))


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_a_hundred_steps_are_those_of_a_plain_loop(loss):
    """PyTorch as in a textbook, written here, with the batches and the noise that the seed gives."""
    config = dataclasses.replace(
        CONFIG, loss=loss, hidden=(64,), latent_dim=8, batch_size=128, epochs=10, learning_rate=1e-3
    )
    data = vae.load_dataset("digits")
    weights = initial_state(config).weights
    parameters = [w.clone().requires_grad_() for w in weights.values()]
    w1, b1, wm, bm, wv, bv, w2, b2, w3, b3 = parameters
    optimiser = torch.optim.Adam(parameters, lr=1e-3)
    expected = []
    for step in range(100):
        x = data.train[batch_indices(config, step)].flatten(1) / 255
        h = F.relu(F.linear(x, w1, b1))
        mu, log_var = F.linear(h, wm, bm), F.linear(h, wv, bv)
        eps = torch.randn(len(x), 8, generator=generator(config.seed, "noise", step))
        logits = F.linear(F.relu(F.linear(mu + torch.exp(0.5 * log_var) * eps, w2, b2)), w3, b3)
        if loss == "bce":
            reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        else:
            reconstruction = F.mse_loss(torch.sigmoid(logits), x, reduction="sum") / len(x)
        kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum() / len(x)
        optimiser.zero_grad()
        (reconstruction + kl).backward()
        optimiser.step()
        expected.append((reconstruction + kl).item())
    _, progress = advance(initial_state(config), config, data, 100)
    np.testing.assert_allclose(progress.objective, expected, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["conv", "keras"])
def test_a_convolution_s_channels_lie_innermost_and_nobody_sees_it(architecture):
    config, data = dataclasses.replace(CONFIG, architecture=architecture, batch_size=300), vae.load_dataset("digits")
    whole, _ = advance(initial_state(config), config, data, 4)
    part = initial_state(config)
    for _ in range(4):
        part, _ = advance(part, config, data, 1)
    for mine, other in zip((whole.weights, whole.first, whole.second), (part.weights, part.first, part.second)):
        assert all(torch.equal(mine[name], other[name]) and mine[name].is_contiguous() for name in mine)
    model, step = vae.model_of(config, initial_state(config).weights), 0
    x = data.train[batch_indices(config, step)] / 255
    plain = training_terms(config, model, x, generator(config.seed, "noise", step), step)
    update = AutogradUpdate(
        config, training_terms, 0, *(getattr(initial_state(config), n) for n in ("weights", "first", "second"))
    )
    np.testing.assert_allclose(rows(update, config, data, 1)[0, 2], plain.objective.item(), rtol=1e-5)


def test_the_learning_rate_follows_its_schedule():
    data = vae.load_dataset("digits")
    linear = dataclasses.replace(CONFIG, schedule="linear", batch_size=1437, epochs=4)
    assert [linear.rate(step) for step in range(4)] == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])
    assert {CONFIG.rate(step) for step in (0, 50)} == {1e-3}
    for config in (linear, dataclasses.replace(linear, architecture="conv")):
        whole, part = advance(initial_state(config), config, data, 4)[0], initial_state(config)
        for _ in range(4):
            part = advance(part, config, data, 1)[0]
        before = advance(initial_state(config), config, data, 3)[0]
        last = dataclasses.replace(config, schedule="constant", learning_rate=config.rate(3))
        alone = advance(before, last, data, 1)[0]
        for name in whole.weights:
            assert torch.equal(whole.weights[name], part.weights[name])
            torch.testing.assert_close(whole.weights[name], alone.weights[name])
    with pytest.raises(vae.SettingError, match="schedule = 'cosine' cannot be used: one of constant, linear"):
        dataclasses.replace(CONFIG, schedule="cosine")


# ---- bfloat16 --------------------------------------------------------------------------------------------------------

HERE = pytest.mark.skipif(not is_possible("bfloat16"), reason="this processor multiplies no bfloat16")
BY_ITSELF = pytest.mark.skipif(not rounds_by_itself(), reason="PyTorch rounds no factors by itself on this processor")


@BY_ITSELF
def test_products_are_bfloat16_within_and_float32_again_after():
    a, b = torch.rand(256, 300, generator=torch.Generator().manual_seed(0)), torch.rand(300, 256)
    exact, rounded = a @ b, a.bfloat16().float() @ b.bfloat16().float()
    with pytest.raises(KeyError), products_in("bfloat16"):
        torch.testing.assert_close(a @ b, rounded)
        assert not torch.allclose(a @ b, exact, rtol=1e-6)
        raise KeyError
    assert torch.equal(a @ b, exact)


def test_rounded_products_are_those_of_rounded_factors():
    """With one more rounding, of what comes out, to 8 bits."""
    products, draw, near = Rounded(), torch.Generator().manual_seed(0), {"rtol": 2.0**-8, "atol": 1e-6}
    inputs, d = (torch.rand(60, n, generator=draw) for n in (50, 40))
    weight, bias, out = torch.rand(40, 50, generator=draw), torch.rand(40, generator=draw), torch.empty(40, 50)
    i, g, w = (factor.bfloat16().float() for factor in (inputs, d, weight))
    torch.testing.assert_close(products.affine(bias, inputs, weight) - bias, i @ w.T, **near)
    torch.testing.assert_close(products.back(d, weight), g @ w, **near)
    products.gradient(d, inputs, out)
    torch.testing.assert_close(out, g.T @ i, **near)
    assert products.back(d, weight).dtype == torch.float32 and not torch.equal(out, d.T @ inputs)


@HERE
@pytest.mark.parametrize("architecture", ["mlp", pytest.param("conv", marks=BY_ITSELF)])
def test_in_bfloat16_a_training_goes_the_same_way_within_its_rounding(architecture):
    """Products of factors with 8 bits: 2^-9 each at most, so the objective agrees to a hundredth."""
    config, data = dataclasses.replace(CONFIG, architecture=architecture, hidden=(64,)), vae.load_dataset("digits")
    curves = [
        advance(initial_state(c), c, data, 60)[1].objective
        for c in (config, dataclasses.replace(config, precision="bfloat16"))
    ]
    assert not np.array_equal(*curves)
    np.testing.assert_allclose(*curves, rtol=1e-2)


@HERE
def test_chunks_in_bfloat16_leave_no_trace():
    config, data = dataclasses.replace(CONFIG, precision="bfloat16"), vae.load_dataset("digits")
    whole, _ = advance(initial_state(config), config, data, 9)
    part = initial_state(config)
    for steps in (4, 1, 4):
        part, _ = advance(part, config, data, steps)
    assert all(torch.equal(whole.weights[name], part.weights[name]) for name in whole.weights)


def test_where_the_processor_has_none_it_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr(precision, "rounds_by_itself", lambda: False)
    config = dataclasses.replace(CONFIG, precision="bfloat16")  # of a checkpoint from elsewhere: it can be looked at
    with pytest.raises(vae.SettingError, match="precision = 'bfloat16' cannot be used.*float32 is accepted"):
        advance(initial_state(config), config, vae.load_dataset("digits"), 1)
    with pytest.raises(vae.SettingError, match="one of float32, bfloat16"):
        dataclasses.replace(CONFIG, precision="half")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    for change in ({"architecture": "conv"}, {"loss": "gaussian_learned"}, {"kl_term": "iwae"}):
        other = dataclasses.replace(config, **change)
        with pytest.raises(vae.SettingError, match="it is for fully connected nets whose loss has its derivative"):
            advance(initial_state(other), other, vae.load_dataset("digits"), 1)
    assert is_possible("bfloat16") and not is_possible("bfloat16", written_out=False)
