"""However the server ends, nothing of it stays: Ctrl-C, SIGTERM, SIGKILL. A real server with its workers up."""

import json
import os
import signal
import urllib.error
import urllib.request

import psutil
import pytest
from app_server import running_app

from tests.waiting import wait_for


def works(address: str) -> bool:
    """Whether the workers, which start with the server, are up."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
            return not json.load(answer)["starting"]
    except urllib.error.HTTPError:
        return False


@pytest.mark.parametrize(
    "sent",
    [signal.SIGINT, *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGTERM, signal.SIGKILL))],
    ids=lambda s: s.name,
)
def test_no_process_outlives_the_server(sent, tmp_path):
    with running_app(VAE_DATA=str(tmp_path), VAE_WORKERS="1") as (process, address, log):
        wait_for(lambda: works(address))
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 3  # the cluster, what its workers are forked from, a worker
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)  # as a terminal sends it: to the workers, too
        else:
            process.send_signal(sent)
        process.wait(30)
        _, alive = psutil.wait_procs(children, timeout=30)
        assert alive == []
        log.seek(0)
        assert "Traceback" not in log.read()
