"""What a class does on the Loss surfaces page, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

FIGURE = "document.querySelector('.st-key-surfaces .vae-figure')"


def ready(page: Page) -> None:
    page.locator(".st-key-surfaces .vae-figure[data-updates]").wait_for(timeout=60_000)
    expect(page.locator(".vae-point")).to_be_visible()


def eye(page: Page, scene: str = "scene") -> dict:
    """Where a scene is seen from: what is drawn, not only what the layout says."""
    return page.evaluate(f"() => {FIGURE}._fullLayout.{scene}._scene.getCamera().eye")


def same(a: dict, b: dict) -> bool:
    return all(abs(a[k] - b[k]) < 1e-6 for k in a)


def updates(page: Page, key: str = "surfaces") -> int:
    return int(page.locator(f".st-key-{key} .vae-figure").get_attribute("data-updates"))


def cell(page: Page, field: str, column: int = 0):
    return page.locator(f".vae-point td[data-field={field}]").nth(column)


def cursor(page: Page) -> str:
    return page.locator(".vae-point th").first.inner_text()


def drag(page: Page, start: tuple[float, float], by: tuple[float, float], steps: int = 8) -> list[dict]:
    """Orbit by mouse; returns the second scene's eye while the button was down."""
    box = page.locator(".st-key-surfaces .vae-figure").bounding_box()
    x, y = box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    seen = []
    for i in range(1, steps + 1):
        page.mouse.move(x + by[0] * i / steps, y + by[1] * i / steps)
        page.wait_for_timeout(60)
        seen.append(eye(page, "scene2"))
    page.mouse.up()
    return seen


@pytest.mark.slow  # four scenes drawn without a graphics card
def test_cameras_move_together_and_stay_when_a_slider_moves(open_page):
    page = open_page("/surfaces")
    ready(page)
    before = eye(page)
    page.evaluate(f"() => {{ {FIGURE}.tag = 'the same node'; }}")
    during = drag(page, (0.25, 0.5), (120, 40))
    page.wait_for_function(
        f"() => {FIGURE}._fullLayout.scene2.camera.eye.x === {FIGURE}._fullLayout.scene.camera.eye.x"
    )
    turned = eye(page)
    assert not same(turned, before) and same(eye(page, "scene2"), turned)
    assert not same(during[-1], before)  # while the button is down already
    assert cursor(page) == "x = 0.8, p = 0.9"  # an orbit is no click

    seen = updates(page)
    slider = page.get_by_role("slider", name="Prediction p")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".vae-point th").first).to_have_text("x = 0.8, p = 0.899")
    page.wait_for_function(f"() => Number({FIGURE}.dataset.updates) > {seen}")
    assert page.evaluate(f"() => {FIGURE}.tag") == "the same node"
    assert same(eye(page), turned) and same(eye(page, "scene2"), turned)


def test_a_click_on_a_surface_sets_the_cursor(open_page):
    page = open_page("/surfaces?losses=mse&x=0.1&p=0.1")
    ready(page)
    box = page.locator(".st-key-surfaces .vae-figure").bounding_box()
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"]
    page.mouse.move(x - 6, y - 6)
    page.wait_for_timeout(300)
    page.mouse.move(x, y)
    page.wait_for_timeout(500)
    page.mouse.click(x, y)
    expect(page.locator(".vae-point th").first).not_to_have_text("x = 0.1, p = 0.1")
    at = [float(v) for v in re.findall(r"[\d.]+", cursor(page))]
    assert float(cell(page, "value").inner_text()) == pytest.approx((at[0] - at[1]) ** 2, abs=6e-5)
    page.wait_for_url(f"**x={at[0]:g}&p={at[1]:g}**")


@pytest.mark.slow
def test_a_lecture_example_shows_its_numbers_and_what_is_true_of_them(open_page):
    page = open_page("/surfaces?form=section")
    ready(page)
    page.get_by_role("radio", name=".2 / .1").click()
    expect(cell(page, "value")).to_have_text("0.5448")
    expect(cell(page, "excess")).to_have_text("0.0444")
    expect(cell(page, "value", 1)).to_have_text("0.0100")
    expect(page.get_by_text("BCE is not symmetric around the truth")).to_be_visible()
    page.get_by_role("radio", name=".8 / .7").click()
    expect(cell(page, "value")).to_have_text("0.5261")
    expect(page.get_by_text("the other way round")).to_be_visible()


@pytest.mark.slow
def test_a_link_shows_the_neighbour_the_same(open_page):
    page = open_page("/surfaces?losses=gaussian,laplace&gaussian.sigma=0.05&view=slope&form=map&x=0.25&p=0.5")
    ready(page)
    page.get_by_role("slider", name="True pixel x").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**x=0.251**")
    neighbour = open_page("/" + page.url.split("/", 3)[3])
    ready(neighbour)
    assert cursor(neighbour) == cursor(page) == "x = 0.251, p = 0.5"
    assert neighbour.locator(".vae-point").inner_text() == page.locator(".vae-point").inner_text()
    assert "σ = 0.05" in neighbour.locator(".vae-point").inner_text()
    shown = f"() => JSON.stringify([{FIGURE}.data.map(t => t.type), {FIGURE}.layout.annotations.map(a => a.text)])"
    assert neighbour.evaluate(shown) == page.evaluate(shown)


