"""Every page in the states that a class meets, looked at in a real browser: pictures of all of them at three widths, light and
dark, text that overlaps or is cut off, and what axe says.

    python tests/browser/states.py                      all of it, into test-results/states/
    python tests/browser/states.py train latent --only pictures --schemes dark
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

WIDTHS = {"projector": (1280, 720), "hall": (1920, 1080), "phone": (390, 844)}
SCHEMES = ("light", "dark")
FOLDER = Path(__file__).parents[2] / "test-results" / "states"


def as_it_opens(page: Page) -> None:
    """Nothing is pressed."""


def press(name: str | re.Pattern, role: str = "button") -> Callable[[Page], None]:
    return lambda page: page.get_by_role(role, name=name).locator("visible=true").first.click()


def in_the_sidebar(label: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        if (closed := page.locator('[data-testid="stExpandSidebarButton"]:visible')).count():  # as it is on a phone
            closed.first.click()
            page.wait_for_timeout(1000)
        page.locator(".stSidebar summary", has_text=label).first.click()
        page.wait_for_timeout(1000)

    return act


def trained(seconds: float) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        start = page.locator(".st-key-do-start button:visible")
        expect(start).to_be_enabled(timeout=90_000)
        start.click()
        page.wait_for_timeout(1000 * seconds)

    return act


@dataclass(frozen=True)
class State:
    """A page as somebody sees it. needs: what must be there before it is looked at."""

    name: str
    path: str
    act: Callable[[Page], None] = as_it_opens
    needs: str = "h4"
    settle: float = 1.5  # seconds until figures are drawn


FIGURE, FILM = ".vae-figure .main-svg", ".vae-film img[data-row=reconstructions]"
RUN = "/train?dataset=digits&epochs=60"
STATES = (
    State("start", "/", settle=3),
    State("lesson", "/lesson", settle=2),
    State("lesson-step", "/surfaces?lesson=five-minutes&step=1", needs=FIGURE, settle=4),
    State("lecture", "/lecture"),
    State("lecture-claim", "/lecture?claim=direction", needs=FIGURE),
    State("lecture-predict", "/lecture?claim=direction&predict=yes"),
    State("surfaces", "/surfaces", needs=FIGURE, settle=4),
    State("surfaces-four", "/surfaces?losses=bce,mse,laplace,formula&formula=(x-p)**2&form=section", needs=FIGURE, settle=3),
    State("surfaces-map", "/surfaces?view=asymmetry&form=map&part=image", needs=FIGURE, settle=3),
    State("surfaces-bad-link", "/surfaces?losses=nothing&x=2,5", needs=FIGURE, settle=3),
    State("kl", "/kl", needs=FIGURE, settle=3),
    State("train", RUN, needs=FILM),
    State("train-more", RUN, in_the_sidebar("More"), needs=FILM),
    State("train-done", RUN.replace("60", "3"), trained(6), needs=FILM),
    State("train-codes", RUN.replace("60", "5") + "&latent_dim=2", trained(6), needs=FILM),
    State("train-race", RUN.replace("60", "5") + "&vary=loss&against=mse,laplace,continuous_bernoulli", trained(10), needs=FILM),
    State("train-binary", "/train?dataset=sprites&pixels=binary&vary=loss&against=mse", needs=FILM),
    State("train-refused", "/train?dataset=digits&loss=formula&formula=__import__", needs=".stAlert"),
    State("latent-traverse", "/latent?model=mnist-bce-z20&part=traverse", settle=3),
    State("latent-map", "/latent?model=mnist-bce-z2&part=map", needs=FIGURE, settle=3),
    State("latent-walk", "/latent?model=mnist-bce-z20&part=walk", settle=3),
    State("latent-arithmetic", "/latent?model=faces-gaussian_optimal&part=arithmetic", settle=4),
    State("latent-embed", "/latent?model=digits-bce-z8&part=embed", needs=FIGURE, settle=3),
    State("latent-image", "/latent?model=digits-bce-z8&part=image", settle=3),
    State("latent-painting", "/latent?model=faces-gaussian_optimal&part=image&source=drawn", settle=3),
    State("latent-health", "/latent?model=mnist-bce-z20&part=health", needs=FIGURE, settle=3),
    State("latent-two", "/latent?model=digits-bce-z8&beside=digits-mse-z2&part=traverse", settle=3),
    State("compare", "/compare?data=digits", needs="table", settle=20),
    State("compare-rescue", "/compare?data=digits&part=rescue", settle=15),
    State("advisor", "/advisor", settle=4),
    State("lab", "/lab", settle=3),
    State("zoo", "/zoo?patient=c", settle=6),
    State("class", "/classroom", settle=3),
    State("class-open", "/classroom", press(re.compile("Open a class")), settle=4),
    State("server", "/server", needs=".stMain", settle=2),
    State("no-such-page", "/nothing", needs=".stMain", settle=2),
    State("presenter", "/surfaces?present=1", needs=FIGURE, settle=4),
    State("one-panel", "/kl?only=densities", needs=FIGURE, settle=3),
)  # fmt: skip


# ---- What is wrong with a page ---------------------------------------------------------------------------------------

# Texts that lie on each other, or that a box cuts off, as "what: text | text". A line's own parts are no two texts.
FAULTS = """
() => {
  const seen = (node) => {
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    return box.width > 2 && box.height > 2 && style.visibility !== "hidden" && +style.opacity > 0.05 && !node.closest("[inert], .katex, .js-plotly-plot .modebar, [aria-hidden=true]:not(svg *)");
  };
  const leaves = [];
  const walker = document.createTreeWalker(document.querySelector(".stApp"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || !parent || !seen(parent) || parent.closest("style, script, option, .stIconMaterial, [data-testid=stIconMaterial], .vae-take")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) if (box.width > 1 && box.height > 1 && box.right > 0 && box.left < innerWidth) leaves.push({ text: node.textContent.trim().slice(0, 40), parent, box });
  }
  const faults = new Set();
  for (const { text, parent, box } of leaves) {
    for (let outer = parent; outer && outer !== document.body; outer = outer.parentElement) {
      const style = getComputedStyle(outer);
      if (/auto|scroll/.test(style.overflowX)) break;  // a reader gets there
      if (!/hidden|clip/.test(style.overflowX + style.overflowY) || style.textOverflow === "ellipsis" || outer.closest("[data-testid=stSelectbox], .stMultiSelect")) continue;
      const frame = outer.getBoundingClientRect();
      if (frame.width < 3 || frame.height < 3) break;
      if (box.right > frame.right + 2 || box.left < frame.left - 2) { faults.add(`cut off: ${text}`); break; }
    }
  }
  const svg = leaves.filter(({ parent }) => parent.closest(".js-plotly-plot"));
  for (const [i, one] of svg.entries())
    for (const other of svg.slice(i + 1)) {
      if (one.parent.closest("text") === other.parent.closest("text") || one.parent.closest(".js-plotly-plot") !== other.parent.closest(".js-plotly-plot")) continue;
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (across > 3 && down > 4) faults.add(`overlap: ${one.text} | ${other.text}`);
    }
  if (document.documentElement.scrollWidth > innerWidth + 1) faults.add("the page scrolls sideways");
  return [...faults];
}
"""
GRAVE = ("serious", "critical")


def faults(page: Page) -> list[str]:
    return page.evaluate(FAULTS)


def barriers(page: Page) -> list[str]:
    """What axe finds serious or critical, with the first element of each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {one['help']} ({len(one['nodes'])}) {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in GRAVE
    ]


