"""The figures of the KL page and of the claims hold the numbers that they are made from."""

import numpy as np
import pytest

from vae.figures import kl as figures
from vae.figures.claims import FIGURES, claim_figure
from vae.figures.theme import LOSS_COLOURS
from vae.losses import kl
from vae.study.claims import CLAIMS

MU, LOG_VAR = kl.axes()
VALUES = kl.grid(MU, LOG_VAR)
AT = (1.0, -1.0, float(kl.divergence(1.0, -1.0)))


def traces(figure, kind=None):
    return [trace for trace in figure["data"] if kind is None or trace["type"] == kind]


def texts(figure):
    """All numbers written at points or bars."""
    return {text for trace in figure["data"] for text in trace.get("text", ())}


@pytest.mark.parametrize("draw", [figures.surface, figures.contours])
def test_the_grid_and_the_cursor_are_drawn(draw):
    drawn = draw(MU, LOG_VAR, VALUES, AT, 300)
    main = drawn["data"][0]
    values = main["z"] if draw is figures.surface else main["customdata"]
    assert np.asarray(values) == pytest.approx(VALUES, rel=1e-6)
    assert main["x"][0] == kl.MU[0] and main["y"][-1] == kl.LOG_VAR[1]
    cursor = drawn["data"][-1]
    assert (cursor["x"][0], cursor["y"][0]) == AT[:2]
    assert cursor["hoverinfo"] == "skip", "a click goes to what lies below"


def test_contours_stand_at_their_levels():
    drawn = figures.contours(MU, LOG_VAR, VALUES, AT, 300)
    assert tuple(t["contours"]["start"] for t in traces(drawn, "contour")) == figures.LEVELS


def test_the_integrand_is_drawn_when_asked_for_with_its_area():
    d = kl.densities(1.0, -1.0)
    without, with_it = (figures.densities(d, 1.0, AT[2], shown, 300) for shown in (False, True))
    assert len(with_it["data"]) == len(without["data"]) + 1
    assert "0.684" in with_it["layout"]["annotations"][0]["text"]
    assert not without["layout"]["annotations"]
    assert (
        with_it["layout"]["yaxis"]["range"][0] < d.integrand.min()
        and with_it["layout"]["yaxis"]["range"][1] > d.q.max()
    )


def test_the_band_is_two_standard_errors_and_the_line_the_closed_form():
    found = kl.estimate(kl.Setting())
    drawn = figures.convergence(found, 200)
    band, mean = drawn["data"]
    assert band["y"][: len(found.values)] == pytest.approx(found.values + 2 * found.errors)
    assert mean["y"] == pytest.approx(found.values)
    assert drawn["layout"]["shapes"][0]["y0"] == found.exact
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low <= np.min(found.values - 2 * found.errors) and high >= np.max(found.values + 2 * found.errors)


def test_the_shortest_run_has_a_point_to_show():
    drawn = figures.convergence(kl.estimate(kl.Setting(samples=10)), 200)
    assert "markers" in drawn["data"][1]["mode"] and len(drawn["data"][1]["x"]) == 1


def test_the_step_that_breaks_is_marked_and_nothing_where_none_does():
    weight = kl.code_weight()
    logged = kl.descend("log_var", 0.01, 0.1, weight)
    broken = figures.variance_paths(kl.descend("variance", 0.01, 0.1, weight), logged, kl.best_variance(weight))
    whole = figures.variance_paths(kl.descend("variance", 0.01, 0.003, weight), logged, kl.best_variance(weight))
    assert len(broken["data"]) == 3 and broken["data"][2]["x"][0] == 4 and broken["data"][2]["y"][0] < 0
    assert "nan" in broken["data"][2]["text"][0]
    assert len(whole["data"]) == 2


def test_shares_come_to_the_whole():
    rows = kl.weigh(4.0)
    first, second = figures.weighing(rows)["data"]
    assert np.add(first["x"], second["x"]) == pytest.approx([100] * 3)
    assert second["x"][0] == pytest.approx(100 * 5 / 36)


def test_every_claim_has_a_figure():
    assert set(FIGURES) == set(CLAIMS)


@pytest.mark.parametrize("key", CLAIMS)
def test_a_claims_figure_holds_no_nan_where_it_draws(key):
    drawn = claim_figure(CLAIMS[key].check(), 321)
    assert drawn["layout"]["height"] == 321 and drawn["data"]
    for trace in drawn["data"]:
        assert np.isfinite(np.asarray(trace["y"], dtype=float)).mean() > 0.99


# Numbers of the evidence that stand in the figure, as the table beside it prints them.
SHOWN = {
    "perfect_costs": {"0.5004", "0.6730", "0.6931"},
    "asymmetry": {"0.0444", "0.0257", "0.0100"},
    "direction": {"0.2853", "0.0843", "0.5261", "0.5448"},
    "mse_zero": {"0", "0.01"},
    "blur": {"0.42", "0.25", "0.53", "0.57", "0.08", "0.11"},
    "middle": {"0.086", "0.150", "0.205", "0.132", "0.126"},
    "root": {"7.84", "2.80"},
    "kl_least": {"0"},
    "mse_weight": {"at the residual: 12.6", "MSE: 1"},
    "bce_weight": {"2.0", "5.6", "25.5"},
    "saturation": {"-0.999", "-0.002", "-0.500", "-0.250"},
    "reduction": {"86.1", "13.9", "99.2", "0.8"},
}


@pytest.mark.parametrize("key", SHOWN)
def test_the_figure_shows_the_numbers(key):
    assert texts(claim_figure(CLAIMS[key].check())) == SHOWN[key]


def test_the_densities_of_a_grey_pixel_name_their_areas():
    drawn = claim_figure(CLAIMS["not_bernoulli"].check())
    assert [trace["name"] for trace in drawn["data"]] == ["BCE: area 0.433", "Continuous Bernoulli: area 1.000"]


@pytest.mark.parametrize(("key", "losses"), [("asymmetry", {"bce", "mse"}), ("saturation", {"bce", "mse"}),
                                             ("not_bernoulli", {"bce", "continuous_bernoulli"})])  # fmt: skip
def test_a_loss_has_its_colour(key, losses):
    colours = {trace["line"]["color"] for trace in claim_figure(CLAIMS[key].check())["data"] if "line" in trace}
    assert {LOSS_COLOURS[loss] for loss in losses} <= colours
