"""A real server and a real Chromium. Both on loopback, both stopped by process id."""

from __future__ import annotations

import shutil

import pytest
from app_server import ROOT, running_app
from playwright.sync_api import Page, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader", "--use-gl=angle",
    "--use-angle=swiftshader",
]  # fmt: skip
SHOTS = ROOT / "test-results"


@pytest.fixture(scope="session")
def app():
    with running_app() as (_, address):
        yield address


@pytest.fixture(scope="session")
def chromium():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page and everything it should not have done."""

    def __init__(self, page: Page, address: str):
        self.page, self.faults = page, []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda r: None if _is_local(r.url, address) else self.faults.append(f"request to {r.url}"))

    def _on_console(self, message) -> None:
        # Streamlit looks for its server below the page's own path first; that 404 is how it finds the root.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            self.faults.append(message.text)


def _is_local(url: str, address: str) -> bool:
    return url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


@pytest.fixture
def open_page(chromium, app, request):
    """open_page(path, **context) -> a page of the app in a browser context of its own; at the end no page may have
    logged an error or asked another machine for anything."""
    opened: list[Watched] = []
    contexts = []

    def open_(path: str = "/", address: str = app, **context) -> Page:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 720}, **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        opened.append(Watched(page, address))
        page.goto(address + path)
        return page

    yield open_
    if getattr(request.node, "failed", False):  # what the user would have seen
        SHOTS.mkdir(exist_ok=True)
        for number, watched in enumerate(opened):
            watched.page.screenshot(path=SHOTS / f"{request.node.name}-{number}.png")
    for context in contexts:
        context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