# ---- The walk --------------------------------------------------------------------------------------------------------


def visit(browser: Browser, address: str, state: State, scheme: str, size: tuple[int, int], **options) -> Page:
    """The page in that state. It is the caller's to close."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", **options
    )
    page = context.new_page()
    page.goto(address + state.path)
    page.locator(state.needs).locator("visible=true").first.wait_for(timeout=90_000)
    state.act(page)
    page.wait_for_timeout(1000 * state.settle)
    return page


def walk(
    browser: Browser,
    address: str,
    states: tuple[State, ...],
    schemes: tuple[str, ...],
    widths: dict[str, tuple[int, int]],
) -> Iterator[tuple[State, str, str, Page]]:
    """Every state under every scheme at every width; a page is opened once for the wide ones, and once for a phone, where
    other things are there."""
    for state in states:
        for scheme in schemes:
            for wide in (True, False):
                sizes = {name: size for name, size in widths.items() if (name != "phone") == wide}
                if not sizes:
                    continue
                page = visit(browser, address, state, scheme, next(iter(sizes.values())))
                for name, (width, height) in sizes.items():
                    page.set_viewport_size({"width": width, "height": height})
                    page.wait_for_timeout(900)
                    yield state, scheme, name, page
                page.context.close()


def main() -> int:
    from app_server import FLAGS, running_app

    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="how names of states begin; all without")
    parser.add_argument("--only", choices=("pictures", "faults", "axe"))
    parser.add_argument("--schemes", default=",".join(SCHEMES))
    parser.add_argument("--widths", default=",".join(WIDTHS))
    options = parser.parse_args()
    states = tuple(s for s in STATES if not options.names or s.name.startswith(tuple(options.names)))
    widths = {name: WIDTHS[name] for name in options.widths.split(",")}
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as offline,
        running_app(VAE_DATA=offline, VAE_SWEEPS=offline) as (_, address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for state, scheme, width, page in walk(browser, address, states, tuple(options.schemes.split(",")), widths):
            if options.only in (None, "pictures"):
                page.screenshot(path=FOLDER / f"{state.name}-{width}-{scheme}.png")
            found = faults(page) if options.only in (None, "faults") else []
            found += barriers(page) if options.only in (None, "axe") else []
            wrong += len(found)
            for fault in found:
                print(f"{state.name} {width} {scheme}: {fault}", flush=True)
        browser.close()
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
