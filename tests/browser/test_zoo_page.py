"""A class examines a patient, guesses, and reveals; in a real browser, with real trainings."""

import re

import pytest
from playwright.sync_api import Page, expect

from vae.study.zoo import ZOO


def ready(page: Page, title: str = "Patient A") -> None:
    expect(page.locator(".vae-film h5 b").first).to_have_text(title, timeout=60_000)
    expect(page.locator(".vae-film img[data-row=reconstructions]")).to_have_count(2)
    expect(examine(page)).to_be_enabled()


def examine(page: Page):
    return page.locator(".st-key-zoo-examine button:visible")


def guess(page: Page, cause: str) -> None:
    page.locator(".st-key-zoo-guess").get_by_role("button", name=cause, exact=True).click()


def reveal(page: Page):
    return page.locator(".st-key-zoo-reveal button:visible")


def source(page: Page, column: int) -> str:
    return page.locator(".vae-film img[data-row=reconstructions]").nth(column).get_attribute("src")


@pytest.mark.slow
def test_a_patient_is_examined_guessed_and_revealed(open_page):
    page = open_page("/zoo")
    ready(page)
    assert source(page, 0) == source(page, 1)  # the same untrained net
    bug = ZOO["a"]
    assert bug.cause not in page.inner_text("body")
    examine(page).click()
    symptoms = page.locator(".vae-symptoms")
    expect(symptoms).to_be_visible(timeout=60_000)
    assert source(page, 0) != source(page, 1)
    for symptom in bug.symptoms:
        expect(symptoms).to_contain_text(symptom.name)
    assert bug.cause[:40] not in page.inner_text("body")
    expect(reveal(page)).to_be_disabled()

    guess(page, ZOO["h"].name)
    expect(reveal(page)).to_be_enabled()
    reveal(page).click()
    answer = page.locator(".st-key-zoo-answer")
    expect(answer).to_contain_text(f"You said {ZOO['h'].name}; it is {bug.name}")
    expect(answer).to_contain_text("0 of 1 guessed right")
    expect(page.get_by_text(bug.cause[:40])).to_be_visible()
    expect(page.locator("code", has_text=bug.fixed)).to_be_visible()
    for report in bug.reports:
        expect(page.get_by_role("link", name=report.title)).to_have_attribute("href", report.url)

    # another patient: one that stops by itself; the first one keeps its answer
    page.get_by_role("radio", name="G", exact=True).click()
    ready(page, "Patient G")
    expect(answer).to_have_count(0)
    examine(page).click()
    expect(symptoms).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Patient G: Training stopped: from step 4")).to_be_visible()
    guess(page, ZOO["g"].name)
    reveal(page).click()
    expect(answer).to_contain_text("1 of 2 guessed right")
    page.get_by_role("radio", name="A", exact=True).click()
    expect(answer).to_contain_text(f"it is {bug.name}")


@pytest.mark.slow
def test_a_link_names_the_patient_and_nothing_else(open_page):
    page = open_page("/zoo?patient=f")
    ready(page, "Patient F")
    assert page.url.endswith("/zoo?patient=f")
    other = open_page("/zoo?patient=z&cause=yes")
    ready(other)
    alerts = " ".join(other.get_by_role("alert").all_inner_texts())
    assert "patient = 'z' cannot be used" in alerts and "'cause'" in alerts


@pytest.mark.slow
def test_runs_of_the_zoo_do_not_show_on_the_train_page(open_page):
    page = open_page("/zoo")
    ready(page)
    examine(page).click()
    expect(page.locator(".vae-symptoms")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.locator('[data-testid="stProgress"]').first).to_contain_text("Press Start", timeout=60_000)
    page.get_by_role("link", name="Bug zoo", exact=True).click()  # back, and what was found is still there
    expect(page.locator(".vae-symptoms")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1280, 720), ("dark", 390, 844)],
    ids=["projector", "phone"],
)
@pytest.mark.slow
def test_the_page_fits(open_page, scheme, width, height):
    page = open_page("/zoo?patient=e", color_scheme=scheme, size={"width": width, "height": height})
    ready(page, "Patient E")
    examine(page).click()
    expect(page.locator(".vae-symptoms")).to_be_visible(timeout=60_000)
    if width == 1280:  # pictures, curves, symptoms and guesses without scrolling
        for part in (page.locator(".vae-figure").last, reveal(page)):
            box = part.bounding_box()
            assert box["y"] + box["height"] <= height
    guess(page, ZOO["e"].name)
    reveal(page).click()
    expect(page.locator(".st-key-zoo-answer")).to_contain_text("1 of 1 guessed right")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.slow
def test_a_control_that_the_browser_loads_late_stands_where_the_link_says(open_page, app):
    """The page is made more than once before then: by its own first pictures, and by a click here."""
    page, late = open_page("/_stcore/health"), []
    page.route(re.compile(r"/(ButtonGroup|Slider)[^/]*\.js"), lambda route: late.append(route))
    page.goto(f"{app}/zoo?patient=e")
    ready(page, "Patient E")
    examine(page).click()
    expect(page.locator(".vae-symptoms")).to_be_visible(timeout=60_000)
    for request in late:
        request.continue_()
    late.clear()
    expect(page.get_by_role("radio", name="E", exact=True)).to_be_checked()
    guess(page, ZOO["e"].name)
    reveal(page).click()
    expect(page.locator(".st-key-zoo-answer")).to_contain_text("1 of 1 guessed right")

    page.goto(f"{app}/surfaces?form=section&x=0.3&p=0.6")
    expect(page.locator(".vae-point")).to_be_visible()
    page.get_by_role("combobox", name="View").click()
    page.get_by_role("option").last.click()
    page.wait_for_url("**view=**")
    for request in late:
        request.continue_()
    expect(page.get_by_role("slider", name="Prediction p")).to_have_value("0.6")
    expect(page.locator(".vae-point th").first).to_have_text("x = 0.3, p = 0.6")
