"""Maps of codes: reproducible however they are cut, true to scikit-learn's measures, plain about what cannot be mapped."""

import math
import pickle

import numpy as np
import pytest
import torch
from sklearn import decomposition, manifold, model_selection, neighbors

import vae
from vae import SettingError
from vae.data import to_unit
from vae.latent.codes import principal_directions
from vae.latent.pca_tsne import (
    ITERATIONS_A_CHUNK,
    MANY,
    THETA_EARLY,
    EmbeddingConfig,
    Quality,
    advance_embedding,
    affinities,
    initial_embedding,
    iterations_of_chunk,
    kl_of_map,
    knn_accuracy,
    largest_perplexity,
    neighbours,
    pca,
    place,
    place_by_pca,
    quality,
    trustworthiness,
    usable,
)

CONFIG = EmbeddingConfig(perplexity=20, seed=1)


@pytest.fixture(scope="module")
def pictures():
    return to_unit(vae.load_dataset("digits").test[:300]).flatten(1)


@pytest.fixture(scope="module")
def labels():
    return vae.load_dataset("digits").test_labels[:300].numpy()


@pytest.fixture(scope="module")
def codes(pictures):
    """300 digits by their first 8 principal components, (300, 8)."""
    mean, _, directions = principal_directions(pictures)
    return ((pictures - mean) @ directions[:8].T).float().numpy()


def unfold(codes, config, start=None, chunks=None):
    """The states of a whole t-SNE, the first one included."""
    states, p = [initial_embedding(codes, config, start)], affinities(codes, config)
    for _ in range(config.total_iterations // ITERATIONS_A_CHUNK if chunks is None else chunks):
        states.append(advance_embedding(states[-1], p, config)[0])
    return states


@pytest.fixture(scope="module")
def states(codes):
    return unfold(codes, CONFIG)


# ---- Usable codes, PCA ----


def test_codes_that_no_map_can_take_are_left_out_counted_and_named(codes):
    assert usable(codes).sentence == "" and usable(codes).index.tolist() == list(range(300))
    broken = codes[:10].copy()
    broken[2, 3], broken[7, 0] = math.nan, -math.inf
    broken[5] = broken[9] = broken[1]
    found = usable(torch.from_numpy(broken))
    assert found.index.tolist() == [0, 1, 3, 4, 6, 8]  # of equal ones the first stays
    assert (found.n_duplicates, found.n_not_finite) == (2, 2)
    assert found.sentence == (
        "Left out of the map: 2 codes that are exact duplicates of others and 2 codes that are not finite."
    )
    broken[9] = codes[9]
    assert usable(broken[3:]).sentence == "Left out of the map: 1 code that is not finite."
    assert usable(broken[[1, 5]]).sentence == "Left out of the map: 1 code that is the exact duplicate of another."
    assert usable([[0.0], [-0.0]]).n_duplicates == 1


def test_codes_whose_distances_leave_no_digits_are_left_out_and_named(codes):
    far = codes[:40].copy()
    far[3, 1] = 1e20
    assert usable(far).sentence == "Left out of the map: 1 code that is larger than 1,000,000."
    assert usable(far).index.tolist() == [i for i in range(40) if i != 3]
    assert len(usable(far + np.float32(1e25)).index) == 0
    for function in (affinities, initial_embedding):
        with pytest.raises(SettingError, match=r"codes = 1\S*e.20 cannot be used: numbers up to 1,000,000"):
            function(far, EmbeddingConfig(perplexity=5))
    assert np.isfinite(pca(far[usable(far).index])[0]).all()


def test_pca_is_scikit_learns_up_to_sign(codes):
    coordinates, shares = pca(codes)
    reference = decomposition.PCA(2).fit(codes)
    expected = reference.transform(codes)
    for i in range(2):
        assert np.abs(coordinates[:, i] - expected[:, i]).max() < 1e-4 or (
            np.abs(coordinates[:, i] + expected[:, i]).max() < 1e-4
        )
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, rtol=1e-5)
    assert coordinates.dtype == np.float32
    mirrored, _ = pca(codes * np.array([-1] + [1] * 7, np.float32))  # the directions' own signs decide, not the solver
    np.testing.assert_allclose(np.abs(mirrored), np.abs(coordinates), atol=1e-4)


def test_pca_of_one_dimension_lies_on_a_line(codes):
    coordinates, shares = pca(codes[:, :1])
    np.testing.assert_allclose(coordinates[:, 0], codes[:, 0] - codes[:, 0].mean(), atol=1e-5)
    assert not coordinates[:, 1].any() and shares.tolist() == [1, 0]


# ---- t-SNE ----


