"""Checkpoints: everything comes back bit for bit, training goes on, and any other file is refused with its reason."""

import dataclasses
import json
import math
import pickle

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import vae
from vae.training.step import TrainState
from vae.training.subset import encode_test

CONFIG = vae.TrainConfig(dataset="digits", hidden=(20,), loss="gaussian", parameters={"sigma": 0.3}, epochs=2)
METRICS = {"images": 360, "reconstruction": 31.5, "kl_per_dim": [1.0, 2.0], "sigma": None}


@pytest.fixture(scope="module")
def trained():
    data = vae.load_dataset("digits")
    state, _ = vae.advance(vae.initial_state(CONFIG), CONFIG, data, 6)
    return state, vae.evaluate(CONFIG, vae.model_of(CONFIG, state.weights), data)


@pytest.fixture
def file(trained, tmp_path):
    path = tmp_path / "run.safetensors"
    vae.save_checkpoint(path, trained[0], CONFIG, trained[1])
    return path


def test_everything_comes_back_and_training_goes_on_bit_for_bit(trained, file):
    loaded = vae.load_checkpoint(file)
    assert loaded.config == CONFIG and loaded.metrics == trained[1] and loaded.threads == torch.get_num_threads()
    data = vae.load_dataset("digits")
    one, _ = vae.advance(trained[0], CONFIG, data, 4)
    other, _ = vae.advance(loaded.state, loaded.config, data, 4)
    assert one.step == other.step == 10
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert vae.evaluate(CONFIG, vae.load_checkpoint(file).model(), data) == trained[1]


def test_no_half_file_is_left(trained, tmp_path):
    with pytest.raises(OSError):
        vae.save_checkpoint(tmp_path / "absent" / "run.safetensors", trained[0], CONFIG)
    assert list(tmp_path.iterdir()) == []


