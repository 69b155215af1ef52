"""Training as a pure function: chunked equals whole, inputs untouched, runs of one seed paired, failures keep the last
finite state."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import vae
from vae.training.step import Pictures, batch_indices, observe, picture_indices

CONFIG = vae.TrainConfig(dataset="digits", hidden=(40,), batch_size=32, epochs=2, seed=4)


@pytest.fixture(scope="module")
def digits():
    return vae.load_dataset("digits")


def run(config, data, chunks):
    state, parts = vae.initial_state(config), []
    for steps in chunks:
        state, progress = vae.advance(state, config, data, steps)
        parts.append(progress)
    return state, parts


def assert_same_state(a, b):
    assert a.step == b.step
    for part in ("weights", "first", "second"):
        one, other = getattr(a, part), getattr(b, part)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def assert_same_curves(a, b):
    for field in ("reconstruction", "kl", "objective"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(p, field) for p in a]), np.concatenate([getattr(p, field) for p in b])
        )
    one, other = ([o for p in parts for o in p.observations] for parts in (a, b))
    assert [o.step for o in one] == [o.step for o in other]
    for left, right in zip(one, other):
        for field in dataclasses.fields(left):
            np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name))


@pytest.mark.parametrize("loss", ["bce", "gaussian_optimal", "gaussian_learned"])
def test_ten_chunks_equal_one_bit_for_bit(digits, loss):
    config = dataclasses.replace(CONFIG, loss=loss)
    whole, whole_parts = run(config, digits, [60])
    pieces, piece_parts = run(config, digits, [6] * 10)
    assert_same_state(whole, pieces)
    assert_same_curves(whole_parts, piece_parts)


def test_the_input_state_is_not_changed_and_can_be_replayed(digits):
    state, _ = run(CONFIG, digits, [5])
    before = {name: tensor.clone() for name, tensor in state.weights.items()}
    once, _ = vae.advance(state, CONFIG, digits, 7)
    again, _ = vae.advance(state, CONFIG, digits, 7)
    assert all(torch.equal(before[name], state.weights[name]) for name in before)
    assert_same_state(once, again)
    assert not torch.equal(once.weights["mu.weight"], state.weights["mu.weight"])


def test_the_process_wide_generator_is_left_alone(digits):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    run(CONFIG, digits, [3])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_train_is_advance_and_stops_at_the_last_step(digits):
    state, progress = list(vae.train(CONFIG, digits, chunk=17))[-1]
    direct, _ = run(CONFIG, digits, [10_000])
    assert state.step == CONFIG.total_steps == 2 * math.ceil(1437 / 32)
    assert_same_state(state, direct)
    assert progress.epoch == 2


def test_an_epoch_sees_every_image_once():
    seen = torch.cat([batch_indices(CONFIG, step) for step in range(CONFIG.steps_per_epoch)])
    assert torch.equal(seen.sort().values, torch.arange(1437))
    second = torch.cat([batch_indices(CONFIG, CONFIG.steps_per_epoch + step) for step in range(3)])
    assert not torch.equal(second, seen[: len(second)])


def test_runs_of_one_seed_are_paired_whatever_their_loss(digits):
    states = [vae.initial_state(dataclasses.replace(CONFIG, loss=key)) for key in ("bce", "mse", "gaussian_learned")]
    for state in states[1:]:
        assert all(torch.equal(tensor, state.weights[name]) for name, tensor in states[0].weights.items())
    first = [vae.advance(s, dataclasses.replace(CONFIG, loss=k), digits, 1)[1] for s, k in zip(states, ("bce", "mse"))]
    assert first[0].kl[0] == first[1].kl[0]  # same weights, same batch
    other = vae.initial_state(dataclasses.replace(CONFIG, seed=5))
    assert not torch.equal(other.weights["mu.weight"], states[0].weights["mu.weight"])


def test_one_step_is_adams_step_on_the_elbo(digits):
    """The step written out by hand, with torch.optim.Adam unfused and torch's own BCE and KL."""
    from vae.data import to_unit
    from vae.training.randomness import generator

    state = vae.initial_state(CONFIG)
    model = vae.model_of(CONFIG, {name: tensor.clone() for name, tensor in state.weights.items()})
    x = to_unit(digits.train[batch_indices(CONFIG, 0)])
    mu, log_var = model.encode(x)
    eps = torch.randn(32, 2, generator=generator(CONFIG.seed, "noise", 0))
    logits = model.decode(mu + (0.5 * log_var).exp() * eps)
    reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 32
    kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum() / 32
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    (reconstruction + kl).backward()
    optimiser.step()
    after, progress = vae.advance(state, CONFIG, digits, 1)
    assert progress.reconstruction[0] == pytest.approx(reconstruction.item(), rel=1e-6)
    assert progress.kl[0] == pytest.approx(kl.item(), rel=1e-5)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(after.weights[name], tensor, atol=2e-6, rtol=1e-4)


