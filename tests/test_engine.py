"""Runs on a real local cluster: the same curve as headless, whatever is paused, parked, cut or killed on the way."""

import dataclasses
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import vae
import vae.engine.run as run_module
import vae.engine.tsne_run as unfolding_module
from tests.waiting import wait_for
from vae.engine import Engine, LimitError, Status, tasks
from vae.latent.pca_tsne import EmbeddingConfig, advance_embedding, affinities, initial_embedding, place, quality
from vae.launch import workers_wanted
from vae.study.sweep import SweepSpec

CONFIG = vae.TrainConfig(dataset="digits", hidden=(64,), epochs=40, batch_size=32, seed=2)  # 1,800 steps


UNFOLDING = EmbeddingConfig(perplexity=20, early_iterations=200, iterations=400)  # 12 chunks


@pytest.fixture(scope="module")
def codes():
    return vae.load_dataset("digits").test[:300].flatten(1).numpy()[:, 18:26].astype(np.float32)


@pytest.fixture(scope="module")
def unfolded(codes):
    """The map of UNFOLDING after every chunk, computed in this process."""
    states, p = [initial_embedding(codes, UNFOLDING)], affinities(codes, UNFOLDING)
    while states[-1].iteration < UNFOLDING.total_iterations:
        states.append(advance_embedding(states[-1], p, UNFOLDING)[0])
    return [state.coordinates for state in states]


@pytest.fixture(scope="module")
def headless():
    """The curve and the final state of the same config, trained in this process."""
    parts = list(vae.train(CONFIG))
    return parts[-1][0], np.concatenate([progress.objective for _, progress in parts])


def assert_same_as_headless(run, headless):
    view = run.view()
    assert view.status is Status.DONE, view.message
    np.testing.assert_array_equal(view.objective, headless[1])
    assert all(torch.equal(tensor, run.state().weights[name]) for name, tensor in headless[0].weights.items())


def test_a_run_is_the_headless_training_bit_for_bit(engine, headless):
    run = engine.create_run(CONFIG)
    assert run.view().status is Status.PAUSED and run.view().step == 0
    run.start()
    assert run.view().status in (Status.QUEUED, Status.RUNNING)
    wait_for(lambda: run.view().status.ended and not run.view().evaluating)
    assert_same_as_headless(run, headless)
    view = run.view()
    model = vae.model_of(CONFIG, headless[0].weights)
    assert view.evaluation.negative_elbo == pytest.approx(
        vae.evaluate(CONFIG, model, vae.load_dataset("digits")).negative_elbo, abs=1e-9
    )
    seen = [step for step in range(CONFIG.total_steps + 1) if CONFIG.observes(step)]
    assert [o.step for o in view.observations] == seen


def test_pausing_stepping_and_going_on_leave_no_trace(engine, headless):
    run = engine.create_run(CONFIG)
    wait_for(lambda: run.view().observations)  # the untrained network is shown without being asked for
    assert run.view().step == 0 and run.view().status is Status.PAUSED
    run.start()
    wait_for(lambda: run.view().step > 100)
    run.pause()
    held = run.view().step
    time.sleep(0.6)
    assert run.view().step == held and run.view().status is Status.PAUSED
    for more in (1, 2):
        run.step()
        wait_for(lambda more=more: run.view().step == held + more)
        assert run.view().status is Status.PAUSED
    run.start()
    wait_for(lambda: run.view().status.ended)
    assert_same_as_headless(run, headless)
    steps = [o.step for o in run.view().observations]
    assert steps == sorted(set(steps)) and steps[0] == 0  # each once, though step 0 was shown before the start


def test_stop_ends_at_once_and_keeps_what_was_seen(engine):
    run = engine.create_run(CONFIG)
    run.start()
    wait_for(lambda: run.view().step > 50)
    run.stop()
    view = run.view()
    assert view.status is Status.STOPPED and len(view.objective) == view.step
    assert run.state().step == view.step
    for action in (run.start, run.pause, run.step, run.stop):
        action()
    time.sleep(0.3)
    assert run.view().step == view.step and run.view().status is Status.STOPPED


