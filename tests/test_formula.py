"""A formula is a loss like those of the table, or one sentence says why not."""

import math
import random
import sys
import time
from collections import Counter

import numpy as np
import pytest
import torch
from formula_generator import HOSTILE, check_sentence, formula, outcome

import vae
from vae.errors import SettingError
from vae.losses.arguments import defaults
from vae.losses.formula import EPSILON, FUNCTIONS, formula_loss
from vae.losses.surfaces import VIEWS, at_point, surface
from vae.losses.table import LOSSES

torch.set_num_threads(1)  # arrays this small only lose by being shared out

GRID = np.linspace(0, 1, 21)
BCE = "-x*log(p) - (1-x)*log(1-p)"
SAME = {  # formulas of losses in the table, with the default parameters
    "mse": "(x - p)**2",
    "bce": BCE,
    "gaussian": "(x - p)**2 / (2*.2**2) + log(.2) + log(2*pi)/2",
    "laplace": "abs(x - p)/.1 + log(2*.1)",
    "logcosh": "log((exp(10*(x-p)) + exp(-10*(x-p)))/2)/10",
}


# ---- Formulas that work ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", SAME)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_formula_trains_like_the_loss_it_writes(key, dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (4 * torch.randn(200, generator=generator, dtype=dtype)).requires_grad_()
    x = torch.rand(200, generator=generator, dtype=dtype)
    typed, known = formula_loss(SAME[key]).pixelwise(logits, x), LOSSES[key].pixelwise(logits, x)
    assert typed.dtype == dtype and typed.shape == x.shape
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype is torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
    torch.testing.assert_close(typed, known, **tolerance)
    gradients = [torch.autograd.grad(value.sum(), logits)[0] for value in (typed, known)]
    torch.testing.assert_close(*gradients, **tolerance)


@pytest.mark.parametrize("key", SAME)
@pytest.mark.parametrize("view", VIEWS)
def test_a_formula_has_the_surfaces_of_the_loss_it_writes(key, view):
    typed = surface(formula_loss(SAME[key]), view, GRID, GRID).values
    known = surface(LOSSES[key], view, GRID, GRID).values
    if (key, view) in {("laplace", "curvature"), ("laplace", "slope"), ("laplace", "logit_slope")}:
        kink = np.eye(21, dtype=bool)  # no derivative at p = x: autograd says 0
        typed, known = typed[~kink], known[~kink]
    np.testing.assert_allclose(typed, known, rtol=1e-6, atol=1e-8)


def test_undefined_corners_are_limits():
    loss = formula_loss(BCE)
    assert at_point(loss, 0.0, 0.0).value == pytest.approx(0, abs=1e-11)
    assert at_point(loss, 0.3, 0.0).value == math.inf
    softplus = formula_loss("maximum(logits, 0) - x*logits + log(1 + exp(-abs(logits)))")  # inf - inf at p = 1
    assert at_point(softplus, 0.5, 1.0).value == math.inf
    assert at_point(softplus, 1.0, 1.0).value == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("text", [BCE, "log(p)", "log(1-p) + x", "(1-p)**-1"])
def test_logarithms_are_finite_wherever_a_network_may_go(text):
    logits = torch.linspace(-100, 100, 401).requires_grad_()
    value = formula_loss(text).pixelwise(logits, torch.tensor(0.5))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert value.isfinite().all() and gradient.isfinite().all()
    assert value.abs().max() <= 1.001 / EPSILON


@pytest.mark.parametrize(
    ("text", "x", "p", "value"),
    [
        ("2 - 3 - p", 0, 0.5, -1.5),
        ("2**p**2", 0, 0.5, 2**0.25),
        ("-p**2", 0, 0.5, -0.25),
        ("2/4*p", 0, 0.5, 0.25),
        ("abs(x - p)", 0.75, 0.5, 0.25),
        ("exp(p)", 0, 0.5, math.exp(0.5)),
        ("log(p)", 0, 0.5, math.log(0.5)),
        ("xlogy(p, 1 + x)", 1, 0.5, 0.5 * math.log(2)),
        ("p + xlogy(x, x/p)", 0, 0.5, 0.5),
        ("sqrt(p)", 0, 0.25, 0.5),
        ("tanh(p)", 0, 0.5, math.tanh(0.5)),
        ("sigmoid(p)", 0, 0.5, 1 / (1 + math.exp(-0.5))),
        ("minimum(x, p)", 0.25, 0.5, 0.25),
        ("maximum(x, p)", 0.25, 0.5, 0.5),
        ("clip(p, .2, .4)", 0, 0.5, 0.4),
        ("clip(p, .6, 1)", 0, 0.7, 0.7),
        ("clip(.1, p, x)", 1, 0.5, 0.5),
        ("where(p > x, p, 3*p)", 0.25, 0.5, 0.5),
        ("where(p > x, p, 3*p)", 0.75, 0.5, 1.5),
        ("where(p <= x, p, 3*p)", 0.5, 0.5, 0.5),
        ("where(p < x, p, 3*p)", 0.5, 0.5, 1.5),
        ("where(p >= x, p, 3*p)", 0.5, 0.5, 0.5),
        ("logits", 0, 0.75, math.log(3)),
        ("p*pi + e", 0, 0.5, math.pi / 2 + math.e),
        ("1e-3*p + .5 + 2.", 0, 0.5, 2.5005),
        (" ( p\n + x ) ", 0.25, 0.5, 0.75),
    ],
)
def test_values(text, x, p, value):
    assert at_point(formula_loss(text), x, p).value == pytest.approx(value, rel=1e-12)


