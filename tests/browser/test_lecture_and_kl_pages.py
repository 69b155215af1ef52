"""What a lecturer does on the Lecture page and on the KL page, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from vae.study.claims import ANSWERS, CLAIMS
from vae.ui.shared.page_state import LAG_SECONDS

VERDICT = ".st-key-lecture-verdict"


def choose(page: Page, key: str) -> None:
    page.locator(".st-key-lecture-contents label", has_text=CLAIMS[key].title).click()


def drawn(page: Page, key: str):
    """The figure of that key, once Plotly has drawn it."""
    found = page.locator(f".st-key-{key} .vae-figure[data-updates]")
    expect(found).to_be_visible()
    return found


def icons(page: Page) -> int:
    """How many claims of the list show that a guess is due."""
    return page.locator(".st-key-lecture-contents [role=radiogroup]").inner_text().count("help")


# ---- Lecture -----------------------------------------------------------------------------------------------------


def test_the_lecture_leads_from_the_picture_to_a_verdict_and_its_address(open_page):
    page = open_page("/lecture")
    expect(page.locator(".vae-elbo")).to_be_visible()
    page.get_by_role("button", name="First claim").click()
    expect(page.locator(VERDICT)).to_contain_text("true, but")
    choose(page, "direction")
    expect(page.locator(VERDICT)).to_contain_text("the other way round")
    expect(page.locator(".vae-evidence")).to_contain_text("0.5448")
    drawn(page, "lecture-direction")
    page.wait_for_url("**/lecture?claim=direction")
    page.wait_for_timeout(1000 * LAG_SECONDS)  # sooner, the address before is taken for one that lags behind
    page.go_back()
    expect(page.locator(VERDICT)).to_contain_text("true, but")
    neighbour = open_page("/?claim=direction")
    expect(neighbour.locator(VERDICT)).to_contain_text("the other way round")


def test_the_claims_are_read_with_the_keyboard_alone(open_page):
    page = open_page("/lecture")
    expect(page.locator(".vae-elbo")).to_be_visible()
    chosen = page.locator(".st-key-lecture-contents input:checked")
    for _ in range(40):  # past the names of all pages
        page.keyboard.press("Tab")
        if chosen.evaluate("node => node === document.activeElement"):
            break
    for key in list(CLAIMS)[:3]:
        page.keyboard.press("ArrowDown")
        expect(page.locator(".vae-claim h3")).to_contain_text(CLAIMS[key].title)
    page.wait_for_url(f"**/lecture?claim={list(CLAIMS)[2]}")


@pytest.mark.slow
def test_predict_first_hides_every_verdict_until_it_is_guessed(open_page):
    page = open_page("/?claim=direction")
    expect(page.locator(VERDICT)).to_be_visible()
    assert icons(page) == 0
    page.get_by_text("Predict first").click()
    expect(page.get_by_text("What do you expect?")).to_be_visible()
    expect(page.locator(VERDICT)).to_have_count(0)
    assert "the other way round" not in page.inner_text("body") and "0.5448" not in page.inner_text("body")
    assert icons(page) == len(CLAIMS)
    expect(page.locator(".st-key-lecture-guess button:visible")).to_have_count(len(ANSWERS))

    page.locator(".st-key-lecture-guess").get_by_role("button", name="true", exact=False).first.click()
    expect(page.locator(VERDICT)).to_contain_text("the other way round")
    expect(page.locator(VERDICT)).to_contain_text("You guessed “true”.")
    expect(page.get_by_text("0 of 1 guessed right")).to_be_visible()
    assert icons(page) == len(CLAIMS) - 1

    choose(page, "blur")
    expect(page.get_by_text("What do you expect?")).to_be_visible()
    page.locator(".st-key-lecture-guess").get_by_role("button", name="not so").click()
    expect(page.locator(VERDICT)).to_contain_text("not in general")
    expect(page.locator(VERDICT)).to_contain_text("You guessed “not so”: right.")
    expect(page.get_by_text("1 of 2 guessed right")).to_be_visible()

    other = open_page("/?claim=direction")  # guesses are of one browser tab
    expect(other.locator(VERDICT)).to_contain_text("the other way round")
    page.get_by_role("button", name="Forget guesses").click()
    expect(page.get_by_text("What do you expect?")).to_be_visible()


@pytest.mark.slow
def test_a_claim_opens_the_train_page_in_its_setting(open_page):
    page = open_page("/?claim=blur")
    expect(page.locator("code")).to_contain_text("python -m vae sweep --dataset mnist --latent-dims 20 --seeds 5")
    page.get_by_role("link", name="Train it").click()
    page.wait_for_url("**/train?*latent_dim=20*")
    expect(page.get_by_role("spinbutton", name="Latent dimensions")).to_have_value("20")
    page.wait_for_timeout(1000 * LAG_SECONDS)  # sooner, the address before is taken for one that lags behind
    page.go_back()
    expect(page.locator(VERDICT)).to_contain_text("not in general")


def test_a_claim_opens_the_surfaces_at_its_point(open_page):
    page = open_page("/?claim=direction")
    page.get_by_role("link", name="See it on the surfaces").click()
    page.wait_for_url("**/surfaces?*x=0.8*")
    expect(page.locator(".vae-point")).to_contain_text("x = 0.8, p = 0.9")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.slow
def test_a_claim_opens_the_kl_page_where_it_was_left_elsewhere(open_page):
    page = open_page("/kl?mu=2&log_var=1")
    expect(page.get_by_role("slider", name="μ, the code's mean")).to_have_attribute("aria-valuetext", "2.00")
    page.get_by_role("link", name="Lecture").first.click()
    choose(page, "kl_least")
    page.get_by_role("link", name="See it on the KL page").click()
    expect(page.locator(".vae-numbers")).to_contain_text("0.0000 ± 0.0000")
    expect(page.locator(".vae-numbers")).to_contain_text("every sample says the same")


@pytest.mark.slow
def test_an_unknown_claim_is_answered_in_a_sentence(open_page):
    page = open_page("/?claim=magic&colour=red")
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(2)
    text = " ".join(alerts.all_inner_texts())
    assert "claim = 'magic' cannot be used: one of perfect_costs, " in text and "'colour'" in text
    expect(page.locator(".vae-elbo")).to_be_visible()
    choose(page, "root")
    expect(page.locator(VERDICT)).to_contain_text("wording only")
    expect(alerts).to_have_count(0)


# ---- KL ------------------------------------------------------------------------------------------------------------


def numbers(page: Page) -> dict[str, str]:
    return dict(row.split("\t") for row in page.locator(".vae-numbers").inner_text().strip().split("\n"))


def exact(page: Page) -> float:
    return float(numbers(page)["KL, closed form"].split()[0])


@pytest.mark.slow
def test_the_closed_form_agrees_with_samples_and_follows_the_sliders(open_page):
    page = open_page("/kl")
    drawn(page, "kl-over-codes")
    assert exact(page) == pytest.approx(0.6839)
    slider = page.get_by_role("slider", name="μ, the code's mean")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".vae-numbers")).to_contain_text("1.3089")  # (1.5^2 + e^-1 - 1 + 1) / 2
    page.wait_for_url("**mu=1.5**")
    page.get_by_text("More", exact=True).click()
    samples = page.get_by_role("slider", name="Samples")
    samples.focus()
    page.keyboard.press("End")
    page.wait_for_url("**samples=1000000**")
    expect(page.locator(".vae-numbers")).to_contain_text(re.compile(r"± 0\.00[01]"))
    found = re.match(r"([\d.]+) ± ([\d.]+)", numbers(page)["KL, from samples"])
    assert abs(float(found[1]) - exact(page)) < 4 * float(found[2]) + 1e-4
    assert float(numbers(page)["apart by"].split()[0]) < 4
    before = numbers(page)["KL, from samples"]
    page.get_by_role("spinbutton", name="Seed").fill("1")
    page.get_by_role("spinbutton", name="Seed").press("Enter")
    page.wait_for_url("**seed=1**")
    expect(page.locator(".vae-numbers")).not_to_contain_text(before)
    neighbour = open_page("/" + page.url.split("/", 3)[3])
    drawn(neighbour, "kl-over-codes")
    assert numbers(neighbour) == numbers(page)


@pytest.mark.slow
def test_a_click_on_the_contours_moves_the_code(open_page):
    page = open_page("/kl?form=contours")
    box = drawn(page, "kl-over-codes").locator(".nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 3)
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 3)
    page.wait_for_url("**mu=-2**")
    expect(page.get_by_role("slider", name="μ, the code's mean")).to_have_attribute("aria-valuetext", "-2.00")
    log_var = page.get_by_role("slider", name="log σ², its log variance").get_attribute("aria-valuetext")
    assert abs(float(log_var)) <= 0.2
    assert exact(page) == pytest.approx(2.0, abs=0.02)


@pytest.mark.slow
def test_what_was_set_is_there_after_a_look_at_another_page(open_page):
    page = open_page("/kl?mu=1.23&log_var=-2&form=contours")
    drawn(page, "kl-over-codes")
    before = numbers(page)
    page.get_by_role("link", name="Lecture").first.click()
    expect(page.locator(".vae-elbo")).to_be_visible()
    page.get_by_role("link", name="KL term", exact=True).first.click()
    drawn(page, "kl-over-codes")
    assert numbers(page) == before
    page.wait_for_url("**mu=1.23**form=contours**")


@pytest.mark.slow
def test_a_bad_link_to_the_kl_page_is_answered_in_sentences(open_page):
    page = open_page("/kl?mu=x&log_var=nan&samples=12&seed=-1&form=cube&z=1")
    drawn(page, "kl-over-codes")
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(6)
    text = " ".join(alerts.all_inner_texts())
    for part in ("mu = 'x' cannot be used: a number from -4 to 4 is accepted.", "log_var = nan", "samples = 12", "seed = -1",
                 "form = 'cube'", "'z'"):  # fmt: skip
        assert part in text
    assert exact(page) == pytest.approx(0.6839)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("spinbutton", name="Seed").fill("-5")
    page.get_by_role("spinbutton", name="Seed").press("Enter")
    expect(page.get_by_text("seed = -5 cannot be used: a whole number from 0")).to_be_visible()
    expect(alerts).to_have_count(1)


@pytest.mark.slow
def test_the_log_variance_trick_and_the_weights_answer(open_page):
    page = open_page("/kl")
    page.get_by_role("tab", name="Why log σ²").click()
    expect(page.get_by_text("step 4 leads to σ² = -0.168")).to_be_visible()
    page.get_by_role("slider", name="Step size").focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("so small a step survives")).to_be_visible()
    page.get_by_role("tab", name="Sum, mean and β").click()
    expect(page.get_by_text("β = 784")).to_be_visible()
    page.get_by_role("slider", name="β").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("β = 1,568")).to_be_visible()


# ---- Both ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 720), ("dark", 390, 844)], ids=["projector", "phone"]
)
@pytest.mark.parametrize(("path", "figure", "last"), [
    ("/lecture?claim=perfect_costs", "lecture-perfect_costs", ".st-key-lecture-next"),
    ("/kl", "kl-over-codes", ".st-key-kl-convergence"),
])  # fmt: skip
def test_the_pages_fit(open_page, scheme, width, height, path, figure, last):
    page = open_page(path, color_scheme=scheme, size={"width": width, "height": height})
    drawn(page, figure)
    if width == 1280:  # the whole act without scrolling
        box = page.locator(last).bounding_box()
        assert box["y"] + box["height"] <= height
    main = page.locator(".stMain")
    assert main.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