def test_learning_lowers_the_loss_and_pictures_come_along(digits):
    config = dataclasses.replace(CONFIG, epochs=10)
    _, parts = run(config, digits, [config.total_steps])
    first, last = parts[0].observations[0], parts[0].observations[-1]
    assert last.reconstruction < 0.7 * first.reconstruction
    assert last.inputs.shape == last.reconstructions.shape == (10, 1, 8, 8) and last.samples.dtype == np.uint8
    assert last.codes.shape == (360, 2) and last.labels.shape == (360,)
    assert np.array_equal(first.inputs, last.inputs) and not np.array_equal(first.samples, last.samples)
    assert digits.test_labels[picture_indices(digits)].tolist() == list(range(10))
    wide = run(dataclasses.replace(config, latent_dim=3), digits, [1])[1][0].observations[-1]
    assert wide.codes is None and len(wide.kl_per_dim) == 3


def test_pictures_show_the_last_step_whether_it_was_observed_or_not(digits):
    state, progress = vae.advance(vae.initial_state(CONFIG), CONFIG, digits, 3)
    assert progress.pictures.step == 3 and progress.observations[-1].step == 2
    looked = observe(CONFIG, vae.model_of(CONFIG, state.weights).requires_grad_(False), digits, 3)
    state, later = vae.advance(state, CONFIG, digits, 2)  # step 5 is observed
    for pictures, observation in ((progress.pictures, looked), (later.pictures, later.observations[-1])):
        for field in dataclasses.fields(Pictures):
            np.testing.assert_array_equal(getattr(pictures, field.name), getattr(observation, field.name))
    assert not np.array_equal(progress.pictures.reconstructions, later.pictures.reconstructions)


def broken_by(steps, data, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    return config, *run(config, data, [steps])


def test_a_loss_that_is_not_finite_ends_the_run_with_the_last_finite_state(digits):
    config, state, (progress,) = broken_by(60, digits, learning_rate=10.0, loss="mse", beta=1e6)
    assert progress.failure is not None and f"step {progress.step + 1:,} " in progress.failure
    assert all(torch.isfinite(tensor).all() for tensor in state.weights.values())
    assert state.step == progress.step == len(progress.objective) and np.isfinite(progress.objective).all()
    pieces, parts = vae.initial_state(config), []
    for _ in range(60):  # the same end, however the run was cut
        pieces, part = vae.advance(pieces, config, digits, 1)
        parts.append(part)
        if part.failure:
            break
    assert parts[-1].failure == progress.failure
    assert_same_state(pieces, state)


def test_an_update_that_breaks_the_weights_is_undone(digits):
    state = vae.initial_state(CONFIG)
    name = "decoder.2.bias"
    poisoned = state.second | {name: torch.full_like(state.second[name], -1.0)}  # Adam divides by its square root
    state = dataclasses.replace(state, step=3, second=poisoned)
    after, progress = vae.advance(state, CONFIG, digits, 5)
    assert "step 4 " in progress.failure and after.step == 3
    assert all(torch.isfinite(tensor).all() for tensor in after.weights.values())


@pytest.mark.parametrize(("latent_dim", "learning_rate"), [(20, 0.5), (2, 0.5), (8, 0.2), (20, 10.0)])
def test_the_state_that_a_failed_run_keeps_has_finite_held_out_figures_however_it_was_cut(
    digits, latent_dim, learning_rate
):
    config = vae.TrainConfig(latent_dim=latent_dim, learning_rate=learning_rate)
    state, (whole,) = run(config, digits, [40])
    assert whole.failure and f"the state after step {state.step:,} is kept" in whole.failure
    pieces, failure = vae.initial_state(config), None
    while not failure:
        pieces, part = vae.advance(pieces, config, digits, 1)
        failure = part.failure
    assert failure == whole.failure
    assert_same_state(pieces, state)
    seen = observe(config, vae.model_of(config, state.weights).requires_grad_(False), digits, state.step)
    assert np.isfinite((seen.reconstruction, seen.squared_error, *seen.kl_per_dim)).all()