def test_same_seed_same_picture_bit_for_bit(codes, states):
    np.testing.assert_array_equal(unfold(codes, CONFIG, chunks=7)[-1].coordinates, states[7].coordinates)
    other = unfold(codes, EmbeddingConfig(perplexity=20, seed=2), chunks=7)[-1]
    assert np.abs(other.coordinates - states[7].coordinates).max() > 0.01


def test_a_chunk_is_a_pure_function_and_its_state_travels(codes, states):
    p = affinities(codes, CONFIG)
    before, weights = pickle.dumps(states[3]), p.data.copy()
    again = advance_embedding(states[3], p, CONFIG)[0]
    moved = advance_embedding(pickle.loads(before), pickle.loads(pickle.dumps(p)), CONFIG)[0]
    for name in ("coordinates", "gains", "update"):
        np.testing.assert_array_equal(getattr(again, name), getattr(states[4], name))
        np.testing.assert_array_equal(getattr(moved, name), getattr(states[4], name))
        assert getattr(again, name).dtype == np.float32
    assert pickle.dumps(states[3]) == before
    np.testing.assert_array_equal(p.data, weights)
    assert len(before) < 10_000  # bytes, of 300 points


def test_chunks_go_on_where_the_one_before_stopped(codes, states):
    """openTSNE in one piece, from the same first layout: the same map but for the float32 of the borders."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PrecomputedAffinities

    whole = TSNEEmbedding(
        states[0].coordinates,
        PrecomputedAffinities(affinities(codes, CONFIG), normalize=False),
        negative_gradient_method="bh",
        theta=THETA_EARLY,
    )
    whole.optimize(100, inplace=True, exaggeration=12, momentum=0.8)
    spread = states[2].coordinates.std()
    assert np.abs(np.asarray(whole) - states[2].coordinates).max() < 0.01 * spread


def test_threads_change_no_bit_of_a_map(codes, states):
    p = affinities(codes, CONFIG)
    for before, after in ((states[3], states[4]), (states[10], states[11])):
        for name in ("coordinates", "gains", "update"):
            found = advance_embedding(before, p, CONFIG, threads=3)[0]
            np.testing.assert_array_equal(getattr(found, name), getattr(after, name))


def test_a_map_of_many_codes_moves_in_shorter_steps():
    many = torch.randn(MANY + 1, 3, generator=torch.Generator().manual_seed(0)).numpy()
    config = EmbeddingConfig(perplexity=2)
    state = initial_embedding(many, config)
    state, progress = advance_embedding(state, affinities(many, config), config, threads=2)
    assert state.iteration == progress.iteration == iterations_of_chunk(len(many)) == 5
    assert iterations_of_chunk(MANY) == 50


def test_the_kl_reached_is_scikit_learns(codes, states):
    """Theirs by the same formula, from our own affinities; both find a local minimum only."""
    theirs = manifold.TSNE(perplexity=CONFIG.perplexity, init="pca", random_state=0, max_iter=750).fit_transform(codes)
    p = affinities(codes, CONFIG)
    assert kl_of_map(p, states[-1].coordinates) == pytest.approx(kl_of_map(p, theirs), rel=0.05)


def test_a_map_ends_with_its_last_iteration_and_the_kl_falls(codes, states):
    p = affinities(codes, CONFIG)
    assert states[-1].iteration == CONFIG.total_iterations == 750
    after, progress = advance_embedding(states[-1], p, CONFIG)
    assert after.iteration == progress.iteration == 750
    np.testing.assert_array_equal(after.coordinates, states[-1].coordinates)
    first = advance_embedding(states[0], p, CONFIG)[1]
    assert first.iteration == 50 and progress.kl_divergence < 0.5 * first.kl_divergence
    # KL(P || Q) by its definition, Q from every pair: Barnes-Hut is an approximation of it
    y = states[-1].coordinates.astype(float)
    q = 1 / (1 + np.square(y[:, None] - y[None]).sum(-1))
    np.fill_diagonal(q, 0)
    rows, columns = p.nonzero()
    expected = (p.data * np.log(p.data / (q / q.sum())[rows, columns])).sum()
    assert progress.kl_divergence == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("perplexity", [5, 90])
def test_the_kl_of_a_map_is_its_definition_even_where_all_points_are_nearly_in_one_place(codes, perplexity):
    """There the Barnes-Hut estimate goes below 0, which no KL does."""
    config = EmbeddingConfig(perplexity=perplexity)
    p, state = affinities(codes, config), initial_embedding(codes, config)
    n = len(codes)
    uniform = (p.data * np.log(p.data * n * (n - 1))).sum()  # of a layout in one point
    for _ in range(2):
        state, progress = advance_embedding(state, p, config)
        if np.ptp(state.coordinates, axis=0).max() < 1e-3:
            assert progress.kl_divergence == pytest.approx(uniform, rel=1e-5)
    assert state.iteration == 100


@pytest.mark.parametrize("sd", [0, 1e-12, 1e-4, 1e-2, 1, 30])
def test_the_exact_kl_is_its_definition_and_never_negative(codes, sd):
    p = affinities(codes, CONFIG)
    y = sd * np.random.default_rng(3).standard_normal((len(codes), 2))
    q = 1 / (1 + np.square(y[:, None] - y[None]).sum(-1))
    np.fill_diagonal(q, 0)
    rows, columns = p.nonzero()
    expected = (p.data * np.log(p.data / (q / q.sum())[rows, columns])).sum()
    assert kl_of_map(p, y) == pytest.approx(expected, rel=1e-6) and expected > 0


def test_early_exaggeration_ends_where_it_should(codes):
    none = EmbeddingConfig(perplexity=20, early_exaggeration=1.0)
    early, calm = (
        EmbeddingConfig(perplexity=20, early_iterations=50),
        EmbeddingConfig(perplexity=20, early_iterations=0),
    )
    p, state = affinities(codes, CONFIG), initial_embedding(codes, early)
    steps = [advance_embedding(state, p, config)[0].coordinates for config in (early, calm, none)]
    assert np.abs(steps[0] - steps[1]).max() > 1e-3
    np.testing.assert_array_equal(steps[1], steps[2])
    later = unfold(codes, early, chunks=2)[-1]
    np.testing.assert_array_equal(
        advance_embedding(later, p, early)[0].coordinates, advance_embedding(later, p, calm)[0].coordinates
    )


def test_first_layouts(codes, states):
    """PCA's, random, or a given one: all of one small size, and two models with one start begin at the same places."""
    first = states[0].coordinates
    assert first.std(0).max() == pytest.approx(1e-4, rel=0.01)
    assert abs(np.corrcoef(first[:, 0], pca(codes)[0][:, 0])[0, 1]) > 0.999
    scattered = initial_embedding(codes, EmbeddingConfig(perplexity=20, initial="random")).coordinates
    assert abs(np.corrcoef(scattered[:, 0], first[:, 0])[0, 1]) < 0.3
    assert scattered.std(0) == pytest.approx([1e-4, 1e-4], rel=0.15)
    given = EmbeddingConfig(perplexity=20, initial="given")
    shared = initial_embedding(codes, given, states[-1].coordinates).coordinates
    assert np.corrcoef(shared[:, 0], states[-1].coordinates[:, 0])[0, 1] > 0.999
    np.testing.assert_array_equal(shared, initial_embedding(codes[:, :3], given, states[-1].coordinates).coordinates)
    np.testing.assert_array_equal(
        initial_embedding(codes, given, 7 + 3 * states[-1].coordinates).coordinates.round(8), shared.round(8)
    )


