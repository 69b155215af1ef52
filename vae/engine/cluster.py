"""The Dask cluster: a local one bound to loopback, or the one that VAE_SCHEDULER names. One per process."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future as PlainFuture
from pathlib import Path

import dask
from distributed import Client, LocalCluster, fire_and_forget
from distributed.utils import get_mp_context
from numpy.typing import ArrayLike

from vae.config import TrainConfig
from vae.data import default_dataset
from vae.embedding import EmbeddingConfig
from vae.engine import tasks
from vae.engine.job import Job
from vae.engine.pace import Pace
from vae.engine.race import Race, check_columns
from vae.engine.run import Run
from vae.engine.sweep import Sweep
from vae.engine.unfolding import Unfolding
from vae.errors import SettingError, VaeError
from vae.evaluation import ReferenceLine
from vae.sweep import SweepSpec
from vae.training import CORRECT, Program

logger = logging.getLogger(__name__)

ABSENCE_BEFORE_PARKING = 120.0  # seconds without any connected session of a job's owner
ABSENCE_BEFORE_FORGETTING = 3600.0
LOOK_ROUND_EVERY = 2.0
ENDED_JOBS_KEPT = 8  # of each kind, for each owner; a race counts as one

# On Linux the workers are forked from one process that has imported this, once for all: each is up in half a second and
# shares the pages. (torch imports its compiler at the first optimizer.) Elsewhere a fork of so much is not safe.
IMPORTED_ONCE = ["distributed", "torch._dynamo", "sklearn.datasets", "openTSNE", "vae.engine.tasks"]

dask.config.set(
    {
        "distributed.worker.multiprocessing-method": "forkserver" if sys.platform == "linux" else "spawn",
        "distributed.scheduler.allowed-failures": 20,  # losing a worker is no reason to give a run up
        "distributed.comm.timeouts.connect": "10s",
        # One thread of arithmetic a worker. Dask's own setting also makes malloc hand memory back to the system at once,
        # and a training step that takes and frees the same megabytes then spends nearly half its time on page faults.
        "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1},
        "distributed.worker.preload": [tasks.__name__],  # its dask_setup()
        "distributed.worker.profile.enabled": False,
        "distributed.admin.large-graph-warning-threshold": "256MB",  # a state brought home is a few MB, on purpose
    }
)


class Engine:
    """The client of a cluster, and the jobs on it: training runs, t-SNEs and sweeps.

    presence(owner) -> bool says whether a session of that owner is connected; jobs of absent owners are parked.
    """

    def __init__(
        self,
        scheduler: str | None = None,
        workers: int | None = None,
        presence: Callable[[str], bool] = lambda owner: True,
        absence_before_parking: float = ABSENCE_BEFORE_PARKING,
        look_round_every: float = LOOK_ROUND_EVERY,
    ):
        self.presence, self.absence_before_parking = presence, absence_before_parking
        self.threads = 1  # for each chunk; runs share the cores by having a worker each
        self._cluster = None if scheduler else _local_cluster(workers or os.cpu_count() or 1)
        self.client = Client(scheduler or self._cluster, set_as_default=False)
        self._jobs: dict[str, Job] = {}
        self._last_seen: dict[str, float] = {}
        self._lines: dict[tuple, PlainFuture] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._look_round_every = look_round_every
        threading.Thread(target=self._look_round, name="vae-engine", daemon=True).start()

    def warm(self) -> None:
        """Make every worker ready for its first click: the default data set first, the other one when there is time."""
        addresses = list(self.client.scheduler_info(n_workers=-1)["workers"])

        def everywhere(priority: int, task: Callable, *arguments) -> list:
            pinned = {"pure": False, "allow_other_workers": True, "priority": priority}
            return [self.client.submit(task, *arguments, workers=[a], **pinned) for a in addresses]

        self.client.gather(everywhere(0, tasks.warm, default_dataset(), self.threads))
        if default_dataset() != "digits":
            fire_and_forget(everywhere(-10, tasks.warm, "digits", self.threads))
        fire_and_forget(everywhere(-20, tasks.warm_unfolding))

    def create_run(self, config: TrainConfig, owner: str = "", program: Program = CORRECT) -> Run:
        """A run that is not started yet, alone."""
        return self._new_run(config, owner, Pace(self.workers), program)

    def create_race(
        self, configs: Sequence[TrainConfig], owner: str = "", programs: Sequence[Program] | None = None
    ) -> Race:
        """Runs that go on together, not started yet; each with the correct program unless others are given."""
        check_columns(configs)
        pace = Pace(self.workers)
        for config, program in zip(configs, programs or [CORRECT] * len(configs)):
            self._new_run(config, owner, pace, program)
        return Race(pace)

    def fork(self, run: Run, config: TrainConfig) -> Run:
        """A run that goes on from where this one stands, under other settings, in its place. SettingError: see Run.fork."""
        forked = self._keep(run.fork(config, _new_id()))
        self.discard(run)
        return forked

    def _new_run(self, config: TrainConfig, owner: str, pace: Pace, program: Program) -> Run:
        return self._keep(Run(self.client, config, owner, _new_id(), self.threads, pace, program))

    @property
    def workers(self) -> int:
        return max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))

    def create_unfolding(
        self, codes: ArrayLike, config: EmbeddingConfig, owner: str = "", start: ArrayLike | None = None
    ) -> Unfolding:
        """A t-SNE that is not started yet; its view has the first layout. SettingError as initial_embedding()."""
        return self._keep(Unfolding(self.client, codes, config, owner, _new_id(), start))

    def create_sweep(self, spec: SweepSpec, path: str | os.PathLike, owner: str = "") -> Sweep:
        """A sweep that is not started yet, going on from the file at path if there is one. An owner has one at a time:
        VaeError while another is under way; one that is paused is let go, as its results are in its file."""
        for other in [sweep for sweep in self.sweeps.values() if sweep.owner == owner]:
            if other.view().status.active:
                raise VaeError("A sweep of yours is under way: wait until it is done, or stop it first.")
            if not other.view().status.ended:
                self.discard(other)
        return self._keep(Sweep(self.client, spec, Path(path), owner, _new_id(), self.threads))

    def _keep(self, job):
        with self._lock:
            self._jobs[job.id] = job
            self._last_seen[job.owner] = time.monotonic()
            alike = [j for j in self._jobs.values() if type(j) is type(job) and j.owner == job.owner]
            ended = [group for group in _by_lock(alike) if all(j.status.ended for j in group)]
            for old in (j for group in ended[: max(0, len(ended) - ENDED_JOBS_KEPT)] for j in group):
                del self._jobs[old.id]
        return job

    def discard(self, job: Job) -> None:
        """Stop a job and forget it."""
        job.stop()
        with self._lock:
            self._jobs.pop(job.id, None)

    @property
    def runs(self) -> dict[str, Run]:
        """Every owner's runs by id, oldest first."""
        return self._of_kind(Run)

    @property
    def unfoldings(self) -> dict[str, Unfolding]:
        """Every owner's t-SNEs by id, oldest first."""
        return self._of_kind(Unfolding)

    @property
    def sweeps(self) -> dict[str, Sweep]:
        """Every owner's sweeps by id, oldest first."""
        return self._of_kind(Sweep)

    def _of_kind(self, kind: type) -> dict:
        with self._lock:
            return {key: job for key, job in self._jobs.items() if isinstance(job, kind)}

    def runs_of(self, owner: str) -> list[Run]:
        """This owner's runs, oldest first."""
        return [run for run in self.runs.values() if run.owner == owner]

    def reference_lines(self, config: TrainConfig) -> tuple[ReferenceLine, ...] | None:
        """The lines for this config's data, loss and latent dimensions; None until a worker has computed them."""
        key = (config.dataset, config.size, config.loss, config.formula, config.parameters, config.latent_dim)
        with self._lock:
            if key not in self._lines:
                if len(self._lines) >= 256:
                    self._lines.pop(next(iter(self._lines)))
                self._lines[key] = self.client.submit(tasks.reference_lines_of, config, pure=False, priority=-1)
            future = self._lines[key]
        return future.result() if future.status == "finished" else () if future.status == "error" else None

    def close(self) -> None:
        """Stop every worker and the scheduler that this engine started."""
        self._closed.set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.client.close(timeout=2)
            if self._cluster is not None:
                self._cluster.close(timeout=5)

    def _look_round(self) -> None:
        while not self._closed.wait(self._look_round_every):
            try:
                self.park_and_resume()
            except Exception:  # one job's trouble is not to leave all others unwatched
                logger.exception("Looking after absent owners failed; it is tried again.")

    def park_and_resume(self) -> None:
        """Park the jobs of owners who have been away too long, resume those of owners who are back."""
        now = time.monotonic()
        with self._lock:
            jobs = list(self._jobs.values())
        for together in _by_lock(jobs):
            owner, present = together[0].owner, self.presence(together[0].owner)
            away = 0.0 if present else now - self._last_seen[owner]
            if present:
                self._last_seen[owner] = now
            with together[0].lock:  # no column of a race goes a chunk farther than the others
                for job in together:
                    if present:
                        job.unpark()
                    elif away >= ABSENCE_BEFORE_FORGETTING and not job.status.active:
                        self.discard(job)
                    elif away >= self.absence_before_parking:
                        job.park()


def _by_lock(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs that share a lock together, the columns of a race, in the order in which they came."""
    found: dict[int, list[Job]] = {}
    for job in jobs:
        found.setdefault(id(job.lock), []).append(job)
    return list(found.values())


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


def _local_cluster(workers: int) -> LocalCluster:
    get_mp_context().set_forkserver_preload(IMPORTED_ONCE)
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,  # a laptop's memory is the operating system's to manage; Dask would kill workers over it
        silence_logs=50,
    )


_shared: Engine | None = None
_shared_lock = threading.Lock()


def shared_engine(presence: Callable[[str], bool] = lambda owner: True) -> Engine:
    """The process's engine, made at the first call from VAE_SCHEDULER and VAE_WORKERS, closed at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Engine(os.environ.get("VAE_SCHEDULER") or None, workers_wanted(), presence)
            atexit.register(_shared.close)
        return _shared


def workers_wanted() -> int | None:
    text = os.environ.get("VAE_WORKERS") or None
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise SettingError("VAE_WORKERS", text, "a whole number from 1 to 256 is accepted")
    return int(text)
