"""Walks through the latent space, as arithmetic on codes: what to decode, never the decoding itself.

Codes are float32 tensors (N, Z), mu unless a docstring says otherwise. Everything but prior_samples is deterministic.
What is linear (lerp, cross_fade, direction, moved) takes pictures as well as codes: that is pixel space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.errors import SettingError
from vae.losses.objective import kl_divergence
from vae.training.randomness import generator

ACTIVE_VARIANCE = 0.01  # a dimension whose mu varies by more over the images is used: see Health
PARALLEL = 1e-6  # sine of an angle below which two directions count as one, or as opposite

# ---- Traversals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """How long a step of a traversal is. scale(latent_dim, codes (N, Z) or None) -> (Z,)."""

    label: str
    scale: Callable[[int, Tensor | None], Tensor]


def _of_codes(latent_dim: int, codes: Tensor | None) -> Tensor:
    if codes is None or not len(codes):
        raise SettingError("unit", "codes", "it needs the codes of at least one image; 'prior' needs none")
    return codes.std(0, correction=0)


UNITS: dict[str, Unit] = {
    "prior": Unit("standard deviations of the prior", lambda latent_dim, codes: torch.ones(latent_dim)),
    "codes": Unit("standard deviations of the codes", _of_codes),
}


def order_by_kl(kl_per_dim: Sequence[float]) -> tuple[int, ...]:
    """The dimensions, largest KL (nats per image) first, equal ones by index."""
    return tuple(sorted(range(len(kl_per_dim)), key=lambda dim: -float(kl_per_dim[dim])))


def scale_of(unit: str, latent_dim: int, codes: Tensor | None = None) -> Tensor:
    """How long a unit is in each dimension, (Z,): 1, or the standard deviation of codes (N, Z).

    SettingError for an unknown unit, and for unit "codes" without codes.
    """
    if unit not in UNITS:
        raise SettingError("unit", unit, f"one of {', '.join(UNITS)} is accepted")
    return UNITS[unit].scale(latent_dim, codes)


@dataclass(frozen=True, eq=False)
class Walk:
    """Away from start (Z,): moves[k] units along dims[k]. scale (Z,): how long a unit is in each dimension."""

    start: Tensor
    dims: tuple[int, ...]
    moves: tuple[float, ...]
    scale: Tensor

    def here(self) -> Tensor:
        """The code (Z,) that the moves lead to."""
        z, dims = self.start.clone(), list(self.dims)
        z[dims] += torch.tensor(self.moves) * self.scale[dims]
        return z

    def strips(self, steps: Tensor) -> Tensor:
        """A traversal for each of dims: (len(dims), n, Z). In strip k only move k differs, and is each of steps (n,)."""
        codes = self.here().repeat(len(self.dims), len(steps), 1)
        for strip, dim in zip(codes, self.dims):
            strip[:, dim] = self.start[dim] + steps * self.scale[dim]
        return codes


# ---- The manifold on a plane --------------------------------------------------------------------------------------


def quantile_grid(columns: int, rows: int | None = None) -> Tensor:
    """Cell centres (i + .5)/n of the unit square through the inverse normal CDF: (rows * columns, 2); rows: as columns.

    So each cell holds the same share of the prior's mass (Kingma and Welling 2013, appendix A,
    https://arxiv.org/abs/1312.6114). Row by row as a picture is read: the first row is the top one, with the largest
    second coordinate, and the first coordinate grows to the right.
    """

    def quantiles(n: int) -> Tensor:
        return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n).float()

    across, up = quantiles(columns), quantiles(columns if rows is None else rows).flip(0)
    return torch.stack((across.repeat(len(up)), up.repeat_interleave(len(across))), dim=1)


@dataclass(frozen=True, eq=False)
class Plane:
    """The points origin + a first + b second; each (Z,). One unit of a and b should be one sd, for quantile_grid.

    With one latent dimension there is no plane but a line: second is 0, and so is every second coordinate.
    """

    origin: Tensor
    first: Tensor
    second: Tensor

    @property
    def is_line(self) -> bool:
        return not bool(self.second.any())

    def grid(self, columns: int) -> Tensor:
        """The coordinates of its manifold: quantile_grid with as many rows as columns, or with one row on a line."""
        return quantile_grid(columns, 1 if self.is_line else None)

    def points(self, coordinates: Tensor) -> Tensor:
        """(m, 2) -> codes (m, Z)."""
        return self.origin + coordinates @ torch.stack((self.first, self.second))

    def coordinates(self, z: Tensor) -> Tensor:
        """Codes (m, Z) -> the coordinates (m, 2) of the nearest points of the plane."""
        axes = torch.stack((self.first, self.second)).double()  # (2, Z)
        return ((z - self.origin).double() @ torch.linalg.pinv(axes)).float()


def plane_of_dimensions(origin: Tensor, i: int, j: int) -> Plane:
    """The plane through origin (Z,) along dimensions i and j, where the origin's own coordinates become 0.

    So its coordinates i and j are those of z, and the prior's quantiles fit. For the line of a single dimension: i = j.
    """
    unit = torch.eye(len(origin))
    origin = origin.clone()
    origin[[i, j]] = 0
    return Plane(origin, unit[i], unit[j] if i != j else torch.zeros(len(origin)))


def plane_of_pca(codes: Tensor) -> Plane:
    """The plane through the mean of codes (N, Z) along their two principal directions, each as long as one sd."""
    mean, deviations, directions = principal_directions(codes)
    scaled = deviations[:2, None] * directions[:2]
    second = scaled[1] if len(scaled) > 1 else torch.zeros_like(mean)
    return Plane(mean.float(), scaled[0].float(), second.float())


def principal_directions(codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (Z,), standard deviation along each direction (Z,), and directions (Z, Z), one a row, largest sd first.

    float64. A direction's sign is free: the one whose largest entry is positive is taken. SettingError for codes that
    are not finite, and for fewer than two.
    """
    _check_codes(codes, fewest=2)
    codes = codes.double()
    mean = codes.mean(0)
    values, vectors = torch.linalg.eigh((codes - mean).T @ (codes - mean) / len(codes))
    directions = vectors.T.flip(0)
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
    return mean, values.flip(0).clamp(min=0).sqrt(), directions * largest.sign()


