"""However the server ends, nothing of it stays: Ctrl-C, SIGTERM, SIGKILL. A real server with its workers up."""

import os
import signal

import psutil
import pytest
from app_server import running_app


def workers_of(process) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any(name in part for part in child.cmdline() for name in ("spawn_main", "forkserver"))
    ]


@pytest.mark.parametrize(
    "sent",
    [signal.SIGINT, *(pytest.param(s, marks=pytest.mark.slow) for s in (signal.SIGTERM, signal.SIGKILL))],
    ids=lambda s: s.name,
)
def test_no_process_outlives_the_server(sent, profile, tmp_path):
    with running_app(VAE_DATA=str(tmp_path), VAE_WORKERS="1") as (process, address, log):
        page = profile.new_page()
        page.goto(f"{address}/train?dataset=digits")
        page.locator(".vae-film img").first.wait_for(timeout=60_000)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(workers_of(process)) >= 1
        page.close()
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)  # as a terminal sends it: to the workers, too
        else:
            process.send_signal(sent)
        process.wait(30)
        _, alive = psutil.wait_procs(children, timeout=30)
        assert alive == []
        log.seek(0)
        assert "Traceback" not in log.read()
