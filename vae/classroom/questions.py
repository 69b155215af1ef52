"""What a class can be asked: each claim of the lecture, each patient of the zoo, and how a race ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from vae.classroom.races import RACES, Seen
from vae.errors import SettingError
from vae.study.claims import ANSWERS, CLAIMS
from vae.study.zoo import ZOO, find_bug

CLAIM, PATIENT, RACE = "claim", "patient", "race"


@dataclass(frozen=True)
class Question:
    """options: answer -> how it reads, in the order in which it is offered; answer: the right one of them, "" for a race
    until it is revealed.

    verdict and explain say what it is and why. page and query open the page that shows it.
    """

    kind: str
    key: str
    title: str
    text: str
    options: Mapping[str, str]
    answer: str
    verdict: str
    explain: str
    page: str
    query: Mapping[str, str]


@cache
def question_of(kind: str, key: str) -> Question:
    """The question of that kind; SettingError names the known ones."""
    if kind not in KINDS:
        raise SettingError("kind", kind, f"one of {', '.join(KINDS)} is accepted")
    return KINDS[kind](key)


def _of_claim(key: str) -> Question:
    if key not in CLAIMS:
        raise SettingError("claim", key, f"one of {', '.join(CLAIMS)} is accepted")
    claim = CLAIMS[key]
    verdict = claim.check().verdict
    options = {answer: answer for answer in ANSWERS}
    return Question(
        CLAIM, key, claim.title, claim.sentence, options, verdict.answer, verdict.name, verdict.explain, claim.page,
        claim.query,
    )  # fmt: skip


def _of_patient(key: str) -> Question:
    bug = find_bug(key)
    by_name = sorted(ZOO.values(), key=lambda one: one.name.lower())  # an order that says nothing of the patients'
    options = {one.key: one.name for one in by_name}
    return Question(
        PATIENT, key, bug.title, f"What is wrong with {bug.title}?", options, key, bug.name, f"{bug.cause} {bug.fix}",
        "zoo", {"patient": key},
    )  # fmt: skip


def _of_race(key: str) -> Question:
    if key not in RACES:
        raise SettingError("race", key, f"one of {', '.join(RACES)} is accepted")
    race = RACES[key]
    return Question(RACE, key, race.title, race.text, race.options, "", "", "", "train", race.query)


def answered(question: Question, seen: Sequence[Seen]) -> Question:
    """A race's question with its answer, as what its two columns have come to says."""
    race = RACES[question.key]
    answer, told = race.outcome(seen)
    return replace(question, answer=answer, verdict=race.options[answer], explain=f"{told}. {race.why}")


KINDS = {CLAIM: _of_claim, PATIENT: _of_patient, RACE: _of_race}
