"""The settings of a training: what the sidebar's controls hold, as a RaceConfig and back."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import streamlit as st

from vae.errors import SettingError
from vae.links import training as link
from vae.links.fields import Field
from vae.losses.kl_terms import KL_TERMS
from vae.losses.objective import REDUCTIONS
from vae.losses.record import Parameter
from vae.losses.table import LOSSES
from vae.training.axes import AXES
from vae.training.config import FORMULA, TrainConfig
from vae.training.networks import ARCHITECTURES
from vae.training.pixels import TREATMENTS
from vae.training.precision import PRECISIONS
from vae.training.race import RaceConfig
from vae.training.schedule import SCHEDULES
from vae.ui.shared.own_images import IN_A_LINK, is_mine
from vae.ui.shared.page_state import PageState, Values

OWN = "own settings"
FIRST_FORMULA = "(x - p)**2"
REFUSED = "dial-refused"  # why a dial was not turned, in the session's state
# Axes whose values are chosen from a list (the others are numbers), with their names there.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "loss": {key: record.name for key, record in LOSSES.items()},
    "kl_term": {key: record.name for key, record in KL_TERMS.items()},
    "reduction": {key: key for key in REDUCTIONS},
    "architecture": {key: record.name for key, record in ARCHITECTURES.items()},
    "pixels": {key: record.name for key, record in TREATMENTS.items()},
    "precision": PRECISIONS,
    "schedule": {key: record.name for key, record in SCHEDULES.items()},
}

# ---- What the controls hold ------------------------------------------------------------------------------------------


def values_of(race_config: RaceConfig) -> dict[str, object]:
    """The values of the controls that stand for a race."""
    config, vary = race_config.base, race_config.vary
    values = {name: field.default for name, field in STATE.fields.items()}
    values |= {name: getattr(config, name) for name in link.CONFIG}
    values["hidden"] = link.CONFIG["hidden"].show(config.hidden)
    values["formula"] = config.formula or FIRST_FORMULA
    values |= {f"{config.loss}.{name}": value for name, value in config.parameters}
    values |= {f"{config.kl_term}.{name}": value for name, value in config.kl_parameters}
    values |= {"vary": vary, "dialled": race_config.dialled}
    if vary:
        texts = tuple(link.show_value(vary, value) for value in race_config.against)
        values[f"against.{vary}"] = texts if vary in CHOICES else ", ".join(texts)
    return values


def base_of(values: Values) -> TrainConfig:
    """The first column's settings. SettingError for what cannot be."""
    given = {name: values[name] for name in link.CONFIG}
    given["hidden"] = link.parse_hidden("hidden", given["hidden"])
    if given["loss"] != FORMULA:
        given["formula"] = ""
        given["parameters"] = _not_usual(values, given["loss"], LOSSES[given["loss"]].given())
    given["kl_parameters"] = _not_usual(values, given["kl_term"], KL_TERMS[given["kl_term"]].parameters)
    return TrainConfig(**given)


def _not_usual(values: Values, owner: str, parameters: Iterable[Parameter]) -> dict[str, object]:
    """The parameters that have not their defaults."""
    held = {p.name: values[f"{owner}.{p.name}"] for p in parameters}
    return {p.name: held[p.name] for p in parameters if held[p.name] != p.default}


def race_config_of(values: Values) -> RaceConfig:
    """The race that the controls stand for. SettingError for what cannot be."""
    base, vary = base_of(values), values["vary"]
    held = values[f"against.{vary}"] if vary else None
    against = () if held is None else tuple(held) if vary in CHOICES else link.parse_values(vary, held)
    return RaceConfig(base, vary, against, tuple((i, b) for i, b in values["dialled"] if i <= len(against)))


class TrainState(PageState):
    """Fields here hang together: a sigma needs a loss that has one. They are read and written as a whole."""

    @property
    def linked(self) -> tuple[str, ...]:
        return link.SETTINGS

    def read(self, query: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
        mine = is_mine(query.get("dataset", ""))
        race_config, problems = link.read(query if mine else {n: text for n, text in query.items() if n != "dataset"})
        return values_of(race_config), problems if mine else [IN_A_LINK, *problems]

    def write(self, values: Values) -> dict[str, str]:
        return link.write(race_config_of(values))


def _parameters(owner: str, parameters: Iterable[Parameter]) -> dict[str, Field]:
    return {f"{owner}.{p.name}": Field(float(p.default), link.real) for p in parameters}


STATE = TrainState(
    "train",
    {"preset": Field(OWN, link.text)}
    | link.CONFIG
    | {name: field for key, loss in LOSSES.items() for name, field in _parameters(key, loss.given()).items()}
    | {name: field for key, term in KL_TERMS.items() for name, field in _parameters(key, term.parameters).items()}
    | {"vary": Field("", link.text)}
    | {f"against.{axis}": Field(None, link.text) for axis in AXES}  # None: what a race over it begins with
    | {"dialled": Field((), link.text), "dialled_on": Field(None, link.text)},
)


def use(race_config: RaceConfig, **others: object) -> None:
    """Put a race into the controls."""
    STATE.set(**values_of(race_config) | others)


# ---- Dials -------------------------------------------------------------------------------------------------------------


def _balance(base: TrainConfig) -> tuple:
    """What a dial turns. When it is set in the sidebar, the dials go by that."""
    return (base.loss, base.formula, base.parameters, base.beta, base.kl_term, base.kl_parameters, base.reduction)


def let_go_of_dials(base: TrainConfig) -> None:
    """Of those that were turned under another balance."""
    if STATE.now("dialled"):
        if STATE.now("dialled_on") is None:
            STATE.set(dialled_on=_balance(base))
        elif STATE.now("dialled_on") != _balance(base):
            STATE.set(dialled=())


def turn_dial(column: int, effective_beta: float) -> bool:
    """Turn the dial of a column, from a callback; False, and a sentence in REFUSED, where its loss cannot go there."""
    st.session_state.pop(REFUSED, None)
    turned = tuple({**dict(STATE.now("dialled")), column: effective_beta}.items())
    try:
        race_config = race_config_of(STATE.values() | {"dialled": turned})
    except SettingError as reason:
        st.session_state[REFUSED] = f"The dial stays where it is: {reason}"
        return False
    STATE.set(dialled=turned, dialled_on=_balance(race_config.base))
    return True


def is_dialled() -> bool:
    return bool(STATE.now("dialled"))


def dials_back() -> None:
    """All dials back to what the settings say."""
    STATE.set(dialled=())
    st.session_state.pop(REFUSED, None)


def dial_key(column: int, shown: TrainConfig) -> str:
    """The key of a dial's input: a new one, with a new value, whenever a dial was turned, a setting is another, or what is shown
    is a training under others."""
    return f"dial-{column}-{zlib.crc32(repr((STATE.values(), shown)).encode())}"
