"""What a class does on the Compare page, in a real browser, without a network and with no data set but digits."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from vae import load_dataset
from vae.figures.matrix import number
from vae.study.scoring import MEASURES, matrix, reference_scores, score
from vae.training.shipped import FOLDER, load_shipped

MODELS = ("digits-bce-z2", "digits-mse-z8")


@pytest.fixture
def compare(open_page):
    def open_(query: str = "", **context) -> Page:
        page = open_page(f"/compare{query}", **context)
        expect(page.get_by_role("radio", name="Rescue")).to_be_visible()
        return page

    return open_


def filled(page: Page) -> None:
    """Wait until every column has its numbers."""
    expect(page.locator(".vae-matrix [data-measure='log_p.laplace'] td").first).not_to_have_text("…")
    expect(page.locator(".vae-matrix td", has_text="…")).to_have_count(0)
    expect(page.get_by_role("button", name="Download as CSV")).to_be_enabled()


@pytest.mark.slow
def test_the_first_visit_fills_a_matrix_of_models_that_ship_and_it_fits_a_projector(compare):
    page = compare()
    expect(page.locator(".vae-matrix thead img")).to_have_count(6)  # at once: four models and two references
    filled(page)
    box = page.locator(".vae-matrix").bounding_box()
    assert box["y"] + box["height"] <= 720
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    lines = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(lines) == 6 * len(MEASURES)


@pytest.mark.slow
def test_the_numbers_and_the_marks_are_those_of_the_scores_and_nothing_scrolls_sideways_on_a_phone(compare):
    page = compare(f"?data=digits&models={','.join(MODELS)}")
    data, opened = load_dataset("digits"), [load_shipped(name) for name in MODELS]
    scores = {name: score(c.config, c.model(), data) for name, c in zip(MODELS, opened)}
    expected = matrix(scores, dict(zip(("copy", "mean"), reference_scores(data))))
    filled(page)
    for row in expected.rows:
        found = page.locator(f".vae-matrix [data-measure='{row.measure.key}'] td")
        texts, marks = (
            found.all_inner_texts(),
            found.evaluate_all("all => all.map(td => td.classList.contains('best'))"),
        )
        assert texts == [number(row.measure, cell.value) for cell in row.cells + row.references], row.measure.key
        assert marks == [cell.best for cell in row.cells + row.references], row.measure.key
    page.set_viewport_size({"width": 390, "height": 844})
    for part in ("Rescue", "Matrix"):
        page.get_by_role("radio", name=part).click()
        expect(page).to_have_url(re.compile(f"part={part.lower()}"))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), part


@pytest.mark.slow
def test_the_rescue_says_what_it_is_worth_and_its_link_shows_the_same(compare):
    page = compare("?data=digits")
    page.get_by_role("radio", name="Rescue").click()
    expect(page).to_have_url(re.compile("part=rescue"))
    verdict = page.get_by_text(re.compile(r"\+\d+ nats per image"))
    expect(verdict).to_be_visible()
    expect(page.locator(".st-key-rescue-pictures img")).to_have_attribute("src", re.compile("^data:image/png"))
    expect(page.locator(".st-key-rescue .vae-figure[data-updates]")).to_be_visible()
    neighbour = compare(page.url[page.url.index("?") :])
    expect(neighbour.get_by_text(verdict.inner_text().split(":")[0])).to_be_visible()


@pytest.mark.slow
def test_data_that_are_not_here_are_offered_and_nonsense_is_answered(compare, tmp_path):
    page = compare("?data=mnist")
    expect(page.get_by_role("button", name="Fetch mnist")).to_be_visible()
    page = compare(f"?data=digits&models=nonsense,mnist-bce-z20,{MODELS[0]}&part=zip&rescued=none")
    expect(page.get_by_text("There is no model 'nonsense'")).to_be_visible()
    expect(page.get_by_text("was trained on mnist, not on digits")).to_be_visible()
    expect(page.get_by_text("part = 'zip'")).to_be_visible()
    filled(page)
    expect(page.get_by_text("part = 'zip'")).to_be_visible()  # still there when the scores are
    page.get_by_role("radio", name="Rescue").click()
    expect(page.get_by_text("'none' is no model trained with BCE")).to_be_visible()
    page.get_by_role("radio", name="Matrix").click()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not a checkpoint")
    page.get_by_role("button", name="folder_open").click()
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text("bad.safetensors is not a readable safetensors file")).to_be_visible()
    page.locator("input[type=file]").set_input_files(FOLDER / f"{MODELS[1]}.safetensors")
    expect(page.locator(".vae-matrix thead")).to_contain_text("My file")
    filled(page)


@pytest.mark.slow
def test_a_run_is_scored_at_the_step_it_was_opened_at_and_again_on_request(open_page):
    page = open_page("/train?dataset=digits&epochs=400")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text(re.compile("images a second"))).to_be_visible()
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("combobox", name=re.compile("Models")).click()
    page.get_by_role("option", name=re.compile("My run")).click()
    page.keyboard.press("Escape")
    title = page.locator(".vae-matrix thead").get_by_text(re.compile("after step"))
    first = title.inner_text()
    filled(page)
    assert title.inner_text() == first
    page.get_by_role("button", name=re.compile("Score the runs again")).click()
    expect(title).not_to_have_text(first)
    filled(page)
