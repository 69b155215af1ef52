"""Both sides of a class as Streamlit runs them: the lecturer's desk, a seat, and the pages where a class votes too."""

import pytest

from vae.classroom import CLAIM, CLASSES, PATIENT, RACE, counts, question_of, reconcile
from vae.figures.votes import RIGHT, votes
from vae.ui.classroom import desk

ME, OTHER = "0" * 32, "1" * 32  # open_app's owner, and another browser


@pytest.fixture(autouse=True)
def no_class_left():
    yield
    for owner in (ME, OTHER):
        if (room := CLASSES.taught_by(owner)) is not None:
            CLASSES.end(room)


@pytest.fixture
def attended():
    """A class that this browser is in, of another lecturer."""
    room = CLASSES.open(OTHER)
    CLASSES.join(room.code, ME)
    return room


def text(app):
    return " ".join(block.value for kind in (app.markdown, app.caption, app.warning) for block in kind)


def page(app):
    assert not app.exception, [block.message for block in app.exception]
    return app


def press(app, key):
    return page(app.button(key=key).click().run())


def keys(app):
    return {button.key for button in app.button}


# ---- The Class page --------------------------------------------------------------------------------------------------


def test_a_lecturer_opens_asks_reveals_sends_locks_and_ends(open_app):
    app = page(open_app("classroom"))
    assert CLASSES.taught_by(ME) is None
    press(app, "classroom-open")
    room = CLASSES.taught_by(ME)
    assert app.query_params["class"] == room.code or app.query_params["class"] == [room.code]
    html = " ".join(block.proto.body for block in app.get("html"))
    assert f"classroom?class={room.code}" in html.replace("<wbr>", "") and "data:image/svg" in html
    CLASSES.join(room.code, OTHER)

    page(app.selectbox(key="classroom-claim").select("direction").run())
    press(app, "classroom-ask-it")
    assert room.state.now == (CLAIM, "direction")
    room.vote(OTHER, room.state.now, "true")
    question = question_of(CLAIM, "direction")
    assert question.explain not in text(app).replace("\\", "")
    press(app, "classroom-reveal")
    assert room.state.round.revealed
    said = text(page(app.run())).replace("\\", "")
    assert question.explain in said and reconcile(question, "true") in said

    press(app, "classroom-send")
    assert (room.state.sent.page, room.state.sent.query) == (question.page, question.query)
    press(app, "classroom-back")
    assert (room.state.sent.number, room.state.sent.page) == (2, "classroom")
    press(app, "classroom-lock")
    assert room.state.locked
    press(app, "classroom-lock")
    assert not room.state.locked
    press(app, "classroom-end")
    assert room.ended and CLASSES.taught_by(ME) is None
    assert "classroom-open" in keys(app) and not app.warning


def test_a_patient_is_asked_by_its_letter(open_app):
    room = CLASSES.open(ME)
    app = page(open_app("classroom"))
    page(app.segmented_control(key="classroom-kind").set_value(PATIENT).run())
    page(app.selectbox(key=f"classroom-{PATIENT}").select("c").run())
    press(app, "classroom-ask-it")
    assert room.state.now == (PATIENT, "c")


def test_a_race_is_run_while_the_class_votes_and_its_end_is_the_answer(open_app, engine):
    room = CLASSES.open(ME)
    CLASSES.join(room.code, OTHER)
    app = page(open_app("classroom", engine))
    page(app.segmented_control(key="classroom-kind").set_value(RACE).run())
    page(app.selectbox(key=f"classroom-{RACE}").select("beta").run())
    press(app, "classroom-ask-it")
    room.vote(OTHER, (RACE, "beta"), "second")
    press(app, "classroom-reveal")
    if not room.state.round.revealed:  # so soon it is still under way, and says how far
        assert "The race is at" in text(app)
    run = engine.runs_of(f"{ME}:class")[-1]
    while run.status.active:
        run.wait_for_news(1)
    press(app, "classroom-reveal")
    told = room.state.round.question
    assert room.state.round.revealed and told.answer == "first" and "β = 1" in told.explain
    said = text(app).replace("\\", "")
    assert told.explain in said and reconcile(told, "second") in said
    press(app, "classroom-ask-it")  # asked again, it is not run again
    assert len(engine.runs_of(f"{ME}:class")) == 2
    for run in engine.runs_of(f"{ME}:class"):
        engine.discard(run)


def test_a_race_without_workers_is_refused_in_a_sentence(open_app):
    room = CLASSES.open(ME)
    app = page(open_app("classroom"))
    page(app.segmented_control(key="classroom-kind").set_value(RACE).run())
    press(app, "classroom-ask-it")
    assert "The workers are still starting" in text(app) and room.state.round is None


def test_what_a_class_that_ended_elsewhere_refuses_is_said(open_app):
    room = CLASSES.open(ME)
    app = page(open_app("classroom"))
    CLASSES.end(room)
    press(app, "classroom-ask-it")
    assert "This class has ended" in text(app)


