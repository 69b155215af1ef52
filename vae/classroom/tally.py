"""What a class answered, without who: counts, and the table that a lecturer may take along."""

from __future__ import annotations

import csv
import io
from collections import Counter

from vae.classroom.room import Round, State

COLUMNS = ("kind", "key", "question", "answer", "right", "votes", "of", "revealed")


def counts(asked: Round) -> dict[str, int]:
    """answer -> votes, for every answer that was offered."""
    given = Counter(asked.votes.values())
    return {answer: given[answer] for answer in asked.question.options}


def table(state: State) -> str:
    """CSV: a row for each answer of each question that was asked, with how many gave it. No row says who, nor whether two
    answers come from the same person."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for asked in state.rounds.values():
        told = asked.question
        for answer, votes in counts(asked).items():
            right, revealed = ("yes" if is_so else "no" for is_so in (answer == told.answer, asked.revealed))
            row = (told.kind, told.key, told.title, told.options[answer], right, votes, len(asked.votes), revealed)
            writer.writerow(row)
    return out.getvalue()
