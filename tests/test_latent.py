"""Walks through the latent space: quantiles, angles, means and planes where the mathematics puts them."""

import math

import pytest
import torch

from vae import SettingError, kl_divergence
from vae.latent.codes import (
    Walk,
    axis_between,
    cross_fade,
    direction,
    health,
    lerp,
    moved,
    order_by_kl,
    plane_of_dimensions,
    plane_of_pca,
    principal_directions,
    prior_samples,
    quantile_grid,
    scale_of,
    slerp,
)

T = torch.linspace(0, 1, 11)
SPREADS = torch.tensor([0.1, 2.0, 0.5, 1.0, 0.02])


@pytest.fixture(scope="module")
def codes():
    """300 codes of 5 dimensions with the standard deviations SPREADS around a mean of 3."""
    return 3 + torch.randn(300, 5, generator=torch.Generator().manual_seed(1)) * SPREADS


def test_dimensions_are_ordered_by_their_kl_and_ties_by_index():
    assert order_by_kl((0.5, 2.0, 0.0, 2.0, 3.0)) == (4, 1, 3, 0, 2)
    assert order_by_kl(torch.tensor([0.1, 0.2])) == (1, 0)


def test_a_strip_changes_one_dimension_and_no_other():
    walk = Walk(torch.tensor([1.0, 2.0, 3.0]), (2, 0), (0.5, -1.0), torch.tensor([1.0, 1.0, 2.0]))
    assert walk.here().tolist() == [0, 2, 4]
    strips = walk.strips(torch.tensor([-1.0, 0.0, 0.5]))
    assert strips[0].tolist() == [[0, 2, 1], [0, 2, 3], [0, 2, 4]]
    assert strips[1].tolist() == [[0, 2, 4], [1, 2, 4], [1.5, 2, 4]]
    assert walk.start.tolist() == [1, 2, 3]


def test_a_unit_is_a_deviation_of_the_prior_or_of_the_codes(codes):
    assert scale_of("prior", 5).tolist() == [1] * 5
    torch.testing.assert_close(scale_of("codes", 5, codes), (codes - codes.mean(0)).square().mean(0).sqrt())


def test_an_unknown_unit_and_missing_codes_are_one_sentence(codes):
    with pytest.raises(SettingError, match="unit = 'pixels' cannot be used: one of prior, codes is accepted"):
        scale_of("pixels", 2)
    for none in (None, codes[:0]):
        with pytest.raises(SettingError, match="needs the codes of at least one image"):
            scale_of("codes", 5, none)


def test_the_cells_of_the_quantile_grid_hold_equal_shares_of_the_prior():
    n = 8
    grid = quantile_grid(n)
    assert grid.shape == (n * n, 2)
    cdf = torch.special.ndtr(grid.double()).view(n, n, 2)
    centres = (torch.arange(n) + 0.5) / n  # equal steps of probability mass
    torch.testing.assert_close(cdf[0, :, 0], centres.double(), atol=1e-7, rtol=0)
    torch.testing.assert_close(cdf[:, 0, 1], centres.flip(0).double(), atol=1e-7, rtol=0)
    draws = torch.special.ndtr(prior_samples(40_000, 2, seed=0).double())
    mass = torch.bincount((draws[:, 0] * n).long() * n + (draws[:, 1] * n).long(), minlength=n * n) / len(draws)
    assert (mass * n * n - 1).abs().max() < 0.15  # 5 standard errors of a cell's count


def test_the_quantile_grid_is_symmetric_and_starts_top_left():
    grid = quantile_grid(5).view(5, 5, 2)
    torch.testing.assert_close(grid, -grid.flip(0, 1))
    assert grid[0, 0, 0] < 0 < grid[0, 0, 1] and grid[2, 2].tolist() == [0, 0]
    assert quantile_grid(4, rows=1)[:, 1].tolist() == [0] * 4


