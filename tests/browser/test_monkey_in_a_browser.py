"""A monkey in a real browser: from a seed it takes random controls of random pages, clicks into pictures and figures, goes
back, and follows the links between pages, with a training under way. `make monkey` lets it go on for longer."""

import os
import random
import re

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from vae.ui.shared.shell import PAGES

STEPS = int(os.environ.get("MONKEY_STEPS", 8))
SEED = int(os.environ.get("SEED", 0))
BUSY = "/train?dataset=digits&epochs=2000&hidden=32&vary=loss&against=mse"
SHORT = 1500  # ms: what has gone meanwhile is let go
NOT_TOUCHED = re.compile(
    "Fetch|Start this sweep|HTML|CSV|PyTorch|checkpoint|Download|Deploy|Main menu|Open a file", re.I
)
ANOTHERS = re.compile(
    "surface_example|latent-move|dial"
)  # containers whose controls' values are other controls' to set
KINDS = {
    "button": "[data-testid=stButton] button:enabled, [data-testid=stFormSubmitButton] button:enabled",
    "choice": "[data-testid=stButtonGroup] button:enabled, [data-testid=stButtonGroup] [role=radio]:enabled",
    "toggle": "[data-testid=stCheckbox] label",
    "radio": "[data-testid=stRadio] label[data-baseweb=radio], [data-testid=stRadio] [role=radiogroup] label",
    "select": "[data-testid=stSelectbox] [role=combobox]",
    "slider": "[data-testid=stSlider] input",
    "number": "[data-testid=stNumberInput] input:enabled",
    "text": "[data-testid=stTextInput] input:enabled",
    "picture": ".vae-figure, .vae-pictures .grid, .vae-film",
    "link": "[data-testid=stPageLink] a",
}
TEXTS = ("", "1", "0.5, 2", "x", "(x-p)**2", "32,16", "![i](http://127.0.0.1:9/x.png)", "9" * 400)


class Monkey:
    def __init__(self, page: Page, address: str, seed: int):
        self.page, self.address, self.random = page, address, random.Random(seed)

    def step(self) -> str:
        chance = self.random.random()
        if chance < 0.1:
            in_the_navigation = [name for name in PAGES if name not in ("start", "server")]
            name = self.random.choice(in_the_navigation)
            self.page.get_by_test_id("stTopNavLink").filter(has_text=PAGES[name][0]).first.click(timeout=SHORT)
            did = f"goes to {name}"
        elif chance < 0.13:
            self.page.go_back(timeout=30_000)
            did = "goes back"
        else:
            did = self._take()
        self._rest()
        return did

    def _take(self) -> str:
        """A control of a random kind that is on the page; most pages have many buttons and few of the others."""
        kinds = [kind for kind, where in KINDS.items() if self.page.locator(where).count()]
        kind = self.random.choice(kinds)
        there = self.page.locator(KINDS[kind])
        control = there.nth(self.random.randrange(there.count()))
        name = (control.get_attribute("aria-label", timeout=SHORT) or control.inner_text(timeout=SHORT))[:40]
        if not NOT_TOUCHED.search(name) and control.is_visible():
            getattr(self, f"_{kind}")(control)
        return f"{kind} {name!r}"

    def _click(self, control: Locator) -> None:
        control.click(timeout=SHORT)

    _button = _choice = _radio = _link = _click

    def _toggle(self, control: Locator) -> None:
        """It stays as it was clicked."""
        box = control.locator("input")
        on = not box.is_checked()
        control.click(timeout=SHORT)
        self._rest()
        assert not box.is_visible() or box.is_checked() == on, "a toggle fell back"

    def _select(self, control: Locator) -> None:
        control.click(timeout=SHORT)
        options = self.page.locator("[role=option]")
        option = options.nth(self.random.randrange(max(1, options.count())))
        text = option.inner_text(timeout=SHORT)
        option.click(timeout=SHORT)
        self._rest()
        if control.is_visible():
            expect(control).to_have_value(text)

    def _slider(self, control: Locator) -> None:
        control.focus(timeout=SHORT)
        for _ in range(self.random.randrange(1, 6)):
            self.page.keyboard.press(self.random.choice(("ArrowLeft", "ArrowRight", "Home", "End", "PageUp")))

    def _number(self, control: Locator) -> None:
        control.fill(str(self.random.choice((0, 1, -1, 2, 0.5, 20, 300))), timeout=SHORT)
        control.press("Enter", timeout=SHORT)

    def _text(self, control: Locator) -> None:
        control.fill(self.random.choice(TEXTS), timeout=SHORT)
        control.press("Enter", timeout=SHORT)

    def _picture(self, control: Locator) -> None:
        box = control.bounding_box(timeout=SHORT)
        at = {"x": box["width"] * self.random.random(), "y": box["height"] * self.random.random()}
        control.click(position=at, timeout=SHORT)

    def _rest(self) -> None:
        """Until the page has answered; a part may go on refreshing."""
        self.page.wait_for_timeout(150)
        app = self.page.locator("[data-testid=stApp]")
        for _ in range(30):
            if app.get_attribute("data-test-script-state") != "running":
                return
            self.page.wait_for_timeout(50)


@pytest.mark.slow
def test_a_monkey_finds_no_page_that_breaks(open_page, app):
    """The page fails the test on its own, at any error in its console and any request to another address."""
    page = open_page(BUSY)
    page.locator(".st-key-do-start button:enabled:visible").click()
    monkey, trail = Monkey(page, app, SEED), []
    for _ in range(STEPS):
        try:
            trail.append(monkey.step())
        except Error as gone:  # of the browser's: what was there a moment ago is made anew, or covered
            trail.append(f"could not: {str(gone)[:60]!r}")
            page.keyboard.press("Escape")
        assert page.locator("[data-testid=stException]").count() == 0, trail[-6:]
        assert page.get_by_text("Page not found").count() == 0, trail[-6:]
    could = [did for did in trail if not did.startswith("could not")]
    assert len(could) > STEPS / 2, trail
    print(f"{len(could)} of {STEPS} steps of seed {SEED} taken: {trail}")
    if page.locator(".st-key-do-stop button:enabled:visible").count():
        page.locator(".st-key-do-stop button:enabled:visible").click()
