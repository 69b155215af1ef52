"""What a user waits for: a moved slider, as Streamlit runs a page, without a browser; a server that starts; a page that loads."""

from __future__ import annotations

import gc
import json
import shutil
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product

from playwright.sync_api import Playwright, sync_playwright
from streamlit.testing.v1 import AppTest

from benchmarks.measuring import Row, seconds
from tests.browser.app_server import chromium_of, running_app
from vae.data import DATASETS
from vae.training.shipped import SHIPPED

MOVES = 20


# ---- A moved slider ----------------------------------------------------------------------------------------------


def page(name: str, engine_of: str) -> None:
    """What streamlit_app.py shows under /name, without the navigation and the engine. Runs by itself: all it needs is in here."""
    import importlib
    import runpy
    from pathlib import Path

    import vae.ui.shared.shell

    vae.ui.shared.shell.headline = lambda *_: None
    importlib.import_module(engine_of).engine = lambda: None  # workers would disturb the clock
    runpy.run_path(str(Path(vae.__file__).parents[1] / "pages" / f"{name}.py"))


def moved(name: str, engine_of: str, key: str, low: float, query: Mapping[str, str]) -> list[float]:
    """Milliseconds of server time of each move, to a value that the slider or number has not had."""
    app = AppTest.from_function(page, args=(name, engine_of), default_timeout=60)
    for parameter, value in query.items():
        app.query_params[parameter] = value
    app.run()
    assert not app.exception, app.exception
    gc.collect()
    gc.freeze()  # as the app does: Streamlit collects garbage after every run
    times = []
    for move in range(MOVES):
        next(w for w in (*app.slider, *app.number_input) if w.key == key).set_value(round(low + move / 100, 2))
        times.append(1e3 * seconds(app.run))
    assert not app.exception, app.exception
    return times


def _row(what: str, times: list[float]) -> Row:
    return Row(what, statistics.median(times), "ms", f"worst of {len(times)}: {max(times):.0f} ms")


TWO, FOUR = "bce,mse", "bce,mse,continuous_bernoulli,laplace"
FORMS = [{"view": view, "form": form} for view, form in product(("value", "asymmetry"), ("surface", "map", "section"))]
OWN = {"losses": "gaussian,laplace,logcosh,formula", "part": "image"}
# What is moved, from where, and with which parts of the page open.
SURFACES = {
    "two losses, all forms": ("p", 0.3, [{"losses": TWO} | form for form in FORMS]),
    "four losses, all forms": ("p", 0.3, [{"losses": FOUR} | form for form in FORMS]),
    "four losses, a part open": ("p", 0.3, [{"losses": FOUR, "part": part} for part in ("descent", "image", "patch")]),
    "four losses, curvature": ("x", 0.3, [{"losses": FOUR, "view": "curvature", "form": "section"}]),
    "a loss's own parameter, image open": ("gaussian.sigma", 0.3, [OWN, OWN | {"form": "map"}, OWN | FORMS[3]]),
    "the descent's target, four losses": ("target", 0.5, [{"losses": FOUR, "part": "descent"}]),
}


def slider(rounds: int) -> Iterator[Row]:
    """The Loss surfaces page."""
    act = partial(moved, "surfaces", "vae.ui.surfaces.parts")
    act("surface.p", 0.3, {})  # imports
    for what, (key, low, queries) in SURFACES.items():
        times = [ms for query in queries for ms in act(f"surface.{key}", low, query)]
        yield _row(f"slider to figure, {what}", times)


def traversal(rounds: int) -> Iterator[Row]:
    """The Latent page."""
    act = partial(moved, "latent", "vae.ui.latent.models", "latent.move.0", -2.5)
    here = [name for name in ("mnist-bce-z2", "mnist-bce-z20", "digits-bce-z8") if SHIPPED[name].path.is_file()]
    act({"model": here[0]})  # imports
    for name in here:
        yield _row(f"traversal, {name}", act({"model": name}))
    for name, beside in zip(here, here[1:2]):
        yield _row(f"traversal, {beside} beside {name}", act({"model": beside, "beside": name}))


# ---- A server that starts, and a page that loads -----------------------------------------------------------------


