"""The networks: an encoder to mu and log_var, a decoder to logits, and the VAE around them, for any image shape."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn

from vae.errors import SettingError
from vae.training.convolutions import ConvTranspose2d, LeakyReLU

Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True)
class Architecture:
    """encoder(shape, hidden) -> (module: images (B, C, H, W) -> features (B, F), F); decoder likewise, codes -> logits."""

    key: str
    name: str
    meaning: str
    uses_hidden: bool  # whether the hidden widths are the user's to set
    encoder: Callable[[Shape, Sequence[int]], tuple[nn.Module, int]]
    decoder: Callable[[Shape, Sequence[int], int], nn.Module]


class VAE(nn.Module):
    """Variational autoencoder, https://arxiv.org/abs/1312.6114. images: float (B, C, H, W) in [0, 1]; codes: (B, Z)."""

    def __init__(
        self,
        architecture: str,
        shape: Shape,
        latent_dim: int,
        hidden: Sequence[int] = (400,),
        learned_sigma: bool = False,
        symmetric: bool = False,
    ):
        super().__init__()
        parts = find_architecture(architecture)
        self.shape, self.symmetric = shape, symmetric  # whether the encoder takes images brought to [-1, 1]
        self.encoder, features = parts.encoder(shape, hidden)
        self.mu = nn.Linear(features, latent_dim)
        self.log_var = nn.Linear(features, latent_dim)
        self.decoder = parts.decoder(shape, hidden, latent_dim)
        # Zeros draw no random numbers: with and without it, the networks start alike.
        self.log_sigma = nn.Parameter(torch.zeros(())) if learned_sigma else None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) -> mu (B, Z), log_var (B, Z)."""
        features = self.encoder(2 * x - 1 if self.symmetric else x)
        return self.mu(features), self.log_var(features)

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, Z) -> logits (B, C, H, W)."""
        return self.decoder(z)

    def forward(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images and standard normal noise (B, Z) -> logits (B, C, H, W), mu (B, Z), log_var (B, Z)."""
        mu, log_var = self.encode(x)
        return self.decode(mu + (0.5 * log_var).exp() * eps), mu, log_var


def _mlp_encoder(shape: Shape, hidden: Sequence[int]) -> tuple[nn.Module, int]:
    widths = (math.prod(shape), *hidden)
    return nn.Sequential(nn.Flatten(), *_dense(widths)), widths[-1]


def _mlp_decoder(shape: Shape, hidden: Sequence[int], latent_dim: int) -> nn.Module:
    widths = (latent_dim, *reversed(hidden))
    return nn.Sequential(*_dense(widths), nn.Linear(widths[-1], math.prod(shape)), nn.Unflatten(1, shape))


def _dense(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return layers


class _Crop(nn.Module):
    """The upper left H x W of an image that the transposed convolutions made a little too large."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        return x[..., : self.height, : self.width]


def _quarter(side: int) -> int:
    """A side after two convolutions with stride 2 and padding 1."""
    return (((side + 1) // 2) + 1) // 2


def _l17_encoder(shape: Shape, hidden: Sequence[int]) -> tuple[nn.Module, int]:
    channels, height, width = shape
    layers = nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=1, padding=1),  # (B, 32, H, W)
        LeakyReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),  # (B, 64, H/2, W/2)
        LeakyReLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1),  # (B, 64, H/4, W/4)
        LeakyReLU(),
        nn.Conv2d(64, 64, 3, stride=1, padding=1),
        nn.Flatten(),
    )
    return layers, 64 * _quarter(height) * _quarter(width)


def _l17_decoder(shape: Shape, hidden: Sequence[int], latent_dim: int) -> nn.Module:
    channels, height, width = shape
    h, w = _quarter(height), _quarter(width)
    return nn.Sequential(
        nn.Linear(latent_dim, 64 * h * w),
        nn.Unflatten(1, (64, h, w)),
        ConvTranspose2d(64, 64, 3, stride=1, padding=1),  # (B, 64, h, w)
        LeakyReLU(),
        ConvTranspose2d(64, 64, 3, stride=2, padding=1),  # (B, 64, 2h - 1, 2w - 1)
        LeakyReLU(),
        ConvTranspose2d(64, 32, 3, stride=2, padding=0),  # (B, 32, 4h - 1, 4w - 1)
        LeakyReLU(),
        ConvTranspose2d(32, channels, 3, stride=1, padding=0),  # (B, C, 4h + 1, 4w + 1)
        _Crop(height, width),
    )


def _halved(side: int) -> int:
    """A side after three convolutions with kernel 4, stride 2 and padding 1, the image padded to a multiple of 8."""
    return -(-side // 8)


def _conv_encoder(shape: Shape, hidden: Sequence[int]) -> tuple[nn.Module, int]:
    channels, height, width = shape
    h, w = _halved(height), _halved(width)
    layers = nn.Sequential(
        nn.ZeroPad2d((0, 8 * w - width, 0, 8 * h - height)),
        nn.Conv2d(channels, 32, 4, stride=2, padding=1),  # (B, 32, H/2, W/2)
        LeakyReLU(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),  # (B, 64, H/4, W/4)
        LeakyReLU(),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),  # (B, 128, h, w)
        LeakyReLU(),
        nn.Flatten(),
    )
    return layers, 128 * h * w


