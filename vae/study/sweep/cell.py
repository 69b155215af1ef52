"""One cell of a sweep, from its first step to its measures; the same numbers in this process and on a cluster.

Points of its trajectory are taken at steps that the config fixes, and sums over the test set are made of the pieces
that evaluation.py fixes: so a cell's result does not depend on how its work was cut or where it was done.
"""

from __future__ import annotations

import io
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vae.data import Factors, ImageDataset, load_dataset
from vae.latent.codes import ACTIVE_VARIANCE
from vae.study.factors import active, mig, sap
from vae.training.config import TrainConfig, multiply_adds
from vae.training.evaluation import (
    PIECE,
    Evaluation,
    evaluate_piece,
    laplacian_variance,
    merge,
    middle_share,
    pieces,
    sigma_of,
    squared_residual,
    training_sigma,
)
from vae.training.networks import VAE
from vae.training.randomness import generator
from vae.training.step import TrainState, advance, initial_state
from vae.training.update import model_of

N_POINTS = 25  # of a trajectory
SIDE = 2  # pictures kept of a cell: SIDE x SIDE reconstructions, and as many samples
SPAN_OPERATIONS = 1e10  # multiply-adds of one piece of evaluation: half a second, so that others get their turn


@dataclass(frozen=True)
class Point:
    """A place on a cell's trajectory: held-out figures after `step` updates, nats per image and summed squared error."""

    step: int
    reconstruction: float
    kl: float
    squared_error: float


@dataclass(frozen=True)
class Measures:
    """A trained cell on the whole test set. Reconstruction and KL: nats per image, one sample of z each.

    squared_error: summed over the pixels of an image, of the picture decoded from the same sample. sharpness: variance
    of the Laplacian of the picture decoded from mu, over that of the data. middle: share of its pixels in (.1, .9).
    active_units: dimensions whose mu varies. sigma: the decoder's, where the loss has one. mig, sap: of data whose factors
    are known.
    """

    reconstruction: float
    kl: float
    squared_error: float
    sharpness: float
    middle: float
    active_units: int
    sigma: float | None
    mig: float | None = None
    sap: float | None = None

    @property
    def negative_elbo(self) -> float:
        return self.reconstruction + self.kl


@dataclass(frozen=True)
class Result:
    """A finished cell. measures: None where the training failed, and then failure says why. pictures: a PNG."""

    config: TrainConfig
    measures: Measures | None
    trajectory: tuple[Point, ...]
    pictures: bytes = b""
    seconds: float = 0.0
    threads: int = 1
    versions: str = ""
    failure: str = ""

    @property
    def numbers(self) -> tuple[object, ...]:
        """What must not depend on how and where the cell was trained."""
        return self.config, self.measures, self.trajectory, self.pictures, self.failure


def versions() -> str:
    """What else a number depends on, for a results file."""
    return f"python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"


# ---- Training ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leg:
    """What some steps of a cell brought."""

    step: int
    points: tuple[Point, ...]
    seconds: float
    failure: str | None


def trajectory_steps(config: TrainConfig) -> tuple[int, ...]:
    """The steps after which a point is taken: close together early on, from 0 to the last."""
    total = config.total_steps
    return tuple(sorted({round(total * (i / (N_POINTS - 1)) ** 2) for i in range(N_POINTS)}))


def advance_cell(state: TrainState, config: TrainConfig, data: ImageDataset, steps: int) -> tuple[TrainState, Leg]:
    """Take `steps` more updates, stopping where a point is due."""
    started, points, failure = time.perf_counter(), [], None
    end = min(config.total_steps, state.step + steps)
    if state.step == 0:
        points.append(point(config, state, data))
    for stop in [due for due in trajectory_steps(config) if state.step < due < end] + [end]:
        state, progress = advance(state, config, data, stop - state.step)
        if failure := progress.failure:
            break
        if stop in trajectory_steps(config):
            points.append(point(config, state, data))
    return state, Leg(state.step, tuple(points), time.perf_counter() - started, failure)


