"""The Dockerfile's own steps where there is no Docker: in a new folder, with a new environment, as the user that it names.

What a container brings besides is not tried: another file system, its limits of memory, and how Docker reads the file.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
CODE = "blue-whale-42"
PLACES = re.compile(r"(?<![\w./-])/(app|data)\b")  # folders of the image; here below a folder of their own


def steps(text: str) -> list[tuple[str, str]]:
    """The Dockerfile's instructions, in order: (name, what follows), comments and line breaks taken out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in whole.splitlines())]


def settings(rest: str) -> dict[str, str]:
    """NAME=value NAME=value of an ENV or ARG."""
    return dict(re.findall(r"(\w+)=(\S+)", rest))


def tracked(name: str) -> list[Path]:
    """The files that COPY takes for a file or a folder of that name: what git knows, or would."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", name]
    return [Path(line) for line in subprocess.check_output(listed, cwd=ROOT, text=True).splitlines()]


@dataclass
class Box:
    """What stands for the image while it is built, and for the container while it runs."""

    root: Path
    cwd: Path = Path()
    env: dict[str, str] = field(default_factory=dict)
    user: list[str] = field(default_factory=list)  # what becomes the user
    command: list[str] = field(default_factory=list)
    health: str = ""

    def here(self, text: str) -> str:
        """The image's paths as they are called here. Who is not root cannot give files away, and stays who they are."""
        own = PLACES.sub(lambda found: f"{self.root}/{found[1]}", text)
        return own if os.getuid() == 0 else re.sub(r"\b10001:10001\b", f"{os.getuid()}:{os.getgid()}", own)

    def run(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.user, *command], cwd=self.cwd, env=self.env | more, text=True)

    def take(self, name: str, rest: str) -> None:
        """One instruction of the Dockerfile."""
        rest = self.here(rest)
        match name:
            case "FROM":
                self._environment(re.search(r"python:(3\.\d+)", rest)[1])
            case "ARG":
                self.env |= {one: os.environ.get(one, value) for one, value in settings(rest).items()}
            case "ENV":
                self.env |= settings(rest)
            case "WORKDIR":
                self.cwd = Path(rest)
                self.cwd.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(*rest.split())
            case "RUN":
                assert self.run(["sh", "-c", rest]).returncode == 0, f"RUN {rest}"
            case "USER" if os.getuid() == 0:
                uid, gid = rest.split(":")
                self.user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
            case "HEALTHCHECK":
                self.health = rest.partition("CMD ")[2]
            case "CMD":
                self.command = json.loads(rest)
            case "USER" | "VOLUME" | "EXPOSE":
                pass
            case _:
                sys.exit(f"The Dockerfile says {name}, which is not known here.")

    def _environment(self, version: str) -> None:
        """A new Python of that version, which any user may run."""
        found = next(
            filter(os.path.exists, (f"{place}/python{version}" for place in ("/usr/bin", "/usr/local/bin"))), None
        )
        python = found or shutil.which(f"python{version}") or sys.exit(f"Python {version} is needed.")
        subprocess.run([python, "-m", "venv", self.root / "venv"], check=True)
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        self.env = pip | {"PATH": f"{self.root}/venv/bin:/usr/bin:/bin", "HOME": str(self.root)}

    def _copy(self, *names: str) -> None:
        *sources, target = names
        for source in sources:
            assert tracked(source), f"COPY {source}: there is no such file"
            whole = (ROOT / source).is_dir()
            for path in tracked(source):
                place = self.cwd / target / (path.relative_to(source) if whole else path.name)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, place)


@contextmanager
def running(box: Box, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The container's command; ended as Docker ends it, by a signal to the one process."""
    process = subprocess.Popen(
        [*box.user, *box.command],
        cwd=box.cwd,
        env=box.env | {"PORT": str(port), "VAE_CODE": CODE},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(20)
        left = psutil.wait_procs(below, 20)[1]
        assert not left, left


def healthy(box: Box, port: int) -> bool:
    return box.run(["sh", "-c", f"{box.health} 2>/dev/null"], PORT=str(port)).returncode == 0


def answer(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as refused:
        return refused.code


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        box = Box(Path(folder))
        for name, rest in steps((ROOT / "Dockerfile").read_text()):
            print(name, rest, flush=True)
            box.take(name, rest)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        assert not healthy(box, port), "the health check passes where nothing runs"
        with running(box, port) as process:
            began = time.monotonic()
            while not healthy(box, port):
                assert process.poll() is None and time.monotonic() < began + 60, "it does not get well"
                time.sleep(0.5)
            print(f"healthy after {time.monotonic() - began:.1f} s")
            found = {path: answer(f"http://127.0.0.1:{port}{path}") for path in ("/", "/health", "/_stcore/metrics")}
            print("without the code:", found)
            assert found["/"] == 401 and found["/_stcore/metrics"] == 403
            while answer(f"http://127.0.0.1:{port}/health") != 200:  # the worker, too
                assert time.monotonic() < began + 90, "its worker does not come up"
                time.sleep(0.5)
            if box.user:
                assert box.run(["sh", "-c", "! touch x 2>/dev/null"]).returncode == 0, "the app can be written"
                with open(f"/proc/{process.pid}/status") as status:
                    assert "Uid:\t10001" in status.read(), "it runs as somebody else"
        assert process.returncode in (0, -15, 143), process.returncode
        print("ended:", process.returncode)
        print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
