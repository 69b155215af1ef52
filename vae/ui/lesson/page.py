"""The Lesson page: where to start or to go on, the exercises and how far one is, receipts to hand in, receipts to check."""

from __future__ import annotations

from functools import cache

import streamlit as st

from vae.lesson import EXERCISES, PROGRESS, TOURS, Receipt, ReceiptError, Receipts, Tour, receipts_of
from vae.lesson.receipts import LONGEST_NAME
from vae.ui.lesson.bar import Guide
from vae.ui.shared import keys
from vae.ui.shared.downloads import download_button
from vae.ui.shared.owner import owner
from vae.ui.shared.shell import PAGES, page
from vae.ui.shared.words import cut, file_name, plain, say

MOST_SHOWN = 200  # receipts


@cache
def _receipts() -> Receipts:
    return Receipts(keys.signing_secret())


# ---- Tours -----------------------------------------------------------------------------------------------------------


def tours() -> None:
    """Each tour with its first step, and the one where this browser left it."""
    st.html(STYLE)
    left_at = PROGRESS.of(owner()).steps
    for tour in TOURS.values():
        _tour(tour, left_at.get(tour.key, 1))


def _tour(tour: Tour, number: int) -> None:
    with st.container(border=True, key=f"lesson-tour-{tour.key}"):
        st.markdown(f"**{tour.title}**")
        st.markdown(tour.about)
        st.caption(f"{len(tour.steps)} steps, {tour.minutes} minutes. PageDown goes on, PageUp goes back.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if number > 1:
                _open(Guide(tour, number), f"Go on at step {number}", ":material/play_arrow:")
            _open(Guide(tour, 1), "Start" if number == 1 else "From the start", ":material/route:")


def _open(guide: Guide, label: str, icon: str) -> None:
    st.page_link(page(guide.page), label=label, icon=icon, query_params=guide.query())


# ---- Exercises -------------------------------------------------------------------------------------------------------


def exercises() -> None:
    """All of them, open or passed."""
    passed = PROGRESS.of(owner()).passed
    st.markdown(f"**Exercises**, {len(passed)} of {len(EXERCISES)} passed")
    with st.container(key="lesson-exercises"):
        for number, exercise in enumerate(EXERCISES.values(), 1):
            how = passed.get(exercise.key)
            with st.container(horizontal=True, vertical_alignment="center", key=f"lesson-exercise-{exercise.key}"):
                icon = ":green[:material/check_circle:]" if how else ":gray[:material/radio_button_unchecked:]"
                with st.container(key=f"lesson-task-{exercise.key}"):
                    st.markdown(f"{icon} **{number}. {exercise.title}** · {PAGES[exercise.page][0]}")
                    st.caption(plain(how.said) if how else plain(exercise.task))
                _open(Guide(exercise=exercise), "Again" if how else "Begin", ":material/arrow_forward:")


# ---- Receipts ---------------------------------------------------------------------------------------------------------


def receipt() -> None:
    """What was passed, to hand in."""
    passed = PROGRESS.of(owner()).passed
    st.markdown("**Receipt to hand in**")
    if not passed:
        st.caption("Pass an exercise first. The receipt says what was reached and when, signed by this server.")
        return
    name = st.text_input("Your name, as it is to stand there", key="lesson-name", max_chars=LONGEST_NAME)
    try:
        _receipts().write(name, passed)
    except ReceiptError as reason:
        if name:
            say(reason, "warning")
        else:
            st.caption("Type your name first: it is signed with what you reached.")
        return
    download_button(
        f"Receipt of {len(passed)}", data=lambda: _receipts().write(name, passed), file_name="receipt.txt",
        mime="text/plain", key="lesson-receipt", icon=":material/receipt_long:",
    )  # fmt: skip


def checking() -> None:
    """For who teaches: receipts that were handed in, one or many, as files or pasted."""
    with st.expander("Check receipts that were handed in", icon=":material/verified:"):
        st.caption("Only the server that gave a receipt can tell that it is genuine. Nothing of them is kept.")
        files, pasted = st.columns(2, gap="medium")
        with files:
            brought = st.file_uploader("Files, one or many", type="txt", accept_multiple_files=True, key="lesson-files")
        text = pasted.text_area("Or their text, pasted", key="lesson-pasted", height=110)
        sources = {f"{number}. {file_name(file.name)}": file.getvalue() for number, file in enumerate(brought, 1)}
        if text.strip():
            sources["The pasted text"] = text.encode(errors="replace")
        if sources:
            _checked(*receipts_of(sources, _receipts()))


def _checked(found: list[tuple[str, Receipt]], problems: list[str]) -> None:
    for problem in problems:
        say(problem, "warning")
    if not found:
        return
    genuine = sum(receipt.genuine for _, receipt in found)
    st.markdown(f"**{genuine} of {len(found)} receipts are genuine.**")
    with st.container(key="lesson-checked"):
        # What is not genuine comes first: it is what has to be looked at.
        for source, receipt in sorted(found, key=lambda one: one[1].genuine)[:MOST_SHOWN]:
            _one(source, receipt)
    if len(found) > MOST_SHOWN:
        st.caption(f"The first {MOST_SHOWN} of {len(found)} are shown.")


def _one(source: str, receipt: Receipt) -> None:
    name, passed = plain(cut(receipt.name)), plain(cut(receipt.passed))
    known = EXERCISES.get(receipt.exercise)
    if receipt.genuine and known:
        st.markdown(f":green-badge[:material/verified: genuine] **{name}** · {known.title} · {passed}")
        say(receipt.reached)
    else:
        st.markdown(f":red-badge[:material/gpp_bad: not genuine] **{name}** · {plain(cut(source))}")
        say("It was changed after it was given out, or another server gave it out.")


STYLE = """
<style>
.st-key-lesson-exercises { gap: 0.55rem !important; }
[class*="st-key-lesson-tour-"] a { border: 1px solid #0072B2; border-radius: 8px; }
[class*="st-key-lesson-exercise-"] { flex-wrap: nowrap !important; }
[class*="st-key-lesson-exercise-"] > :has(> [class*="st-key-lesson-task-"]) { flex: 1 1 auto; min-width: 0; }
[class*="st-key-lesson-task-"] { gap: 0 !important; }
[class*="st-key-lesson-task-"] p { margin: 0; line-height: 1.35; }
[class*="st-key-lesson-task-"] [data-testid$="Container"] { margin: 0; }
.st-key-lesson-checked { gap: 0.2rem !important; max-height: 24rem; overflow-y: auto; }
</style>
"""
