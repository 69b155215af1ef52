"""Figures, trainings and panels taken along: the files that a browser gets, one panel alone, and larger type."""

import csv
import io
import re
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

BUTTON = "Take this figure along"
NUMBERS = """() => {
  const trace = document.querySelector('.st-key-%s .vae-figure')._fullData[%d];
  const flat = (value) => Array.from(value, (part) => (part.length === undefined ? part : flat(part))).flat();
  return { name: trace.name, x: flat(trace.x), y: flat(trace.y), z: trace.z ? flat(trace.z) : [] };
}"""


def drawn(page: Page, key: str):
    page.locator(f".st-key-{key} .vae-figure[data-updates]").wait_for(timeout=60_000)
    return page.locator(f".st-key-{key}")


def taken(page: Page, key: str, downs: int) -> tuple[str, bytes]:
    """Name and content of the file that the menu gives, by keyboard."""
    button = drawn(page, key).get_by_role("button", name=BUTTON)
    button.focus()
    page.keyboard.press("Enter")
    for _ in range(downs):
        page.keyboard.press("ArrowDown")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    expect(button).to_be_focused()
    return download.value.suggested_filename, download.value.path().read_bytes()


def table(content: bytes) -> list[dict[str, str]]:
    assert content.count(b"\r\n") == content.count(b"\n")
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def of(rows, name, column):
    return [float(row[column] or "nan") for row in rows if row["trace"] == name]


def same(told, shown, **how):
    np.testing.assert_allclose(told, [np.nan if v is None else v for v in shown], **{"rtol": 0, "atol": 0} | how)


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_a_figure_is_a_sharp_png_on_white(open_page, scheme):
    page = open_page("/kl", color_scheme=scheme)
    box = drawn(page, "kl-densities").locator(".vae-figure").bounding_box()
    name, content = taken(page, "kl-densities", 0)
    assert re.fullmatch(r"[a-z0-9-]+\.png", name) and content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width == pytest.approx(2 * box["width"], abs=3) and height == pytest.approx(2 * box["height"], abs=3)
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert pixels[0, 0] == 255 and np.mean(pixels > 250) > 0.5 and pixels.min() < 60


def test_an_svg_has_the_titles_of_the_axes(open_page):
    page = open_page("/kl")
    name, content = taken(page, "kl-densities", 1)
    texts = " ".join("".join(node.itertext()) for node in ET.fromstring(content).iter() if node.tag.endswith("text"))
    titles = page.evaluate(
        "() => { const l = document.querySelector('.st-key-kl-densities .vae-figure')._fullLayout;"
        "return [l.xaxis.title.text, l.yaxis.title.text].filter(Boolean); }"
    )
    assert name.endswith(".svg") and titles and all(title in texts for title in titles)


def test_the_numbers_of_curves_are_those_of_the_figure(open_page):
    page = open_page("/kl")
    name, content = taken(page, "kl-densities", 2)
    rows = table(content)
    assert name.endswith(".csv") and {"trace", "x", "y"} <= rows[0].keys()
    shown = page.evaluate(NUMBERS % ("kl-densities", 0))
    for column in "xy":
        same(of(rows, re.sub("<[^>]*>", "", shown["name"]).strip(), column), shown[column], rtol=1e-7)


