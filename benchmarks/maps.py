"""t-SNE against scikit-learn's: the same codes, perplexity, iterations and threads; the KL of both exact, of one P."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.measuring import Row
from benchmarks.steps import CORES
from vae import load_dataset
from vae.data import to_unit
from vae.latent.pca_tsne import EmbeddingConfig, advance_embedding, affinities, initial_embedding, kl_of_map, usable
from vae.training.shipped import load_shipped

MODEL, SIZES = "mnist-bce-z20", (2_000, 10_000)
CONFIG = EmbeddingConfig()


def codes_of_mnist(n: int) -> np.ndarray:
    """(n, 20) float32, of test images, by a model that ships."""
    model = load_shipped(MODEL)
    encoded, _ = model.model().encode(to_unit(load_dataset("mnist").test[:n]))
    codes = encoded.detach().numpy()
    return codes[usable(codes).index]


def ours(codes: np.ndarray, threads: int) -> np.ndarray:
    state, p = initial_embedding(codes, CONFIG), affinities(codes, CONFIG)
    while state.iteration < CONFIG.total_iterations:
        state, _ = advance_embedding(state, p, CONFIG, threads)
    return state.coordinates


def sklearns(codes: np.ndarray, threads: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    made = TSNE(perplexity=CONFIG.perplexity, max_iter=CONFIG.total_iterations, random_state=0, n_jobs=threads)
    return made.fit_transform(codes)


def tsne(rounds: int) -> Iterator[Row]:
    """The larger map once, the smaller three times."""
    for program in (ours, sklearns):
        program(codes_of_mnist(100), 1)  # imports
    for n in SIZES:
        codes = codes_of_mnist(n)
        p = affinities(codes, CONFIG)
        for threads in sorted({1, CORES}):
            found: dict[str, list[tuple[float, float]]] = {"here": [], "scikit-learn": []}
            for _ in range(min(rounds, 3) if n == SIZES[0] else 1):
                for name, program in zip(found, (ours, sklearns)):
                    started = time.perf_counter()
                    with threadpool_limits(threads):
                        coordinates = program(codes, threads)
                    taken = time.perf_counter() - started
                    found[name].append((taken, kl_of_map(p, coordinates)))
            for name, pairs in found.items():
                taken, kl = (statistics.median(values) for values in zip(*pairs))
                yield Row(f"{n:,} codes, {threads} thread(s): {name}", taken, "s", f"KL divergence {kl:.3f} nats")