def test_one_of_the_class_joins_by_link_votes_once_and_reads_why(open_app):
    room = CLASSES.open(OTHER)
    app = page(open_app("classroom", **{"class": room.code.lower()}))
    assert room.state.people == {ME}
    room.ask(question_of(CLAIM, "asymmetry"))
    page(app.run())
    press(app, "classroom-vote-2")
    assert counts(room.state.round) == {"true": 0, "true, but": 0, "not so": 1}
    assert "Your vote: **not so**" in text(app) and not any("vote" in key for key in keys(app))

    again = page(open_app("classroom", **{"class": room.code}))  # a reload: another session of the same browser
    assert "Your vote: **not so**" in text(again) and not any("vote" in key for key in keys(again))

    question = question_of(CLAIM, "asymmetry")
    assert question.explain not in text(again).replace("\\", "")
    room.reveal()
    said = text(page(again.run())).replace("\\", "")
    assert "not right" in said and reconcile(question, "not so") in said and question.explain in said
    assert len(room.state.round.votes) == 1


def test_a_vote_while_locked_is_refused_in_a_sentence(open_app, attended):
    attended.ask(question_of(CLAIM, "root"))
    app = page(open_app("classroom"))
    attended.lock(True)  # the page has not heard of it yet
    press(app, "classroom-vote-0")
    assert "locked the controls" in text(app) and not attended.state.round.votes
    assert all(app.button(key=f"classroom-vote-{index}").disabled for index in range(3))


def test_who_leaves_is_not_brought_back_by_the_address(open_app, attended):
    app = page(open_app("classroom", **{"class": attended.code}))
    press(app, "classroom-leave")
    page(app.run())
    assert not attended.state.people and "classroom-join" in keys(app)


@pytest.mark.parametrize(
    ("code", "said"),
    [("ACDEF", "no open class of that code; it may have ended"), ("<b>", "a code of 5 letters"), ("O0O0O", "code of")],
)
def test_a_code_that_opens_nothing_is_said(open_app, code, said):
    app = page(open_app("classroom", **{"class": code}))
    assert said in text(app) and "classroom-join" in keys(app)


def test_a_typed_code_joins(open_app):
    room = CLASSES.open(OTHER)
    app = page(open_app("classroom"))
    page(app.text_input(key="classroom.class").input(room.code).run())
    assert room.state.people == {ME}


# ---- Where a class votes, too ----------------------------------------------------------------------------------------


def test_on_the_lecture_page_a_class_votes_and_sees_the_verdict_after_the_reveal(open_app, attended):
    app = page(open_app("lecture", claim="direction"))
    explain = question_of(CLAIM, "direction").explain
    assert explain in text(app).replace("\\", ""), "not asked yet"
    attended.ask(question_of(CLAIM, "direction"))
    page(app.run())
    assert explain not in text(app).replace("\\", "")
    press(app, "lecture-vote-0")
    assert attended.state.round.votes == {ME: "true"}
    assert explain not in text(app).replace("\\", "") and "lecture-vote-0" not in keys(app)
    labels = app.radio(key="lecture.claim").options
    assert sum("material/help" in label for label in labels) == 1, "nor does the list tell"
    attended.reveal()
    said = text(page(app.run())).replace("\\", "")
    assert explain in said and reconcile(question_of(CLAIM, "direction"), "true") in said


def test_in_a_class_predict_first_still_asks_for_what_the_class_was_not_asked(open_app, attended):
    attended.ask(question_of(CLAIM, "direction"))
    app = page(open_app("lecture", claim="blur", predict="yes"))
    press(app, "lecture-guess-true")
    assert "You guessed “true”" in text(app) and not attended.state.round.votes


def test_in_the_zoo_a_class_votes_and_sees_the_cause_after_the_reveal(open_app, engine, attended):
    attended.ask(question_of(PATIENT, "a"))
    app = page(open_app("zoo", engine, patient="a"))
    press(app, "zoo-examine")
    race = app.session_state["zoo.races"]["a"]
    for _ in range(600):
        if all(view.status.ended and view.observations for view in race.views()):
            break
        race.wait_for_news(0.1)
    page(app.run())
    assert "zoo-reveal" not in keys(app)
    options = list(question_of(PATIENT, "a").options)
    press(app, f"zoo-vote-{options.index('b')}")
    assert attended.state.round.votes == {ME: "b"}
    cause = "averages over the pixels of an image too"
    assert cause not in text(app) and not app.code
    attended.reveal()
    said = text(page(app.run())).replace("\\", "")
    assert cause in said and reconcile(question_of(PATIENT, "a"), "b") in said and len(app.code) == 2


# ---- The figure ------------------------------------------------------------------------------------------------------


def test_the_figure_shows_every_answer_with_its_votes_and_marks_the_right_one():
    bars = votes({"true": 3, "true, but": 0, "not so": 1}, "not so")["data"][0]
    assert bars["x"] == [3, 0, 1] and bars["text"] == ["3 · 75%", "0", "1 · 25%"]
    assert [colour == RIGHT for colour in bars["marker"]["color"]] == [False, False, True]
    assert votes({"true": 0, "not so": 0}, "true")["data"][0]["text"] == ["0", "0"]


def test_what_is_spoken_of_the_figure_says_the_same():
    question = question_of(CLAIM, "root")
    said = desk._spoken(question, {"true": 2, "true, but": 0, "not so": 5})
    assert said == "How the class has voted. true: 2, true, but: 0, not so: 5. Right: not so."
