"""The lecture: the loss in one picture, then each claim of the lecture with its verdict, recomputed."""

import streamlit as st

from vae.study.claims import CLAIMS
from vae.ui.lecture import page as lecture
from vae.ui.lecture.state import START, STATE
from vae.ui.shared.shell import headline, slots, tell

headline("The VAE loss, claim by claim", "What a lecture says of BCE, MSE and the KL term, and what the numbers say.")
notices, act = slots(2)

tell(notices, STATE.restore()[1])
findings = {key: claim.check() for key, claim in CLAIMS.items()}
with act:
    left, right = st.columns([1, 2], gap="medium")
with left:
    chosen = lecture.contents(findings)
with right:
    if chosen == START:
        lecture.start()
    else:
        lecture.show(findings[chosen])