def test_one_latent_dimension_unfolds_too(codes):
    coordinates = unfold(codes[:, :1], CONFIG, chunks=3)[-1].coordinates
    assert np.isfinite(coordinates).all() and coordinates[:, 1].any()


def test_new_images_are_placed_near_their_like(codes, states):
    final = states[-1].coordinates
    before = final.copy()
    placed = place(states[-1], codes, CONFIG, codes[:40])
    distances = np.linalg.norm(placed - final[:40], axis=1)
    assert np.median(distances) < 0.02 * final.std() and distances.max() < 0.5 * final.std()
    np.testing.assert_array_equal(final, before)
    one = place(states[-1], codes, CONFIG, codes[5:6])  # each by itself
    np.testing.assert_allclose(one[0], placed[5], atol=1e-4)
    between = place(states[-1], codes, CONFIG, (codes[:1] + codes[neighbours(codes, 0, 1)]) / 2)
    assert np.linalg.norm(between - final[0]) < 0.5 * final.std()


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"perplexity": 1.5}, "perplexity = 1.5 cannot be used: a number from 2 to 200 is accepted."),
        ({"perplexity": math.nan}, "perplexity = nan"),
        ({"seed": -1}, "seed = -1 cannot be used: a whole number from 0 to"),
        ({"seed": True}, "seed = True"),
        ({"initial": "spectral"}, "initial = 'spectral' cannot be used: one of pca, random, given is accepted."),
        ({"early_exaggeration": 51}, "early_exaggeration = 51 cannot be used: a number from 1 to 50"),
        ({"iterations": 30}, "iterations = 30 cannot be used: a multiple of 50 from 50 to 5,000"),
        ({"early_iterations": 10}, "early_iterations = 10 cannot be used: a multiple of 50 from 0 to 2,500"),
    ],
)
def test_settings_are_checked_where_they_are_made(settings, sentence):
    with pytest.raises(SettingError) as caught:
        EmbeddingConfig(**settings)
    assert str(caught.value).startswith(sentence)


