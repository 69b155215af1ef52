"""Derivatives of any pointwise loss, and where it is least: in closed form where its record has them, else by autograd and a
search."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae.losses.record import Derivatives, Loss


def derivatives_of(loss: Loss) -> Derivatives:
    """The closed forms of that loss, or autograd and a search where there are none."""
    return loss.derivatives or numerical_derivatives(loss)


def numerical_derivatives(loss: Loss) -> Derivatives:
    """The same for any pointwise loss, by float64 autograd, limits at p = 0 and 1, and a search for the minimum."""

    def derivative(p: Tensor, x: Tensor, parameters: dict[str, float], order: int = 1) -> Tensor:
        p = p.broadcast_to(torch.broadcast_shapes(p.shape, x.shape)).detach().clone().requires_grad_()
        result = loss.at(p, x, **parameters)
        for _ in range(order):
            if not result.requires_grad:  # constant in p
                return torch.zeros_like(p)
            (result,) = torch.autograd.grad(result.sum(), p, create_graph=True)
        return result.detach()

    return Derivatives(
        slope=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters), p),
        logit_slope=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters) * q * (1 - q), p),
        curvature=lambda p, x, **parameters: limit_at_ends(lambda q: derivative(q, x, parameters, 2), p),
        minimum=search,
    )


def limit_at_ends(function: Callable[[Tensor], Tensor], p: Tensor) -> Tensor:
    """function(p), except that at p = 0 and p = 1 it is the limit from inside, good to about ten digits.

    The limit is judged from three points ever nearer to the end: where steps do not shrink (a logarithm's stay
    alike, a pole's grow) it is infinite, otherwise it is the value at the nearest.
    """
    end = (p == 0) | (p == 1)
    if not end.any():
        return function(p)
    far, middle, near = (function(torch.where(end, p + (1 - 2 * p) * 2.0**-k, p)) for k in (20, 30, 40))
    step = near - middle
    grows = (step.abs() > 0.75 * (middle - far).abs()) & (step.abs() > 1e-6 * near.abs().clamp_min(1))
    return torch.where(end & grows, step.sign() * torch.inf, near)


# Even steps find minima inside, steps even in the logit those beside 0 and 1.
_SEARCHED = torch.cat(
    [torch.linspace(0, 1, 201, dtype=torch.float64), torch.linspace(-60, 30, 121, dtype=torch.float64).sigmoid()]
).unique()
_GOLDEN = (math.sqrt(5) - 1) / 2


def search(loss: Loss, x: Tensor, **parameters: float) -> tuple[Tensor, Tensor]:
    """The least value of a pointwise loss for each x, (n,), and the p that has it, by grid and golden section.

    p = x is tried as well, and wins ties: it is where most losses have their minimum, and exactly there.
    """

    def value(p: Tensor) -> Tensor:
        return loss.at(p, x, **parameters).nan_to_num(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)

    best = value(_SEARCHED[:, None]).argmin(0)
    low, high = _SEARCHED[(best - 1).clamp_min(0)], _SEARCHED[(best + 1).clamp_max(len(_SEARCHED) - 1)]
    for _ in range(40):  # to 1e-10 in p, where a smooth minimum is flat to every digit
        inner = _GOLDEN * (high - low)
        pair = torch.stack((high - inner, low + inner))
        left, right = value(pair)
        low, high = torch.where(left < right, low, pair[0]), torch.where(left < right, pair[1], high)
    tried = torch.stack((_SEARCHED[best], (low + high) / 2, x))
    values = value(tried)
    least, choice = values.min(0)
    at_truth = values[2] <= least + 1e-12 * least.abs().clamp_min(1)
    p = torch.where(at_truth, x, tried.gather(0, choice[None])[0])
    return torch.where(at_truth, values[2], least), p
