"""Sweeps on a real cluster, and what they survive: a killed app, a killed worker, a full disk. The results are those of
an undisturbed sweep in this process, number for number, and every cell is there once."""

import dataclasses
import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

import vae
from tests.waiting import wait_for
from vae.__main__ import main
from vae.engine import Engine, Status
from vae.engine import sweep as sweep_module
from vae.engine.headless import closing_table
from vae.study.sweep import SweepError, SweepSpec, read_results, run_cell

ROOT = Path(__file__).parents[1]
BASE = vae.TrainConfig(dataset="digits", hidden=(16,), epochs=2, batch_size=240)
AXES = {"loss": ["mse", "gaussian_optimal"], "beta": [0.5, 1, 4], "latent_dim": [2], "seed": [0, 1, 2]}
SPEC = SweepSpec(BASE, AXES)
COMMAND = [
    "sweep", "--dataset", "digits", "--hidden", "16", "--epochs", "2", "--batch-size", "240",
    "--losses", "mse,gaussian_optimal", "--betas", ".5,1,4", "--latent-dims", "2", "--seeds", "3",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed():
    return {config: run_cell(config).numbers for config in SPEC.cells()}


def assert_whole(path, undisturbed):
    """Every cell once, its line whole, its numbers those of an undisturbed sweep."""
    sheet = read_results(path)
    assert sheet.notice == "" and sheet.missing == ()
    assert {result.config: result.numbers for result in sheet.results} == undisturbed
    table = pandas.read_csv(path)
    assert len(table) == table.cell.nunique() == len(undisturbed) == 18


def rows(path) -> int:
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def call(engine, path, **popen):
    """python -m vae sweep in a process of its own, on the workers of this one's cluster."""
    command = [
        sys.executable,
        "-m",
        "vae",
        *COMMAND,
        "--out",
        str(path),
        "--scheduler",
        engine.client.scheduler.address,
    ]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=certified(engine), **popen
    )


def certified(engine):
    """The environment of one who may connect to this cluster, as Dask reads it."""
    given = engine.client.security
    parts = {"CA_FILE": given.tls_ca_file, "CLIENT__KEY": given.tls_client_key, "CLIENT__CERT": given.tls_client_cert}
    return os.environ | {f"DASK_DISTRIBUTED__COMM__TLS__{name}": text for name, text in parts.items()}


