"""What users of other Streamlit apps met in public and only a browser shows: docs/tried.md says where each is from."""

import re

import pytest
from playwright.sync_api import expect


def test_a_number_that_is_stepped_fast_while_a_run_refreshes_the_page(open_page):
    """No press is lost, and no other control goes back to where it began."""
    page = open_page("/train?dataset=digits&epochs=2000&hidden=32&latent_dim=3")
    page.locator(".st-key-do-start button:enabled:visible").click()
    expect(page.locator(".st-key-do-pause button:visible")).to_be_enabled()
    beta = page.get_by_role("spinbutton", name="β", exact=True)
    beta.fill("2")
    beta.press("Enter")
    latent = page.get_by_role("spinbutton", name="Latent dimensions")
    latent.focus()
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    expect(latent).to_have_value("15")
    expect(page).to_have_url(re.compile("latent_dim=15"))
    page.wait_for_timeout(1500)  # several refreshes
    expect(latent).to_have_value("15")
    expect(beta).to_have_value("2")
    page.locator(".st-key-do-stop button:visible").click()
    expect(page.get_by_text(re.compile("Stopped at step")).first).to_be_visible()


@pytest.mark.slow
def test_back_leads_out_of_a_page_that_writes_its_address(open_page):
    """To what the address said there, in two presses at most for each page: one for the address that the page has written."""
    page = open_page("/surfaces?losses=mse&x=0.25&form=section")
    x, mu = (page.get_by_role("slider", name=re.compile(f"^{name}")).first for name in ("True pixel x", "μ"))
    expect(x).to_have_value("0.25")
    page.get_by_test_id("stTopNavLink").filter(has_text="KL term").click()
    expect(mu).to_have_value("1")
    mu.press("ArrowRight")
    expect(page).to_have_url(re.compile("mu=1.1"))
    page.get_by_test_id("stTopNavLink").filter(has_text="Lab").click()
    expect(page).to_have_url(re.compile("lab.sweep=shipped"))
    for path, shown, value in (("/kl", mu, "1.1"), ("/surfaces", x, "0.25")):
        for _ in range(3 if path == "/surfaces" else 2):
            if path not in page.url:
                page.go_back()
                page.wait_for_timeout(1000)
        assert path in page.url
        expect(shown).to_have_value(value)
