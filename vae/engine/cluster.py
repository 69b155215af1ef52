"""The engine: what there is of jobs, whose they are, what each may have, and what becomes of them when nobody looks."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from distributed import Client, Future, fire_and_forget
from distributed.security import Security
from numpy.typing import ArrayLike

from vae.data import ImageDataset, Source, default_dataset
from vae.engine import tasks
from vae.engine.answers import Answers
from vae.engine.job import Job
from vae.engine.limits import LimitError, Limits
from vae.engine.own_images import OwnImages
from vae.engine.pace import Pace
from vae.engine.race import Race, check_columns
from vae.engine.run import Run
from vae.engine.sweep import Sweep
from vae.engine.threads import threads_given, threads_of
from vae.engine.tsne_run import TSNE
from vae.engine.workers import Found, Workers
from vae.errors import VaeError
from vae.events import event
from vae.latent.pca_tsne import EmbeddingConfig
from vae.launch import workers_wanted
from vae.study.sweep import SweepSpec
from vae.training.config import TrainConfig
from vae.training.step import CORRECT, Program, Progress

logger = logging.getLogger(__name__)

ABSENCE_BEFORE_PARKING = 20.0  # seconds without any connected session of a job's owner
ABSENCE_BEFORE_FORGETTING = 1200.0  # a parked job is kept so long
LOOK_ROUND_EVERY = 2.0
ENDED_JOBS_KEPT = 8  # of each kind, for each owner; a race counts as one
ABSENT_JOBS_KEPT = 128  # in all, of owners who are away; beyond that, those away longest go first
SILENCE_OF_THE_DEAD = 30.0  # seconds without any chunk coming back, where some are under way
UNTRAINED_KEPT = 128  # first looks at networks, by their settings

J = TypeVar("J", bound=Job)
Prepared = tuple[TrainConfig, Program]


@dataclass(frozen=True)
class Health:
    """How an engine stands. silent_seconds: since a chunk came back last, while some are under way; waiting: jobs that
    want a turn; tasks: that the scheduler remembers; worker_memory: bytes."""

    answers: bool
    draining: bool
    workers: int
    silent_seconds: float
    jobs: int
    active: int
    owners: int
    waiting: int
    tasks: int
    worker_memory: int

    @property
    def works(self) -> bool:
        return self.answers and self.workers > 0 and self.silent_seconds < SILENCE_OF_THE_DEAD

    def counts(self) -> dict[str, object]:
        return asdict(self)


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
        limits: Limits | None = None,
        security: Security | None = None,
    ):
        self.presence, self.absence_before_parking, self.limits = presence, absence_before_parking, limits or Limits()
        self.threads = 1  # of whatever is no run: a piece of an evaluation, a cell, a map
        self._threads_given = threads_given()
        self.cluster = Workers(scheduler, workers or os.cpu_count() or 1, security)
        self._own_images = OwnImages(self.cluster, self.limits)
        self._jobs: dict[str, Job] = {}
        self._last_seen: dict[str, float] = {}
        self.answers = Answers(self.cluster, self.threads)
        self._untrained: OrderedDict[Prepared, Progress | list[Run]] = OrderedDict()  # or who waits for it
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.draining = False
        self._told: WeakSet[Job] = WeakSet()  # whose end is in the log
        self._look_round_every = look_round_every
        threading.Thread(target=self._look_round, name="vae-engine", daemon=True).start()

    @property
    def client(self) -> Client:
        return self.cluster.client

    def warm(self) -> None:
        """Make every worker ready for its first click: the default data set first, the other one when there is time."""
        addresses = list(self.client.scheduler_info(n_workers=-1)["workers"])

        def everywhere(priority: int, task: Callable[..., None], *arguments: object) -> list[Future[None]]:
            pinned = {"pure": False, "allow_other_workers": True, "priority": priority}
            return [self.client.submit(task, *arguments, workers=[a], **pinned) for a in addresses]

        self.client.gather(everywhere(0, tasks.warm, default_dataset(), self.threads))
        if default_dataset() != "digits":
            fire_and_forget(everywhere(-10, tasks.warm, "digits", self.threads))

    def warm_maps(self) -> None:
        """Have one worker after the other import what a t-SNE needs, which takes seconds, while others do what is asked for."""
        waiting = list(self.cluster.workers)

        def go_on(found: Found) -> None:
            if waiting:
                self.cluster.apart(go_on, tasks.warm_unfolding, worker=waiting.pop())

        go_on([])

    def bring(self, data: ImageDataset, owner: str = "") -> Source:
        """Have pictures that this owner brought at hand wherever they are trained on, for as long as the owner's jobs are
        kept; no other owner gets at them. LimitError for more than are kept, VaeError where no worker answers."""
        with self._lock:
            self._last_seen[_person(owner)] = time.monotonic()
        return self._own_images.bring(data, _person(owner))

    def forget(self, dataset: str, owner: str = "") -> None:
        """Let go of such pictures, and of this owner's jobs on them."""
        for job in self.jobs():
            if _person(job.owner) == _person(owner) and dataset in (config.dataset for config in _configs(job)):
                self.discard(job)
        with self._lock:  # a first look shows some of the pictures
            for key in [key for key, seen in self._untrained.items() if key[0].dataset == dataset]:
                if not isinstance(self._untrained[key], list):
                    del self._untrained[key]
        self._own_images.forget(dataset, _person(owner))

    def own_images(self, owner: str = "") -> list[Source]:
        """The sets of pictures that this owner brought, oldest first."""
        return self._own_images.of(_person(owner))

    def create_run(self, config: TrainConfig, owner: str = "", program: Program = CORRECT) -> Run:
        """A run that is not started yet, alone. LimitError for a training that is too large to share a server."""
        self.limits.check_configs([config])
        self._own_images.check([config], _person(owner))
        return self._new_run(config, owner, Pace(self.cluster), program, self._threads_of([config], owner))

    def create_race(
        self, configs: Sequence[TrainConfig], owner: str = "", programs: Sequence[Program] | None = None
    ) -> Race:
        """Runs that go on together, not started yet; each with the correct program unless others are given."""
        check_columns(configs)
        self.limits.check_configs(configs)
        self._own_images.check(configs, _person(owner))
        pace, threads = Pace(self.cluster), self._threads_of(configs, owner)
        for config, program in zip(configs, programs or [CORRECT] * len(configs)):
            self._new_run(config, owner, pace, program, threads)
        return Race(pace)

    def fork(self, run: Run, config: TrainConfig) -> Run:
        """A run that goes on from where this one stands, under other settings, in its place. SettingError: see Run.fork."""
        self.limits.check_configs([config])
        self._own_images.check([config], _person(run.owner))
        forked = self._keep(run.fork(config, _new_id()))
        self.discard(run)
        return forked

    def _threads_of(self, configs: Sequence[TrainConfig], owner: str) -> int:
        """The same for all columns: they are to differ in one thing alone."""
        if self._threads_given:
            return self._threads_given
        if self.cluster.scheduler is not None:  # what cores there are elsewhere is for who set that up to say
            return 1
        people = len({job.owner for job in self.jobs() if not job.status.ended} | {owner})
        return min(threads_of(config, len(configs), people, self.cluster.cores) for config in configs)

    def _new_run(self, config: TrainConfig, owner: str, pace: Pace, program: Program, threads: int) -> Run:
        run = self._keep(Run(self.cluster, config, owner, _new_id(), threads, pace, program))
        self._look_at_untrained(run)
        return run

    def _look_at_untrained(self, run: Run) -> None:
        """What its network shows before the first step: computed once for all who prepare the same."""
        key = (run.config, run.program)
        with self._lock:
            found = self._untrained.get(key)
            if isinstance(found, list):
                found.append(run)
                return
            if found is None:
                while len(self._untrained) >= UNTRAINED_KEPT:
                    self._untrained.popitem(last=False)
                self._untrained[key] = [run]
        if found is not None:
            run.show_untrained(found)
            return
        future = self.cluster.submit(tasks.untrained, *key, self.threads, priority=10)
        self.cluster.fetch([future], lambda answer: self._show_untrained(key, answer))

    def _show_untrained(self, key: Prepared, answer: Found) -> None:
        with self._lock:
            waiting = self._untrained.pop(key, [])
            if not isinstance(answer, BaseException):
                self._untrained[key] = answer[0]
        for run in waiting if isinstance(waiting, list) else []:
            if isinstance(answer, BaseException):
                run.cannot_begin(answer)
            else:
                run.show_untrained(answer[0])

    def drain(self, on: bool = True) -> None:
        """Start nothing new from now on, as the server is to be stopped; what is under way goes on."""
        self.draining = on
        event("server.drains", on=on)

    def health(self) -> Health:
        """How the engine stands."""
        jobs, cluster = self.jobs(), self.cluster
        return Health(
            answers=cluster.answers,
            draining=self.draining,
            workers=len(cluster.workers),
            silent_seconds=cluster.silent_seconds,
            jobs=len(jobs),
            active=sum(job.status.active for job in jobs),
            owners=len({_person(job.owner) for job in jobs}),
            waiting=cluster.queue_length,
            tasks=cluster.tasks,
            worker_memory=sum(cluster.memory().values()) if cluster.answers else 0,
        )

    def check_start(self, jobs: Sequence[Job]) -> None:
        """LimitError where these, of one kind and owner, may not be started now."""
        if self.draining:
            raise LimitError(
                "This server is about to be stopped: what is under way goes on, and nothing new is started."
            )
        check = {Run: self.limits.check_runs, TSNE: self.limits.check_maps}[type(jobs[0])]
        going = [job for job in self._of_kind(type(jobs[0])).values() if job.status.active]
        of_owner = sum(_person(job.owner) == _person(jobs[0].owner) for job in going)
        check(of_owner, len(going), sum(not job.status.active for job in jobs))

    def start(self, jobs: Sequence[Job]) -> None:
        """Start these together. LimitError as check_start()."""
        self.check_start(jobs)
        with jobs[0].lock:  # the columns of a race share it
            for job in jobs:
                job.start()
        event("job.started", kind=_kind(jobs[0]), columns=len(jobs))

    @property
    def workers(self) -> int:
        """How many chunks can be worked on at once."""
        return self.cluster.threads

    def create_tsne(
        self, codes: ArrayLike, config: EmbeddingConfig, owner: str = "", start: ArrayLike | None = None
    ) -> TSNE:
        """A t-SNE that is not started yet; its view has the first layout. SettingError as initial_embedding()."""
        return self._keep(TSNE(self.cluster, codes, config, owner, _new_id(), start))

    def create_sweep(self, spec: SweepSpec, path: str | os.PathLike[str], owner: str = "") -> Sweep:
        """A sweep that is not started yet, going on from the file at path if there is one. An owner has one at a time:
        VaeError while another is under way; one that is paused is let go, as its results are in its file."""
        self._own_images.check([spec.base], _person(owner))
        for other in [sweep for sweep in self.sweeps.values() if sweep.owner == owner]:
            if other.view().status.active:
                raise VaeError("A sweep of yours is under way: wait until it is done, or stop it first.")
            if not other.view().status.ended:
                self.discard(other)
        return self._keep(Sweep(self.cluster, spec, Path(path), owner, _new_id(), self.threads))

    def _keep(self, job: J) -> J:
        with self._lock:
            self._jobs[job.id] = job
            self._last_seen[job.owner] = time.monotonic()
            alike = [j for j in self._jobs.values() if type(j) is type(job) and j.owner == job.owner]
            ended = [group for group in _by_lock(alike) if all(j.status.ended for j in group)]
            for old in (j for group in ended[: max(0, len(ended) - ENDED_JOBS_KEPT)] for j in group):
                del self._jobs[old.id]
                self.cluster.forget(old)
        return job

    def discard(self, job: Job) -> None:
        """Stop a job and forget it."""
        job.stop(keep=False)
        with self._lock:
            self._jobs.pop(job.id, None)
        self.cluster.forget(job)

    def jobs(self) -> list[Job]:
        """Every owner's, of every kind."""
        with self._lock:
            return list(self._jobs.values())

    @property
    def runs(self) -> dict[str, Run]:
        """Every owner's runs by id, oldest first."""
        return self._of_kind(Run)

    @property
    def maps(self) -> dict[str, TSNE]:
        """Every owner's t-SNEs by id, oldest first."""
        return self._of_kind(TSNE)

    @property
    def sweeps(self) -> dict[str, Sweep]:
        """Every owner's sweeps by id, oldest first."""
        return self._of_kind(Sweep)

    def _of_kind(self, kind: type[J]) -> dict[str, J]:
        with self._lock:
            return {key: job for key, job in self._jobs.items() if isinstance(job, kind)}

    def runs_of(self, owner: str) -> list[Run]:
        """This owner's runs, oldest first."""
        return [run for run in self.runs.values() if run.owner == owner]

    def close(self) -> None:
        """Stop every worker and the scheduler that this engine started."""
        self._closed.set()
        self.cluster.close()

    def _look_round(self) -> None:
        while not self._closed.wait(self._look_round_every):
            try:
                if not self.cluster.answers:
                    self.recover()
                self.park_and_resume()
                self._tell_ended()
            except Exception:  # one job's trouble is not to leave all others unwatched
                if not self._closed.is_set():
                    logger.exception("Looking after jobs failed; it is tried again.")

    def _tell_ended(self) -> None:
        for job in self.jobs():
            if job.status.ended and job not in self._told:
                self._told.add(job)
                event("job.ended", kind=_kind(job), status=job.status.value)

    def recover(self) -> None:
        """The scheduler has gone: find it again or start another, and have every job go on from what is at home."""
        event("workers.lost")
        self.cluster.reconnect()
        self.answers.forget()
        with self._lock:
            jobs = list(self._jobs.values())
            self._untrained = OrderedDict((k, v) for k, v in self._untrained.items() if not isinstance(v, list))
        for together in _by_lock(jobs):
            with together[0].lock:
                for job in together:
                    job.recover()
        for run in self.runs.values():
            if not run.view().observations:
                self._look_at_untrained(run)

    def park_and_resume(self) -> None:
        """Park the jobs of owners who have been away too long, resume those of owners who are back."""
        now = time.monotonic()
        with self._lock:
            jobs = list(self._jobs.values())
            owners = {job.owner for job in jobs} | self._own_images.people()
            self._last_seen = {owner: seen for owner, seen in self._last_seen.items() if owner in owners}
        self._last_seen |= {owner: now for owner in owners if owner not in self._last_seen or self.presence(owner)}
        away = {owner: now - self._last_seen[owner] for owner in owners}
        for together in _by_lock(jobs):
            with together[0].lock:  # no column of a race goes a chunk farther than the others
                for job in together:
                    if not away[job.owner]:
                        job.unpark()
                    elif away[job.owner] >= self.absence_before_parking:
                        job.park()
        self._forget_absent([job for job in jobs if away[job.owner] >= self.absence_before_parking], away)
        for owner in self._own_images.people():
            if away.get(owner, 0.0) >= ABSENCE_BEFORE_FORGETTING:
                for source in self.own_images(owner):
                    self.forget(source.name, owner)

    def _forget_absent(self, jobs: Sequence[Job], away: Mapping[str, float]) -> None:
        """Let go of jobs that have long waited, that are too many, or that have nothing to keep."""
        resting = sorted((job for job in jobs if not job.status.active), key=lambda job: away[job.owner])
        for number, job in enumerate(resting):
            if number >= ABSENT_JOBS_KEPT or away[job.owner] >= ABSENCE_BEFORE_FORGETTING or job.is_untouched:
                self.discard(job)


def _by_lock(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs that share a lock together, the columns of a race, in the order in which they came."""
    found: dict[int, list[Job]] = {}
    for job in jobs:
        found.setdefault(id(job.lock), []).append(job)
    return list(found.values())


def _person(owner: str) -> str:
    """What follows a colon is the part of the app that an owner's jobs belong to ("...:zoo"), not another owner."""
    return owner.partition(":")[0]


def _configs(job: Job) -> list[TrainConfig]:
    """What it trains."""
    return [job.config] if isinstance(job, Run) else [job.spec.base] if isinstance(job, Sweep) else []


def _kind(job: Job) -> str:
    return type(job).__name__.lower()


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


_shared: Engine | None = None
_shared_lock = threading.Lock()


def shared_engine(presence: Callable[[str], bool] = lambda owner: True) -> Engine:
    """The process's engine, made at the first call from VAE_SCHEDULER and VAE_WORKERS, closed at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            tasks.niceness()  # said here, before workers that would not start
            _shared = Engine(os.environ.get("VAE_SCHEDULER") or None, workers_wanted(), presence)
            atexit.register(_shared.close)
        return _shared
