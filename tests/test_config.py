"""TrainConfig: refuses nonsense in one sentence that names field, value and what is accepted; survives JSON and links."""

import math
import pickle
import re

import pytest

from vae import TrainConfig
from vae.errors import SettingError
from vae.links import training as link
from vae.training.race import RaceConfig

BAD = [
    ("dataset", "imagenet"), ("dataset", None), ("size", 4), ("size", -1), ("size", 1000), ("loss", "l3"), ("loss", 7),
    ("formula", "x"), ("parameters", {"sigma": 1.0}), ("parameters", 3), ("architecture", "gan"), ("hidden", ()),
    ("hidden", (0,)), ("hidden", (10_000,)), ("hidden", 400), ("hidden", "400"), ("latent_dim", 0), ("latent_dim", 2.0),
    ("latent_dim", True), ("latent_dim", 257), ("beta", -1), ("beta", math.nan), ("beta", math.inf), ("beta", "1"),
    ("reduction", "max"), ("learning_rate", 0), ("learning_rate", 1e9), ("learning_rate", math.nan), ("batch_size", 0),
    ("batch_size", 5000), ("epochs", 0), ("epochs", 10**9), ("seed", -1), ("seed", 2**40), ("seed", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_nonsense_is_refused_in_one_sentence(field, value):
    with pytest.raises(SettingError) as caught:
        TrainConfig(**{field: value})
    text = str(caught.value)
    assert text.startswith(field) and "cannot be used:" in text and text.endswith(".") and "\n" not in text
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args  # it travels from workers


def test_a_batch_larger_than_the_data_names_the_data():
    with pytest.raises(SettingError, match="batch_size = 2000 .* as digits has 1,437 training images"):
        TrainConfig(batch_size=2000)
    assert TrainConfig(dataset="mnist", batch_size=2000).batch_size == 2000


CONFIGS = [
    TrainConfig(),
    TrainConfig(dataset="mnist", loss="gaussian", parameters={"sigma": 0.25}, beta=0.1, hidden=(512, 64), seed=3),
    TrainConfig(loss="formula", formula="abs(x - p) + (x - p)**2", latent_dim=8, reduction="mean", size=16),
    TrainConfig(
        architecture="l17", learning_rate=5e-4, batch_size=256, epochs=50, loss="laplace", parameters={"b": 0.3}
    ),
    TrainConfig(kl_term="cyclical", kl_parameters={"cycle_epochs": 2.5, "rising": 0.25}, beta=4),
    TrainConfig(kl_term="iwae", kl_parameters={"samples": 7}),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_json_and_links_carry_everything(config):
    assert TrainConfig.from_json(config.to_json()) == config
    assert link.read(link.write(RaceConfig(config))) == (RaceConfig(config), [])
    assert link.write(RaceConfig(config))["dataset"] == config.dataset  # always, as its default depends on the machine


def test_unknown_settings_in_json_are_refused():
    with pytest.raises(SettingError, match="colour"):
        TrainConfig.from_json('{"colour": 1}')


def test_each_bad_field_of_a_link_is_reported_and_the_good_ones_hold():
    query = {"dataset": "digits", "loss": "gaussian", "sigma": "7", "latent_dim": "0", "beta": "nan", "hidden": "x",
             "seed": "5", "colour": "red", "learning_rate": "1e9"}  # fmt: skip
    race_config, problems = link.read(query)
    config = race_config.base
    assert config == TrainConfig(dataset="digits", loss="gaussian", seed=5)
    assert len(problems) == 6
    for name in ("sigma", "latent_dim", "beta", "hidden", "colour", "learning_rate"):
        assert sum(bool(re.search(rf"\b{name}\b", problem)) for problem in problems) == 1


def test_observations_are_fixed_by_the_config_and_the_last_step_is_seen():
    config = TrainConfig(epochs=3)
    seen = [step for step in range(config.total_steps + 1) if config.observes(step)]
    assert seen[:6] == [0, 1, 2, 5, 10, 20] and seen[-1] == config.total_steps == 36
    slow, fast = TrainConfig(dataset="mnist", architecture="l17", batch_size=256), TrainConfig()
    assert slow.observe_every == 1 and fast.observe_every == 50
    assert slow.n_held_out == 64 and fast.n_held_out == 360