@torch.inference_mode()
def point(config: TrainConfig, state: TrainState, data: ImageDataset) -> Point:
    """Figures on the held-out images that a run is observed on."""
    model, images = model_of(config, state.weights), data.test[: config.n_held_out]
    sigma = training_sigma(config, model, data.train[: config.n_held_out])
    spans = list(pieces(len(images)))
    figures = merge(evaluate_piece(config, model, images, a, b, sigma) for a, b in spans)
    errors = math.fsum(_squared_error(config, model, images, a, b) * (b - a) for a, b in spans)
    return Point(state.step, figures.reconstruction, figures.kl, errors / len(images))


def _squared_error(config: TrainConfig, model: VAE, images: Tensor, start: int, stop: int) -> float:
    """Mean over a piece of images of their summed squared error, with the noise of evaluate_piece()."""
    x = config.x(images[start:stop], start)
    eps = torch.randn(stop - start, config.latent_dim, generator=generator(config.seed, "evaluation", start))
    p = config.loss_record().picture(model(x, eps)[0])
    return float((p - x).square().sum(dtype=torch.float64)) / len(x)


# ---- Measures ----------------------------------------------------------------------------------------------------


def spans(config: TrainConfig, images: int) -> list[tuple[int, int]]:
    """(start, stop) of the parts in which so many images are evaluated, each of whole pieces and short to compute."""
    per_span = max(1, int(SPAN_OPERATIONS / (3 * multiply_adds(config) * PIECE))) * PIECE
    return [(start, min(start + per_span, images)) for start in range(0, images, per_span)]


@dataclass(frozen=True)
class Sums:
    """Of some test images, summed over them: what Measures are made of. mu, mu_square: one float per dimension.

    codes, factors: mu (n, Z) of each image and what is known of it, where something is.
    """

    evaluations: tuple[Evaluation, ...]
    squared_error: float
    edges: float
    edges_of_data: float
    middle: float
    mu: np.ndarray
    mu_square: np.ndarray
    sigma: float | None
    codes: Tensor | None = None
    factors: Factors | None = None


def residuals(config: TrainConfig, state: TrainState, data: ImageDataset, start: int, stop: int) -> list[float]:
    """Mean squared residual of each piece of the training images from start to stop."""
    model, bounds = model_of(config, state.weights), pieces(stop - start)
    return [squared_residual(config, model, data.train, start + a, start + b) for a, b in bounds]


@torch.inference_mode()
def sums(
    config: TrainConfig, state: TrainState, data: ImageDataset, start: int, stop: int, optimal_sigma: float | None
) -> Sums:
    """What the test images from start to stop add to the measures."""
    model, images = model_of(config, state.weights), data.test
    bounds = [(start + a, start + b) for a, b in pieces(stop - start)]
    parts = [_sums_of_pictures(config, model, config.x(images[a:b], a)) for a, b in bounds]
    *columns, codes = zip(*parts)
    edges, edges_of_data, middle, mu, mu_square = (sum(column) for column in columns)
    known = data.known_of_test(start, stop)
    return Sums(
        tuple(evaluate_piece(config, model, images, a, b, optimal_sigma) for a, b in bounds),
        math.fsum(_squared_error(config, model, images, a, b) * (b - a) for a, b in bounds),
        edges,
        edges_of_data,
        middle,
        mu,
        mu_square,
        _sigma(config, model, optimal_sigma),
        None if known is None else torch.cat(codes),
        known,
    )


def _sums_of_pictures(config: TrainConfig, model: VAE, x: Tensor) -> tuple[Any, ...]:
    """The five sums, in their order in Sums, and mu of each image."""
    mu, _ = model.encode(x)
    p = config.loss_record().picture(model.decode(mu)).clamp(0, 1)
    edges, edges_of_data = (float(laplacian_variance(images).sum(dtype=torch.float64)) for images in (p, x))
    codes = mu.double()
    middle = float(middle_share(p).sum())
    return edges, edges_of_data, middle, codes.sum(0).numpy(), codes.square().sum(0).numpy(), mu


