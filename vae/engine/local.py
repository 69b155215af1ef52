"""The local cluster, in a process of its own.

The scheduler and the keepers of the workers would otherwise share the web server's interpreter lock with every page. On
Linux it imports once what workers need, reads the data set that a visitor meets first, and is forked as it is then: from that
copy come the workers, each up in a fraction of a second and sharing its pages. (Elsewhere a fork of so much is not safe.) The
cluster is closed to other users of the machine: it listens on loopback, and talks TLS with certificates that exist only
in the memory of these processes. It ends when its standard input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from multiprocessing import connection, forkserver, resource_tracker
from typing import Any

import dask
import psutil
import yaml
from distributed import LocalCluster, Nanny
from distributed.security import Security
from distributed.utils import get_mp_context

from vae.data import DATASETS, default_dataset, load_dataset
from vae.engine import tasks
from vae.errors import VaeError
from vae.launch import ONE_THREAD, cluster_process
from vae.training import device
from vae.training.memory import not_found
from vae.training.together import MOST

START_SECONDS = 60  # in which a cluster is up, or is not waited for any longer
HUNG_AFTER = "30s"  # without a sign of life a worker is replaced, and what it held is computed again
LOST_AFTER = "15s"  # without a worker its keeper is replaced
LOOK_EVERY = 2.0  # seconds between two looks at whether all workers are there
SHARE_OF_MEMORY = 0.6  # of the machine's, for all workers together
CERTIFICATES = ("tls_ca_file", "tls_client_key", "tls_client_cert")

FORKS = sys.platform == "linux"
IMPORTED_ONCE = ["distributed", "vae.engine.tasks"]  # by a copy made again

SETTINGS = {
    "distributed.worker.multiprocessing-method": "forkserver" if FORKS else "spawn",
    "distributed.scheduler.allowed-failures": 20,  # losing a worker is no reason to give a run up
    "distributed.scheduler.worker-ttl": HUNG_AFTER,
    "distributed.deploy.lost-worker-timeout": LOST_AFTER,
    "distributed.scheduler.work-stealing": False,  # what goes where is decided by whose turn it is: see turns.py
    # Dask's own setting also makes malloc hand memory back to the system at once, and a training step that takes and frees
    # the same megabytes then spends nearly half its time on page faults.
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
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
        self._process = cluster_process(workers)
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


def beside(cluster: LocalCluster, wanted: str, threads: int = MOST) -> Nanny:
    """The keeper of one more worker, for the card that `wanted` means: what many threads of it want of the card goes there
    side by side. It goes with the cluster's process, and where the card is lost, by itself."""

    async def start() -> Nanny:
        return await Nanny(
            cluster.scheduler_address,
            nthreads=threads,
            resources={"GPU": 1},
            env={"VAE_DEVICE": wanted},
            security=cluster.security,
            protocol=cluster.scheduler_address.partition("://")[0] + "://",
            host="127.0.0.1",
            memory_limit=0,
            silence_logs=50,
        )

    keeper: Nanny = cluster.sync(start)
    return keeper


def _fork_workers_from_a_copy() -> None:
    """What the standard library's fork server starts by a new interpreter that imports everything again is here a fork of
    this process, which has no thread yet. Where the copy dies, the library starts its own kind."""
    known: Any = vars(forkserver)["_forkserver"]  # where the library looks for it
    if DATASETS[default_dataset()].is_present():
        load_dataset(default_dataset())
    gc.collect()
    gc.freeze()
    resource_tracker.ensure_running()
    listener, address = socket.socket(socket.AF_UNIX), vars(connection)["arbitrary_address"]("AF_UNIX")
    listener.bind(address)
    os.chmod(address, 0o600)
    listener.listen()
    alive, held = os.pipe()  # the copy ends when nobody holds the other end any more
    copy = os.fork()
    if copy == 0:
        os.close(held)
        try:
            forkserver.main(listener.detach(), alive, [])
        finally:
            os._exit(0)
    listener.close()
    os.close(alive)
    known._forkserver_address, known._forkserver_alive_fd, known._forkserver_pid = address, held, copy


def _serve(workers: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the app closes its cluster itself
    dask.config.set(SETTINGS)
    with not_found("pandas"):  # Dask imports what its users may want: .4 s, and 30 MB in every worker
        get_mp_context().set_forkserver_preload(IMPORTED_ONCE)
    if FORKS:
        _fork_workers_from_a_copy()
    os.environ.setdefault("VAE_WORKER_MEMORY", str(memory_of_a_worker(workers)))
    security, wanted = Security.temporary(), device.wanted()
    has_card = device.chosen(wanted).type != "cpu"
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
            # One worker has the card; the others have it only where nothing else will do.
            env={"VAE_DEVICE": device.CPU_ONLY} if has_card and wanted == device.AUTO else {},
        )
        keeper = beside(cluster, wanted) if has_card else None
    told = {"address": cluster.scheduler_address} | {name: getattr(security, name) for name in CERTIFICATES}
    print(json.dumps(told), flush=True)
    gone = threading.Event()
    threading.Thread(target=_keep_up, args=(cluster, workers, gone), daemon=True).start()
    try:
        sys.stdin.read()  # until the app has gone, however it went
    finally:
        gone.set()
        if keeper is not None:
            cluster.sync(keeper.close, timeout=2)
        cluster.close(timeout=5)
        _kill_tree(os.getpid())
