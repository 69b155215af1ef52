"""Columns side by side on a real cluster: paired, in step, forked; whatever is paused, cut or killed on the way."""

import dataclasses
import os
import signal
import time

import numpy as np
import pytest
import torch

import vae
from tests.waiting import wait_for
from vae.engine import Engine, Race, Status

CONFIG = vae.TrainConfig(dataset="digits", hidden=(48,), epochs=12, batch_size=32, seed=2)  # 540 steps


def vary(field, *values):
    return [dataclasses.replace(CONFIG, **{field: value}) for value in values]


def ended(race: Race) -> bool:
    return race.status.ended and not any(view.evaluating for view in race.views())


def steps(race: Race) -> set[int]:
    return {view.step for view in race.views()}


def assert_same(one, other):
    """Two views of runs that went the same way: curves and every observation, bit for bit."""
    for name in ("reconstruction", "kl", "objective"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert [o.step for o in one.observations] == [o.step for o in other.observations]
    for left, right in zip((*one.observations, one.pictures), (*other.observations, other.pictures)):
        for field in dataclasses.fields(left):
            np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name))


@pytest.fixture(scope="module")
def alone():
    """Curves and weights of the runs trained in this process."""
    found = {}
    for loss in ("bce", "mse"):
        parts = list(vae.train(dataclasses.replace(CONFIG, loss=loss)))
        found[loss] = parts[-1][0], np.concatenate([progress.objective for _, progress in parts])
    return found


def test_columns_with_one_loss_are_identical_for_the_whole_run(engine, alone):
    race = engine.create_race(vary("loss", "bce", "bce", "bce", "bce"))
    race.start()
    wait_for(lambda: ended(race))
    first, *others = race.views()
    np.testing.assert_array_equal(first.objective, alone["bce"][1])
    for view, run in zip(others, race.runs[1:]):
        assert_same(first, view)
        assert view.evaluation == first.evaluation
        assert all(torch.equal(t, alone["bce"][0].weights[name]) for name, t in run.state().weights.items())


def test_with_another_loss_weights_batch_and_noise_are_the_first_ones(engine, alone):
    race = engine.create_race(vary("loss", "bce", "mse", "gaussian_optimal"))
    race.step(1)
    wait_for(lambda: steps(race) == {1} and all(view.observations for view in race.views()))
    views = race.views()
    assert len({float(view.kl[0]) for view in views}) == 1  # the same batch through the same encoder
    assert len({float(view.reconstruction[0]) for view in views}) == 3
    for view in views[1:]:  # the untrained decoder meets the same codes: same noise
        np.testing.assert_array_equal(view.observations[0].samples, views[0].observations[0].samples)
        np.testing.assert_array_equal(view.observations[0].reconstructions, views[0].observations[0].reconstructions)


def test_a_race_is_in_step_whenever_it_is_looked_at_and_each_column_is_its_own_training(engine, alone, monkeypatch):
    monkeypatch.setattr("vae.engine.pace.CHUNK_SECONDS", 0.02)  # many rounds
    race = engine.create_race(vary("loss", "bce", "mse"))
    race.start()
    seen = set()
    while not race.status.ended:
        together = steps(race)
        assert len(together) == 1
        seen |= together
        if len(seen) in (3, 6):  # a pause in the middle leaves no trace
            race.pause()
            if race.status.ended:
                break
            assert race.status is Status.PAUSED and steps(race) == together
            assert {view.pictures.step for view in race.views()} == together
            race.step(1)
            wait_for(lambda together=together: steps(race) == {next(iter(together)) + 1})
            race.start()
        time.sleep(0.01)
    assert len(seen) > 4
    for loss, view in zip(("bce", "mse"), race.views()):
        np.testing.assert_array_equal(view.objective, alone[loss][1])


def test_parked_and_resumed_a_race_is_still_in_step(alone):
    here = True
    engine = Engine(workers=2, presence=lambda owner: here, absence_before_parking=0.0, look_round_every=0.05)
    try:
        race = engine.create_race(vary("loss", "bce", "mse"), "somebody")
        race.start()
        for _ in range(4):
            wait_for(lambda: race.status is Status.RUNNING or race.status.ended)
            here = False
            wait_for(lambda: race.status is Status.PAUSED or race.status.ended)
            assert len(steps(race)) == 1
            here = True
        wait_for(lambda: ended(race))
        for loss, view in zip(("bce", "mse"), race.views()):
            np.testing.assert_array_equal(view.objective, alone[loss][1])
    finally:
        engine.close()


def test_kept_or_let_go_a_race_is_one_thing(engine):
    races = [engine.create_race(vary("loss", "bce", "mse", "bce", "mse"), "keeper") for _ in range(10)]
    for race in races:
        race.stop()
    engine.create_run(CONFIG, "keeper")
    kept = [race for race in races if race.runs[0].id in engine.runs]
    assert kept == races[-8:]
    assert all(run.id in engine.runs for race in kept for run in race.runs)


