"""Checkpoints: everything comes back bit for bit, training goes on, and any other file is refused with its reason."""

import dataclasses
import json
import pickle

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import vae

CONFIG = vae.TrainConfig(dataset="digits", hidden=(20,), loss="gaussian", parameters={"sigma": 0.3}, epochs=2)


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
    for bad in (b"", b"hello", content[:-1], content[:50], content[50:], pickle.dumps(Touch(trap)), b"\xff" * 64):
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
