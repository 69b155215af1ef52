"""The Bug zoo page: a patient beside its healthy control, what is measured of both, a guess, and what it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from vae.classroom import PATIENT, Round
from vae.data import load_dataset
from vae.engine import Engine, LimitError, Race, Status, View, lookback
from vae.figures.curves import RunCurves, narrow, training_curves
from vae.figures.mosaics import strip
from vae.figures.symptoms import short, symptoms_table
from vae.figures.theme import colour_of
from vae.study.zoo import ZOO, Bug, Examination, Outcome, find_bug, measure
from vae.training.step import Pictures
from vae.ui.classroom.ballot import asked, ballot, outcome
from vae.ui.shared import components, words
from vae.ui.shared.components import Column, Row
from vae.ui.shared.owner import owner
from vae.ui.shared.page_state import Values
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.words import say
from vae.ui.zoo.state import STATE

RACES, FOUND, GUESSES, REVEALED = "zoo.races", "zoo.found", "zoo.guesses", "zoo.revealed"  # by patient, in this session
CAUSES = sorted(ZOO, key=lambda key: ZOO[key].name.lower())  # the order of the guesses says nothing of the patients'
PICTURES = 8


def _kept(name: str) -> dict:
    """What this session has found so far, by patient."""
    return st.session_state.setdefault(name, {})


# ---- The patient and its training ------------------------------------------------------------------------------------


def patient_choice(state: Values) -> Bug:
    STATE.control(
        st.segmented_control, "patient", "Patient", list(ZOO), format_func=str.upper, required=True,
        label_visibility="collapsed", width="content",
    )  # fmt: skip
    return find_bug(state["patient"])


def race_of(engine: Engine, bug: Bug) -> Race:
    """This session's patient and control: the untrained nets, until they are examined."""
    races = _kept(RACES)
    if bug.key not in races:
        cases = (bug.patient, bug.control)
        races[bug.key] = engine.create_race(
            [case.config for case in cases], f"{owner()}:zoo", [case.program for case in cases]
        )
    return races[bug.key]


def examine_button(race: Race, bug: Bug) -> None:
    status = race.status
    st.button(
        "Examine again" if status.ended else "Examine", key="zoo-examine", icon=":material/stethoscope:", type="primary",
        disabled=status.active, on_click=_examine, args=(race, bug),
        help="Train the patient and a healthy control side by side: same first weights, same batches, same noise.",
    )  # fmt: skip


def _examine(race: Race, bug: Bug) -> None:
    """Start, or where it has ended start anew: when the page is made."""
    if race.status.ended:
        for name in (RACES, FOUND):
            st.session_state[name].pop(bug.key, None)
    st.session_state["zoo.start"] = True


def obey(engine: Engine, race: Race) -> None:
    """Start what "Examine" asks for; a sentence where the server takes no more."""
    if st.session_state.pop("zoo.start", False):
        try:
            engine.start(race.runs)
        except LimitError as reason:
            say(reason, "warning")
        race.wait_for_news(0.25)


# ---- What moves ------------------------------------------------------------------------------------------------------


def show(race: Race, bug: Bug) -> None:
    """Everything below the choice, refreshed only while there is something to wait for."""
    waiting = _is_waiting(race.views())
    refreshing(_live, OFTEN if waiting else None, race, bug, waiting)


def _is_waiting(views: Sequence[View]) -> bool:
    return any(view.status.active or not view.observations for view in views)


def _live(race: Race, bug: Bug, waiting: bool) -> None:
    views = race.views()
    st.html(STYLE)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if all(view.observations for view in views):
            _pictures(bug, views)
            _curves(bug, views)
    with right, st.container(key="zoo-chart"):
        _status(race, views, bug)
        if all(view.status.ended for view in views):
            _examined(race, views, bug)
    if _is_revealed(bug):
        _evidence(bug)
    if waiting and not _is_waiting(views):
        st.rerun(scope="app")  # it has ended: the button changes, the timer stops


