"""The page "Which loss?": races on real workers, the advice for each wish, its code, and what it answers to a bad link."""

import time

import pytest

from vae.data.own import PREFIX
from vae.study import advice
from vae.study.advice import WANTS
from vae.ui.advisor.state import STATE


@pytest.fixture
def short(monkeypatch):
    """Two epochs of the digits, of two seeds."""
    monkeypatch.setattr(advice, "MOST_STEPS", 24)
    monkeypatch.setattr(advice, "FEWEST_STEPS", 24)
    monkeypatch.setattr(advice, "SEEDS", (0, 1))


def said(app):
    assert not app.exception, [block.message for block in app.exception]
    return app


def markdown(app):
    return "\n".join(block.value for block in app.markdown).replace("\\", "")


def test_the_race_s_numbers_choose_for_every_wish_and_give_their_code(short, open_app, engine):
    app = said(open_app("advisor", engine, dataset="digits", losses="bce,mse"))
    assert not app.warning and "Press **Race them**" in markdown(app)
    said(app.button(key="advisor.start").click().run())
    until = time.monotonic() + 90
    while "advisor.start" not in {b.key for b in app.button} and time.monotonic() < until:
        time.sleep(0.1)
        said(app.run())
    trained = len(engine.runs)
    assert "- log p(x), nats per image, higher is better: " in markdown(app)
    for want in WANTS.values():
        app.session_state["advisor.want"] = want.key
        assert f"- {want.name}, " in markdown(said(app.run())) and len(engine.runs) == trained
    taken = [block.value for block in app.markdown if block.value.startswith("### ")][0]
    key = next(key for key in ("bce", "mse") if taken.startswith(f"### {advice.name_of(key)} "))
    assert f"--loss {key}" in app.code[0].value or key == "bce"  # the default is in no command
    assert app.button(key="advisor.start").disabled
    for run in list(engine.runs.values()):
        engine.discard(run)
    assert "### " in markdown(said(app.run()))  # what was found is the page's


def test_stop_stops_and_the_race_can_begin_again(open_app, engine):
    app = said(open_app("advisor", engine, dataset="digits", losses="bce,mse"))
    said(app.button(key="advisor.start").click().run())
    said(app.button(key="advisor.stop").click().run())
    assert not any(run.status.active for run in engine.runs.values())
    assert not app.button(key="advisor.start").disabled and "Press **Race them**" in markdown(app)
    for run in list(engine.runs.values()):
        engine.discard(run)


def test_a_bad_link_is_answered_in_sentences(open_app):
    app = said(open_app("advisor", dataset="x", want="fame", losses="bce,ssim,bce", colour="red"))
    told = " ".join(block.value for block in app.warning).replace("\\", "")
    for part in (
        "dataset = 'x' cannot be used",
        "want = 'fame'",
        "losses = 'bce,ssim,bce' cannot be used: 2 to 4",
        "'colour'",
    ):
        assert part in told
    assert STATE.read({"dataset": PREFIX + "1234"})[1][0].startswith(
        "The link stands for pictures that somebody brought"
    )


def test_one_loss_alone_has_nobody_to_race(open_app):
    app = said(open_app("advisor", dataset="digits"))
    app.multiselect(key="advisor.losses").set_value(["bce"])
    said(app.run())
    assert "losses = 'bce' cannot be used: 2 to 4 different ones" in app.error[0].value.replace("\\", "")


def test_data_that_are_not_here_are_offered_and_the_digits_are_one_click_away(open_app, monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    app = said(open_app("advisor", dataset="mnist"))
    assert "is not on this machine yet" in app.info[0].value
    next(b for b in app.button if b.label == "Use the small digits").click()
    said(app.run())
    assert app.selectbox(key="advisor.dataset").value == "digits" and "Grey, with many" in " ".join(
        c.value for c in app.caption
    )