def _conv_decoder(shape: Shape, hidden: Sequence[int], latent_dim: int) -> nn.Module:
    channels, height, width = shape
    h, w = _halved(height), _halved(width)
    return nn.Sequential(
        nn.Linear(latent_dim, 128 * h * w),
        nn.Unflatten(1, (128, h, w)),
        LeakyReLU(),
        ConvTranspose2d(128, 64, 4, stride=2, padding=1),  # (B, 64, 2h, 2w)
        LeakyReLU(),
        ConvTranspose2d(64, 32, 4, stride=2, padding=1),  # (B, 32, 4h, 4w)
        LeakyReLU(),
        ConvTranspose2d(32, channels, 4, stride=2, padding=1),  # (B, C, 8h, 8w)
        _Crop(height, width),
    )


def _as_keras_starts(module: nn.Module) -> None:
    """Glorot's uniform weights and biases of 0. With PyTorch's smaller ones 16 features leave no signal for an epoch."""
    if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _keras_encoder(shape: Shape, hidden: Sequence[int]) -> tuple[nn.Module, int]:
    channels, height, width = shape
    h, w = _quarter(height), _quarter(width)
    layers = nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=2, padding=1),  # (B, 32, H/2, W/2)
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),  # (B, 64, H/4, W/4)
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * h * w, 16),
        nn.ReLU(),
    )
    return layers.apply(_as_keras_starts), 16


def _keras_decoder(shape: Shape, hidden: Sequence[int], latent_dim: int) -> nn.Module:
    channels, height, width = shape
    h, w = _quarter(height), _quarter(width)
    doubling = partial(ConvTranspose2d, kernel_size=3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(
        nn.Linear(latent_dim, 64 * h * w),
        nn.ReLU(),
        nn.Unflatten(1, (64, h, w)),
        doubling(64, 64),  # (B, 64, 2h, 2w)
        nn.ReLU(),
        doubling(64, 32),  # (B, 32, 4h, 4w)
        nn.ReLU(),
        ConvTranspose2d(32, channels, 3, padding=1),  # (B, C, 4h, 4w)
        _Crop(height, width),
    ).apply(_as_keras_starts)


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        record.key: record
        for record in (
            Architecture("mlp", "MLP", "Fully connected layers with ReLU.", True, _mlp_encoder, _mlp_decoder),
            Architecture(
                "l17",
                "Lecture's conv net (L17)",
                "Four 3×3 convolutions each way, as in the lecture's program. Slower: about 100 times the arithmetic.",
                False,
                _l17_encoder,
                _l17_decoder,
            ),
            Architecture(
                "conv",
                "Small conv net",
                "Three 4×4 convolutions each way, each halving the picture: for faces and other larger images.",
                False,
                _conv_encoder,
                _conv_decoder,
            ),
            Architecture(
                "keras",
                "Conv net of the Keras example",
                "Two 3×3 convolutions each way, each halving the picture, and 16 dense features between.",
                False,
                _keras_encoder,
                _keras_decoder,
            ),
        )
    }
)


def find_architecture(key: object) -> Architecture:
    """The record of that key; SettingError names the known ones."""
    if not isinstance(key, str) or key not in ARCHITECTURES:
        raise SettingError("architecture", key, f"one of {', '.join(ARCHITECTURES)} is accepted")
    return ARCHITECTURES[key]


# ---- What a network is made of ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """name: its path in the model; kind: the module's class; output: the shape of one image's (without the batch)."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def layers_of(model: VAE, shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """The layers in the order in which an image of shape (C, H, W) meets them; every parameter is counted once.

    One image of zeros runs through a copy with whatever numbers: the model itself, which others may be using now, is not hooked.
    (On the device "meta", which has none, PyTorch would import its compiler.)
    """
    watched = copy.deepcopy(model).to_empty(device="cpu")
    found: list[Layer] = []

    def watch(name: str, module: nn.Module) -> None:
        size = sum(p.numel() for p in module.parameters())
        kind = type(module).__name__.removeprefix("_")
        module.register_forward_hook(lambda _, __, out: found.append(Layer(name, kind, tuple(out.shape[1:]), size)))

    for name, module in watched.named_modules():
        if name and not list(module.children()):
            watch(name, module)
    with torch.inference_mode():
        watched(torch.zeros(1, *shape), torch.zeros(1, model.mu.out_features))
    own = [Layer(name, "Parameter", tuple(p.shape), p.numel()) for name, p in model.named_parameters(recurse=False)]
    return (*found, *own)
