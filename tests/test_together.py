"""What many threads want of a card goes side by side. The card is the CPU's memory here: the same program, step for step."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from distributed import LocalCluster

import vae
from vae.engine import Engine, local
from vae.engine.job import Status
from vae.engine.pace import Pace
from vae.training import device, on_device, together
from vae.training.device import DeviceError
from vae.training.step import advance, initial_state
from vae.training.together import Together, joined

CPU = torch.device("cpu")
CONFIG = vae.TrainConfig(dataset="digits", hidden=(32,), latent_dim=4, batch_size=128, epochs=10, seed=3)


@pytest.fixture(scope="module")
def digits():
    return vae.load_dataset("digits")


@pytest.fixture
def programs(monkeypatch):
    """The number of runs and of steps of each program that was taken; the first one waits until it is let go."""
    real, taken, go_on = together.take_chunk, [], threading.Event()

    def take_chunk(states, configs, data, steps, where):
        taken.append((len(states), steps))
        if len(taken) == 1:
            assert go_on.wait(20)
        return real(states, configs, data, steps, where)

    monkeypatch.setattr(together, "take_chunk", take_chunk)
    yield taken, go_on
    on_device.forget()


def in_threads(card, wanted, programs, device=CPU):
    """advance() of each (config, steps) in a thread of its own, all of which have asked before the first program is over."""
    taken, go_on = programs
    found = [None] * len(wanted)

    def ask(number, config, steps):
        try:
            found[number] = card.advance(initial_state(config), config, vae.load_dataset("digits"), steps, device)
        except Exception as reason:
            found[number] = reason

    threads = [threading.Thread(target=ask, args=(i, *one)) for i, one in enumerate(wanted)]
    threads[0].start()
    until(lambda: taken)
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(card._waiting) == len(wanted))
    go_on.set()
    for thread in threads:
        thread.join(60)
    return found


def until(holds, seconds=20.0):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.002)


def assert_alike(found, config, steps, rtol=1e-5):
    state, progress = found
    expected, told = advance(initial_state(config), config, vae.load_dataset("digits"), steps)
    assert state.step == progress.step == expected.step and progress.failure == told.failure
    np.testing.assert_allclose(progress.objective, told.objective, rtol=rtol)
    assert [o.step for o in progress.observations] == [o.step for o in told.observations]
    np.testing.assert_allclose(progress.observations[-1].objective, told.observations[-1].objective, rtol=rtol)


def test_who_comes_while_the_card_is_at_work_goes_along_with_the_next_program(programs):
    losses = ("bce", "mse", "gaussian_optimal", "bce", "mse")
    wanted = [(replace(CONFIG, loss=loss, seed=seed), 30) for seed, loss in enumerate(losses)]
    found = in_threads(Together(), wanted, programs)
    assert programs[0] == [(1, 30), (4, 30)]
    for one, (config, steps) in zip(found, wanted):
        assert_alike(one, config, steps)


def test_a_program_goes_as_far_as_who_wants_least_and_the_rest_is_in_the_next(programs):
    every = CONFIG.observe_every
    wanted = [(replace(CONFIG, seed=seed), 5 + more * every) for seed, more in enumerate((0, 1, 2, 2))]
    wanted.append((CONFIG, 20))  # which would stop the others between two observations
    found = in_threads(Together(), wanted, programs)
    assert sorted(programs[0]) == [(1, 5), (1, 20), (2, every), (3, 5 + every)]
    for one, (config, steps) in zip(found, wanted):
        assert_alike(one, config, steps)


def test_what_does_not_fit_goes_by_itself(programs):
    others = [{"hidden": (16,)}, {"loss": "gaussian_learned"}, {"loss": "ssim", "batch_size": 500}]
    wanted = [(replace(CONFIG, **change), 3) for change in ({}, *others)]
    found = in_threads(Together(), wanted, programs)
    assert programs[0] == [(1, 3)] * 4
    for one, (config, steps) in zip(found, wanted):
        assert_alike(one, config, steps)


def test_a_run_that_breaks_is_looked_at_by_its_own_thread_and_the_others_go_on(programs):
    bad = replace(CONFIG, learning_rate=10.0, loss="mse", beta=1e6)
    wanted = [(CONFIG, 10), (bad, 60), (replace(CONFIG, loss="mse"), 60)]
    found = in_threads(Together(), wanted, programs)
    assert programs[0] == [(1, 10), (2, 60)]
    assert "no longer a finite" in found[1][1].failure
    expected, _ = advance(initial_state(bad), bad, vae.load_dataset("digits"), 60)
    assert found[1][0].step == expected.step
    for one, (config, steps) in list(zip(found, wanted))[::2]:
        assert_alike(one, config, steps)


def test_a_card_that_fails_is_told_to_all_who_went_together(programs, monkeypatch):
    def failing(states, *_):
        programs[0].append(len(states))
        if len(programs[0]) == 1:
            assert programs[1].wait(20)
        raise DeviceError("The GPU's memory is full")

    monkeypatch.setattr(together, "take_chunk", failing)
    card = Together()
    found = in_threads(card, [(CONFIG, 5)] * 3, programs)
    assert all(isinstance(one, DeviceError) for one in found) and programs[0] == [1, 2]
    assert card._waiting == []


def test_a_run_goes_on_where_it_lies_and_comes_out_the_same(digits, monkeypatch):
    """What lies on the card is not sent there again, and an older state is."""
    put, real = [], on_device.DenseRuns.put
    monkeypatch.setattr(on_device.DenseRuns, "put", lambda self, run, *held: put.append(run) or real(self, run, *held))
    on_device.forget()
    configs = [replace(CONFIG, seed=seed) for seed in range(3)]

    def chunk(states, steps):
        return [one for one, _ in on_device.advance_many(states, configs, digits, steps)]

    start = chunk([initial_state(config) for config in configs], 10)
    assert len(put) == 3
    there = chunk(chunk(start, 20), 5)
    assert len(put) == 3
    again = chunk(start, 25)
    assert len(put) == 6
    mixed = chunk([again[2], initial_state(configs[1]), again[0]], 0)
    assert [state.step for state in mixed] == [35, 0, 35] and len(put) == 7
    for one, other in zip(there, again):
        assert all(torch.equal(one.weights[name], tensor) for name, tensor in other.weights.items())
    on_device.forget()


def test_runs_that_go_on_from_one_state_are_two(digits):
    """As after a dial was turned in a copy of a run."""
    on_device.forget()
    configs = [CONFIG, replace(CONFIG, beta=20.0)]
    state, _ = on_device.advance_many([initial_state(CONFIG)] * 2, [CONFIG] * 2, digits, 10)[0]
    for found, config in zip(on_device.advance_many([state, state], configs, digits, 15), configs):
        expected, told = advance(state, config, digits, 15)
        np.testing.assert_allclose(found[1].objective, told.objective, rtol=1e-5)
    on_device.forget()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_on_a_card_many_threads_agree_with_the_cpu(programs):
    losses = ("bce", "mse", "gaussian_optimal", "bce", "mse")
    wanted = [(replace(CONFIG, loss=loss, seed=seed), 50) for seed, loss in enumerate(losses)]
    found = in_threads(Together(), wanted, programs, torch.device("cuda"))
    for one, (config, steps) in zip(found, wanted):
        assert_alike(one, config, steps, 1e-4)


def test_calls_of_advance_one_after_the_other_are_as_one(digits):
    state, parts = initial_state(CONFIG), []
    for steps in (4, 0, 9):
        state, progress = advance(state, CONFIG, digits, steps)
        parts.append(progress)
    whole, found = advance(initial_state(CONFIG), CONFIG, digits, 13)[1], joined(parts)
    assert found.step == 13 and found.first_step == 1 and found.epoch == whole.epoch
    for name in ("reconstruction", "kl", "objective"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    assert [o.step for o in found.observations] == [o.step for o in whole.observations]
    np.testing.assert_array_equal(found.pictures.samples, whole.pictures.samples)
    slowest, fastest = sorted(part.images_per_second for part in parts if len(part.objective))
    assert slowest <= found.images_per_second <= fastest


def test_initial_weights_are_the_same_drawn_by_many_threads_at_once():
    configs = [replace(CONFIG, seed=seed, hidden=(300, 300)) for seed in range(12)]
    expected = [initial_state(config) for config in configs]
    before, found = torch.random.get_rng_state(), [None] * len(configs)

    def draw(number):
        found[number] = initial_state(configs[number])

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(len(configs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(torch.random.get_rng_state(), before)
    for one, other in zip(found, expected):
        assert all(torch.equal(one.weights[name], tensor) for name, tensor in other.weights.items())


# ---- In the engine ---------------------------------------------------------------------------------------------------


@pytest.fixture
def with_card(monkeypatch):
    """An engine on a worker with a card, whose memory is the CPU's, and one without; both threads of this process."""
    monkeypatch.setattr(device, "of_this_process", lambda: CARD if on_the_card() else CPU)
    real, taken = together.take_chunk, []

    def take_chunk(states, configs, data, steps, where):
        assert where is CARD
        taken.append([(config.loss, state.step) for config, state in zip(configs, states)])
        return real(states, configs, data, steps, CPU)

    monkeypatch.setattr(together, "take_chunk", take_chunk)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:

        async def beside():
            from distributed import Worker

            return await Worker(cluster.scheduler_address, nthreads=16, name="card", resources={"GPU": 1})

        worker = cluster.sync(beside)
        engine = Engine(scheduler=cluster.scheduler_address)
        try:
            yield engine, taken
        finally:
            engine.close()
            cluster.sync(worker.close)
            on_device.forget()


