"""What may be asked of a loss: parameters, pixels and predictions, checked before anything is computed."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import TypeGuard

import numpy as np

from vae.errors import SettingError
from vae.losses.record import Loss


def defaults(loss: Loss) -> dict[str, float]:
    """The parameters with which a loss is drawn unless others are given: {name: default}."""
    return {parameter.name: parameter.default for parameter in loss.parameters}


def settings_of(loss: Loss, parameters: Mapping[str, object]) -> dict[str, float]:
    """The parameters of a pointwise loss, checked, with defaults for those not given."""
    if not loss.pointwise:
        raise SettingError("loss", loss.key, "a loss that looks at one pixel at a time is accepted")
    known = {parameter.name: parameter for parameter in loss.parameters}
    for name, value in parameters.items():
        if name not in known:
            raise SettingError(name, value, f"{loss.name} takes {', '.join(known) or 'no parameter'}")
    return defaults(loss) | {name: known[name].check(value) for name, value in parameters.items()}


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def unit(name: str, value: object) -> float:
    if not is_number(value) or not 0 <= value <= 1:  # NaN fails the comparison too
        raise SettingError(name, value, "a number from 0 to 1 is accepted")
    return float(value)


def axis(name: str, values: object, low: float = 0) -> np.ndarray:
    """The axis as a new float64 array (n,) within [low, 1]."""
    try:
        axis = np.asarray(values, dtype=np.float64).copy()  # ours alone, whoever gave it
    except (TypeError, ValueError):
        axis = np.empty(0)
    if axis.ndim != 1 or not axis.size:
        raise SettingError(name, values, "a list of one or more numbers is accepted")
    outside = ~((axis >= low) & (axis <= 1))  # NaN counts as outside
    if outside.any():
        raise SettingError(name, float(axis[outside][0]), f"a number from {low} to 1 is accepted")
    return axis
