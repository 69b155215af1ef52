"""A class that answers together: who is in it, what is asked, who has said what, and what to say of a wrong answer.

Pure state, thread-safe, in memory alone: when a class ends, nothing of it is left.
"""

from vae.classroom.questions import CLAIM, PATIENT, RACE, Question, answered, question_of
from vae.classroom.races import RACES
from vae.classroom.room import CLASSES, Classes, Classroom, ClassroomError, Round, Sent, State
from vae.classroom.sentences import reconcile
from vae.classroom.tally import counts, table

__all__ = [
    "CLAIM",
    "CLASSES",
    "PATIENT",
    "RACE",
    "RACES",
    "Classes",
    "Classroom",
    "ClassroomError",
    "Question",
    "Round",
    "Sent",
    "State",
    "answered",
    "counts",
    "question_of",
    "reconcile",
    "table",
]
