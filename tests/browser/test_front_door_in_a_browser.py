"""The first minute of somebody new, in a real browser: a race that moves after one click, and a loss for one's data with its
code. A hint that is let go of stays away."""

import re

import pytest
from playwright.sync_api import expect
from test_train_page import status, step, stop, wait


def test_a_student_is_one_click_from_a_race_that_moves(open_page):
    page = open_page("/")
    expect(page.locator(".vae-front img").first).to_be_visible(timeout=60_000)
    engineer = page.get_by_role("button", name="Which loss for my data?").bounding_box()
    assert engineer["y"] + engineer["height"] <= 720  # all of it in one screen
    page.get_by_role("button", name="See BCE and MSE race").click()
    expect(page.locator(".vae-film .columns > section")).to_have_count(2, timeout=60_000)
    wait(page, lambda: status(page).startswith("2 runs in step") and step(page) > 0, 60)
    expect(page).to_have_url(re.compile(r"/train\?.*vary=loss&against=mse"))
    stop(page)
    page.locator("[data-testid=stLogoLink]:visible").first.click()
    expect(page.get_by_role("button", name="See BCE and MSE race")).to_be_visible()


@pytest.mark.slow
def test_an_engineer_gets_a_loss_with_its_numbers_and_its_code(open_page):
    page = open_page("/")
    page.get_by_role("button", name="Which loss for my data?").click()
    expect(page.get_by_text("42.2% of the pixels lie strictly between 0 and 1")).to_be_visible(timeout=60_000)
    page.goto(page.url.split("?")[0] + "?dataset=digits&losses=bce,mse&want=error")
    page.get_by_role("button", name="Race them").click()
    verdict = page.locator(".st-key-advisor-verdict")
    expect(verdict).to_contain_text(
        re.compile(r"squared error, summed over an image, lower is better: [\d.]+ under"), timeout=240_000
    )
    expect(page.locator(".st-key-advisor-standings .vae-figure[data-updates]")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="PyTorch script").click()
    compile(download.value.path().read_text(), "script", "exec")
    taken = "bce" if "BCE" in verdict.locator("h3").inner_text() else "mse"
    assert download.value.suggested_filename == f"digits-{taken}.py"
    page.get_by_role("button", name="Train it longer").click()
    expect(page.locator(".vae-film .columns > section")).to_have_count(2, timeout=60_000)
    expect(page).to_have_url(re.compile(r"/train\?dataset=digits.*vary=loss&against=mse"))


@pytest.mark.slow
def test_a_hint_that_is_let_go_of_moves_nothing_and_stays_away(open_page):
    page = open_page("/kl")
    hint, slider = page.get_by_text("New here?"), page.get_by_role("slider", name="μ, the code's mean")
    expect(hint).to_be_visible()
    expect(slider).to_be_visible()
    before = slider.bounding_box()
    gone = page.get_by_role("button", name="Do not show this hint again")
    gone.focus()
    page.keyboard.press("Enter")
    expect(hint).to_have_count(0)
    assert slider.bounding_box() == before
    page.reload()
    expect(slider).to_be_visible()
    expect(page.get_by_text("from the prior p(z)")).to_be_visible()
    expect(hint).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_fits_a_phone_and_every_page_is_in_reach_beside_a_sidebar(open_page, scheme):
    page = open_page("/", color_scheme=scheme, size={"width": 390, "height": 844})
    expect(page.locator(".vae-front img").first).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    wide = open_page("/train?dataset=digits", color_scheme=scheme)
    last = wide.get_by_test_id("stTopNavLink").filter(has_text="Class")
    expect(last).to_be_visible(timeout=60_000)
    assert last.bounding_box()["y"] < 60 and last.bounding_box()["x"] > 640