def test_figures_of_the_test_set_are_of_the_weights_at_hand(engine):
    run = engine.create_run(CONFIG)
    run.step(20)
    wait_for(lambda: run.view().step == 20)
    run.evaluate()
    wait_for(lambda: run.view().evaluation is not None)
    run.step(1)
    wait_for(lambda: run.view().step == 21)
    assert run.view().evaluation is None


@pytest.mark.slow  # make test has it for one run, tests/test_engine.py
def test_a_killed_worker_costs_seconds_and_no_bit(engine, alone):
    race = engine.create_race(vary("loss", "bce", "mse"))
    race.start()
    wait_for(lambda: min(steps(race)) > 50)
    workers = engine.client.scheduler_info(n_workers=-1)["workers"]
    os.kill(engine.client.run(os.getpid)[next(iter(workers))], signal.SIGKILL)
    wait_for(lambda: ended(race), 90)
    for loss, view in zip(("bce", "mse"), race.views()):
        assert view.status is Status.DONE, view.message
        np.testing.assert_array_equal(view.objective, alone[loss][1])


def test_a_column_that_fails_does_not_hold_the_others(engine):
    broken = dataclasses.replace(CONFIG, learning_rate=10.0, loss="mse", beta=1e6)
    race = engine.create_race([CONFIG, broken])
    race.start()
    wait_for(lambda: ended(race))
    good, bad = race.views()
    assert bad.status is Status.FAILED and "no longer a finite number" in bad.message
    assert good.status is Status.DONE and good.step == CONFIG.total_steps
    assert race.status is Status.FAILED


def test_columns_with_fewer_steps_end_earlier(engine):
    race = engine.create_race(vary("epochs", 2, 4))
    race.start()
    wait_for(lambda: ended(race))
    assert [view.step for view in race.views()] == [90, 180]


def test_a_fork_goes_on_from_the_weights_and_keeps_what_was(engine, alone):
    race = engine.create_race(vary("loss", "mse", "mse"))
    race.step(100)
    wait_for(lambda: steps(race) == {100})
    changed = dataclasses.replace(race.runs[1].config, beta=0.05)
    run = engine.fork(race.runs[1], changed)
    assert race.runs[1] is run and race.configs == (race.runs[0].config, changed)
    assert run.view().forks == ((100, dataclasses.replace(changed, beta=1.0)),) and steps(race) == {100}
    race.start()
    wait_for(lambda: ended(race))
    kept, forked = race.views()
    np.testing.assert_array_equal(kept.objective, alone["mse"][1])
    np.testing.assert_array_equal(forked.objective[:100], kept.objective[:100])
    # by hand: 100 steps under the old settings, the rest under the new
    data, config = vae.load_dataset("digits"), race.runs[0].config
    state, _ = vae.advance(vae.initial_state(config), config, data, 100)
    _, after = vae.advance(state, changed, data, config.total_steps)
    np.testing.assert_array_equal(forked.objective[100:], after.objective)
    assert forked.kl[-1] > kept.kl[-1]


def test_forked_to_the_same_settings_nothing_changes(engine, alone):
    race = engine.create_race(vary("loss", "bce"))
    race.step(60)
    wait_for(lambda: steps(race) == {60})
    engine.fork(race.runs[0], race.runs[0].config)
    race.start()
    wait_for(lambda: ended(race))
    np.testing.assert_array_equal(race.views()[0].objective, alone["bce"][1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"latent_dim": 5}, "latent_dim = 5 .*keeps its network and data: 2"),
        ({"hidden": (9,)}, "hidden"),
        ({"loss": "gaussian_learned"}, "trained sigma is part of the network"),
        ({"epochs": 1}, "epochs = 1 .*more than the 1.1 done"),
    ],
)
def test_what_a_fork_cannot_keep_is_said(engine, changes, said):
    run = engine.create_run(CONFIG)
    run.step(50)
    wait_for(lambda: run.view().step == 50)
    with pytest.raises(vae.SettingError, match=said):
        engine.fork(run, dataclasses.replace(CONFIG, **changes))
    assert run.view().status is Status.PAUSED and run.pace.columns == [run]


def test_more_epochs_go_on_where_a_finished_run_ended(engine):
    run = engine.create_run(dataclasses.replace(CONFIG, epochs=1))
    run.start()
    wait_for(lambda: run.view().status is Status.DONE and not run.view().evaluating)
    longer = engine.fork(run, dataclasses.replace(CONFIG, epochs=2))
    longer.start()
    wait_for(lambda: longer.view().status is Status.DONE)
    straight = list(vae.train(dataclasses.replace(CONFIG, epochs=2)))
    np.testing.assert_array_equal(longer.view().objective, np.concatenate([p.objective for _, p in straight]))
