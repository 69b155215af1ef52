"""What a class does on the Latent page, in a real browser, without a network and with no data set but digits."""

import re

import pytest
from playwright.sync_api import Page, expect

from vae.training.shipped import FOLDER
from vae.ui.latent.state import PARTS

DIGITS, MNIST = "digits-bce-z8", "mnist-bce-z20"


@pytest.fixture
def latent(open_page):
    def open_(query: str = "", **context) -> Page:
        page = open_page(f"/latent{query}", **context)
        expect(page.get_by_role("radio", name="Traverse")).to_be_visible()
        return page

    return open_


def go(page: Page, part: str) -> None:
    page.get_by_role("radio", name=PARTS[part], exact=True).click()
    expect(page).to_have_url(re.compile(f"part={part}"))


def grid(page: Page, key: str):
    """The grid of pictures of that key, once its image is there."""
    found = page.locator(f".st-key-{key.replace('.', '-')} .vae-pictures .grid")
    expect(found.locator("img")).to_have_attribute("src", re.compile("^data:image/png"))
    return found


def png(page: Page, key: str) -> str:
    return grid(page, key).locator("img").get_attribute("src")


def figure(page: Page, key: str):
    found = page.locator(f".st-key-{key.replace('.', '-')} .vae-figure[data-updates]")
    expect(found).to_be_visible()
    return found


def at_rest(page: Page, drawn) -> None:
    """Wait until a figure has not been drawn again for a second: a lasso is lost where it is."""
    seen = ""
    while seen != (seen := drawn.get_attribute("data-updates")):
        page.wait_for_timeout(1000)


def click_cell(page: Page, key: str, row: int, column: int, rows: int, columns: int) -> None:
    box = grid(page, key).bounding_box()
    page.mouse.click(box["x"] + (column + 0.5) * box["width"] / columns, box["y"] + (row + 0.5) * box["height"] / rows)


def test_the_first_visit_shows_a_good_model_and_a_traversal_at_once(latent):
    page = latent()
    expect(page.get_by_text("dimensions are used")).to_be_visible()
    before = png(page, "now.0")
    click_cell(page, "strips.0", 0, 10, 8, 11)  # the last picture of the first strip: three deviations on
    expect(page).to_have_url(re.compile("moves=3"))
    expect(page.locator(".st-key-now-0 img")).not_to_have_attribute("src", before)
    slider = page.get_by_role("slider", name=re.compile("^z")).first
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("moves=2.75"))
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".st-key-now-0 img")).to_have_attribute("src", before)


@pytest.mark.slow
@pytest.mark.parametrize("model", [DIGITS, MNIST])
def test_every_part_opens_offline(latent, model):
    page = latent(f"?model={model}")
    grid(page, "strips.0")
    go(page, "map")
    grid(page, "grid.0")
    figure(page, "codes.0")
    go(page, "walk")
    grid(page, "walk.rows")
    said = "reconstructions, as the images are not on this machine" if model == MNIST else "cross-fade of the images"
    expect(page.get_by_text(said)).to_be_visible()
    go(page, "arithmetic")
    grid(page, "arithmetic.0")
    go(page, "embed")
    figure(page, "embed.0")
    expect(page.get_by_text("trustworthiness").first).to_be_visible()
    go(page, "health")
    figure(page, "health.kl.0")
    go(page, "image")
    if model == MNIST:
        expect(page.get_by_text(re.compile("do not ship with the app"))).to_be_visible()
        expect(page.get_by_role("button", name="Fetch mnist")).to_be_visible()


@pytest.mark.slow
def test_a_click_on_the_map_chooses_and_a_link_shows_the_same(latent):
    page = latent(f"?model={DIGITS}&part=map&beside=digits-mse-z2")
    click_cell(page, "grid.0", 7, 12, 15, 15)
    expect(page).to_have_url(re.compile(r"image=\d+"))
    neighbour = latent(page.url[page.url.index("?") :])
    assert png(neighbour, "grid.0") == png(page, "grid.0") and png(neighbour, "grid.1") == png(page, "grid.1")
    chosen = re.search(r"image=(\d+)", page.url)[1]
    expect(neighbour.get_by_text(f"Chosen: image {chosen},").first).to_be_visible()
    expect(page.get_by_text(f"Chosen: image {chosen},").first).to_be_visible()


