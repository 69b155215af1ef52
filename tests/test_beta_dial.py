"""One dial: weight, sigma and beta are one number, and turning it changes the same training whatever it is called."""

import itertools
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch

import vae
from vae.data import to_unit
from vae.figures.dial import CHARACTER, Place, dial
from vae.losses.formula import formula_loss
from vae.training.beta_dial import (
    HIGH,
    LOW,
    SCALES,
    TICKS,
    _squared_error,
    dial_of,
    effective_beta,
    optimum,
    remark,
    residual_of,
    turned,
    weight_of,
)
from vae.training.evaluation import terms_of_batch
from vae.training.presets import PRESETS


def small(**changes) -> vae.TrainConfig:
    return vae.TrainConfig(**({"hidden": (32,), "latent_dim": 3, "loss": "mse"} | changes))


# ---- Numbers -----------------------------------------------------------------------------------------------------


def test_effective_betas_of_the_dialects():
    values = {key: effective_beta(preset.config()) for key, preset in PRESETS.items()}
    assert values["l17"] == values["mlp-mse"] == 1
    assert values["pythae"] == values["sigma-vae-1"] == pytest.approx(2)
    assert values["disentangling-vae"] == pytest.approx(1 / 255)
    assert values["pytorch-vae"] == pytest.approx(0.00025 * 784)
    others = ("pytorch-examples", "keras", "sigma-vae", "disentangling-vae-laplace", "disentangling-vae-capacity")
    assert [values[key] for key in others] == [None] * 5
    assert effective_beta(PRESETS["sigma-vae"].config(), 31 / 784) == pytest.approx(0.0791, abs=1e-4)
    faces = effective_beta(PRESETS["pytorch-vae"].config(dataset="olivetti"))
    assert 3 * faces == pytest.approx(3.07, abs=0.005)  # in colour, three times as many pixels


def test_ticks_are_those_of_the_table():
    ticks = {tick.name: round(tick.effective_beta, 4) for tick in TICKS}
    assert ticks == {"disentangling-vae": 0.0039, "calibrated": 0.0791, "L17": 1.0, "Pythae, σ = 1": 2.0,
                     "PyTorch-VAE": 3.072, "mean of 784": 784.0}  # fmt: skip
    collapsed = small(dataset="mnist", reduction="mean")
    assert effective_beta(collapsed) == pytest.approx(ticks["mean of 784"])


def test_three_scales_are_one_number():
    for b in np.geomspace(LOW, HIGH, 13):
        values = {key: scale.of(b) for key, scale in SCALES.items()}
        assert values["weight"] == pytest.approx(1 / (2 * values["sigma"] ** 2)) and values["beta"] == b
        assert all(scale.back(values[key]) == pytest.approx(b) for key, scale in SCALES.items())
    assert dial_of(small(beta=0)).on("weight") == math.inf


def test_a_formula_is_recognised_by_its_algebra():
    def stands(formula, **changes):
        return effective_beta(small(loss="formula", formula=formula, **changes))

    assert stands("0.5*(p-x)**2 + 3") == pytest.approx(2)
    assert stands("x*x - 2*x*p + p*p") == pytest.approx(1)
    assert stands("(x-p)**2 + x") == pytest.approx(1)  # what does not depend on p moves no minimum
    assert [stands(f) for f in ("abs(x-p)", "(x-p)**4", "-(x-p)**2", "(x-p)**2 + .01*p", "(sigmoid(x)-p)**2")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("formula", "weight", "constant"),
    [
        ("255*(x-p)**2", 255, 0),
        ("abs(x - p)**2 / 2 - log(2)", 0.5, -math.log(2)),
        ("(sigmoid(logits) - x)**2 + xlogy(x, x)", 1, None),
        ("where(x < .04, 10*(x-p)**2, (x-p)**2)", None, None),  # another weight where few points of a grid lie
        ("(x-p)**2 * (1 + x)", None, None),
        ("(x-p)**2 + 1e-3*p", None, None),
        ("(x-p)**2 + 1e-3*abs(p)", None, None),
        ("minimum((x-p)**2, 1)", None, None),  # it is one, but that is not proved
    ],
)
def test_a_weight_is_said_where_it_is_proved_for_every_pixel_and_prediction(formula, weight, constant):
    found, left = _squared_error("formula", formula, ())
    assert (found, left) == (weight and pytest.approx(weight), constant and pytest.approx(constant))
    if found:
        x, p = torch.rand(2, 500, dtype=torch.float64, generator=torch.manual_seed(1))
        value = formula_loss(formula).of_prediction
        torch.testing.assert_close(value(p, x) - value(x, x), weight * (x - p) ** 2, rtol=1e-6, atol=1e-6)
    else:
        assert "is not known to be a squared error" in remark(small(loss="formula", formula=formula))


