"""The front door: the loss in one picture, then each claim of the lecture with its verdict, recomputed."""

import streamlit as st

from vae.claims import CLAIMS
from vae.ui import lecture
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline("The VAE loss, claim by claim", "What a lecture says of BCE, MSE and the KL term, and what the numbers say.")
notices, act = slots(2)

with notices:
    for problem in lecture.restore():
        say(problem, "warning")
findings = {key: claim.check() for key, claim in CLAIMS.items()}
with act:
    left, right = st.columns([1, 2], gap="medium")
with left:
    chosen = lecture.contents(findings)
with right:
    if chosen == lecture.START:
        lecture.start()
    else:
        lecture.claim(findings[chosen])
