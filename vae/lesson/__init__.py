"""Teaching with the app: tours from page to page, exercises that are checked from what a student reached, and receipts.

Plain data and pure functions; what is remembered of a browser is in memory alone.
"""

from vae.lesson.exercises import EXERCISES, Exercise, judge
from vae.lesson.progress import PROGRESS, Passed
from vae.lesson.reached import Judgement, Ran, Reached
from vae.lesson.receipts import Receipt, ReceiptError, Receipts, read, receipts_of
from vae.lesson.tours import TOURS, Step, Tour

__all__ = [
    "EXERCISES",
    "PROGRESS",
    "TOURS",
    "Exercise",
    "Judgement",
    "Passed",
    "Ran",
    "Reached",
    "Receipt",
    "ReceiptError",
    "Receipts",
    "Step",
    "Tour",
    "judge",
    "read",
    "receipts_of",
]