def test_every_function_is_among_the_values_tested():
    tested = next(mark.args[1] for mark in test_values.pytestmark)
    assert all(any(f"{name}(" in case[0] for case in tested) for name in FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("(x-p)**2", r"\left(x - p\right)^{2}"),
        ("x-p-1", "x - p - 1"),
        ("x-(p-1)", r"x - \left(p - 1\right)"),
        ("-x*log(p)", r"-x \cdot \log\left(p\right)"),
        ("1+-x*p", r"1 + \left(-x \cdot p\right)"),
        ("(x+p)/(2*p+1)", r"\frac{x + p}{2 \cdot p + 1}"),
        ("2**-p", "2^{-p}"),
        ("(p**2)**2", r"\left(p^{2}\right)^{2}"),
        ("(p/2)**2", r"\left(\frac{p}{2}\right)^{2}"),
        ("2e-7*p", r"{2 \cdot 10^{-7}} \cdot p"),
        ("sqrt(p)*pi", r"\sqrt{p} \cdot \pi"),
        ("where(p < x, p, 1 - p)", r"\begin{cases}p & \text{if } p < x\\ 1 - p & \text{otherwise}\end{cases}"),
    ],
)
def test_latex(text, latex):
    assert formula_loss(text).latex == latex


def test_the_record():
    loss = formula_loss("(x-p)**2")
    assert (loss.key, loss.name, loss.pointwise, loss.normalised) == ("formula", "(x-p)**2", True, False)
    assert defaults(loss) == {} and loss.given() == ()
    assert formula_loss(" (x-p)**2 ") is loss, "built once"
    assert len(formula_loss("(x-p)**2 + 0*(" + "+".join("p" * 15) + ") + 0*x + 0*logits").name) <= 40


def test_shapes_are_those_of_the_images():
    logits, x = torch.zeros(3, 1, 4, 4), torch.zeros(3, 1, 4, 4)
    for text in ("(x-p)**2", "p", "logits**2/100", "p + 0*x"):
        assert formula_loss(text).pixelwise(logits, x).shape == (3, 1, 4, 4)
    assert formula_loss("p").of_prediction(torch.zeros(5, 1), torch.zeros(1, 7)).shape == (5, 7)


# ---- Formulas that do not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: ascii(t[:20]))
def test_hostile_text_is_refused_in_one_sentence(text):
    with pytest.raises(SettingError) as caught:
        formula_loss(text)
    check_sentence(caught.value)


@pytest.mark.parametrize("bad", [None, 3, b"p", ["p"], {"p": 1}, math.nan])
def test_what_is_not_text_is_refused(bad):
    with pytest.raises(SettingError, match="a formula in x, p, logits"):
        formula_loss(bad)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("log(p - .5)", "log(p - 0.5) is not finite at x = 0, p = 0.0001"),
        ("log(abs(p - .5))", "log(abs(p - 0.5)) is not finite at x = 0, p = 0.5"),
        ("1 + 2*(p/x)", "p / x is not finite at x = 0, p = 0.0001"),
        ("p + 9**9**9", "9 ** 9 ** 9 is not finite"),
        ("sqrt((x-p)**2)", "the gradient of sqrt((x - p) ** 2) is not finite at x = 0.025, p = 0.025"),
        ("where(p > x, log(p - x), p)", "the gradient of where("),
        ("exp(logits)", "exp(logits) is not finite at x = 0, logits = 100"),
        ("x", "does not depend on the prediction"),
        ("1", "does not depend on the prediction"),
        ("p - p", "does not depend on the prediction"),
        ("where(p > .5, 1, 0)", "does not depend on the prediction"),
        ("sqrt(1e6*p - .1)", "sqrt(1000000.0 * p - 0.1) has no value at x = 0, p = 0"),
        ("True*p", "'True' is not known"),
        ("q + p", "'q' is not known"),
        ("sin(p)", "'sin' is not known"),
        ("abs", "'abs' is not known"),
        ("p.real", "cannot be read from '.real'"),
        ("p +", "is not a complete expression"),
        ("(p", "is not a complete expression"),
        ("007*p", "is not a complete expression"),
        ("p < x", "a comparison is accepted as the first argument of where()"),
        ("p + (p < x)", "a comparison is accepted as the first argument of where()"),
        ("where(p, x, 1)", "a comparison is accepted as the first argument of where()"),
        ("where(0 < p < 1, x, p)", "a comparison has two sides"),
        ("where(p < x, p)", "where() is given 2 arguments and takes 3"),
        ("abs(p, x)", "abs() is given 2 arguments and takes 1"),
        ("1000001*p", "numbers up to 1,000,000 are accepted"),
        ("1e400*p", "numbers up to 1,000,000 are accepted"),
        ("p" + " " * 300 + "+x", "it has 303 characters; up to 300 are accepted"),
        ("-" * 120 + "p", "it has 121 parts; up to 100 are accepted"),
        ("-" * 20 + "p", "nested deeper than the accepted 20 levels"),
    ],
)
def test_refusals_name_what_is_wrong(text, says):
    with pytest.raises(SettingError) as caught:
        formula_loss(text)
    assert says in str(caught.value)
    check_sentence(caught.value)


