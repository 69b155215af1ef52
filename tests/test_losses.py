"""The table of losses: likelihoods against torch.distributions, gradients, limits, and the lecture's numbers."""

import math

import pytest
import torch
from torch import distributions

from vae import LOSSES
from vae.errors import SettingError
from vae.losses.bernoulli import continuous_bernoulli_mean, log_normaliser

POINTWISE = [loss for loss in LOSSES.values() if loss.pointwise]
UNIT = torch.linspace(0, 1, 11, dtype=torch.float64)


def grid(dtype=torch.float64):
    logits = torch.linspace(-6, 6, 25, dtype=dtype)
    return logits.view(-1, 1), torch.linspace(0, 1, 11, dtype=dtype).view(1, -1)


def test_the_contracts_keys_are_there():
    assert set(LOSSES) >= {
        "bce", "mse", "gaussian", "gaussian_optimal", "gaussian_learned", "continuous_bernoulli", "laplace", "logcosh",
        "ssim",
    }  # fmt: skip
    assert not LOSSES["ssim"].pointwise
    assert [key for key, loss in LOSSES.items() if loss.normalised] == [
        "gaussian", "gaussian_optimal", "gaussian_learned", "continuous_bernoulli", "laplace",
    ]  # fmt: skip


@pytest.mark.parametrize("loss", POINTWISE, ids=lambda loss: loss.key)
def test_both_forms_of_a_loss_agree(loss):
    logits, x = grid()
    torch.testing.assert_close(loss.of_prediction(torch.sigmoid(logits), x), loss.pixelwise(logits, x))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.key)
def test_gradients(loss):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 6, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    x = torch.rand(2, 1, 6, 6, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: loss.pixelwise(v, x), logits)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.key)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_at_extreme_logits_and_at_black_and_white_pixels(loss, dtype):
    logits = torch.tensor([-100.0, -30, -1e-8, 0, 1e-8, 30, 100], dtype=dtype).view(1, 1, 7, 1).repeat(1, 1, 1, 3)
    logits.requires_grad_(True)
    x = torch.tensor([0, 0.3, 1], dtype=dtype).view(1, 1, 1, 3).expand(1, 1, 7, 3)
    value = loss.pixelwise(logits, x)
    assert value.shape == x.shape and torch.isfinite(value).all()
    value.sum().backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(
    ("key", "density", "keywords"),
    [
        ("gaussian", lambda p: distributions.Normal(p, 0.3), {"sigma": 0.3}),
        ("laplace", lambda p: distributions.Laplace(p, 0.07), {"b": 0.07}),
    ],
)
def test_densities_are_those_of_torch(key, density, keywords):
    logits, x = grid()
    expected = -density(torch.sigmoid(logits)).log_prob(x.expand(25, 11))
    torch.testing.assert_close(LOSSES[key].pixelwise(logits, x, **keywords), expected)


def test_bce_is_torchs():
    logits, x = grid()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        *torch.broadcast_tensors(logits, x), reduction="none"
    )
    torch.testing.assert_close(LOSSES["bce"].pixelwise(logits, x), expected)


def test_continuous_bernoulli_is_torchs_up_to_logits_of_15():
    logits = torch.linspace(-15, 15, 301, dtype=torch.float64).view(-1, 1)
    expected = -distributions.ContinuousBernoulli(logits=logits, validate_args=False).log_prob(UNIT.view(1, -1))
    torch.testing.assert_close(LOSSES["continuous_bernoulli"].pixelwise(logits, UNIT), expected, atol=1e-6, rtol=1e-6)
    mean = distributions.ContinuousBernoulli(logits=logits, validate_args=False).mean
    torch.testing.assert_close(continuous_bernoulli_mean(logits), mean, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_continuous_bernoulli_beyond_where_torch_clamps(dtype):
    logits = torch.tensor([15.0, 30, 60, 100], dtype=dtype)
    expected = [math.log(v / math.tanh(v / 2)) for v in logits.tolist()]
    torch.testing.assert_close(log_normaliser(logits), torch.tensor(expected, dtype=dtype))
    torch.testing.assert_close(log_normaliser(-logits), torch.tensor(expected, dtype=dtype))
    at_one = LOSSES["continuous_bernoulli"].pixelwise(logits[-1], torch.ones((), dtype=dtype))
    assert -at_one.item() == pytest.approx(math.log(100), rel=1e-6)  # torch.distributions says 2.77 or 3.58 here


def test_the_normaliser_is_smooth_where_its_series_takes_over():
    logits = torch.tensor([0.2 - 1e-9, 0.2 + 1e-9], dtype=torch.float64, requires_grad=True)
    values = log_normaliser(logits)
    gradient = torch.autograd.grad(values.sum(), logits)[0]
    assert abs(values[0] - values[1]) < 1e-9 and abs(gradient[0] - gradient[1]) < 1e-8
    assert log_normaliser(torch.zeros(())).item() == pytest.approx(math.log(2))


def test_normalised_losses_integrate_to_one():
    x = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    for logit in (-8.0, -0.5, 0.0, 3.0):
        density = torch.exp(-LOSSES["continuous_bernoulli"].pixelwise(torch.tensor(logit, dtype=torch.float64), x))
        assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-5)
    x = torch.linspace(-8, 9, 170_001, dtype=torch.float64)  # these live on the whole line
    p = torch.tensor(0.3, dtype=torch.float64)
    for key in ("gaussian", "laplace"):
        assert torch.trapezoid(torch.exp(-LOSSES[key].of_prediction(p, x)), x).item() == pytest.approx(1, abs=1e-5)