@pytest.mark.slow
def test_a_link_followed_within_the_session_applies(open_page):
    page = open_page("/surfaces?form=section&x=0.3&p=0.3")
    ready(page)
    page.get_by_role("slider", name="Prediction p").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**p=0.301**")
    page.get_by_role("link", name="Lecture").click()
    page.get_by_role("button", name="First claim").click()
    page.locator("a[href*='surfaces?']").first.click()
    ready(page)
    expect(page.locator(".vae-point th").first).to_have_text("x = 0.2, p = 0.2")
    page.get_by_role("link", name="Train").click()
    page.get_by_role("link", name="Surfaces").click()  # without a query: as it was left
    ready(page)
    expect(page.locator(".vae-point th").first).to_have_text("x = 0.2, p = 0.2")


@pytest.mark.slow
def test_a_bad_link_is_answered_in_sentences(open_page):
    page = open_page(
        "/surfaces?form=section&losses=bce,magic&x=nan&p=1.5&view=upside&colour=red&gaussian.sigma=0&formula=log("
    )
    ready(page)
    alerts = page.get_by_role("alert")
    expect(alerts).to_have_count(7)
    text = " ".join(alerts.all_inner_texts())
    for part in ("losses = 'bce,magic' cannot be used", "x = nan cannot be used: a number from 0 to 1 is accepted",
                 "p = 1.5 cannot be used", "view = 'upside'", "'colour'", "gaussian.sigma = 0.0", "formula = 'log('"):  # fmt: skip
        assert part in text
    assert "Traceback" not in page.inner_text("body")


def test_a_formula_of_ones_own_is_drawn_and_a_bad_one_is_answered(open_page):
    page = open_page("/surfaces?losses=mse,formula&formula=2*(x-p)**2&form=section&x=0.2&p=0.7")
    ready(page)
    expect(cell(page, "value", 1)).to_have_text("0.5000")
    field = page.get_by_role("textbox", name="Your formula")
    field.fill("log(x)")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("formula = 'log(x)' cannot be used")
    expect(page.locator(".vae-point td[data-field=value]")).to_have_count(1)
    field.fill("abs(x-p)")
    field.press("Enter")
    expect(cell(page, "value", 1)).to_have_text("0.5000")
    expect(cell(page, "slope", 1)).to_have_text("1.0000")
    page.wait_for_url("**formula=abs**")


@pytest.mark.slow
def test_infinite_values_are_marked_and_said(open_page):
    page = open_page("/surfaces?form=map&x=0.5&p=0")
    ready(page)
    expect(cell(page, "value")).to_have_text("∞")
    expect(page.get_by_text("+∞ at p = 0 for x > 0 and at p = 1 for x < 1")).to_be_visible()
    marks = page.evaluate(f"() => {FIGURE}.calcdata[1].length")
    assert marks == 100


@pytest.mark.slow
def test_the_descent_plays_without_the_server(open_page, app):
    page = open_page("/_stcore/health")
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app}/surfaces?form=section")
    ready(page)
    page.locator(".st-key-descent .vae-figure[data-updates]").wait_for()
    page.wait_for_timeout(1000)
    bar = page.locator(".st-key-descent .vae-player")
    balls = """() => { const g = document.querySelector('.st-key-descent .vae-figure');
        return g.data.filter(t => t.mode === 'markers').map(t => t.y[0]); }"""
    start, before = page.evaluate(balls), len(sent)
    bar.get_by_role("button", name="Play").click()
    expect(bar.locator("span")).to_have_text("step 100 of 100", timeout=30_000)
    end = page.evaluate(balls)
    assert start[0] == pytest.approx(0.001) and end[0] > 0.98  # bce arrives
    assert end[3] < 0.0013  # mse has hardly moved
    slider = bar.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("Home")
    expect(bar.locator("span")).to_have_text("step 0 of 100")
    assert page.evaluate(balls) == start
    assert len(sent) == before
    expect(page.get_by_text("which vanishes where the sigmoid saturates")).to_be_visible()


@pytest.mark.slow
def test_nonsense_in_the_descent_is_refused_in_a_sentence(open_page):
    page = open_page("/surfaces?form=section")
    ready(page)
    field = page.get_by_role("spinbutton", name="Start p₀")
    field.fill("1")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("p0 = 1.0 cannot be used")
    field.fill("0.5")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.wait_for_url("**p0=0.5**")


