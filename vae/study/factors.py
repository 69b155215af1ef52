"""What codes say of known factors: how much of a factor a dimension tells, and whether one dimension alone tells it.

Both scores are gaps: for each factor, how much the best dimension tells of it less what the second best does, then the mean
over factors. So a factor that is spread over dimensions counts little, and so does one that no dimension tells. Of one
dimension the second best tells 0. Both are blind to a dimension's scale, and mu of a dimension that the decoder has come to
ignore still whispers of the image: models are scored on their active() dimensions. Factors with a single value among the images are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.data import Factor, Factors
from vae.latent.codes import ACTIVE_VARIANCE

BINS = 20  # of a dimension, equally wide, as in Locatello et al. 2019, https://arxiv.org/abs/1811.12359
SHIFTS = 4  # pairings of codes with the factors of other images that say what chance tells


def mig(mu: Tensor, factors: Factors) -> float | None:
    """Mutual information gap of codes mu (N, Z), 0 to 1: in shares of the factor's entropy.

    Chen, Li, Grosse and Duvenaud 2018, https://arxiv.org/abs/1802.04942. None for codes that are not finite, and where no
    factor varies.
    """
    return _gap(mu, factors, information)


def sap(mu: Tensor, factors: Factors) -> float | None:
    """Separated attribute predictability of codes mu (N, Z), 0 to 1. None as for mig().

    Kumar, Sattigeri and Balakrishnan 2018, https://arxiv.org/abs/1711.00848: see predictability().
    """
    return _gap(mu, factors, predictability)


def _gap(mu: Tensor, factors: Factors, told: Callable[[Tensor, Factors], Tensor]) -> float | None:
    known = varying(factors)
    if not len(known.known) or not bool(mu.isfinite().all()):
        return None
    best = torch.nn.functional.pad(told(mu, known), (0, 2)).topk(2).values.clamp(0, 1)  # (K, 2)
    return float((best[:, 0] - best[:, 1]).mean())


def is_active(mu: Tensor) -> Tensor:
    """Which dimensions of mu (N, Z) are used, (Z,) bool, as in Health: a sampled z tells next to nothing in the others. SAP's
    paper leaves such out; MIG's measures the sampled z."""
    return mu.double().var(0, correction=0) > ACTIVE_VARIANCE


def active(mu: Tensor) -> Tensor:
    """Those dimensions: (N, number of them)."""
    return mu[:, is_active(mu)]


def varying(factors: Factors) -> Factors:
    """Those factors that take more than one value."""
    kept = [k for k, column in enumerate(factors.values.T) if bool((column != column[0]).any())]
    return Factors(tuple(factors.known[k] for k in kept), factors.values[:, kept])


# ---- How much a dimension tells of a factor -----------------------------------------------------------------------


def information(mu: Tensor, factors: Factors) -> Tensor:
    """Mutual information of each of K factors with each dimension of mu (N, Z), over the factor's entropy: (K, Z)."""
    bins = _binned(mu)
    return torch.stack([_shared(bins, column) for column in factors.values.T])


def _binned(mu: Tensor) -> Tensor:
    """The number of the bin that each code lies in, 0 to BINS - 1: (N, Z) int64. A constant dimension has one bin."""
    low, high = mu.double().aminmax(dim=0)
    share = (mu.double() - low) / (high - low).where(high > low, torch.ones_like(low))
    return (share * BINS).long().clamp(max=BINS - 1)


def _shared(bins: Tensor, values: Tensor) -> Tensor:
    """The information of one factor, values (N,), with each dimension, over its entropy: (Z,)."""
    levels, place = values.unique(return_inverse=True)
    n, dims = bins.shape
    cells = (torch.arange(dims) * len(levels) + place[:, None]) * BINS + bins  # (N, Z): dimension, level, bin
    joint = torch.bincount(cells.flatten(), minlength=dims * len(levels) * BINS).view(dims, len(levels), BINS) / n
    of_level, of_bin = joint.sum(2), joint.sum(1)
    return (_entropy(of_level) + _entropy(of_bin) - _entropy(joint.flatten(1))) / _entropy(of_level)


def _entropy(shares: Tensor) -> Tensor:
    """Nats, over the last axis."""
    return torch.special.entr(shares.double()).sum(-1)


def predictability(mu: Tensor, factors: Factors) -> Tensor:
    """How well each dimension of mu (N, Z) alone predicts each of K factors: (K, Z), 0 at chance, 1 where exact.

    Of an ordered factor the squared correlation, which is R^2 of a straight line. Of kinds the balanced accuracy of two
    thresholds: each kind against all others, told by the interval of codes that does it best, (accuracy - 1/2) * 2, mean
    over kinds. The paper fits "one or more thresholds" and leaves chance in.
    """
    rows = [
        _separated(mu, column) if factor.has_kinds else _correlated(mu, column) for factor, column in _each(factors)
    ]
    return torch.stack(rows)


def _each(factors: Factors) -> list[tuple[Factor, Tensor]]:
    return list(zip(factors.known, factors.values.T, strict=True))


def _correlated(mu: Tensor, values: Tensor) -> Tensor:
    """Squared correlation, (Z,); 0 for a constant dimension."""
    x, y = (part.double() - part.double().mean(0) for part in (mu, values))
    spread = x.square().sum(0) * y.square().sum()
    return torch.where(spread > 0, (y @ x).square() / spread.where(spread > 0, torch.ones_like(spread)), 0)


def _separated(mu: Tensor, values: Tensor) -> Tensor:
    """For each kind the largest difference of its share and the others' in an interval of codes; mean over kinds, (Z,)."""
    ordered, order = mu.sort(dim=0)
    last = torch.ones_like(ordered, dtype=torch.bool)  # of equal codes: no threshold lies between them
    last[:-1] = ordered[1:] != ordered[:-1]
    found = []
    for kind in values.unique():
        inside = (values == kind).double()
        weight = inside / inside.sum() - (1 - inside) / (1 - inside).sum()
        ahead = weight[order].cumsum(0) * last  # (N, Z): how far the kind is ahead below a threshold
        found.append(ahead.amax(0).clamp(min=0) - ahead.amin(0).clamp(max=0))
    return torch.stack(found).mean(0)


# ---- What a dimension is about ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """The factor that a dimension tells most of, and the share of its entropy, above what chance tells."""

    factor: str
    share: float


def most_told(mu: Tensor, factors: Factors, least: float = 0.1) -> tuple[Told | None, ...]:
    """For each dimension of mu (N, Z) what it tells most; None where that is not above `least`, or it is not active.

    Few images in many bins share some information by chance: as much as codes have with the factors of other images,
    which is taken off.
    """
    known, dims = varying(factors), mu.shape[1]
    if not len(known.known) or not bool(mu.isfinite().all()):
        return (None,) * dims
    others = [Factors(known.known, known.values.roll(shift, 0)) for shift in range(1, SHIFTS + 1)]
    chance = torch.stack([information(mu, other) for other in others]).mean(0)
    shares, places = ((information(mu, known) - chance) * is_active(mu)).max(0)
    return tuple(
        Told(known.names[k], share) if share > least else None for share, k in zip(shares.tolist(), places.tolist())
    )
