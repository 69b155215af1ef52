"""The bar that leads through a tour, or holds an exercise, over whatever page is shown.

An address says which (lesson and step, or exercise); it goes along from page to page until it is left. Back and Next are links:
a reload, a bookmark and the browser's own buttons do what they do everywhere. Each link has a number of its own (turn), which
is taken out of the address again: by it, going back at once differs from an address that the browser has not replaced yet.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import streamlit as st

from vae.errors import SettingError
from vae.lesson import EXERCISES, PROGRESS, TOURS, Exercise, Judgement, Passed, Step, Tour, judge
from vae.links.fields import choice, whole
from vae.ui.shared import looks
from vae.ui.shared.looks import EXERCISE, LESSON, STEP, TURN
from vae.ui.shared.owner import owner
from vae.ui.shared.page_state import LAG_SECONDS
from vae.ui.shared.words import plain, say

GUIDE, SHOWN, JUDGED, FOLDED = "lesson.guide", "lesson.shown", "lesson.judged", "lesson.folded"  # of this session
GUIDING = (LESSON, STEP, EXERCISE, TURN)
ANSWER = "lesson.named"  # the key of what an exercise asks to choose

_keys = st.components.v2.component(
    "vae_lesson_keys", js=Path(__file__).with_name("keys.js").read_text(), isolate_styles=False
)


@dataclass(frozen=True)
class Guide:
    """A step of a tour, counted from 1, or an exercise."""

    tour: Tour | None = None
    number: int = 0
    exercise: Exercise | None = None

    @property
    def page(self) -> str:
        return self.exercise.page if self.exercise else self.step.page

    @property
    def step(self) -> Step:
        return self.tour.steps[self.number - 1]

    def fields(self) -> dict[str, str]:
        """What an address says of it."""
        return {EXERCISE: self.exercise.key} if self.exercise else {LESSON: self.tour.key, STEP: str(self.number)}

    def query(self) -> dict[str, str]:
        """Of the link that opens it, from where this session stands."""
        return {**(self.exercise or self.step).query, **self.fields(), TURN: str(_followed().turn + 1)}


@dataclass
class Followed:
    """What this session follows, what it followed before that, and the highest turn that it has seen."""

    now: Guide | None = None
    before: Guide | None = None
    changed_at: float = 0.0
    turn: int = 0

    def go(self, to: Guide | None) -> None:
        if to != self.now:
            self.before, self.now, self.changed_at = self.now, to, time.monotonic()

    def is_late(self, asked: Guide | None) -> bool:
        """Whether an address that asks for this is an older one of ours: a refresh that was asked for before has it."""
        return asked == self.before and time.monotonic() - self.changed_at < LAG_SECONDS


def _followed() -> Followed:
    return st.session_state.setdefault(GUIDE, Followed())


def guide(current: str, page: Callable[..., st.Page]) -> None:
    """Follow what the address says, and show the bar. current: the page that is about to be made; page(name): one to link to."""
    followed = _followed()
    before, turn = followed.now, _turn()
    linked = turn > followed.turn
    followed.turn = max(followed.turn, turn)
    try:
        asked = _of_address()
        if asked is not None and (linked or not followed.is_late(asked)):
            followed.go(asked)
    except SettingError as reason:
        say(f"{reason} The page is shown without a lesson.", "warning")
        followed.go(None)
    if current == "lesson":  # which lists all of them
        followed.go(None)
    now = followed.now
    changed = linked or now != before
    _write(now, again=changed)
    arrived = now is not None and changed and now.page == current
    looks.arrive(arrived)
    looks.hold_back(now is not None and now.tour is not None and (now.tour.key, now.number) not in _shown())
    if now is None or looks.only():
        return
    if changed:
        st.session_state.pop(JUDGED, None)
    if now.tour:
        PROGRESS.at(owner(), now.tour.key, now.number)
        if arrived and now.step.panel:
            st.session_state["panel"] = now.step.panel
    _bar(now, current, page)


def _turn() -> int:
    asked = st.query_params.get(TURN, "0")
    return int(asked) if re.fullmatch("[0-9]{1,9}", asked) else 0


def _of_address() -> Guide | None:
    """SettingError where it asks for what there is not."""
    asked = st.query_params
    if LESSON in asked:
        tour = TOURS[choice("", tuple(TOURS)).parse(LESSON, asked[LESSON])]
        return Guide(tour, whole(1, 1, len(tour.steps)).parse(STEP, asked.get(STEP, "1")))
    if STEP in asked:
        raise SettingError(STEP, asked[STEP], "a step goes with a lesson, and no lesson is named")
    if EXERCISE in asked:
        return Guide(exercise=EXERCISES[choice("", tuple(EXERCISES)).parse(EXERCISE, asked[EXERCISE])])
    return None


def _write(now: Guide | None, again: bool = False) -> None:
    """again: tell the browser even what it asked for itself, as after a link to the page that it is on it does not keep it."""
    others = {name: text for name, text in st.query_params.to_dict().items() if name not in GUIDING}
    wanted = others | (now.fields() if now else {})
    if again or wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def _leave() -> None:
    _followed().go(None)
    _write(None)


# ---- The bar ---------------------------------------------------------------------------------------------------------


def _bar(now: Guide, current: str, page: Callable[..., st.Page]) -> None:
    st.html(STYLE)
    folded = bool(st.session_state.get(FOLDED))
    with st.container(key="lesson-bar", horizontal=True, vertical_alignment="center"):
        if not folded:
            with st.container(key="lesson-words"):
                _exercise_words(now.exercise, page) if now.exercise else _step_words(now)
        with st.container(key="lesson-side", horizontal=folded, vertical_alignment="center"):
            st.caption(_title(now), width="content")
            with st.container(horizontal=True, vertical_alignment="center", key="lesson-ways"):
                _exercise_ways(now.exercise, current) if now.exercise else _step_ways(now, page)
                _link(page, now, "again", "To its beginning", ":material/replay:", help="The page as this begins.")
                st.button(
                    "Unfold" if folded else "Fold", key="lesson-fold", on_click=_fold, type="tertiary",
                    icon=":material/expand_less:" if folded else ":material/expand_more:",
                    help="Shows the words again." if folded else "Leaves the buttons alone, and the page its room.",
                )  # fmt: skip
                st.button(
                    "Leave", key="lesson-leave", on_click=_leave, type="tertiary", icon=":material/close:",
                    help="The page stays as it is. The Lesson page goes on from here.",
                )  # fmt: skip


def _title(now: Guide) -> str:
    if now.exercise:
        return f"Exercise: {now.exercise.title}"
    return f"{now.number} of {len(now.tour.steps)} · {now.step.title}"


def _link(page: Callable[..., st.Page], to: Guide, name: str, label: str, icon: str, **how: str) -> None:
    with st.container(key=f"lesson-{name}", width="content"):
        st.page_link(page(to.page), label=label, icon=icon, query_params=to.query(), **how)


def _fold() -> None:
    st.session_state[FOLDED] = not st.session_state.get(FOLDED, False)


# ---- A step ------------------------------------------------------------------------------------------------------------


def _shown() -> set[tuple[str, int]]:
    """The steps whose answers were asked for."""
    return st.session_state.setdefault(SHOWN, set())


def _step_words(now: Guide) -> None:
    st.markdown(plain(now.step.text))
    st.markdown(f"**{plain(now.step.question)}**")
    if (now.tour.key, now.number) in _shown():
        with st.container(key=_told(now)):
            st.markdown(plain(now.step.answer))


def _told(now: Guide) -> str:
    """The key of what holds the answer."""
    return f"lesson-told-{now.tour.key}-{now.number}"


def _step_ways(now: Guide, page: Callable[..., st.Page]) -> None:
    last, answered = now.number == len(now.tour.steps), (now.tour.key, now.number) in _shown()
    _keys(data={"answered": answered, "told": f".st-key-{_told(now)}"}, key="lesson-keys")
    if now.number > 1:
        _link(page, Guide(now.tour, now.number - 1), "back", "Back", ":material/arrow_back:", help="PageUp")
    if not answered:
        st.button("Show the answer", key="lesson-answer", on_click=_show_answer, args=(now,), type="primary")
    if not last:
        _link(
            page, Guide(now.tour, now.number + 1), "next", "Next", ":material/arrow_forward:", icon_position="right", help="PageDown",
        )  # fmt: skip
    else:
        with st.container(key="lesson-next", width="content"):
            st.page_link(page("lesson"), label="Finish", icon=":material/check:")


def _show_answer(now: Guide) -> None:
    _shown().add((now.tour.key, now.number))
    st.session_state[FOLDED] = False


# ---- An exercise -------------------------------------------------------------------------------------------------------


def _exercise_words(exercise: Exercise, page: Callable[..., st.Page]) -> None:
    st.markdown(f"**{plain(exercise.task)}**")
    judged: Judgement | None = st.session_state.get(JUDGED)
    if judged is None:
        return
    with st.container(key="lesson-told"):
        if judged.passed:
            st.markdown(f":green-badge[:material/check: Passed] {plain(judged.said)}")
            st.page_link(page("lesson"), label="To the receipt", icon=":material/receipt_long:")
        else:
            st.markdown(f":orange-badge[:material/pending: Not yet] {plain(judged.said)}")


def _exercise_ways(exercise: Exercise, current: str) -> None:
    if exercise.answers:
        st.selectbox(
            "The cause", list(exercise.answers), format_func=exercise.answers.get, index=None, key=ANSWER, width=300,
            placeholder="The cause", label_visibility="collapsed", filter_mode=None,
        )  # fmt: skip
    st.button("Check", key="lesson-check", type="primary", on_click=_check, args=(exercise, current))
    with st.popover("Hint", icon=":material/lightbulb:"):
        st.markdown(plain(exercise.hint))


def _check(exercise: Exercise, current: str) -> None:
    """The page as it stands now; what is said stays until it is checked again."""
    st.session_state[FOLDED] = False
    seen = import_module("vae.ui.lesson.reached")  # only now: it knows what every page holds
    judged = judge(exercise, seen.reached(current, st.session_state.get(ANSWER) or ""))
    st.session_state[JUDGED] = judged
    if judged.passed:
        how = Passed(judged.said, seen.link_of(current), datetime.now(UTC))
        PROGRESS.passes(owner(), exercise.key, how)


# ---- Looks -------------------------------------------------------------------------------------------------------------

# The bar comes first in the page, and so for the keyboard; it stands last, and at the foot of the window while there is more
# below: it takes room of its own and never lies on what can still be scrolled to.
STYLE = """
<style>
.stMainBlockContainer > .stVerticalBlock > :has(> .st-key-lesson-bar) {
  order: 9; position: sticky; bottom: 0; z-index: 90; margin-top: auto; }