@pytest.mark.slow
def test_the_numbers_of_a_surface_are_rows_of_x_y_z(open_page):
    page = open_page("/surfaces?losses=mse")
    rows = [row for row in table(taken(page, "surfaces", 2)[1]) if row["trace"] == "MSE"]
    shown = page.evaluate(NUMBERS % ("surfaces", 0))
    assert len(rows) == len(shown["z"]) == len(shown["x"]) * len(shown["y"])
    single = np.array([float(row["z"]) for row in rows]).astype(np.float32)
    assert (single == np.array(shown["z"], np.float32)).all()  # every digit that counts
    for row in rows[:: len(rows) // 50]:
        assert float(row["z"]) == pytest.approx((float(row["x"]) - float(row["y"])) ** 2, abs=1e-6)
    assert {len(row["x"]) for row in rows} <= set(range(1, 7))  # .1, not .10000000149011612


def test_the_menu_closes_and_gives_the_focus_back(open_page):
    page = open_page("/surfaces?form=section")
    frame = drawn(page, "surfaces")
    button, menu = frame.get_by_role("button", name=BUTTON), frame.get_by_role("menu")
    button.focus()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitem")).to_have_count(4)
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(menu).to_be_hidden()


@pytest.mark.slow
def test_the_address_of_a_panel_shows_it_alone(open_page, app):
    page = open_page("/surfaces?form=section&x=0.3", permissions=["clipboard-read", "clipboard-write"])
    frame = drawn(page, "surfaces")
    frame.get_by_role("button", name=BUTTON).focus()
    for key in ("Enter", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    address = page.evaluate("() => navigator.clipboard.readText()")
    assert "only=surface" in address and "form=section" in address and "x=0.3" in address
    alone = open_page(address.removeprefix(app))
    drawn(alone, "surfaces")
    expect(alone.get_by_role("link", name="Train")).to_have_count(0)
    for gone in (alone.get_by_role("slider", name="Prediction p"), alone.locator(".stAppHeader"), alone.locator("h4")):
        expect(gone).to_be_hidden()
    box = alone.locator(".st-key-surfaces .vae-figure").bounding_box()
    assert box["width"] > 1200 and box["y"] < 40
    expect(alone).to_have_url(re.compile("only=surface"))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/train?only=pictures", ".vae-film"),
        pytest.param("/latent?only=map", ".st-key-grid-0 .grid", marks=pytest.mark.slow),
        pytest.param("/kl?only=convergence", ".st-key-kl-convergence .vae-figure", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_panels_stand_alone(open_page, path, shown):
    page = open_page(path)
    expect(page.locator(shown)).to_be_visible(timeout=60_000)
    for gone in (".stAppHeader", "h4", ".stSelectbox", ".stSidebar"):
        expect(page.locator(f"{gone}:visible")).to_have_count(0)
    begin = ["Start"] if "train" in path else []  # a training alone can be begun
    assert [one.split("\n")[-1] for one in page.locator(".stMain .stButton:visible").all_inner_texts()] == begin


@pytest.mark.slow
def test_a_training_alone_is_the_one_that_the_browser_looks_at(open_page):
    page = open_page("/train?dataset=digits&epochs=2")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Whole test set")).to_be_visible(timeout=90_000)
    beside = page.context.new_page()
    beside.goto(page.url + "&only=curves")
    lines = "() => document.querySelector('.st-key-curves .vae-figure')?._fullData?.some((t) => t.x.length > 5)"
    beside.wait_for_function(lines, timeout=60_000)
    expect(beside.locator(".vae-film")).to_be_hidden()
    beside.close()


@pytest.mark.slow
def test_a_panel_that_there_is_not_is_answered(open_page):
    page = open_page("/surfaces?only=nonsense&form=section")
    drawn(page, "surfaces")
    said = page.get_by_role("alert")
    expect(said).to_have_text(
        re.compile("only = 'nonsense' cannot be used: one of surface, table, descent is accepted")
    )
    expect(page.get_by_role("link", name="Train")).to_be_visible()


def size_of_type(page: Page) -> float:
    return page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)")


@pytest.mark.slow
def test_larger_type_stays_from_page_to_page_and_goes(open_page):
    page = open_page("/kl")
    before = drawn(page, "kl-densities").locator(".xtick text").first.evaluate("n => parseFloat(n.style.fontSize)")
    page.get_by_role("button", name="Presenter mode").click()
    expect(page).to_have_url(re.compile("present=1"))
    page.wait_for_function("() => parseFloat(getComputedStyle(document.documentElement).fontSize) === 20")
    tick = page.locator(".st-key-kl-densities .xtick text").first
    expect(tick).to_have_css("font-size", f"{1.25 * before:g}px")
    page.get_by_role("link", name="Surfaces").click()
    drawn(page, "surfaces")
    expect(page).to_have_url(re.compile("losses=.*present=1"))
    assert size_of_type(page) == 20
    page.get_by_role("button", name="Leave the presenter mode").click()
    page.wait_for_function("() => parseFloat(getComputedStyle(document.documentElement).fontSize) === 16")
    expect(page).not_to_have_url(re.compile("present"))


@pytest.mark.slow
def test_a_link_turns_larger_type_on(open_page):
    page = open_page("/surfaces?present=1&form=map")
    drawn(page, "surfaces")
    assert size_of_type(page) == 20
    expect(page.get_by_role("alert")).to_have_count(0)
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function("() => parseFloat(getComputedStyle(document.documentElement).fontSize) === 24")
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_training_is_an_animation(open_page):
    page = open_page("/train?dataset=digits&epochs=2")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Whole test set")).to_be_visible(timeout=90_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Animation").click()
    film = Image.open(download.value.path())
    steps = page.locator(".vae-film input[type=range]").evaluate("node => Number(node.max)") + 1
    assert download.value.suggested_filename.startswith("training-") and film.format == "GIF"
    assert film.n_frames == min(steps, 60) and film.width > 600


@pytest.mark.slow
@pytest.mark.parametrize("part", ["traverse", "walk"])
def test_a_walk_through_the_latent_space_is_an_animation(open_page, part):
    page = open_page(f"/latent?model=digits-bce-z2&part={part}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Animation").click()
    film = Image.open(download.value.path())
    # Streamlit's own file name: what the two ends show twice in a row is one frame, held twice as long.
    assert film.format == "GIF" and 58 <= film.n_frames <= 60


def test_a_page_s_link_is_copied_and_a_phone_s_menu_closes_when_it_has_led_somewhere(open_page):
    page = open_page("/kl?mu=2&log_var=0", permissions=["clipboard-read", "clipboard-write"])
    drawn(page, "kl-densities")
    page.get_by_role("button", name="Copy the link to this page as it is").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url and "mu=2" in copied
    page.set_viewport_size({"width": 390, "height": 844})
    sidebar = page.locator(".stSidebar")
    page.locator('[data-testid="stExpandSidebarButton"]').click()
    expect(sidebar).to_have_attribute("data-collapsed", "false")
    sidebar.get_by_text("Lecture", exact=True).click()
    expect(page.locator(".vae-elbo")).to_be_visible()
    expect(sidebar).to_have_attribute("data-collapsed", "true")


def test_an_svg_of_a_race_names_its_lines_and_the_page_stays_as_it_is(open_page):
    """On the page their names stand above the pictures, which do not come along."""
    page = open_page("/train?dataset=digits&hidden=16&epochs=1&vary=loss&against=mse")
    page.locator(".st-key-do-start button:visible").click(timeout=60_000)
    page.get_by_text("Done at step").first.wait_for(timeout=60_000)
    before = drawn(page, "curves").locator(".vae-figure").bounding_box()["height"]
    _, content = taken(page, "curves", 1)
    root = ET.fromstring(content)
    texts = {"".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")}
    assert any(text.startswith("BCE") for text in texts) and any(text.startswith("MSE") for text in texts)
    assert float(root.get("height")) > before
    assert drawn(page, "curves").locator(".legend").count() == 0
