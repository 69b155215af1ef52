"""A training's settings as a link has them: text to a RaceConfig and back. Pure functions over mappings of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from vae.data import default_dataset
from vae.errors import SettingError
from vae.links.fields import Field, digits_of, number_in, unknown
from vae.losses.kl_terms import KL_TERMS
from vae.losses.table import LOSSES
from vae.training.axes import AXES
from vae.training.config import TrainConfig
from vae.training.race import RaceConfig

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


CONFIG: Mapping[str, Field] = {
    name: Field(getattr(USUAL, name), *how)
    for name, how in {
        "dataset": (text,),
        "size": (_whole,),
        "loss": (text,),
        "formula": (text,),
        "architecture": (text,),
        "hidden": (parse_hidden, lambda widths: ",".join(map(str, widths))),
        "latent_dim": (_whole,),
        "beta": (real, "{:.12g}".format),
        "kl_term": (text,),
        "reduction": (text,),
        "learning_rate": (real, "{:.12g}".format),
        "batch_size": (_whole,),
        "epochs": (_whole,),
        "seed": (_whole,),
    }.items()
}
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
    return CONFIG[axis].show(value) if axis in CONFIG else f"{value:.12g}"


def parse_values(axis: str, text: str) -> tuple:
    """ "0.1, 4" -> the values."""
    return tuple(parse_value(axis, part.strip()) for part in text.split(",") if part.strip())


def _parse_dial(text: str) -> tuple[tuple[int, float], ...]:
    """ "1:0.05,2:4" -> (column, effective beta) pairs."""
    pairs = (part.partition(":") for part in text.split(","))
    return tuple((_whole("dial", column), real("dial", value)) for column, _, value in pairs)


def read(query: Mapping[str, str]) -> tuple[RaceConfig, list[str]]:
    """The settings that a link stands for, and a sentence for each of its fields that cannot be used.

    A field that cannot be used keeps its default, and the sentence says so; nothing is corrected in silence.
    """
    config, problems = TrainConfig(dataset=default_dataset()), []
    for name in query:
        if name not in SETTINGS:
            problems += unknown(name)

    def attempt(old, make: Callable):
        try:
            return make(old)
        except SettingError as reason:
            problems.append(f"{reason} The default stands instead.")
            return old

    together = {name: query[name] for name in ("loss", "formula") if name in query}
    if together:
        config = attempt(config, lambda c: replace(c, **together))
    for name, field in CONFIG.items():
        if name in query and name not in together:
            config = attempt(config, lambda c, n=name, f=field: replace(c, **{n: f.parse(n, query[n])}))
    for name, held in PARAMETERS.items():
        if name in query:
            config = attempt(config, lambda c, n=name, h=held: _with_parameter(c, h, n, real(n, query[n])))
    return _read_race(query, config, attempt), problems


def _with_parameter(config: TrainConfig, held: str, name: str, value: float) -> TrainConfig:
    return replace(config, **{held: dict(getattr(config, held)) | {name: value}})


def _read_race(query: Mapping[str, str], base: TrainConfig, attempt) -> RaceConfig:
    race_config = RaceConfig(base)
    if "vary" in query:
        axis, text = query["vary"], query.get("against", "")
        # an axis that does not exist is RaceConfig's to refuse
        race_config = attempt(
            race_config, lambda old: replace(old, vary=axis, against=parse_values(axis, text) if axis in AXES else ())
        )
    if "dial" in query:
        race_config = attempt(race_config, lambda old: replace(old, dialled=_parse_dial(query["dial"])))
    return race_config


def write(race_config: RaceConfig) -> dict[str, str]:
    """The link's query: the data set always, every other field where it is not the default."""
    config = race_config.base
    usual = TrainConfig(dataset=config.dataset)
    query = {"dataset": config.dataset}
    for name, field in CONFIG.items():
        value = getattr(config, name)
        if name != "dataset" and value != getattr(usual, name):
            query[name] = field.show(value)
    query |= {name: f"{value:.12g}" for name, value in (*config.parameters, *config.kl_parameters)}
    if race_config.vary:
        query |= {
            "vary": race_config.vary,
            "against": ",".join(show_value(race_config.vary, v) for v in race_config.against),
        }
    if race_config.dialled:
        query["dial"] = ",".join(f"{column}:{value:.12g}" for column, value in race_config.dialled)
    return query
