"""The least value of a loss over predictions, for each true pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from vae.losses.arguments import axis, settings_of
from vae.losses.derivatives import derivatives_of
from vae.losses.record import Loss


@dataclass(frozen=True, eq=False)
class Minimum:
    """The least value of a loss for each x and the prediction that has it; -inf where it falls without bound.

    p is rounded as floats are: to 0 or 1 where the best is nearer to that than a float can say.
    """

    value: np.ndarray  # (n,), nats per pixel
    p: np.ndarray  # (n,)
    note: str  # one sentence on where there is no least value, or ""


def minimum(loss: Loss, x: ArrayLike, **parameters: float) -> Minimum:
    """The least value over p for each of the true pixels x, (n,) or a number. SettingError as for surface()."""
    settings = settings_of(loss, parameters)
    return minimum_at(loss, torch.from_numpy(axis("x", np.atleast_1d(x))), settings)


def minimum_at(loss: Loss, x: Tensor, settings: dict[str, float]) -> Minimum:
    value, p = derivatives_of(loss).minimum(loss, x, **settings)
    ends = torch.tensor([0.0, 1.0], dtype=x.dtype)
    lowest, end = loss.at(ends[:, None], x, **settings).broadcast_to(2, len(x)).min(0)
    unbounded = lowest == -torch.inf
    value, p = torch.where(unbounded, lowest, value), torch.where(unbounded, ends[end], p)
    return Minimum(value.numpy(), p.numpy(), _without_least(loss, x[unbounded].tolist()))


def _without_least(loss: Loss, x: list[float]) -> str:
    if not x:
        return ""
    where = " and ".join(f"{v:g}" for v in x) if len(x) <= 2 else f"{min(x):g} to {max(x):g}"
    return f"{loss.name} has no least value at x = {where}: it falls without bound, so there is no excess over it."
