"""Where a training is computed: what of a card can be known without one. The program for a card runs here on the CPU, step for
step the same function that CUDA captures."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch

import vae
from vae.losses.kl_terms import KL_TERMS
from vae.training import batched, device, on_device, together
from vae.training.on_device import advance_many
from vae.training.step import Program, advance, initial_state
from vae.training.update import is_dense

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
CONFIG = vae.TrainConfig(dataset="digits", hidden=(64,), latent_dim=8, batch_size=128, epochs=10, seed=3)
DENSE = [key for key in vae.LOSSES if is_dense(dataclasses.replace(CONFIG, loss=key))]


@pytest.fixture(scope="module")
def digits():
    return vae.load_dataset("digits")


@pytest.fixture
def as_on_a_card(monkeypatch):
    """A device that goes the way of a card, on the CPU's memory."""
    monkeypatch.setattr(device, "chosen", lambda name: CARD if name != "cpu" else torch.device("cpu"))
    monkeypatch.setattr(device, "checked", lambda field, name: name)
    monkeypatch.setattr(device, "_here", {})
    monkeypatch.setattr(device, "_lost", [])
    yield
    on_device.forget()


class Card:
    """What a torch.device says of itself, for one whose memory is the CPU's."""

    type = "cuda"


CARD = Card()


def assert_alike(one, other, rtol=1e-5):
    (state, progress), (expected, told) = one, other
    assert state.step == expected.step and progress.step == told.step and progress.failure is told.failure is None
    for field in ("reconstruction", "kl", "objective"):
        np.testing.assert_allclose(getattr(progress, field), getattr(told, field), rtol=rtol, atol=1e-6)
    for part in ("weights", "first", "second"):
        mine, other = getattr(state, part), getattr(expected, part)
        assert list(mine) == list(other)
        for name in mine:
            assert mine[name].is_contiguous() and mine[name].device.type == "cpu"
            torch.testing.assert_close(mine[name], other[name], rtol=2e-3, atol=2e-5)
    assert [o.step for o in progress.observations] == [o.step for o in told.observations]
    for mine, other in zip(progress.observations, told.observations):
        np.testing.assert_allclose(mine.reconstruction, other.reconstruction, rtol=rtol)
        np.testing.assert_allclose(mine.kl_per_dim, other.kl_per_dim, rtol=1e-3, atol=1e-5)
    assert np.abs(progress.pictures.samples.astype(int) - told.pictures.samples).max() <= 1


def side_by_side(configs, data, steps):
    return advance_many([initial_state(config) for config in configs], configs, data, steps)


# ---- The program for a card, on the CPU ------------------------------------------------------------------------------

CHANGES = [{"loss": key} for key in DENSE] + [
    {"hidden": (30, 20)}, {"latent_dim": 1}, {"latent_dim": 2}, {"batch_size": 1}, {"reduction": "mean"}, {"beta": 0.0},
    {"schedule": "linear", "epochs": 9},
    *({"kl_term": key} for key, term in KL_TERMS.items() if not term.bound),
]  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_hundred_steps_are_those_of_the_update_on_the_cpu(digits, changes):
    config = dataclasses.replace(CONFIG, **changes)
    assert batched.is_batched(config)
    (found,) = side_by_side([config], digits, 100)
    assert_alike(found, advance(initial_state(config), config, digits, 100))


def test_runs_side_by_side_are_each_what_they_are_alone(digits):
    changes = [{}, {"seed": 5, "beta": 4.0}, {"loss": "mse", "seed": 7}, {"beta": 0.25, "learning_rate": 3e-3},
               {"loss": "gaussian_optimal", "reduction": "mean"}, {"kl_term": "capacity", "loss": "mse"},
               {"loss": "gaussian", "parameters": {"sigma": 0.1}}, {"loss": "gaussian", "parameters": {"sigma": 0.3}}]  # fmt: skip
    configs = [dataclasses.replace(CONFIG, **change) for change in changes]
    for found, config in zip(side_by_side(configs, digits, 60), configs):
        assert_alike(found, advance(initial_state(config), config, digits, 60))


def test_runs_side_by_side_may_stand_at_different_steps(digits):
    configs = [dataclasses.replace(CONFIG, epochs=3), dataclasses.replace(CONFIG, seed=9, schedule="linear")]
    states = [advance(initial_state(c), c, digits, steps)[0] for c, steps in zip(configs, (0, 17))]
    together = advance_many(states, configs, digits, 1000)
    assert [state.step for state, _ in together] == [36, 53]  # as many as the shorter one has left
    for found, state, config in zip(together, states, configs):
        assert_alike(found, advance(state, config, digits, 36))


