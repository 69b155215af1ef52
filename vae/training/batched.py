"""Trainings of one shape side by side, as one program on a device: DenseUpdate's step with a leading dimension of runs.

A step touches only tensors that lie on the device, at places that stay, and never asks the device for a number. So on CUDA it
is captured once, as a graph, and a span of steps is that graph replayed; elsewhere the same function is called. What
a step needs from outside (which images, the noise, how large its rates are) is drawn before on the CPU, by the generators that
a training there has, and lies in tables with a row for each step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from vae.data import to_unit
from vae.losses.objective import combine, kl_divergence
from vae.losses.squared_error import SMALLEST_SIGMA
from vae.training.config import MOST_STEPS_BETWEEN_OBSERVATIONS, TrainConfig
from vae.training.device import CPU
from vae.training.pixels import UNIT
from vae.training.precision import FLOAT32
from vae.training.schedule import CONSTANT
from vae.training.step import Draws, Images, TrainState, look
from vae.training.update import HEADS, KINDS, Tensors, WrittenOut, is_dense, through_relu

LOOKED_AT = 16  # networks at a time: of 768 images of MNIST each takes some 20 MB
SPAN = MOST_STEPS_BETWEEN_OBSERVATIONS  # steps that the tables have rows for
FIRST, SECOND, SMALL = 0.9, 0.999, 1e-8  # Adam's
ALIGNED = 32  # numbers: where each layer's weights begin, as products on a card like it

# What a step's row of numbers holds for each run: images of the batch, weight of the reconstruction (1, or 1 / pixels), beta,
# what moves of the KL term, and Adam's step size and root, with the corrections of its moments.
NUMBERS = 6


def is_batched(config: TrainConfig) -> bool:
    """Whether DenseRuns serves: where DenseUpdate does, in float32 and of grey pixels."""
    return is_dense(config) and config.precision == FLOAT32 and config.pixels == UNIT


def shape_of(config: TrainConfig) -> tuple[object, ...]:
    """What runs must have in common to go through one program."""
    return config.dataset, config.shape, config.hidden, config.latent_dim, config.batch_size


def kind_of(config: TrainConfig) -> TrainConfig:
    """A run without what lies in the tables: what a program is made for."""
    return replace(
        config, beta=1.0, reduction="sum", learning_rate=1e-3, schedule=CONSTANT, epochs=1, seed=0, precision=FLOAT32
    )


def group_of(config: TrainConfig) -> tuple[object, ...]:
    """What runs must have in common to go through one pass of the loss and of the KL term."""
    return config.loss, config.formula, config.parameters, config.kl_term, config.kl_parameters


def numbers_of(config: TrainConfig, first: int, sizes: Sequence[int]) -> list[tuple[float, ...]]:
    """The rows of numbers of updates on so many images each, the first of them after so many others."""
    term, settings, epoch = config.kl_record(), config.kl_settings(), config.steps_per_epoch
    scale = combine(1.0, 0.0, math.prod(config.shape), config.reduction)
    return [
        (
            images,
            scale,
            config.beta,
            term.target_at(config.beta, step / epoch, settings),
            config.rate(step) / (1 - FIRST ** (step + 1)),
            math.sqrt(1 - SECOND ** (step + 1)),
        )
        for step, images in enumerate(sizes, first)
    ]


@dataclass(frozen=True)
class Tables:
    """What K steps of R runs need, on the CPU: chosen (K, R, B) int64, training images; eps (K, R, B, Z); numbers (K, R, 6).

    Where a batch is not full, what stands beyond its images counts nothing.
    """

    chosen: Tensor
    eps: Tensor
    numbers: Tensor


class DenseRuns(WrittenOut["_Layers"]):
    """R runs under way, in the order of `kinds`, those of one group side by side. images: uint8 (N, C, H, W), on the device."""

    def __init__(self, kinds: Sequence[TrainConfig], images: Tensor):
        shared, device, runs = kinds[0], images.device, len(kinds)
        self.runs = runs
        self._latent, self._batch = shared.latent_dim, shared.batch_size
        self._images = images.flatten(1)
        self._encoder = [f"encoder.{1 + 2 * i}" for i in range(len(shared.hidden))]
        self._decoder = [f"decoder.{2 * i}" for i in range(len(shared.hidden) + 1)]
        groups = [(key, len(list(members))) for key, members in groupby(kinds, group_of)]
        ends = [sum(count for _, count in groups[: i + 1]) for i in range(len(groups))]
        self._groups = [(kinds[end - 1], slice(end - count, end)) for end, (_, count) in zip(ends, groups)]

        with torch.device("meta"):
            shapes = {name: tuple(tensor.shape) for name, tensor in shared.build_model().state_dict().items()}
        stack = partial(_Layers, shapes, runs, device)
        self._weights, self._first, self._second, self._grads = stack(), stack(), stack(), stack()
        self._held: list[ReferenceType[TrainState] | None] = [None] * runs
        self._chosen = torch.zeros(SPAN, runs, self._batch, dtype=torch.int64, device=device)
        self._eps = torch.zeros(SPAN, runs, self._batch, self._latent, device=device)
        self._numbers = torch.ones(SPAN, runs, NUMBERS, device=device)
        self._rows = torch.zeros(SPAN, runs, 3, device=device)
        self._now = torch.zeros(1, dtype=torch.int64, device=device)  # the row of the tables that is next
        self._places = torch.arange(self._batch, device=device)
        self._graph = _captured(self) if device.type == "cuda" else None

    # ---- in and out ----

    def put(self, run: int, weights: Tensors, first: Tensors, second: Tensors) -> None:
        """Where a run stands from now on."""
        for layers, held in ((self._weights, weights), (self._first, first), (self._second, second)):
            layers.put(run, held)

    def state(self, run: int) -> tuple[Tensors, Tensors, Tensors]:
        """Weights and Adam's two moments, by name, as copies on the CPU."""
        first, second = self._first.copied(run), self._second.copied(run)
        return self._weights.copied(run), first, second

    def left(self, run: int, state: TrainState) -> None:
        """That is the state which was had of it last."""
        self._held[run] = ref(state)

    def held(self, run: int) -> TrainState | None:
        """The state at which a run stands, where somebody has it still."""
        found = self._held[run]
        return found() if found else None

    def look(
        self, runs: Sequence[int], kind: TrainConfig, images: Images, draws: Sequence[Draws]
    ) -> list[dict[str, Tensor]]:
        """step.look() at the networks of these, all of that kind, at once; on the CPU. images, draws: on the device."""
        network = _Looked(kind, images)
        eps, trained = (
            tuple(map(torch.stack, zip(*parts))) for parts in ([d.pieces for d in draws], [d.trained for d in draws])
        )
        drawn = Draws(torch.stack([d.prior for d in draws]), eps, trained)
        weights = {f"model.{name}": tensor for name, tensor in self._weights.stacked(runs).items()}
        seen = vmap(lambda w, d: functional_call(network, w, (d,)), chunk_size=LOOKED_AT)(weights, drawn)
        here = {name: tensor.cpu() for name, tensor in seen.items()}
        return [{name: tensor[row] for name, tensor in here.items()} for row in range(len(runs))]

    def take(self, tables: Tables) -> Tensor:
        """As many steps as the tables have rows (SPAN at most): reconstruction, KL and objective of each, (K, R, 3), nats per
        image, on the CPU. This is where the device is waited for."""
        steps = len(tables.chosen)
        for held, drawn in ((self._chosen, tables.chosen), (self._eps, tables.eps), (self._numbers, tables.numbers)):
            held[:steps].copy_(drawn.pin_memory() if held.is_cuda else drawn, non_blocking=True)
        self._now.zero_()
        self._held = [None] * self.runs
        for _ in range(steps):
            if self._graph is None:
                self.one_step()
            else:
                self._graph.replay()
        return self._rows[:steps].to("cpu", copy=True)

    # ---- a step ----

    @torch.no_grad()
    def one_step(self) -> None:
        """One update of every run, on what the next row of the tables says."""
        row = self._now
        chosen, eps, numbers = (table.index_select(0, row)[0] for table in (self._chosen, self._eps, self._numbers))
        images, scale, beta, target, size, root = numbers.unbind(1)  # (R,) each
        x = to_unit(self._images.index_select(0, chosen.flatten())).unflatten(0, chosen.shape)  # (R, B, D)
        share = (self._places < images[:, None]).float().div(images[:, None])[..., None]  # (R, B, 1), of the mean
        seen = self._forward(self._encoder, x)
        mu, log_var = self._linear("heads", seen[-1]).split(self._latent, 2)  # (R, B, Z)
        sigma = (0.5 * log_var).exp()
        made = self._forward(self._decoder[:-1], torch.addcmul(mu, sigma, eps))
        logits = self._linear(self._decoder[-1], made[-1])  # (R, B, D)

        reconstruction, slope = self._losses(logits, x, share)
        kl_per_dim = (kl_divergence(mu, log_var) * share).sum(1)  # (R, Z)
        cost, price = self._price(kl_per_dim, beta, target)
        shown = torch.stack((reconstruction, kl_per_dim.sum(1), reconstruction * scale + cost), 1)
        self._rows.index_copy_(0, row, shown[None])

        d = self._backward(self._decoder, made, slope.mul_(share * scale[:, None, None]))
        d = self._products.back(d, self._weights.weight(self._decoder[0]))  # with respect to z
        pull = price[:, None] * share  # (R, B, Z)
        d_mu = torch.addcmul(d, mu, pull)
        d_log_var = (d * eps).mul_(sigma).addcmul_(log_var.expm1(), pull).mul_(0.5)
        d = self._keep("heads", torch.cat((d_mu, d_log_var), 2), seen[-1])
        d = self._products.back(d, self._weights.weight("heads"))
        self._backward(self._encoder, seen[:-1], through_relu(d, seen[-1]))
        self._adam(size[:, None], root[:, None])
        row.add_(1)

    def _losses(self, logits: Tensor, x: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Nats per image (R,), and the derivative of the sum of all pixels with respect to the logits, perhaps in their place."""
        means, slopes = [], []
        for kind, part in self._groups:
            loss, given = kind.loss_record(), _keywords(kind, logits[part], x[part], share[part])
            assert loss.total is not None
            means.append((loss.pixelwise(logits[part], x[part], **given) * share[part]).sum((1, 2)))
            slopes.append(loss.total(logits[part], x[part], **given)[1])
        return _joined(means), _joined(slopes)

    def _price(self, kl_per_dim: Tensor, beta: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What the KL adds to the objective (R,), and by how much more for another nat in each dimension (R, Z)."""
        costs, prices = [], []
        for kind, part in self._groups:
            term = kind.kl_record()
            assert term.priced is not None
            cost, price = term.priced(kl_per_dim[part], beta[part], target[part], **kind.kl_settings())
            costs.append(cost)
            prices.append(price)
        return _joined(costs), _joined(prices)

    def _linear(self, name: str, inputs: Tensor) -> Tensor:
        return torch.baddbmm(self._weights.bias(name)[:, None], inputs, self._weights.weight(name).mT)

    def _adam(self, size: Tensor, root: Tensor) -> None:
        """Written out, as each run has a rate of its own; size, root: (R, 1)."""
        weights, first, second, grads = (held.flat for held in (self._weights, self._first, self._second, self._grads))
        first.lerp_(grads, 1 - FIRST)
        second.mul_(SECOND).addcmul_(grads, grads, value=1 - SECOND)
        weights.sub_((first / second.sqrt().div_(root).add_(SMALL)).mul_(size))


class _Looked(nn.Module):
    """A look at a network of that kind, whose weights come from outside, for all that it draws."""

    def __init__(self, kind: TrainConfig, images: Images):
        super().__init__()
        self._kind, self._images = kind, images
        with torch.device("meta"):
            self.model = kind.build_model()

    def forward(self, draws: Draws) -> dict[str, Tensor]:
        return look(self._kind, self.model, self._images, draws)


class _Layers:
    """What R MLPs have of each weight (itself, its gradient, a moment), in the rows of one tensor; both heads as one layer."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], runs: int, device: torch.device, pinned: bool = False):
        self._shapes = shapes
        parts = {name: shape for name, shape in shapes.items() if not name.startswith(HEADS)}
        parts |= {f"heads.{kind}": _doubled(shapes[f"{HEADS[0]}.{kind}"]) for kind in KINDS}
        sizes = {name: math.prod(shape) for name, shape in parts.items()}
        starts, total = {}, 0
        for name, numbers in sizes.items():
            starts[name] = total
            total += -(-numbers // ALIGNED) * ALIGNED
        self.flat = torch.zeros(runs, total, device=device, pin_memory=pinned)  # (R, P)
        self._parts = {
            name: self.flat[:, starts[name] : starts[name] + sizes[name]].unflatten(1, shape)
            for name, shape in parts.items()
        }

    def weight(self, name: str) -> Tensor:
        return self._parts[f"{name}.weight"]  # (R, out, in)

    def bias(self, name: str) -> Tensor:
        return self._parts[f"{name}.bias"]  # (R, out)

    def named(self, run: int) -> Tensors:
        """One run's, by the network's own names."""
        return self._by_name({name: part[run] for name, part in self._parts.items()}, 0)

    def stacked(self, runs: Sequence[int]) -> Tensors:
        """Copies of these runs', (len(runs), ...), by the network's own names."""
        return self._by_name({name: part[list(runs)] for name, part in self._parts.items()}, 1)

    def _by_name(self, found: Tensors, outputs: int) -> Tensors:
        for kind in KINDS:
            found |= {f"{head}.{kind}": half for head, half in zip(HEADS, found[f"heads.{kind}"].chunk(2, outputs))}
        return {name: found[name] for name in self._shapes}

    def put(self, run: int, held: Tensors) -> None:
        for name, tensor in self._passage.named(0).items():
            tensor.copy_(held[name])
        self.flat[run].copy_(self._passage.flat[0])

    def copied(self, run: int) -> Tensors:
        self._passage.flat[0].copy_(self.flat[run])
        return {name: tensor.clone() for name, tensor in self._passage.named(0).items()}

    @cached_property
    def _passage(self) -> _Layers:
        """Of one run, on the CPU: so that all of it goes there and back in one piece."""
        return _Layers(self._shapes, 1, CPU, pinned=self.flat.is_cuda)


def _doubled(shape: tuple[int, ...]) -> tuple[int, ...]:
    return 2 * shape[0], *shape[1:]


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _keywords(kind: TrainConfig, logits: Tensor, x: Tensor, share: Tensor) -> dict[str, float] | dict[str, Tensor]:
    """As loss_keywords(), where an optimal sigma is that of each run's own batch, (R, 1, 1)."""
    if kind.loss_record().origin("sigma") != "batch":
        return kind.loss_parameters()
    mean = ((x - torch.sigmoid(logits)).square().mean(2, keepdim=True) * share).sum(1, keepdim=True)
    return {"sigma": mean.clamp_min(SMALLEST_SIGMA**2).sqrt()}


def _captured(runs: DenseRuns) -> torch.cuda.CUDAGraph:
    """The step as a graph. What it did to the weights on the way is of no matter: they are put in later."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # libraries take what they need at their first calls, which a graph must not hold
        for _ in range(3):
            runs.one_step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # a worker has other threads
        runs.one_step()
    return graph
