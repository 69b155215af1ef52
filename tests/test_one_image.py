"""What the browser may send of a drawing and of the sliders, and what the terms say."""

import base64
import re

import numpy as np
import pytest
import torch

from vae import LOSSES, TrainConfig, load_dataset
from vae.figures.terms import KL, formula, sum_of_terms
from vae.figures.theme import LOSS_COLOURS
from vae.latent.forward_pass import forward_pass, noise
from vae.losses.kl_terms import KL_TERMS
from vae.ui.latent.diagram import _numbers
from vae.ui.shared.canvas import SIDE, levels


def test_a_drawing_comes_back_as_it_was_sent():
    drawn = np.arange(SIDE * SIDE, dtype=np.uint32).astype(np.uint8).reshape(SIDE, SIDE)
    assert np.array_equal(levels(base64.b64encode(drawn.tobytes()).decode()), drawn)
    painted = np.stack([drawn, drawn // 2, 255 - drawn], 2)  # red, green, blue of a pixel after each other
    assert np.array_equal(levels(base64.b64encode(painted.tobytes()).decode(), 3), painted.transpose(2, 0, 1))


@pytest.mark.parametrize("sent", [None, "", 7, ["a"], "not base64!", "é", "AAAA", "A" * 16724])
def test_anything_else_is_no_drawing(sent):
    assert levels(sent) is None and levels(sent, 3) is None


def test_sliders_stay_within_what_a_link_can_carry():
    assert _numbers([1, -0.5, 99, float("nan"), "x", None]) == [1.0, -0.5, 6.0]
    assert _numbers("1,2") == [] and _numbers(None) == []


@pytest.mark.parametrize(
    ("key", "reduction", "kl_term"),
    [(key, reduction, "constant") for key in LOSSES for reduction in ("sum", "mean")]
    + [("bce", "sum", term) for term in KL_TERMS],
)
def test_the_numbers_shown_add_up_and_the_formula_has_their_colours(key, reduction, kl_term):
    config = TrainConfig(loss=key, latent_dim=3, hidden=(20,), beta=2.0, reduction=reduction, kl_term=kl_term)
    model = config.build_model().requires_grad_(False)
    x = load_dataset("digits").test[0]
    seen = forward_pass(config, model, x, noise(1, 3), torch.zeros(3))
    shown = re.findall(r"<b>(.*?)</b>", sum_of_terms(LOSSES[key], seen, "a <title>").replace("−", "-").replace(",", ""))
    first, kl, total = (eval(number.replace("·", "*"), {}) for number in shown)
    assert first + kl == pytest.approx(total, abs=0.03) and total == pytest.approx(seen.objective(key), abs=0.006)
    written = formula(LOSSES[key], config)
    assert LOSS_COLOURS[key] in written and KL in written
    assert written.count("{") == written.count("}") and (r"\frac{1}{64}" in written) == (reduction == "mean")
