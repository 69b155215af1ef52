"""The pictures of the README, from the real app in a real browser: every page, and a race that moves.

Beside them lies made.json: of what source each was made, so that `--check` can say which pictures are older than their page.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
from hashlib import sha256

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.app_server import ROOT, chromium_of, running_app
from vae.ui.shared.shell import PAGES

FOLDER = ROOT / "docs" / "pictures"
RECORD = FOLDER / "made.json"
SIZE = {"width": 1280, "height": 720}
WIDTH = 960  # pixels of a picture
RACE = "dataset=digits&hidden=64&epochs=3000&vary=loss&against=mse"
FRAMES, FRAME_MS, MOVING_WIDTH = 36, 350, 860
# What each page shows on its picture, where that is not how it opens.
SHOWN = {
    "surfaces": "losses=bce,mse&x=0.4",
    "train": RACE,
    "latent": "model=mnist-bce-z2&part=map",
}
# What has to be on it before the picture is taken, and what is pressed for that.
READY = {
    "compare": "() => !document.body.innerText.includes('Scoring:')",
    "lab": "() => document.querySelector('.vae-figure[data-updates]')",
    "surfaces": "() => document.querySelector('.vae-figure[data-updates]')",
}
PRESSED = {"train": ("Start", "Stop"), "zoo": ("Examine", "")}  # the button, and the one that ends it
GOES_ON = 8  # seconds
HIDDEN = {"server"}  # the lecturer's own
FILM = ".vae-film img[data-row=reconstructions]"


def names() -> list[str]:
    return [name for name in PAGES if name not in HIDDEN]


def source_of(name: str) -> str:
    """What a page is made of that is its own: its recipe and its folder of vae/ui."""
    found = sha256()
    for path in [ROOT / "pages" / f"{name}.py", *sorted((ROOT / "vae" / "ui" / name).rglob("*.*"))]:
        if "__pycache__" not in path.parts:
            found.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()[:16]


def old() -> list[str]:
    """The pages whose pictures are missing, or were made of another source."""
    made = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    return [name for name in names() if made.get(name) != source_of(name) or not (FOLDER / f"{name}.webp").is_file()]


def settled(page: Page, seconds: float = 1.5) -> None:
    """Until the page is made and its figures are drawn, and so much longer."""
    page.wait_for_function("() => document.querySelector('[data-test-script-state=notRunning]')", timeout=120_000)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.vae-figure')].every((one) => !one.offsetParent || one.dataset.updates)",
        timeout=60_000,
    )
    page.wait_for_timeout(1000 * seconds)


def start(page: Page) -> None:
    page.locator(FILM).first.wait_for(timeout=60_000)
    page.get_by_role("button", name="Start").click(timeout=60_000)
    page.wait_for_function(f"() => +document.querySelector('{FILM}').dataset.step > 0", timeout=60_000)


def shot(page: Page, width: int, **how) -> Image.Image:
    picture = Image.open(io.BytesIO(page.screenshot(**how))).convert("RGB")
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def take(browser: Browser, address: str, name: str) -> None:
    page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
    page.goto(f"{address}/{name}?{SHOWN.get(name, '')}".rstrip("?"))
    page.locator(".stMain .stElementContainer").first.wait_for(timeout=120_000)
    page.wait_for_function(READY.get(name, "() => true"), timeout=120_000)
    settled(page)
    begin, end = PRESSED.get(name, ("", ""))
    if begin:
        page.get_by_role("button", name=begin).click(timeout=60_000)
        page.wait_for_timeout(1000 * GOES_ON)
    shot(page, WIDTH).save(FOLDER / f"{name}.webp", quality=80, method=6)
    if end:
        page.get_by_role("button", name=end).click()
    page.close()


def move(browser: Browser, address: str) -> None:
    """race.webp: the two columns of a race from its first step on."""
    page = browser.new_page(viewport={"width": 1100, "height": 640}, color_scheme="light")
    page.goto(f"{address}/train?{RACE}&only=pictures")
    page.locator(FILM).first.wait_for(timeout=120_000)
    settled(page)
    start(page)
    film, height = page.locator(".vae-film"), 0.0
    frames = []
    for _ in range(FRAMES):
        box = film.bounding_box()
        height = height or min(box["height"], 620 - box["y"])
        frames.append(
            shot(page, MOVING_WIDTH, clip={"x": box["x"], "y": box["y"], "width": box["width"], "height": height})
        )
        page.wait_for_timeout(FRAME_MS)
    frames[0].save(
        FOLDER / "race.webp", save_all=True, append_images=frames[1:], quality=55, method=4, loop=0,
        duration=[900, *[FRAME_MS // 2] * (FRAMES - 2), 2500],
    )  # fmt: skip
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="make none: say which are older than their page")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these, and race (default: all)")
    given = parser.parse_args()
    if given.check:
        sys.exit(f"Older than their pages: {', '.join(old())}. 'make pictures' makes them again." if old() else 0)
    if shutil.which("fc-list") and not subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout:
        sys.exit("No font here has the Chinese characters that stand in every picture: fonts-noto-cjk has.")
    wanted = given.pages or [*names(), "race"]
    FOLDER.mkdir(exist_ok=True)
    made = json.loads(RECORD.read_text()) if RECORD.is_file() else {}
    with running_app(VAE_DATA=str(FOLDER / "none")) as (_, address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_of())
        for name in wanted:
            if name == "race":
                move(browser, address)
            else:
                take(browser, address, name)
                made[name] = source_of(name)
            print(name, flush=True)
        browser.close()
    RECORD.write_text(json.dumps({name: made[name] for name in names() if name in made}, indent=1) + "\n")


if __name__ == "__main__":
    main()
