"""A link is the state: settings to and from the address. Pure functions over mappings of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from vae.axes import AXES
from vae.config import TrainConfig
from vae.data import default_dataset
from vae.errors import SettingError
from vae.kl_terms import KL_TERMS
from vae.lineup import Lineup
from vae.losses import LOSSES
from vae.ui.look import digits_of, number_in, unknown


def _whole(name: str, text: str) -> int:
    try:
        return int(digits_of(text))
    except ValueError:
        raise SettingError(name, text, "a whole number is accepted") from None


def _real(name: str, text: str) -> float:
    return number_in(name, text, "a number")


def _text(name: str, text: str) -> str:
    return text


def parse_hidden(name: str, text: str) -> tuple[int, ...]:
    """ "400" or "512, 256" -> the widths."""
    return tuple(_whole(name, part.strip()) for part in text.split(","))


@dataclass(frozen=True)
class Field:
    parse: Callable[[str, str], object]
    show: Callable[[object], str] = str


FIELDS: Mapping[str, Field] = {
    "dataset": Field(_text),
    "size": Field(_whole),
    "loss": Field(_text),
    "formula": Field(_text),
    "architecture": Field(_text),
    "hidden": Field(parse_hidden, lambda widths: ",".join(map(str, widths))),
    "latent_dim": Field(_whole),
    "beta": Field(_real, "{:.12g}".format),
    "kl_term": Field(_text),
    "reduction": Field(_text),
    "learning_rate": Field(_real, "{:.12g}".format),
    "batch_size": Field(_whole),
    "epochs": Field(_whole),
    "seed": Field(_whole),
}
# The parameters of losses and of KL terms, by name -> the field of TrainConfig that holds them. No name is in both.
PARAMETERS: Mapping[str, str] = {
    **{p.name: "parameters" for loss in LOSSES.values() for p in loss.given()},
    **{p.name: "kl_parameters" for term in KL_TERMS.values() for p in term.parameters},
}


RACE = ("vary", "against", "dial")
SETTINGS = (*FIELDS, *PARAMETERS, *RACE)  # all that a link may set


def parse_value(axis: str, text: str) -> object:
    """One value of an axis, from text; SettingError if it is of the wrong kind."""
    return FIELDS[axis].parse(axis, text) if axis in FIELDS else _real(axis, text)


def show_value(axis: str, value: object) -> str:
    return FIELDS[axis].show(value) if axis in FIELDS else f"{value:.12g}"


def parse_values(axis: str, text: str) -> tuple:
    """ "0.1, 4" -> the values."""
    return tuple(parse_value(axis, part.strip()) for part in text.split(",") if part.strip())


def _parse_dial(text: str) -> tuple[tuple[int, float], ...]:
    """ "1:0.05,2:4" -> (column, effective beta) pairs."""
    pairs = (part.partition(":") for part in text.split(","))
    return tuple((_whole("dial", column), _real("dial", value)) for column, _, value in pairs)


def read(query: Mapping[str, str]) -> tuple[Lineup, list[str]]:
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
    for name, field in FIELDS.items():
        if name in query and name not in together:
            config = attempt(config, lambda c, n=name, f=field: replace(c, **{n: f.parse(n, query[n])}))
    for name, held in PARAMETERS.items():
        if name in query:
            config = attempt(config, lambda c, n=name, h=held: _with_parameter(c, h, n, _real(n, query[n])))
    return _read_race(query, config, attempt), problems


def _with_parameter(config: TrainConfig, held: str, name: str, value: float) -> TrainConfig:
    return replace(config, **{held: dict(getattr(config, held)) | {name: value}})


def _read_race(query: Mapping[str, str], base: TrainConfig, attempt) -> Lineup:
    lineup = Lineup(base)
    if "vary" in query:
        axis, text = query["vary"], query.get("against", "")
        # an axis that does not exist is the Lineup's to refuse
        lineup = attempt(
            lineup, lambda old: replace(old, vary=axis, against=parse_values(axis, text) if axis in AXES else ())
        )
    if "dial" in query:
        lineup = attempt(lineup, lambda old: replace(old, dialled=_parse_dial(query["dial"])))
    return lineup


def write(lineup: Lineup) -> dict[str, str]:
    """The link's query: the data set always, every other field where it is not the default."""
    config = lineup.base
    usual = TrainConfig(dataset=config.dataset)
    query = {"dataset": config.dataset}
    for name, field in FIELDS.items():
        value = getattr(config, name)
        if name != "dataset" and value != getattr(usual, name):
            query[name] = field.show(value)
    query |= {name: f"{value:.12g}" for name, value in (*config.parameters, *config.kl_parameters)}
    if lineup.vary:
        query |= {"vary": lineup.vary, "against": ",".join(show_value(lineup.vary, v) for v in lineup.against)}
    if lineup.dialled:
        query["dial"] = ",".join(f"{column}:{value:.12g}" for column, value in lineup.dialled)
    return query