def test_points_of_a_plane_come_back_as_their_coordinates(codes):
    grid = quantile_grid(6)
    for plane in (plane_of_dimensions(codes[0], 3, 1), plane_of_pca(codes)):
        torch.testing.assert_close(plane.coordinates(plane.points(grid)), grid, atol=1e-5, rtol=1e-4)
    points = plane_of_dimensions(codes[0], 3, 1).points(grid)
    assert torch.equal(points[:, [3, 1]], grid)  # so the prior's quantiles fit
    assert points[:, [0, 2, 4]].eq(codes[0, [0, 2, 4]]).all()


def test_the_plane_of_pca_is_that_of_the_largest_spread_in_units_of_it(codes):
    plane = plane_of_pca(codes)
    torch.testing.assert_close(plane.coordinates(codes).std(0, correction=0), torch.ones(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(plane.coordinates(codes).mean(0), torch.zeros(2), atol=1e-4, rtol=0)
    assert plane.first.abs().argmax() == 1 and plane.second.abs().argmax() == 3  # the largest of SPREADS
    _, deviations, directions = principal_directions(codes)
    torch.testing.assert_close(directions @ directions.T, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(deviations.square().sum(), codes.double().var(0, correction=0).sum())
    assert (directions.max(1).values == directions.abs().max(1).values).all()


def test_one_and_two_latent_dimensions(codes):
    for plane in (plane_of_dimensions(torch.tensor([0.7]), 0, 0), plane_of_pca(codes[:, :1])):
        assert plane.is_line
        assert plane.points(plane.grid(4)).shape == (4, 1)
        torch.testing.assert_close(plane.coordinates(plane.points(plane.grid(4))), plane.grid(4))
    whole = plane_of_dimensions(torch.zeros(2), 0, 1)
    assert not whole.is_line and torch.equal(whole.points(whole.grid(4)), quantile_grid(4))
    square = plane_of_pca(codes[:, :2])
    torch.testing.assert_close(square.points(square.coordinates(codes[:, :2])), codes[:, :2])


def test_codes_without_directions_are_refused(codes):
    with pytest.raises(SettingError, match="number of codes = 1 cannot be used: at least 2 are needed"):
        plane_of_pca(codes[:1])
    broken = codes.clone()
    broken[3, 2], broken[5, 0] = math.nan, math.inf
    with pytest.raises(SettingError, match="not finite = 2 cannot be used"):
        plane_of_pca(broken)


def test_lerp_is_straight_and_exact_at_its_ends(codes):
    a, b = codes[0], codes[1]
    walk = lerp(a, b, T)
    assert torch.equal(walk[0], a) and torch.equal(walk[-1], b)
    torch.testing.assert_close(walk.diff(dim=0), ((b - a) / 10).expand(10, 5), atol=1e-5, rtol=1e-4)
    x_a, x_b = torch.zeros(1, 2, 2), torch.ones(1, 2, 2)
    torch.testing.assert_close(cross_fade(x_a, x_b, T)[:, 0, 1, 1], T)


def test_slerp_keeps_equal_norms_and_turns_at_constant_speed():
    a, b = prior_samples(2, 20, seed=3)
    b = b * a.norm() / b.norm()
    walk = slerp(a, b, T)
    torch.testing.assert_close(walk.norm(dim=1), a.norm().expand(11))
    assert lerp(a, b, T).norm(dim=1).min() < 0.9 * a.norm()  # which the straight way does not
    torch.testing.assert_close(walk[0], a)
    torch.testing.assert_close(walk[-1], b)
    angles = torch.acos((walk[1:] * walk[:-1]).double().sum(1) / a.double().norm().square())
    torch.testing.assert_close(angles, angles.mean().expand(10), atol=1e-5, rtol=0)
    torch.testing.assert_close(slerp(a, 3 * b, T).norm(dim=1), a.norm() * (1 + 2 * T))  # and norms go evenly


def test_slerp_without_a_way_round_is_the_straight_way():
    a, zero = torch.tensor([1.0, 2.0]), torch.zeros(2)
    for b in (a, 2.5 * a, -a, zero):
        assert torch.equal(slerp(a, b, T), lerp(a, b, T))
    assert torch.equal(slerp(zero, a, T), lerp(zero, a, T))
    near = slerp(a, a + torch.tensor([2e-4, -1e-4]), T)
    assert near.isfinite().all() and (near - a).abs().max() < 3e-4


def test_prior_samples_are_standard_normal_and_fixed_by_their_seed():
    z = prior_samples(20_000, 3, seed=5)
    assert torch.equal(z, prior_samples(20_000, 3, seed=5))
    assert not torch.equal(z, prior_samples(20_000, 3, seed=6))
    assert z.mean(0).abs().max() < 0.03 and (z.std(0) - 1).abs().max() < 0.03


def test_arithmetic_is_exact_on_linear_data():
    """Codes made of a base and an attribute vector: the difference of means is that vector, and moving adds it."""
    base = prior_samples(40, 4, seed=0)
    attribute = torch.tensor([1.0, -2.0, 0.5, 0.0])
    codes = torch.cat((base, base + attribute))
    mask = torch.arange(80) >= 40
    found = direction(codes, mask, ~mask)
    torch.testing.assert_close(found, attribute)
    torch.testing.assert_close(direction(codes, list(range(40, 80)), range(40)), attribute)
    torch.testing.assert_close(
        moved(codes[7], found, torch.tensor([-1.0, 0.0, 1.0])), torch.stack((base[7] - attribute, base[7], codes[47]))
    )
    pictures = codes.repeat(1, 16)  # flattened pictures go the same way
    torch.testing.assert_close(direction(pictures, mask, ~mask), attribute.repeat(16))


def test_an_empty_group_is_named():
    codes = torch.zeros(4, 2)
    full, empty = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    with pytest.raises(SettingError, match="number of images in the group minus = 0 cannot be used: at least one"):
        direction(codes, full, empty)
    with pytest.raises(SettingError, match="group plus"):
        direction(codes, [], [0])


def test_an_axis_runs_from_one_class_mean_to_the_other(codes):
    labels = torch.arange(300) % 3
    axis = axis_between(codes, labels, 2, 0)
    at = axis.coordinates
    assert float(at[labels == 2].mean()) == pytest.approx(0, abs=1e-5)
    assert float(at[labels == 0].mean()) == pytest.approx(1, abs=1e-5)
    nearest = axis.origin + at[:, None] * axis.direction
    assert ((codes - nearest) @ axis.direction).abs().max() < 1e-4  # what is left over is at a right angle
    with pytest.raises(SettingError, match="group 7"):
        axis_between(codes, labels, 0, 7)
    with pytest.raises(SettingError, match="from 1 to 1.*different mean codes"):
        axis_between(codes, labels, 1, 1)


VERDICTS = [
    ((2.0, 0.5, 1.0), "All 3 dimensions are used."),
    ((2.0, 0.09, 0.11), "2 of 3 dimensions are used."),  # variances on both sides of .01
    ((2.0, 0.01, 0.0), "1 of 3 dimensions is used."),
    ((0.05, 0.01, 0.0), "Collapsed: the decoder ignores z."),
    ((1.0,), "The only dimension is used."),
    ((0.0,), "Collapsed: the decoder ignores z."),
]


@pytest.mark.parametrize("spreads, verdict", VERDICTS)
def test_verdicts_on_codes_of_known_spread(spreads, verdict):
    spreads = torch.tensor(spreads)
    mu = 1 + torch.tensor([-1.0, 1.0]).repeat(50)[:, None] * spreads  # mean 1, sd as given, exactly
    log_var = torch.full_like(mu, -2.0)
    found = health(mu, log_var)
    assert found.verdict == verdict
    assert found.sd == pytest.approx(spreads.tolist(), abs=1e-7) and found.mean == pytest.approx([1.0] * len(spreads))
    assert found.kl_per_dim == pytest.approx(kl_divergence(mu, log_var).mean(0).tolist())
    assert found.n_active == sum(s > 0.1 for s in spreads.tolist())  # a variance of .01


def test_health_of_broken_codes_is_refused():
    mu = torch.zeros(5, 2)
    with pytest.raises(SettingError, match="not finite = 1"):
        health(mu, torch.tensor([[0.0, math.inf]] + [[0.0, 0.0]] * 4))
    with pytest.raises(SettingError, match="at least 2"):
        health(mu[:1], mu[:1])
