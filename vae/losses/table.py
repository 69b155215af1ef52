"""The table of reconstruction losses, in the order in which they are offered. Surfaces, training, evaluation, claims and
tests all read it: a new loss is one record (record.py), in the file of its family, and its name here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vae.errors import SettingError
from vae.losses.bernoulli import BCE, CONTINUOUS_BERNOULLI
from vae.losses.others import LAPLACE, LOGCOSH, SSIM
from vae.losses.record import Loss
from vae.losses.squared_error import GAUSSIAN, GAUSSIAN_LEARNED, GAUSSIAN_OPTIMAL, MSE

_RECORDS = (BCE, MSE, GAUSSIAN, GAUSSIAN_OPTIMAL, GAUSSIAN_LEARNED, CONTINUOUS_BERNOULLI, LAPLACE, LOGCOSH, SSIM)

LOSSES: Mapping[str, Loss] = MappingProxyType({record.key: record for record in _RECORDS})


def find_loss(key: object) -> Loss:
    """The record of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in LOSSES:
        raise SettingError("loss", key, f"one of {', '.join(LOSSES)} is accepted")
    return LOSSES[key]
