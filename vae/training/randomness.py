"""Where random numbers come from: a generator for each (seed, purpose, position), made on the spot.

No generator state has to be kept, moved or restored: the noise of step 700 is a function of the seed and of 700. So
runs of one seed share initial weights, batch order and noise whatever their loss (a paired race), and a run comes out
the same however it is cut into chunks or moved between processes.
"""

from __future__ import annotations

import numpy as np
import torch

_NAMES = ("weights", "order", "noise", "held-out", "prior", "evaluation", "samples", "embedding", "likelihood",
          "pixels", "held-out pixels")  # fmt: skip
_PURPOSES = {name: i for i, name in enumerate(_NAMES)}  # a new one goes to the end: numbers stay what they were


def generator(seed: int, purpose: str, position: int = 0) -> torch.Generator:
    """A fresh torch.Generator; statistically independent for each (seed, purpose, position)."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, position))


def derived_seed(seed: int, purpose: str, position: int = 0) -> int:
    entropy = np.random.SeedSequence((seed, _PURPOSES[purpose], position))
    return int(entropy.generate_state(1, np.uint64)[0])
