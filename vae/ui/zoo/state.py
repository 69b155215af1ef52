"""What the Bug zoo shows: a patient."""

from __future__ import annotations

from types import MappingProxyType

from vae.links.fields import choice
from vae.study.zoo import ZOO
from vae.ui.shared.page_state import PageState

STATE = PageState("zoo", MappingProxyType({"patient": choice("a", tuple(ZOO))}))