def is_warm(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
            return not json.load(answer)["starting"]
    except urllib.error.HTTPError:
        return False


def cold(rounds: int) -> Iterator[Row]:
    """From the start of its process, with files that the system has read before."""
    answers, warm = [], []
    for _ in range(min(rounds, 3)):
        started = time.perf_counter()
        with running_app() as (_, address, _):
            answers.append(time.perf_counter() - started)
            while not is_warm(address):
                time.sleep(0.05)
            warm.append(time.perf_counter() - started)
    yield Row("cold start, until the server answers", statistics.median(answers), "s")
    yield Row("cold start, until the workers are warm", statistics.median(warm), "s")


# In the page: when the Start button can be pressed, and when the bar over the pictures says more than step 0.
WATCH = """document.addEventListener("DOMContentLoaded", () => {
  window.seen = {};
  const look = () => {
    const button = [...document.querySelectorAll(".st-key-do-start button")].find(one => one.offsetParent && !one.disabled);
    if (button) window.seen.button ??= performance.now();
    const told = document.querySelector('[data-testid="stProgress"]')?.textContent.match(/step ([\\d,]+) of/);
    if (told && told[1] !== "0") window.seen.moved ??= performance.now();
    requestAnimationFrame(look);
  };
  look();
})"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def click(rounds: int) -> Iterator[Row]:
    """From the first paint of Train on a fresh server to pictures that move, by a robot that presses Start as soon as it is
    there, and a second later. The browser draws in software, on the cores that the server has, too."""
    with sync_playwright() as playwright:
        for dataset, patience in product(("mnist", "digits"), (0.0, 1.0)):
            if DATASETS[dataset].is_present():
                found = [_clicked(playwright, dataset, patience) for _ in range(rounds)]
                to_button, from_paint, from_press = (statistics.median(times) for times in zip(*found))
                what = (
                    f"{dataset}, pressed {'a second later' if patience else 'at once'}: first paint to moving pictures"
                )
                worst = max(paint for _, paint, _ in found)
                beside = (
                    f"worst of {rounds}: {worst:.1f} s; to the button {to_button:.1f}; from the press {from_press:.1f}"
                )
                yield Row(what, from_paint, "s", beside)


def _clicked(playwright: Playwright, dataset: str, patience: float) -> tuple[float, float, float]:
    """Seconds from the first paint to the button, from there to moving pictures, and from the press."""
    with running_app() as (_, address, _):
        browser = playwright.chromium.launch(**chromium_of())
        tab = browser.new_page(viewport={"width": 1280, "height": 720})
        tab.add_init_script(WATCH)
        tab.goto(f"{address}/train?dataset={dataset}")
        button = tab.locator(".st-key-do-start button:visible").first
        button.wait_for(timeout=60_000)
        tab.wait_for_timeout(1000 * patience)
        pressed = tab.evaluate("performance.now()")
        button.click()
        tab.wait_for_function("window.seen.moved", timeout=60_000)
        painted, seen = tab.evaluate(PAINTED), tab.evaluate("window.seen")
        browser.close()
    return tuple(
        (end - start) / 1e3
        for start, end in ((painted, seen["button"]), (painted, seen["moved"]), (pressed, seen["moved"]))
    )


def load(rounds: int) -> Iterator[Row]:
    """The Train page in a Chromium that has nothing of it yet, from a server whose workers are warm."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    bodies: list[float] = []
    frames: list[int] = []
    with running_app() as (_, address, _), sync_playwright() as playwright:
        while not is_warm(address):
            time.sleep(0.05)
        with playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"]) as browser:
            tab = browser.new_page()
            wire = tab.context.new_cdp_session(tab)
            wire.send("Network.enable")
            wire.on("Network.loadingFinished", lambda told: bodies.append(told["encodedDataLength"]))
            wire.on("Network.webSocketFrameReceived", lambda told: frames.append(_bytes(told["response"])))
            started = time.perf_counter()
            tab.goto(f"{address}/train")
            tab.locator(".vae-film img[data-row=reconstructions]").first.wait_for(timeout=60_000)
            shown = time.perf_counter() - started
            tab.wait_for_load_state("networkidle")
    yield Row("first load of Train", sum(bodies) / 1e6, "MB", f"{len(bodies)} answers, as compressed as they came")
    yield Row(
        "first load of Train, by WebSocket", sum(frames) / 1e6, "MB", f"{len(frames)} messages, before compression"
    )
    yield Row("first load of Train, until pictures", shown, "s", "browser and server on the same cores")


def _bytes(frame: Mapping[str, object]) -> int:
    """Of a frame's payload, which is base64 unless it is text."""
    data = str(frame["payloadData"])
    return len(data) if frame["opcode"] == 1 else len(data) * 3 // 4
