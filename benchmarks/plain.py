"""A training as people write it: torch.nn, autograd, torch.optim.Adam, DataLoader and ToTensor, after pytorch/examples, vae/main.py.

The network is the one that the app trains, so that nothing but the training differs. peers.py hands it to other trainers.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vae import VAE, TrainConfig
from vae.data import data_folder


def plain_loss(config: TrainConfig, net: VAE, x: Tensor) -> Tensor:
    """Of images x (B, C, H, W) in [0, 1]: error summed over pixels plus KL, summed over the batch."""
    mu, log_var = net.encode(x)
    z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
    p = torch.sigmoid(net.decode(z))
    error = {"bce": F.binary_cross_entropy, "mse": F.mse_loss}[config.loss](p, x, reduction="sum")
    return error - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


def loader(config: TrainConfig) -> torch.utils.data.DataLoader[list[Tensor]]:
    """MNIST as images are stored, each made a tensor when its turn comes."""
    from vae.data.torchvision_import import datasets  # isort: skip  (what it mends comes before the next line)
    from torchvision import transforms

    mnist = datasets.MNIST(str(data_folder()), train=True, transform=transforms.ToTensor())
    return torch.utils.data.DataLoader(mnist, batch_size=config.batch_size, shuffle=True)


def plain_steps(config: TrainConfig) -> Iterator[VAE]:
    """The network after each step, without end."""
    net, batches = config.build_model(), loader(config)
    optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    while True:
        for x, _ in batches:
            optimiser.zero_grad()
            loss = plain_loss(config, net, x)
            loss.backward()
            loss.item()
            optimiser.step()
            yield net
