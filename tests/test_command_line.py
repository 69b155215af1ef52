"""python -m vae, in a process of its own; what it refuses, in this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vae
from vae.__main__ import main

ROOT = Path(__file__).parents[1]


def call(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "vae", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=240, env=os.environ | environment,
    )  # fmt: skip


def test_training_prints_test_figures_and_writes_a_checkpoint(tmp_path):
    out = tmp_path / "run.safetensors"
    done = call("train", "--dataset", "digits", "--loss", "gaussian", "--sigma", "0.3", "--epochs", "2",
                "--threads", "1", "--seed", "3", "--out", str(out))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "test -ELBO" in done.stdout and "nats per image" in done.stdout
    loaded = vae.load_checkpoint(out)
    config = vae.TrainConfig(dataset="digits", loss="gaussian", parameters={"sigma": 0.3}, epochs=2, seed=3)
    assert loaded.config == config and loaded.threads == 1
    assert f"test -ELBO {loaded.metrics.negative_elbo:.3f}" in done.stdout
    state = list(vae.train(config))[-1][0]  # the same run in this process, cut the same way or not
    assert all((loaded.state.weights[name] == tensor).all() for name, tensor in state.weights.items())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--latent-dim", "0"], "latent_dim = 0 cannot be used: a whole number from 1 to 256 is accepted."),
        (["--latent-dim", "two"], "latent_dim = 'two' cannot be used"),
        (["--batch-size", "9999"], "as digits has 1,437 training images"),
        (["--learning-rate", "0"], "learning_rate = 0.0 cannot be used"),
        (["--learning-rate", "1e9"], "learning_rate = 1000000000.0 cannot be used"),
        (["--beta", "nan"], "beta = nan cannot be used"),
        (["--loss", "wasserstein"], "loss = 'wasserstein' cannot be used: one of bce, mse,"),
        (["--preset", "gan"], "preset = 'gan' cannot be used: one of pytorch-examples, l17, fast, keras, "),
        (["--sigma", "1"], "parameters = 'sigma' cannot be used: the loss bce has these parameters to set: none."),
        (["--threads", "0"], "--threads = 0 cannot be used"),
        (["--out", "/nowhere/at/all.safetensors"], "folder /nowhere/at does not exist"),
    ],
)
def test_nonsense_gets_one_sentence(arguments, sentence, capsys):
    assert main(["train", "--dataset", "digits", "--epochs", "1", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and sentence in printed.err and len(printed.err.strip().splitlines()) == 1


def test_absent_data_gets_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    assert main(["train", "--dataset", "mnist"]) == 2
    said = capsys.readouterr().err
    assert "MNIST is not on this machine" in said and len(said.strip().splitlines()) == 1


def test_a_failed_training_says_so_and_keeps_the_last_finite_state(tmp_path, capsys):
    out = tmp_path / "run.safetensors"
    assert main(["train", "--dataset", "digits", "--loss", "mse", "--learning-rate", "10", "--beta", "1e6", "--epochs", "5",
                 "--out", str(out)]) == 1  # fmt: skip
    assert "no longer a finite number" in capsys.readouterr().err
    assert vae.load_checkpoint(out).metrics is None
