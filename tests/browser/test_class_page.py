"""A lecturer and two phones answer a claim and a patient together, in real browsers."""

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from vae.classroom import CLAIM, PATIENT, question_of, reconcile
from vae.study.claims import CLAIMS

PHONE = {"width": 390, "height": 844}


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def opened(open_page, **options) -> tuple[Page, str]:
    """The lecturer's page, and the class's code."""
    page = open_page("/classroom", **options)
    button(page, "Open a class").click()
    code = page.locator(".vae-way-in .code")
    expect(code).to_be_visible()
    return page, code.inner_text()


def joined(open_page, code: str, **options) -> Page:
    """A phone of its own, come by the link."""
    page = open_page(f"/classroom?class={code}", size=PHONE, **{"locale": "en-GB"} | options)
    expect(page.get_by_text(f"You are in class {code}")).to_be_visible()
    return page


def tally(page: Page, said: str) -> None:
    expect(page.locator(".vae-tally")).to_have_text(re.compile(said))


@pytest.mark.slow
def test_a_lecturer_and_two_phones_answer_together(open_page, app):
    desk, code = opened(open_page)
    image = desk.locator(".vae-way-in img")
    assert image.evaluate("image => image.complete && image.naturalWidth") and image.get_attribute("src").startswith(
        "data:"
    )
    expect(desk.locator(".vae-way-in .link")).to_have_text(f"{app.partition('//')[2]}/classroom?class={code}")
    tally(desk, "0 in")
    phones = [joined(open_page, code), joined(open_page, code, color_scheme="dark")]
    tally(desk, "2 in")

    # a claim: each votes once, also after a reload, and nobody sees the verdict before the reveal
    button(desk, "Ask").click()
    question = question_of(CLAIM, next(iter(CLAIMS)))
    button(phones[0], "not so").click()
    expect(phones[0].get_by_text("Your vote: not so")).to_be_visible()
    tally(desk, "2 in.*1 voted")
    phones[0].reload()
    expect(phones[0].get_by_text("Your vote: not so")).to_be_visible()
    expect(button(phones[0], "true")).to_have_count(0)
    button(phones[1], question.answer).click()
    tally(desk, "2 in.*2 voted")
    for page in (desk, *phones):
        assert question.explain[:40] not in page.inner_text("body")
    button(desk, "Reveal").click()
    expect(phones[0].get_by_text(reconcile(question, "not so"))).to_be_visible()
    expect(phones[1].get_by_text(f"You voted “{question.answer}”.")).to_be_visible()
    expect(desk.locator(".vae-figure[data-updates]")).to_be_visible()
    for page in (desk, *phones):
        expect(page.get_by_text(question.explain[:40]).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    # everybody is sent to the page that shows it, held there, and called back
    button(desk, "Send everybody").click()
    for page in phones:
        page.wait_for_url("**/surfaces?**")
        expect(page.locator(".vae-point")).to_contain_text("x = 0.2, p = 0.2")
    button(desk, "Lock").click()
    expect(phones[0].get_by_text("has locked the controls")).to_be_visible()
    phones[0].get_by_role("radio", name="Map").click()
    phones[0].wait_for_timeout(1000)
    expect(phones[0].get_by_role("radio", name="Map")).not_to_be_checked()
    button(desk, "Unlock").click()
    expect(phones[0].get_by_text("has locked the controls")).to_have_count(0)
    phones[0].get_by_role("radio", name="Map").click()
    expect(phones[0].get_by_role("radio", name="Map")).to_be_checked()
    button(desk, "Call back").click()
    for page in phones:
        page.wait_for_url(f"**/classroom?class={code}")

    # a patient, asked while one of them looks at another page
    phones[1].goto(f"{app}/kl")
    desk.get_by_role("radio", name="a patient").click()
    expect(desk.get_by_role("combobox", name="Which")).to_have_value("Patient A")
    button(desk, "Ask").click()
    patient = question_of(PATIENT, "a")
    phones[1].get_by_role("link", name=f"Class {code}: a question is open, vote").click()
    button(phones[1], patient.options["b"]).click()
    button(phones[0], patient.options["a"]).click()
    tally(desk, "2 in.*2 voted")
    button(desk, "Reveal").click()
    expect(phones[1].get_by_text(reconcile(patient, "b"))).to_be_visible()

    with desk.expect_download() as download:
        button(desk, "Answers").click()
    with open(download.value.path(), encoding="utf-8") as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    assert {(row["key"], row["answer"]) for row in rows if row["votes"] == "1"} == {
        (question.key, "not so"), (question.key, question.answer),
        ("a", patient.options["a"]), ("a", patient.options["b"]),
    }  # fmt: skip

    desk.get_by_role("button", name=re.compile("End")).last.click()
    button(desk, "End the class").click()
    expect(button(desk, "Open a class")).to_be_visible()
    expect(button(phones[0], "Join")).to_be_visible()


@pytest.mark.slow
def test_on_the_lecture_page_a_question_closes_the_verdict_and_the_reveal_opens_it(open_page, app):
    desk, code = opened(open_page)
    phone = joined(open_page, code)
    key = next(iter(CLAIMS))
    phone.goto(f"{app}/?claim={key}")
    verdict = phone.locator(".st-key-lecture-verdict")
    expect(verdict).to_be_visible()
    button(desk, "Ask").click()
    expect(verdict).to_have_count(0)
    button(phone, "true").click()
    tally(desk, "1 voted")
    expect(phone.get_by_text("Your vote: true")).to_be_visible()
    button(desk, "Reveal").click()
    expect(verdict).to_be_visible()
    expect(phone.get_by_text(reconcile(question_of(CLAIM, key), "true"))).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", {"width": 1280, "height": 720}), ("dark", PHONE)], ids=["wall", "phone"]
)
def test_the_lecturers_page_fits(open_page, scheme, size):
    desk, code = opened(open_page, color_scheme=scheme, size=size)
    desk.get_by_role("radio", name="a patient").click()
    expect(desk.get_by_role("combobox", name="Which")).to_have_value("Patient A")
    button(desk, "Ask").click()
    expect(desk.locator(".vae-options li")).to_have_count(8)
    parts = [desk.locator(part) for part in (".vae-way-in img", ".vae-way-in .link", ".vae-tally", ".vae-options")]
    if size["width"] == 1280:
        for box in (part.bounding_box() for part in (*parts, button(desk, "Reveal"))):
            assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"]
    button(desk, "Reveal").click()
    expect(desk.locator(".vae-figure[data-updates]")).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