def kill_holder(engine, job, name="_state"):
    """SIGKILL the worker process on which the run's latest state lies, or what `name` says; it comes back by itself."""
    holders = []

    def look():
        with job.lock:
            held = getattr(job, name)
        holders.extend(engine.client.who_has([held]).get(held.key, ()))
        return holders

    wait_for(look)
    pid = engine.client.run(os.getpid, workers=[holders[0]])[holders[0]]
    os.kill(pid, signal.SIGKILL)


def test_killing_the_worker_that_holds_the_state_changes_nothing(engine, headless):
    run = engine.create_run(CONFIG)
    run.start()
    for step in (300, 900):
        wait_for(lambda step=step: run.view().step >= step)
        kill_holder(engine, run)
    wait_for(lambda: run.view().status.ended, 120)
    assert_same_as_headless(run, headless)
    wait_for(lambda: len(engine.client.scheduler_info(n_workers=-1)["workers"]) == 2)


def tasks_of(engine, run) -> int:
    """How many the scheduler remembers of this run."""

    def count(dask_scheduler, run_id):
        return sum(run_id in str(key) for key in dask_scheduler.tasks)

    return engine.client.run_on_scheduler(count, run_id=run.id)


def test_the_state_comes_home_so_that_tasks_stay_few(engine, headless, monkeypatch):
    monkeypatch.setattr(run_module, "HOME_EVERY", 10)
    monkeypatch.setattr("vae.engine.pace.CHUNK_SECONDS", 0.01)  # a fast machine has sixty of them, too
    run = engine.create_run(CONFIG)
    run.start()
    most, homes = 0, set()

    def look():
        nonlocal most
        most = max(most, tasks_of(engine, run))
        homes.add(run._home)
        return run.view().status.ended

    wait_for(look)
    assert_same_as_headless(run, headless)
    assert run._count > 60 and len(homes) >= 3
    assert most < run._count  # left alone, two tasks a chunk would all have stayed
    assert most <= 2 * 40


def test_what_rests_waits_at_home_so_that_a_dead_worker_costs_it_nothing(engine, headless):
    """Paused, stopped or done: nothing of it is left on the workers, and it can still be stepped, gone on with, brought."""
    run, stopped = engine.create_run(CONFIG), engine.create_run(CONFIG)
    for each in (run, stopped):
        each.start()
        wait_for(lambda each=each: each.view().step)
    stopped.stop()
    run.pause()
    wait_for(lambda: not tasks_of(engine, run) and not tasks_of(engine, stopped))
    assert stopped.state().step == stopped.view().step > 0
    for _ in range(5):  # each while the last state may be on its way
        before = run.view().step
        run.step()
        wait_for(lambda before=before: run.view().step == before + 1)
    run.start()
    wait_for(lambda: run.view().status.ended and not run.view().evaluating)
    wait_for(lambda: not tasks_of(engine, run))
    assert_same_as_headless(run, headless)


def test_health_counts_what_there_is_and_a_drained_engine_starts_nothing(engine, caplog):
    run, late = (engine.create_run(CONFIG, owner) for owner in ("a", "b:zoo"))
    with caplog.at_level("INFO", "vae.events"):
        engine.start([run])
        wait_for(lambda: run.view().step)
        wait_for(lambda: engine.health().workers == 2)  # one may have been killed just before
        found = engine.health()
        assert found.works and found.active >= 1 and found.owners >= 2
        wait_for(lambda: engine.health().tasks > 0 and engine.health().worker_memory > 1e8)
        engine.drain()
        try:
            with pytest.raises(LimitError, match="about to be stopped"):
                engine.start([late])
            assert run.status.active and late.view().step == 0
        finally:
            engine.drain(False)
        run.stop()
        wait_for(lambda: any('"kind": "run", "status": "stopped"' in record.message for record in caplog.records))
    told = [record.message for record in caplog.records]
    assert any('"job.started", "kind": "run", "columns": 1' in line for line in told)
    engine.discard(late)