class Card:
    type = "cuda"


CARD = Card()


def on_the_card():
    from distributed import get_worker

    try:
        return bool(get_worker().state.total_resources.get("GPU"))
    except ValueError:
        return False


def done(*runs):
    until(lambda: all(run.view().status.ended for run in runs), 60)
    assert [run.view().status for run in runs] == [Status.DONE] * len(runs)


def test_columns_and_people_go_through_one_program_and_come_out_as_ever(with_card):
    engine, taken = with_card
    assert engine.cluster.has_card and engine.cluster.cores == 1 and engine.workers == 17
    base = replace(CONFIG, batch_size=64, epochs=20)
    race = engine.create_race([replace(base, loss=loss) for loss in ("bce", "mse", "continuous_bernoulli")], "one")
    people = [engine.create_run(replace(base, seed=seed), f"person {seed}") for seed in range(5)]
    rounded = engine.create_run(replace(base, pixels="binary", epochs=2), "by autograd")
    runs = [*race.runs, *people, rounded]
    for run in runs:
        run.start()
    done(*runs)
    assert max(map(len, taken)) >= 4  # those of a race, or more
    on_the_grid = [step % base.observe_every == 0 for company in taken for _, step in company]
    assert sum(on_the_grid) > 0.8 * len(on_the_grid)  # all, where the worker is never taken for silent
    for run in runs:
        view = run.view()
        assert view.step == view.total_steps == len(view.objective)
        *_, (state, progress) = vae.train(run.config, chunk=1000)
        np.testing.assert_allclose(view.observations[-1].objective, progress.observations[-1].objective, rtol=1e-3)


