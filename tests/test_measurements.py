"""The results files that ship: they hold the figures of the same comparison made elsewhere, and the claims read them."""

import math
from dataclasses import astuple

import pytest

import vae
from vae.study.claims import CLAIMS
from vae.study.claims import evidence as measured
from vae.study.claims.pictures import MIDDLE_OF_DATA, MIDDLE_OF_PATCHES
from vae.study.sweep.cell import advance_cell

# Sharpness and share of middle pixels of 784-400-20-400-784 on MNIST after 6 epochs, five seeds, another program.
ELSEWHERE = {
    measured.BCE: (0.417, 0.151),
    measured.WEIGHT_1: (0.245, 0.207),
    measured.OPTIMAL: (0.565, 0.126),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_comparison_comes_out_as_elsewhere(name):
    sharpness, middle = measured.bands("sharpness", 20)[name], measured.bands("middle", 20)[name]
    assert sharpness.n == middle.n == 5
    assert float(sharpness.mean) == pytest.approx(ELSEWHERE[name][0], abs=0.03)
    assert float(middle.mean) == pytest.approx(ELSEWHERE[name][1], abs=0.015)
    assert sharpness.high - sharpness.low < 0.03


def test_all_contenders_are_paired_over_the_same_seeds():
    for z, names in ((20, set(measured.CONTENDERS)), (2, set(ELSEWHERE))):
        found = measured.values("sharpness", z)
        assert set(found) == names
        assert {tuple(sorted(v)) for v in found.values()} == {(0, 1, 2, 3, 4)}


def test_equal_effective_beta_is_twice_the_residual_that_bce_reaches():
    errors = measured.values("squared_error", 20)[measured.BCE].values()
    residual = sum(errors) / len(errors) / math.prod((28, 28))
    assert pytest.approx(2 * residual, rel=0.02) == measured.CALIBRATED_BETA


def test_the_statements_say_which_way_how_much_and_how_sure():
    one, calibrated, optimal = measured.statements("sharpness", 20)
    assert one.startswith("At equal weight 1: BCE is sharper than MSE by 0.1")
    assert calibrated.startswith("At equal effective β: BCE is blurrier than MSE")
    assert optimal.startswith("At the optimal σ: BCE is blurrier than MSE by 0.1")
    for said in (one, calibrated, optimal):
        assert "95 % interval" in said and "5 paired seeds" in said and "in all 5 pairs" in said
    assert CLAIMS["blur"].statements() == (one, calibrated, optimal)


def test_the_datas_share_of_middle_pixels_is_counted(mnist):
    x = mnist.test.float() / 255
    assert float(((x > 0.1) & (x < 0.9)).float().mean()) == pytest.approx(MIDDLE_OF_DATA, abs=5e-5)


def test_patches_are_measured_likewise_and_their_share_of_middle_pixels_is_counted():
    x = vae.load_dataset("patches").test / 255
    assert float(((x > 0.1) & (x < 0.9)).float().mean()) == pytest.approx(MIDDLE_OF_PATCHES, abs=5e-5)
    found = measured.values("squared_error", 20, "patches")
    assert set(found) == set(measured.CONTENDERS) and all(set(v) == {0, 1, 2, 3, 4} for v in found.values())
    residual = sum(found[measured.BCE].values()) / 5 / math.prod((28, 28))
    (beta,) = {r.config.beta for r in measured.results() if r.config.dataset == "patches" and r.config.beta != 1}
    assert beta == pytest.approx(2 * residual, rel=0.02)


def test_a_cell_comes_out_again(mnist):
    """The beginning of a training in the file, trained again with this machine's arithmetic."""
    result = next(r for r in measured.results() if r.config.loss == "bce" and r.config.latent_dim == 20)
    _, leg = advance_cell(vae.initial_state(result.config), result.config, mnist, 20)
    assert len(leg.points) == 3
    for again, before in zip(leg.points, result.trajectory):
        assert again.step == before.step
        assert astuple(again) == pytest.approx(astuple(before), rel=1e-3)
