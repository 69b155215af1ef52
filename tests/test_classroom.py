"""A class that answers together: one vote each, nothing shown before the reveal, nothing kept after the end."""

import csv
import io
import threading
import time
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest

import vae
from vae.classroom import (
    CLAIM,
    PATIENT,
    RACE,
    RACES,
    Classes,
    ClassroomError,
    State,
    answered,
    counts,
    question_of,
    reconcile,
    table,
)
from vae.classroom.questions import KINDS
from vae.classroom.room import CODE_LENGTH, LONGEST, MOST_CLASSES, MOST_PEOPLE, SIGNS
from vae.classroom.sentences import SENTENCES
from vae.errors import SettingError
from vae.links import training as link
from vae.study.claims import CLAIMS
from vae.study.zoo import ZOO

ASKED = (CLAIM, "direction")
EVERY = [*((CLAIM, key) for key in CLAIMS), *((PATIENT, key) for key in ZOO)]


@pytest.fixture
def room():
    room = Classes().open("lecturer")
    for owner in ("ann", "bob"):
        room.join(owner)
    room.ask(question_of(*ASKED))
    return room


def wrong_answers(question):
    return [answer for answer in question.options if answer != question.answer]


# ---- Votes -----------------------------------------------------------------------------------------------------------


def test_sixty_who_vote_at_once_and_twice_are_each_counted_once():
    classes = Classes()
    room = classes.open("lecturer")
    question = question_of(*ASKED)
    room.ask(question)
    options = list(question.options)
    start, counted, began = threading.Barrier(60), {}, time.monotonic()

    def person(number: int) -> None:
        owner = f"{number:032x}"
        start.wait(10)
        classes.join(room.code, owner)
        first = room.vote(owner, ASKED, options[number % 3])
        classes.join(room.code.lower(), owner)  # the page is made again
        again = room.vote(owner, ASKED, options[(number + 1) % 3])
        counted[number] = (first, again)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - began < 10 and len(counted) == 60
    assert all(first == again == options[number % 3] for number, (first, again) in counted.items())
    assert counts(room.state.round) == dict.fromkeys(options, 20)
    assert len(room.state.people) == 60


def test_a_question_asked_again_keeps_its_votes_and_another_starts_at_none(room):
    room.vote("ann", ASKED, "true")
    room.ask(question_of(PATIENT, "a"))
    assert room.state.round.votes == {} and room.state.now == (PATIENT, "a")
    room.ask(question_of(*ASKED))
    assert room.state.round.votes == {"ann": "true"}
    assert room.vote("ann", ASKED, "not so") == "true"


def test_who_may_not_vote_reads_why(room):
    for owner, key, answer, why in (
        ("eve", ASKED, "true", "joined"),
        ("ann", (CLAIM, "blur"), "true", "not been asked"),
        ("ann", ASKED, "perhaps", "none of this question's answers"),
    ):
        with pytest.raises(ClassroomError, match=why):
            room.vote(owner, key, answer)
    room.lock(True)
    with pytest.raises(ClassroomError, match="locked"):
        room.vote("ann", ASKED, "true")
    room.lock(False)
    room.vote("ann", ASKED, "true")
    room.reveal()
    with pytest.raises(ClassroomError, match="revealed"):
        room.vote("bob", ASKED, "true")
    assert counts(room.state.round) == {"true": 1, "true, but": 0, "not so": 0}


def test_the_signal_changes_with_what_pages_must_know_and_not_with_votes(room):
    heard = [room.state.signal]
    room.join("cas")
    room.vote("ann", ASKED, "true")
    assert room.state.signal == heard[0]
    for step in (
        room.reveal,
        lambda: room.lock(True),
        lambda: room.send("kl", {"mu": "1"}),
        lambda: room.send("kl", {"mu": "1"}),
        lambda: room.ask(question_of(PATIENT, "b")),
    ):
        step()
        assert room.state.signal not in heard
        heard.append(room.state.signal)
    assert (room.state.sent.number, room.state.sent.page, room.state.sent.query) == (2, "kl", {"mu": "1"})


# ---- Classes ---------------------------------------------------------------------------------------------------------


def test_codes_are_short_unlike_and_found_as_they_are_typed():
    classes = Classes()
    rooms = [classes.open(f"lecturer {number}") for number in range(MOST_CLASSES)]
    assert len({room.code for room in rooms}) == MOST_CLASSES
    assert all(len(room.code) == CODE_LENGTH and set(room.code) <= set(SIGNS) for room in rooms)
    assert classes.find(f" {rooms[3].code.lower()} ") is rooms[3]
    assert classes.open("lecturer 3") is rooms[3], "one class a lecturer"
    with pytest.raises(ClassroomError, match=f"{MOST_CLASSES} classes"):
        classes.open("one more")


def test_joining_another_class_leaves_the_first():
    classes = Classes()
    first, second = classes.open("x"), classes.open("y")
    classes.join(first.code, "ann")
    classes.join(second.code, "ann")
    assert classes.attended_by("ann") is second and not first.state.people
    with pytest.raises(ClassroomError, match="no open class"):
        classes.join("-----", "ann")
    assert classes.attended_by("ann") is second


