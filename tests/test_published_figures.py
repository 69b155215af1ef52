"""The presets reach what is published or was measured of the programs they stand for, on real MNIST."""

import statistics

import numpy as np
import pytest
import torch

import vae
from vae.training.evaluation import evaluate
from vae.training.presets import find_preset


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_pytorch_examples_after_one_and_two_epochs(mnist, two_threads, capsys):
    reached = {1: [], 2: []}
    for seed in (1, 2, 3):
        config = find_preset("pytorch-examples").config(seed=seed)
        state = vae.initial_state(config)
        for epoch in (1, 2):
            state, _ = vae.advance(state, config, mnist, config.steps_per_epoch)
            reached[epoch].append(evaluate(config, vae.model_of(config, state.weights), mnist).negative_elbo)
    with capsys.disabled():
        print(
            f"\npytorch/examples, test -ELBO of seeds 1 to 3: {[[round(v, 2) for v in row] for row in reached.values()]}"
        )
    assert statistics.mean(reached[1]) == pytest.approx(127.5, abs=1.5)
    assert statistics.mean(reached[2]) == pytest.approx(115.8, abs=1.2)


def test_l17_starts_where_the_lectures_log_starts(mnist):
    config = find_preset("l17").config()
    _, progress = vae.advance(vae.initial_state(config), config, mnist, 1)
    assert 130 < progress.objective[0] < 250 and progress.kl[0] < 0.05


@pytest.mark.slow
def test_l17_first_epoch(mnist, two_threads, capsys):
    config = find_preset("l17").config()
    state, progress = vae.advance(vae.initial_state(config), config, mnist, config.steps_per_epoch)
    plateau, end = progress.objective[100:150], progress.objective[-10:]
    with capsys.disabled():
        print(
            f"\nl17: first batch {progress.objective[0]:.1f} (KL {progress.kl[0]:.4f}), batches 100 to 150 "
            f"{plateau.min():.1f} to {plateau.max():.1f} (mean {plateau.mean():.1f}), last ten {end.mean():.1f} "
            f"(KL {progress.kl[-10:].mean():.2f})"
        )
    assert 130 < progress.objective[0] < 250 and progress.kl[0] < 0.05
    assert 50 < np.mean(plateau) < 56
    assert np.mean(end) < 50 and np.mean(progress.kl[-10:]) > 1.5


def mean_reduced(data, capsys, **settings) -> tuple[float, float]:
    """Squared error on held-out images after a training on a mean over the pixels, and that of the mean training image;
    the KL is gone, and whatever the code, the mean image comes out: the reconstruction was not worth a code."""
    config = vae.TrainConfig(loss="mse", reduction="mean", latent_dim=20, **settings)
    state, _ = vae.advance(vae.initial_state(config), config, data, config.total_steps)
    model = vae.model_of(config, state.weights).requires_grad_(False)
    reached = evaluate(config, model, data)
    with capsys.disabled():
        print(f"\nMean-reduced MSE, {data.name}: squared error {reached.reconstruction:.2f}, KL {reached.kl:.1e}")
    mean = data.train.float().mean(0) / 255
    z = torch.randn(500, 20, generator=torch.Generator().manual_seed(0))  # what it is trained on, as q(z|x) = N(0, I)
    assert (torch.sigmoid(model.decode(z)) - mean).square().flatten(1).sum(1).mean() < 1.0 and reached.kl < 1e-3
    return reached.reconstruction, (data.test.float() / 255 - mean).square().flatten(1).sum(1).mean().item()


def test_mean_reduced_mse_collapses_to_the_mean_image(capsys):
    digits = vae.load_dataset("digits")
    reached, of_mean = mean_reduced(digits, capsys, dataset="digits", hidden=(32,), epochs=100)
    assert reached == pytest.approx(of_mean, abs=0.05)


@pytest.mark.slow
def test_mean_reduced_mse_comes_down_to_the_mean_image_of_mnist(mnist, two_threads, capsys):
    """From above: 53.39, 53.24, 53.16, 53.10 after one to four epochs."""
    reached, of_mean = mean_reduced(mnist, capsys, dataset="mnist", epochs=20)
    assert reached == pytest.approx(of_mean, abs=0.15) and of_mean == pytest.approx(52.90, abs=0.005)
