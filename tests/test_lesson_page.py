"""The Lesson page and the bar over the others, as Streamlit runs them."""

import time
from urllib.parse import parse_qsl

import pytest

from vae.lesson import EXERCISES, PROGRESS, TOURS, Passed, Receipts
from vae.ui.lesson import bar
from vae.ui.lesson import page as lesson
from vae.ui.shared.page_state import LAG_SECONDS
from vae.ui.shared.shell import PAGES
from vae.ui.train.state import STATE as TRAIN

ME = "0" * 32  # open_app's owner


@pytest.fixture(autouse=True)
def nothing_passed():
    PROGRESS.forget(ME)
    yield
    PROGRESS.forget(ME)


@pytest.fixture
def signer(monkeypatch):
    signer = Receipts(b"the secret of the tests' server")
    monkeypatch.setattr(lesson, "_receipts", lambda: signer)
    return signer


def page(app):
    assert not app.exception, [block.message for block in app.exception]
    return app


def text(app) -> str:
    found = " ".join(block.value for kind in (app.markdown, app.caption, app.warning) for block in kind)
    return found.replace("\\", "")


def links(app) -> dict[str, str]:
    """Label -> query of each link to a page."""
    return {block.proto.label: block.proto.query_string for block in app.get("page_link")}


def keys(app) -> set[str]:
    return {button.key for button in app.button}


def press(app, key):
    return page(app.button(key=key).click().run())


def opened(open_app, key: str, number: int, engine=None):
    step = TOURS[key].steps[number - 1]
    return page(open_app(step.page, engine, **step.query, lesson=key, step=number))


# ---- The bar ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PAGES if name != "lesson"])
@pytest.mark.parametrize(
    "guide", [{"lesson": "five-minutes", "step": 2}, {"exercise": "walk"}], ids=["tour", "exercise"]
)
def test_the_bar_is_over_every_page_and_stays_in_its_address(open_app, name, guide):
    app = page(open_app(name, **guide))
    for field, value in guide.items():
        assert app.query_params[field] in ([str(value)], str(value))
    assert "lesson-leave" in keys(app) and not any("setting" in warning.value for warning in app.warning)
    press(app, "lesson-leave")
    assert "lesson-leave" not in keys(app) and not set(guide) & set(app.query_params)


def test_an_answer_is_shown_when_it_is_asked_for_and_the_page_s_own_verdict_waits_for_it(open_app):
    app = opened(open_app, "five-minutes", 1)
    step, verdict = TOURS["five-minutes"].steps[0], "A perfect prediction still costs"
    assert step.question in text(app) and step.answer not in text(app) and verdict not in text(app)
    assert "step=2" in links(app)["Next"] and "Back" not in links(app)
    press(app, "lesson-answer")
    assert step.answer in text(app) and verdict in text(app) and "lesson-answer" not in keys(app)
    press(app, "lesson-fold")
    assert step.answer not in text(app) and "Next" in links(app)


def test_the_last_step_finishes_and_each_opens_the_page_as_it_says(open_app, engine):
    app = opened(open_app, "five-minutes", len(TOURS["five-minutes"].steps))
    assert links(app)["Finish"] == "" and "step=4" in links(app)["Back"] and "Next" not in links(app)
    app = opened(open_app, "five-minutes", 4, engine)
    assert app.session_state["panel"] == "dial" and TRAIN.key("loss") in app.session_state


def follow(app, label: str):
    """Click the link of that label, as a browser does: its query is the address's."""
    app.query_params = dict(parse_qsl(links(app)[label]))
    return page(app.run())


def cursor(app) -> tuple[float, float]:
    return app.slider(key="surface.x").value, app.slider(key="surface.p").value


def test_a_step_is_gone_back_to_at_once_though_the_page_stood_there_a_moment_ago(open_app):
    app = opened(open_app, "five-minutes", 1)
    assert cursor(app) == (0.4, 0.4)
    for label, place in (("Next", (0.2, 0.1)), ("Back", (0.4, 0.4)), ("Next", (0.2, 0.1))):
        assert cursor(follow(app, label)) == place
        assert "turn" not in app.query_params
    app.slider(key="surface.p").set_value(0.9).run()
    assert cursor(app) == (0.2, 0.9) and cursor(follow(app, "To its beginning")) == (0.2, 0.1)


def test_an_address_that_the_browser_had_not_replaced_yet_leads_nowhere(open_app, monkeypatch):
    app = opened(open_app, "five-minutes", 1)
    old = {name: values[-1] if isinstance(values, list) else values for name, values in app.query_params.items()}
    follow(app, "Next")
    app.query_params = old
    assert cursor(page(app.run())) == (0.2, 0.1) and app.query_params["step"] in ("2", ["2"])
    press(app, "lesson-leave")
    app.query_params = old | {"step": "2"}
    assert "lesson-leave" not in keys(page(app.run())), "nor does it bring back what was left"
    clock = time.monotonic() + LAG_SECONDS
    monkeypatch.setattr(bar.time, "monotonic", lambda: clock)
    app.query_params = old | {"step": "2"}
    assert "lesson-leave" in keys(page(app.run())), "later the same is going back"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"lesson": "six"}, "one of five-minutes, lecture is accepted"),
        ({"lesson": "lecture", "step": "99"}, "a whole number from 1 to 14 is accepted"),
        ({"lesson": "lecture", "step": "-1"}, "a whole number from 1 to 14 is accepted"),
        ({"step": "2"}, "no lesson is named"),
        ({"exercise": "<b>"}, "one of entropy, free-copy"),
    ],
)
def test_a_wrong_lesson_is_answered_in_a_sentence_and_the_page_is_shown_without(open_app, query, said):
    app = page(open_app("kl", **query, mu="1.5"))
    assert len(app.warning) == 1 and said in text(app) and "without a lesson" in text(app)
    assert "lesson-leave" not in keys(app) and not set(query) & set(app.query_params)
    assert app.slider(key="kl.mu").value == 1.5