def test_chunks_leave_no_trace_and_the_input_stays(digits):
    configs = [CONFIG, dataclasses.replace(CONFIG, loss="mse", seed=8)]
    start = [initial_state(config) for config in configs]
    whole = advance_many(start, configs, digits, 64)
    parts, curves = start, [[], []]
    for steps in (1, 50, 13):
        found = advance_many(parts, configs, digits, steps)
        parts = [state for state, _ in found]
        for run, (_, progress) in enumerate(found):
            curves[run].append(progress.objective)
    for (state, progress), other, curve, config, before in zip(whole, parts, curves, configs, start):
        assert all(torch.equal(state.weights[name], other.weights[name]) for name in state.weights)
        np.testing.assert_array_equal(progress.objective, np.concatenate(curve))
        assert all(torch.equal(before.weights[n], t) for n, t in initial_state(config).weights.items())


def test_states_travel(digits):
    ((state, progress),) = side_by_side([CONFIG], digits, 3)
    again, _ = pickle.loads(pickle.dumps((state, progress)))
    assert all(torch.equal(again.weights[name], tensor) for name, tensor in state.weights.items())
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in state.weights.values())


def test_a_run_that_breaks_is_taken_by_the_cpu_and_the_others_go_on(digits):
    bad = dataclasses.replace(CONFIG, learning_rate=10.0, loss="mse", beta=1e6)
    good = dataclasses.replace(CONFIG, loss="mse")
    (broken, told), fine = side_by_side([bad, good], digits, 60)
    expected, progress = advance(initial_state(bad), bad, digits, 60)
    assert told.failure == progress.failure and broken.step == expected.step
    assert all(torch.equal(broken.weights[name], tensor) for name, tensor in expected.weights.items())
    assert_alike(fine, advance(initial_state(good), good, digits, 60))


@pytest.mark.parametrize("key", [key for key, term in KL_TERMS.items() if term.priced])
def test_a_price_written_out_is_autograds(key):
    term, draw = KL_TERMS[key], torch.Generator().manual_seed(1)
    kl = torch.rand(3, 5, generator=draw) * 2
    settings = term.settings({"free_nats": 0.7} if key == "free_bits" else {})
    for epoch in (0.0, 1.3, 30.0):
        target = term.target_at(2.5, epoch, settings)
        cost, price = term.priced(kl, torch.full((3,), 2.5), torch.full((3,), target), **settings)
        for run in range(3):
            leaf = kl[run].clone().requires_grad_()
            expected = term.cost(leaf, 2.5, epoch, **settings)
            torch.testing.assert_close(cost[run], expected.detach())
            torch.testing.assert_close(price[run], torch.autograd.grad(expected, leaf)[0])


def test_every_term_that_is_no_bound_is_written_out():
    assert all((term.priced is None) == term.bound for term in KL_TERMS.values())


def test_runs_of_different_shapes_are_refused_in_a_sentence(digits):
    with pytest.raises(vae.VaeError, match="need the same data, layers, latent dimensions and batch size"):
        side_by_side([CONFIG, dataclasses.replace(CONFIG, latent_dim=2)], digits, 1)


def test_a_state_for_looking_at_is_refused(digits):
    bare = dataclasses.replace(initial_state(CONFIG), first={}, second={})
    with pytest.raises(vae.VaeError, match="no optimiser moments"):
        advance_many([bare], [CONFIG], digits, 1)


EAGER = [{"architecture": "conv"}, {"loss": "ssim"}, {"loss": "gaussian_learned"}, {"kl_term": "iwae"},
         {"loss": "formula", "formula": "abs(x - p)"}]  # fmt: skip


@pytest.mark.parametrize("changes", EAGER, ids=str)
def test_what_goes_by_autograd_goes_the_same_way_on_a_device(digits, changes):
    config = dataclasses.replace(CONFIG, batch_size=500, **changes)
    assert not batched.is_batched(config)
    start = initial_state(config)
    (found,) = on_device.take_chunk([start], [config], digits, 7, torch.device("cpu"))
    assert_alike(found, advance(start, config, digits, 7))


# ---- Which device ----------------------------------------------------------------------------------------------------


