"""Shared by all tests: where real MNIST may lie, and one local cluster for those that need workers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]

# MNIST stands beside the project on some machines; elsewhere the tests that need it say so and are skipped.
os.environ.setdefault(
    "VAE_DATA", str(next((p for p in (ROOT.parent / "shared" / "data", ROOT / "data") if p.is_dir()), ROOT / "data"))
)
os.environ["VAE_NICENESS"] = "0"  # the tests keep the cores busy themselves, and wait for the workers
torch.set_num_threads(1)  # as on the workers: results are compared bit for bit


SLOWER = {
    "engine",
    "open_app",
    "app",
    "profile",
    "chromium",
    "mnist",
}  # fixtures: workers, pages, a browser, real MNIST
# Modules that start processes of their own, or pages.
WHOLE = {
    "test_animation", "test_device", "test_drawn_data", "test_fetched_data", "test_own_images", "test_own_images_page",
    "test_absent_data", "test_cluster", "test_command_line", "test_chinese_pages", "test_damaged_files", "test_every_record", "test_faults",
    "test_from_outside", "test_latent_parts", "test_monkey", "test_race", "test_said_again", "test_script", "test_serving", "test_short",
    "test_sweep_engine", "test_tried", "test_votes", "test_zoo",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    """What `make check` runs: what a change most often breaks, and is known in seconds."""
    for item in items:
        if not SLOWER & set(item.fixturenames) and item.module.__name__.split(".")[-1] not in WHOLE:
            item.add_marker(pytest.mark.quick)


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """AppTest leaves its page as __main__, which workers that are spawned later would run: put it back."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def mnist():
    from vae import load_dataset
    from vae.data import DATASETS

    if not DATASETS["mnist"].is_present():
        pytest.skip(f"MNIST is not in {os.environ['VAE_DATA']}: set VAE_DATA or run 'python -m vae fetch mnist'")
    return load_dataset("mnist")


@pytest.fixture
def mirror(tmp_path):
    """A web server on loopback over a folder; yields (folder, address)."""
    import http.server
    import threading

    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def engine():
    from vae.engine import Engine

    engine = Engine(workers=2)
    engine.warm()
    yield engine
    engine.close()


def pytest_terminal_summary(terminalreporter):
    """Why a journey needed its second try: one that often does has something to tell."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}", "-")
        terminalreporter.write_line("\n".join(str(report.longrepr).splitlines()[-25:]))


@pytest.fixture
def open_app(monkeypatch):
    """open_app(name, engine, **link) -> the page of that name as Streamlit runs it, without a browser, under the bar of the
    lesson where the link speaks of one. Without an engine, the workers never come up."""
    from types import SimpleNamespace

    from streamlit.testing.v1 import AppTest

    from vae.ui.shared import shell

    monkeypatch.setattr(shell, "headline", lambda *_: None)

    def open_(name: str, engine=None, **query) -> AppTest:
        for module in [module for key, module in sys.modules.items() if key.startswith("vae.ui")]:
            if hasattr(module, "starter"):
                monkeypatch.setattr(module, "starter", lambda: SimpleNamespace(engine=engine, problem=""))
        path = ROOT / "pages" / f"{name}.py"
        if query.keys() & {"lesson", "step", "exercise"}:
            before = (
                f"from vae.ui.lesson import bar\nfrom vae.ui.shared import shell\nbar.guide({name!r}, shell.page)\n"
            )
            app = AppTest.from_string(before + path.read_text(), default_timeout=120)
        else:
            app = AppTest.from_file(str(path), default_timeout=120)
        app.session_state["owner"] = "0" * 32
        app.query_params.update({field: str(value) for field, value in query.items()})
        return app.run()

    return open_
