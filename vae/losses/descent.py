"""Gradient descent of one pixel's logit under a loss."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

import numpy as np
import torch

from vae.errors import SettingError
from vae.losses.arguments import is_number, settings_of, unit
from vae.losses.record import Loss


@dataclass(frozen=True, eq=False)
class Descent:
    """Gradient descent of one pixel's logit: arrays of steps + 1 numbers, the start included.

    diverged_at is the step whose logit or value was no longer finite; the arrays then end just before it.
    """

    x: float
    step_size: float
    logit: np.ndarray
    p: np.ndarray
    value: np.ndarray  # nats per pixel
    diverged_at: int | None = None


def descend(loss: Loss, x: float, p0: float, step_size: float, steps: int, **parameters: float) -> Descent:
    """Gradient descent of one pixel's logit, p = sigmoid(logit), from p0 towards the true pixel x.

    The gradient is that of `pixelwise`: what a network would get. SettingError unless x is in [0, 1], 0 < p0 < 1,
    0 < step_size <= 1000 and steps is a whole number from 1 to 2000.
    """
    settings = settings_of(loss, parameters)
    x = unit("x", x)
    if not is_number(p0) or not 0 < p0 < 1:
        raise SettingError("p0", p0, "a number between 0 and 1, without the two ends, is accepted")
    if not is_number(step_size) or not 0 < step_size <= 1000:
        raise SettingError("step_size", step_size, "a number above 0 and up to 1000 is accepted")
    if not isinstance(steps, numbers.Integral) or isinstance(steps, bool) or not 1 <= steps <= 2000:
        raise SettingError("steps", steps, "a whole number from 1 to 2000 is accepted")

    target = torch.tensor(x, dtype=torch.float64)
    logit = torch.logit(torch.tensor(p0, dtype=torch.float64))
    path = []
    for _ in range(steps + 1):
        logit.requires_grad_()
        value = loss.pixelwise(logit, target, **settings)
        if not (math.isfinite(logit.item()) and math.isfinite(value.item())):
            break
        path.append((logit.item(), value.item()))
        (gradient,) = torch.autograd.grad(value, logit)
        logit = logit.detach() - step_size * gradient
    logits, values = np.array(path).reshape(-1, 2).T.copy()
    p = torch.from_numpy(logits).sigmoid().numpy()
    return Descent(x, float(step_size), logits, p, values, len(path) if len(path) <= steps else None)
