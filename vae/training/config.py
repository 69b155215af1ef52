"""TrainConfig: everything that decides a training run, validated where it is made, JSON both ways."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from vae.data import find_source
from vae.errors import SettingError
from vae.losses.formula import formula_loss
from vae.losses.kl_terms import KLTerm, find_kl_term
from vae.losses.objective import REDUCTIONS
from vae.losses.record import Loss, Parameter
from vae.losses.table import LOSSES, find_loss
from vae.training.networks import VAE, Shape, find_architecture
from vae.training.pixels import SYMMETRIC, UNIT, check_fits, stretched, treated
from vae.training.precision import FLOAT32, PRECISIONS
from vae.training.schedule import CONSTANT, SCHEDULES
from vae.training.schema import decoded

FORMULA = "formula"  # the key of a loss that the user wrote; its text is the field `formula`

# What a step and an observation may cost, in multiply-adds, so that pictures come a few times a second on a laptop
# core. Sized by arithmetic and never by a clock: the same config observes at the same steps on every machine.
OPERATIONS_BETWEEN_OBSERVATIONS = 12e9
MOST_STEPS_BETWEEN_OBSERVATIONS = 50
HELD_OUT_SHARE = 1 / 8  # held-out images per training image between two observations
FEWEST_HELD_OUT = 64


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Field by field: what a link carries, what a checkpoint stores, what a race may vary.

    size: pixels a side, 0 for the data set's own. pixels: what a pixel is, a key of TREATMENTS. parameters: the loss's given parameters, by name (sigma=...).
    hidden: widths of the MLP's hidden layers. reduction: "sum" over pixels, or "mean" to see what it breaks.
    schedule: how the learning rate moves, a key of SCHEDULES. precision: of the products of an update, see precision.py.
    kl_term: what is done with the KL, a key of KL_TERMS; kl_parameters: its parameters, by name (warmup_epochs=...).
    """

    dataset: str = "digits"
    size: int = 0
    pixels: str = UNIT
    loss: str = "bce"
    formula: str = ""
    parameters: tuple[tuple[str, float], ...] = ()
    architecture: str = "mlp"
    hidden: tuple[int, ...] = (400,)
    latent_dim: int = 2
    beta: float = 1.0
    kl_term: str = "constant"
    kl_parameters: tuple[tuple[str, float], ...] = ()
    reduction: str = "sum"
    precision: str = FLOAT32
    learning_rate: float = 1e-3
    schedule: str = CONSTANT
    batch_size: int = 128
    epochs: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        source = find_source(self.dataset)
        if self.size != 0 or type(self.size) is not int:
            self._whole("size", 8, 128, "or 0 for the data set's own size")
        if self.loss not in loss_keys():
            raise SettingError("loss", self.loss, f"one of {', '.join(loss_keys())} is accepted")
        if not isinstance(self.formula, str):
            raise SettingError("formula", self.formula, "text is accepted")
        record = self.loss_record()  # SettingError for a formula that does not work
        if self.loss != FORMULA and self.formula:
            raise SettingError("formula", self.formula, f"it is used only with loss = '{FORMULA}'")
        check_fits(self.pixels, record)
        self._freeze("parameters", _checked("parameters", f"the loss {record.key}", record.given(), self.parameters))
        term = find_kl_term(self.kl_term)
        self._freeze(
            "kl_parameters",
            _checked("kl_parameters", f"the KL term {term.key}", term.parameters, self.kl_parameters),
        )
        find_architecture(self.architecture)
        self._freeze("hidden", _checked_hidden(self.hidden))
        self._whole("latent_dim", 1, 256)
        self._real("beta", 0.0, 1e6)
        if self.reduction not in REDUCTIONS:
            raise SettingError("reduction", self.reduction, f"one of {', '.join(REDUCTIONS)} is accepted")
        if self.precision not in tuple(PRECISIONS):
            raise SettingError("precision", self.precision, f"one of {', '.join(PRECISIONS)} is accepted")
        self._real("learning_rate", 1e-8, 10.0)
        if self.schedule not in tuple(SCHEDULES):
            raise SettingError("schedule", self.schedule, f"one of {', '.join(SCHEDULES)} is accepted")
        self._whole("batch_size", 1, source.n_train, f"as {self.dataset} has {source.n_train:,} training images")
        self._whole("epochs", 1, 10_000)
        self._whole("seed", 0, 2**31 - 1)

    # ---- what follows from the fields ----

    def loss_record(self) -> Loss:
        """The loss, from the table or from the user's formula."""
        record = formula_loss(self.formula) if self.loss == FORMULA else find_loss(self.loss)
        return stretched(record) if self.pixels == SYMMETRIC and record.of_difference else record

    def loss_parameters(self) -> dict[str, float]:
        """Every given parameter of the loss with its value: the user's, else the default."""
        return {p.name: p.default for p in self.loss_record().given()} | dict(self.parameters)

    def kl_record(self) -> KLTerm:
        """What is done with the KL term, from its table."""
        return find_kl_term(self.kl_term)

    def kl_settings(self) -> dict[str, float]:
        """Every parameter of the KL term with its value: the user's, else the default."""
        return self.kl_record().settings(dict(self.kl_parameters))

    def kl_cost(self, kl_per_dim: Tensor, step: int) -> Tensor:
        """What a KL of so many nats a dimension, (Z,), adds to the objective of the update after `step` others, 0-dim.

        Of a bound over several samples of z: what it comes to with one.
        """
        return self.kl_record().cost(kl_per_dim, self.beta, step / self.steps_per_epoch, **self.kl_settings())

    def rate(self, step: int) -> float:
        """The learning rate of the update after `step` others."""
        return self.learning_rate * SCHEDULES[self.schedule].factor(step / self.total_steps)

    def x(self, images: Tensor, position: int = 0, purpose: str = "held-out pixels") -> Tensor:
        """Images (N, C, H, W) uint8 as the network sees them and the loss takes them: float32 in [0, 1], the same shape.

        Where a treatment draws, position and purpose say which draw it is: runs of one seed see the same.
        """
        return treated(self.pixels, images, self.seed, position, purpose)

    @property
    def shape(self) -> Shape:
        """(C, H, W) of the images trained on."""
        channels, height, width = find_source(self.dataset).shape
        return (channels, self.size, self.size) if self.size else (channels, height, width)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(find_source(self.dataset).n_train / self.batch_size)

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def observe_every(self) -> int:
        """Steps between two observations: held-out figures and pictures."""
        wanted = OPERATIONS_BETWEEN_OBSERVATIONS / operations_of_step(self)
        return max(1, min(MOST_STEPS_BETWEEN_OBSERVATIONS, round(wanted)))

    @property
    def n_held_out(self) -> int:
        """Test images that an observation looks at; the whole test set is for the end and on request."""
        wanted = round(HELD_OUT_SHARE * self.observe_every * self.batch_size)
        return min(find_source(self.dataset).n_test, max(FEWEST_HELD_OUT, wanted))

    def observes(self, step: int) -> bool:
        """Whether an observation is due after `step` updates: early steps close together, then evenly, and the last."""
        early = step in (0, 1, 2, 5, 10, 20)
        return early or step % self.observe_every == 0 or step == self.total_steps

    def build_model(self) -> VAE:
        """A network of this config's shapes, with weights from torch's process-wide generator (see training.py)."""
        learned = self.loss_record().origin("sigma") == "learned"
        return VAE(self.architecture, self.shape, self.latent_dim, self.hidden, learned, self.pixels == SYMMETRIC)

    # ---- JSON ----

    def to_dict(self) -> dict[str, Any]:
        named = {"parameters": dict(self.parameters), "kl_parameters": dict(self.kl_parameters)}
        return asdict(self) | named | {"hidden": list(self.hidden)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def usual(cls, dataset: str, **given: Any) -> TrainConfig:
        """The defaults on that data set, and what is given; a batch is no larger than the data set."""
        fitting: dict[str, Any] = {"batch_size": min(cls.batch_size, find_source(dataset).n_train)}
        return cls(dataset=dataset, **fitting | given)

    @classmethod
    def from_dict(cls, values: object) -> TrainConfig:
        if not isinstance(values, Mapping):
            raise SettingError("config", values, "a JSON object of settings is accepted")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise SettingError("setting", unknown[0], f"known settings are {', '.join(sorted(known))}")
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        return cls.from_dict(decoded("config", text))

    # ---- checks ----

    def _freeze(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _whole(self, name: str, low: int, high: int, because: str = "") -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            accepted = f"a whole number from {low:,} to {high:,} is accepted"
            raise SettingError(name, value, f"{accepted}, {because}" if because else accepted)

    def _real(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high:  # NaN fails the comparison too
            raise SettingError(name, value, f"a number from {low:g} to {high:g} is accepted")
        self._freeze(name, float(value))


def _checked(field: str, owner: str, allowed: tuple[Parameter, ...], given: Any) -> tuple[tuple[str, float], ...]:
    try:
        values = dict(given)
    except (TypeError, ValueError):
        raise SettingError(field, given, "a mapping from names to numbers is accepted") from None
    known = {p.name: p for p in allowed}
    for name in values:
        if name not in known:
            names = ", ".join(known) or "none"
            raise SettingError(field, name, f"{owner} has these parameters to set: {names}")
    return tuple(sorted((name, known[name].check(value)) for name, value in values.items()))


def _checked_hidden(hidden: Any) -> tuple[int, ...]:
    accepted = "one to six whole numbers from 1 to 4,096 are accepted"
    try:
        widths = tuple(hidden)
    except TypeError:
        raise SettingError("hidden", hidden, accepted) from None
    whole = all(isinstance(w, int) and not isinstance(w, bool) and 1 <= w <= 4096 for w in widths)
    if not whole or not 1 <= len(widths) <= 6:
        raise SettingError("hidden", hidden, accepted)
    return widths


LOSS_NAMES = {key: record.name for key, record in LOSSES.items()} | {FORMULA: "a formula of your own"}


def loss_keys() -> tuple[str, ...]:
    """The keys that the field `loss` takes."""
    return (*LOSSES, FORMULA)


def operations_of_step(config: TrainConfig) -> float:
    """Multiply-adds of one update, about: the backward pass costs two forward passes, and each further sample of z
    (importance-weighted bound) one more pass through the decoder, half of the net."""
    return 3 * config.batch_size * multiply_adds(config) * (1 + config.kl_settings().get("samples", 1)) / 2


def multiply_adds(config: TrainConfig) -> int:
    """Multiply-adds of one forward pass of one image, counted layer by layer."""
    return _multiply_adds(config.architecture, config.shape, config.latent_dim, config.hidden)


@lru_cache(maxsize=64)
def _multiply_adds(architecture: str, shape: Shape, latent_dim: int, hidden: tuple[int, ...]) -> int:
    with torch.device("meta"):  # shapes without numbers
        model = VAE(architecture, shape, latent_dim, hidden)
    counted = sum(layer.weight.numel() for layer in model.modules() if isinstance(layer, torch.nn.Linear))

    def count(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal counted  # a transposed convolution reads its weights per input position
        counted += layer.weight.numel() * math.prod((inputs[0] if layer.transposed else output).shape[2:])

    convolutions = [
        layer for layer in model.modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    ]
    for layer in convolutions:
        layer.register_forward_hook(count)
    if convolutions:  # only a pass tells their positions; with whatever numbers lie in memory
        model.to_empty(device="cpu")(torch.zeros(1, *shape), torch.zeros(1, latent_dim))
    return counted