def test_the_caps_are_where_they_are_said_to_be():
    assert formula_loss("-" * 19 + "p")
    assert formula_loss("p" + " " * 297 + "+x")
    sixteen = "(p+p+p+p)+(p+p+p+p)+((p+p+p+p)+(p+p+p+p))"  # 31 parts
    longest = f"{sixteen}+({sixteen}+({sixteen}))"  # 95 parts
    assert formula_loss(f"{longest}+p+-p")
    with pytest.raises(SettingError, match="101 parts"):
        formula_loss(f"{longest}+p+p+p")


def test_nothing_in_the_text_is_executed(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("executed")

    monkeypatch.setattr("builtins.eval", forbidden)
    monkeypatch.setattr("builtins.exec", forbidden)
    seen = []
    monkeypatch.setattr("builtins.__import__", lambda name, *a, **k: seen.append(name) or _import(name, *a, **k))
    with pytest.raises(SettingError):
        formula_loss("__import__('antigravity')")
    assert formula_loss("(x-p)**2 + 0*p")
    assert "antigravity" not in seen and "antigravity" not in sys.modules


_import = __import__


def test_a_warning_of_the_parser_cannot_occur(recwarn):
    for text in ("1if p else 2", "p 1or x", "'\\d'", "0or p", "1in p", "0x1for"):
        with pytest.raises(SettingError):
            formula_loss(text)
    assert not recwarn.list


# ---- Generated formulas ------------------------------------------------------------------------------------------


def test_generated_formulas_work_or_are_refused():
    generator, counts, start = random.Random(0), Counter(), time.perf_counter()
    for _ in range(3000):
        text = formula(generator)
        try:
            counts[outcome(text, grid=5)] += 1
        except Exception as error:
            pytest.fail(f"{text!r}: {type(error).__name__}: {error}")
    assert counts["accepted"] > 400 and counts["refused"] > 400, counts
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x^2 - p", "a power is written with \\*\\*, as x\\*\\*2"),
        ("x² - p", "a power is written with"),
        ("2x*p", "a product is written with its \\*, as 2\\*x"),
        ("2(x - p)", "a product is written with its"),
        ("p(1 - p)", "a product is written with its"),
        ("p − x", "a minus is written with -"),
        (".2 < p < .8", "a comparison has two sides"),
        ("where(.2 < p < .8, p, x)", "a comparison has two sides"),
        ("sqrt((x-p)**2)", "the root of a square is abs"),
        ("x*log(x/p)+(1-x)*log((1-x)/(1-p))", "xlogy\\(a, b\\) is a log\\(b\\), and 0 where a is 0"),
    ],
)
def test_what_people_write_is_answered_with_what_to_write_instead(text, told):
    with pytest.raises(SettingError, match=told) as caught:
        formula_loss(text)
    assert "minimum, maximum" not in str(caught.value)  # not by a list of all there is


def test_a_plus_before_a_term_changes_nothing():
    assert (
        formula_loss("+p").latex == "p" and formula_loss("+(x-p)**2 + +p").latex == formula_loss("(x-p)**2 + p").latex
    )


def test_a_divergence_can_be_written_with_zero_times_log_zero():
    loss = formula_loss("xlogy(x, x/p) + xlogy(1-x, (1-x)/(1-p))")
    x, p = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64), torch.tensor(0.25, dtype=torch.float64)
    bce = vae.LOSSES["bce"].of_prediction
    torch.testing.assert_close(loss.of_prediction(p, x), bce(p, x) - bce(x, x))
    assert [at_point(loss, v, v).value for v in (0.0, 1.0)] == [0, 0]


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("p**0.1*log(p)*(1-x) + (x-p)**2", 0.0, 0.0),
        ("p**0.1*log(p)*(1-x) + (x-p)**2", 0.5, 0.25),
        ("p**.25*log(p)+x", 0.0, 0.0),
        ("p**.25*log(p)+x", 0.3, 0.3),
        ("p*log(p) + x", 0.3, 0.3),
        ("log(1+p)/p*log(p)*(-1)", 0.3, math.inf),  # differences that lose their digits near 0 are no limit
        ("-log(p)", 0.3, math.inf),
        ("(exp(p)-1)/p + x", 0.0, 1.0),
    ],
)
def test_a_limit_that_is_reached_slowly_is_reached(text, x, value):
    assert at_point(formula_loss(text), x, 0.0).value == pytest.approx(value, abs=1e-9)