def _check_codes(codes: Tensor, fewest: int) -> None:
    if len(codes) < fewest:
        raise SettingError("number of codes", len(codes), f"at least {fewest} are needed")
    if broken := int((~codes.isfinite().all(1)).sum()):
        raise SettingError("number of codes that are not finite", broken, "codes must be finite numbers")


# ---- Interpolation ------------------------------------------------------------------------------------------------


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The straight way: a + t (b - a) for each of t (n,). a, b: (Z,) or any one shape; (n, *shape), exact at 0 and 1."""
    return torch.lerp(a, b, t.view(-1, *[1] * a.dim()))


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The way round the origin, (Z,), (Z,), (n,) -> (n, Z): constant angular speed, the norm goes evenly from |a| to |b|.

    Where the direction is 0 or the same all along (a or b = 0, or parallel) this is lerp. So it is where the directions
    are opposite and no way round is shorter than another: the walk then leads straight through the origin.
    """
    x, y, t = a.double(), b.double(), t.double()
    norms = x.norm(), y.norm()
    u, v = x / norms[0], y / norms[1]  # 0 / 0 = NaN, caught below
    angle = 2 * torch.atan2((u - v).norm(), (u + v).norm())  # exact for small angles too, unlike acos
    if not float(angle.sin()) > PARALLEL:
        return lerp(a, b, t.to(a))
    t = t[:, None]
    directions = (((1 - t) * angle).sin() * u + (t * angle).sin() * v) / angle.sin()
    return (directions * torch.lerp(norms[0], norms[1], t)).to(a)


