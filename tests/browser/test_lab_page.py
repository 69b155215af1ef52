"""What a class does in the Lab, in a real browser: read a finished sweep, run one of its own, bring nonsense."""

import io
import re

import pandas
import pytest
from playwright.sync_api import Page, expect

from vae.ui.lab.state import VIEWS


@pytest.fixture
def lab(open_page):
    def open_(query: str = "", **context) -> Page:
        page = open_page(f"/lab{query}", **context)
        expect(page.get_by_role("radio", name=VIEWS["table"])).to_be_visible()
        return page

    return open_


def figure(page: Page, key: str):
    found = page.locator(f".st-key-lab-{key} .vae-figure[data-updates]")
    expect(found).to_be_visible()
    return found


def go(page: Page, view: str) -> None:
    page.get_by_role("radio", name=VIEWS[view], exact=True).click()
    expect(page).to_have_url(re.compile(f"view={view}"))


def dots(page: Page):
    return figure(page, "plane").locator(".scatterlayer .trace").first.locator(".points path")


@pytest.mark.slow
def test_a_finished_sweep_is_there_and_says_what_differs_and_how_surely(lab):
    page = lab()
    expect(dots(page)).to_have_count(30)
    place = dots(page).nth(0).bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    shown = page.locator(".vae-thumbnails")
    expect(shown).to_be_visible()
    expect(shown.locator("figcaption")).to_have_text(["reconstructions", "samples"])
    go(page, "curves")
    expect(figure(page, "curves").locator(".scatterlayer .trace")).to_have_count(12)  # six means, six bands
    page.get_by_role("radio", name="KL", exact=True).click()
    expect(page).to_have_url(re.compile("curve=kl"))
    go(page, "table")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    go(page, "compare")
    expect(
        page.get_by_text(re.compile(r"BCE, β = 0\.5 is sharper than MSE, β = 0\.5 by .*95 % interval.*in all 5 pairs"))
    ).to_be_visible()
    copy = lab(page.url.partition("/lab")[2] + "&measure=negative_elbo")
    expect(copy.get_by_text("two losses are two rulers")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.slow
def test_a_sweep_is_started_held_found_again_after_a_reload_and_finished(lab):
    page = lab("?losses=bce&betas=1,4&seeds=2&epochs=90")
    start = page.get_by_role("button", name="Start this sweep")
    expect(page.get_by_text("4 cells (2 β × 2 seeds)")).to_be_visible()
    start.click()
    pause, resume = (page.get_by_role("button", name=name, exact=True) for name in ("Pause", "Resume"))
    expect(pause).to_be_enabled()
    expect(page.get_by_text(re.compile("Training: . of 4 cells"))).to_be_visible()
    expect(start).to_be_disabled()
    pause.click()
    expect(page.get_by_text(re.compile("Paused: . of 4 cells"))).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("Paused: . of 4 cells"))).to_be_visible()
    expect(resume).to_be_enabled()
    resume.click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(pause).to_be_enabled()
    stop.click()
    expect(page.get_by_text(re.compile("Stopped: . of 4 cells"))).to_be_visible()
    resume.click()  # from the file, as after a restart
    expect(page.get_by_text("Done: 4 of 4 cells")).to_be_visible(timeout=60_000)
    expect(dots(page)).to_have_count(4)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    content = download.value.path().read_bytes()
    assert len(pandas.read_csv(io.BytesIO(content))) == 4
    phone = lab()  # another browser: that sweep is not theirs
    phone.set_viewport_size({"width": 390, "height": 844})
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="Open a file").click()
    phone.locator("input[type=file]").set_input_files(
        {"name": "half.csv", "mimeType": "text/csv", "buffer": content[:-40]}
    )
    expect(phone.get_by_text("The last line of half.csv was torn")).to_be_visible()
    expect(dots(phone)).to_have_count(3)
    phone.locator("input[type=file]").set_input_files(
        {"name": "diary.csv", "mimeType": "text/csv", "buffer": b"Dear diary\n"}
    )
    expect(phone.get_by_text("diary.csv is not a results file of this app")).to_be_visible()


@pytest.mark.slow
def test_nonsense_is_answered_and_an_absurd_grid_needs_a_yes(lab):
    page = lab("?sweep=mine:nothing&view=zip&losses=gan&epochs=0")
    for sentence in (
        "view = 'zip' cannot be used",
        "losses = 'gan' cannot be used",
        "epochs = '0' cannot be used",
        "is not on this machine",
    ):
        expect(page.get_by_text(sentence)).to_be_visible()
    page = lab("?betas=1,x&seeds=2")

    def box(name):
        return page.get_by_role("textbox", name=name).or_(page.get_by_role("spinbutton", name=name)).first

    expect(page.get_by_text("beta = 'x' cannot be used")).to_be_visible()
    box("β, the weight of KL").fill("1")
    box("Seeds").fill("5000")
    box("Seeds").press("Enter")
    expect(page.get_by_text("a number of seeds from 1 to 1,000")).to_be_visible()
    box("Seeds").fill("400")
    box("Epochs").fill("5000")
    box("Epochs").press("Enter")
    agree = page.get_by_text("Start it all the same: it takes longer than 5 minutes")
    expect(agree).to_be_visible()
    start = page.get_by_role("button", name="Start this sweep")
    expect(start).to_be_disabled()
    agree.click()
    expect(start).to_be_enabled()
