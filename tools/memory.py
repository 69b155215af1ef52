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

import numpy as np
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.app_server import ROOT, chromium_of, running_app
from tools.container import settings, steps
from vae.ui.shared.shell import PAGES

OWN = {"HOST", "PORT", "HOME", "VAE_DATA", "VAE_SWEEPS"}  # of the Dockerfile's settings those that say where things are
TRAININGS = {
    "one trains digits (64-400-20)": ["dataset=digits&epochs=1000"],
    "one trains {data} (784-400-20)": ["dataset={data}&epochs=50"],
    "one trains a convolutional net on {data}": ["dataset={data}&epochs=50&architecture=conv"],
    "one races four losses on {data}": ["dataset={data}&epochs=50&vary=loss&against=mse,l1,continuous_bernoulli"],
    "two train {data}": ["dataset={data}&epochs=50", "dataset={data}&epochs=50&loss=mse"],
}


def megabytes(process: psutil.Process) -> np.ndarray:
    """In all, and of it what the system cannot drop, of one process; 0 for one that has just ended."""
    try:
        rolled = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return np.zeros(2)
    return np.array([int(re.search(rf"^{name}: +(\d+)", rolled, re.M)[1]) / 1024 for name in ("Pss", "Pss_Anon")])


class Watch:
    """Looks at a server and all that it started, ten times a second."""

    def __init__(self, pid: int):
        self.server, self.most = psutil.Process(pid), np.zeros(4)
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            web = megabytes(self.server)
            rest = sum(map(megabytes, self.server.children(recursive=True)), np.zeros(2))
            self.most = np.maximum(self.most, [*(web + rest), web[0], rest[0]])

    def row(self, name: str) -> None:
        """Print the highest since the last row."""
        print(f"| {name} | {' | '.join(f'{value:.0f}' for value in self.most)} |", flush=True)
        self.most = np.zeros(4)

    def close(self) -> None:
        self._over.set()


def settled(page: Page, seconds: float) -> None:
    """Until the page is made, and so much longer."""
    page.locator("[data-testid=stMain] h4").first.wait_for(timeout=120_000)
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')", timeout=120_000)
    page.wait_for_timeout(1000 * seconds)


@contextmanager
def visitors(browser: Browser, count: int) -> Iterator[list[Page]]:
    """Each in a browser of their own."""
    contexts = [browser.new_context() for _ in range(count)]
    try:
        yield [context.new_page() for context in contexts]
    finally:
        for context in contexts:
            context.close()


def train(browser: Browser, address: str, paths: list[str], seconds: float) -> None:
    with visitors(browser, len(paths)) as pages:
        for page, path in zip(pages, paths):
            page.goto(f"{address}/train?{path}")
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
    parser.add_argument("--data", default="patches", help="that larger nets train on; mnist needs VAE_DATA")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the environment")
    given = parser.parse_args()
    said = [settings(rest) for name, rest in steps((ROOT / "Dockerfile").read_text()) if name == "ENV"]
    environment = {name: value for one in said for name, value in one.items() if name not in OWN}
    environment |= dict(one.split("=", 1) for one in given.set)
    print(" ".join(f"{name}={value}" for name, value in environment.items()))
    print(
        "| during | MiB in all | that cannot be dropped | web | worker and scheduler |\n| --- | --- | --- | --- | --- |"
    )
    with running_app(**environment) as (process, address, _), sync_playwright() as playwright:
        browser, watch = playwright.chromium.launch(**chromium_of()), Watch(process.pid)
        with visitors(browser, 1) as (page,):
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
            train(browser, address, [path.format(data=given.data) for path in paths], given.seconds)
            watch.row(name.format(data=given.data))
        watch.close()
        browser.close()


if __name__ == "__main__":
    main()
