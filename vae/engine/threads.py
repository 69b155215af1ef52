"""How many threads of arithmetic a run has. Fixed when it is made: with another number the last digits of its curve differ.

Measured on two cores: a second thread makes a step of 13 million multiply-adds no faster, of 80 million 1.2 times, of 240
million (MNIST, 784-400-20) 1.4 times, of 620 million 1.7 times. So a thread has to have something to do; columns of a race have
a core each before one of them has two; and where several people use the server, their runs share its cores by turns, which
wastes less.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from vae.errors import SettingError
from vae.training.config import TrainConfig, operations_of_step

OPERATIONS_OF_A_THREAD = 4e7  # multiply-adds of a step
MOST = 16


def threads_of(config: TrainConfig, columns: int, people: int, cores: int) -> int:
    """For a column of that race, on so many cores that so many people use now."""
    room = cores // max(columns, 1) if people <= 1 else 1
    return max(1, min(room, MOST, int(operations_of_step(config) / OPERATIONS_OF_A_THREAD)))


def threads_given(environment: Mapping[str, str] = os.environ) -> int | None:
    """VAE_THREADS, where it is set. SettingError unless it is a whole number from 1 to 256."""
    text = environment.get("VAE_THREADS", "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise SettingError("VAE_THREADS", text, "a whole number from 1 to 256 is accepted")
    return int(text)
