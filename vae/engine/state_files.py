"""States brought home from the workers: each in a file of this process's own folder, as forty of them fill a memory."""

from __future__ import annotations

import itertools
import logging
import tempfile
import weakref
from functools import lru_cache
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vae.training.step import TrainState

logger = logging.getLogger(__name__)

_numbers = itertools.count()
PARTS = ("weights", "first", "second")


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Readable for this user alone, and gone with this process."""
    return tempfile.TemporaryDirectory(prefix="vae-states-", ignore_cleanup_errors=True)


class KeptState:
    """A state at home; the file goes with the last one who holds this. In memory where the disk takes no file."""

    def __init__(self, state: TrainState):
        self.step = state.step
        self._state: TrainState | None = None
        path = None
        try:
            path = Path(_folder().name) / f"{next(_numbers)}.safetensors"
            save_file({f"{part}.{n}": t.contiguous() for part in PARTS for n, t in getattr(state, part).items()}, path)
            weakref.finalize(self, path.unlink, missing_ok=True)
        except (OSError, SafetensorError) as reason:
            logger.warning("A state stays in memory, as no file can be written for it: %s", type(reason).__name__)
            self._state = state
            if path is not None:
                path.unlink(missing_ok=True)
        self._path = path

    def load(self) -> TrainState:
        if self._state is not None:
            return self._state
        assert self._path is not None
        parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
        for key, tensor in load_file(self._path).items():
            part, _, name = key.partition(".")
            parts[part][name] = tensor
        return TrainState(self.step, **parts)