def _status(race: Race, views: Sequence[View], bug: Bug) -> None:
    share = sum(view.step for view in views) / sum(view.total_steps for view in views)
    if race.status.active:
        step = max(view.step for view in views)
        st.progress(share, text=f"Training both: step {step:,} of {views[0].total_steps:,}")
    elif not race.status.ended:
        st.markdown(
            f"**{bug.title}** and a healthy control, both untrained yet. One mistake is in the patient's program, and "
            "nothing else differs. *Examine* trains both; then say what is wrong."
        )
    for name, view in zip((bug.title, "The control"), views):
        if view.status is Status.FAILED:
            reason = view.message.split(". ")[0].rstrip(".")
            st.caption(words.plain(f"{name}: {reason}."))


def _pictures(bug: Bug, views: Sequence[View]) -> None:
    looking = st.session_state.get("zoo-film", {}).get("looking")
    films = [lookback.pictures_of(view) for view in views]
    steps = lookback.steps_of(films)
    index = lookback.place(steps, looking)
    columns, colour = [], colour_of(bug.control.config)
    for title, view, film in zip((bug.title, "Healthy control"), views, films):
        seen = lookback.at(view.observations, steps[index])
        note = f"squared error {short(seen.squared_error)} · KL {short(seen.kl)}"
        columns.append(Column(_rows(lookback.at(film, steps[index]), title), title, note, colour))
    said = "Trained." if all(view.status.ended for view in views) else "Training." if looking is None else ""
    components.film(columns, steps, index, looking, said, key="zoo-film")


def _rows(shown: Pictures, title: str) -> list[Row]:
    def strip_of(images: np.ndarray) -> bytes:
        return strip(images[:PICTURES], columns=PICTURES)

    return [
        Row("inputs", "test images", strip_of(shown.inputs), "Test images"),
        Row("reconstructions", "reconstructions, as shown by its program", strip_of(shown.reconstructions),
            f"Reconstructions by {title} after step {shown.step}"),
        Row("samples", "samples from the prior", strip_of(shown.samples), f"Samples of {title} after step {shown.step}"),
    ]  # fmt: skip


def _curves(bug: Bug, views: Sequence[View]) -> None:
    none: tuple[np.ndarray, dict[str, np.ndarray]] = (np.zeros(0), {})
    runs = [
        RunCurves(name, colour_of(case.config),
                  {"reconstruction": view.reconstruction, "kl": view.kl, "objective": view.objective}, none)
        for name, case, view in zip((bug.title, "control"), (bug.patient, bug.control), views)
    ]  # fmt: skip
    drawn = training_curves(runs, height=205)
    components.figure(
        drawn, "zoo-curves", f"Reconstruction, KL and objective in training: {bug.title} and the healthy control",
        narrow=narrow(drawn),
    )  # fmt: skip
    st.caption(f"As the programs report them in training. Solid: {bug.title}; dashed: the healthy control.")


# ---- Symptoms, guess, answer -----------------------------------------------------------------------------------------


def _examined(race: Race, views: Sequence[View], bug: Bug) -> None:
    found = _found(race, views, bug)
    if found is None:
        words.say("The workers lost this training; examine the patient again.", "error")
        return
    st.html(symptoms_table(bug, found))
    _guess(bug)


def _found(race: Race, views: Sequence[View], bug: Bug) -> Examination | None:
    """The measured symptoms; None where a training ended for another reason than its own numbers."""
    found = _kept(FOUND)
    if bug.key not in found:
        if views[1].status is not Status.DONE or views[0].status is Status.STOPPED:
            return None
        outcomes = [
            Outcome(case, run.state(), view.reconstruction, view.objective)
            for case, run, view in zip((bug.patient, bug.control), race.runs, views)
        ]
        found[bug.key] = measure(bug, *outcomes, load_dataset(bug.control.config.dataset))
    return found[bug.key]


