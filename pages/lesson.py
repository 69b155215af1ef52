"""Teaching with the app: the tours, the exercises with what was passed, receipts to hand in and to check."""

import streamlit as st

from vae.ui.lesson import page as lesson
from vae.ui.shared.shell import headline, slots

headline("Lesson", "A tour through the lecture, and ten exercises that the app checks.")
act, below = slots(2)

with act:
    left, right = st.columns([1, 1.5], gap="large")
    with left:
        lesson.tours()
        lesson.receipt()
    with right:
        lesson.exercises()
with below:
    lesson.checking()
