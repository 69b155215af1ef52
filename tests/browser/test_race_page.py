"""A race in front of a class, in a real browser: columns in step, one scrubber, the dial that forks, links that share it."""

import re

import pytest
from playwright.sync_api import Page, expect
from test_train_page import button, ready, status, step, stop, wait

RACE = "/train?dataset=digits&hidden=64&epochs=3000&vary=loss&against=mse"


def columns(page: Page):
    return page.locator(".vae-film .columns > section")


def picture_steps(page: Page) -> set[str]:
    return set(
        page.locator(".vae-film img[data-row=reconstructions]").evaluate_all("all => all.map(i => i.dataset.step)")
    )


def pictures(page: Page, row: str) -> list[str]:
    return page.locator(f".vae-film img[data-row={row}]").evaluate_all("all => all.map(i => i.src)")


def kl_of_the_second(page: Page) -> float:
    return float(re.search(r"KL ([\d.]+)", columns(page).nth(1).locator("small").inner_text())[1])


def show(page: Page, panel: str) -> None:
    page.get_by_role("radio", name=panel).or_(page.get_by_role("button", name=panel, exact=True)).first.click()


def test_two_losses_race_are_looked_back_on_and_one_dial_brings_them_together(open_page):
    page = open_page(RACE)
    ready(page)
    expect(columns(page)).to_have_count(2)
    assert "2 untrained networks, with the same initial weights, batches and noise" in status(page)
    samples = pictures(page, "samples")
    assert samples[0] == samples[1]  # before the first step they are the same network

    button(page, "start").click()
    wait(page, lambda: step(page) > 200)
    for _ in range(10):
        assert len(picture_steps(page)) == 1
        page.wait_for_timeout(50)
    assert len(set(pictures(page, "reconstructions"))) == 2

    page.locator(".vae-film input[type=range]").focus()
    page.keyboard.press("Home")
    wait(page, lambda: picture_steps(page) == {"0"} and pictures(page, "samples") == samples)
    page.locator(".vae-film button.live").click()

    button(page, "pause").click()
    wait(page, lambda: status(page).startswith("Paused"))
    held = step(page)
    page.get_by_text("Difference", exact=True).click()
    wait(page, lambda: len(pictures(page, "difference")) == 2)
    assert len(set(pictures(page, "difference"))) == 2  # the first column differs nowhere from itself

    show(page, "Dial")
    page.get_by_role("button", name="To the optimum").click()
    wait(page, lambda: re.search(r"dial=1(%3A|:)0\.\d+", page.url))
    expect(columns(page).nth(1).locator("h5 b")).to_have_text(re.compile("MSE, β = 0"))
    assert step(page) == held and status(page).startswith("Paused")  # forked where it stands
    expect(button(page, "start")).to_have_text(re.compile("Resume"))
    before = kl_of_the_second(page)
    button(page, "start").click()
    wait(page, lambda: step(page) > held and kl_of_the_second(page) > before + 0.5, 60)  # the code can afford more now

    # While it trains: a fork, too, and on it goes.
    page.get_by_role("spinbutton", name="effective β").fill("2")
    page.get_by_role("spinbutton", name="effective β").press("Enter")
    wait(page, lambda: re.search(r"dial=1(%3A|:)2", page.url))
    going = step(page)
    assert going > held
    wait(page, lambda: step(page) > going + 50)
    page.get_by_role("button", name="To the optimum").click()
    wait(page, lambda: re.search(r"dial=1(%3A|:)0\.\d+", page.url))
    turned = page.url
    for _ in range(20):  # no refresh that was asked for before turns it back
        page.wait_for_timeout(100)
        assert page.url == turned
    expect(columns(page).nth(1).locator("h5 b")).to_have_text(re.compile("MSE, β = 0"))
    stop(page)
    expect(page.locator(".st-key-evaluate button:visible")).to_be_enabled()  # the page has come to rest
    expect(page.locator(".st-key-script1 button:visible")).to_be_disabled()  # two settings, no one script
    with page.expect_download() as download:
        page.locator(".st-key-script0 button:visible").click()
    assert download.value.suggested_filename.endswith(".py")


@pytest.mark.slow
def test_changed_settings_go_on_from_where_a_paused_run_stands(open_page):
    page = open_page("/train?dataset=digits&hidden=64&epochs=3000&loss=mse")
    ready(page)
    button(page, "start").click()
    wait(page, lambda: step(page) > 60)
    button(page, "pause").click()
    wait(page, lambda: status(page).startswith("Paused"))
    held = step(page)
    page.get_by_role("spinbutton", name="β", exact=True).fill("0.1")
    page.get_by_role("spinbutton", name="β", exact=True).press("Enter")
    button(page, "fork").click()
    expect(button(page, "start")).to_have_text(re.compile("Resume"))
    assert step(page) == held
    button(page, "start").click()
    wait(page, lambda: step(page) > held + 50)
    stop(page)


@pytest.mark.slow
def test_a_race_is_set_up_in_the_sidebar_and_shared_by_its_address(open_page):
    page = open_page("/train?dataset=digits&hidden=64")
    ready(page)
    page.get_by_role("combobox", name="Race: columns differ in").click()
    page.get_by_role("option", name="β", exact=True).click()
    wait(page, lambda: "vary=beta" in page.url)
    expect(columns(page)).to_have_count(3)
    for text, said in (("0.1, x", "beta = 'x' cannot be used: a number"), ("1,2,3,4,5", "up to 3 values"),
                       ("-1", "beta = -1.0 cannot be used")):  # fmt: skip
        page.get_by_role("textbox", name="against 1").fill(text)
        page.get_by_role("textbox", name="against 1").press("Enter")
        expect(page.get_by_role("main").get_by_text(said)).to_be_visible()
        expect(button(page, "start")).to_be_disabled()
    page.get_by_role("textbox", name="against 1").fill("4")
    page.get_by_role("textbox", name="against 1").press("Enter")
    expect(columns(page)).to_have_count(2)
    neighbour = open_page("/" + page.url.split("/", 3)[3])
    ready(neighbour)
    expect(columns(neighbour)).to_have_count(2)
    expect(columns(neighbour).nth(1).locator("h5 b")).to_have_text("β = 4")


@pytest.mark.slow
def test_a_bad_link_to_a_race_is_answered_in_sentences(open_page):
    page = open_page("/train?dataset=digits&vary=colour&dial=7:1&kl_term=magic&free_nats=2")
    ready(page)
    text = " ".join(page.get_by_role("alert").all_inner_texts())
    for part in ("vary = 'colour'", "dial = 7", "kl_term = 'magic'", "free_nats"):
        assert part in text
    assert "Traceback" not in page.inner_text("body")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("dark", 1280, 720), ("light", 390, 844)], ids=["projector", "phone"]
)
def test_a_race_of_four_fits(open_page, scheme, width, height):
    page = open_page(
        "/train?dataset=digits&hidden=64&vary=loss&against=mse,gaussian_optimal,laplace&kl_term=warmup",
        color_scheme=scheme,
        size={"width": width, "height": height},
    )
    ready(page)
    expect(columns(page)).to_have_count(4)
    for panel in ("Curves", "Dial", "Codes", "KL term"):
        show(page, panel)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if width == 1280:
        show(page, "Curves")
        figure = page.locator(".vae-figure[aria-label^='Curves']")
        wait(page, lambda: (box := figure.bounding_box()) and box["y"] + box["height"] <= height)
        picture = page.locator(".vae-film img[data-row=reconstructions]").first.bounding_box()
        assert picture["height"] >= 40  # a digit that can be told from the back row