def test_the_environment_names_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (
        device.wanted({}) == device.wanted({"VAE_DEVICE": " "}) == "auto"
        and device.wanted({"VAE_DEVICE": "cpu"}) == "cpu"
    )
    assert device.chosen("auto") == device.chosen("cpu") == torch.device("cpu")
    with pytest.raises(
        vae.SettingError, match="^VAE_DEVICE = 'gpu' cannot be used: one of auto, cpu, cuda, mps is accepted.$"
    ):
        device.wanted({"VAE_DEVICE": "gpu"})
    absent = "^VAE_DEVICE = 'cuda' cannot be used: on this machine, which has no CUDA device, cpu is accepted.$"
    with pytest.raises(vae.SettingError, match=absent):
        device.wanted({"VAE_DEVICE": "cuda"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.chosen("auto") == torch.device("cuda") and device.wanted({"VAE_DEVICE": "cuda"}) == "cuda"


def test_who_forks_never_looks_for_a_card():
    """Neither the imports of what workers are forked from, nor a look for a card, initialises CUDA."""
    import os
    import subprocess
    import sys

    code = (
        "import torch; seen = []; torch.cuda.is_available = lambda: seen.append(1) or False\n"
        "import vae.engine.local, vae.engine.tasks; print(seen, torch.cuda.is_initialized())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["[]", "False"] and os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1"


def test_a_device_that_is_not_there_is_said_before_any_worker_starts(monkeypatch, capsys):
    from vae.__main__ import main
    from vae.engine import Engine

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["train", "--dataset", "digits", "--epochs", "1", "--device", "cuda"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(
        "vae: --device = 'cuda' cannot be used: on this machine, which has no"
    )
    monkeypatch.setenv("VAE_DEVICE", "abacus")
    with pytest.raises(vae.SettingError, match="VAE_DEVICE = 'abacus'"):
        Engine(workers=1)


def test_what_a_card_does_not_take_stays_on_the_cpu(digits, monkeypatch):
    def refused(*_):
        raise AssertionError("this was to stay on the CPU")

    monkeypatch.setattr(on_device, "take_chunk", refused)
    other = Program(picture=torch.sigmoid)
    for config, program in (
        (dataclasses.replace(CONFIG, precision="bfloat16"), vae.training.step.CORRECT),
        (CONFIG, other),
    ):
        assert not on_device.leaves_the_cpu(config, program)
    here = on_device.advance(initial_state(CONFIG), CONFIG, digits, 2, other, CARD)
    assert here[1].device == "cpu" and here[0].step == 2


def test_on_the_cpu_nothing_is_different(digits):
    one, other = (f(initial_state(CONFIG), CONFIG, digits, 12)[0] for f in (vae.advance, advance))
    assert all(torch.equal(one.weights[name], tensor) for name, tensor in other.weights.items())


# ---- A card that fails -----------------------------------------------------------------------------------------------

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
LOST = RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA for more.")


def failing(reason, after=0):
    """A step of the program for a card that raises once so many went well."""
    taken, real = [], batched.DenseRuns.one_step

    def step(self):
        if len(taken) >= after:
            raise reason
        taken.append(1)
        real(self)

    return step


@pytest.fixture
def on_this_card(monkeypatch, as_on_a_card):
    real = on_device.take_chunk
    for module in (on_device, together):
        monkeypatch.setattr(module, "take_chunk", lambda *a: real(*a[:-1], torch.device("cpu")))


@pytest.mark.parametrize(("reason", "said", "lost"), [(FULL, "memory is full", False), (LOST, "was lost", True)])
def test_a_card_that_fails_is_told_in_a_sentence(digits, monkeypatch, reason, said, lost):
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(reason))
    with pytest.raises(device.DeviceError, match=said) as caught:
        side_by_side([CONFIG], digits, 2)
    told = pickle.loads(pickle.dumps(caught.value))
    assert told.lost is lost and str(told) == str(caught.value) and len(str(told).splitlines()) == 1
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(RuntimeError("a mistake of ours")))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        side_by_side([CONFIG], digits, 2)


def test_a_card_that_was_full_of_what_is_kept_there_is_tried_again(digits, monkeypatch):
    real, forgotten = batched.DenseRuns.one_step, []

    def step(self):
        if not forgotten:
            raise FULL
        real(self)

    monkeypatch.setattr(batched.DenseRuns, "one_step", step)
    monkeypatch.setattr(on_device, "forget", lambda: forgotten.append(1))
    (found,) = side_by_side([CONFIG], digits, 5)
    assert_alike(found, advance(initial_state(CONFIG), CONFIG, digits, 5))
    assert forgotten == [1]


@pytest.mark.parametrize("reason", [FULL, LOST])
def test_auto_takes_the_chunk_again_on_the_cpu_and_cuda_ends_the_run(digits, monkeypatch, on_this_card, reason):
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(reason, after=3))
    start = initial_state(CONFIG)

    def chunk(where):
        return on_device.advance(start, CONFIG, digits, 9, device=where)

    monkeypatch.setenv("VAE_DEVICE", "cuda")
    with pytest.raises(device.DeviceError):
        device.on_device_of_this_process(chunk)
    monkeypatch.setenv("VAE_DEVICE", "auto")
    state, progress = device.on_device_of_this_process(chunk)
    expected, _ = advance(start, CONFIG, digits, 9)
    assert progress.device == "cpu" and state.step == 9 and bool(device._lost) == (reason is LOST)
    assert all(torch.equal(state.weights[name], tensor) for name, tensor in expected.weights.items())


def test_a_training_ends_with_its_last_good_state_or_goes_on(digits, monkeypatch, on_this_card):
    config = dataclasses.replace(CONFIG, epochs=2)  # 24 steps
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(LOST, after=10))
    *_, (state, progress) = vae.train(config, digits, chunk=5, device=CARD)
    assert state.step == 10 and "was lost in the middle" in progress.failure
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(LOST, after=10))
    *_, (state, progress) = vae.train(config, digits, chunk=5, device=CARD, or_cpu=True)
    assert state.step == 24 and progress.failure is None


