"""The dialects: each has the very objective and settings of its program, fits every data set, and says what was reached."""

import dataclasses
import importlib.util
import math
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
import torch.nn.functional as F

import vae
from vae.data import DATASETS, to_unit
from vae.losses.objective import kl_divergence
from vae.training.networks import ARCHITECTURES
from vae.training.presets import MEASURES, PRESETS, Figure, Measured, find_preset, measured, measurements
from vae.training.randomness import generator
from vae.training.step import training_terms

ROOT = Path(__file__).parents[1]


def script():
    spec = importlib.util.spec_from_file_location("dialects", ROOT / "benchmarks" / "dialects.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- Settings ----------------------------------------------------------------------------------------------------


def test_presets_hold_their_programs_settings():
    """Latent dimensions, learning rate, batch, epochs, as read in each program's own files."""
    read = {
        "pytorch-examples": (20, 1e-3, 128, 10),
        "fast": (20, 5e-3, 128, 7),
        "l17": (2, 5e-4, 256, 50),
        "keras": (2, 1e-3, 128, 30),
        "mlp-mse": (2, 1e-3, 128, 30),
        "pythae": (20, 1e-3, 128, 100),
        "pytorch-vae": (128, 5e-3, 64, 100),
        "disentangling-vae": (10, 5e-4, 64, 400),
        "disentangling-vae-laplace": (10, 5e-4, 64, 400),
        "disentangling-vae-capacity": (10, 5e-4, 64, 400),
        "sigma-vae": (20, 1e-3, 128, 10),
        "sigma-vae-1": (20, 1e-3, 128, 10),
    }
    configs = {key: preset.config() for key, preset in PRESETS.items()}
    assert read == {k: (c.latent_dim, c.learning_rate, c.batch_size, c.epochs) for k, c in configs.items()}
    assert configs["pytorch-examples"].hidden == (400,) and configs["pythae"].hidden == (512,)
    assert find_preset("l17").config(seed=1).seed == 1
    with pytest.raises(vae.SettingError, match="one of pytorch-examples, l17, fast, keras, .* is accepted"):
        find_preset("gan")


@pytest.mark.parametrize("key", PRESETS)
def test_every_preset_fits_every_data_set_and_says_where_it_is_from(key):
    preset = PRESETS[key]
    for dataset in DATASETS:
        config = preset.config(dataset=dataset)
        assert config.dataset == dataset and vae.TrainConfig.from_json(config.to_json()) == config
    assert preset.url.startswith("https://") and preset.source and preset.reached and len(preset.differs) > 20
    assert all(f.measure in MEASURES and 1 <= f.epoch <= preset.config().epochs for f in preset.figures)
    assert preset.milestones == tuple(sorted(preset.milestones)) and preset.milestones


def test_published_figures_are_those_of_the_table():
    figures = {(key, f.epoch): f.value for key, preset in PRESETS.items() for f in preset.figures}
    assert figures == {
        ("pytorch-examples", 1): 128.4, ("pytorch-examples", 2): 116.3, ("pytorch-examples", 10): 105.6,
        ("l17", 50): 36.5, ("keras", 10): 152.2, ("keras", 30): 146.95, ("mlp-mse", 30): 37.9,
    }  # fmt: skip
    assert str(PRESETS["l17"].figures[0]) == "36 to 37" and str(PRESETS["keras"].figures[1]) == "146.95"


# ---- Objectives: what each program computes, written as it writes it -----------------------------------------------


def sum_of_kl(mu, log_var):
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()


def gaussian_nll(p, x, log_sigma):
    return 0.5 * ((x - p) / log_sigma.exp()) ** 2 + log_sigma + 0.5 * math.log(2 * math.pi)


def sigma_vae(p, x, log_sigma):
    return gaussian_nll(p, x, log_sigma).sum() / len(x)


WRITTEN = {
    "pytorch-examples": lambda p, x, kl, t: F.binary_cross_entropy(p, x, reduction="sum") / len(x) + kl,
    "fast": lambda p, x, kl, t: F.binary_cross_entropy(p, x, reduction="sum") / len(x) + kl,
    "l17": lambda p, x, kl, t: F.mse_loss(p, x, reduction="none").flatten(1).sum(1).mean() + kl,
    "keras": lambda p, x, kl, t: F.binary_cross_entropy(p, x, reduction="none").sum((1, 2, 3)).mean() + kl,
    "mlp-mse": lambda p, x, kl, t: (p - x).square().sum() / len(x) + kl,
    "pythae": lambda p, x, kl, t: 0.5 * F.mse_loss(p.flatten(1), x.flatten(1), reduction="none").sum(-1).mean() + kl,
    "pytorch-vae": lambda p, x, kl, t: F.mse_loss(p, x) + 0.00025 * kl,
    "disentangling-vae": lambda p, x, kl, t: F.mse_loss(p * 255, x * 255, reduction="sum") / 255 / len(x) + t * kl,
    "disentangling-vae-laplace": lambda p, x, kl, t: 3 * F.l1_loss(p, x, reduction="sum") / len(x) + t * kl,
    "disentangling-vae-capacity": lambda p, x, kl, t: (
        F.binary_cross_entropy(p, x, reduction="sum") / len(x) + 1000 * (kl - 25 * t / 10).abs()
    ),
    "sigma-vae": lambda p, x, kl, t: sigma_vae(p, x, ((x - p) ** 2).mean().sqrt().log()) + kl,
    "sigma-vae-1": lambda p, x, kl, t: sigma_vae(p, x, torch.zeros(())) + kl,
}


@pytest.mark.parametrize("key", PRESETS)
def test_the_objective_is_the_programs(key):
    """On digits, in the epoch of the 2,500th step of MNIST, where schedules are under way: t is the share of 10,000 steps."""
    config = PRESETS[key].config(dataset="digits")
    step = round(2500 / 938 * config.steps_per_epoch)
    t = step / config.steps_per_epoch * 938 / 10_000  # MNIST has 938 batches of 64
    model = vae.model_of(config, vae.initial_state(config).weights)
    x = to_unit(vae.load_dataset("digits").train[:64])
    noise = generator(3, "noise", 7)
    eps = torch.randn(64, config.latent_dim, generator=generator(3, "noise", 7))
    with torch.no_grad():
        logits, mu, log_var = model(x, eps)
        written = WRITTEN[key](logits.sigmoid(), x, sum_of_kl(mu, log_var), t)
        ours = training_terms(config, model, x, noise, step).objective
    assert float(ours) == pytest.approx(float(written), rel=2e-3 if "disentangling" in key else 1e-5)
    assert kl_divergence(mu, log_var).sum(1).mean() > 0


def test_warm_ups_take_as_many_steps_as_in_the_program():
    per_epoch = math.ceil(60_000 / 64)
    settings = PRESETS["disentangling-vae"].config().kl_settings()
    assert settings["warmup_epochs"] * per_epoch == pytest.approx(10_000, rel=1e-3)
    capacity = PRESETS["disentangling-vae-capacity"].config().kl_settings()
    assert capacity["capacity_epochs"] * per_epoch == pytest.approx(100_000, rel=1e-3)


# ---- The Keras net -----------------------------------------------------------------------------------------------


def test_the_keras_net_has_as_many_weights_as_keras_prints():
    """Its summaries: encoder 69,076 with both heads, decoder 65,089 (https://keras.io/examples/generative/vae/)."""
    model = PRESETS["keras"].config().build_model()

    def count(*parts):
        return sum(p.numel() for part in parts for p in part.parameters())

    assert count(model.encoder, model.mu, model.log_var) == 69_076 and count(model.decoder) == 65_089
    assert not ARCHITECTURES["keras"].uses_hidden
    first = model.encoder[0].weight
    assert (
        first.abs().max() <= math.sqrt(6 / (9 + 9 * 32)) and not model.encoder[0].bias.any()
    )  # Glorot: fans in and out


# ---- What was measured here --------------------------------------------------------------------------------------


def test_measurements_in_the_repository_belong_to_presets_and_reach_the_published():
    found = measurements()
    assert {m.preset for m in found} <= set(PRESETS)
    assert all(m.epoch in PRESETS[m.preset].milestones and m.measure in MEASURES for m in found)
    assert len({(m.preset, m.epoch, m.measure) for m in found}) == len(found)
    for preset in PRESETS.values():
        for figure in preset.figures:
            if here := measured(preset.key, figure, found):
                assert here.value < 1.03 * figure.value, f"{preset.key} falls short of {figure}"


def test_the_table_of_the_docs_is_made_of_the_measurements():
    dialects = script()
    written = (ROOT / "docs" / "figures.md").read_text().split(dialects.BEGINS)[1].split(dialects.ENDS)[0]
    assert written == dialects.table(measurements())


def test_what_was_not_run_is_said_to_be_missing(tmp_path):
    assert measurements(tmp_path / "none.csv") == ()
    assert measured("l17", Figure(36.5, "training", 50, ""), ()) is None
    table = script().table(())
    assert table.count("not run") == len(table.splitlines()) - 2 == sum(len(p.milestones) for p in PRESETS.values())


def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path):
    dialects = script()
    preset = dataclasses.replace(
        PRESETS["mlp-mse"],
        settings=MappingProxyType(dict(PRESETS["mlp-mse"].settings) | {"hidden": (16,), "epochs": 4}),
        figures=(Figure(3.0, "test", 3, ""),),
        epochs_measured=(1, 4),
    )
    whole, cut = tmp_path / "whole" / "d.csv", tmp_path / "cut" / "d.csv"
    for file in (whole, cut):
        dialects.prepare(file)
    dialects.run(preset, 4, whole, "digits")
    for until in (1, 3, 3, 4):
        dialects.run(preset, until, cut, "digits")

    def timeless(file):
        return [dataclasses.replace(m, seconds=0.0) for m in measurements(file)]

    assert timeless(cut) == timeless(whole) and len(timeless(cut)) == 6
    state = vae.initial_state(preset.config(dataset="digits"))
    for state, progress in vae.train(preset.config(dataset="digits"), chunk=12):
        pass
    last = measurements(cut)[-1]
    assert isinstance(last, Measured) and last.value == pytest.approx(progress.objective.mean(), abs=1e-4)
