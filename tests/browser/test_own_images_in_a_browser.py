"""Pictures of one's own in a real browser: dropped on the Train page, trained on, seen in the latent space, let go of."""

import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect


def photos(n: int) -> list[dict]:
    """n JPEGs as a phone takes them, larger than wide, half of a cat and half of a dog: a light blob on noise."""
    random, files = np.random.default_rng(0), []
    for i in range(n):
        picture = random.integers(0, 60, (60, 80, 3), dtype=np.uint8)
        y, x = random.integers(10, 40, 2)
        picture[y : y + 16, x : x + 16, i % 2] = 230
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG")
        files.append(
            {"name": f"{'cat' if i % 2 else 'dog'}_{i}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
        )
    return files


PHONE = {"width": 390, "height": 844}


def test_photos_train_and_reach_the_latent_space(open_page):
    page = open_page("/train?dataset=digits", size=PHONE)
    start = page.locator(".st-key-do-start button:visible")
    expect(start).to_be_enabled(timeout=60_000)
    page.locator('[data-testid="stExpandSidebarButton"]').click()
    panel = page.locator(".st-key-own-images")
    panel.locator("summary").click()
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    panel.locator('input[type="file"]').set_input_files([*photos(30), broken])
    panel.get_by_text("Colour", exact=True).click()
    panel.get_by_text("Labels from names").click()
    use = panel.get_by_role("button", name="Use these pictures")
    expect(use).to_be_enabled()
    use.click()
    expect(panel.get_by_text("30 images are learnt by heart")).to_be_visible()
    expect(panel.get_by_text(re.compile(r"broken\.png"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"dataset=own_[0-9a-f]+"))
    link = page.url
    page.locator('[data-testid="stSidebarCollapseButton"] button').click()

    start.click()
    film = page.locator(".vae-film img[data-row=reconstructions]").first
    expect(film).to_have_attribute("data-step", re.compile(r"[1-9]\d+"), timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.reload()  # the pictures are the browser's, not the page's
    expect(film).to_be_visible(timeout=60_000)
    assert "own_" in page.url

    neighbour = open_page(link.removeprefix(link.split("/train")[0]), size=PHONE)
    expect(neighbour.get_by_text(re.compile("somebody brought"))).to_be_visible(timeout=60_000)
    assert neighbour.locator(".stException").count() == 0

    address = link.split("/train")[0]
    page.goto(f"{address}/latent?part=traverse")
    page.locator(".st-key-latent-model input:visible").click()
    page.get_by_role("option", name=re.compile("own images", re.I)).first.click()
    expect(page.locator('[class*="st-key-strips"] img:visible').first).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("somebody brought"))).to_have_count(0)
