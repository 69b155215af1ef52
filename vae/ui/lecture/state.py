"""What the Lecture page shows: a claim, and whether the class predicts first."""

from __future__ import annotations

from types import MappingProxyType

from vae.study.claims import CLAIMS
from vae.ui.shared.page_state import PageState, choice, flag

START = ""  # the entry above the claims

STATE = PageState("lecture", MappingProxyType({"claim": choice(START, tuple(CLAIMS)), "predict": flag()}))
