"""The parts of the benchmarks that can be right or wrong; how fast anything is, is never asserted."""

import math
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import Row, exponent, in_turn, paired
from vae.training.config import multiply_adds

ROOT = Path(__file__).parents[1]


@pytest.mark.quick
@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 2.0])
def test_an_exact_power_is_found(power):
    xs = [16, 24, 32, 64]
    assert exponent(xs, [3.7 * x**power for x in xs]) == pytest.approx(power, abs=1e-12)


@pytest.mark.quick
def test_the_exponent_of_a_mixture_lies_between_its_parts():
    xs = [32, 128, 512, 2048]
    assert 0 < exponent(xs, [100 + x for x in xs]) < 1


@pytest.mark.quick
def test_ratios_are_taken_within_a_round():
    """A machine that slows threefold from round to round: the ratio of medians would be 2 as well, that of means not."""
    assert paired([2.0, 6.0, 30.0], [1.0, 3.0, 9.0]) == 2.0
    with pytest.raises(ValueError):
        paired([1.0], [1.0, 2.0])


@pytest.mark.quick
def test_all_take_turns_in_every_round():
    order = []
    found = in_turn({name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"}, 3)
    assert order == list("ababab") and found == {"a": [1, 3, 5], "b": [2, 4, 6]}


@pytest.mark.quick
def test_a_line_of_the_table():
    from benchmarks.table import line

    assert line("step", Row("what", 1234.6, "ms", "beside")) == "| step | what | 1,235 ms | beside |"
    assert line("step", Row("what", 0.01234, "s")) == "| step | what | 0.0123 s |  |"
    assert "inf" in line("goals", Row("never", math.inf, "s"))


@pytest.mark.quick
def test_every_section_is_said_in_the_document():
    from benchmarks.table import SECTIONS

    told = (ROOT / "docs" / "performance.md").read_text()
    named = re.search(r"Sections: (.*?)\.\n", told, re.DOTALL)
    assert named and re.findall(r"`(\w+)`", named[1]) == list(SECTIONS)


@pytest.mark.quick
def test_a_goal_is_reached_at_the_first_look_that_is_good_enough():
    from benchmarks.steps import seconds_to

    figures = iter([130.0, 116.0, 117.0, 105.0])
    found = seconds_to((116.3, 105.6, 90.0), (lambda: next(figures) for _ in range(4)))
    assert 0 < found[116.3] < found[105.6] and found[90.0] == math.inf


@pytest.mark.quick
@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_the_plain_loss_is_the_one_that_is_trained_here(loss):
    """With the same noise: its sum over a batch is the objective's mean times the batch."""
    from benchmarks.plain import plain_loss
    from vae import TrainConfig
    from vae.training.step import training_terms

    config = TrainConfig(dataset="digits", loss=loss)
    x = torch.rand(6, *config.shape)
    net = config.build_model()
    torch.manual_seed(3)
    plain = plain_loss(config, net, x)
    torch.manual_seed(3)
    ours = training_terms(config, net, x, torch.default_generator, 0).objective
    assert plain.item() == pytest.approx(6 * ours.item(), rel=1e-5)


@pytest.mark.quick
def test_the_steps_that_are_measured_are_those_of_a_training():
    from benchmarks.steps import our_steps
    from vae import TrainConfig

    config = TrainConfig(dataset="digits")
    assert len(list(islice(our_steps(config), 3))) == 3


@pytest.mark.quick
def test_products_alone_are_all_multiply_adds_but_one():
    """Eleven products: forward and weights take one pass each, and no gradient of the images is needed."""
    from benchmarks.steps import MLP, products

    small = replace(MLP, batch_size=2)
    with FlopCounterMode(display=False) as counted:
        next(products(small))
    images = 784 * 400 * 2  # multiply-adds of the product that a step leaves out
    assert counted.get_total_flops() / 2 == 3 * 2 * multiply_adds(small) - images