def test_a_worker_s_chunk_goes_the_way_of_its_device(digits, monkeypatch, on_this_card):
    from vae.engine import tasks

    told = []
    monkeypatch.setattr(tasks, "publish", lambda topic, key, seconds, value: told.append(value))
    monkeypatch.setenv("VAE_DEVICE", "auto")
    state = tasks.advance_chunk(None, CONFIG, 4, 1, vae.training.step.CORRECT, "topic", "key")
    monkeypatch.setattr(batched.DenseRuns, "one_step", failing(FULL))
    again = tasks.advance_chunk(None, CONFIG, 4, 1, vae.training.step.CORRECT, "topic", "key")
    assert state.step == again.step == 4 and told[1].device == "cpu"
    np.testing.assert_allclose(told[0].objective, told[1].objective, rtol=1e-5)


def test_a_checkpoint_says_where_it_was_trained(tmp_path):
    state, path = initial_state(CONFIG), tmp_path / "one.safetensors"
    for name in ("cuda", "cpu"):
        vae.save_checkpoint(path, state, CONFIG, device=name)
        assert vae.load_checkpoint(path).device == name
    vae.save_checkpoint(path, state, CONFIG, device="abacus")
    with pytest.raises(vae.CheckpointError, match="device = 'abacus' cannot be used: one of cpu, cuda, mps"):
        vae.load_checkpoint(path)


# ---- On a card -------------------------------------------------------------------------------------------------------


@CUDA
@pytest.mark.parametrize("changes", [*CHANGES, *EAGER], ids=str)
def test_a_card_agrees_with_the_cpu(digits, changes):
    config = dataclasses.replace(CONFIG, **changes)
    found = vae.advance(initial_state(config), config, digits, 50, device=torch.device("cuda"))
    assert found[1].device == "cuda"
    assert_alike(found, advance(initial_state(config), config, digits, 50), rtol=1e-4)


@CUDA
@pytest.mark.parametrize("changes", [{}, {"architecture": "conv"}], ids=str)
def test_on_a_card_chunks_leave_no_trace(digits, changes):
    config, card = dataclasses.replace(CONFIG, **changes), torch.device("cuda")
    whole, progress = vae.advance(initial_state(config), config, digits, 60, device=card)
    part, curves = initial_state(config), []
    for steps in (1, 20, 39):
        part, found = vae.advance(part, config, digits, steps, device=card)
        curves.append(found.objective)
    assert all(torch.equal(whole.weights[name], part.weights[name]) for name in whole.weights)
    np.testing.assert_array_equal(progress.objective, np.concatenate(curves))


@CUDA
def test_on_a_card_runs_side_by_side_agree_with_the_cpu(digits):
    configs = [dataclasses.replace(CONFIG, seed=seed, loss=loss) for seed in (0, 1) for loss in ("bce", "mse")]
    found = advance_many([initial_state(c) for c in configs], configs, digits, 50, torch.device("cuda"))
    for one, config in zip(found, configs):
        assert_alike(one, advance(initial_state(config), config, digits, 50), rtol=1e-4)


@CUDA
def test_a_card_that_is_full_is_told_in_a_sentence(digits):
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(device.DeviceError, match="memory is full"):
            wide = dataclasses.replace(CONFIG, hidden=(4096, 4096))
            vae.advance(initial_state(wide), wide, digits, 2, device=torch.device("cuda"))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