def test_limits_at_impossible_and_certain_predictions():
    x, p = torch.tensor([0.0, 0.3, 1.0]).view(-1, 1), torch.tensor([0.0, 1.0])
    inf = math.inf
    assert LOSSES["bce"].of_prediction(p, x).tolist() == [[0, inf], [inf, inf], [inf, 0]]
    assert LOSSES["continuous_bernoulli"].of_prediction(p, x).tolist() == [[-inf, inf], [inf, inf], [inf, -inf]]
    for key in ("mse", "gaussian", "laplace", "logcosh"):
        assert torch.isfinite(LOSSES[key].of_prediction(p, x)).all()


def test_optimal_sigma_makes_half_the_log_of_the_squared_error():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(4, 1, 5, 5, generator=generator, dtype=torch.float64)
    x = torch.rand(4, 1, 5, 5, generator=generator, dtype=torch.float64)
    mean_square = (torch.sigmoid(logits) - x).square().mean()
    total = LOSSES["gaussian_optimal"].pixelwise(logits, x).sum()
    assert total.item() == pytest.approx(100 / 2 * (math.log(2 * math.pi * mean_square) + 1))
    for factor in (0.9, 1.1):  # no other sigma makes the same residuals cheaper
        assert LOSSES["gaussian"].pixelwise(logits, x, sigma=factor * mean_square.sqrt()).sum() > total


def test_ssim_of_equal_images_is_one_and_follows_its_definition_at_one_pixel():
    x = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 0.8 + 0.1
    assert LOSSES["ssim"].pixelwise(torch.logit(x), x).abs().max() < 1e-12
    p = x.flip(-1)
    weight = torch.exp(-torch.arange(-3, 4, dtype=torch.float64).square() / (2 * 1.5**2))
    weight = torch.outer(weight, weight) / weight.sum() ** 2
    a, b = p[0, 0, 2:9, 3:10], x[0, 0, 2:9, 3:10]  # the 7 x 7 neighbourhood of pixel (5, 6)
    ma, mb = (weight * a).sum(), (weight * b).sum()
    va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
    cov = (weight * (a - ma) * (b - mb)).sum()
    ssim = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    assert LOSSES["ssim"].pixelwise(torch.logit(p), x)[0, 0, 5, 6].item() == pytest.approx(1 - ssim.item())


def test_the_lectures_numbers():
    def bce(x, p):
        return round(LOSSES["bce"].of_prediction(torch.tensor(p, dtype=torch.float64), torch.tensor(x)).item(), 4)

    assert [bce(0.2, 0.2), bce(0.4, 0.4), bce(0.5, 0.5)] == [0.5004, 0.6730, 0.6931]
    assert [bce(0.8, 0.7), bce(0.8, 0.9)] == [0.5261, 0.5448]
    assert [round(bce(0.2, 0.1) - bce(0.2, 0.2), 4), round(bce(0.2, 0.3) - bce(0.2, 0.2), 4)] == [0.0444, 0.0257]
    means = continuous_bernoulli_mean(torch.logit(torch.tensor([0.01, 0.1, 0.2], dtype=torch.float64)))
    assert [round(m, 3) for m in means.tolist()] == [0.207, 0.330, 0.388]


def test_a_parameter_out_of_range_is_refused_with_name_value_and_range():
    sigma = LOSSES["gaussian"].parameters[0]
    assert sigma.check(0.5) == 0.5
    for bad in (0, -1, 3, math.nan, math.inf, "x", True, None):
        with pytest.raises(SettingError, match="^sigma = .* a number from 0.01 to 2 is accepted.$"):
            sigma.check(bad)