# ---- Turning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "residual"),
    [
        (small(beta=3.0), None),
        (small(reduction="mean"), None),
        (small(loss="formula", formula="255*(x-p)**2"), None),
        (small(kl_term="warmup"), None),
        (small(loss="gaussian", parameters={"sigma": 1.0}, beta=0.5), None),
        (small(loss="gaussian", reduction="mean", beta=0.01), None),
        (small(loss="gaussian_optimal"), 0.03),
        (small(loss="gaussian_learned", beta=2.0), 0.03),
    ],
    ids=lambda value: getattr(value, "loss", str(value)),
)
def test_turning_ends_where_it_was_turned_to(config, residual):
    for wanted in (0.01, 0.5, 1.0):
        after = turned(config, wanted, residual)
        assert effective_beta(after, residual) == pytest.approx(wanted)
        before, now = asdict(config), asdict(after)
        changed = {name for name in before if before[name] != now[name]}
        assert changed <= {"parameters" if config.loss == "gaussian" else "beta"}
        assert dial_of(after, residual).turns == ("sigma" if config.loss == "gaussian" else "beta")
        assert remark(config, residual) == ""


@pytest.mark.parametrize(
    "changes", [{"loss": "bce"}, {"loss": "ssim"}, {"kl_term": "free_bits"}, {"kl_term": "capacity"}]
)
def test_where_there_is_no_squared_error_beta_takes_the_value_and_it_is_said(changes):
    config = small(**changes)
    assert dial_of(config) is None and turned(config, 4.0).beta == 4.0
    assert "the dial sets" in remark(config)


def test_settings_that_would_leave_their_range_are_refused_in_a_sentence():
    with pytest.raises(vae.SettingError, match="sigma"):
        turned(small(loss="gaussian"), 500.0)
    with pytest.raises(vae.SettingError, match="beta"):
        turned(small(loss="gaussian", beta=0.0), 1.0)


def test_a_sigma_that_sets_itself_stands_nowhere_without_a_residual():
    config = small(loss="gaussian_optimal")
    assert dial_of(config) is None and "residual" in remark(config)
    assert dial_of(config, 0.02).effective_beta == pytest.approx(optimum(0.02))


# ---- Theory ------------------------------------------------------------------------------------------------------


def gradients(config: vae.TrainConfig, seed: int = 0) -> torch.Tensor:
    """Of the objective on a batch of digits, for weights and noise that depend on the seed alone; one long vector."""
    model = vae.model_of(config, vae.initial_state(small()).weights)
    x = to_unit(vae.load_dataset("digits").train[:64])
    eps = torch.randn(64, config.latent_dim, generator=torch.Generator().manual_seed(seed))
    terms_of_batch(config, model, x, eps).objective.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("sigma", [0.1, 0.7, 1.5])
def test_the_gaussian_is_the_squared_error_on_another_scale(sigma):
    """SE + 2 sigma^2 KL = 2 sigma^2 (Gaussian + KL) + constant: so are their gradients, and with the wrong beta not."""
    gaussian = 2 * sigma**2 * gradients(small(loss="gaussian", parameters={"sigma": sigma}))
    right, wrong = (gradients(small(beta=beta)) for beta in (2 * sigma**2, 4 * sigma**2))
    apart = (gaussian - right).norm()
    assert apart < 1e-5 * right.norm() and (gaussian - wrong).norm() > 100 * apart


def test_the_optimal_sigma_stands_at_twice_the_residual():
    """The gradient of D/2 log(mean squared error) + KL is that of SE + 2 residual KL, over 2 residual."""
    model = vae.model_of(small(), vae.initial_state(small()).weights)
    x = to_unit(vae.load_dataset("digits").train[:64])
    eps = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        residual = float((model(x, eps)[0].sigmoid() - x).square().mean())
    optimal, error = gradients(small(loss="gaussian_optimal")), gradients(small(beta=optimum(residual)))
    assert (2 * residual * optimal - error).norm() < 1e-4 * error.norm()
    assert weight_of(small(loss="gaussian_optimal"), residual) == pytest.approx(1 / (2 * residual))


