"""The front door, the hint on each page, and links from when the lecture stood there."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.testing.v1 import AppTest

from vae.links import training as link
from vae.ui.shared import shell
from vae.ui.shared.hints import HINTS
from vae.ui.shared.old_links import OldLinks
from vae.ui.start import page as start


def asked(path, query="", base=""):
    """(status, where to) of what a browser asks for; (200, "") where it reaches the app."""
    sent = []

    async def app(scope, receive, send):
        sent.append({"status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [],
        "root_path": "",
    }
    with ThreadPoolExecutor(1) as apart:  # in this thread a browser may have its loop
        apart.submit(lambda: asyncio.run(OldLinks(app, base)(scope, None, send))).result()
    return sent[0]["status"], dict(sent[0]["headers"]).get(b"location", b"").decode()


@pytest.mark.parametrize(("path", "query", "base", "status", "to"), [
    ("/", "claim=direction", "", 307, "/lecture?claim=direction"),
    ("/", "predict=yes&present=1&utm_source=x", "", 307, "/lecture?predict=yes&present=1&utm_source=x"),
    ("/", "claim=%3Cb%3E&only=figure", "", 307, "/lecture?claim=%3Cb%3E&only=figure"),
    ("/class/vae/", "claim=blur", "/class/vae", 307, "/class/vae/lecture?claim=blur"),
    ("/class/vae", "claim=blur", "/class/vae", 307, "/class/vae/lecture?claim=blur"),
    ("/", "", "", 200, ""), ("/", "present=1", "", 200, ""), ("/", "utm_source=mail", "", 200, ""),
    ("/kl", "claim=blur", "", 200, ""), ("/", "claim=blur", "/class", 200, ""),
])  # fmt: skip
def test_old_links_are_sent_on_with_all_that_they_say(path, query, base, status, to):
    assert asked(path, query, base) == (status, to)


def test_the_door_shows_pictures_and_three_ways_in(open_app):
    app = open_app("start")
    assert not app.exception
    assert [b.label for b in app.button if b.key is None] == [
        "See BCE and MSE race", "Teach with it", "Open a class", "Which loss for my data?"
    ]  # fmt: skip
    first = [block.proto.body for block in app.get("html")]
    assert "data:image/png" in "".join(first)
    app.button(key="start-other").click().run()
    assert not app.exception and [block.proto.body for block in app.get("html")] != first


@pytest.mark.parametrize("dataset", start.RACES)
def test_its_race_is_one_that_the_train_page_takes(monkeypatch, dataset):
    monkeypatch.setattr(start, "default_dataset", lambda: dataset)
    race = start.race_config()
    assert race.base.dataset == dataset and [c.loss for c in race.columns()] == ["bce", "mse"]
    assert link.read(link.write(race)) == (race, [])


def test_a_page_takes_what_a_button_elsewhere_asked_for():
    def script():
        import streamlit as st

        from vae.ui.kl.state import STATE

        if st.session_state.pop("press", False):
            STATE.ask({"mu": "2", "log_var": "x"})
        values, problems = STATE.restore()
        st.text(f"{values['mu']} {len(problems)}")
        STATE.share()

    app = AppTest.from_function(script)
    app.query_params["mu"] = "1"
    assert app.run().text[0].value == "1.0 0"
    app.session_state["press"] = True
    assert app.run().text[0].value == "2.0 1"
    assert app.run().text[0].value == "2.0 1" and "2" in app.query_params["mu"]


# ---- Hints -----------------------------------------------------------------------------------------------------------


def of_page():
    import streamlit as st

    from vae.ui.shared import hints, looks

    looks.show_only(st.session_state["page"])
    hints.headline("A page", "What it shows.")


def shown(page, cookie="", **query):
    app = AppTest.from_function(of_page)
    app.session_state["page"] = page
    app.query_params.update(query)
    return app.run()


def text(app):
    return "".join(block.proto.body for block in app.get("html"))


def test_every_page_that_is_no_door_says_what_to_do_first():
    assert set(HINTS) == set(shell.PAGES) - {"start", "server"}


def test_a_hint_stands_in_the_sentence_s_place_until_it_is_let_go_of():
    app = shown("kl")
    assert HINTS["kl"] in text(app) and "What it shows." not in text(app)
    app.button(key="hint.gone").click().run()
    assert HINTS["kl"] not in text(app) and "What it shows." in text(app) and not app.button
    app.session_state["page"] = "train"
    assert HINTS["train"] in text(app.run())  # each page has its own


@pytest.mark.parametrize(
    "query", [{"only": "codes"}, {"present": "1"}, {"lesson": "five-minutes"}, {"exercise": "floor"}]
)
def test_no_hint_where_somebody_is_led_or_shown_a_part(query):
    assert "New here?" not in text(shown("kl", **query))


def test_a_browser_that_keeps_it_in_its_cookie_is_not_told_again(monkeypatch):
    from streamlit.runtime.context import ContextProxy

    monkeypatch.setattr(ContextProxy, "cookies", {"vae_hints": "train.kl.nonsense"})
    assert "New here?" not in text(shown("kl")) and HINTS["zoo"] in text(shown("zoo"))


def test_a_page_without_a_hint_has_its_sentence():
    assert "What it shows." in text(shown("start"))
