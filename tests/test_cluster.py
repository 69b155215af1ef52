"""A cluster of separate processes, as docs/scaling.md says it is started by hand: the same bits as here."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

import vae
from tests.waiting import wait_for
from vae.engine import Engine, Status, tasks
from vae.errors import VaeError

ROOT = Path(__file__).parents[1]
CONFIG = vae.TrainConfig(dataset="digits", hidden=(64,), epochs=40, batch_size=32, seed=7)  # 1,800 steps


class ByHand:
    """A scheduler and workers of their own, each a process started from a shell."""

    def __init__(self, folder: Path):
        self.folder, self.file, self.processes = folder, folder / "scheduler.json", []
        settings = subprocess.run(
            [sys.executable, "-m", "vae.engine", "--settings"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        (folder / "vae.yaml").write_text(settings.stdout)

    def begin(self) -> None:
        self._start("dask_scheduler", "--port", "0", "--no-dashboard")
        wait_for(lambda: self.file.exists() and self.file.read_text().endswith("}"))  # written, and not only begun
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, program: str, *arguments: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--host", "127.0.0.1", *arguments]
        environment = os.environ | {"DASK_CONFIG": str(self.folder), "PYTHONPATH": str(ROOT)} | environment
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(
            [*command, "--scheduler-file", str(self.file)], cwd=self.folder, env=environment, **quiet
        )
        self.processes.append(process)
        return process

    def add_worker(self, **environment: str) -> subprocess.Popen:
        return self._start("dask_worker", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0", **environment)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
            process.wait()


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    cluster = ByHand(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.begin()
        yield cluster
    finally:  # also of what had begun before something went wrong
        cluster.close()


@pytest.fixture(scope="module")
def curve():
    return np.concatenate([progress.objective for _, progress in vae.train(CONFIG)])


def test_a_run_is_the_same_to_the_bit_while_workers_come_and_go(by_hand, curve):
    first = by_hand.add_worker()
    engine = Engine(by_hand.address)
    try:
        wait_for(lambda: engine.workers == 1 and engine.cluster.workers)
        run = engine.create_run(CONFIG)
        other = engine.create_run(dataclasses.replace(CONFIG, epochs=10_000), "other")
        run.start()
        other.start()
        wait_for(lambda: run.view().step > 100)
        by_hand.add_worker()
        wait_for(lambda: len(engine.cluster.workers) == 2)
        reached = run.view().step
        first.terminate()  # as an operator does; its nanny and worker end with it
        wait_for(lambda: len(engine.cluster.workers) == 1)
        wait_for(lambda: run.view().step > reached or run.view().status.ended)
        engine.discard(other)
        wait_for(lambda: run.view().status.ended)
        assert run.view().status is Status.DONE, run.view().message
        np.testing.assert_array_equal(run.view().objective, curve)
    finally:
        engine.close()


@pytest.mark.slow
def test_data_sets_that_workers_lack_are_sent_to_them_once(by_hand, mnist, tmp_path):
    for process in by_hand.processes[1:]:
        process.terminate()
    by_hand.add_worker(VAE_DATA=str(tmp_path))
    config = vae.TrainConfig(dataset="mnist", hidden=(16,), epochs=1, batch_size=600)
    engine = Engine(by_hand.address)
    try:
        wait_for(lambda: len(engine.cluster.workers) == 1)
        run = engine.create_run(config)
        run.start()
        wait_for(lambda: run.view().status.ended)
        assert run.view().status is Status.DONE, run.view().message
        expected = np.concatenate([progress.objective for _, progress in vae.train(config)])
        np.testing.assert_array_equal(run.view().objective, expected)
    finally:
        engine.close()


def test_workers_of_another_version_are_refused_in_words(by_hand, monkeypatch):
    wait_for(lambda: any(process.poll() is None for process in by_hand.processes[1:]))
    ours = tasks.versions()
    monkeypatch.setattr(tasks, "versions", lambda: ours | {"torch": "1.0"})  # what this process has
    monkeypatch.setattr("vae.engine.workers.Client.run", lambda self, function, **_: {"tls://x:1": ours})
    with pytest.raises(VaeError, match=r"worker tls://x:1 has torch .* instead of 1.0: install the same"):
        Engine(by_hand.address)


def test_a_scheduler_that_is_not_there_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr("vae.engine.workers.CONNECT_SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://127.0.0.1:9", "http://x"):
        with pytest.raises(VaeError, match="No Dask scheduler answers at") as raised:
            Engine(address)
        assert "\n" not in str(raised.value)
