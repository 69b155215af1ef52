"""The Class page of the lecturer, to be projected: the way in, who is in and has voted, the question, and the verdict."""

from __future__ import annotations

import html

import segno
import streamlit as st

from vae.classroom import CLAIM, PATIENT, RACE, RACES, Classroom, Question, Round, counts, question_of, reconcile, table
from vae.figures.votes import votes
from vae.study.claims import CLAIMS
from vae.study.zoo import ZOO
from vae.ui.classroom import contest, door, notices
from vae.ui.classroom.attempt import attempt
from vae.ui.classroom.join_link import notice, way_in
from vae.ui.shared.components import figure
from vae.ui.shared.downloads import download_button
from vae.ui.shared.keys import rules
from vae.ui.shared.refresh import refreshing
from vae.ui.shared.words import plain, say

TALLY_SECONDS = 0.5
KINDS = {CLAIM: "a claim", PATIENT: "a patient", RACE: "a race"}
KEYS = {
    CLAIM: {key: claim.title for key, claim in CLAIMS.items()},
    PATIENT: {key: bug.title for key, bug in ZOO.items()},
    RACE: {key: race.title for key, race in RACES.items()},
}


def show(room: Classroom) -> None:
    st.html(STYLE)
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        _way_in(room)
        refreshing(_tally, TALLY_SECONDS, room)
    with right:
        _ask(room)
        _controls(room)
        if room.state.round is not None:
            _question(room.state.round)


# ---- The way in, and who has come ------------------------------------------------------------------------------------


def _way_in(room: Classroom) -> None:
    link = way_in(room.code)
    access = f"<div class='access'>access code <b>{html.escape(rules().code)}</b></div>" if rules().code else ""
    code = segno.make(link, error="m").svg_data_uri(scale=6, border=3, light="#fff")
    shown = html.escape(link.partition("://")[2]).replace("/", "/<wbr>").replace("?", "<wbr>?")
    st.html(
        f"<div class='vae-way-in'><img src='{html.escape(code)}' alt='QR code of the link to join'>"
        f"<div class='code'>{room.code}</div><div class='link'>{shown}</div>{access}</div>"
    )
    if (warning := notice()) is not None:
        say(warning)


def _tally(room: Classroom) -> None:
    notices.listen()  # another tab of the lecturer's may have asked or revealed
    state = room.state
    voted = "" if state.round is None else f"<div><b>{len(state.round.votes)}</b> voted</div>"
    st.html(f"<div class='vae-tally' role='status'><div><b>{len(state.people)}</b> in</div>{voted}</div>")


# ---- The question ----------------------------------------------------------------------------------------------------


def _ask(room: Classroom) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="classroom-ask"):
        kind = st.segmented_control(
            "Ask", list(KINDS), format_func=KINDS.get, default=CLAIM, required=True, key="classroom-kind",
            label_visibility="collapsed", width="content",
        )  # fmt: skip
        known = KEYS[kind]
        key = st.selectbox(
            "Which", list(known), format_func=known.get, key=f"classroom-{kind}", label_visibility="collapsed",
        )  # fmt: skip
        st.button(
            "Ask", key="classroom-ask-it", type="primary", icon=":material/campaign:", on_click=attempt, args=(_put, room, kind, key)
        )  # fmt: skip


def _put(room: Classroom, kind: str, key: str) -> None:
    if kind == RACE:
        contest.begin(room, key)
    room.ask(question_of(kind, key))


def _question(asked: Round) -> None:
    question = asked.question
    with st.container(key="classroom-question"):
        st.html(
            f"<div class='vae-asked'><h3>{html.escape(question.title)}</h3><p>{html.escape(question.text)}</p></div>",
        )
        if asked.revealed:
            _verdict(asked)
            return
        options = "".join(f"<li>{html.escape(label)}</li>" for label in question.options.values())
        st.html(f"<ul class='vae-options'>{options}</ul>")


