"""A training's settings as a link has them: text to a RaceConfig and back. Pure functions over mappings of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from vae.data import default_dataset, find_source
from vae.data.own import is_own
from vae.errors import SettingError
from vae.links.fields import Field, digits_of, number_in, unknown
from vae.losses.kl_terms import KL_TERMS
from vae.losses.table import LOSSES
from vae.training.axes import AXES
from vae.training.config import TrainConfig
from vae.training.race import RaceConfig

T = TypeVar("T")
USUAL = TrainConfig(dataset="digits")


def _whole(name: str, text: str) -> int:
    try:
        return int(digits_of(text))
    except ValueError:
        raise SettingError(name, text, "a whole number is accepted") from None


def real(name: str, text: str) -> float:
    return number_in(name, text, "a number")


def text(name: str, text: str) -> str:
    return text


def parse_hidden(name: str, text: str) -> tuple[int, ...]:
    """ "400" or "512, 256" -> the widths."""
    return tuple(_whole(name, part.strip()) for part in text.split(","))


def show_hidden(widths: Any) -> str:
    return ",".join(map(str, widths))


def show_real(number: Any) -> str:
    return f"{number:.12g}"


_READ_AND_WRITTEN: Mapping[str, tuple[Callable[[str, str], object], Callable[[Any], str]]] = {
    "dataset": (text, str),
    "size": (_whole, str),
    "pixels": (text, str),
    "loss": (text, str),
    "formula": (text, str),
    "architecture": (text, str),
    "hidden": (parse_hidden, show_hidden),
    "latent_dim": (_whole, str),
    "beta": (real, show_real),
    "kl_term": (text, str),
    "reduction": (text, str),
    "precision": (text, str),
    "learning_rate": (real, show_real),
    "schedule": (text, str),
    "batch_size": (_whole, str),
    "epochs": (_whole, str),
    "seed": (_whole, str),
}
CONFIG = {name: Field(getattr(USUAL, name), *how) for name, how in _READ_AND_WRITTEN.items()}
# The parameters of losses and of KL terms, by name -> the field of TrainConfig that holds them. No name is in both.
PARAMETERS: Mapping[str, str] = {
    **{p.name: "parameters" for loss in LOSSES.values() for p in loss.given()},
    **{p.name: "kl_parameters" for term in KL_TERMS.values() for p in term.parameters},
}
RACE = ("vary", "against", "dial")
SETTINGS = (*CONFIG, *PARAMETERS, *RACE)  # all that a link may set


def parse_value(axis: str, text: str) -> object:
    """One value of an axis, from text; SettingError if it is of the wrong kind."""
    return CONFIG[axis].parse(axis, text) if axis in CONFIG else real(axis, text)


def show_value(axis: str, value: object) -> str:
    return CONFIG[axis].show(value) if axis in CONFIG else show_real(value)


def parse_values(axis: str, text: str) -> tuple[object, ...]:
    """ "0.1, 4" -> the values."""
    return tuple(parse_value(axis, part.strip()) for part in text.split(",") if part.strip())


def _parse_dial(text: str) -> tuple[tuple[int, float], ...]:
    """ "1:0.05,2:4" -> (column, effective beta) pairs."""
    pairs = (part.partition(":") for part in text.split(","))
    return tuple((_whole("dial", column), real("dial", value)) for column, _, value in pairs)


class Problems(list[str]):
    """Sentences on what cannot be used."""

    def unless(self, old: T, make: Callable[[T], T]) -> T:
        """What make(old) makes; the old one, and a sentence, where it cannot be made."""
        try:
            return make(old)
        except SettingError as reason:
            self.append(f"{reason} The default stands instead.")
            return old


def read(query: Mapping[str, str]) -> tuple[RaceConfig, list[str]]:
    """The settings that a link stands for, and a sentence for each of its fields that cannot be used.

    A field that cannot be used keeps its default, and the sentence says so; nothing is corrected in silence.
    """
    config, problems = TrainConfig(dataset=default_dataset()), Problems()
    for name in query:
        if name not in SETTINGS:
            problems += unknown(name)
    together: dict[str, Any] = {name: query[name] for name in ("loss", "formula") if name in query}
    if together:
        config = problems.unless(config, lambda c: replace(c, **together))
    for name in (name for name in CONFIG if name in query and name not in together):
        config = problems.unless(config, partial(_with_setting, name, query[name]))
    for name in (name for name in PARAMETERS if name in query):
        config = problems.unless(config, partial(_with_parameter, name, query[name]))
    return _read_race(query, config, problems), problems


def _with_setting(name: str, text: str, config: TrainConfig) -> TrainConfig:
    changed: dict[str, Any] = {name: CONFIG[name].parse(name, text)}
    if name == "dataset":  # first of all fields: no batch size was asked for yet
        changed["batch_size"] = min(config.batch_size, find_source(text).n_train)
    return replace(config, **changed)


def _with_parameter(name: str, text: str, config: TrainConfig) -> TrainConfig:
    held = PARAMETERS[name]
    changed: dict[str, Any] = {held: dict(getattr(config, held)) | {name: real(name, text)}}
    return replace(config, **changed)


def _read_race(query: Mapping[str, str], base: TrainConfig, problems: Problems) -> RaceConfig:
    race_config = RaceConfig(base)
    if "vary" in query:
        axis, text = query["vary"], query.get("against", "")
        # an axis that does not exist is RaceConfig's to refuse
        race_config = problems.unless(
            race_config, lambda old: replace(old, vary=axis, against=parse_values(axis, text) if axis in AXES else ())
        )
    if "dial" in query:
        race_config = problems.unless(race_config, lambda old: replace(old, dialled=_parse_dial(query["dial"])))
    return race_config


def write(race_config: RaceConfig) -> dict[str, str]:
    """The link's query: the data set always, every other field where it is not the default."""
    config = race_config.base
    usual = TrainConfig.usual(config.dataset)
    query = {"dataset": config.dataset}
    for name, field in CONFIG.items():
        value = getattr(config, name)
        if name != "dataset" and value != getattr(usual, name):
            query[name] = field.show(value)
    query |= {name: show_real(value) for name, value in (*config.parameters, *config.kl_parameters)}
    if race_config.vary:
        query |= {
            "vary": race_config.vary,
            "against": ",".join(show_value(race_config.vary, v) for v in race_config.against),
        }
    if race_config.dialled:
        query["dial"] = ",".join(f"{column}:{show_real(value)}" for column, value in race_config.dialled)
    return query


def command_line(config: TrainConfig) -> str:
    """The training of these settings as a command. Pictures that somebody brought are named by the folder they came from."""
    query = write(RaceConfig(config))
    if is_own(config.dataset):
        query |= {"dataset": "folder:PICTURES", "size": str(config.shape[1])}
    return " ".join(("python -m vae train", *(f"--{name.replace('_', '-')} {value}" for name, value in query.items())))
