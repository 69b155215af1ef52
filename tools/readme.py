"""The README's first command and nothing else, in an empty home: clone, `make run`, ask whether it is well, stop. The second
command is what CI runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 1200  # for all downloads


def main() -> None:
    with tempfile.TemporaryDirectory() as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        clone = Path(home) / "vae-loss-lab"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        own = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        environment = own | {"HOME": home, "PATH": os.environ["PATH"], "PORT": str(port)}
        process = subprocess.Popen(["make", "run"], cwd=clone, env=environment, start_new_session=True)
        began = time.monotonic()
        try:
            while not _is_well(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None, "make run ended"
                assert time.monotonic() < began + SECONDS, "it does not get well"
                time.sleep(1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                assert "<title>" in page.read().decode()
            print(f"well after {time.monotonic() - began:.0f} s")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
            time.sleep(3)  # the workers end by themselves
    print("1 passed, 0 failed")


def _is_well(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
