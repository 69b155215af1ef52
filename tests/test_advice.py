"""Which loss to take: the rules, each with its numbers, and the race that they rest on."""

from dataclasses import replace

import pytest

from vae.__main__ import _parser, config_from
from vae.data import DATASETS, load_dataset
from vae.figures.advice import rulers_table
from vae.links.training import command_line
from vae.study.advice import ALSO, RACED, SEEDS, WANTS, Pixels, advise, density_of, log_p, pixels_of, plan, table
from vae.study.data_card import data_card
from vae.study.scoring import MEASURES, Scores, reference_scores
from vae.training.config import TrainConfig, operations_of_step

CONTINUOUS = Pixels("continuous", 0.99, 419.0)
BINARY = Pixels("binary", 0.0, 0.0)


def scores(sigma=0.2, **values):
    """Scores of a model: measures by name, with _ for the dot."""
    known = {name.replace("__", "."): value for name, value in values.items()}
    return Scores(100, 20, 8, sigma, dict.fromkeys(MEASURES) | known, {}, {"sharpness": 1.0})


def race(name, **by_loss):
    """loss -> seed -> scores, of one measure."""
    return {loss: {seed: scores(**{name: v}) for seed, v in enumerate(values)} for loss, values in by_loss.items()}


def test_a_plan_is_paired_and_takes_a_minute_by_arithmetic():
    for dataset in ("digits", "sprites", "patches"):
        races = plan(dataset, RACED)
        assert [race[0].seed for race in races] == list(SEEDS)
        for configs in races:
            assert [c.loss for c in configs] == list(RACED)
            assert len({replace(c, loss="bce", parameters=()) for c in configs}) == 1
        everything = sum(c.total_steps * operations_of_step(c) for configs in races for c in configs)
        assert everything / 2.5e10 / 2 < 60 and races[0][0].total_steps > 200


@pytest.mark.parametrize(
    ("dataset", "pixels", "kind"),
    [("patches", "unit", "continuous"), ("digits", "unit", "grey"), ("digits", "binary", "binary"), ("sprites", "unit", "mostly binary")],
)  # fmt: skip
def test_pixels_are_told_by_the_share_that_is_neither_0_nor_1(dataset, pixels, kind):
    found = pixels_of(data_card(dataset, 0, pixels))
    x = load_dataset(dataset).train[:2000]
    inside = float(((x > 0) & (x < 255)).double().mean()) if pixels == "unit" else 0.0
    assert found.kind == kind and found.between == pytest.approx(inside)
    assert f"{inside:.1%}" in found.sentence


def test_the_best_mean_is_taken_where_the_pairs_agree():
    found = advise(
        WANTS["error"], race("squared_error", bce=(20, 21, 22), mse=(25, 26, 27.1), laplace=(30, 31, 32.1)), CONTINUOUS
    )
    assert found.loss == "bce" and not found.ties
    assert "21.00 under BCE; 26.03 under MSE; 31.03 under Laplace" in found.sentences[0]
    assert [s.loss for s in found.standings] == ["bce", "mse", "laplace"]


def test_within_the_spread_of_seeds_it_is_a_tie_and_a_likelihood_of_such_pixels_goes_first():
    both = {"bce": (20, 21, 22), "mse": (21, 20, 22.2)}
    found = advise(WANTS["error"], race("squared_error", **both), CONTINUOUS)
    assert found.ties == ("bce", "mse") and found.loss == "mse"  # BCE has the better mean, and is none of grey pixels
    assert "which holds 0" in found.sentences[1] and "3 paired seeds" in found.sentences[1]
    assert advise(WANTS["error"], race("squared_error", **both), BINARY).loss == "bce"


def test_pairs_tell_apart_what_the_spread_of_each_would_hide():
    """Both spread by 10 over the seeds; within each seed one is better by about .1."""
    found = advise(WANTS["error"], race("squared_error", bce=(10, 20, 30), mse=(10.1, 20.11, 30.09)), CONTINUOUS)
    assert found.loss == "bce" and not found.ties


def test_one_seed_is_never_clear():
    found = advise(WANTS["error"], race("squared_error", bce=(10,), mse=(50,)), CONTINUOUS)
    assert found.ties == ("bce", "mse") and "one seed" in found.sentences[1]