def test_many_runs_share_two_workers(engine):
    runs = [engine.create_run(dataclasses.replace(CONFIG, seed=seed)) for seed in range(8)]
    for run in runs:
        run.start()
    wait_for(lambda: all(run.view().step > 0 for run in runs))
    steps = [run.view().step for run in runs]
    for run in runs:
        run.stop()
    assert max(steps) < CONFIG.total_steps  # the last one had its turn long before the first was done


def test_whatever_is_asked_for_has_its_turn_while_others_train(engine, tmp_path):
    crowd = [engine.create_run(dataclasses.replace(CONFIG, epochs=10_000), f"owner {i}") for i in range(6)]
    for run in crowd:
        run.start()
    try:
        wait_for(lambda: all(run.view().step > 0 for run in crowd))
        base = dataclasses.replace(CONFIG, epochs=2)
        sweep = engine.create_sweep(SweepSpec(base, {"seed": [0, 1, 2]}), tmp_path / "sweep.csv", "ann")
        sweep.start()
        short = engine.create_run(base, "bob")
        short.start()
        wait_for(lambda: short.view().evaluation is not None)
        wait_for(lambda: engine.answers.lines(dataclasses.replace(CONFIG, latent_dim=7)).value)
        wait_for(lambda: sweep.view().status is Status.DONE)
        assert all(run.view().status is Status.RUNNING for run in crowd)
        assert engine.cluster.sharing >= 6
    finally:
        for run in crowd:
            engine.discard(run)


def test_an_exception_on_a_worker_is_the_runs_message(engine, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module.tasks, "advance_chunk", _fail)
        run = engine.create_run(CONFIG)
        run.start()
        wait_for(lambda: run.view().status.ended)
    view = run.view()
    assert view.status is Status.FAILED and view.message == "A worker failed: ZeroDivisionError: division by zero"


def _fail(*_):
    return 1 / 0


def test_a_loss_that_is_not_finite_fails_the_run_and_keeps_its_last_state(engine):
    run = engine.create_run(dataclasses.replace(CONFIG, learning_rate=10.0, loss="mse", beta=1e6))
    run.start()
    wait_for(lambda: run.view().status.ended)
    view = run.view()
    assert view.status is Status.FAILED and "no longer a finite number" in view.message
    state = run.state()
    assert state.step == view.step and all(torch.isfinite(t).all() for t in state.weights.values())


def test_a_run_whose_owner_is_away_is_parked_and_goes_on(engine, headless):
    present = {"ann": True}
    watcher = Engine(
        scheduler=engine.client.scheduler.address,
        security=engine.client.security,
        presence=lambda owner: present[owner],
        absence_before_parking=0.2,
        look_round_every=0.05,
    )
    try:
        run = watcher.create_run(CONFIG, "ann")
        run.start()
        wait_for(lambda: run.view().step > 0)
        present["ann"] = False
        wait_for(lambda: run.view().parked)
        held = run.view()
        assert held.status is Status.PAUSED
        time.sleep(0.5)
        assert run.view().step == held.step
        present["ann"] = True
        wait_for(lambda: run.view().status.ended)
        assert_same_as_headless(run, headless)
        run = watcher.create_run(CONFIG, "ann")  # a run that its owner paused is not resumed by their return
        run.step(1)
        wait_for(lambda: run.view().step == 1)
        present["ann"] = False
        time.sleep(0.5)
        present["ann"] = True
        time.sleep(0.2)
        assert run.view().status is Status.PAUSED and not run.view().parked
    finally:
        watcher.close()


