"""A real server and a real Chromium. Both on loopback, both stopped by process id."""

from __future__ import annotations

from pathlib import Path

import pytest
from app_server import ROOT, chromium_of, running_app
from playwright.sync_api import Page, expect, sync_playwright

SHOTS = ROOT / "test-results"
expect.set_options(timeout=30_000)  # a cold server on a shared machine
SIZE = {"width": 1280, "height": 720}


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """An app with digits and the shipped models alone, whose sweeps go to a folder of the tests'. Its workers give way to
    pages, as a user's do, and then a little less: trainings that go on while a page is looked at slow everything down."""
    folder = tmp_path_factory.mktemp("offline")
    where = {"VAE_DATA": str(folder / "none"), "VAE_SWEEPS": str(folder / "sweeps")}
    with running_app(**where, VAE_NICENESS="10") as (_, address, _):
        yield address


@pytest.fixture(scope="session")
def profile(tmp_path_factory):
    """A browser with a profile on disk, as users have: Streamlit and Plotly are compiled once, and not for every page
    anew, which took a core two seconds each time."""
    with sync_playwright() as playwright:
        folder = tmp_path_factory.mktemp("profile")
        with playwright.chromium.launch_persistent_context(folder, **chromium_of(), viewport=SIZE) as context:
            yield context


@pytest.fixture(scope="session")
def chromium(profile):
    """The same browser, for contexts of one's own."""
    return profile.browser


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


def pytest_collection_modifyitems(items):
    """Two cores draw every page in software, beside the servers and their workers: a journey that fails has one more try,
    and the summary names it."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report


@pytest.fixture
def open_page(profile, app, request):
    """open_page(path, **options) -> a page of the app, the first of a test in a browser that has forgotten all others,
    each further one in another browser's place, as is one with options of a context; at the end no page may have logged
    an error or asked another machine for anything."""
    opened: list[Watched] = []
    contexts = []

    def open_(path: str = "/", address: str = app, color_scheme: str = "light", size: dict = SIZE, **options) -> Page:
        if opened or options:
            contexts.append(profile.browser.new_context(**options))
            page = contexts[-1].new_page()
        else:
            profile.clear_cookies()
            page = profile.new_page()
            page.context.new_cdp_session(page).send(
                "Storage.clearDataForOrigin", {"origin": address, "storageTypes": "local_storage"}
            )
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=color_scheme)
        page.set_default_timeout(30_000)
        opened.append(Watched(page, address))
        page.goto(address + path)
        return page

    yield open_
    if getattr(request.node, "failed", False):  # what the user would have seen
        SHOTS.mkdir(exist_ok=True)
        for number, watched in enumerate(opened):
            watched.page.screenshot(path=SHOTS / f"{request.node.name}-{number}.png")
    for watched in opened:
        watched.page.close()
    for context in contexts:
        context.close()
    assert [fault for watched in opened for fault in watched.faults] == []
