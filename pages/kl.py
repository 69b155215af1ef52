"""The KL term of one code: over all codes, in numbers, in densities, against samples, derived and weighed."""

import streamlit as st

from vae.losses.kl import estimate
from vae.ui.kl import page as kl
from vae.ui.kl.state import STATE
from vae.ui.kl.tabs import parts
from vae.ui.shared.shell import headline, slots, tell

headline("The KL term", "How far a code q(z|x) = N(μ, σ²) is from the prior p(z) = N(0, 1), in nats.")
notices, act, below = slots(3)

tell(notices, STATE.restore()[1])
with act:
    left, right = st.columns([1, 3.1], gap="medium")
with left:
    setting = kl.controls()

if setting is not None:
    found = estimate(setting)
    with left:
        kl.numbers(setting, found)
    with right:
        over, beside = st.columns(2, gap="medium")
        with over:
            kl.over_codes(setting)
        with beside:
            kl.densities(setting)
        kl.convergence(found)

with below:
    parts()
