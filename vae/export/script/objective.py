"""What a run minimises, as PyTorch lines: the texts of the functions that train it, and how they are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vae.errors import SettingError
from vae.export.script.formula import formula_text
from vae.export.script.source import Unreadable, definitions, enclosed
from vae.losses.kl_terms import constant_weight, importance_weighted_objective, weighted
from vae.losses.objective import kl_divergence
from vae.losses.record import of_sigmoid
from vae.training.config import FORMULA, TrainConfig
from vae.training.pixels import SYMMETRIC, UNIT

_ONE_SAMPLE = """\
    eps = torch.randn(len(x), LATENT_DIM, generator=noise)
    logits = decoder(mu + (0.5 * log_var).exp() * eps)  # (B, C, H, W); p = sigmoid(logits)

    pixel_loss = {loss}  # nats per pixel
    reconstruction = pixel_loss.sum() / len(x)  # nats per image: sum over pixels, mean over images
    kl_per_dim = kl_divergence(mu, log_var).mean(0)  # (Z,), mean over images
    kl = kl_per_dim.sum()  # nats per image: sum over latent dimensions
    objective = {reconstruction} + {cost}"""

_BOUND = """\
    eps = torch.stack([torch.randn(mu.shape, generator=noise) for _ in range(SAMPLES)])  # (k, B, Z)
    z = mu + (0.5 * log_var).exp() * eps
    logits = decoder(z.flatten(0, 1)).unflatten(0, (SAMPLES, len(x)))  # (k, B, C, H, W); p = sigmoid(logits)

    pixel_loss = {loss}  # nats per pixel
    per_image = pixel_loss.flatten(2).sum(2)  # (k, B), nats: sum over pixels
    reconstruction = per_image.mean()  # nats per image
    kl = kl_divergence(mu, log_var).mean(0).sum()  # nats per image, to be seen beside it; the bound does without
    objective = importance_weighted_objective({reconstruction}, log_var, z, eps, BETA).mean()"""


@dataclass(frozen=True)
class Minimised:
    """definitions: functions; step: the lines from mu and log_var to reconstruction, kl and objective, in the loop."""

    definitions: str
    step: str


def objective_of(config: TrainConfig) -> Minimised:
    """SettingError in one sentence where a loss or a KL term has no text of its own to give."""
    term = config.kl_record()
    x = "x.expand_as(logits)" if term.bound else "x"
    try:
        loss, loss_call = _loss(config, x)
    except Unreadable as what:
        raise _refused("loss", config.loss, what) from None
    try:
        roots, cost = ([importance_weighted_objective], "") if term.bound else _cost(config)
        kl = definitions([kl_divergence, *roots])
    except Unreadable as what:
        raise _refused("kl_term", config.kl_term, what) from None
    divided = "" if config.reduction == "sum" else " / x[0].numel()"
    reconstruction = ("per_image" if term.bound else "reconstruction") + divided
    template = _BOUND if term.bound else _ONE_SAMPLE
    return Minimised(f"{loss}\n\n\n{kl}", template.format(loss=loss_call, reconstruction=reconstruction, cost=cost))


def _refused(field: str, key: str, what: Unreadable) -> SettingError:
    told = f"a script is written for functions whose text stands on its own in a module, and '{what}' is none"
    return SettingError(field, key, told)


def _loss(config: TrainConfig, x: str) -> tuple[str, str]:
    """(definitions, call) of the pixelwise loss."""
    pixelwise = replace(config, pixels=UNIT).loss_record().pixelwise
    if config.loss == FORMULA and isinstance(pixelwise, partial):
        return formula_text(*pixelwise.args), f"formula(logits, {x})"
    of_prediction = enclosed(pixelwise, of_sigmoid, "of_prediction")
    function = of_prediction or pixelwise
    first = "torch.sigmoid(logits)" if of_prediction else "logits"
    if config.pixels == SYMMETRIC:
        first, x = "2 * torch.sigmoid(logits) - 1", f"2 * {x} - 1"
    text = definitions([function])
    return text, _call(function, [first, x], _keywords(config))


def _keywords(config: TrainConfig) -> dict[str, str]:
    """As evaluation.loss_keywords: given in the settings, or trained; a batch's own sigma is the function's default."""
    origin = config.loss_record().origin("sigma")
    if origin == "learned":
        return {"sigma": "log_sigma.exp()"}
    return {} if origin == "batch" else {name: repr(value) for name, value in config.loss_parameters().items()}


def _cost(config: TrainConfig) -> tuple[list[Callable[..., Any]], str]:
    """(functions, expression): what the KL adds to the objective, from kl_per_dim or kl."""
    cost, settings = config.kl_record().cost, {k: repr(v) for k, v in config.kl_settings().items()}
    weight = enclosed(cost, weighted, "weight")
    if weight is constant_weight:
        return [], "BETA * kl"
    time = "step / STEPS_PER_EPOCH"
    if weight:
        return [weight], _call(weight, ["BETA", time], settings) + " * kl"
    return [cost], _call(cost, ["kl_per_dim", "BETA", time], settings)


def _call(function: Callable[..., Any], positional: list[str], keywords: dict[str, str]) -> str:
    name = inspect.unwrap(function).__name__
    return f"{name}({', '.join(positional + [f'{key}={value}' for key, value in keywords.items()])})"