def test_a_class_has_a_size(room):
    for number in range(MOST_PEOPLE - 2):
        room.join(str(number))
    room.join("ann")
    with pytest.raises(ClassroomError, match="full"):
        room.join("one more")


def test_nothing_is_kept_after_the_end():
    classes = Classes()
    room = classes.open("lecturer")
    classes.join(room.code, "ann")
    room.ask(question_of(*ASKED))
    room.vote("ann", ASKED, "true")
    classes.end(room)
    assert room.state == State() and room.ended
    assert classes.find(room.code) is classes.attended_by("ann") is classes.taught_by("lecturer") is None
    with pytest.raises(ClassroomError, match="ended"):
        room.join("bob")


def test_a_class_that_nobody_ended_is_let_go():
    now = [0.0]
    classes = Classes(lambda: now[0])
    room = classes.open("lecturer")
    classes.join(room.code, "ann")
    now[0] = LONGEST - 1
    assert classes.attended_by("ann") is room
    now[0] = LONGEST + 1
    assert classes.attended_by("ann") is None and room.state == State()


def test_the_table_counts_and_says_nobody(room):
    for owner, answer in (("ann", "true"), ("bob", "not so")):
        room.vote(owner, ASKED, answer)
    room.reveal()
    room.ask(question_of(PATIENT, "h"))
    text = table(room.state)
    rows = list(csv.DictReader(io.StringIO(text)))
    claim = [(row["answer"], row["right"], row["votes"], row["of"]) for row in rows if row["kind"] == CLAIM]
    assert claim == [("true", "no", "1", "2"), ("true, but", "no", "0", "2"), ("not so", "yes", "1", "2")]
    patients = [row for row in rows if row["kind"] == PATIENT]
    assert len(patients) == len(ZOO) and {row["votes"] for row in patients} == {"0"}
    assert {row["answer"] for row in patients if row["right"] == "yes"} == {ZOO["h"].name}
    assert "ann" not in text and "bob" not in text and "lecturer" not in text


# ---- Questions and sentences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "key"), EVERY)
def test_every_question_has_its_answer_and_a_sentence_for_each_wrong_one(kind, key):
    question = question_of(kind, key)
    assert question.answer in question.options and all(getattr(question, one.name) for one in fields(question))
    assert set(SENTENCES[kind][key]) == set(wrong_answers(question)), (
        "one for each wrong answer, none for the right one"
    )
    for answer in wrong_answers(question):
        sentence = reconcile(question, answer)
        assert 30 < len(sentence) < 200 and sentence.endswith(".")
    assert reconcile(question, question.answer) == ""


def test_no_sentence_serves_two_answers_and_no_record_is_left_over():
    told = [sentence for table in SENTENCES.values() for row in table.values() for sentence in row.values()]
    assert len(told) == len(set(told)) == 2 * len(CLAIMS) + len(ZOO) * (len(ZOO) - 1) + 2 * len(RACES)
    assert [set(SENTENCES[kind]) for kind in KINDS] == [set(CLAIMS), set(ZOO), set(RACES)]


@pytest.mark.parametrize("key", [pytest.param(k, marks=[] if k == "beta" else pytest.mark.slow) for k in RACES])
def test_a_race_ends_as_its_sentences_say_whatever_the_seed(key):
    """Its link is one of the Train page's, its columns are paired, and its answer is what two trainings measure."""
    race_config, problems = link.read(RACES[key].query)
    assert problems == [] and len(race_config.columns()) == 2
    question = question_of(RACE, key)
    assert question.answer == "" and all(reconcile(question, answer) for answer in SENTENCES[RACE][key])
    for seed in (1, 2):
        columns = [replace(config, seed=seed) for config in race_config.columns()]
        told = answered(question, [list(vae.train(config))[-1][1].observations[-1] for config in columns])
        assert set(SENTENCES[RACE][key]) == set(wrong_answers(told)), told.explain
        assert told.verdict == told.options[told.answer] and RACES[key].names[0] in told.explain


def test_columns_that_differ_by_a_twentieth_count_as_the_same():
    race = RACES["beta"]

    def seen(error):
        return SimpleNamespace(squared_error=error, kl=0.0)

    assert race.outcome([seen(1.0), seen(1.04)])[0] == "same"
    assert race.outcome([seen(1.0), seen(1.1)])[0] == "first" and race.outcome([seen(1.1), seen(1.0)])[0] == "second"
    assert RACES["losses"].outcome([SimpleNamespace(kl=2.0), SimpleNamespace(kl=1.0)])[0] == "first"


def test_a_verdict_that_turned_has_no_sentence():
    turned = replace(question_of(*ASKED), answer="true")
    assert reconcile(turned, "not so") == reconcile(turned, "true, but") == ""


def test_the_order_of_causes_gives_nothing_away():
    options = list(question_of(PATIENT, "a").options)
    assert options != sorted(options) and all(list(question_of(PATIENT, key).options) == options for key in ZOO)


@pytest.mark.parametrize(("kind", "key"), [("quiz", "a"), (RACE, "a"), (CLAIM, "a"), (PATIENT, "blur")])
def test_an_unknown_question_is_refused_in_a_sentence(kind, key):
    with pytest.raises(SettingError, match="is accepted"):
        question_of(kind, key)
