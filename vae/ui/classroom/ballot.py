"""A question as one of the class sees it, on whatever page: the answers, one vote, and what became of it."""

from __future__ import annotations

import streamlit as st

from vae.classroom import CLASSES, Round, reconcile
from vae.ui.classroom.attempt import attempt, refusals
from vae.ui.shared.owner import owner
from vae.ui.shared.words import plain, say


def asked(kind: str, key: str) -> Round | None:
    """The question, if this browser is in a class that was asked it."""
    room = CLASSES.attended_by(owner())
    return room.state.rounds.get((kind, key)) if room else None


def vote_of(round_: Round | None) -> str | None:
    """What this browser answered."""
    return round_.votes.get(owner()) if round_ else None


def ballot(round_: Round, name: str, wide: bool = False) -> None:
    """The answers of a question that is not revealed yet, until one is given. name: for the buttons' keys."""
    room, given = CLASSES.attended_by(owner()), vote_of(round_)
    if given is not None:
        chosen = plain(round_.question.options[given])
        st.markdown(f":material/how_to_vote: Your vote: **{chosen}**. The verdict opens when the lecturer reveals it.")
        return
    st.markdown("**What do you say?** One vote each; the verdict opens when the lecturer reveals it.")
    with st.container(horizontal=not wide, gap="small", key=f"{name}-ballot"):
        for index, (answer, label) in enumerate(round_.question.options.items()):
            st.button(
                label, key=f"{name}-vote-{index}", on_click=attempt, args=(room.vote, owner(), round_.key, answer),
                disabled=room.state.locked, width="stretch" if wide else "content",
            )  # fmt: skip
    for refused in refusals():
        say(refused, "warning")


def outcome(round_: Round) -> None:
    """After it is revealed: what one's own vote was worth."""
    given, question = vote_of(round_), round_.question
    if given is None:
        st.markdown(":material/how_to_vote: You did not vote on this.")
    elif given == question.answer:
        st.markdown(f":green-badge[:material/check: right] You voted “{plain(question.options[given])}”.")
    else:
        sentence = plain(reconcile(question, given))
        st.markdown(f":red-badge[:material/close: not right] You voted “{plain(question.options[given])}”. {sentence}")