# ---- Exercises on their pages ----------------------------------------------------------------------------------------


def test_an_exercise_is_checked_from_where_the_page_stands(open_app):
    exercise = EXERCISES["entropy"]
    app = page(open_app(exercise.page, **exercise.query, exercise=exercise.key))
    assert exercise.task in text(app)
    press(app, "lesson-check")
    assert "Not yet" in text(app) and "the true pixel 0.8" in text(app) and not PROGRESS.of(ME).passed
    app.slider(key="surface.x").set_value(0.6)
    app.slider(key="surface.p").set_value(0.6)
    press(app, "lesson-check")
    assert "Passed" in text(app) and PROGRESS.of(ME).passed["entropy"].said == "BCE(0.6, 0.6) = 0.6730 nats."
    assert PROGRESS.of(ME).passed["entropy"].link == "surfaces?losses=bce,mse&view=value&x=0.6&p=0.6"


def test_a_training_is_checked_from_the_session_s_race(open_app, engine):
    exercise = EXERCISES["floor"]
    app = page(open_app(exercise.page, engine, **exercise.solved, exercise=exercise.key))
    press(app, "lesson-check")
    assert "No step has been taken yet" in text(app)
    for _ in range(20):  # the button is grey while the untrained networks are being drawn
        if not app.button(key="do.step").disabled:
            break
        page(app.run())
    press(app, "do.step")
    run = engine.runs[app.session_state["run_id"]]
    for _ in range(50):
        if run.view().step:
            break
        run.wait_for_news(0.2)
    press(app, "lesson-check")
    assert "costs 13.31 and 0.00 nats" in text(app) and "pixels" in PROGRESS.of(ME).passed["floor"].link
    for column in list(run.pace.columns):
        engine.discard(column)


@pytest.mark.parametrize("key", ["one-nat", "walk", "glasses"])
def test_a_solution_s_link_passes_on_its_page(open_app, key):
    exercise = EXERCISES[key]
    app = page(open_app(exercise.page, **exercise.solved, exercise=key))
    press(app, "lesson-check")
    assert "Passed" in text(app) and key in PROGRESS.of(ME).passed


def test_the_zoo_s_guesses_and_an_answer_of_the_exercise_itself_are_seen(open_app):
    app = page(open_app("zoo", exercise="diagnosis"))
    app.session_state["zoo.guesses"], app.session_state["zoo.revealed"] = {"a": "a", "h": "h"}, {"a": True, "h": True}
    press(app, "lesson-check")
    assert "patients A, H" in text(app) and "diagnosis" in PROGRESS.of(ME).passed
    app = page(open_app("kl", exercise="collapse"))
    app.selectbox(key="lesson.named").set_value("beta")
    press(app, "lesson-check")
    assert "another page than the exercise's" in text(app)


# ---- The Lesson page --------------------------------------------------------------------------------------------------


def test_tours_go_on_where_they_were_left_and_exercises_say_what_was_reached(open_app, signer):
    app = page(open_app("lesson"))
    assert "0 of 10 passed" in text(app) and "Pass an exercise first" in text(app)
    assert sum(label == "Start" for label in (block.proto.label for block in app.get("page_link"))) == 2
    opened(open_app, "lecture", 3)
    exercise = EXERCISES["one-nat"]
    press(page(open_app(exercise.page, **exercise.solved, exercise=exercise.key)), "lesson-check")
    app = page(open_app("lesson"))
    assert "lesson=lecture&step=3" in links(app)["Go on at step 3"]
    assert (
        "1 of 10 passed" in text(app) and "cost 0.991 nats" in text(app) and "exercise=one-nat" in links(app)["Again"]
    )
    assert "Type your name first" in text(app) and not app.get("download_button")
    page(app.text_input(key="lesson-name").input("Ada").run())
    assert len(app.get("download_button")) == 1
    (receipt,) = signer.check(signer.write("Ada", PROGRESS.of(ME).passed))
    assert receipt.genuine and "0.991" in receipt.reached and receipt.link == "kl?mu=0&log_var=1.5"


def test_receipts_are_checked_many_at_once_and_bad_ones_are_named(open_app, signer):
    from datetime import UTC, datetime

    done = {"walk": Passed("From a 3 to an 8.", "latent", datetime(2026, 3, 2, tzinfo=UTC))}
    good, forged = (
        signer.write("Ada", done),
        signer.write("Bob", done).replace("Bob", "![x](https://evil.example/x.png)"),
    )
    app = page(open_app("lesson"))
    page(app.text_area(key="lesson-pasted").input(good + forged).run())
    assert "1 of 2 receipts are genuine" in text(app)
    shown = [block.value for block in app.markdown]
    assert not any("![x](" in value for value in shown) and any("not genuine" in value for value in shown)
    page(app.text_area(key="lesson-pasted").input("Dear teacher").run())
    assert "The pasted text: No receipt is in this text" in text(app)
    files = [
        ("a.txt", good.encode(), "text/plain"),
        ("b.txt", b"\xff\x00", "text/plain"),
        ("a.txt", good.encode(), "text/plain"),
    ]
    page(app.file_uploader(key="lesson-files").set_value(files).run())
    assert "2 of 2 receipts are genuine" in text(app) and "2. b.txt: this file is no text" in text(app)
