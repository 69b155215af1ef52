"""Chunks that many threads want of one card, through as few programs as may be: runs of one shape go side by side.

Nobody waits for company. Who comes while the card is at work goes along with the next program, with all who fit; a program
goes as far as the one who wants least, and who wants more is in the one after it. So four columns of a race, or forty
students, cost little more than one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from vae.data import ImageDataset
from vae.training import step as on_cpu
from vae.training.batched import is_batched, shape_of
from vae.training.config import TrainConfig
from vae.training.on_device import Advanced, take_chunk
from vae.training.step import Progress, TrainState

MOST = 64  # side by side


@dataclass(eq=False)
class _Wanted:
    """What one thread wants, and what of it is done: where it stands, the steps that are left, and what there was to see."""

    state: TrainState
    config: TrainConfig
    data: ImageDataset
    left: int
    seen: list[Progress] = field(default_factory=list)
    reason: Exception | None = None
    broken: bool = False  # a number was not finite: the CPU looks for the last good step

    @property
    def is_over(self) -> bool:
        return self.reason is not None or self.broken or (self.left == 0 and bool(self.seen))

    def fits(self, other: _Wanted) -> bool:
        """Whether both may go through one program. Not where one would stop between two observations of the other, as at the
        end of a training: all are looked at together."""
        alike = self.data is other.data and shape_of(self.config) == shape_of(other.config)
        apart = (self.left - other.left) % self.config.observe_every
        return alike and not apart and is_batched(self.config) and is_batched(other.config)

    def took(self, found: Advanced | None, steps: int) -> None:
        if found is None:
            self.broken = True
        else:
            self.state, progress = found
            self.seen.append(progress)
            self.left -= steps


class Together:
    """The way to a card, for the threads of a process."""

    def __init__(self) -> None:
        self._card, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Wanted] = []

    def advance(
        self, state: TrainState, config: TrainConfig, data: ImageDataset, steps: int, device: torch.device
    ) -> Advanced:
        """on_device.alone(), with whoever wants the like meanwhile. DeviceError where the card fails."""
        wanted = _Wanted(state, config, data, max(0, min(steps, config.total_steps - state.step)))
        with self._lock:
            self._waiting.append(wanted)
        while not wanted.is_over:
            with self._card:
                if not wanted.is_over:  # else it went along with another's
                    self._take(wanted, device)
        if wanted.reason is not None:
            raise wanted.reason
        if wanted.broken:
            wanted.took(on_cpu.advance(wanted.state, config, data, wanted.left), wanted.left)
        return wanted.state, joined(wanted.seen)

    def _take(self, first: _Wanted, device: torch.device) -> None:
        """One program, of this one and all who fit."""
        with self._lock:
            company = [first, *(other for other in self._waiting if other is not first and other.fits(first))][:MOST]
        steps = min(wanted.left for wanted in company)
        states, configs = [wanted.state for wanted in company], [wanted.config for wanted in company]
        try:
            for wanted, found in zip(company, take_chunk(states, configs, first.data, steps, device)):
                wanted.took(found, steps)
        except Exception as reason:  # each one's own thread tells it
            for wanted in company:
                wanted.reason = reason
        with self._lock:
            self._waiting = [wanted for wanted in self._waiting if not wanted.is_over]


def joined(parts: Sequence[Progress]) -> Progress:
    """What calls of advance() did, one after the other, as one."""
    steps = [len(part.objective) for part in parts]
    seconds = sum(count / max(part.images_per_second, 1e-9) for count, part in zip(steps, parts))
    return replace(
        parts[-1],
        reconstruction=np.concatenate([part.reconstruction for part in parts]),
        kl=np.concatenate([part.kl for part in parts]),
        objective=np.concatenate([part.objective for part in parts]),
        observations=tuple(seen for part in parts for seen in part.observations),
        images_per_second=sum(steps) / max(seconds, 1e-9) if sum(steps) else parts[-1].images_per_second,
    )


OF_THIS_PROCESS = Together()