def test_sharpness_is_best_where_it_is_the_images_and_blur_is_told():
    found = advise(WANTS["sharp"], race("sharpness", bce=(0.9, 0.91, 0.9), mse=(1.6, 1.61, 1.6)), CONTINUOUS)
    assert found.loss == "bce"
    blurred = advise(WANTS["sharp"], race("sharpness", bce=(0.013, 0.014), mse=(0.012, 0.013)), CONTINUOUS)
    assert "None is sharp" in blurred.sentences[-1]


def test_what_is_said_of_a_loss_carries_its_numbers():
    """The lecture's own: calibrated to a residual of .199, weight 1 acts like beta = 12.6."""
    by_sigma = {"mse": {0: scores(0.199, squared_error=31.0)}, "gaussian_optimal": {0: scores(0.1, squared_error=32.0)}}
    assert "β were 12.6" in advise(WANTS["error"], by_sigma, CONTINUOUS).sentences[2]
    only = {"gaussian_optimal": by_sigma["gaussian_optimal"]}
    assert "= 50 times" in advise(WANTS["error"], only, CONTINUOUS).sentences[1]
    bce = race("squared_error", bce=(1.0,))
    assert "419.0 nats per image" in advise(WANTS["error"], bce, CONTINUOUS).sentences[1]
    assert "BCE is the likelihood" in advise(WANTS["error"], bce, BINARY).sentences[1]


def test_log_p_is_of_coins_where_pixels_are_coins_else_of_the_density_that_explains_best():
    one = scores(loss__bce=80.0, kl=20.0, log_p__gaussian_optimal=500.0, log_p__continuous_bernoulli=520.0,
                 log_p__continuous_bernoulli_raw=900.0)  # fmt: skip
    assert log_p(one, BINARY) == -100 and log_p(one, CONTINUOUS) == 520
    assert density_of(one) == "continuous_bernoulli"  # never the one that misreads what was not trained so
    grey = Pixels("grey", 0.4, 13.0)
    told = advise(WANTS["likelihood"], {"bce": {0: one}}, grey).sentences[-1]
    assert "60% of the pixels are exactly 0 or 1" in told and "Race Continuous Bernoulli too" in told
    assert "exactly 0 or 1" not in advise(WANTS["likelihood"], {"bce": {0: one}}, CONTINUOUS).sentences[-1]


def test_without_classes_a_code_is_not_judged():
    found = advise(WANTS["code"], race("squared_error", bce=(1, 2), mse=(1, 2)), CONTINUOUS)
    assert not found.loss and "no classes" in found.sentences[0]


def test_the_table_has_every_ruler_and_a_column_for_each_loss():
    rows = table(race("squared_error", bce=(1.0, 2.0), mse=(3.0, 4.0)), CONTINUOUS)
    assert len(rows) == len(WANTS) + len(ALSO)
    assert ("squared error", WANTS["error"].unit, ["1.50", "3.50"]) in rows
    shown = rulers_table(rows, ["bce", "mse"], "mse")
    assert shown.count("<tr>") == len(rows) + 1 and "<td class='taken'>3.50</td>" in shown


def test_real_scores_have_what_the_rulers_ask_for():
    perfect, mean = reference_scores(load_dataset("digits"), 60)
    pixels = pixels_of(data_card("digits", 0, "unit"))
    for key in ("error", "robust", "sharp"):
        found = advise(WANTS[key], {"bce": {0: mean, 1: mean}, "mse": {0: perfect, 1: perfect}}, pixels)
        assert found.loss == "mse" and not found.ties, key


@pytest.mark.parametrize("changes", [
    {}, {"loss": "laplace", "parameters": {"b": 0.2}, "hidden": (64, 32), "seed": 3},
    {"kl_term": "free_bits", "kl_parameters": {"free_nats": 0.3}, "learning_rate": 3e-4},
])  # fmt: skip
def test_the_command_trains_the_same(changes):
    config = TrainConfig(dataset="digits", **changes)
    command = command_line(config).split()
    assert command[:3] == ["python", "-m", "vae"]
    assert config_from(_parser().parse_args(command[3:])) == config


def test_every_data_set_that_is_here_has_a_plan():
    for name, source in DATASETS.items():
        assert source.n_train // plan(name, ("bce", "mse"))[0][0].batch_size >= 1
