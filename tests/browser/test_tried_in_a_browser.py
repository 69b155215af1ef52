"""What users of other Streamlit apps met in public and only a browser shows: docs/tried.md says where each is from."""

import re

from playwright.sync_api import expect

expect.set_options(timeout=30_000)


def test_a_number_that_is_stepped_fast_while_a_run_refreshes_the_page(open_page, offline):
    """No press is lost, and no other control goes back to where it began."""
    page = open_page("/train?dataset=digits&epochs=2000&hidden=32&latent_dim=3", address=offline)
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


def test_back_and_forward_show_what_the_address_says(open_page, offline):
    page = open_page("/surfaces?losses=mse&x=0.25", address=offline)
    expect(page.get_by_role("slider", name="True pixel x")).to_have_value("0.25")
    page.goto(f"{offline}/kl?mu=2&log_var=-1")
    mu = page.get_by_role("slider", name="μ").first
    expect(mu).to_have_value("2")
    page.get_by_test_id("stTopNavLink").filter(has_text="Lab").click()
    expect(page.get_by_role("button", name="Open a file")).to_be_visible()
    page.go_back()
    expect(mu).to_have_value("2")
    page.go_back()
    expect(page.get_by_role("slider", name="True pixel x")).to_have_value("0.25")
    page.go_forward()
    expect(mu).to_have_value("2")
