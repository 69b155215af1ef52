"""The Class page of one of the class, on a phone: the question, one vote, and after the reveal what it was."""

from __future__ import annotations

import streamlit as st

from vae.classroom import PATIENT, Classroom, Round
from vae.ui.classroom import door
from vae.ui.classroom.ballot import ballot, outcome
from vae.ui.shared.shell import page
from vae.ui.shared.words import plain


def show(room: Classroom) -> None:
    st.html(STYLE)
    asked = room.state.round
    with st.container(key="classroom-seat", width=640):
        if asked is None:
            st.markdown(f"You are in class **{room.code}**. Questions come to this page by themselves.")
        else:
            _question(asked)
        st.button(
            "Leave the class", key="classroom-leave", type="tertiary", icon=":material/logout:", on_click=door.leave,
            args=(room,),
        )  # fmt: skip


def _question(asked: Round) -> None:
    question = asked.question
    st.subheader(plain(question.title), anchor=False)
    st.markdown(plain(question.text))
    if not asked.revealed:
        ballot(asked, "classroom", wide=True)
        if question.kind == PATIENT:  # its page shows the symptoms, and not what it is
            st.page_link(page(question.page), label="Examine the patient", query_params=question.query)
        return
    outcome(asked)
    st.markdown(f"Verdict: **{plain(question.verdict)}**. {plain(question.explain)}")
    st.page_link(page(question.page), label="See it yourself", query_params=question.query)


STYLE = """
<style>
.st-key-classroom-ballot button { min-height: 3rem; }
.st-key-classroom-seat h3 { padding: 0 0 0.4rem; }
</style>
"""
