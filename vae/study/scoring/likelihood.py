"""An estimate of log p(x) that gets better with more samples: the importance-weighted one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def log_likelihood(log_p_x_given_z: Callable[[Tensor], Tensor], mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    """log p(x) of each image, estimated: log of the mean over K samples z ~ q(z|x) of p(x|z) p(z) / q(z|x). Nats, (..., B).

    mu, log_var: (B, Z), of q. eps: (K, B, Z), standard normal. log_p_x_given_z: codes (K, B, Z) -> (..., K, B), nats:
    several densities may share the decoding. With K = 1 it is one draw of the ELBO; its expectation grows with K
    towards log p(x) and never passes it (Burda, Grosse and Salakhutdinov 2016, https://arxiv.org/abs/1509.00519).
    """
    z = mu + (0.5 * log_var).exp() * eps
    log_prior_over_q = 0.5 * (eps.square() + log_var - z.square()).sum(-1)  # (K, B); both have the same 2 pi
    log_weights = log_p_x_given_z(z) + log_prior_over_q
    return torch.logsumexp(log_weights, -2) - math.log(len(eps))
