"""The five-minute tour in a real browser, by keyboard alone, offline: from the Lesson page to its last step and back."""

import re

from playwright.sync_api import Page, expect

from vae.lesson import TOURS

TOUR = TOURS["five-minutes"]
PHONE = {"width": 390, "height": 844}


NAMED = """name => document.activeElement.matches("a, button")
  && document.activeElement.innerText.split("\\n").pop().trim() === name"""  # the name of an icon comes first


def tab_to(page: Page, name: str) -> None:
    """Tab until the link or button of that name has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(NAMED, name):
            return
    raise AssertionError(f"no {name!r} is reached by the Tab key")


def at(page: Page, number: int) -> None:
    """The bar, and the address, are at that step, whose page is made."""
    step = TOUR.steps[number - 1]
    expect(page.locator(".st-key-lesson-side")).to_contain_text(f"{number} of {len(TOUR.steps)} · {step.title}")
    expect(page).to_have_url(re.compile(rf"/{step.page}\?.*lesson=five-minutes&step={number}$"))
    expect(page.locator(".st-key-lesson-words")).to_contain_text(step.question)
    expect(page.locator(".st-key-lesson-keys[style*=none]")).to_have_count(1)  # the keys are listened to
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")


def answered(page: Page, number: int) -> None:
    """PageDown shows the answer, which was not there before."""
    expect(page.locator("[class*=st-key-lesson-told]")).to_have_count(0)
    page.keyboard.press("PageDown")
    expect(page.locator("[class*=st-key-lesson-told]")).to_contain_text(TOUR.steps[number - 1].answer)


def test_the_tour_of_five_minutes_by_keyboard_alone(open_page):
    page = open_page("/lesson")
    expect(page.get_by_role("link", name="Start").first).to_be_visible()
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    at(page, 1)
    expect(page.locator(".vae-point")).to_contain_text("x = 0.4, p = 0.4")
    answered(page, 1)
    page.keyboard.press("PageDown")
    at(page, 2)
    expect(page.locator(".vae-point")).to_contain_text("x = 0.2, p = 0.1")
    page.keyboard.press("PageUp")  # at once: the page stood there a moment ago
    at(page, 1)
    expect(page.locator(".vae-point")).to_contain_text("x = 0.4, p = 0.4")
    page.keyboard.press("PageDown")
    at(page, 2)

    page.reload()  # in the middle: the step stays, and its answer is hidden again
    at(page, 2)
    expect(page.locator(".vae-point")).to_contain_text("x = 0.2, p = 0.1")
    answered(page, 2)
    page.keyboard.press("PageDown")
    at(page, 3)

    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled(timeout=60_000)
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^Done at step 690")).first).to_be_visible(timeout=120_000)
    answered(page, 3)
    box = page.get_by_role("spinbutton", name="Latent dimensions")
    box.focus()
    page.keyboard.press("PageDown")  # while something is typed it is the field's
    page.wait_for_timeout(500)
    at(page, 3)
    box.evaluate("element => element.blur()")
    page.keyboard.press("PageDown")
    at(page, 4)
    expect(page.get_by_role("radio", name="Dial")).to_be_checked()
    expect(page.get_by_text("The settings are others now than what is shown: beta")).to_be_visible()
    answered(page, 4)
    page.keyboard.press("PageDown")
    at(page, 5)
    answered(page, 5)
    covered = page.evaluate("""() => {  // at the end of the page nothing lies under the bar
        document.querySelector(".stMain").scrollTo(0, 1e6);
        const bar = document.querySelector(".st-key-lesson-bar").getBoundingClientRect();
        return [...document.querySelectorAll(".stMain :is(button, input)")]
          .filter((one) => !one.closest(".st-key-lesson-bar, .st-key-presenter"))
          .filter((one) => one.getBoundingClientRect().bottom > bar.top + 1).length; }""")
    assert covered == 0
    page.keyboard.press("PageDown")
    expect(page).to_have_url(re.compile("/lesson$"))
    expect(page.get_by_role("link", name="Go on at step 5")).to_be_visible()
    expect(page.locator(".st-key-lesson-bar")).to_have_count(0)

    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Go on at step 5").click()
    at(page, 5)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Leave").click()
    expect(page.locator(".st-key-lesson-bar")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/lecture\?claim=blur&predict=yes$"))