def limit(size):
    """What a full disk is to a process: from this size on the kernel takes no byte more."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.mark.slow
def test_a_sweep_survives_a_full_disk_and_then_a_killed_app(engine, undisturbed, tmp_path):
    path = tmp_path / "sweep.csv"
    full = call(engine, path, preexec_fn=limit(9000))
    said, complaint = full.communicate(timeout=120)
    assert full.returncode == 1 and "estimate: 18 cells" in said, complaint
    assert "sweep.csv cannot grow, as the disk is full: free some space and resume" in complaint
    assert "Traceback" not in complaint
    kept = rows(path)
    assert 0 < kept < 18 and path.read_bytes().endswith(b"\n") and path.stat().st_size <= 9000
    killed = call(engine, path)
    wait_for(lambda: rows(path) >= kept + 3 or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert kept < rows(path) < 18 and killed.returncode == -signal.SIGKILL
    again = engine.create_sweep(read_results(path).spec, path)  # as the page does it: from the file alone
    again.start()
    wait_for(lambda: again.view().status.ended, 120)
    assert_whole(path, undisturbed)
    table = closing_table(SPEC, read_results(path)).splitlines()
    assert table[1].split()[:2] == ["seeds", "test"] and table[2].startswith("MSE, β = 0.5") and len(table[2:8]) == 6


def test_a_sweep_survives_the_death_of_a_worker_that_holds_a_state(engine, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_module, "FIRST_CHUNK_STEPS", 2)  # several chunks a cell: states lie on workers
    monkeypatch.setattr(sweep_module, "CHUNK_SECONDS", 0.02)
    sweep = engine.create_sweep(SPEC, tmp_path / "sweep.csv")
    sweep.start()
    wait_for(lambda: len(sweep.view().results) >= 4)
    pids = []

    def look():
        with sweep.lock:
            held = [cell.state for cell in sweep._cells.values() if hasattr(cell.state, "key")]
        holders = [worker for key in engine.client.who_has(held).values() for worker in key] if held else []
        pids.extend(engine.client.run(os.getpid, workers=holders[:1]).values() if holders else [])
        return pids

    wait_for(look)
    os.kill(pids[0], signal.SIGKILL)
    wait_for(lambda: sweep.view().status.ended, 120)
    assert sweep.view().status is Status.DONE, sweep.view().message
    assert_whole(sweep.path, undisturbed)
    wait_for(lambda: len(engine.client.scheduler_info(n_workers=-1)["workers"]) == 2)


def test_pause_stop_and_another_job_leave_no_trace(engine, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_module, "FIRST_CHUNK_STEPS", 5)
    monkeypatch.setattr(sweep_module, "HOME_EVERY", 0.0)  # every state comes home, and chunks go on from there
    path = tmp_path / "sweep.csv"
    sweep = engine.create_sweep(SPEC, path, "ann")
    before = sweep.view()
    assert (before.status, before.share, before.results, before.total) == (Status.PAUSED, 0, (), 18)
    sweep.start()
    with pytest.raises(vae.VaeError, match="A sweep of yours is under way"):
        engine.create_sweep(SPEC, tmp_path / "other.csv", "ann")
    wait_for(lambda: sweep.view().results)
    sweep.pause()
    held = sweep.view()
    time.sleep(0.3)
    assert sweep.view().results == held.results and sweep.view().status is Status.PAUSED
    assert held.seconds_left is None and 0 < held.share < 1
    sweep.start()
    wait_for(lambda: len(sweep.view().results) >= 5)
    sweep.park()  # whose owner is away; it goes on
    assert sweep.view().status.active
    view = sweep.view()
    assert 1 <= len(view.under_way) <= 2 and not {u.config for u in view.under_way} & {r.config for r in view.results}
    sweep.stop()
    assert sweep.view().status is Status.STOPPED and rows(path) == len(sweep.view().results) < 18
    resumed = engine.create_sweep(SPEC, path, "ann")  # as after a restart: from the file alone
    assert len(resumed.view().results) == rows(path)
    resumed.start()
    wait_for(lambda: resumed.view().status.ended, 120)
    assert resumed.view().share == 1
    assert_whole(path, undisturbed)


def test_a_sweep_that_cannot_write_pauses_with_a_sentence_and_goes_on(engine, undisturbed, tmp_path):
    folder = tmp_path / "sweeps"
    folder.write_text("a file where a folder should be")
    sweep = engine.create_sweep(SPEC, folder / "sweep.csv")
    sweep.start()
    view = sweep.view()
    assert view.status is Status.PAUSED and view.message.startswith("sweep.csv cannot be written: ")
    assert "\n" not in view.message
    folder.unlink()
    folder.mkdir()
    sweep.start()
    wait_for(lambda: sweep.view().status.ended, 120)
    assert_whole(sweep.path, undisturbed)
    (tmp_path / "foreign.csv").write_text("x,y\n")
    with pytest.raises(SweepError, match="not a results file"):
        engine.create_sweep(SPEC, tmp_path / "foreign.csv")


def test_a_sweep_goes_on_though_its_owner_has_long_been_away(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("vae.engine.cluster.ABSENCE_BEFORE_FORGETTING", 0.0)
    watcher = Engine(
        scheduler=engine.client.scheduler.address, presence=lambda owner: False, absence_before_parking=0.0,
        security=engine.client.security,
        look_round_every=0.02,
    )  # fmt: skip
    try:
        spec = SweepSpec(dataclasses.replace(BASE, epochs=40), {"seed": [0, 1, 2]})
        sweep = watcher.create_sweep(spec, tmp_path / "sweep.csv", "ann")
        with sweep.lock:  # it is looked round at before it starts, too
            sweep.start()
            watcher._jobs[sweep.id] = sweep
        wait_for(lambda: sweep.view().status.ended)
        assert sweep.view().status is Status.DONE and rows(sweep.path) == 3
        wait_for(lambda: not watcher.sweeps)  # ended, it is forgotten; its file stays
    finally:
        watcher.close()


def test_an_exception_on_a_worker_is_the_sweeps_message(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_module.tasks, "advance_cell_chunk", _fail)
    sweep = engine.create_sweep(SPEC, tmp_path / "sweep.csv", "bob")
    sweep.start()
    wait_for(lambda: sweep.view().status.ended)
    assert sweep.view().status is Status.FAILED
    assert sweep.view().message == "A worker failed: ZeroDivisionError: division by zero"


def _fail(*_):
    return 1 / 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--losses", "bce,gan"], "loss = 'gan' cannot be used: one of bce"),
        (["--seeds", "2000"], "a number of seeds from 1 to 1,000"),
        (["--vary", "colour=red"], "axis = 'colour'"),
        (["--seeds", "3", "--epochs", "9000"], "it starts only with --yes"),
        (["--workers", "0"], "--workers = 0"),
    ],
)
def test_the_command_answers_nonsense_in_one_sentence(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["sweep", "--dataset", "digits", "--out", str(tmp_path / "x.csv"), *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()