def cross_fade(x_a: Tensor, x_b: Tensor, t: Tensor) -> Tensor:
    """The two pictures laid over each other, pixel by pixel: (C, H, W) floats in [0, 1] -> (n, C, H, W)."""
    return lerp(x_a, x_b, t)


def prior_samples(n: int, latent_dim: int, seed: int) -> Tensor:
    """z ~ N(0, I), (n, Z), fixed by the seed."""
    return torch.randn(n, latent_dim, generator=generator(seed, "samples"))


# ---- Arithmetic with groups ---------------------------------------------------------------------------------------


def direction(codes: Tensor, plus: Tensor | Sequence[int], minus: Tensor | Sequence[int]) -> Tensor:
    """Mean of the group `plus` minus mean of the group `minus`: (N, Z) -> (Z,); of flattened pictures just as well.

    A group is a bool mask (N,) or indices. SettingError for an empty one, saying which.
    """
    return _mean_of(codes, plus, "plus") - _mean_of(codes, minus, "minus")


def moved(start: Tensor, direction: Tensor, alphas: Tensor) -> Tensor:
    """start + alpha direction for each of alphas (n,): (Z,), (Z,) -> (n, Z)."""
    return start + alphas[:, None] * direction


def _mean_of(codes: Tensor, group: Tensor | Sequence[int], name: object) -> Tensor:
    chosen = torch.as_tensor(group)
    members = codes[chosen if chosen.dtype == torch.bool else chosen.long()]
    if not len(members):
        raise SettingError(f"number of images in the group {name}", 0, "at least one is needed")
    return members.mean(0)


@dataclass(frozen=True, eq=False)
class Axis:
    """The line origin + t direction through two class means; coordinates (N,): t of every code, 0 at a's, 1 at b's."""

    origin: Tensor
    direction: Tensor
    coordinates: Tensor


def axis_between(codes: Tensor, labels: Tensor, a: int, b: int) -> Axis:
    """The line from the mean code of class a to that of class b. codes (N, Z), labels (N,).

    SettingError for a class without codes, and for two classes with one mean.
    """
    origin = _mean_of(codes, labels == a, a)
    towards = _mean_of(codes, labels == b, b) - origin
    length = towards.double().square().sum()
    if not length > 0:
        raise SettingError("axis", f"from {a} to {b}", "two classes with different mean codes are needed")
    return Axis(origin, towards, ((codes - origin).double() @ towards.double() / length).float())


# ---- Health -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Health:
    """How a latent space is used; one entry per dimension. kl_per_dim: nats per image. mean, sd: of mu over images.

    active: whether mu varies over the images by a variance of more than .01, the "active units" of Burda et al. 2016,
    https://arxiv.org/abs/1509.00519. A decoder cannot use a dimension that says nothing about the image.
    """

    kl_per_dim: tuple[float, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    active: tuple[bool, ...]

    @property
    def n_active(self) -> int:
        return sum(self.active)

    @property
    def verdict(self) -> str:
        """One sentence."""
        used, of = self.n_active, len(self.active)
        if not used:
            return "Collapsed: the decoder ignores z."
        if used == of:
            return {1: "The only dimension is used.", 2: "Both dimensions are used."}.get(
                of, f"All {of} dimensions are used."
            )
        return f"{used} of {of} dimensions {'is' if used == 1 else 'are'} used."


def health(mu: Tensor, log_var: Tensor) -> Health:
    """mu, log_var (N, Z) of the encoder -> Health. SettingError for values that are not finite, or fewer than 2 images."""
    _check_codes(torch.cat((mu, log_var), dim=1), fewest=2)
    kl = kl_divergence(mu, log_var).mean(0)  # mean over images
    sd = mu.double().std(0, correction=0)
    return Health(
        tuple(kl.tolist()),
        tuple(mu.mean(0).tolist()),
        tuple(sd.tolist()),
        tuple((sd.square() > ACTIVE_VARIANCE).tolist()),
    )
