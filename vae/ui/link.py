"""A link is the state: settings to and from the address. Pure functions over mappings of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from vae.config import TrainConfig
from vae.data import default_dataset
from vae.errors import SettingError
from vae.kl_terms import KL_TERMS
from vae.losses import LOSSES


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingError(name, text, "a whole number is accepted") from None


def _real(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingError(name, text, "a number is accepted") from None


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


def read(query: Mapping[str, str]) -> tuple[TrainConfig, list[str]]:
    """The config that a link stands for, and a sentence for each of its fields that cannot be used.

    A field that cannot be used keeps its default, and the sentence says so; nothing is corrected in silence.
    """
    config = TrainConfig(dataset=default_dataset())
    problems: list[str] = []

    def attempt(make: Callable[[TrainConfig], TrainConfig]) -> None:
        nonlocal config
        try:
            config = make(config)
        except SettingError as reason:
            problems.append(f"{reason} The default stands instead.")

    for name in query:
        if name not in FIELDS and name not in PARAMETERS:
            problems.append(f"The link has a setting {name!r} that does not exist; it is left out.")
    together = {name: query[name] for name in ("loss", "formula") if name in query}
    if together:
        attempt(lambda c: replace(c, **together))
    for name, field in FIELDS.items():
        if name in query and name not in together:
            attempt(lambda c, name=name, field=field: replace(c, **{name: field.parse(name, query[name])}))
    for name, held in PARAMETERS.items():
        if name in query:
            attempt(
                lambda c, name=name, held=held: replace(
                    c, **{held: dict(getattr(c, held)) | {name: _real(name, query[name])}}
                )
            )
    return config, problems


def write(config: TrainConfig) -> dict[str, str]:
    """The link's query: the data set always, every other field where it is not the default."""
    usual = TrainConfig(dataset=config.dataset)
    query = {"dataset": config.dataset}
    for name, field in FIELDS.items():
        value = getattr(config, name)
        if name != "dataset" and value != getattr(usual, name):
            query[name] = field.show(value)
    return query | {name: f"{value:.12g}" for name, value in (*config.parameters, *config.kl_parameters)}
