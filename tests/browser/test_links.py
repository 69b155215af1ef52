"""Links as people pass them on, and files as they come: every page by its own address, and nothing in either that the
browser would fetch or follow."""

import json
import re
from urllib.parse import urlencode

import pytest
from app_server import ROOT, running_app
from playwright.sync_api import Page, expect
from safetensors import safe_open
from safetensors.torch import load, save
from test_words import FIELDS

from vae.ui.shared.shell import PAGES

FOREIGN = (
    "![i](http://127.0.0.1:9/x.png) [a](http://127.0.0.1:9/) $x^2$ <img src=http://127.0.0.1:9/y.png> :smile: **c**"
)
NAME = "![i](http:127.0.0.1:9) [a](www.x.org) $x^2$ <b>b<b> :smile: **c**"  # a file's name has no slash


def no_foreign_element(page: Page) -> None:
    """Nothing made of FOREIGN: no picture, no link, no formula. The page that is opened fails the test on its own, if it
    asks another address for anything."""
    for element in ("img", "a"):
        assert (
            page.locator(f"{element}[src*='127.0.0.1:9/'], {element}[href*='127.0.0.1:9'], [href*='x.org']").count()
            == 0
        )
    for text in page.get_by_role("alert").all():
        assert text.locator("img, a, .katex, strong, code").count() == 0
    expect(page.get_by_text(re.compile("Page not found"))).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


QUICK = ("train",)  # the page that reads the most


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in FIELDS])
def test_what_a_link_brings_is_text_and_asks_nobody_for_anything(open_page, name):
    query = urlencode(dict.fromkeys(FIELDS[name], FOREIGN) | {FOREIGN: "1", "utm_source": "mail"})
    page = open_page(f"/{name}/?{query}")
    said = page.get_by_role("alert")
    expect(said.first).to_be_visible()
    expect(said.filter(has_text="does not exist; it is left out")).to_have_count(1)
    expect(said.filter(has_text="utm_source")).to_have_count(0)
    no_foreign_element(page)


@pytest.mark.parametrize("path", ["/lecture", "/"])  # where the lecture is, and where it once was
def test_a_link_to_a_claim_opens_it(open_page, path):
    page = open_page(f"{path}?claim=direction")
    expect(page.get_by_role("button", name="Next claim")).to_be_visible()
    expect(page).to_have_url(re.compile("/lecture.claim=direction"))
    expect(page.get_by_text(re.compile("Page not found"))).to_have_count(0)


@pytest.mark.slow
def test_every_page_stands_under_a_base_path(open_page, tmp_path):
    """As behind a server that serves other things too; with a slash at its end, and by the links between pages."""
    with running_app(VAE_DATA=str(tmp_path), VAE_WORKERS="1", STREAMLIT_SERVER_BASE_URL_PATH="class/vae") as (
        _,
        address,
        _,
    ):
        page = open_page("/", address=address)
        for name in PAGES:
            page.goto(f"{address}/{name}/")
            expect(page.locator("h4").first).to_be_visible()
            if name == "kl":
                expect(page.locator(".vae-figure[data-updates]").first).to_be_visible()
            no_foreign_element(page)
        page.goto(f"{address}/lecture?claim=direction")
        page.get_by_role("link", name="surfaces").or_(page.get_by_role("link", name="surface")).first.click()
        expect(page).to_have_url(re.compile("/class/vae/surfaces.*x="))


def checkpoints() -> dict[str, bytes]:
    """Name -> content: a whole file, and such with FOREIGN in its header and in a tensor's name."""
    path = ROOT / "checkpoints" / "digits-bce-z2.safetensors"
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors, config = load(path.read_bytes()), json.loads(header["config"])
    return {
        "whole": path.read_bytes(),
        "data set": save(tensors, header | {"config": json.dumps(config | {"dataset": FOREIGN})}),
        "formula": save(tensors, header | {"config": json.dumps(config | {"loss": "formula", "formula": FOREIGN})}),
        "field": save(tensors, header | {"config": json.dumps(config | {FOREIGN: 1})}),
        "tensor": save(tensors | {FOREIGN: next(iter(tensors.values())).clone()}, header),
    }


def sheets() -> dict[str, bytes]:
    text = (ROOT / "measurements" / "digits-losses-betas.csv").read_text()
    return {
        "whole": text.encode(),
        "column": text.replace("cell", FOREIGN, 1).encode(),
        "data set": text.replace("digits", FOREIGN).encode(),
    }


@pytest.mark.parametrize(
    ("name", "choice", "suffix", "files"),
    [
        ("latent", "Model", "safetensors", checkpoints),
        pytest.param("lab", "Sweep", "csv", sheets, marks=pytest.mark.slow),
    ],
)
def test_what_a_file_brings_is_text_and_asks_nobody_for_anything(open_page, name, choice, suffix, files):
    page = open_page(f"/{name}")
    opener = page.get_by_role("button", name="Open a file")
    for kind, content in files().items():
        expect(opener).to_be_visible()
        if page.locator("input[type=file]").count() == 0:
            opener.click()
        page.locator("input[type=file]").set_input_files(
            {"name": f"{NAME}.{suffix}", "mimeType": "application/octet-stream", "buffer": content}
        )
        if kind == "whole":
            expect(page.get_by_role("combobox", name=re.compile(choice))).to_have_value(re.compile("http_127.0.0.1_9"))
        else:
            expect(page.get_by_role("alert").first).to_be_visible()
        no_foreign_element(page)