def _verdict(asked: Round) -> None:
    question, given = asked.question, counts(asked)
    left, right = st.columns([1.3, 1], gap="medium")
    with left:
        drawn = votes(
            {question.options[answer]: number for answer, number in given.items()}, question.options[question.answer]
        )
        figure(drawn, "classroom-votes", _spoken(question, given))
    with right, st.container(key="classroom-verdict"):
        st.markdown(f":green-badge[{plain(question.verdict)}] {plain(question.explain)}")
    wrong = sorted(
        (answer for answer in given if given[answer] and answer != question.answer), key=lambda one: -given[one]
    )
    with st.container(key="classroom-wrong"):
        for answer in wrong:
            st.markdown(
                f"**{plain(question.options[answer])}** ({given[answer]}): {plain(reconcile(question, answer))}"
            )


def _spoken(question: Question, given: dict[str, int]) -> str:
    said = ", ".join(f"{question.options[answer]}: {number}" for answer, number in given.items())
    return f"How the class has voted. {said}. Right: {question.options[question.answer]}."


def _reveal(room: Classroom) -> None:
    asked = room.state.round.question
    room.reveal(contest.outcome(room, asked) if asked.kind == RACE else None)


# ---- What else a lecturer may do -------------------------------------------------------------------------------------


def _controls(room: Classroom) -> None:
    state = room.state
    with st.container(horizontal=True, vertical_alignment="center", key="classroom-controls"):
        if state.round is not None:
            question = state.round.question
            st.button(
                "Reveal", key="classroom-reveal", type="primary", icon=":material/visibility:", on_click=attempt,
                args=(_reveal, room), disabled=state.round.revealed,
                help="Closes the vote, and shows the verdict here and on every page of the class.",
            )  # fmt: skip
            st.button(
                "Send everybody", key="classroom-send", icon=":material/send:", on_click=attempt,
                args=(room.send, question.page, question.query), help="Opens, for everybody in the class, the page that shows it.",
            )  # fmt: skip
        st.button(
            "Call back", key="classroom-back", icon=":material/undo:", on_click=attempt,
            args=(room.send, "classroom", {"class": room.code}), disabled=not state.sent.number,
            help="Brings everybody to this class's page.",
        )  # fmt: skip
        st.button(
            "Unlock" if state.locked else "Lock", key="classroom-lock", on_click=attempt, args=(room.lock, not state.locked),
            icon=":material/lock_open:" if state.locked else ":material/lock:",
            help="Locked: no votes, and nothing can be used on the pages of the class.",
        )  # fmt: skip
        download_button(
            "Answers", data=lambda: table(room.state), file_name="class.csv", mime="text/csv", key="classroom-csv",
            icon=":material/download:", disabled=not state.rounds,
            help="Counts as CSV; nothing in it says who.",
        )  # fmt: skip
        with st.popover("End", icon=":material/stop_circle:"):
            st.markdown("Nothing is kept: download the answers first if you want them.")
            st.button("End the class", key="classroom-end", type="primary", on_click=door.end, args=(room,))


STYLE = """
<style>
.vae-way-in { text-align: center; }
.vae-way-in img { width: min(100%, 300px); border-radius: 8px; }
.vae-way-in .code { font-size: 3rem; font-weight: 700; letter-spacing: 0.18em; line-height: 1.15; margin-right: -0.18em; }
.vae-way-in .link { font-size: 1.35rem; font-weight: 600; overflow-wrap: anywhere; line-height: 1.25; }
.vae-way-in .access { font-size: 1.2rem; margin-top: 0.4rem; }
.vae-way-in .access b { font-size: 1.6rem; letter-spacing: 0.06em; }
.vae-tally { display: flex; gap: 2rem; justify-content: center; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.vae-tally b { font-size: 2.6rem; }
.vae-asked h3 { font-size: 1.9rem; margin: 0; padding: 0.4rem 0 0.2rem; }
.vae-asked p { font-size: 1.2rem; margin: 0; }
.vae-options { font-size: 1.35rem; margin: 0; padding-left: 1.4rem; }
.st-key-classroom-verdict p, .st-key-classroom-wrong p { font-size: 1.15rem; }
</style>
"""
