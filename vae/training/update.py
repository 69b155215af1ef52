"""One update of the weights: by autograd for whatever is trained, by derivatives written out for a fully connected net.

Both take images, noise and the number of updates before, and return the three numbers that curves are made of.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.optim.adam import adam

from vae.losses.objective import Terms, combine, kl_divergence, of_batch
from vae.training.config import TrainConfig
from vae.training.evaluation import loss_keywords
from vae.training.networks import VAE
from vae.training.precision import Products, products_of

Row = tuple[float, float, float]  # reconstruction, KL, objective: nats per image
TermsOf = Callable[[TrainConfig, VAE, Tensor, torch.Generator, int], Terms]
Tensors = dict[str, Tensor]
HEADS, KINDS = ("mu", "log_var"), ("weight", "bias")


class Update(Protocol):
    """A network under way. model: its weights are the very ones that are updated."""

    model: VAE

    def take(self, x: Tensor, noise: torch.Generator, step: int) -> Row | None:
        """On images x (B, C, H, W) in [0, 1], after `step` others; None, and nothing changed, where a number is not finite."""

    def state(self) -> tuple[Tensors, Tensors, Tensors]:
        """Weights and Adam's two moments, by name; they go on changing."""


def model_of(config: TrainConfig, weights: Tensors) -> VAE:
    """The network with these very tensors as its weights (not copies); they must fit the config's shapes."""
    with torch.device("meta"):  # no memory and no random numbers spent on weights that are replaced at once
        model = config.build_model()
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_(True)


class AutogradUpdate:
    """Of any network and any objective."""

    def __init__(
        self, config: TrainConfig, terms: TermsOf, step: int, weights: Tensors, first: Tensors, second: Tensors
    ):
        self._config, self._terms = config, terms
        self.model = model_of(config, {name: _channels_last(tensor) for name, tensor in weights.items()})
        self._weights = {name: parameter.detach() for name, parameter in self.model.named_parameters()}
        self._first, self._second = ({n: _channels_last(held[n]) for n in self._weights} for held in (first, second))
        self._updates = [torch.tensor(float(step), device=w.device) for w in self._weights.values()]

    def take(self, x: Tensor, noise: torch.Generator, step: int) -> Row | None:
        terms = self._terms(self._config, self.model, x, noise, step)
        row = (terms.reconstruction.item(), terms.kl.item(), terms.objective.item())
        if not all(map(math.isfinite, row)):
            return None
        self.model.zero_grad(set_to_none=True)
        terms.objective.backward()  # which lays a gradient as its weight lies; Adam in one pass relies on it
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.model.parameters()]
        weights, first, second = (list(of.values()) for of in (self._weights, self._first, self._second))
        _adam(self._config.rate(step), gradients, weights, first, second, self._updates)
        return row

    def state(self) -> tuple[Tensors, Tensors, Tensors]:
        return self._weights, self._first, self._second


def is_dense(config: TrainConfig) -> bool:
    """Whether DenseUpdate serves, for what TrainConfig minimises."""
    closed = config.loss_record().total is not None and config.kl_record().priced is not None
    return closed and config.architecture == "mlp"


class Layers(Protocol):
    """What an MLP, or several side by side, have of each weight. weight: (..., out, in); bias: (..., out)."""

    def weight(self, name: str) -> Tensor: ...

    def bias(self, name: str) -> Tensor: ...


L = TypeVar("L", bound=Layers)


class WrittenOut(ABC, Generic[L]):
    """Both passes through fully connected layers, for inputs (..., B, in): of one net, or with a leading dimension of nets."""

    _weights: L
    _grads: L
    _products = Products()

    @abstractmethod
    def _linear(self, name: str, inputs: Tensor) -> Tensor:
        """(..., B, in) -> (..., B, out): a layer's product and bias."""

    def _forward(self, names: Sequence[str], inputs: Tensor) -> list[Tensor]:
        """The inputs, and what each of the layers makes of what was before, after its ReLU."""
        held = [inputs]
        for name in names:
            held.append(self._linear(name, held[-1]).relu_())
        return held

    def _keep(self, name: str, d: Tensor, inputs: Tensor) -> Tensor:
        """Write down the gradient of a layer, from that of its outputs, d, which is returned."""
        self._products.gradient(d, inputs, self._grads.weight(name))
        torch.sum(d, -2, out=self._grads.bias(name))
        return d

    def _backward(self, names: Sequence[str], inputs: Sequence[Tensor], d: Tensor) -> Tensor:
        """Back through layers with a ReLU after each but the last, from the gradient of the last one's outputs to that of the
        first one's, and write down those of their weights. inputs: of each layer."""
        for name, below in zip(reversed(names[1:]), reversed(inputs[1:])):
            d = through_relu(self._products.back(self._keep(name, d, below), self._weights.weight(name)), below)
        return self._keep(names[0], d, inputs[0])


