"""The KL term against torch.distributions and its own samples; gradient descent with and without the log variance."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch.distributions import Normal
from torch.distributions.kl import kl_divergence

from vae.errors import SettingError
from vae.losses import kl
from vae.losses.kl import Setting
from vae.study.claims import CLAIMS
from vae.ui.kl.page import STATE

CODES = [(0.0, 0.0), (1.0, -1.0), (-3.9, 2.9), (4.0, -6.0), (0.3, -2.5), (-4.0, 3.0)]


def of_torch(mu, log_var):
    mu, log_var = (torch.as_tensor(v, dtype=torch.float64) for v in (mu, log_var))
    prior = Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
    return kl_divergence(Normal(mu, (log_var / 2).exp()), prior).numpy()


# ---- Over all codes ----------------------------------------------------------------------------------------------


def test_the_grid_is_torchs_kl_with_rows_for_log_var_and_columns_for_mu():
    mu, log_var = kl.axes()
    assert kl.grid(mu, log_var) == pytest.approx(of_torch(mu[None, :], log_var[:, None]), abs=1e-12)
    assert (mu[0], mu[-1], log_var[0], log_var[-1]) == (*kl.MU, *kl.LOG_VAR)


def test_the_grid_is_least_at_the_prior_and_0_there():
    mu, log_var = kl.axes()
    values = kl.grid(mu, log_var)
    row, column = np.unravel_index(values.argmin(), values.shape)
    assert (abs(mu[column]), abs(log_var[row])) == pytest.approx((0, 0), abs=0.06)
    assert values.min() >= 0 and kl.divergence(0.0, 0.0) == 0


@pytest.mark.parametrize(("mu", "log_var"), CODES)
def test_the_area_under_the_integrand_is_the_kl_and_q_and_p_are_densities(mu, log_var):
    drawn = kl.densities(mu, log_var, points=4001)
    assert np.trapezoid(drawn.integrand, drawn.z) == pytest.approx(of_torch(mu, log_var), abs=0.01)
    assert np.trapezoid(drawn.q, drawn.z) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(drawn.p, drawn.z) == pytest.approx(1, abs=1e-3)
    assert (np.diff(drawn.z) > 0).all()


# ---- Against samples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mu", "log_var"), CODES)
def test_samples_come_to_the_closed_form_within_four_standard_errors(mu, log_var):
    found = kl.estimate(Setting(mu, log_var, samples=100_000, seed=3))
    assert found.exact == pytest.approx(float(of_torch(mu, log_var)), abs=1e-12)
    assert abs(found.apart) < 4
    assert abs(found.value - found.exact) == pytest.approx(abs(found.apart) * found.error, abs=1e-12)


@pytest.mark.parametrize(("mu", "log_var"), CODES[1:])
def test_the_standard_error_is_the_theoretical_one(mu, log_var):
    """log q - log p = (mu sigma) e + (sigma^2 - 1)/2 (e^2 - 1) + const in the noise e, of variance as below."""
    variance = math.exp(log_var)
    expected = math.sqrt((mu**2 * variance + (variance - 1) ** 2 / 2) / 1_000_000)
    assert kl.estimate(Setting(mu, log_var, samples=1_000_000)).error == pytest.approx(expected, rel=0.02)


def test_standard_errors_apart_are_spread_as_a_standard_normal():
    apart = [kl.estimate(Setting(1.0, -1.0, samples=1_000, seed=seed)).apart for seed in range(400)]
    assert abs(np.mean(apart)) < 0.2
    assert np.std(apart) == pytest.approx(1, abs=0.15)


def test_the_curve_is_the_estimate_of_each_shorter_run():
    long = kl.estimate(Setting(samples=10_000, seed=5))
    short = kl.estimate(Setting(samples=100, seed=5))
    place = int(np.flatnonzero(long.samples >= 100)[0])
    assert long.samples[0] == 10 and long.samples[-1] == 10_000
    assert short.samples[-1] == 100
    assert long.values[0] == pytest.approx(short.values[0], abs=1e-12)
    assert long.errors[place] < long.errors[0]


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, other = (kl.estimate(Setting(samples=100, seed=seed)).value for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_at_the_prior_every_sample_says_0():
    found = kl.estimate(Setting(0.0, 0.0))
    assert (found.exact, found.value, found.error, found.apart) == (0, 0, 0, 0)


# ---- Without the log variance ------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_size", [0.1, 0.3, 1.0])
def test_steps_in_the_variance_leave_the_numbers_and_steps_in_its_log_find_the_best(step_size):
    weight = kl.code_weight()
    direct = kl.descend("variance", 0.01, step_size, weight)
    assert direct.broke_at == 4 and direct.variance[-1] < 0 and math.isnan(direct.objective[-1])
    assert (direct.variance[:-1] > 0).all() and np.isfinite(direct.objective[:-1]).all()
    logged = kl.descend("log_var", 0.01, step_size, weight, steps=300)
    assert logged.broke_at is None and (logged.variance > 0).all() and np.isfinite(logged.objective).all()
    assert logged.variance[-1] == pytest.approx(kl.best_variance(weight), rel=1e-3)


def test_a_small_enough_step_in_the_variance_survives():
    """The bound: from the worst place, sqrt(step / 2), a step leads to sqrt(2 step) - step (weight + 1/2)."""
    weight = kl.code_weight()
    bound = 2 / (weight + 0.5) ** 2
    start = math.sqrt(bound / 2)
    assert kl.descend("variance", start, 0.99 * bound, weight, steps=1).broke_at is None
    assert kl.descend("variance", start, 1.01 * bound, weight, steps=1).broke_at == 1


def test_a_step_is_autograds_and_the_formulas():
    found = kl.descend("variance", 0.2, 0.001, 3.0, steps=1)
    assert found.objective[0] == pytest.approx(3.0 * 0.2 + float(of_torch(0.0, math.log(0.2))), abs=1e-12)
    assert found.variance[1] == pytest.approx(0.2 - 0.001 * (3.0 + 0.5 - 0.5 / 0.2), abs=1e-12)


def test_the_best_variance_is_the_minimum():
    weight, grid = kl.code_weight(), np.linspace(0.02, 0.06, 4001)
    least = grid[(weight * grid + kl.divergence(0.0, np.log(grid))).argmin()]
    assert kl.best_variance(weight) == pytest.approx(least, abs=2e-5)
    claimed = {row.label: row.value for row in CLAIMS["mse_weight"].compute()}["weight at that sigma"]
    assert weight == pytest.approx(claimed)


# ---- Weighed -----------------------------------------------------------------------------------------------------


def test_a_mean_over_pixels_acts_like_784_times_beta():
    elbo, summed, averaged = kl.weigh(4.0)
    assert (elbo.reconstruction, elbo.kl, elbo.acts_like) == (31, 5, 1)
    assert (summed.reconstruction, summed.kl, summed.acts_like) == (31, 20, 4)
    assert averaged.reconstruction == pytest.approx(31 / 784) and averaged.kl == 20
    assert averaged.acts_like == pytest.approx(4 * 784)
    assert elbo.share == pytest.approx(5 / 36)


# ---- The setting and its link ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("mu", 4.01), ("mu", math.nan), ("mu", "x"), ("mu", True), ("log_var", -6.5), ("log_var", math.inf), ("samples", 50),
     ("samples", 100.5), ("seed", -1), ("seed", 2**31), ("seed", 1.5), ("form", "cube"), ("samples", None)],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(SettingError, match=rf"^{name} = .* cannot be used: .* accepted\.$"):
        Setting(**{name: value})


def test_a_bad_field_of_a_link_is_answered_and_the_others_stand():
    values, problems = STATE.read(
        {"mu": "x", "log_var": "nan", "samples": "12", "seed": "7", "form": "contours", "z": "1"}
    )
    assert Setting(**values) == Setting(seed=7, form="contours")
    assert problems[0] == "mu = 'x' cannot be used: a number from -4 to 4 is accepted. The default stands instead."
    assert [problem.split(" = ")[0] for problem in problems[:3]] == ["mu", "log_var", "samples"]
    assert "'z' that does not exist" in problems[3] and len(problems) == 4


@pytest.mark.parametrize(
    "setting", [Setting(), Setting(mu=-0.123456789, log_var=2.5, samples=1_000_000, seed=9, form="contours")]
)
def test_a_link_says_the_setting(setting):
    link = STATE.write(asdict(setting))
    assert STATE.read(link) == (asdict(setting), [])
    assert {"mu", "log_var"} <= set(link)