def _sigma(config: TrainConfig, model: VAE, optimal: float | None) -> float | None:
    if model.log_sigma is not None:
        return float(model.log_sigma.exp())
    return config.loss_parameters().get("sigma") if config.loss_record().origin("sigma") == "given" else optimal


def measures(parts: Sequence[Sums]) -> Measures:
    """The measures of the whole test set, from the parts of its spans in their order."""
    whole = merge(evaluation for part in parts for evaluation in part.evaluations)
    n = whole.images

    def total(name: str) -> Any:
        return sum(getattr(part, name) for part in parts)

    variance = total("mu_square") / n - (total("mu") / n) ** 2
    return Measures(
        whole.reconstruction,
        whole.kl,
        total("squared_error") / n,
        total("edges") / total("edges_of_data"),
        total("middle") / n,
        int((variance > ACTIVE_VARIANCE).sum()),
        parts[0].sigma,
        *_gaps(parts),
    )


def _gaps(parts: Sequence[Sums]) -> tuple[float | None, float | None]:
    """MIG and SAP, where factors are known."""
    known = [(part.codes, part.factors) for part in parts if part.codes is not None and part.factors is not None]
    if not known:
        return None, None
    codes = active(torch.cat([mu for mu, _ in known]))
    factors = Factors(known[0][1].known, torch.cat([of.values for _, of in known]))
    return mig(codes, factors), sap(codes, factors)


@torch.inference_mode()
def picture_file(config: TrainConfig, state: TrainState, data: ImageDataset) -> bytes:
    """A PNG of two squares beside each other: reconstructions of the first test images, black where there are
    fewer, and samples from the prior."""
    model, n = model_of(config, state.weights), SIDE * SIDE
    mu, _ = model.encode(config.x(data.test[:n]))
    z = torch.randn(n, config.latent_dim, generator=generator(config.seed, "prior"))
    shown = config.loss_record().picture(model.decode(torch.cat((mu, z)))).clamp(0, 1).mul(255).round()
    channels, height, width = config.shape
    shown = torch.cat((shown[:-n], shown.new_zeros(n - len(mu), *config.shape), shown[-n:]))
    squares = shown.to(torch.uint8).view(2, SIDE, SIDE, channels, height, width)
    canvas = squares.permute(1, 4, 0, 2, 5, 3).reshape(SIDE * height, 2 * SIDE * width, channels).numpy()
    file = io.BytesIO()
    Image.fromarray(canvas[..., 0] if channels == 1 else canvas).save(file, "PNG", optimize=True)
    return file.getvalue()


# ---- All of it, in this process ----------------------------------------------------------------------------------


def run_cell(config: TrainConfig, data: ImageDataset | None = None, steps: int = 50) -> Result:
    """Train and measure one cell here; `steps` at a time, which changes nothing."""
    data = load_dataset(config.dataset, config.size) if data is None else data
    state, started, failure = initial_state(config), time.perf_counter(), None
    points: tuple[Point, ...] = ()
    while state.step < config.total_steps and not failure:
        state, leg = advance_cell(state, config, data, steps)
        points, failure = points + leg.points, leg.failure
    found, pictures = None, b""
    if not failure:
        sigma = None
        if config.loss_record().origin("sigma") == "batch":
            parts = [residuals(config, state, data, a, b) for a, b in spans(config, data.n_train)]
            sigma = optimal_sigma(parts, data.n_train)
        found = measures([sums(config, state, data, a, b, sigma) for a, b in spans(config, len(data.test))])
        pictures = picture_file(config, state, data)
    seconds = time.perf_counter() - started
    return Result(config, found, points, pictures, seconds, torch.get_num_threads(), versions(), failure or "")


def optimal_sigma(parts: Sequence[list[float]], images: int) -> float:
    """The optimal sigma of so many training images, from residuals() of their spans."""
    return sigma_of([residual for part in parts for residual in part], list(pieces(images)))
