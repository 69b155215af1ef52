"""The app as a process of its own, on loopback; stopped by its process id. And the browser that looks at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader", "--use-gl=angle",
    "--use-angle=swiftshader",
]  # fmt: skip


def chromium_of() -> dict:
    """What Playwright is told of the browser to start: one that is installed, else its own."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return {"executable_path": found, "args": FLAGS}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_app(port: int | None = None, **environment):
    """The app as `make run` starts it; yields (process, address, its log), and stops it by its process id. No page may have
    failed with an exception meanwhile: there the user reads only that there was one, here its reason."""
    port = port or free_port()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), f"--server.port={port}"],
            cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}/{environment.get('STREAMLIT_SERVER_BASE_URL_PATH', '')}".rstrip("/")
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, "the server ended at its start"
                    time.sleep(0.1)
            yield process, address, log
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
        log.seek(0)
        told = log.read()
        assert "Uncaught app execution" not in told, told[told.index("Uncaught app execution") :][:5000]
