"""What may be done with the KL term: a table of records, as of the losses. Schedules of beta, free bits, a target capacity,
and the importance-weighted bound, which leaves the KL term's closed form behind.

A record turns the KL of each latent dimension, averaged over a batch (nats per image), into what it adds to the
objective at a moment of the training. Time is counted in epochs, so that one setting suits large and small data sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses.record import Parameter

Settings = Mapping[str, float]
_EPOCHS = (0.01, 10_000.0)


@dataclass(frozen=True)
class Panel:
    """One small plot of what a term does, before it is run. marked: the x of the setting itself, if it lies on the axis."""

    title: str
    x_label: str
    y_label: str
    x: np.ndarray
    lines: tuple[tuple[str, np.ndarray], ...]  # (label, y)
    marked: float | None = None


@dataclass(frozen=True)
class KLTerm:
    """One way of weighing the KL term.

    cost(kl_per_dim, beta, epoch, **settings): Tensor (Z,) of nats -> 0-dim Tensor, what is added to the reconstruction.
    target(beta, epoch, **settings): the number that moves over the epochs, named by target_label.
    priced(kl_per_dim, beta, target, **settings): the same for runs side by side, (R, Z) nats, beta and target tensors (R,),
    with its derivative written out: (R,) and (R, Z). None where cost and autograd have to do.
    parameters: what the user sets besides beta. bound: True where the objective is a bound over several samples of z, for
    which cost is only what it costs with one.
    """

    key: str
    name: str
    meaning: str
    latex: str
    source: str
    url: str
    cost: Callable[..., Tensor]
    target: Callable[..., float]
    priced: Callable[..., tuple[Tensor, Tensor]] | None = None
    target_label: str = "weight of the KL term"
    kl_label: str = "KL, nats per image"
    parameters: tuple[Parameter, ...] = ()
    bound: bool = False

    def settings(self, given: Mapping[str, float]) -> dict[str, float]:
        """Every parameter with its value: the user's, else the default."""
        return {p.name: p.default for p in self.parameters} | dict(given)

    def target_at(self, beta: float, epoch: float, settings: Settings) -> float:
        """The number that moves over the epochs, which may do without the settings."""
        return self.target(beta, epoch, **(settings if self.target is not constant_weight else {}))


# ---- What each adds to the objective -----------------------------------------------------------------------------


def constant_weight(beta: float, epoch: float) -> float:
    return beta


def warmup_weight(beta: float, epoch: float, warmup_epochs: float) -> float:
    """From 0 to beta in a straight line, then beta."""
    return beta * min(1.0, epoch / warmup_epochs)


def cyclical_weight(beta: float, epoch: float, cycle_epochs: float, rising: float) -> float:
    """In every cycle from 0 to beta within the share `rising` of it, then beta to its end."""
    return beta * min(1.0, (epoch % cycle_epochs) / (cycle_epochs * rising))


def target_capacity(beta: float, epoch: float, capacity: float, capacity_epochs: float) -> float:
    """C in nats: from 0 to `capacity` in a straight line, then held."""
    return capacity * min(1.0, epoch / capacity_epochs)


def weighted(weight: Callable[..., float]) -> Callable[..., Tensor]:
    """The cost of a term that only changes the weight: weight * sum of the dimensions' KL."""

    def cost(kl_per_dim: Tensor, beta: float, epoch: float, **settings: float) -> Tensor:
        return weight(beta, epoch, **settings) * kl_per_dim.sum()

    return cost


def free_bits(kl_per_dim: Tensor, beta: float, epoch: float, free_nats: float) -> Tensor:
    """beta * sum of max(free_nats, KL of the dimension, averaged over the batch): below that, a dimension costs the same."""
    return beta * kl_per_dim.clamp_min(free_nats).sum()


def capacity_cost(kl_per_dim: Tensor, beta: float, epoch: float, **settings: float) -> Tensor:
    """beta * |KL - C|: the KL is pulled to C from both sides."""
    return beta * (kl_per_dim.sum() - target_capacity(beta, epoch, **settings)).abs()


def one_sample_cost(kl_per_dim: Tensor, beta: float, epoch: float, samples: float) -> Tensor:
    """beta * KL: what a bound over several samples of z comes to with one, on average."""
    return beta * kl_per_dim.sum()


