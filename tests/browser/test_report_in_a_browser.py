"""A report, opened from a file with no network: drawn without an error, nothing asked for, legible on a phone and in the dark."""

import numpy as np
import pytest

import vae
from vae.export.report import ReportRun, report_of

WINDOWS = {
    "projector": {"viewport": {"width": 1280, "height": 720}},
    "dark": {"viewport": {"width": 1280, "height": 720}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    runs = []
    for loss in ("bce", "mse"):
        config = vae.TrainConfig(loss=loss, hidden=(16,), seed=1)
        _, seen = vae.advance(vae.initial_state(config), config, vae.load_dataset("digits"), 20)
        runs.append(ReportRun(f"{loss} <1>", config, seen.reconstruction, seen.kl, seen.objective, seen.observations))
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(report_of(runs, title="A report", verdicts=["Seen."]), encoding="utf-8")
    return file


@pytest.mark.parametrize("window", ["phone", *(pytest.param(n, marks=pytest.mark.slow) for n in ("projector", "dark"))])
def test_it_opens_from_a_file_without_a_network(chromium, report, window):
    context = chromium.new_context(offline=True, accept_downloads=True, **WINDOWS[window])
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else faults.append(r.url))
    page.goto(report.as_uri())
    page.wait_for_selector(".scatterlayer .js-line")
    # Two runs, each in training and held out: all panels twice, the squared error once.
    assert page.locator(".scatterlayer .js-line").count() == 2 * 7
    assert page.locator(".legendtext").all_text_contents() == ["bce <1>, held out", "mse <1>, held out"]
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, paper = page.evaluate(
        "['color', 'backgroundColor'].map((name) => getComputedStyle(document.body)[name].match(/\\d+/g).map(Number))"
    )
    assert (np.mean(ink) > np.mean(paper)) == (window == "dark")
    drawn = page.evaluate("getComputedStyle(document.querySelector('.figure .gtitle, .annotation-text')).fill")
    assert drawn == f"rgb({', '.join(map(str, ink))})"
    page.locator("summary").first.click()
    page.get_by_text("import torch", exact=False).first.wait_for()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save it").first.click()
    assert saved.value.suggested_filename == "train-1.py"
    context.close()
    assert faults == []


def test_on_paper_it_is_dark_on_white(chromium, report):
    context = chromium.new_context(offline=True, color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_selector(".scatterlayer .js-line")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.annotation-text')).fill") == "rgb(31, 35, 40)"
    assert page.evaluate("document.querySelector('.figure svg').getBoundingClientRect().width") == 700
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()
