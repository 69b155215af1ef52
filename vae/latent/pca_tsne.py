"""Maps of codes in two dimensions: PCA at once, t-SNE advanced in chunks like training, and how far to trust either.

Codes are mu, (N, Z), as an array or a CPU tensor. Never make a map of sampled z: the noise of the draw would be spread
out over the map and look like structure. t-SNE is van der Maaten and Hinton 2008, run by openTSNE (Policar et al. 2024,
https://doi.org/10.18637/jss.v109.i03) with the Barnes-Hut approximation.

advance_embedding() is a pure function, so a map follows from codes, config and start bit for bit, whichever process takes
which chunk, on however many threads: each moves points of its own. sklearn and openTSNE are imported where they run: that takes seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike

from vae.errors import SettingError, VaeError
from vae.latent.codes import principal_directions
from vae.training.randomness import generator

if TYPE_CHECKING:
    from openTSNE.affinity import PerplexityBasedNN
    from scipy.sparse import csr_matrix

ITERATIONS_A_CHUNK = 50  # part of what a seed means: chunks of another size round at other places
ITERATIONS_OF_MANY = 5  # likewise, of more codes than MANY: their map is to move twice a second too
MANY = 4_000
# How coarsely Barnes-Hut takes far points together. While clusters form it need not be exact: 1.6 times as fast, and the
# map ends with 1 to 2 % more divergence.
THETA_EARLY, THETA = 0.8, 0.5
LARGEST = 10_000  # codes; more would need another approximation, and minutes
FEWEST = 7  # codes, for the least perplexity of 2
INITIALS = ("pca", "random", "given")
FIRST_SD = 1e-4  # of a first layout; from a larger one, t-SNE hardly finds back
LARGEST_CODE = (
    1e6  # in any dimension: the squared distances of larger ones leave no digits for those between the others
)
TIGHT = (
    1e-3  # span of a layout below which the Barnes-Hut estimate of its KL breaks down; it may even be negative there
)
JITTER = 0.01  # share of FIRST_SD by which a first layout is shaken, so that no two points coincide

# ---- PCA ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Usable:
    """Which codes a map can take: index (m,) of those kept, in order, and a sentence on the others ("" if none)."""

    index: np.ndarray
    n_duplicates: int
    n_not_finite: int
    n_too_large: int

    @property
    def sentence(self) -> str:
        reasons = [
            _counted(self.n_duplicates, "is the exact duplicate of another", "are exact duplicates of others"),
            _counted(self.n_not_finite, "is not finite", "are not finite"),
            _counted(self.n_too_large, f"is larger than {LARGEST_CODE:,.0f}", f"are larger than {LARGEST_CODE:,.0f}"),
        ]
        reasons = [reason for reason in reasons if reason]
        return f"Left out of the map: {' and '.join(reasons)}." if reasons else ""


def _counted(n: int, one: str, many: str) -> str:
    return "" if not n else f"1 code that {one}" if n == 1 else f"{n:,} codes that {many}"


def usable(codes: ArrayLike) -> Usable:
    """Leave out codes that are not finite, those beyond LARGEST_CODE and, of exactly equal ones, all but the first."""
    codes = _array(codes)
    n_finite = int(np.isfinite(codes).all(1).sum())
    kept = np.flatnonzero((np.abs(codes) <= LARGEST_CODE).all(1))  # which a NaN is not
    _, first = np.unique(codes[kept], axis=0, return_index=True)
    return Usable(kept[np.sort(first)], len(kept) - len(first), len(codes) - n_finite, n_finite - len(kept))


def pca(codes: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The codes along their two principal directions: coordinates (N, 2) float32, and their shares of the variance (2,).

    The sign of a direction is that of latent.principal_directions. With one latent dimension the second coordinate is
    0. SettingError for codes that are not finite, and for fewer than two.
    """
    codes = torch.from_numpy(_array(codes))
    _, deviations, _ = principal_directions(codes)
    variances = deviations.square().numpy()
    shares = np.zeros(2)
    shares[: len(variances)] = variances[:2] / max(variances.sum(), np.finfo(float).tiny)
    return place_by_pca(codes, codes), shares


