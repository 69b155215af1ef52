"""How codes stand to known factors: MIG and SAP where theory puts them, and blind to what means nothing."""

import math

import pytest
import torch
from torch.nn.functional import pad

from vae.data import Factor, Factors
from vae.data.sprites import FACTORS
from vae.study.factors import active, information, mig, most_told, predictability, sap

N = 2000
SCORES = {"MIG": mig, "SAP": sap}


def factors_of(n=N, known=FACTORS, seed=0):
    """Factors drawn independently of each other, each level as likely as the others."""
    g = torch.Generator().manual_seed(seed)
    columns = [torch.tensor(f.levels)[torch.randint(len(f.levels), (n,), generator=g)] for f in known]
    return Factors(known, torch.stack(columns, 1))


def noise(dims=6, n=N):
    return torch.randn(n, dims, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def factors():
    return factors_of()


@pytest.fixture(scope="module")
def mixed(factors):
    """Codes that tell something of each factor, in more than one dimension."""
    scaled = (factors.values - factors.values.mean(0)) / factors.values.std(0)
    way = torch.eye(5) + 0.4 * torch.randn(5, 5, generator=torch.Generator().manual_seed(2))
    return pad(scaled @ way, (0, 2)) + 0.3 * noise(7)


@pytest.mark.parametrize("score", SCORES)
def test_a_code_that_equals_the_factors_scores_near_1_in_any_order_direction_and_scale(factors, score):
    exact = pad(factors.values, (0, 1))  # and a dimension that is not used
    for code in (exact, exact[:, [3, 5, 0, 2, 4, 1]], -exact, exact * torch.tensor([0.01, 5, -3, 1e4, 1, 1]) - 7):
        assert 0.9 < SCORES[score](code, factors) <= 1 + 1e-12


@pytest.mark.parametrize("score", SCORES)
def test_noise_scores_near_0(factors, score):
    for code in (noise(), noise(1), torch.zeros(N, 3)):
        assert 0 <= SCORES[score](code, factors) < 0.05


@pytest.mark.parametrize("score", SCORES)
def test_a_factor_that_two_dimensions_tell_alike_has_no_gap(factors, score):
    code = factors.values[:, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]]
    assert SCORES[score](code, factors) == pytest.approx(0, abs=1e-12)
    one_copied = SCORES[score](factors.values[:, [0, 1, 2, 3, 4, 4]], factors)
    assert one_copied == pytest.approx(SCORES[score](factors.values[:, :4], Factors(FACTORS, factors.values)), abs=0.02)
    assert 0.7 < one_copied < 0.8


@pytest.mark.parametrize("score", SCORES)
def test_order_direction_and_scale_of_dimensions_change_nothing(factors, mixed, score):
    value = SCORES[score](mixed, factors)
    assert 0.05 < value < 0.9
    assert SCORES[score](mixed.flip(1), factors) == pytest.approx(value, abs=1e-12)
    assert SCORES[score](-mixed, factors) == pytest.approx(value, abs=1e-6)
    assert SCORES[score](4 * mixed + 1, factors) == pytest.approx(
        value, abs=2e-3
    )  # a code at an edge may change its bin
    assert SCORES[score](mixed[torch.randperm(N)], factors) < 0.05, "codes of other images"


@pytest.mark.parametrize("score", SCORES)
def test_a_factor_with_one_value_is_left_out(factors, mixed, score):
    still = Factors((*FACTORS, Factor("light", (0.0, 1.0))), pad(factors.values, (0, 1)))
    assert SCORES[score](mixed, still) == SCORES[score](mixed, factors)
    assert SCORES[score](mixed, Factors(FACTORS[:1], torch.ones(N, 1))) is None
    assert SCORES[score](mixed / 0, factors) is None


def test_one_dimension_has_the_gap_to_nothing(factors):
    column = factors.values[:, 1:2]
    alone = Factors(FACTORS[1:2], column)
    assert mig(column, alone) == pytest.approx(float(information(column, alone))) == pytest.approx(1)
    assert sap(column, alone) == pytest.approx(1)


def test_information_is_that_of_a_closed_form():
    """A binary factor seen through a channel that flips it with probability .1: 1 - H(.1) bits of 1."""
    coin = torch.arange(1000) % 2
    seen = torch.where(torch.arange(1000) // 2 % 10 == 0, 1 - coin, coin)
    lost = -(0.1 * math.log2(0.1) + 0.9 * math.log2(0.9))
    known = Factors((Factor("coin", (0, 1), ("heads", "tails")),), coin[:, None].float())
    assert float(information(seen[:, None].float(), known)) == pytest.approx(1 - lost)
    assert float(predictability(seen[:, None].float(), known)) == pytest.approx(0.8), "90 % right, and chance is 50 %"


def test_predictability_agrees_with_a_search_over_thresholds_and_with_numpy():
    import numpy as np

    g = torch.Generator().manual_seed(3)
    kinds, code = torch.randint(3, (120,), generator=g), torch.randint(12, (120,), generator=g) / 4
    code[kinds == 1] += 0.7
    known = Factors((Factor("kind", (0, 1, 2), ("a", "b", "c")),), kinds[:, None].float())
    edges = [-1, *(code.unique() + 0.01).tolist()]

    def best(kind):
        ways = [(code > low) & (code < high) for low in edges for high in edges if low < high]
        rates = [(float(way[kinds == kind].double().mean()), float(way[kinds != kind].double().mean())) for way in ways]
        return max(max(hit - miss, miss - hit) for hit, miss in rates)

    found = float(predictability(code[:, None], known))
    assert found == pytest.approx(sum(best(kind) for kind in range(3)) / 3)
    ordered = Factors((Factor("kind", (0, 1, 2)),), kinds[:, None].float())
    r = np.corrcoef(code.numpy(), kinds.numpy())[0, 1]
    assert float(predictability(code[:, None], ordered)) == pytest.approx(r * r)


def test_a_dimension_is_named_after_what_it_tells_most_and_chance_gives_no_name(factors):
    code = torch.stack((factors.values[:, 4], noise(1)[:, 0], factors.values[:, 0] + 0.2 * noise(1)[:, 0]), 1)
    turned, nothing, shape = most_told(code, factors)
    assert (turned.factor, shape.factor, nothing) == ("rotation", "shape", None)
    assert turned.share == pytest.approx(1, abs=0.03) and 0.5 < shape.share < 1
    few = factors_of(200)
    assert float(information(noise(n=200), few).max()) > 0.2, "by chance"
    assert most_told(noise(n=200), few) == (None,) * 6


def test_a_dimension_that_is_not_used_tells_nothing_however_exactly_its_mean_does(factors):
    whisper = torch.cat((factors.values[:, 1:3], 0.01 * factors.values[:, 1:2]), 1)
    known = Factors(FACTORS[1:3], factors.values[:, 1:3])
    assert [told and told.factor for told in most_told(whisper, known)] == ["x", "y", None]
    for score in SCORES.values():
        assert score(whisper, known) < 0.6 and score(active(whisper), known) > 0.9
        assert score(active(0.01 * whisper), known) == 0


def test_a_place_is_that_of_the_nearest_level():
    scale = FACTORS[3]
    assert scale.places(torch.tensor([1.0, 0.5, 0.65, 0.79])).tolist() == [3, 0, 1, 2]
