"""How much memory the app takes with the Dockerfile's settings: after each page, while one visitor trains, and two.

Prints the table of docs/deploy.md. What processes share is counted once (PSS); the highest of ten looks a second.
"""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.app_server import ROOT, chromium_of, running_app
from tools.container import settings, steps
from vae.ui.shared.shell import PAGES

OWN = {"HOST", "PORT", "HOME", "VAE_DATA", "VAE_SWEEPS"}  # of the Dockerfile's settings those that say where things are
TRAININGS = {
    "one trains digits (64-400-20)": ["/train?dataset=digits&epochs=1000"],
    "one trains MNIST (784-400-20)": ["/train?dataset=mnist&epochs=50"],
    "one trains a convolutional net on MNIST": ["/train?dataset=mnist&epochs=50&architecture=conv"],
    "one races four losses on MNIST": ["/train?dataset=mnist&epochs=50&vary=loss&against=mse,l1,continuous_bernoulli"],
    "two train MNIST": ["/train?dataset=mnist&epochs=50", "/train?dataset=mnist&epochs=50&loss=mse"],
}


def pss(process: psutil.Process) -> float:
    """Megabytes; 0 for one that has just ended."""
    try:
        rolled = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(re.search(r"^Pss: +(\d+)", rolled, re.M)[1]) / 1024


class Watch:
    """Looks at a server and all that it started, ten times a second."""

    def __init__(self, pid: int):
        self.server, self.most = psutil.Process(pid), (0.0, 0.0)
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            web = pss(self.server)
            self.most = max(self.most, (web + sum(map(pss, self.server.children(recursive=True))), web))

    def row(self, name: str) -> None:
        """Print the highest since the last row."""
        total, web = self.most
        print(f"| {name} | {total:.0f} | {web:.0f} | {total - web:.0f} |", flush=True)
        self.most = (0.0, 0.0)

    def close(self) -> None:
        self._over.set()


def settled(page: Page, seconds: float) -> None:
    """Until the page is made, and so much longer."""
    page.locator("[data-testid=stMain] h4").first.wait_for(timeout=120_000)
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')", timeout=120_000)
    page.wait_for_timeout(1000 * seconds)


@contextmanager
def visitors(browser: Browser, address: str, paths: list[str]) -> Iterator[list[Page]]:
    """Each in a browser of their own."""
    contexts = [browser.new_context() for _ in paths]
    try:
        yield [context.new_page() for context in contexts]
    finally:
        for context in contexts:
            context.close()


def train(browser: Browser, address: str, paths: list[str], seconds: float) -> None:
    with visitors(browser, address, paths) as pages:
        for page, path in zip(pages, paths):
            page.goto(address + path)
            settled(page, 0)
            page.locator(".st-key-do-start button:visible").click(timeout=60_000)
        pages[0].wait_for_timeout(1000 * seconds)
        for page in pages:
            how = page.locator("[data-testid=stProgress]").first.inner_text()
            assert how, page.locator("[data-testid=stMain]").inner_text()
            page.locator(".st-key-do-stop button:visible").click()
            page.wait_for_timeout(1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="that each training lasts")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the environment")
    given = parser.parse_args()
    said = [settings(rest) for name, rest in steps((ROOT / "Dockerfile").read_text()) if name == "ENV"]
    environment = {name: value for one in said for name, value in one.items() if name not in OWN}
    environment |= dict(one.split("=", 1) for one in given.set)
    print(" ".join(f"{name}={value}" for name, value in environment.items()))
    print("| after | MB in all | of it web | worker, scheduler |\n| --- | --- | --- | --- |")
    with running_app(**environment) as (process, address, _), sync_playwright() as playwright:
        browser, watch = playwright.chromium.launch(**chromium_of()), Watch(process.pid)
        with visitors(browser, address, [""]) as (page,):
            page.goto(address + "/kl")
            settled(page, 15)
            watch.row("the start, and the KL page")
            for name, (title, _) in PAGES.items():
                page.goto(f"{address}/{name}")
                settled(page, 4)
                watch.row(title)
            page.goto(address + "/latent?part=embed")
            settled(page, 30)
            watch.row("Latent space, PCA and t-SNE")
        for name, paths in TRAININGS.items():
            train(browser, address, paths, given.seconds)
            watch.row(name)
        watch.close()
        browser.close()


if __name__ == "__main__":
    main()