def test_a_map_from_the_workers_is_the_one_of_this_process_bit_for_bit(engine, codes, unfolded):
    unfolding = engine.create_tsne(codes, UNFOLDING)
    first = unfolding.view()
    assert first.status is Status.PAUSED and (first.iteration, first.total_iterations) == (0, 600)
    np.testing.assert_array_equal(first.coordinates, unfolded[0])  # something to show before any worker is asked
    unfolding.start()
    assert unfolding.view().status.active
    wait_for(lambda: unfolding.view().iteration >= 75)
    unfolding.pause()
    held = unfolding.view()
    time.sleep(0.3)
    assert unfolding.view().iteration == held.iteration and unfolding.view().status is Status.PAUSED
    np.testing.assert_array_equal(held.coordinates, unfolded[held.iteration // 50])
    unfolding.start()
    wait_for(lambda: unfolding.view().status.ended)
    view = unfolding.view()
    assert (view.status, view.message, view.iteration) == (Status.DONE, "", 600)
    np.testing.assert_array_equal(view.coordinates, unfolded[-1])
    assert 0 < view.kl_divergence < 5 and unfolding.state().iteration == 600


def test_a_map_survives_its_worker_and_leaves_nothing_behind(engine, codes, unfolded):
    def count(dask_scheduler):
        return sum("advance-map" in str(key) or "affinities" in str(key) for key in dask_scheduler.tasks)

    unfolding = engine.create_tsne(codes, UNFOLDING)
    unfolding.start()
    wait_for(lambda: unfolding.view().iteration >= 50)
    kill_holder(engine, unfolding, "_affinities")
    most = 0
    while not unfolding.view().status.ended:
        most = max(most, engine.client.run_on_scheduler(count))
        unfolding.wait_for_news(0.5)
    np.testing.assert_array_equal(unfolding.view().coordinates, unfolded[-1])
    assert 1 <= most <= 4  # the affinities and a chunk, and what is just being let go
    wait_for(lambda: engine.client.run_on_scheduler(count) == 0)
    wait_for(lambda: len(engine.client.scheduler_info(n_workers=-1)["workers"]) == 2)


def test_a_stopped_map_stays_as_it_is_and_a_failed_one_says_why(engine, codes, unfolded):
    unfolding = engine.create_tsne(codes, UNFOLDING)
    unfolding.start()
    wait_for(lambda: unfolding.view().iteration >= 50)
    unfolding.stop()
    held = unfolding.view()
    unfolding.start()
    time.sleep(0.2)
    assert unfolding.view().status is Status.STOPPED and unfolding.view().iteration == held.iteration
    np.testing.assert_array_equal(held.coordinates, unfolded[held.iteration // 50])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfolding_module.tasks, "advance_map", _fail)
        broken = engine.create_tsne(codes, UNFOLDING)
        broken.start()
        wait_for(lambda: broken.view().status.ended)
    assert broken.view().status is Status.FAILED
    assert broken.view().message == "A worker failed: ZeroDivisionError: division by zero"
    with pytest.raises(vae.SettingError, match="with 50 images it is at most 16"):
        engine.create_tsne(codes[:50], UNFOLDING)


def test_maps_are_parked_kept_and_discarded_like_runs(engine, codes, unfolded):
    present = {"bob": True}
    watcher = Engine(
        scheduler=engine.client.scheduler.address,
        security=engine.client.security,
        presence=lambda owner: present[owner],
        absence_before_parking=0.0,
        look_round_every=0.02,
    )
    try:
        start = np.asarray(unfolded[-1])
        config = dataclasses.replace(UNFOLDING, initial="given", iterations=2000)
        unfolding = watcher.create_tsne(codes, config, "bob", start)
        run = watcher.create_run(CONFIG, "bob")
        assert watcher.maps == {unfolding.id: unfolding} and watcher.runs == {run.id: run}
        assert watcher.runs_of("bob") == [run]
        unfolding.start()
        wait_for(lambda: unfolding.view().iteration > 0)
        present["bob"] = False
        wait_for(lambda: unfolding.view().parked)
        assert unfolding.view().status is Status.PAUSED
        held = unfolding.view().iteration
        present["bob"] = True
        wait_for(lambda: unfolding.view().iteration > held)
        assert "parked while you were away" in unfolding.view().message
        watcher.discard(unfolding)
        assert unfolding.view().status is Status.STOPPED and not watcher.maps
        assert not watcher.runs  # never started: nothing is lost by letting it go while its owner is away
    finally:
        watcher.close()


def test_an_optimal_sigma_is_measured_on_the_whole_training_set_in_pieces(engine):
    config = dataclasses.replace(CONFIG, loss="gaussian_optimal", epochs=1)
    run = engine.create_run(config)
    run.start()
    wait_for(lambda: run.view().evaluation is not None)
    model = vae.model_of(config, run.state().weights)
    expected = vae.evaluate(config, model, vae.load_dataset("digits"))
    assert run.view().evaluation.sigma == pytest.approx(expected.sigma, rel=1e-6)
    assert run.view().evaluation.negative_elbo == pytest.approx(expected.negative_elbo, rel=1e-6)


def test_reference_lines_come_from_a_worker(engine):
    wait_for(lambda: engine.answers.lines(CONFIG).value)
    data = vae.load_dataset("digits")
    assert engine.answers.lines(CONFIG).value == vae.reference_lines(data, vae.LOSSES["bce"], {}, 2)


def test_how_far_to_trust_a_map_comes_from_a_worker_and_so_does_why_it_cannot_be_said(engine):
    codes, labels = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32), np.arange(60) % 2
    arrays = codes, codes[:, :2], labels
    wait_for(lambda: not engine.answers.quality(*arrays).pending)
    assert engine.answers.quality(*arrays).value == quality(*arrays)
    assert engine.answers.quality(codes, codes[:, 1:], labels).pending  # another map is another question
    few = codes[:5], codes[:5, :2], None
    wait_for(lambda: not engine.answers.quality(*few).pending)
    for _ in range(2):  # said each time, not only to whoever asked first
        assert "k = 10" in engine.answers.quality(*few).problem


def test_a_code_is_placed_on_a_map_by_a_worker(engine):
    codes = np.random.default_rng(2).normal(size=(80, 4)).astype(np.float32)
    unfolding = engine.create_tsne(codes, EmbeddingConfig(perplexity=10, early_iterations=0, iterations=50))
    unfolding.start()
    wait_for(lambda: unfolding.view().status is Status.DONE)
    wait_for(lambda: not engine.answers.place(unfolding, codes[3]).pending)
    np.testing.assert_array_equal(
        engine.answers.place(unfolding, codes[3]).value,
        place(unfolding.state(), codes, unfolding.config, codes[3:4])[0],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_what_workers_are_forked_from_goes_without_pandas_which_takes_memory_of_each(engine):
    """Dask imports it wherever it is."""
    mapped = Path(f"/proc/{engine.cluster.local.pid}/maps").read_text()
    assert "/numpy/" in mapped and "/pandas/" not in mapped


def test_the_local_cluster_listens_on_loopback_only(engine):
    addresses = [engine.client.scheduler.address, *engine.client.scheduler_info(n_workers=-1)["workers"]]
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses)


def test_a_nonsensical_number_of_workers_is_refused(monkeypatch):
    for bad in ("0", "-1", "two", "1000"):
        monkeypatch.setenv("VAE_WORKERS", bad)
        with pytest.raises(vae.SettingError, match="VAE_WORKERS .* from 1 to 256"):
            workers_wanted()


def test_a_nonsensical_niceness_is_refused(monkeypatch):
    for bad in ("-1", "20", "low"):
        monkeypatch.setenv("VAE_NICENESS", bad)
        with pytest.raises(vae.SettingError, match="VAE_NICENESS .* from 0 to 19"):
            tasks.niceness()
    monkeypatch.setenv("VAE_NICENESS", "")
    assert tasks.niceness() == tasks.NICENESS
