"""What the Lecture page shows: a claim, and whether the class predicts first."""

from __future__ import annotations

from types import MappingProxyType

from vae.links.fields import choice, flag
from vae.study.claims import CLAIMS
from vae.ui.shared.page_state import PageState

START = ""  # the entry above the claims

STATE = PageState("lecture", MappingProxyType({"claim": choice(START, tuple(CLAIMS)), "predict": flag()}))
