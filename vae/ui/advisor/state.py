"""What the page "Which loss?" shows: the data, what matters, and the losses raced."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vae.data import find_source
from vae.errors import SettingError
from vae.links.fields import Field, choice
from vae.losses.table import LOSSES
from vae.study.advice import RACED, WANTS
from vae.training.race import MOST_COLUMNS
from vae.ui.shared.own_images import IN_A_LINK, is_mine
from vae.ui.shared.page_state import PageState

FEWEST = 2


def _dataset(name: str, text: str) -> str:
    find_source(text)  # SettingError where there is none
    return text


def check_losses(name: str, losses: tuple[str, ...]) -> tuple[str, ...]:
    """Those that can race each other; SettingError says which can."""
    if not set(losses) <= set(LOSSES) or len(set(losses)) < len(losses) or not FEWEST <= len(losses) <= MOST_COLUMNS:
        accepted = (
            f"{FEWEST} to {MOST_COLUMNS} different ones of {', '.join(LOSSES)}, with commas between, are accepted"
        )
        raise SettingError(name, ",".join(losses), accepted)
    return losses


def _losses(name: str, text: str) -> tuple[str, ...]:
    return check_losses(name, tuple(part.strip() for part in text.split(",")))


class AdvisorState(PageState):
    """Pictures that somebody brought are in no link."""

    def read(self, query: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
        mine = is_mine(query.get("dataset", ""))
        values, problems = super().read(query if mine else {n: t for n, t in query.items() if n != "dataset"})
        return values, problems if mine else [IN_A_LINK, *problems]


STATE = AdvisorState(
    "advisor",
    MappingProxyType(
        {
            "dataset": Field("digits", _dataset),
            "want": choice("likelihood", tuple(WANTS)),
            "losses": Field(RACED, _losses, ",".join),
        }
    ),
    frozenset({"dataset"}),
)