def importance_weighted_objective(
    reconstruction: Tensor, log_var: Tensor, z: Tensor, eps: Tensor, beta: float
) -> Tensor:
    """-log (1/k) sum_k p(x|z_k) (p(z_k) / q(z_k|x))^beta for each image: (k, B) and so on -> (B,), nats; lower is better.

    reconstruction (k, B) is -log p(x|z_k), z = mu + sigma eps (k, B, Z). With k = 1 and beta = 1 its mean is -ELBO, by
    sampling; with k growing it falls to -log p(x). Burda, Grosse and Salakhutdinov 2016, https://arxiv.org/abs/1509.00519.
    """
    log_ratio = 0.5 * (eps.square() + log_var - z.square()).sum(-1)  # log p(z) - log q(z|x), (k, B)
    return math.log(len(z)) - torch.logsumexp(beta * log_ratio - reconstruction, dim=0)


# ---- The same for runs side by side, with the derivative -----------------------------------------------------------


def weighted_priced(kl_per_dim: Tensor, beta: Tensor, target: Tensor, **settings: float) -> tuple[Tensor, Tensor]:
    return target * kl_per_dim.sum(1), target[:, None].expand_as(kl_per_dim)


def free_bits_priced(kl_per_dim: Tensor, beta: Tensor, target: Tensor, free_nats: float) -> tuple[Tensor, Tensor]:
    return beta * kl_per_dim.clamp_min(free_nats).sum(1), beta[:, None] * (kl_per_dim >= free_nats)


def capacity_priced(kl_per_dim: Tensor, beta: Tensor, target: Tensor, **settings: float) -> tuple[Tensor, Tensor]:
    above = kl_per_dim.sum(1) - target
    return beta * above.abs(), (beta * above.sign())[:, None].expand_as(kl_per_dim)


# ---- The table ---------------------------------------------------------------------------------------------------

_RECORDS = (
    KLTerm(
        key="constant",
        name="constant β",
        meaning="The same weight from the first step to the last; at 1 the objective is −ELBO.",
        latex=r"\beta\,\mathrm{KL}",
        source="Higgins et al. 2017, beta-VAE",
        url="https://openreview.net/forum?id=Sy2fzU9gl",
        cost=weighted(constant_weight),
        target=constant_weight,
        priced=weighted_priced,
    ),
    KLTerm(
        key="warmup",
        name="linear warm-up",
        meaning="β rises from 0: the net learns to reconstruct before its codes are pulled to the prior.",
        latex=r"\beta\,\min(1,\,t/T)\,\mathrm{KL}",
        source="Bowman et al. 2016; Sønderby et al. 2016",
        url="https://arxiv.org/abs/1602.02282",
        cost=weighted(warmup_weight),
        target=warmup_weight,
        priced=weighted_priced,
        parameters=(Parameter("warmup_epochs", 5.0, *_EPOCHS, "epochs until the weight has reached beta"),),
    ),
    KLTerm(
        key="cyclical",
        name="cyclical",
        meaning="β rises from 0 again and again: each cycle starts from codes that already mean something.",
        latex=r"\beta\,\min\!\big(1,\,\tfrac{t\bmod T}{R\,T}\big)\,\mathrm{KL}",
        source="Fu et al. 2019, Cyclical Annealing Schedule",
        url="https://arxiv.org/abs/1903.10145",
        cost=weighted(cyclical_weight),
        target=cyclical_weight,
        priced=weighted_priced,
        parameters=(
            Parameter("cycle_epochs", 4.0, *_EPOCHS, "epochs of a cycle"),
            Parameter("rising", 0.5, 0.01, 1.0, "share of a cycle in which the weight rises"),
        ),
    ),
    KLTerm(
        key="free_bits",
        name="free bits",
        meaning="Each latent dimension may spend so many nats for the same price: there is nothing to gain from collapse.",
        latex=r"\beta\sum_j\max(\lambda,\,\mathrm{KL}_j)",
        source="Kingma et al. 2016, Inverse Autoregressive Flow",
        url="https://arxiv.org/abs/1606.04934",
        cost=free_bits,
        target=constant_weight,
        priced=free_bits_priced,
        kl_label="KL of one latent dimension, nats per image",
        parameters=(
            Parameter("free_nats", 0.5, 0.0, 100.0, "nats of each latent dimension that are free (1 bit = .69 nats)"),
        ),
    ),
    KLTerm(
        key="capacity",
        name="target capacity",
        meaning="The KL is pulled to a target C, which rises: with a strong β, one chooses how much the code may say.",
        latex=r"\beta\,\lvert\mathrm{KL}-C(t)\rvert",
        source="Burgess et al. 2018, Understanding disentangling in beta-VAE",
        url="https://arxiv.org/abs/1804.03599",
        cost=capacity_cost,
        target=target_capacity,
        priced=capacity_priced,
        target_label="target C, nats per image",
        parameters=(
            Parameter("capacity", 10.0, 0.0, 1000.0, "nats per image that the KL is pulled to in the end"),
            Parameter("capacity_epochs", 5.0, *_EPOCHS, "epochs until the target has reached its end"),
        ),
    ),
    KLTerm(
        key="iwae",
        name="importance-weighted bound",
        meaning="A tighter bound on log p(x) from k codes an image (IWAE); costs k passes through the decoder.",
        latex=r"-\log\frac1k\sum_{i=1}^k \frac{p(x|z_i)\,p(z_i)^\beta}{q(z_i|x)^\beta}",
        source="Burda, Grosse and Salakhutdinov 2016",
        url="https://arxiv.org/abs/1509.00519",
        cost=one_sample_cost,
        target=constant_weight,
        parameters=(Parameter("samples", 5, 1, 64, "k, the codes drawn for each image", whole=True),),
        bound=True,
    ),
)