def test_too_few_images_for_the_perplexity_says_the_largest_possible(codes):
    assert [largest_perplexity(n) for n in (7, 60, 61)] == [2, 19, 20]
    assert affinities(codes[:61], CONFIG).shape == (61, 61)
    for function in (affinities, initial_embedding):
        with pytest.raises(SettingError, match=r"perplexity = 20 cannot be used: with 60 images it is at most 19\."):
            function(codes[:60], CONFIG)
        with pytest.raises(SettingError, match="number of codes = 6 cannot be used: t-SNE takes from 7 to 10,000"):
            function(codes[:6], CONFIG)
        with pytest.raises(SettingError, match="codes = 'not finite'"):
            function(np.full((100, 2), np.nan), CONFIG)


def test_a_start_that_does_not_fit_is_refused(codes, states):
    given = EmbeddingConfig(perplexity=20, initial="given")
    for config, start in ((given, None), (CONFIG, states[-1].coordinates)):
        with pytest.raises(SettingError, match="a start comes with 'given', and only with it"):
            initial_embedding(codes, config, start)
    with pytest.raises(SettingError, match=r"\(299, 2\).*finite coordinates, \(300, 2\), are accepted"):
        initial_embedding(codes, given, states[-1].coordinates[:299])
    with pytest.raises(SettingError, match="initial layout = 'one point'"):
        initial_embedding(codes, given, np.ones((300, 2)))
    with pytest.raises(SettingError, match="initial layout = 'one point'"):
        initial_embedding(np.ones((300, 4)), CONFIG)


# ---- Quality ----


def test_trustworthiness_is_scikit_learns_and_what_its_paper_defines(codes, states):
    final, k, n = states[-1].coordinates, 12, 300
    found = trustworthiness(codes, final, k)
    assert found == pytest.approx(manifold.trustworthiness(codes, final, n_neighbors=k), abs=1e-9)
    rank = np.empty((n, n), int)
    for i in range(n):
        rank[i, neighbours(codes, i, n - 1)] = np.arange(1, n)
    penalty = sum(max(0, rank[i, j] - k) for i in range(n) for j in neighbours(final, i, k))
    assert found == pytest.approx(1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty, abs=1e-6)
    assert trustworthiness(codes, codes) == 1
    assert trustworthiness(codes, np.roll(final, 1, axis=0)) < 0.6 < 0.9 < found


def test_knn_accuracy_is_leave_one_out(codes, labels):
    classifier = neighbors.KNeighborsClassifier(5)
    scores = model_selection.cross_val_score(classifier, codes[:120], labels[:120], cv=model_selection.LeaveOneOut())
    assert knn_accuracy(codes[:120], labels[:120], 5) == pytest.approx(scores.mean())
    assert knn_accuracy([[0.0], [1.0], [5.0], [6.0]], ["a", "a", "b", "b"], 1) == 1
    assert knn_accuracy([[0.0], [1.0], [5.0], [6.0]], [0, 1, 0, 1], 1) == 0  # a point does not vote for itself


def test_quality_of_a_map_and_of_codes(pictures, codes, labels, states):
    of_map = quality(codes, states[-1].coordinates, labels)
    assert of_map == Quality(
        trustworthiness(codes, states[-1].coordinates, 10), knn_accuracy(states[-1].coordinates, labels, 10)
    )
    assert of_map.knn_accuracy > 0.85
    assert quality(pictures, codes).knn_accuracy is None and quality(pictures, codes).trustworthiness > 0.95


def test_neighbours_are_the_neighbours(codes):
    distances = np.linalg.norm(codes - codes[17], axis=1)
    assert neighbours(codes, 17, 6).tolist() == np.argsort(distances)[1:7].tolist()
    pictures = torch.tensor([0, 250, 5, 0, 9], dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 4, 4)
    assert neighbours(pictures, 3, 4).tolist() == [0, 2, 4, 1]  # without itself, though another is the same


def test_too_many_neighbours_are_refused(codes, labels):
    with pytest.raises(SettingError, match="k = 10 cannot be used: a number of neighbours from 1 to 9 is accepted"):
        trustworthiness(codes[:20], codes[:20])
    for function in (lambda k: knn_accuracy(codes[:5], labels[:5], k), lambda k: neighbours(codes[:5], 0, k)):
        for k in (0, 5):
            with pytest.raises(SettingError, match=f"k = {k} cannot be used: .* from 1 to 4"):
                function(k)


def test_new_codes_lie_on_the_pca_map_where_they_would_as_old_ones():
    codes = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(place_by_pca(codes, codes[7:9]), pca(codes)[0][7:9])
    np.testing.assert_allclose(place_by_pca(codes, codes.mean(0)[None]), 0, atol=1e-6)