def test_the_residual_can_be_read_off_the_reconstruction():
    data = vae.load_dataset("digits")
    for changes in (
        {},
        {"loss": "gaussian", "parameters": {"sigma": 0.5}},
        {"loss": "formula", "formula": "3*(x-p)**2+1"},
    ):
        config = small(**changes)
        model = vae.model_of(config, vae.initial_state(config).weights)
        x, eps = to_unit(data.train[:64]), torch.zeros(64, 3)
        with torch.no_grad():
            residual = float((model(x, eps)[0].sigmoid() - x).square().mean())
            reconstruction = float(terms_of_batch(config, model, x, eps).reconstruction)
        assert residual_of(config, reconstruction) == pytest.approx(residual, rel=1e-4)
    pixels, sigma = 64, math.sqrt(0.03)
    optimal = pixels * (0.5 + math.log(sigma) + 0.5 * math.log(2 * math.pi))
    assert residual_of(small(loss="gaussian_optimal"), optimal, sigma) == pytest.approx(0.03)
    assert residual_of(small(loss="bce"), 10.0) is residual_of(small(loss="gaussian_optimal"), 10.0) is None


def test_paired_trainings_at_one_place_of_the_dial_give_the_same_pictures(capsys):
    """Adam does not see the scale of the objective, but for its epsilon: 60 steps on digits, one seed."""
    data, sigma = vae.load_dataset("digits"), 0.3

    def pictures(config):
        state, _ = vae.advance(vae.initial_state(config), config, data, 60)
        with torch.no_grad():
            return vae.model_of(config, state.weights)(to_unit(data.test[:50]), torch.zeros(50, 3))[0].sigmoid()

    gaussian = small(loss="gaussian", parameters={"sigma": sigma})
    same, other = (pictures(small(beta=b)) for b in (2 * sigma**2, 1.0))
    apart = (same - pictures(gaussian)).abs().max()
    with capsys.disabled():
        print(
            f"\nsame place on the dial: pictures differ by at most {apart:.1e}; MSE at beta 1: {(other - same).abs().max():.2f}"
        )
    assert apart < 1e-4 < 0.02 < (other - same).abs().max()


# ---- The figure --------------------------------------------------------------------------------------------------


def drawn(**changes):
    places = [Place("this run", "#0072B2", 1.0)]
    return dial(**({"places": places, "best": optimum(31 / 784), "ticks": TICKS} | changes))


def test_a_click_carries_the_effective_beta_of_where_it_was_made():
    figure, _ = drawn()
    for trace in figure["data"]:
        assert list(trace["customdata"]) == list(trace["x"]) and len(trace["x"]) == len(trace["y"])
    named = next(t for t in figure["data"] if t.get("name") == "dialects")
    assert named["customdata"] == [tick.effective_beta for tick in TICKS]
    sigma_row = [t for t in figure["data"] if t.get("name") == "σ"][1]
    assert 2.0 in sigma_row["customdata"]  # sigma = 1


@pytest.mark.parametrize("width", [350, 560, 800])
@pytest.mark.parametrize("places", [0, 1, 4])
def test_no_label_lies_over_another(width, places):
    stand = [Place(f"{name}: MSE", "#0072B2", b) for name, b in zip("ABCD", (1.0, 0.08, 2.0, 1.1))][:places]
    figure, narrow = drawn(places=stand)
    shape = figure["layout"] | (narrow if width < 560 else {})
    low, high = shape["xaxis"]["range"]
    inner = width - shape["margin"]["l"] - shape["margin"]["r"]
    names = [n for n in shape["annotations"] if n.get("xref") != "paper" and n["yanchor"] == "bottom"]
    assert len(names) == len(TICKS) + 1 + places

    def ends(note):
        x, length = (note["x"] - low) / (high - low) * inner + note["xshift"], CHARACTER * len(note["text"])
        left = x - {"left": 0, "center": length / 2, "right": length}[note["xanchor"]]
        assert left > -shape["margin"]["l"] and left + length < inner + shape["margin"]["r"], note["text"]
        return left, left + length

    for one, other in itertools.combinations(names, 2):
        if abs(one["y"] - other["y"]) < 14:
            (a, b), (c, d) = ends(one), ends(other)
            assert b < c or d < a, (one["text"], other["text"])
    assert shape["height"] < (200 if width >= 560 and places < 4 else 250)


def test_scales_that_do_not_apply_are_not_drawn():
    figure, narrow = drawn(places=[Place("this run", "#D55E00", 0.0)], best=None, ticks=(), rows=("beta",))
    assert {t.get("name") for t in figure["data"]} == {"β", None}
    assert figure["layout"]["height"] < drawn()[0]["layout"]["height"] and "no KL" in str(figure["layout"]["title"])