def place_by_pca(codes: ArrayLike, new_codes: ArrayLike) -> np.ndarray:
    """Put new codes (m, Z) onto the PCA map of `codes`: (m, 2) float32. SettingError as pca()."""
    mean, _, directions = principal_directions(torch.from_numpy(_array(codes)))
    centred = torch.from_numpy(_array(new_codes)).double() - mean
    placed = np.zeros((len(centred), 2), np.float32)
    placed[:, : len(directions)] = (centred @ directions[:2].T).numpy()
    return placed


# ---- t-SNE --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EmbeddingConfig:
    """A t-SNE: what decides the map, beside the codes. initial: the first layout is PCA's, random, or given as `start`.

    early_iterations: with early exaggeration; iterations: after it.
    """

    perplexity: float = 30.0
    seed: int = 0
    initial: str = "pca"
    early_exaggeration: float = 12.0
    early_iterations: int = 250
    iterations: int = 500

    def __post_init__(self) -> None:
        self._between("perplexity", 2, 200)
        self._between("seed", 0, 2**31 - 1, whole=True)
        if self.initial not in INITIALS:
            raise SettingError("initial", self.initial, f"one of {', '.join(INITIALS)} is accepted")
        self._between("early_exaggeration", 1, 50)
        self._between("early_iterations", 0, 2500, whole=True, step=ITERATIONS_A_CHUNK)
        self._between("iterations", ITERATIONS_A_CHUNK, 5000, whole=True, step=ITERATIONS_A_CHUNK)

    @property
    def total_iterations(self) -> int:
        return self.early_iterations + self.iterations

    def _between(self, name: str, low: int, high: int, whole: bool = False, step: int = 1) -> None:
        value = getattr(self, name)
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value % step):
            kind = f"a multiple of {step}" if step > 1 else "a whole number" if whole else "a number"
            raise SettingError(name, value, f"{kind} from {low:,} to {high:,} is accepted")


@dataclass(frozen=True, eq=False)
class EmbeddingState:
    """A map after `iteration` iterations: all that the next chunk needs, small. coordinates, gains, update: (N, 2) float32.

    gains and update are the optimiser's: each coordinate's own rate, and its last step, of which a share goes on.
    """

    iteration: int
    coordinates: np.ndarray
    gains: np.ndarray
    update: np.ndarray


@dataclass(frozen=True, eq=False)
class EmbeddingProgress:
    """What one chunk did. kl_divergence: KL(P || Q) of the map in nats, of true affinities P, never exaggerated ones."""

    iteration: int
    coordinates: np.ndarray
    kl_divergence: float
    seconds: float


def largest_perplexity(n: int) -> int:
    """The largest perplexity that n codes allow: three times as many others are needed."""
    return (n - 1) // 3


def affinities(codes: ArrayLike, config: EmbeddingConfig) -> csr_matrix:
    """P (N, N), sparse, summing to 1: who is whose neighbour among the codes. From exact nearest neighbours.

    SettingError for codes that are not finite, too many, or too few for the perplexity.
    """
    return _neighbourhoods(_checked(codes, config), config).P


def _neighbourhoods(codes: np.ndarray, config: EmbeddingConfig) -> PerplexityBasedNN:
    from openTSNE.affinity import PerplexityBasedNN

    return PerplexityBasedNN(codes, perplexity=config.perplexity, method="exact", n_jobs=1)


def initial_embedding(codes: ArrayLike, config: EmbeddingConfig, start: ArrayLike | None = None) -> EmbeddingState:
    """Iteration 0. start (N, 2): a layout to begin with, say another model's map, for initial = "given".

    Maps with one start and one seed begin at the very same places. SettingError as affinities() and for an unfit start.
    """
    codes = _checked(codes, config)
    shape = (len(codes), 2)
    if (config.initial == "given") != (start is not None):
        raise SettingError("initial", config.initial, "a start comes with 'given', and only with it")
    noise = torch.randn(shape, generator=generator(config.seed, "embedding"), dtype=torch.float64).numpy()
    if config.initial == "random":
        first = FIRST_SD * noise
    else:
        first = _shrunk(pca(codes)[0] if start is None else _layout(start, shape)) + JITTER * FIRST_SD * noise
    return EmbeddingState(0, first.astype(np.float32), np.ones(shape, np.float32), np.zeros(shape, np.float32))