def test_where_the_card_is_lost_its_worker_goes_and_the_others_take_its_runs(with_card, monkeypatch):
    engine, taken = with_card
    monkeypatch.setattr(device, "_lost", [])
    real = together.take_chunk

    def take_chunk(states, configs, data, steps, where):
        if len(taken) >= 2:
            raise DeviceError("The GPU was lost", True)
        return real(states, configs, data, steps, where)

    monkeypatch.setattr(together, "take_chunk", take_chunk)
    runs = [engine.create_run(replace(CONFIG, seed=seed, epochs=30), f"person {seed}") for seed in range(3)]
    for run in runs:
        run.start()
    done(*runs)
    until(lambda: not engine.cluster.has_card)
    assert len(engine.cluster.workers) == 1 and device.is_lost()
    for run in runs:
        *_, (_, progress) = vae.train(run.config, chunk=1000)
        np.testing.assert_allclose(
            run.view().observations[-1].objective, progress.observations[-1].objective, rtol=1e-3
        )


def test_what_no_card_takes_goes_to_the_other_worker(with_card, monkeypatch):
    engine, taken = with_card
    zoo = vae.training.step.Program(picture=torch.sigmoid)
    run = engine.create_run(replace(CONFIG, epochs=1), "one", zoo)
    run.start()
    done(run)
    assert run.view().device == "cpu" and taken == [] and Pace(engine.cluster).chunk_seconds() == 0.25


def test_a_keeper_starts_the_worker_of_the_card_beside_the_others():
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        keeper = local.beside(cluster, "cpu", threads=4)
        try:
            found = cluster.scheduler_info["workers"].values()
            assert sorted((w["nthreads"], w["resources"].get("GPU", 0)) for w in found) == [(1, 0), (4, 1)]
        finally:
            cluster.sync(keeper.close)
        until(lambda: len(cluster.scheduler_info["workers"]) == 1)
