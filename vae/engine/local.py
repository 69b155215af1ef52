"""The local cluster, in a process of its own.

The scheduler and the keepers of the workers would otherwise share the web server's interpreter lock with every page. The
cluster is closed to other users of the machine: it listens on loopback, and talks TLS with certificates that exist only
in the memory of these processes. It ends when its standard input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
import psutil
import yaml
from distributed import LocalCluster
from distributed.security import Security
from distributed.utils import get_mp_context

from vae.engine import tasks
from vae.errors import VaeError

START_SECONDS = 60  # in which a cluster is up, or is not waited for any longer
HUNG_AFTER = "30s"  # without a sign of life a worker is replaced, and what it held is computed again
LOST_AFTER = "15s"  # without a worker its keeper is replaced
LOOK_EVERY = 2.0  # seconds between two looks at whether all workers are there
SHARE_OF_MEMORY = 0.6  # of the machine's, for all workers together
CERTIFICATES = ("tls_ca_file", "tls_client_key", "tls_client_cert")

# On Linux the workers are forked from one process that has imported this, once for all: each is up in half a second and
# shares the pages. (torch imports its compiler at the first optimizer.) Elsewhere a fork of so much is not safe.
IMPORTED_ONCE = ["distributed", "torch._dynamo", "sklearn.datasets", "openTSNE", "vae.engine.tasks"]

SETTINGS = {
    "distributed.worker.multiprocessing-method": "forkserver" if sys.platform == "linux" else "spawn",
    "distributed.scheduler.allowed-failures": 20,  # losing a worker is no reason to give a run up
    "distributed.scheduler.worker-ttl": HUNG_AFTER,
    "distributed.deploy.lost-worker-timeout": LOST_AFTER,
    "distributed.scheduler.work-stealing": False,  # what goes where is decided by whose turn it is: see turns.py
    # One thread of arithmetic a worker. Dask's own setting also makes malloc hand memory back to the system at once,
    # and a training step that takes and frees the same megabytes then spends nearly half its time on page faults.
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1},
    "distributed.worker.preload": [tasks.__name__],  # its dask_setup()
    "distributed.worker.profile.enabled": False,
    # Fifty looks a second at its own loop, in each of five processes, are a tenth of a core that trains nothing.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "30s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "10s",
    "distributed.admin.low-level-log-length": 100,  # progress goes through the scheduler's log of events
    "distributed.admin.large-graph-warning-threshold": "1GB",  # a state brought home goes back as a root, on purpose
}


class LocalProcess:
    """Starts the process, and knows the address and the certificates for those who may connect."""

    def __init__(self, workers: int):
        paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])  # what can be imported here
        self._process = subprocess.Popen(
            [sys.executable, "-m", __package__, str(workers)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths}, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise VaeError("The workers' process ended while it started; its reason is in the server's log.")
        told = json.loads(line)
        self.address = told["address"]
        self.security = Security(require_encryption=True, **{name: told[name] for name in CERTIFICATES})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self, seconds: float = 8.0) -> None:
        """End it and everything that it started."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill_tree(self._process.pid)
            self._process.wait()
        self._process.stdout.close()


def _kill_tree(pid: int) -> None:
    try:
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            process.kill()
    except psutil.NoSuchProcess:
        pass


def memory_of_a_worker(workers: int) -> int:
    """Bytes that one worker may take; what bursts it is one run, and ends with a sentence."""
    return max(1_500_000_000, int(SHARE_OF_MEMORY * psutil.virtual_memory().total / workers))


def serve() -> None:
    """What the process does: see the module's own words."""
    parser = argparse.ArgumentParser(description="A local cluster that ends when its standard input does.")
    parser.add_argument("workers", type=int, nargs="?", help="how many")
    parser.add_argument("--settings", action="store_true", help="print the settings for a cluster of your own, as YAML")
    given = parser.parse_args()
    if given.settings:
        print(yaml.safe_dump({"distributed": _nested(SETTINGS)}), end="")
    elif given.workers:
        _serve(given.workers)
    else:
        parser.error("the number of workers, or --settings")


def _nested(settings: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        *path, last = name.removeprefix("distributed.").split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return found


def _keep_up(cluster: LocalCluster, workers: int, gone: threading.Event) -> None:
    """A worker's keeper gives up where it cannot start it again, as while what workers are forked from has died too: ask
    for all of them again and again, which makes new keepers for those that are missing."""
    while not gone.wait(LOOK_EVERY):
        cluster.scale(workers)


def _serve(workers: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the app closes its cluster itself
    dask.config.set(SETTINGS)
    get_mp_context().set_forkserver_preload(IMPORTED_ONCE)
    os.environ.setdefault("VAE_WORKER_MEMORY", str(memory_of_a_worker(workers)))
    security = Security.temporary()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            protocol="tls://",
            security=security,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,  # Dask would kill the worker, and every run on it: see tasks.limit_memory
            silence_logs=50,
        )
    told = {"address": cluster.scheduler_address} | {name: getattr(security, name) for name in CERTIFICATES}
    print(json.dumps(told), flush=True)
    gone = threading.Event()
    threading.Thread(target=_keep_up, args=(cluster, workers, gone), daemon=True).start()
    try:
        sys.stdin.read()  # until the app has gone, however it went
    finally:
        gone.set()
        cluster.close(timeout=5)
        _kill_tree(os.getpid())