KL_TERMS: Mapping[str, KLTerm] = MappingProxyType({record.key: record for record in _RECORDS})


def find_kl_term(key: object) -> KLTerm:
    """The record of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in KL_TERMS:
        raise SettingError("kl_term", key, f"one of {', '.join(KL_TERMS)} is accepted")
    return KL_TERMS[key]


# ---- What a term does, before it is run --------------------------------------------------------------------------

_FINE = 201


def panels(term: KLTerm, beta: float, epochs: float, settings: Settings) -> tuple[Panel, Panel]:
    """The number that moves over the epochs, and the price: over the KL of a dimension, or, for a bound, over its samples."""
    t = np.linspace(0, epochs, _FINE)
    moving = np.array([term.target_at(beta, epoch, settings) for epoch in t])
    over_time = Panel(f"{term.target_label} over the epochs", "epoch", term.target_label, t, ((term.name, moving),))
    return over_time, _bound(settings) if term.bound else _price(term, beta, epochs, settings)


def _price(term: KLTerm, beta: float, epochs: float, settings: Settings) -> Panel:
    """What a KL of so many nats adds to the objective, at three moments."""
    most = max(3.0, 2.0 * max(settings.get("capacity", 0.0), settings.get("free_nats", 0.0)))
    kl = np.linspace(0, most, _FINE)
    moments = {0.0: "at the start", epochs / 2: "half-way", epochs: "at the end"}
    lines: list[tuple[str, np.ndarray]] = []
    for epoch, label in moments.items():
        y = np.array([float(term.cost(torch.tensor([v]), beta, epoch, **settings)) for v in kl])
        if not lines or not any(np.array_equal(y, other) for _, other in lines):
            lines.append((label, y))
    lines = [("at any time", lines[0][1])] if len(lines) == 1 else lines
    return Panel("Price of the KL", term.kl_label, "added to the objective, nats", kl, tuple(lines))


def _bound(settings: Settings) -> Panel:
    """How much of the gap between -ELBO and -log p(x) is left with k samples, where the log weights have variance 1.

    log w = log p(x) + s eps - s^2 / 2 with s = 1: the ELBO lies 1/2 nat below log p(x). Means of 4,000 draws.
    """
    most = 64
    eps = np.random.default_rng(0).standard_normal((4000, most))
    bound = np.log(np.cumsum(np.exp(eps - 0.5), axis=1) / np.arange(1, most + 1)).mean(0)
    return Panel(
        "Gap to log p(x), log weights of variance 1",
        "samples k",
        "nats below log p(x)",
        np.arange(1, most + 1, dtype=np.float64),
        (("left at k samples", -bound),),
        settings["samples"],
    )
