"""The door of a real server: a class comes in by its code, nobody gets at another's run, and what is thrown at it is
answered while others go on."""

import asyncio
import json
import re
import urllib.error
import urllib.request

import pytest
import websockets
from app_server import running_app
from playwright.sync_api import Page, expect

from tests.own_loop import run
from tests.waiting import wait_for

CODE, KEY = "abcd-2345", "wxyz-2345-wxyz-2345-wxyz"
DIGITS = "/train?dataset=digits&hidden=256&batch_size=32&epochs=4000"


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("class"))
    with running_app(VAE_CODE=CODE, VAE_KEY=KEY, VAE_DATA=folder, VAE_SWEEPS=folder, VAE_WORKERS="1") as (
        _,
        address,
        _,
    ):
        yield address


@pytest.fixture
def come_in(open_page, classroom):
    """come_in(path, code) -> a page of a browser of its own that has typed the code. The browser logs the 401 that asks for
    it as an error: the page is opened by the form, whose address is none."""

    def come(path: str, code: str, **options) -> Page:
        page = open_page(f"/door?to={path}", address=classroom, **options)
        page.get_by_label("The access code").fill(code)
        page.get_by_role("button", name="Come in").click()
        page.goto(classroom + path)
        return page

    return come


def start(page: Page) -> None:
    page.locator(".st-key-do-start button:enabled:visible").click()
    expect(page.get_by_text(re.compile("Training on digits")).first).to_be_visible()


def test_a_link_leads_through_the_code_to_its_page(profile, classroom):
    """A browser logs the 401 of the form, so this one is watched by hand."""
    context = profile.browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    answer = page.goto(f"{classroom}/kl?mu=2")
    assert answer.status == 401
    field = page.get_by_label("The access code is on the lecturer's screen.")
    expect(field).to_be_focused()
    field.fill("not this one")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the code.")
    field.fill(CODE.upper().replace("-", " "))
    field.press("Enter")
    expect(page).to_have_url(re.compile("/kl\\?mu=2"))
    expect(page.get_by_role("slider", name="μ").first).to_have_value("2")
    assert "vae_owner" not in page.evaluate("document.cookie") and "vae_pass" not in page.evaluate("document.cookie")
    page.reload()
    expect(page.get_by_role("slider", name="μ").first).to_have_value("2")
    # the link alone, stolen, opens nothing in another browser
    assert profile.browser.new_context().new_page().goto(page.url).status == 401
    context.close()


@pytest.mark.slow
def test_the_lecturer_sees_and_stops_what_a_student_only_runs(come_in, classroom):
    student = come_in(DIGITS, CODE)
    start(student)
    student_at_server = come_in("/server", CODE, locale="en-GB")
    expect(student_at_server.get_by_text("This page is for the lecturer")).to_be_visible()
    desk = come_in("/classroom", KEY, locale="en-GB")
    desk.get_by_role("link", name="The server").click()
    expect(desk.get_by_text(re.compile("visitor [0-9a-f]{4}: Training on digits"))).to_be_visible()
    told = desk.locator(".vae-server")
    expect(told).to_contain_text("yes works")
    expect(told).to_contain_text(re.compile("1 of [0-9]+ under way"))

    desk.get_by_text("Drain: start nothing new").click()
    expect(told).to_contain_text("drains works")
    other = come_in(DIGITS, CODE, locale="en-GB")
    other.locator(".st-key-do-start button:enabled:visible").click()
    expect(other.get_by_text("about to be stopped").first).to_be_visible()
    desk.get_by_text("Drain: start nothing new").click()

    desk.get_by_role("button", name="Stop").click()
    expect(desk.get_by_text("Nothing is under way.")).to_be_visible()
    expect(student.get_by_text(re.compile("Stopped at step")).first).to_be_visible()


@pytest.mark.slow
def test_no_browser_sees_another_one_s_run(come_in, classroom):
    """Neither by its address, nor by a guessed or copied name that the server has not signed."""
    first = come_in(DIGITS, CODE)
    start(first)
    cookie = next(c["value"] for c in first.context.cookies(classroom) if c["name"] == "vae_owner")
    second = come_in(DIGITS, CODE, locale="en-GB")
    expect(second.get_by_text("Ready: the pictures show").first).to_be_visible()
    forged = cookie[:-9] + ("A" if cookie[-9] != "A" else "B") + cookie[-8:]
    for guessed in ("0" * 32, cookie.partition(".")[0], forged):
        second.context.add_cookies([{"name": "vae_owner", "value": guessed, "url": classroom}])
        second.reload()
        expect(second.get_by_text("Ready: the pictures show").first).to_be_visible()
        held = next(c["value"] for c in second.context.cookies(classroom) if c["name"] == "vae_owner")
        assert held not in (guessed, cookie)
    first.locator(".st-key-do-stop button:visible").click()


def test_health_tells_a_stranger_no_numbers(classroom):
    def ask(path, **headers):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(classroom + path, headers=headers), timeout=10
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as reason:
            return reason.code, reason.read()

    assert json.loads(ask("/health")[1]).keys() == {"ok"}
    wait_for(lambda: not json.loads(ask("/health", Authorization=f"Bearer {KEY}")[1])["starting"])
    told = json.loads(ask("/health", Authorization=f"Bearer {KEY}")[1])
    assert told["workers"] == 1 and told["tasks"] >= 0
    assert ask("/_stcore/metrics")[0] == 403 and ask("/_stcore/metrics", Authorization=f"Bearer {KEY}")[0] == 200
    assert ask("/train", Host="evil.example")[0] == 421
    assert ask("/train?x=" + "a" * 50_000)[0] in (401, 414)


@pytest.mark.slow
def test_what_is_thrown_at_a_socket_is_answered_while_a_run_goes_on(open_page, app):
    """Wrong origins, text, noise, a message of megabytes, sessions of others: each ends its own socket and nothing else."""
    page = open_page("/train?dataset=digits&hidden=256&batch_size=32&epochs=4000")
    start(page)
    run(_attack(app))
    with pytest.raises(urllib.error.HTTPError, match="414"):
        urllib.request.urlopen(f"{app}/train?x={'a' * 50_000}")
    with urllib.request.urlopen(f"{app}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200
    at = page.locator(".vae-film .at")
    before = at.inner_text()
    expect(at).not_to_have_text(before)  # it goes on
    page.locator(".st-key-do-stop button:visible").click()
    expect(page.get_by_text(re.compile("Stopped at step")).first).to_be_visible()


async def _attack(app: str) -> None:
    address = app.replace("http", "ws") + "/_stcore/stream"

    def socket(origin: str = app, more=(), **options):
        return websockets.connect(
            address, origin=origin, subprotocols=["streamlit", "x", *more], max_size=None, **options
        )

    for origin in ("http://evil.example", "null", "https" + app[4:].replace("127.0.0.1", "localhost")):
        with pytest.raises(websockets.InvalidStatus, match="403"):
            async with socket(origin):
                pass
    for thrown in ("text", b"\xff" * 100, b"\x00" * 3_000_000, b"\x00" * 30_000_000):
        async with socket() as opened:
            with pytest.raises(websockets.ConnectionClosed):
                await opened.send(thrown)
                async with asyncio.timeout(20):
                    while True:
                        await opened.recv()
    for session in ("0" * 32, "../../etc/passwd", "a" * 5000):
        async with socket(more=(re.sub("[^a-z0-9]", "-", session),)) as opened:
            await opened.ping()