@pytest.mark.slow
def test_a_map_unfolds_pauses_and_is_lassoed(latent):
    page = latent(f"?model={MNIST}&part=embed&method=tsne")
    drawn = figure(page, "embed.0")
    page.get_by_role("button", name="Unfold").click()
    expect(page.get_by_text(re.compile(r"iteration (?!0 )\d+ of 750"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_enabled()
    expect(page.get_by_text("trustworthiness").first).to_be_visible()
    at_rest(page, drawn)
    box = drawn.bounding_box()
    corners = [(0.02, 0.12), (0.98, 0.12), (0.98, 0.97), (0.02, 0.97), (0.02, 0.13)]
    page.mouse.move(box["x"] + corners[0][0] * box["width"], box["y"] + corners[0][1] * box["height"])
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.mouse.up()
    expect(page.get_by_text("Lassoed: 2000 images")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Coordinates and codes").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("image,x,y,class,mu_0") and len(lines) == 2001


@pytest.mark.slow
def test_thumbnails_show_beside_the_pointer(latent):
    page = latent("?model=digits-bce-z2&part=map")
    box = figure(page, "codes.0").bounding_box()
    thumbnails = page.locator(".vae-thumbnails:visible figcaption")
    for step in range(60):
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.4 * step / 60), box["y"] + box["height"] * 0.5)
        if thumbnails.count():
            break
    expect(thumbnails).to_have_text(["image", "reconstruction"])


def test_pictures_are_picked_with_the_keyboard(latent):
    page = latent(f"?model={DIGITS}&part=walk")
    grid(page, "walk.to").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("other=3"))


@pytest.mark.slow
def test_a_run_is_opened_while_it_trains(latent, open_page):
    page = open_page("/train?dataset=digits&epochs=400")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text(re.compile("images a second"))).to_be_visible()
    page.get_by_role("link", name="Latent space").click()
    page.get_by_role("combobox", name="Model").first.click()
    page.get_by_role("option", name=re.compile("My run")).click()
    titles = page.get_by_text(re.compile(r"My run.*after step"))
    expect(titles.first).to_be_visible()
    first = titles.first.inner_text()
    expect(titles.first).not_to_have_text(first)  # it trains on, and the page follows


@pytest.mark.slow
def test_bad_links_and_files_are_answered_and_the_page_lives(latent, tmp_path):
    page = latent("?model=nonsense&moves=99&part=map")
    expect(page.get_by_text("There is no model 'nonsense'")).to_be_visible()
    expect(page.get_by_text("moves = '99'")).to_be_visible()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not a checkpoint")
    page.get_by_role("button", name="Open a file").click()
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_text("bad.safetensors is not a readable safetensors file")).to_be_visible()
    page.locator("input[type=file]").set_input_files(FOLDER / "digits-mse-z2.safetensors")
    expect(page.get_by_text("My file: digits-mse-z2.safetensors").first).to_be_visible()
    grid(page, "grid.0")


@pytest.mark.slow
def test_a_drawing_goes_through_the_model_and_onto_the_maps(latent):
    page = latent(f"?model={DIGITS}&part=image")
    page.get_by_text("a drawing", exact=True).click()
    sheet = page.locator(".vae-canvas canvas")
    box = sheet.bounding_box()
    before = page.locator(".vae-pass").inner_text()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.9 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text("your drawing").first).to_be_visible()
    expect(page.locator(".vae-pass")).not_to_have_text(before, use_inner_text=True)
    marks = "document.querySelector('{} .vae-figure')?.data?.length"
    for part, key in (("map", ".st-key-codes-0"), ("embed", ".st-key-embed-0")):
        go(page, part)
        page.wait_for_function(f"{marks.format(key)} === 3")  # the codes, the chosen image, the drawing


@pytest.mark.slow
def test_a_face_is_painted_over(latent):
    page = latent("?model=faces-gaussian_optimal&part=image&source=drawn")
    sheet = page.locator(".vae-canvas canvas")
    before = page.locator(".vae-pass").inner_text()
    page.locator(".vae-canvas").get_by_role("radio", name="blue").check(force=True)
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text("your drawing").first).to_be_visible()
    expect(page.locator(".vae-pass")).not_to_have_text(before, use_inner_text=True)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("until you draw").first).to_be_visible()
    expect(page.locator(".vae-pass")).to_have_text(before, use_inner_text=True)


@pytest.mark.slow
@pytest.mark.parametrize(("part", "last"), [("traverse", "strips-0"), ("map", "grid-0"), ("walk", "walk-rows")])
def test_the_act_fits_a_projector(latent, part, last):
    page = latent(f"?model={MNIST}&part={part}")
    box = grid(page, last).bounding_box()
    assert box["y"] + box["height"] <= 720


@pytest.mark.slow
def test_no_part_scrolls_sideways_on_a_phone(latent):
    page = latent(f"?model={DIGITS}")
    page.set_viewport_size({"width": 390, "height": 844})
    for part in PARTS:
        go(page, part)
        expect(page.locator("[data-testid=stStatusWidget]")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), part


@pytest.mark.slow
@pytest.mark.parametrize("part", ["walk", "image"])
def test_a_map_unfolds_where_the_page_was_opened_at_another_part(latent, part):
    """Its refreshes forget the widgets of that part, and what those held is still asked for."""
    page = latent(f"?model={MNIST}&part={part}")
    go(page, "embed")
    page.get_by_text("t-SNE", exact=True).click()
    page.get_by_role("button", name="Unfold").click()
    expect(page.get_by_text(re.compile("iteration (75|[1-7][0-9][0-9]) of 750"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_enabled()
    expect(page.get_by_text("trustworthiness").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