def change_header(path, **changes):
    with safe_open(path, "pt") as opened:
        header = opened.metadata()
    save_file(load_file(path), path, {k: v for k, v in (header | changes).items() if v is not None})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "not written by this app"),
        ({"format": None}, "not written by this app"),
        ({"version": "99"}, "version '99'; this app reads version 1"),
        ({"config": "{"}, "damaged header"),
        ({"config": None}, "damaged header"),
        ({"config": json.dumps(CONFIG.to_dict() | {"loss": "wgan"})}, "loss = 'wgan'"),
        ({"config": json.dumps(CONFIG.to_dict() | {"colour": 1})}, "'colour'"),
        ({"config": json.dumps(CONFIG.to_dict() | {"latent_dim": 3})}, "has shape .* expected is"),
        ({"config": "[1]"}, "JSON object"),
        ({"metrics": '{"images": 3}'}, "damaged header"),
        ({"step": "many"}, "damaged header"),
        ({"step": "-3"}, "damaged header"),
        ({"step": "٣"}, "damaged header"),
        ({"threads": "0"}, "threads"),
        ({"config": "[" * 50_000}, "config"),
        ({"metrics": "[" * 50_000}, "metrics"),
        ({"metrics": "9" * 5_000}, "metrics"),
        ({"last_epoch": '{"reconstruction": 1, "kl": -2, "objective": 0}'}, "last_epoch.kl"),
        ({"last_epoch": "3"}, "last_epoch"),
        *(
            ({"metrics": json.dumps(METRICS | wrong)}, field)
            for field, wrong in {
                "metrics.reconstruction = nan": {"reconstruction": math.nan},
                "metrics.reconstruction = '31,5'": {"reconstruction": "31,5"},
                "metrics.reconstruction = None": {"reconstruction": None},
                "metrics.reconstruction = inf": {"reconstruction": math.inf},
                "metrics.kl_per_dim = ": {"kl_per_dim": [1.0]},
                "metrics.kl_per_dim.0. = ": {"kl_per_dim": [-2.0, 1.0]},
                "metrics.kl_per_dim.1. = True": {"kl_per_dim": [0.5, True]},
                "metrics.images = 0": {"images": 0},
                "metrics.images = 361": {"images": 361},
                "metrics.images = 36.5": {"images": 36.5},
                "metrics.sigma = 0.2": {"sigma": 0.2},
                "metrics = ": {"colour": 3},
            }.items()
        ),
        ({"config": json.dumps(CONFIG.to_dict() | {"formula": []})}, "formula"),
        ({"config": json.dumps(CONFIG.to_dict() | {"size": False})}, "size"),
        ({"config": json.dumps(CONFIG.to_dict() | {"dataset": {}})}, "dataset"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(file, changes, reason):
    change_header(file, **changes)
    with pytest.raises(vae.CheckpointError, match=reason) as caught:
        vae.load_checkpoint(file)
    assert "\n" not in str(caught.value)


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_foreign_and_damaged_files_are_refused_and_never_unpickled(file, tmp_path):
    content = file.read_bytes()
    trap = tmp_path / "trap"
    gigabytes = [size.to_bytes(8, "little") + content[8:] for size in (2**31, 2**33, 2**62)]  # said of the header
    cut = (b"", b"hello", content[:-1], content[:50], content[50:], b"\xff" * 64)
    for bad in (*cut, *gigabytes, pickle.dumps(Touch(trap))):
        file.write_bytes(bad)
        with pytest.raises(vae.CheckpointError, match="run.safetensors"):
            vae.load_checkpoint(file)
    torch.save(Touch(trap), file)
    with pytest.raises(vae.CheckpointError):
        vae.load_checkpoint(file)
    assert not trap.exists()
    with pytest.raises(vae.CheckpointError, match="cannot be read"):
        vae.load_checkpoint(tmp_path / "absent.safetensors")


def test_weights_that_are_not_finite_or_not_known_are_refused(trained, tmp_path):
    path = tmp_path / "run.safetensors"
    bad = trained[0].weights | {"mu.bias": torch.tensor([float("nan"), 0.0])}
    vae.save_checkpoint(path, dataclasses.replace(trained[0], weights=bad), CONFIG)
    with pytest.raises(vae.CheckpointError, match="not finite"):
        vae.load_checkpoint(path)
    vae.save_checkpoint(
        path, dataclasses.replace(trained[0], weights=trained[0].weights | {"extra": torch.ones(1)}), CONFIG
    )
    with pytest.raises(vae.CheckpointError, match="weights.extra"):
        vae.load_checkpoint(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_read_as_the_numbers_that_they_are(trained, tmp_path, dtype):
    path = tmp_path / "run.safetensors"
    bare = TrainState(trained[0].step, {k: t.to(dtype) for k, t in trained[0].weights.items()}, {}, {})
    vae.save_checkpoint(path, bare, CONFIG)
    for key, tensor in vae.load_checkpoint(path).state.weights.items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, trained[0].weights[key].to(dtype).float())
    going_on = {part: {k: t.to(dtype) for k, t in getattr(trained[0], part).items()} for part in ("first", "second")}
    vae.save_checkpoint(path, dataclasses.replace(bare, **going_on), CONFIG)
    with pytest.raises(vae.CheckpointError, match=f"as {str(dtype).removeprefix('torch.')}; accepted there: float32"):
        vae.load_checkpoint(path)


def test_weights_that_float32_cannot_hold_are_refused(trained, tmp_path):
    path = tmp_path / "run.safetensors"
    large = {k: t.double() for k, t in trained[0].weights.items()} | {"mu.bias": torch.tensor([1e300, 0], dtype=float)}
    vae.save_checkpoint(path, TrainState(6, large, {}, {}), CONFIG)
    with pytest.raises(vae.CheckpointError, match="mu.bias that are not finite float32"):
        vae.load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": lambda t: t.fill_(12)}, "labels in subset.labels from 12 to 12"),
        ({"labels": lambda t: t.fill_(-1)}, "labels in subset.labels from -1 to -1"),
        (dict.fromkeys(("mu", "log_var", "labels", "reconstructions", "losses"), lambda t: t[:0]), "subset.labels is"),
        (
            dict.fromkeys(
                ("mu", "log_var", "labels", "reconstructions", "losses"),
                lambda t: t.repeat(3, *[1] * (t.dim() - 1)),
            ),
            r"subset.labels is int64 .1080,., expected is int64 .360,.",
        ),
        ({"mu": lambda t: t.fill_(math.nan)}, "subset.mu that are not finite"),
        ({"mu": lambda t: t.fill_(1e30)}, "KL is not finite"),
        ({"log_var": lambda t: t.fill_(500.0)}, "KL is not finite"),
        ({"losses": lambda t: t.double()}, "subset.losses is float64"),
    ],
)
def test_a_test_subset_that_cannot_be_is_refused(trained, tmp_path, change, reason):
    data, path = vae.load_dataset("digits"), tmp_path / "run.safetensors"
    subset = encode_test(CONFIG, vae.model_of(CONFIG, trained[0].weights), data)
    subset = dataclasses.replace(subset, **{k: f(getattr(subset, k).clone()) for k, f in change.items()})
    vae.save_checkpoint(path, trained[0], CONFIG, subset=subset)
    with pytest.raises(vae.CheckpointError, match=reason):
        vae.load_checkpoint(path)
