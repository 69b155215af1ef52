"""What breaks under a class, really broken: every run goes on to the same bits, or ends with a sentence, and no other run
is the worse for it."""

import dataclasses
import os
import resource
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

import vae
from tests.waiting import wait_for
from vae.engine import Engine, Limits, Status
from vae.engine import state_files as keep
from vae.engine.job import sentence_of
from vae.engine.state_files import KeptState

CONFIG = vae.TrainConfig(dataset="digits", hidden=(64,), epochs=40, batch_size=32, seed=5)  # 1,800 steps


@pytest.fixture(scope="module")
def own_engine():
    """A cluster of this module's own, as these tests break it."""
    engine = Engine(workers=2, look_round_every=0.2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def curves():
    """The objective of CONFIG under two seeds, trained in this process."""
    parts = {seed: list(vae.train(dataclasses.replace(CONFIG, seed=seed))) for seed in (5, 6)}
    return {seed: np.concatenate([progress.objective for _, progress in found]) for seed, found in parts.items()}


@pytest.fixture
def runs(own_engine):
    """Two runs of two owners, under way, some hundred steps from their start."""
    found = [own_engine.create_run(dataclasses.replace(CONFIG, seed=seed), f"owner {seed}") for seed in (5, 6)]
    for run in found:
        run.start()
    wait_for(lambda: all(run.view().step > 200 for run in found))
    yield found
    for run in found:
        own_engine.discard(run)


def assert_done_to_the_bit(runs, curves):
    wait_for(lambda: all(run.view().status.ended for run in runs), 150)
    for run in runs:
        view = run.view()
        assert view.status is Status.DONE, view.message
        np.testing.assert_array_equal(view.objective, curves[run.config.seed])


def pids_of(engine) -> list[int]:
    return list(engine.client.run(os.getpid).values())


def test_all_workers_killed_at_once(own_engine, runs, curves):
    for pid in pids_of(own_engine):
        os.kill(pid, signal.SIGKILL)
    assert_done_to_the_bit(runs, curves)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="workers are forked from one process on Linux alone")
def test_the_process_that_workers_are_forked_from_is_killed(own_engine, runs, curves):
    os.kill(psutil.Process(pids_of(own_engine)[0]).ppid(), signal.SIGKILL)
    assert_done_to_the_bit(runs, curves)
    wait_for(lambda: len(own_engine.cluster.workers) == 2)


def test_the_scheduler_is_killed(own_engine, runs, curves):
    before = own_engine.cluster.local.pid
    os.kill(before, signal.SIGKILL)
    assert_done_to_the_bit(runs, curves)
    assert own_engine.cluster.local.pid != before and own_engine.workers == 2
    assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE


def test_a_worker_that_hangs_holds_up_its_own_run_alone(own_engine, runs, curves):
    first, second = pids_of(own_engine)
    os.kill(first, signal.SIGSTOP)
    try:
        wait_for(lambda: any(run.view().status is Status.DONE for run in runs), 60)
        newcomer = own_engine.create_run(dataclasses.replace(CONFIG, epochs=4), "newcomer")
        newcomer.start()
        wait_for(lambda: newcomer.view().status is Status.DONE)
    finally:
        os.kill(first, signal.SIGCONT)
    assert_done_to_the_bit(runs, curves)


@pytest.mark.slow  # a minute by nature; make test has the same for some seconds
def test_a_worker_that_hangs_for_a_minute_is_replaced(own_engine, runs, curves):
    first = pids_of(own_engine)[0]
    os.kill(first, signal.SIGSTOP)
    time.sleep(60)
    assert_done_to_the_bit(runs, curves)  # long before it would go on
    if psutil.pid_exists(first):
        os.kill(first, signal.SIGCONT)


def test_a_clock_that_jumps(own_engine, runs, curves):
    """The scheduler's, by an hour: it takes every worker for hung."""

    def jump(seconds: float) -> None:
        import time

        from distributed import scheduler

        scheduler.time = lambda: time.time() + seconds

    try:
        own_engine.client.run_on_scheduler(jump, 3600.0)
        time.sleep(1)
        own_engine.client.run_on_scheduler(jump, -3600.0)
        assert_done_to_the_bit(runs, curves)
    finally:
        own_engine.client.run_on_scheduler(jump, 0.0)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="the memory of a worker is bounded on Linux alone")
def test_a_run_that_bursts_a_workers_memory_ends_with_a_sentence_and_takes_no_other_along(own_engine, runs, curves):
    before = pids_of(own_engine)
    room = max(psutil.Process(pid).memory_info().data for pid in before) + 300_000_000

    def squeeze(limit: int) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))

    own_engine.client.run(squeeze, room)
    try:
        own_engine.limits = dataclasses.replace(Limits(), operations=1e12, bytes_of_run=1e12)
        large = own_engine.create_run(dataclasses.replace(CONFIG, hidden=(4096, 4096), batch_size=1024), "greedy")
        large.start()
        wait_for(lambda: large.view().status.ended)
        assert large.view().status is Status.FAILED
        assert large.view().message.startswith("This training needs more memory than a worker has")
        assert_done_to_the_bit(runs, curves)
        assert pids_of(own_engine) == before  # no worker died of it
    finally:
        own_engine.limits = Limits()
        own_engine.client.run(squeeze, resource.RLIM_INFINITY)


@pytest.mark.parametrize(
    "reason",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
        ),
    ],
)
def test_whatever_a_worker_lacks_memory_for_is_said_in_one_sentence(reason):
    assert sentence_of(reason).startswith("This training needs more memory than a worker has")
    assert sentence_of(RuntimeError("shape mismatch")) == "A worker failed: RuntimeError: shape mismatch"


# ---- States at home ------------------------------------------------------------------------------------------------


@contextmanager
def no_byte_more():
    """What a full disk is to a process: the kernel takes nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_keeps(state):
    kept = KeptState(state)
    again = kept.load()
    assert again.step == kept.step == state.step
    for part in ("weights", "first", "second"):
        for name, tensor in getattr(state, part).items():
            assert torch.equal(getattr(again, part)[name], tensor)


@pytest.fixture
def fresh_folder():
    keep._folder.cache_clear()
    yield
    keep._folder.cache_clear()


def test_a_state_is_kept_in_a_file_that_goes_with_it(fresh_folder):
    state, _ = vae.advance(vae.initial_state(CONFIG), CONFIG, vae.load_dataset("digits"), 2)
    assert_keeps(state)
    kept = KeptState(state)
    (file,) = [
        f for f in Path(keep._folder().name).iterdir() if f == kept._path
    ]  # an engine of others keeps its own there
    del kept
    assert not file.exists()
    assert os.stat(keep._folder().name).st_mode & 0o077 == 0


def test_a_full_disk_costs_no_state(fresh_folder):
    state = vae.initial_state(CONFIG)
    with no_byte_more():
        assert_keeps(state)


def test_a_disk_that_cannot_be_written_costs_no_state(fresh_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc" if os.path.isdir("/proc") else "/dev/null")
    assert_keeps(vae.initial_state(CONFIG))
