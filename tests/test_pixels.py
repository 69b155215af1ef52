"""What a pixel is: the treatments by their definitions, which losses are likelihoods of which, and the floors that follow."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import vae
from vae.data import load_dataset, to_unit
from vae.errors import SettingError
from vae.training.axes import AXES
from vae.training.evaluation import entropy_floor
from vae.training.pixels import TREATMENTS, misfit
from vae.training.race import RaceConfig
from vae.training.randomness import generator
from vae.training.step import batch_indices

BYTES = torch.arange(256, dtype=torch.uint8).view(256, 1, 1, 1)
CONFIG = vae.TrainConfig(dataset="digits", hidden=(32,), latent_dim=2, batch_size=256)


def treated(key, images, seed=0):
    return TREATMENTS[key].of(images, generator(seed, "pixels"))


def test_each_treatment_is_its_definition_and_stays_within_0_and_1():
    many = BYTES.expand(256, 1, 60, 60)
    for key in TREATMENTS:
        x = treated(key, many)
        assert x.dtype == torch.float32 and x.shape == many.shape and x.min() >= 0 and x.max() <= 1
    level = torch.arange(256.0)
    torch.testing.assert_close(treated("unit", many)[:, 0, 0, 0], level / 255)
    assert torch.equal(treated("binary", many)[:, 0, 0, 0], (level >= 128).float())
    sampled = treated("binary_sampled", many)
    assert set(sampled.unique().tolist()) == {0.0, 1.0} and not sampled[0].any() and sampled[255].all()
    p = level / 255
    off = (sampled.mean((1, 2, 3)) - p) / ((p * (1 - p) / 3600).sqrt() + 1e-9)
    assert off.abs().max() < 4.5  # standard errors, of 256
    noisy = treated("dequantised", many) * 256
    assert ((noisy - level.view(-1, 1, 1, 1) >= 0) & (noisy - level.view(-1, 1, 1, 1) <= 1)).all()
    assert float((noisy - level.view(-1, 1, 1, 1)).mean()) == pytest.approx(0.5, abs=0.002)


def test_a_draw_belongs_to_its_step_and_columns_of_one_seed_see_the_same():
    config = dataclasses.replace(CONFIG, pixels="binary_sampled")
    images = load_dataset("digits").train[:50]
    other = dataclasses.replace(config, loss="mse", beta=4.0)
    assert torch.equal(config.x(images, 3, "pixels"), other.x(images, 3, "pixels"))
    assert not torch.equal(config.x(images, 3, "pixels"), config.x(images, 4, "pixels"))
    assert not torch.equal(config.x(images, 3, "pixels"), dataclasses.replace(config, seed=1).x(images, 3, "pixels"))


def test_a_chunk_leaves_no_trace_whatever_the_pixels():
    data = load_dataset("digits")
    for key in TREATMENTS:
        config = dataclasses.replace(CONFIG, loss="mse", pixels=key)
        whole = vae.advance(vae.initial_state(config), config, data, 9)[1].objective
        state, first = vae.advance(vae.initial_state(config), config, data, 4)
        second = vae.advance(state, config, data, 5)[1]
        np.testing.assert_array_equal(np.concatenate((first.objective, second.objective)), whole)


def test_symmetric_is_a_tanh_on_pixels_from_minus_1_to_1():
    """A plain PyTorch step, written with what the lecture says: inputs 2 x - 1, output tanh, squared error summed."""
    config, data = dataclasses.replace(CONFIG, loss="mse", pixels="symmetric"), load_dataset("digits")
    state = vae.initial_state(config)
    model = vae.model_of(config, state.weights)
    x = 2 * to_unit(data.train[batch_indices(config, 0)]) - 1
    features = model.encoder(x)
    mu, log_var = model.mu(features), model.log_var(features)
    eps = torch.randn(mu.shape, generator=generator(0, "noise", 0))
    output = torch.tanh(model.decoder(mu + (log_var / 2).exp() * eps) / 2)
    reconstruction = (output - x).square().sum() / len(x)
    objective = reconstruction + vae.kl_divergence(mu, log_var).sum(1).mean()
    found = vae.advance(state, config, data, 1)[1]
    assert found.reconstruction[0] == pytest.approx(reconstruction.item(), rel=1e-5)
    assert found.objective[0] == pytest.approx(objective.item(), rel=1e-5)


def test_a_measured_sigma_is_doubled_with_the_pixels():
    unit, wide = (dataclasses.replace(CONFIG, loss="gaussian_optimal", pixels=key) for key in ("unit", "symmetric"))
    x, logits = torch.rand(3, 1, 8, 8), torch.randn(3, 1, 8, 8)
    one, other = (c.loss_record().pixelwise(logits, x, sigma=s) for c, s in ((unit, 0.1), (wide, 0.1)))
    torch.testing.assert_close(other, one + math.log(2))  # the density of 2 x - 1 is half as high
    free, free_wide = (c.loss_record().pixelwise(logits, x) for c in (unit, wide))
    torch.testing.assert_close(free_wide, free + math.log(2))


@pytest.mark.parametrize(
    "dataset", ["digits", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sprites", "patches"))]
)
def test_the_floor_of_bce_is_0_on_binary_pixels_and_on_grey_ones_their_entropy(dataset):
    data = load_dataset(dataset)
    bce = vae.LOSSES["bce"]
    for key, bits in (("binary", True), ("binary_sampled", True), ("unit", False), ("dequantised", False)):
        lines = {line.key: line.value for line in vae.reference_lines(data, bce, {}, 2, key)}
        assert (lines["floor"] == 0) is bits and lines["mean"] > lines["floor"]
    x = to_unit(data.test).double().clamp(1e-12, 1 - 1e-12)
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).flatten(1).sum(1).mean()
    assert entropy_floor(data.test).mean().item() == pytest.approx(float(entropy), rel=1e-4)
    lines = {line.key: line.value for line in vae.reference_lines(data, bce, {}, 2)}
    assert lines["floor"] == pytest.approx(float(entropy), rel=1e-4)


def test_losses_say_of_which_pixels_they_are_the_likelihood():
    bce, gaussian, ssim = (vae.LOSSES[key] for key in ("bce", "gaussian", "ssim"))
    assert misfit("binary", bce) == misfit("binary_sampled", bce) == misfit("unit", gaussian) == ""
    assert "its floor is not 0" in misfit("unit", bce) and "density" in misfit("binary", gaussian)
    assert "no likelihood of any pixels" in misfit("unit", ssim)
    for loss in vae.LOSSES.values():
        assert set(loss.likelihood_of) <= set(TREATMENTS)
        for key in TREATMENTS:
            told = misfit(key, loss)
            assert (told == "") is (key in loss.likelihood_of) and told.count(".") <= 1


def test_likelihoods_integrate_or_sum_to_one_where_they_say_so():
    """Of normalised losses: over 0 and 1 for bits, over [0, 1] for a density on it, over the line for one on numbers."""
    p = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)[:, None]
    bits = torch.tensor([0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(vae.LOSSES["bce"].at(p, bits).neg().exp().sum(1), torch.ones(3, dtype=torch.float64))
    line = torch.linspace(-9, 10, 400_001, dtype=torch.float64)
    for key in ("gaussian", "laplace"):
        density = vae.LOSSES[key].at(p, line, **{q.name: q.default for q in vae.LOSSES[key].given()}).neg().exp()
        torch.testing.assert_close(
            torch.trapezoid(density, line), torch.ones(3, dtype=torch.float64), rtol=1e-4, atol=0
        )


def test_what_does_not_fit_is_refused_in_a_sentence():
    with pytest.raises(SettingError, match="pixels = 'grey' cannot be used: one of unit, symmetric, binary"):
        dataclasses.replace(CONFIG, pixels="grey")
    with pytest.raises(
        SettingError, match="pixels = 'symmetric' cannot be used: BCE has values for pixels from 0 to 1"
    ):
        dataclasses.replace(CONFIG, pixels="symmetric")
    with pytest.raises(SettingError, match="pixels = 3 cannot be used"):
        dataclasses.replace(CONFIG, pixels=3)


def test_pixels_are_an_axis_of_a_race():
    race = RaceConfig(CONFIG, "pixels", ("binary", "binary_sampled"))
    assert [config.pixels for config in race.columns()] == ["unit", "binary", "binary_sampled"]
    assert AXES["pixels"].shown(race.columns()[1]) == "0 or 1, by a threshold"
