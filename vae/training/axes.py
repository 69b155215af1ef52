"""What trainings may differ in: a table of axes. A race varies one of them (race.py), a sweep several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from vae.losses.kl_terms import KL_TERMS
from vae.losses.record import Parameter
from vae.losses.table import LOSSES
from vae.training.config import FORMULA, TrainConfig
from vae.training.pixels import TREATMENTS


@dataclass(frozen=True)
class Axis:
    """One thing that may be varied.

    set(config, value) -> the config with it, or None where the config has no such setting (sigma under BCE).
    get(config) -> its value there. symbol: how a label names it, "" where the value speaks for itself.
    """

    name: str
    title: str
    symbol: str
    set: Callable[[TrainConfig, Any], TrainConfig | None]
    get: Callable[[TrainConfig], object]

    def shown(self, config: TrainConfig) -> str:
        """The value in a label: "β = 4", "BCE"."""
        value = self.get(config)
        names = {
            "loss": config.loss_record().name,
            "kl_term": config.kl_record().name,
            "pixels": TREATMENTS[config.pixels].name,
        }
        text = names.get(self.name, f"{value:g}" if type(value) is float else str(value))
        return f"{self.symbol} = {text}" if self.symbol else text


def _field(name: str, title: str, symbol: str = "") -> Axis:
    return Axis(name, title, symbol, lambda config, value: replace(config, **{name: value}), lambda c: getattr(c, name))


def _kept(given: tuple[tuple[str, float], ...], known: tuple[Parameter, ...]) -> tuple[tuple[str, float], ...]:
    names = {p.name for p in known}
    return tuple((name, number) for name, number in given if name in names)


def _with_loss(config: TrainConfig, value: Any) -> TrainConfig:
    """Another loss, with those parameters that it has too."""
    kept = _kept(config.parameters, LOSSES[value].given()) if value in LOSSES else ()
    return replace(config, loss=value, parameters=kept, formula=config.formula if value == FORMULA else "")


def _with_kl_term(config: TrainConfig, value: Any) -> TrainConfig:
    """Another KL term, with those parameters that it has too."""
    kept = _kept(config.kl_parameters, KL_TERMS[value].parameters) if value in KL_TERMS else ()
    return replace(config, kl_term=value, kl_parameters=kept)


def _parameter(name: str, title: str, symbol: str) -> Axis:
    def put(config: TrainConfig, value: Any) -> TrainConfig | None:
        if name not in config.loss_parameters():
            return None
        return replace(config, parameters=tuple({**dict(config.parameters), name: value}.items()))

    return Axis(name, title, symbol, put, lambda config: config.loss_parameters().get(name))


def _kl_parameter(name: str) -> Axis:
    def put(config: TrainConfig, value: Any) -> TrainConfig | None:
        if name not in config.kl_settings():
            return None
        return replace(config, kl_parameters=tuple({**dict(config.kl_parameters), name: value}.items()))

    words = name.replace("_", " ")
    return Axis(name, words, words, put, lambda config: config.kl_settings().get(name))


AXES: Mapping[str, Axis] = MappingProxyType(
    {
        axis.name: axis
        for axis in (
            Axis("loss", "loss", "", _with_loss, lambda config: config.loss),
            _parameter("sigma", "σ", "σ"),
            _parameter("b", "b", "b"),
            _parameter("a", "a", "a"),
            _field("reduction", "reduction"),
            _field("latent_dim", "latent dimensions", "z"),
            _field("beta", "β", "β"),
            Axis("kl_term", "KL term", "", _with_kl_term, lambda config: config.kl_term),
            *(_kl_parameter(p.name) for term in KL_TERMS.values() for p in term.parameters),
            _field("learning_rate", "learning rate", "learning rate"),
            _field("schedule", "learning-rate schedule"),
            _field("batch_size", "batch size", "batch"),
            _field("epochs", "epochs", "epochs"),
            _field("architecture", "architecture"),
            _field("pixels", "pixels"),
            _field("precision", "precision"),
            _field("seed", "seed", "seed"),
        )
    }
)
