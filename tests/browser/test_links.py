"""Links as people pass them on: every page by its own address, and nothing in one that the browser would fetch or follow."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from vae.ui.latent.look import LOOK
from vae.ui.shell import PAGES

FOREIGN = (
    "![i](http://127.0.0.1:9/x.png) [a](http://127.0.0.1:9/) $x^2$ <img src=http://127.0.0.1:9/y.png> :smile: **c**"
)
FIELDS = {
    "lecture": ("claim", "predict"),
    "surfaces": ("losses", "formula", "x", "view"),
    "kl": ("mu", "seed"),
    "train": ("loss", "beta", "vary", "against"),
    "latent": tuple(LOOK.fields),
    "compare": ("models", "data"),
    "lab": ("sweep", "betas"),
    "zoo": ("patient",),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_link_brings_is_text_and_asks_nobody_for_anything(open_page, offline, name):
    """The page that is opened fails the test on its own, if it asks another address for anything."""
    query = urlencode(dict.fromkeys(FIELDS[name], FOREIGN) | {FOREIGN: "1", "utm_source": "mail"})
    page = open_page(f"/{name}/?{query}", address=offline)
    said = page.get_by_role("alert")
    expect(said.first).to_be_visible()
    expect(said.filter(has_text="does not exist; it is left out")).to_have_count(1)
    expect(said.filter(has_text="utm_source")).to_have_count(0)
    for text in said.all():
        assert text.locator("img, a, .katex, strong, code").count() == 0
    expect(page.get_by_text(re.compile("Page not found"))).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_the_first_page_has_an_address_of_its_own_too(open_page, offline):
    page = open_page("/lecture?claim=direction", address=offline)
    expect(page.get_by_role("button", name="Next claim")).to_be_visible()
    expect(page).to_have_url(re.compile("claim=direction"))
    expect(page.get_by_text(re.compile("Page not found"))).to_have_count(0)
