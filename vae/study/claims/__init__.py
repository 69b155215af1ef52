"""The lecture's claims, each recomputed: the numbers come first, and the verdict is a function of them (record.py). A claim
is one record, in the file of its subject.

The lecture is Sebastian Raschka, STAT 453 (2021), L17.4 "Variational Autoencoder Loss Function"; titles and sentences
are our words. BCE(x, p) and the like are nats per pixel at true pixel x and prediction p.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vae.study.claims import pictures, pixels, terms, weights
from vae.study.claims.record import ANSWERS, MEASURED, RECOMPUTED, Claim, Evidence, Finding, Verdict

_BY_KEY = {claim.key: claim for part in (pixels, pictures, terms, weights) for claim in part.CLAIMS}
_ORDER = (  # of the lecture; what explains it comes last
    "perfect_costs",
    "asymmetry",
    "direction",
    "mse_zero",
    "not_bernoulli",
    "blur",
    "middle",
    "root",
    "kl_least",
    "mse_weight",
    "bce_weight",
    "saturation",
    "reduction",
    "bits",
)

CLAIMS: Mapping[str, Claim] = MappingProxyType({key: _BY_KEY[key] for key in _ORDER})

__all__ = ["ANSWERS", "CLAIMS", "MEASURED", "RECOMPUTED", "Claim", "Evidence", "Finding", "Verdict"]