.st-key-lesson-bar { background: light-dark(#f3f6fa, #1c232e); gap: 0.4rem 1.2rem !important;
  border: 1px solid rgba(128, 128, 128, 0.35); border-radius: 10px; padding: 0.45rem 0.9rem;
  box-shadow: 0 -2px 14px rgba(0, 0, 0, 0.16); }
.st-key-lesson-bar [data-testid="stMarkdownContainer"], .st-key-lesson-bar [data-testid="stCaptionContainer"] { margin: 0; }
.st-key-lesson-bar > :has(> .st-key-lesson-words) { flex: 1 1 22rem; min-width: 0; }
.st-key-lesson-bar > :has(> .st-key-lesson-side) { flex: 0 0 auto; width: auto; }
.st-key-lesson-words, [class*="st-key-lesson-told"] { gap: 0.1rem !important; }
.st-key-lesson-words p { margin: 0; line-height: 1.35; font-size: 0.95rem; }
[class*="st-key-lesson-told"] { border-left: 3px solid #0072B2; padding-left: 0.6rem; }
.st-key-lesson-side { gap: 0.15rem !important; }
.st-key-lesson-ways { gap: 0.3rem !important; }
.st-key-lesson-ways :is(button, a) { min-height: 2rem; padding: 0 0.5rem; margin: 0; }
.st-key-lesson-ways > *, .st-key-lesson-ways .stPageLink > div { align-self: center; line-height: 1; }
.st-key-lesson-ways a { background: none; }
.st-key-lesson-ways a:hover { background: rgba(128, 128, 128, 0.15); }
.st-key-lesson-next a { border: 1px solid #0072B2; border-radius: 8px; }
:is(.st-key-lesson-back, .st-key-lesson-again, .st-key-lesson-fold, .st-key-lesson-leave) p {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 640px) {
  .st-key-lesson-words p { font-size: 0.9rem; }
  .st-key-lesson-bar > :has(> .st-key-lesson-side) { flex: 1 1 auto; }
  .st-key-lesson-ways { gap: 0.1rem !important; }
  :is(.st-key-lesson-back, .st-key-lesson-again, .st-key-lesson-fold, .st-key-lesson-leave) :is(a, button) { padding: 0 0.15rem; }
}
</style>
"""