class DenseUpdate(WrittenOut["_Layers"]):
    """Of an MLP: both passes written out, over weights that lie in one tensor, so that Adam walks through it once. The two
    heads are one product, and the loss gives its sum and its slope together (Loss.total)."""

    def __init__(self, config: TrainConfig, step: int, weights: Tensors, first: Tensors, second: Tensors):
        self._config, self._products = config, products_of(config.precision)
        self._weights, self._first, self._second = _Layers(weights), _Layers(first), _Layers(second)
        self._grads = _Layers(weights)
        self.model = model_of(config, self._weights.named())
        self._encoder = [f"encoder.{1 + 2 * i}" for i in range(len(config.hidden))]
        self._decoder = [f"decoder.{2 * i}" for i in range(len(config.hidden) + 1)]
        self._updates = torch.tensor(float(step))

    @torch.no_grad()
    def take(self, x: Tensor, noise: torch.Generator, step: int) -> Row | None:
        config, flat, latent = self._config, x.flatten(1), self._config.latent_dim
        images, pixels = flat.shape
        eps = torch.randn(images, latent, generator=noise)
        seen = self._forward(self._encoder, flat)
        heads = self._linear("heads", seen[-1])
        mu, log_var = heads[:, :latent], heads[:, latent:]
        sigma = (0.5 * log_var).exp()
        made = self._forward(self._decoder[:-1], torch.addcmul(mu, sigma, eps))
        logits = self._linear(self._decoder[-1], made[-1])

        loss = config.loss_record()
        assert loss.total is not None
        total, slope = loss.total(logits, flat, **loss_keywords(config, self.model))
        kl_per_dim = kl_divergence(mu, log_var).mean(0)
        cost, price = _price(config, kl_per_dim, step)
        reconstruction, share = of_batch(total.item(), images, pixels, config.reduction)
        row = reconstruction, kl_per_dim.sum().item(), combine(reconstruction, cost, pixels, config.reduction)
        if not all(map(math.isfinite, row)):
            return None

        d = self._backward(self._decoder, made, slope.mul_(share))
        d = self._products.back(d, self._weights.weight(self._decoder[0]))  # with respect to z
        d_mu = torch.addcmul(d, mu, price, value=1 / images)
        d_log_var = (d * eps).mul_(sigma).addcmul_(log_var.expm1(), price, value=1 / images).mul_(0.5)
        d = self._keep("heads", torch.cat((d_mu, d_log_var), 1), seen[-1])
        d = self._products.back(d, self._weights.weight("heads"))
        self._backward(self._encoder, seen[:-1], through_relu(d, seen[-1]))
        weights, first, second = ([layers.flat] for layers in (self._weights, self._first, self._second))
        _adam(config.rate(step), [self._grads.flat], weights, first, second, [self._updates])
        return row

    def _linear(self, name: str, inputs: Tensor) -> Tensor:
        return self._products.affine(self._weights.bias(name), inputs, self._weights.weight(name))

    def state(self) -> tuple[Tensors, Tensors, Tensors]:
        first, second = self._first.named(), self._second.named()
        return self._weights.named(), first, second


class _Layers:
    """What an MLP has of each weight (itself, its gradient, a moment), copied into one tensor; both heads as one layer."""

    def __init__(self, named: Tensors):
        self._names = list(named)
        heads = {f"heads.{kind}": torch.cat([named[f"{head}.{kind}"] for head in HEADS]) for kind in KINDS}
        # In an order of their own: where a weight lies decides the last bits of sums that processors take in pieces.
        parts = {name: named[name] for name in sorted(named) if not name.startswith(HEADS)} | heads
        self.flat = torch.cat([part.detach().flatten() for part in parts.values()])
        split = self.flat.split([part.numel() for part in parts.values()])
        self._parts = {name: one.view(part.shape) for one, (name, part) in zip(split, parts.items())}

    def weight(self, name: str) -> Tensor:
        return self._parts[f"{name}.weight"]

    def bias(self, name: str) -> Tensor:
        return self._parts[f"{name}.bias"]

    def named(self) -> Tensors:
        """By the network's own names, in its order."""
        of_heads = {
            f"{h}.{kind}": half for kind in KINDS for h, half in zip(HEADS, self._parts[f"heads.{kind}"].chunk(2))
        }
        found = self._parts | of_heads
        return {name: found[name] for name in self._names}


@torch.no_grad()
def _adam(
    rate: float,
    gradients: list[Tensor],
    weights: list[Tensor],
    first: list[Tensor],
    second: list[Tensor],
    updates: list[Tensor],
) -> None:
    """As torch.optim.Adam takes a step: its own function, as its class imports PyTorch's compiler, which takes seconds."""
    adam(
        weights, gradients, first, second, [], updates,
        fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=rate, weight_decay=0.0, eps=1e-8, maximize=False,
    )  # fmt: skip


def _channels_last(weight: Tensor) -> Tensor:
    """A copy, with the channels of a convolution innermost: half again as fast on one thread."""
    return weight.clone(memory_format=torch.channels_last if weight.dim() == 4 else torch.contiguous_format)


def through_relu(d: Tensor, outputs: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward(d, outputs, 0)


def _price(config: TrainConfig, kl_per_dim: Tensor, step: int) -> tuple[float, Tensor]:
    """What the KL adds to the objective, and by how much more for another nat in each dimension, (Z,)."""
    term, settings = config.kl_record(), config.kl_settings()
    assert term.priced is not None
    moved = term.target_at(config.beta, step / config.steps_per_epoch, settings)
    beta, target = torch.tensor(((config.beta,), (moved,))).unbind()
    cost, price = term.priced(kl_per_dim[None], beta, target, **settings)
    return cost.item(), price[0]
