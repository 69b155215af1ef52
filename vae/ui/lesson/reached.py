"""What this session has reached on a page, for an exercise's check; and the link that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from vae.engine import Race
from vae.errors import VaeError
from vae.lesson import Ran, Reached
from vae.study.opened import OpenedModel
from vae.ui.kl.state import STATE as KL
from vae.ui.latent.models import open_model
from vae.ui.latent.state import STATE as LATENT
from vae.ui.shared.engine import engine
from vae.ui.shared.page_state import PageState
from vae.ui.surfaces.state import STATE as SURFACES
from vae.ui.train import runs
from vae.ui.train.state import STATE as TRAIN
from vae.ui.zoo.page import named
from vae.ui.zoo.state import STATE as ZOO

STATES: Mapping[str, PageState] = MappingProxyType(
    {"surfaces": SURFACES, "kl": KL, "train": TRAIN, "latent": LATENT, "zoo": ZOO}
)


def reached(page: str, answer: str) -> Reached:
    """From a callback: the page as it stands before it is made again."""
    if page not in STATES:
        return Reached(page)
    fields = STATES[page].values()
    return Reached(
        page,
        fields,
        _ran() if page == "train" else (),
        _model(str(fields["model"])) if page == "latent" else None,
        named() if page == "zoo" else {},
        answer,
    )


def link_of(page: str) -> str:
    """Page and settings as the address has them."""
    query = urlencode(STATES[page].write(STATES[page].values()), safe=",:")
    return f"{page}?{query}" if query else page


def _ran() -> tuple[Ran, ...]:
    running = engine()
    race: Race | None = runs.looked_at(running) if running else None
    if race is None:
        return ()
    return tuple(
        Ran(run.config, view.step, view.observations[-1] if view.observations else None)
        for run, view in zip(race.runs, race.views())
    )


def _model(key: str) -> OpenedModel | None:
    try:
        return open_model(key)
    except VaeError:  # the page says why; here it is no model
        return None
