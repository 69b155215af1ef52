"""Surfaces hold theory: minima where mathematics puts them, derivatives against autograd, infinities as such."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, ContinuousBernoulli, kl_divergence

from vae.errors import SettingError
from vae.losses.arguments import defaults
from vae.losses.bernoulli import continuous_bernoulli_logits, continuous_bernoulli_mean
from vae.losses.derivatives import derivatives_of, limit_at_ends, numerical_derivatives, search
from vae.losses.descent import descend
from vae.losses.formula import formula_loss
from vae.losses.minimum import minimum
from vae.losses.surfaces import VIEWS, at_point, surface
from vae.losses.table import LOSSES

torch.set_num_threads(1)  # arrays this small only lose by being shared out

POINTWISE = [key for key, loss in LOSSES.items() if loss.pointwise]
LEAST_AT_TRUTH = [key for key in POINTWISE if key != "continuous_bernoulli"]
GRID = np.linspace(0, 1, 101)
INSIDE = GRID[1:-1]
CB = LOSSES["continuous_bernoulli"]


def random_points(n=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x, p = torch.rand(2, n, generator=generator, dtype=torch.float64)
    return x, 0.001 + 0.998 * p


# ---- Minima ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", LEAST_AT_TRUTH)
def test_the_minimum_is_at_the_truth(key):
    values = surface(LOSSES[key], "value", GRID, GRID).values
    assert (values.argmin(0) == np.arange(101)).all()
    assert (np.sort(values, 0)[1] > values.min(0)).all(), "and nowhere else"
    assert (minimum(LOSSES[key], GRID).p == GRID).all()


def test_continuous_bernoulli_is_least_where_its_mean_is_the_truth():
    x = torch.linspace(0.05, 0.95, 91, dtype=torch.float64)
    p = torch.from_numpy(minimum(CB, x).p)
    mean = ContinuousBernoulli(probs=p).mean
    torch.testing.assert_close(mean, x, rtol=0, atol=1e-8)
    assert (p - x).abs().max() > 0.1, "which is not at p = x"


def test_the_inverse_mean_is_exact_from_tiny_to_nearly_one():
    mean = [1e-300, 1e-12, 1e-3, 0.0099, 0.01, 0.1, 0.149, 0.15, 0.3, 0.4999, 0.5, 0.7, 0.999]
    mean = torch.tensor(mean, dtype=torch.float64)
    found = continuous_bernoulli_mean(continuous_bernoulli_logits(mean))
    torch.testing.assert_close(found, mean, rtol=1e-12, atol=0)


def test_least_value_where_the_best_p_is_too_small_for_a_float():
    found = minimum(CB, [1e-3])  # the best logit is -1000: value 1 + log(x) up to exp(-1000)
    assert found.value[0] == pytest.approx(1 + math.log(1e-3), abs=1e-12)
    assert found.p[0] == 0


@pytest.mark.parametrize("key", POINTWISE)
def test_search_finds_the_closed_form_minimum(key):
    x = torch.linspace(0.05, 0.94, 37, dtype=torch.float64)  # closer to 1, p runs out of digits
    closed, at = derivatives_of(LOSSES[key]).minimum(LOSSES[key], x, **defaults(LOSSES[key]))
    found, found_at = search(LOSSES[key], x, **defaults(LOSSES[key]))
    torch.testing.assert_close(found, closed, rtol=0, atol=1e-9)
    torch.testing.assert_close(found_at, at, rtol=0, atol=1e-6)


def test_search_finds_a_minimum_that_is_not_at_the_truth():
    found = minimum(formula_loss("p*log(p) + 0*x"), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(found.p, 1 / math.e, atol=1e-7)
    np.testing.assert_allclose(found.value, -1 / math.e, atol=1e-12)


def test_no_least_value_is_said_and_shown_as_nan():
    found = surface(CB, "excess", GRID, GRID)
    assert np.isnan(found.values[:, [0, -1]]).all()
    assert not np.isnan(found.values[:, 1:-1]).any()
    assert "x = 0 and 1" in found.note and found.note.endswith(".")
    assert minimum(CB, [0.0]).value[0] == -math.inf
    assert surface(LOSSES["bce"], "excess", GRID, GRID).note == ""
    assert "0 to 1" in surface(formula_loss("log(p)"), "excess", GRID, GRID).note


# ---- Derivatives -------------------------------------------------------------------------------------------------


def some_parameters(loss):
    """Parameters away from their defaults, so that a forgotten one shows."""
    return {p.name: 1.7 * p.default for p in loss.parameters}


@pytest.mark.parametrize("key", POINTWISE)
@pytest.mark.parametrize("name", ["slope", "logit_slope", "curvature"])
def test_closed_forms_equal_autograd(key, name):
    loss = LOSSES[key]
    x, p = random_points()
    closed = getattr(derivatives_of(loss), name)(p, x, **some_parameters(loss))
    automatic = getattr(numerical_derivatives(loss), name)(p, x, **some_parameters(loss))
    assert closed.abs().max() > 0 or (key, name) == ("laplace", "curvature")
    torch.testing.assert_close(closed, automatic, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("key", LEAST_AT_TRUTH)
@pytest.mark.parametrize("name", ["slope", "logit_slope", "curvature"])
def test_closed_forms_at_the_ends_are_the_limits_from_inside(key, name):
    loss = LOSSES[key]
    p, x = torch.meshgrid(torch.tensor([0.0, 1.0]).double(), torch.tensor([0.0, 0.3, 1.0]).double(), indexing="ij")
    closed = getattr(derivatives_of(loss), name)(p, x, **defaults(loss))
    limit = getattr(numerical_derivatives(loss), name)(p, x, **defaults(loss))
    kink = (p == x) if key == "laplace" else torch.zeros_like(p, dtype=torch.bool)  # no derivative at p = x: see below
    torch.testing.assert_close(closed[~kink], limit[~kink], rtol=1e-8, atol=1e-8)


def test_the_corner_of_the_absolute_error():
    point = at_point(LOSSES["laplace"], 0.4, 0.4)
    assert (point.slope, point.logit_slope, point.curvature) == (0.0, 0.0, math.inf)


@pytest.mark.parametrize("key", POINTWISE)
def test_the_logit_slope_is_the_gradient_that_a_network_gets(key):
    loss = LOSSES[key]
    x, p = random_points(seed=1)
    logits = torch.logit(p).requires_grad_()
    (gradient,) = torch.autograd.grad(loss.pixelwise(logits, x, **some_parameters(loss)).sum(), logits)
    drawn = derivatives_of(loss).logit_slope(p, x, **some_parameters(loss))
    torch.testing.assert_close(drawn, gradient, rtol=1e-8, atol=1e-8)


def test_continuous_bernoulli_derivatives_beside_one_half():
    p = torch.sigmoid(torch.tensor([-0.21, -0.2, -0.19, -1e-9, 0.0, 1e-9, 0.199999, 0.200001])).double()
    x = torch.full_like(p, 0.3)
    for name in ("slope", "logit_slope", "curvature"):
        closed, automatic = (getattr(c(CB), name)(p, x) for c in (derivatives_of, numerical_derivatives))
        torch.testing.assert_close(closed, automatic, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("x", "p", "slope", "logit_slope", "curvature"),
    [
        (0.0, 0.0, 1.0, 0.0, 1.0),
        (0.3, 0.0, -math.inf, -0.3, math.inf),
        (1.0, 0.0, -math.inf, -1.0, math.inf),
        (0.0, 1.0, math.inf, 1.0, math.inf),
        (0.3, 1.0, math.inf, 0.7, math.inf),
        (1.0, 1.0, -1.0, 0.0, 1.0),
    ],
)
def test_bce_at_the_ends(x, p, slope, logit_slope, curvature):
    point = at_point(LOSSES["bce"], x, p)
    assert (point.slope, point.logit_slope, point.curvature) == (slope, logit_slope, curvature)


@pytest.mark.parametrize(
    ("x", "p", "value", "slope", "logit_slope", "curvature"),
    [
        (0.0, 0.0, -math.inf, math.inf, 0.0, -math.inf),
        (0.3, 0.0, math.inf, -math.inf, -0.3, math.inf),
        (0.3, 1.0, math.inf, math.inf, 0.7, math.inf),
        (1.0, 1.0, -math.inf, -math.inf, 0.0, -math.inf),
    ],
)
def test_continuous_bernoulli_at_the_ends(x, p, value, slope, logit_slope, curvature):
    point = at_point(CB, x, p)
    assert (point.value, point.slope, point.logit_slope, point.curvature) == (value, slope, logit_slope, curvature)


@pytest.mark.parametrize(
    ("function", "at_0", "at_1"),
    [
        (lambda p: p.log(), -math.inf, 0.0),
        (lambda p: p * p.log(), 0.0, 0.0),
        (lambda p: -1 / (1 - p), -1.0, -math.inf),
        (lambda p: 1 / p.sqrt(), math.inf, 1.0),
        (lambda p: p.sqrt() + 2, 2.0, 3.0),
        (lambda p: p.log() - p.logit(), 0.0, -math.inf),
    ],
)
def test_limits_at_the_ends(function, at_0, at_1):
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    expected = torch.tensor([at_0, at_1], dtype=torch.float64)
    torch.testing.assert_close(limit_at_ends(function, ends), expected, rtol=0, atol=2e-6)


def test_rounding_is_not_taken_for_growth():
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for k in range(1, 40):
        found = limit_at_ends(lambda p, k=k: 0.1 + 1e-12 * torch.sin(k / (p * (1 - p))), ends)
        torch.testing.assert_close(found, torch.full_like(ends, 0.1), rtol=0, atol=1e-11)


# ---- Views -------------------------------------------------------------------------------------------------------


def test_the_excess_of_bce_is_a_kl_divergence():
    found = surface(LOSSES["bce"], "excess", GRID, INSIDE).values
    x, p = torch.from_numpy(GRID)[None, :], torch.from_numpy(INSIDE)[:, None]
    expected = kl_divergence(Bernoulli(probs=x.expand(99, 101)), Bernoulli(probs=p.expand(99, 101)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_infinities_stay_infinite():
    bce = surface(LOSSES["bce"], "value", GRID, GRID).values
    assert np.isposinf(bce[0, 1:]).all() and np.isposinf(bce[-1, :-1]).all()
    assert bce[0, 0] == bce[-1, -1] == 0
    assert np.isfinite(bce[1:-1]).all()
    assert np.isposinf(surface(LOSSES["bce"], "excess", GRID, GRID).values[0, 1:]).all()


@pytest.mark.parametrize("key", POINTWISE)
@pytest.mark.parametrize("view", [v for v in VIEWS if v != "asymmetry"])
def test_there_are_no_holes_except_where_a_note_says_so(key, view):
    found = surface(LOSSES[key], view, GRID, GRID)
    assert found.values.shape == (101, 101) and found.values.dtype == np.float64
    assert bool(np.isnan(found.values).any()) == bool(found.note)
    assert not found.note or (key, view) == ("continuous_bernoulli", "excess")


def test_asymmetry():
    bce, d = LOSSES["bce"], GRID
    found = surface(bce, "asymmetry", GRID, d)
    expected = at_point(bce, 0.2, 0.3).value - at_point(bce, 0.2, 0.1).value
    assert found.values[10, 20] == pytest.approx(expected, abs=1e-12)
    assert np.nanmax(abs(surface(LOSSES["mse"], "asymmetry", GRID, d).values)) < 1e-15
    np.testing.assert_allclose(surface(bce, "asymmetry", GRID, -d).values, -found.values)
    at = np.arange(101)
    outside = (at[None, :] + at[:, None] > 100) | (at[None, :] - at[:, None] < 0)
    assert (np.isnan(found.values) == outside).all() and "leaves the range" in found.note
    assert np.isposinf([found.values[100 - j, j] for j in range(51, 100)]).all(), "x + d = 1"
    rounded = surface(bce, "asymmetry", np.linspace(0, 1, 21), np.linspace(0, 0.5, 51)).values
    assert np.isneginf([rounded[15, 3], rounded[30, 6]]).all(), "x - d = 0, though .15 - .15 and .3 - .3 are 3e-17 here"
    assert found.values[50, 50] == 0, "both predictions at an end: the limit"
    assert (surface(CB, "asymmetry", GRID, [0.0]).values == 0).all()


@pytest.mark.parametrize("key", POINTWISE)
def test_a_point_is_a_point_of_the_surfaces(key):
    loss, parameters = LOSSES[key], some_parameters(LOSSES[key])
    point = at_point(loss, 0.2, 0.35, **parameters)
    for view in ("value", "excess", "slope", "logit_slope", "curvature"):
        drawn = surface(loss, view, [0.1, 0.2], [0.35, 0.5], **parameters).values[0, 1]
        assert getattr(point, view) == pytest.approx(drawn, abs=1e-13)
    assert point.excess == pytest.approx(point.value - point.least) and point.excess > 0
    assert loss.of_prediction(torch.tensor(point.least_at), torch.tensor(0.2), **parameters).item() == pytest.approx(
        point.least, abs=1e-6
    )


def test_a_parameter_left_out_has_its_default_not_the_batch_optimum():
    given = surface(LOSSES["gaussian_optimal"], "value", GRID, GRID, sigma=0.2)
    left_out = surface(LOSSES["gaussian_optimal"], "value", GRID, GRID)
    assert (given.values == left_out.values).all() and left_out.parameters == {"sigma": 0.2}
    assert not (surface(LOSSES["gaussian_optimal"], "value", GRID, GRID, sigma=0.3).values == given.values).any()


# ---- Descent -----------------------------------------------------------------------------------------------------


def test_a_step_is_the_gradient_times_the_step_size():
    path = descend(LOSSES["bce"], 0.8, 0.3, 2.0, 3)
    assert path.logit[0] == pytest.approx(math.log(0.3 / 0.7))
    assert path.logit[1] - path.logit[0] == pytest.approx(-2.0 * (0.3 - 0.8))
    assert path.p[1] == pytest.approx(1 / (1 + math.exp(-path.logit[1])))
    assert path.value[1] == pytest.approx(at_point(LOSSES["bce"], 0.8, path.p[1]).value)
    assert len(path.logit) == len(path.p) == len(path.value) == 4 and path.diverged_at is None


def test_the_gradient_of_the_squared_error_vanishes_at_saturation():
    p = np.array([1e-4, 1e-3, 0.5, 0.999])
    found = surface(LOSSES["mse"], "logit_slope", [1.0], p).values[:, 0]
    np.testing.assert_allclose(found, 2 * (p - 1) * p * (1 - p), rtol=1e-12)
    mse, bce = (descend(LOSSES[key], 1.0, 1e-4, 1.0, 50) for key in ("mse", "bce"))
    assert mse.p[-1] < 1e-3, "stuck"
    assert bce.p[-1] > 0.9, "arrived"


@pytest.mark.parametrize("key", POINTWISE)
def test_a_small_step_goes_down(key):
    path = descend(LOSSES[key], 0.7, 0.2, 0.01, 60)
    assert len(path.value) == 61 and (np.diff(path.value) < 0).all()


def test_a_descent_that_blows_up_keeps_its_finite_beginning():
    path = descend(formula_loss("logits**2"), 0.5, 0.6, 1000.0, 2000)
    assert path.diverged_at is not None and 5 < path.diverged_at < 200
    assert len(path.logit) == path.diverged_at
    assert np.isfinite(path.logit).all() and np.isfinite(path.value).all()


# ---- Bad input ---------------------------------------------------------------------------------------------------

BAD_UNIT = [math.nan, -0.1, 1.0000001, math.inf, "0.5", None, True, [0.5]]


@pytest.mark.parametrize("bad", BAD_UNIT)
def test_points_outside_are_refused(bad):
    for arguments, field in (((bad, 0.5), "x"), ((0.5, bad), "p")):
        with pytest.raises(SettingError, match="from 0 to 1 is accepted") as caught:
            at_point(LOSSES["bce"], *arguments)
        assert caught.value.field == field


@pytest.mark.parametrize("bad", [[], [[0.5]], [0.5, math.nan], [1.1], [-0.1], ["a"], None, 0.5])
def test_axes_outside_are_refused(bad):
    with pytest.raises(SettingError) as caught:
        surface(LOSSES["mse"], "value", bad, GRID)
    assert caught.value.field == "x"
    with pytest.raises(SettingError):
        surface(LOSSES["mse"], "value", GRID, bad)


def test_what_is_not_known_is_refused():
    with pytest.raises(SettingError, match="excess"):
        surface(LOSSES["mse"], "gradient", GRID, GRID)
    with pytest.raises(SettingError, match="one pixel at a time"):
        surface(LOSSES["ssim"], "value", GRID, GRID)
    with pytest.raises(SettingError, match="takes no parameter"):
        at_point(LOSSES["mse"], 0.5, 0.5, sigma=0.1)
    with pytest.raises(SettingError, match=r"from 0\.01 to 2"):
        at_point(LOSSES["gaussian"], 0.5, 0.5, sigma=0.0)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("x", (1.5, 0.5, 0.1, 10)),
        ("p0", (0.5, 0.0, 0.1, 10)),
        ("p0", (0.5, 1, 0.1, 10)),
        ("p0", (0.5, math.nan, 0.1, 10)),
        ("step_size", (0.5, 0.5, 0.0, 10)),
        ("step_size", (0.5, 0.5, 1001, 10)),
        ("step_size", (0.5, 0.5, math.nan, 10)),
        ("steps", (0.5, 0.5, 0.1, 0)),
        ("steps", (0.5, 0.5, 0.1, 2001)),
        ("steps", (0.5, 0.5, 0.1, 1.5)),
    ],
)
def test_descents_that_make_no_sense_are_refused(field, arguments):
    with pytest.raises(SettingError) as caught:
        descend(LOSSES["bce"], *arguments)
    assert caught.value.field == field
