"""What the exercises ask for: each check looks at what was reached, and says the figures, or what is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch

from vae.errors import SettingError
from vae.lesson.reached import Judgement, Ran, Reached
from vae.losses.bernoulli import BCE
from vae.losses.derivatives import derivatives_of
from vae.losses.formula import formula_loss
from vae.losses.kl import divergence
from vae.losses.surfaces import at_point
from vae.study.data_card import data_card
from vae.study.opened import OpenedModel
from vae.training.config import FORMULA, TrainConfig

NAT, ENTROPY = 1.0, 0.673
FEWEST_STEPS = 300  # of a training that is judged: a code that has hardly been trained says nothing
USED, COLLAPSED = 0.1, 0.01  # nats of KL of a dimension
FEWEST_USED, MOST_USED = 3, 12


def _passed(said: str) -> Judgement:
    return Judgement(True, said)


def _missing(said: str) -> Judgement:
    return Judgement(False, said)


# ---- Loss surfaces and the KL term ---------------------------------------------------------------------------------------


def entropy(reached: Reached) -> Judgement:
    x, p = (float(str(reached.fields[name])) for name in ("x", "p"))
    cost = at_point(BCE, x, p).value
    if abs(x - p) > 5e-4:
        return _missing(f"The prediction is {p:g} and the true pixel {x:g}: a perfect one is asked for.")
    if abs(cost - ENTROPY) > 5e-4:
        return _missing(f"This perfect prediction costs {cost:.4f} nats under BCE; {ENTROPY:g} are asked for.")
    return _passed(f"BCE({x:g}, {p:g}) = {cost:.4f} nats.")


def free_copy(reached: Reached) -> Judgement:
    losses = reached.fields["losses"]
    if not isinstance(losses, tuple) or FORMULA not in losses:
        return _missing("Choose your own formula among the losses, and write it below them.")
    text = str(reached.fields[FORMULA])
    try:
        loss = formula_loss(text)
    except SettingError as reason:
        return _missing(str(reason))
    x, p = torch.meshgrid(*torch.linspace(0.05, 0.95, 19, dtype=torch.float64).expand(2, -1), indexing="ij")
    apart = (derivatives_of(loss).slope(p, x) - derivatives_of(BCE).slope(p, x)).abs().max().item()
    if not apart < 1e-4:  # NaN is not, either
        return _missing(f"The slope in p differs from BCE's by up to {apart:.4g}; the same is asked for.")
    dearest = loss.at(x, x).abs().max().item()
    if not dearest < 1e-6:
        return _missing(f"A perfect prediction still costs up to {dearest:.4g} nats; 0 is asked for.")
    return _passed(f"A perfect prediction costs 0, and the slope is BCE's: {text}")


def one_nat(reached: Reached) -> Judgement:
    mu, log_var = (float(str(reached.fields[name])) for name in ("mu", "log_var"))
    kl = float(divergence(mu, log_var))
    if mu != 0:
        return _missing(f"The code's mean is {mu:g}; 0 is asked for.")
    if abs(kl - NAT) > 0.03:
        return _missing(f"This code costs {kl:.3f} nats; 1 is asked for, give or take .03.")
    return _passed(f"μ = 0 and log σ² = {log_var:g} cost {kl:.3f} nats.")


# ---- Trainings -----------------------------------------------------------------------------------------------------------


def _unfinished(runs: Iterable[Ran]) -> str:
    """What a training has to do before it is judged; "" where it has."""
    runs = tuple(runs)
    if not runs or any(run.seen is None for run in runs):
        return "No training is here yet: press Start."
    behind = min(runs, key=lambda run: run.step / run.config.total_steps)
    if not behind.done:
        return f"The training stands at step {behind.step:,} of {behind.config.total_steps:,}: let it come to its end."
    if behind.step < FEWEST_STEPS:
        return (
            f"The training took {behind.step:,} steps; {FEWEST_STEPS} at least are asked for, so give it more epochs."
        )
    return ""


def _kls(run: Ran) -> tuple[float, ...]:
    return run.seen.kl_per_dim if run.seen else ()


def few_dimensions(reached: Reached) -> Judgement:
    if missing := _unfinished(reached.runs):
        return _missing(missing)
    found = [(run, sum(kl > USED for kl in _kls(run))) for run in reached.runs if run.config.latent_dim == 20]
    if not found:
        return _missing(f"The code has {reached.runs[0].config.latent_dim} dimensions; 20 are asked for.")
    run, used = next((one for one in found if FEWEST_USED <= one[1] <= MOST_USED), found[0])
    if used > MOST_USED:
        return _missing(f"The KL of {used} dimensions is above .1 nats; at most {MOST_USED} are asked for.")
    if used < FEWEST_USED:
        return _missing(f"The KL of {used} dimensions is above .1 nats; at least {FEWEST_USED} are asked for.")
    return _passed(f"The KL of {used} of 20 dimensions is above .1 nats, with β = {run.config.beta:g}.")


CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "beta": "β is large: the KL is too dear",
        "mean": "a mean over pixels, where a sum belongs",
        "rate": "the learning rate is too large",
        "narrow": "the network is too narrow",
    }
)
_IS_SO: Mapping[str, Callable[[TrainConfig], bool]] = MappingProxyType(
    {
        "beta": lambda config: config.beta > 1,
        "mean": lambda config: config.reduction == "mean",
        "rate": lambda config: config.learning_rate > 1e-2,
        "narrow": lambda config: min(config.hidden, default=99) < 8,
    }
)


def collapse(reached: Reached) -> Judgement:
    if missing := _unfinished(reached.runs):
        return _missing(missing)
    run = min(reached.runs, key=lambda one: max(_kls(one)))
    largest = max(_kls(run))
    if largest > COLLAPSED:
        return _missing(f"A dimension has a KL of {largest:.3f} nats; at most {COLLAPSED:g} is asked for.")
    if reached.answer not in CAUSES:
        return _missing(f"The code has collapsed, the largest KL is {largest:.4f} nats: now name the cause.")
    if not _IS_SO[reached.answer](run.config):
        return _missing(f"The settings of this training do not bear that cause out: {CAUSES[reached.answer]}.")
    return _passed(f"The largest KL of a dimension is {largest:.4f} nats, because: {CAUSES[reached.answer]}.")


def fair_weight(reached: Reached) -> Judgement:
    configs = [run.config for run in reached.runs]
    if [config.loss for config in configs] != ["bce", "mse"] or configs[0].dataset != "patches":
        return _missing("A race of BCE against MSE on patches of photographs is asked for.")
    bce, mse = configs
    if replace(mse, loss="bce", beta=bce.beta) != bce or bce.beta != 1:
        return _missing("More than the dial of MSE differs between the columns; only that is asked for.")
    if missing := _unfinished(reached.runs):
        return _missing(missing)
    first, second = (run.seen.squared_error if run.seen else math.inf for run in reached.runs)
    if second >= first:
        return _missing(f"MSE's squared error is {second:.2f} and BCE's {first:.2f}; a smaller one is asked for.")
    return _passed(f"With its dial at β = {mse.beta:g}, MSE's squared error is {second:.2f}, BCE's {first:.2f}.")


def floor(reached: Reached) -> Judgement:
    configs = [run.config for run in reached.runs]
    if any(config.loss != "bce" or config.dataset != "sprites" for config in configs):
        return _missing("Every column is asked to have BCE as its loss and sprites as its data.")
    if not configs or not all(run.step for run in reached.runs):
        return _missing("No step has been taken yet: press Start or Step.")
    floors = [data_card(config.dataset, config.size, config.pixels).floor for config in configs]
    said = " and ".join(f"{one:.2f}" for one in floors)
    if min(floors) > 0 or max(floors) == 0:
        return _missing(f"A perfect copy costs {said} nats; 0 in one column is asked for, and more in another.")
    return _passed(f"A perfect copy costs {said} nats in the columns of this race.")


# ---- Latent space and Bug zoo ----------------------------------------------------------------------------------------------


def _class_of(model: OpenedModel, index: object) -> str:
    """The name of the class of that test image, as the page shows it; "" where it has none."""
    if model.encoded.labels is None:
        return ""
    index = int(str(index))
    return str(model.classes[int(model.encoded.labels[index if index < len(model.encoded) else 0])])


def walk(reached: Reached) -> Judgement:
    if reached.model is None or reached.fields["part"] != "walk":
        return _missing("Choose Walk as the way to look at the model.")
    ends = tuple(_class_of(reached.model, reached.fields[name]) for name in ("image", "other"))
    if ends != ("3", "8"):
        return _missing(f"The walk goes from “{ends[0]}” to “{ends[1]}”; from “3” to “8” is asked for.")
    return _passed(f"From image {reached.fields['image']}, a 3, to image {reached.fields['other']}, an 8.")


def glasses(reached: Reached) -> Judgement:
    model, fields = reached.model, reached.fields
    if model is None or model.config.dataset != "faces":
        return _missing("The model on show was not trained on cartoon faces: choose one that was.")
    if fields["part"] != "arithmetic":
        return _missing("Choose Arithmetic as the way to look at the model.")
    if fields["groups"] != "attribute" or fields["attribute"] != "glasses":
        return _missing("What is added is not the known attribute “glasses”.")
    if fields["origin"] != "image":
        return _missing("The start is the mean of a class; one image is asked for.")
    if (worn := _class_of(model, fields["image"])) != "no glasses":
        return _missing(f"The face at the start is one of the class “{worn}”; one without glasses is asked for.")
    return _passed(f"Glasses put on image {fields['image']} by {model.title}.")


def diagnosis(reached: Reached) -> Judgement:
    right = sorted(patient for patient, cause in reached.named.items() if cause == patient)
    if len(right) < 2:
        return _missing(f"{len(right)} of the patients you revealed was named rightly before; 2 are asked for.")
    return _passed(f"Named rightly: patients {', '.join(right).upper()}.")