def _guess(bug: Bug) -> None:
    """The causes to choose from; or, once revealed, what it was."""
    if (of_class := asked(PATIENT, bug.key)) is not None:
        _of_class(bug, of_class)
        return
    guess = _kept(GUESSES).get(bug.key)
    if bug.key in _kept(REVEALED):
        _answer(bug, ZOO[guess])
        return
    st.markdown(f"**What is wrong with {bug.title}?**")
    with st.container(horizontal=True, gap="small", key="zoo-guess"):
        for key in CAUSES:
            st.button(
                ZOO[key].name, key=f"zoo-guess-{CAUSES.index(key)}", on_click=_take_guess, args=(bug.key, key),
                type="primary" if guess == key else "secondary",
            )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Reveal", key="zoo-reveal", icon=":material/visibility:", disabled=guess is None, on_click=_reveal,
            args=(bug.key,), help="Make a guess first; it can be changed until you reveal.",
        )  # fmt: skip
        _score()


def _answer(bug: Bug, guess: Bug) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="zoo-answer"):
        if guess is bug:
            st.markdown(f":green-badge[:material/check: right] **{words.plain(bug.name)}**", width="content")
        else:
            st.markdown(
                f":red-badge[:material/close: not so] You said {words.plain(guess.name)}; it is "
                f"**{words.plain(bug.name)}**.", width="content",
            )  # fmt: skip
        _score()
    _cause(bug)


def _of_class(bug: Bug, of_class: Round) -> None:
    """The same for a class: one vote each, and the lecturer reveals."""
    if not of_class.revealed:
        st.markdown(f"**What is wrong with {bug.title}?**")
        ballot(of_class, "zoo")
        return
    st.markdown(f"It is **{words.plain(bug.name)}**.")
    outcome(of_class)
    _cause(bug)


def _cause(bug: Bug) -> None:
    st.markdown(words.plain(bug.cause))
    st.markdown(f"**Cure.** {words.plain(bug.fix)}")


def _is_revealed(bug: Bug) -> bool:
    of_class = asked(PATIENT, bug.key)
    return bug.key in _kept(REVEALED) if of_class is None else of_class.revealed


def _take_guess(patient: str, cause: str) -> None:
    _kept(GUESSES)[patient] = cause


def _reveal(patient: str) -> None:
    _kept(REVEALED)[patient] = True


def named() -> dict[str, str]:
    """Patient -> the cause that was named before it was revealed."""
    return {patient: _kept(GUESSES)[patient] for patient in _kept(REVEALED)}


def _score() -> None:
    revealed, guesses = _kept(REVEALED), _kept(GUESSES)
    if revealed:
        right = sum(guesses[key] == key for key in revealed)
        st.caption(f"{right} of {len(revealed)} guessed right", width="content")


def _evidence(bug: Bug) -> None:
    """The code, and who had it."""
    for column, title, code in zip(st.columns(2, gap="medium"), ("Faulty", "Fixed"), (bug.faulty, bug.fixed)):
        column.caption(title)
        column.code(code.replace("\n    ", "\n"), language="python", wrap_lines=True)
    reports = (f"- [{words.plain(r.title)}]({r.url}): {words.plain(r.said)}" for r in bug.reports)
    st.markdown("\n".join(("**People who had it**", "", *reports)))


STYLE = """
<style>
.vae-symptoms { width: 100%; font-size: 0.88rem; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.vae-symptoms th { text-align: left; font-weight: 400; padding-top: 4px; }
.vae-symptoms thead th { opacity: 0.8; text-align: right; white-space: nowrap; padding-left: 10px; }
.vae-symptoms thead th:first-child { text-align: left; padding-left: 0; }
.vae-symptoms td { text-align: right; white-space: nowrap; padding-left: 10px; vertical-align: top; padding-top: 4px; }
.vae-symptoms small { opacity: 0.8; }
.vae-symptoms sup { line-height: 0; }
.vae-symptoms .normal td { text-align: left; white-space: normal; opacity: 0.8; font-size: 0.8rem; padding: 0 0 4px;
  border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.st-key-zoo-guess, .st-key-zoo-ballot { gap: 6px; }
.st-key-zoo-guess button, .st-key-zoo-ballot button { min-height: 0; padding: 2px 10px; }
.st-key-zoo-guess button p, .st-key-zoo-ballot button p { font-size: 0.85rem; }
</style>
"""
