"""The app under load, as a process of its own, and what it and its descendants use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.browser.app_server import running_app

WORKERS = 2
MB = 2**20


@dataclass(frozen=True)
class Use:
    """At one moment: memory in MB (pss: what processes share is counted once), counts, and processor seconds so far."""

    pss: float
    web_pss: float
    rss: float
    processes: int
    threads: int
    fds: int
    tasks: int  # that Dask's scheduler remembers
    web_cpu: float
    nice_cpu: float  # of processes with a lowered priority: the workers
    other_cpu: float


class Server:
    def __init__(self, process: subprocess.Popen, address: str, log):
        self.address, self.pid = address, process.pid
        self._web, self._log = psutil.Process(process.pid), log
        self.samples: list[Use] = []

    def sample(self) -> Use:
        """Measure now, and keep it."""
        found = [(p, used) for p in self._tree() if (used := _use_of(p)) is not None]
        cpu = Counter()
        for process, used in found:
            kind = "web" if process.pid == self.pid else "nice" if used["nice"] > 0 else "other"
            cpu[kind] += used["cpu"]
        self.samples.append(
            Use(
                pss=sum(u["pss"] for _, u in found),
                web_pss=sum(u["pss"] for p, u in found if p.pid == self.pid),
                rss=sum(u["rss"] for _, u in found),
                processes=len(found),
                threads=sum(u["threads"] for _, u in found),
                fds=sum(u["fds"] for _, u in found),
                tasks=self._tasks(),
                web_cpu=cpu["web"],
                nice_cpu=cpu["nice"],
                other_cpu=cpu["other"],
            )
        )
        return self.samples[-1]

    def _tasks(self) -> int:
        """As /health says, to whoever sits at the machine."""
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=10) as answer:
                return json.load(answer).get("tasks", 0)
        except OSError:  # 503, or no time for an answer
            return 0

    def _tree(self) -> list[psutil.Process]:
        return [self._web, *self._web.children(recursive=True)]

    def exceptions(self) -> Counter:
        """Scripts that failed, by the last line of their traceback; the page itself says only that there was one."""
        text = Path(f"/proc/self/fd/{self._log.fileno()}").read_text(errors="replace")  # an offset of its own
        tracebacks = text.split("Uncaught app execution")[1:]
        return Counter(next(iter(re.findall(r"^\w[\w.]*(?:Error|Exception)\b.*", t, re.M)), "?") for t in tracebacks)

    def profile(self, seconds: int, top: int = 25) -> str:
        """py-spy on the web process: the functions with most samples of their own, and of what they called."""
        with tempfile.NamedTemporaryFile("r", suffix=".txt") as out:
            subprocess.run(
                ["py-spy", "record", "-p", str(self.pid), "-d", str(seconds), "-r", "100", "--gil", "--nonblocking", "-f", "raw", "-o", out.name],
                check=True, capture_output=True, env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            )  # fmt: skip
            stacks = [line.rpartition(" ")[::2] for line in out.read().splitlines()]
        return _tables_of([(stack.split(";"), int(count)) for stack, count in stacks], top)


def _tables_of(stacks: list[tuple[list[str], int]], top: int) -> str:
    own, below = Counter(), Counter()
    for frames, count in stacks:
        own[frames[-1]] += count
        for frame in set(frames):
            below[frame] += count
    total = sum(own.values()) or 1
    lines = [f"{total} samples of threads that held the interpreter lock"]
    for title, counted in (("own", own), ("with what they call", below)):
        lines += [f"-- {title}", *(f"{100 * n / total:5.1f} %  {frame}" for frame, n in counted.most_common(top))]
    return "\n".join(lines)


def _use_of(process: psutil.Process) -> dict | None:
    """None for a process that has ended meanwhile."""
    try:
        smaps = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        with process.oneshot():
            times = process.cpu_times()
            return {
                "pss": int(re.search(r"^Pss: +(\d+)", smaps, re.M)[1]) / 1024,
                "rss": process.memory_info().rss / MB,
                "threads": process.num_threads(),
                "fds": process.num_fds(),
                "cpu": times.user + times.system,
                "nice": process.nice(),
            }
    except (psutil.Error, OSError, TypeError):  # a zombie's smaps are empty
        return None


@contextmanager
def running_server(port: int | None = None, workers: int = WORKERS, **environment):
    """The app with so many workers. Yields its Server."""
    with running_app(port, VAE_WORKERS=str(workers), **environment) as (process, address, log):
        yield Server(process, address, log)


def difference(first: Use, last: Use, since: float, until: float) -> dict[str, float]:
    """Cores used between two samples, by kind of process."""
    span = max(1e-9, until - since)
    return {
        "web": round((last.web_cpu - first.web_cpu) / span, 2),
        "workers": round((last.nice_cpu - first.nice_cpu) / span, 2),
        "other": round((last.other_cpu - first.other_cpu) / span, 2),
    }
