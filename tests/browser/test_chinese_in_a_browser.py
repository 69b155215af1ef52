"""The app in Chinese in a real browser: by the browser's own language, by the address, by the switch; a race; a phone."""

import re

import pytest
from playwright.sync_api import expect

PHONE = {"width": 390, "height": 844}
WIDEST = "() => Math.max(document.scrollingElement.scrollWidth, document.querySelector('.stMain').scrollWidth)"


def test_a_chinese_browser_is_answered_in_chinese_and_a_race_runs(open_page):
    page = open_page("/train?dataset=digits&hidden=8&epochs=1&batch_size=512&vary=loss&against=mse", locale="zh-CN")
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.get_by_text(re.compile("整个测试集")).first).to_be_visible(timeout=60_000)
    expect(page.locator(".vae-film .live")).to_have_text("最新")
    expect(page.get_by_role("img", name=re.compile("随步数变化的曲线"))).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    assert "lang=" not in page.url  # nobody chose it


@pytest.mark.slow
def test_the_switch_leads_there_and_back_and_the_choice_goes_from_page_to_page(open_page):
    page = open_page("/kl?mu=1.5")
    page.get_by_role("link", name="中文").click()
    expect(page).to_have_url(re.compile("lang=zh"))
    expect(page.get_by_text("KL，闭式解").first).to_be_visible()
    assert "mu=1.5" in page.url
    page.get_by_role("link", name="讲课", exact=True).click()
    expect(page.get_by_text("一图看懂损失").first).to_be_visible()
    expect(page).to_have_url(re.compile("lang=zh"))
    page.get_by_role("link", name="English").click()
    expect(page.get_by_text("The loss in one picture").first).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))
    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.slow
def test_a_choice_named_in_chinese_is_taken_on_a_phone_that_shows_no_more_than_its_width(open_page):
    page = open_page("/surfaces?lang=zh", size=PHONE)
    page.get_by_role("combobox", name=re.compile("视图")).click()
    page.get_by_role("option", name="曲率").click()
    expect(page).to_have_url(re.compile("view=curvature"))
    expect(page.get_by_role("link", name="English")).to_be_in_viewport()
    assert page.evaluate(WIDEST) <= PHONE["width"]


def test_a_language_that_there_is_not_is_answered_in_english(open_page):
    page = open_page("/kl?lang=tlh", locale="zh-CN")
    expect(page.get_by_role("alert")).to_contain_text("one of en, zh is accepted. English stands instead.")
    expect(page.get_by_text("KL, closed form").first).to_be_visible()