def _layout(start: ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    start = np.asarray(start)
    if start.shape != shape or not np.isfinite(start).all():
        raise SettingError("start", f"an array {start.shape}", f"finite coordinates, {shape}, are accepted")
    return start


def _shrunk(layout: np.ndarray) -> np.ndarray:
    """Centred, its wider coordinate with the standard deviation FIRST_SD."""
    layout = layout - layout.mean(0, dtype=np.float64)
    widest = layout.std(0).max()
    if not widest > 0:
        raise SettingError("initial layout", "one point", "codes or a start that differ are needed")
    return layout * (FIRST_SD / widest)


def iterations_of_chunk(codes: int) -> int:
    """How far a chunk takes a map of so many codes."""
    return ITERATIONS_A_CHUNK if codes <= MANY else ITERATIONS_OF_MANY


def advance_embedding(
    state: EmbeddingState, affinities: csr_matrix, config: EmbeddingConfig, threads: int = 1
) -> tuple[EmbeddingState, EmbeddingProgress]:
    """One chunk more; none once the map is done. The input stays as it is, and threads change nothing but the time."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PrecomputedAffinities
    from openTSNE.tsne import gradient_descent

    started = time.perf_counter()
    taken = min(iterations_of_chunk(len(state.coordinates)), config.total_iterations - state.iteration)
    exaggeration = config.early_exaggeration if state.iteration < config.early_iterations else 1
    optimiser = gradient_descent()
    optimiser.gains, optimiser.update = state.gains.astype(np.float64), state.update.astype(np.float64)
    moving = TSNEEmbedding(
        state.coordinates,
        PrecomputedAffinities(affinities.copy(), normalize=False),  # a copy: it is exaggerated in place
        negative_gradient_method="bh",
        optimizer=optimiser,
        n_jobs=threads,
        theta=THETA_EARLY if exaggeration > 1 else THETA,
    )
    moving.optimize(taken, inplace=True, propagate_exception=True, exaggeration=exaggeration, momentum=0.8)
    arrays = (np.asarray(a, dtype=np.float32) for a in (moving, optimiser.gains, optimiser.update))
    after = EmbeddingState(state.iteration + taken, *arrays)
    if not np.isfinite(after.coordinates).all():
        raise VaeError(f"The map flew apart before iteration {after.iteration}: less exaggeration is the usual cure.")
    kl = kl_of_map(affinities, after.coordinates, float(moving.kl_divergence))
    return after, EmbeddingProgress(after.iteration, after.coordinates, kl, time.perf_counter() - started)


def kl_of_map(affinities: csr_matrix, coordinates: np.ndarray, estimate: float | None = None) -> float:
    """KL(P || Q) of a layout (N, 2) in nats: the Barnes-Hut estimate where there is one that can be right, else exact."""
    if estimate is not None and estimate >= 0 and np.ptp(coordinates, axis=0).max() >= TIGHT:
        return estimate
    return _exact_kl(affinities, coordinates.astype(np.float64))


def _exact_kl(affinities: csr_matrix, y: np.ndarray) -> float:
    """sum p_ij log(p_ij / q_ij), q_ij the share of 1 / (1 + |y_i - y_j|^2) in its sum over all pairs."""
    y = y - y.mean(0)
    square = np.square(y).sum(1)
    total = -float(len(y))  # no point is its own neighbour
    for start in range(0, len(y), 500):
        part = slice(start, start + 500)
        apart = np.maximum(square[part, None] + square - 2 * y[part] @ y.T, 0)  # (500, N), squared distances
        total += float((1 / (1 + apart)).sum())
    pairs = affinities.tocoo()
    p = pairs.data[pairs.data > 0]
    near = np.square(y[pairs.row] - y[pairs.col]).sum(1)[pairs.data > 0]
    return max(0.0, float((p * (np.log(p) + np.log1p(near) + np.log(total))).sum()))


def place(state: EmbeddingState, codes: ArrayLike, config: EmbeddingConfig, new_codes: ArrayLike) -> np.ndarray:
    """Put new codes (m, Z) into the finished map of `codes`, each by itself, nothing else moves: (m, 2) float32."""
    from openTSNE import TSNEEmbedding

    codes, new_codes = _checked(codes, config), _array(new_codes)
    if not np.isfinite(new_codes).all():
        raise SettingError("new codes", "not finite", "finite numbers are accepted")
    if np.abs(new_codes).max(initial=0) > LARGEST_CODE:
        raise SettingError(
            "new codes", float(np.abs(new_codes).max()), f"numbers up to {LARGEST_CODE:,.0f} are accepted"
        )
    near = _neighbourhoods(codes, config)
    finished = TSNEEmbedding(state.coordinates, near, negative_gradient_method="bh", n_jobs=1)
    placed = np.asarray(finished.transform(new_codes))
    shift = np.asarray(finished)[0] - state.coordinates[0]  # transform() centres the map in its box first
    return (placed - shift).astype(np.float32)


def _array(codes: ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(codes, dtype=np.float32)


def _checked(codes: ArrayLike, config: EmbeddingConfig) -> np.ndarray:
    codes = _array(codes)
    if not FEWEST <= len(codes) <= LARGEST:
        raise SettingError("number of codes", len(codes), f"t-SNE takes from {FEWEST} to {LARGEST:,}")
    if not np.isfinite(codes).all():
        raise SettingError("codes", "not finite", "finite numbers are accepted")
    if np.abs(codes).max() > LARGEST_CODE:
        raise SettingError("codes", float(np.abs(codes).max()), f"numbers up to {LARGEST_CODE:,.0f} are accepted")
    largest = largest_perplexity(len(codes))
    if config.perplexity > largest:
        raise SettingError("perplexity", config.perplexity, f"with {len(codes):,} images it is at most {largest}")
    return codes


# ---- How far to trust it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quality:
    """How well points keep neighbourhoods, and how well neighbours tell the class; both from 0 to 1, more is better."""

    trustworthiness: float
    knn_accuracy: float | None  # None without labels


def quality(source: ArrayLike, points: ArrayLike, labels: ArrayLike | None = None, k: int = 10) -> Quality:
    """Of a map: source = the codes, points = the map. Of the codes: source = the flattened pictures, points = the codes."""
    return Quality(trustworthiness(source, points, k), None if labels is None else knn_accuracy(points, labels, k))


def trustworthiness(source: ArrayLike, points: ArrayLike, k: int = 10) -> float:
    """1 if the k nearest neighbours of every point are near it in `source` too; less by the ranks of those that are not.

    source (N, D), points (N, 2 or Z). Venna and Kaski 2001, https://doi.org/10.1007/3-540-44668-0_68.
    """
    from sklearn import manifold

    source, points = (_array(values).astype(np.float64) for values in (source, points))  # squares of float32 overflow
    _check_k(k, (len(source) - 1) // 2)
    return float(manifold.trustworthiness(source, points, n_neighbors=k))


def knn_accuracy(points: ArrayLike, labels: ArrayLike, k: int = 10) -> float:
    """The share of points whose label is the commonest among their k nearest others; of equally common ones, the least."""
    from sklearn.neighbors import NearestNeighbors

    points = _array(points)
    _check_k(k, len(points) - 1)
    nearest = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)  # (N, k), without itself
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    votes = (numbers[nearest][:, :, None] == np.arange(len(classes))).sum(1)  # (N, classes)
    return float((votes.argmax(1) == numbers).mean())


def neighbours(points: ArrayLike, index: int, k: int = 10) -> np.ndarray:
    """The k nearest others of point `index`, nearest first, (k,). points: codes, a map or pictures, (N, ...), any type."""
    points = _array(points)
    points = points.reshape(len(points), -1)
    _check_k(k, len(points) - 1)
    distances = np.square(points - points[index], dtype=np.float64).sum(1)
    distances[index] = -1  # itself comes first, even where others lie at the same place
    return np.argsort(distances, kind="stable")[1 : k + 1]


def _check_k(k: int, largest: int) -> None:
    if not 1 <= k <= largest:
        raise SettingError("k", k, f"a number of neighbours from 1 to {largest:,} is accepted with so many points")