@pytest.mark.slow
def test_a_pixel_and_its_point_light_up_together(open_page):
    page = open_page("/surfaces?form=section&part=image")
    ready(page)
    figure = page.locator(".st-key-image .vae-figure")
    page.locator(".st-key-image .vae-figure[data-updates]").wait_for()
    figure.scroll_into_view_if_needed()
    node = "document.querySelector('.st-key-image .vae-figure')"
    at = page.evaluate(
        f"""() => {{ const g = {node}, l = g._fullLayout, b = g.getBoundingClientRect();
        return [b.x + l.xaxis._offset + l.xaxis.d2p(3), b.y + l.yaxis._offset + l.yaxis.d2p(5)]; }}"""
    )
    page.mouse.click(*at)
    page.wait_for_function(f"() => {node}.data.length > 5")
    lit = page.evaluate(f"() => {node}.data.slice(-3).map(t => [t.x[0], t.y[0]])")
    x, p = page.evaluate(f"() => [{node}.calcdata[2][5 * 8 + 3].x, {node}.calcdata[2][5 * 8 + 3].y]")
    assert lit[0] == lit[1] == [3, 5] and lit[2] == pytest.approx([x, p], abs=1e-6)
    assert [float(v) for v in re.findall(r"[\d.]+", cursor(page))] == pytest.approx([x, p], abs=1e-5)

    at = page.evaluate(  # a point that stands alone
        f"""() => {{ const g = {node}, l = g._fullLayout, b = g.getBoundingClientRect(), points = g.calcdata[2];
        const near = (a, c) => Math.hypot(a.x - c.x, a.y - c.y) < 0.05;
        const i = points.findIndex((a, i) => a.x > .1 && a.x < .9 && points.every((c, j) => i === j || !near(a, c)));
        return [b.x + l.xaxis3._offset + l.xaxis3.d2p(points[i].x), b.y + l.yaxis3._offset + l.yaxis3.d2p(points[i].y), i]; }}"""
    )
    page.mouse.move(at[0] - 3, at[1])
    page.mouse.click(*at[:2])
    row, column = divmod(at[2], 8)
    page.wait_for_function(f"() => {{ const t = {node}.data.at(-3); return t.x[0] === {column} && t.y[0] === {row}; }}")


@pytest.mark.slow
def test_ssim_is_shown_on_a_patch(open_page):
    page = open_page("/surfaces?losses=ssim,mse&form=section&distortion=blur&amount=0")
    ready(page)
    page.locator(".st-key-patch .vae-figure[data-updates]").wait_for()
    expect(page.get_by_text("1 − SSIM is 0.000 on average; MSE is 0.00 nats")).to_be_visible()
    slider = page.get_by_role("slider", name="by")
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_text("1 − SSIM is 0.000 on average")).to_have_count(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 720), ("dark", 390, 844)], ids=["projector", "phone"]
)
def test_the_page_fits(open_page, scheme, width, height):
    page = open_page("/surfaces", color_scheme=scheme, size={"width": width, "height": height})
    ready(page)
    if width == 1280:  # the whole act without scrolling
        for part in (".st-key-surfaces", ".vae-point"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] <= height
    else:  # one surface below the other
        domains = page.evaluate(f"() => ['scene', 'scene2'].map(s => {FIGURE}._fullLayout[s].domain)")
        assert domains[0]["x"] == domains[1]["x"] == [0, 1]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.slow
def test_a_figure_takes_the_width_it_is_given_also_where_it_was_hidden_at_first(open_page):
    page = open_page("/surfaces?form=section&part=patch")
    ready(page)
    hiding = page.add_style_tag(content=".st-key-descent { display: none; }")
    page.get_by_role("radio", name="A pixel descends").click()
    page.locator(".st-key-descent .vae-figure").wait_for(state="attached")
    page.wait_for_timeout(1000)
    hiding.evaluate("style => style.remove()")
    node = "document.querySelector('.st-key-descent .vae-figure')"
    for width in ("100%", "400px", "700px"):
        page.evaluate(f"width => {{ {node}.style.width = width; }}", width)
        page.wait_for_function(f"() => Math.abs({node}._fullLayout?.width - {node}.clientWidth) < 1")
    assert page.evaluate(f"() => {node}.clientWidth") == 700


def stroke(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    """One finger put down, moved and lifted."""
    finger = page.context.new_cdp_session(page)
    for i in range(11):
        at = {"x": start[0] + by[0] * i / 10, "y": start[1] + by[1] * i / 10}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": [at]})
        page.wait_for_timeout(30)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def at_rest(page: Page, element) -> dict[str, float]:
    """Where it is once the page no longer rolls on: a stroke before that only scrolls further."""
    there = None
    while there != (there := element.bounding_box()):
        page.wait_for_timeout(500)
    return there


@pytest.mark.slow
def test_a_finger_scrolls_the_page_upwards_and_turns_a_surface_sidewards(open_page):
    page = open_page("/surfaces?losses=bce", size={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    ready(page)
    before = eye(page)
    figure = page.locator(".st-key-surfaces .vae-figure")
    there = figure.bounding_box()
    on_it = (there["x"] + 0.5 * there["width"], there["y"] + 0.25 * there["height"])
    stroke(page, on_it, (0, -150))
    page.wait_for_function(f"() => {FIGURE}.getBoundingClientRect().top < {there['y'] - 80}")
    assert same(eye(page), before)
    there = at_rest(page, figure)
    stroke(page, on_it, (100, 0))
    page.wait_for_function(f"() => {FIGURE}._fullLayout.scene._scene.getCamera().eye.x !== {before['x']}")
    assert figure.bounding_box() == there
