"""The lecture's numbers come out of vae.study.claims, and verdicts follow the numbers."""

from dataclasses import replace

import pytest
import torch
from torch.distributions import ContinuousBernoulli

from vae.study.claims import CLAIMS, MEASURED, RECOMPUTED, Evidence


def values(key):
    return {row.label: row.value for row in CLAIMS[key].compute()}


# Every number of the lecture's tables that needs no training, to four digits.
NUMBERS = {
    "perfect_costs": {
        "BCE(0.2, 0.2)": 0.5004,
        "BCE(0.4, 0.4)": 0.6730,
        "BCE(0.5, 0.5)": 0.6931,
        "slope in p at (0.2, 0.2)": 0.0,
        "least at p, for x = 0.4": 0.4,
    },
    "asymmetry": {
        "BCE excess at (0.2, 0.1)": 0.0444,
        "BCE excess at (0.2, 0.3)": 0.0257,
        "MSE(0.2, 0.1)": 0.01,
        "MSE(0.2, 0.3)": 0.01,
    },
    "direction": {
        "-x log p at (0.8, 0.7)": 0.2853,
        "-x log p at (0.8, 0.9)": 0.0843,
        "BCE(0.8, 0.7)": 0.5261,
        "BCE(0.8, 0.9)": 0.5448,
    },
    "mse_zero": {
        "MSE(0.2, 0.2)": 0.0,
        "MSE(0.4, 0.4)": 0.0,
        "MSE(0.4, 0.3)": 0.01,
        "MSE(0.4, 0.5)": 0.01,
        "largest on the diagonal": 0.0,
        "largest asymmetry at x = 0.5": 0.0,
    },
    "not_bernoulli": {
        "its mean at parameter 0.01": 0.2074,
        "its mean at parameter 0.1": 0.3301,
        "its mean at parameter 0.2": 0.3880,
        "mass of the continuous Bernoulli at p = 0.2": 1.0,
    },
    "root": {"sum of squares": 7.84, "what is minimised": 7.84, "its square root": 2.8},
    "kl_least": {
        "KL at mu = 0, var = 1": 0.0,
        "largest difference from -1/2 (1 + log_var - mu^2 - var)": 0.0,
        "least elsewhere, steps of .1 up to 3": 0.0024,
    },
    "mse_weight": {
        "weight at sigma^2 = 1/2": 1.0,
        "by how much that varies with p": 0.0,
        "sigma at the residual 31 / 784": 0.1988,
        "weight at that sigma": 12.6452,
        "beta that weight 1 acts like": 12.6452,
    },
    "bce_weight": {"weight at x = 0.5": 2.0, "weight at x = 0.1": 5.5556, "weight at x = 0.02": 25.5102},
    "saturation": {
        "BCE, saturated and wrong, (1, 0.001)": -0.999,
        "MSE, saturated and wrong, (1, 0.001)": -0.0020,
        "BCE, undecided, (1, 0.5)": -0.5,
        "MSE, undecided, (1, 0.5)": -0.25,
    },
    "bits": {
        "sum of exp(-BCE) over x = 0 and 1, at p = 0.2": 1.0,
        "floor of BCE, digits, grey, 0 to 1": 13.3246,
        "floor of BCE, digits, 0 or 1, by a threshold": 0.0,
        "floor of BCE, digits, 0 or 1, a coin for each": 0.0,
        "floor of BCE, patches, 0 or 1, by a threshold": 0.0,
        "floor of BCE, patches, 0 or 1, a coin for each": 0.0,
    },
    "reduction": {
        "weight of the reconstruction, summed": 1.0,
        "weight of the reconstruction, averaged": 0.0013,
        "beta that averaging acts like": 784.0,
    },
}


@pytest.mark.parametrize("key", NUMBERS)
def test_numbers_of_the_lecture(key):
    found = values(key)
    assert {label: round(found[label], 4) for label in NUMBERS[key]} == NUMBERS[key]


def test_every_claim_that_needs_no_training_is_tested_here():
    assert set(NUMBERS) == {key for key, claim in CLAIMS.items() if not claim.needs_training}


@pytest.mark.parametrize("key", CLAIMS)
def test_the_evidence_agrees_with_what_the_lecture_says(key):
    rows = CLAIMS[key].compute()
    assert rows and all(row.agrees for row in rows)
    assert len({row.label for row in rows}) == len(rows), "the label is the key of a verdict"


def test_agreement_is_to_the_last_printed_decimal():
    assert Evidence("cut off", 0.2853, 0.28, decimals=2).agrees
    assert Evidence("rounded", 0.2853, 0.29, decimals=2).agrees
    assert not Evidence("wrong", 0.2853, 0.27, decimals=2).agrees
    assert not Evidence("wrong", 0.5004, 0.5006).agrees


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ("perfect_costs", "true, but"),
        ("asymmetry", "true"),
        ("direction", "the other way round"),
        ("mse_zero", "true"),
        ("not_bernoulli", "true"),
        ("blur", "not in general"),
        ("middle", "not in general"),
        ("root", "wording only"),
        ("kl_least", "true"),
        ("mse_weight", "true"),
        ("bce_weight", "true"),
        ("saturation", "true"),
        ("reduction", "true"),
        ("bits", "true"),
    ],
)
def test_verdicts(key, verdict):
    finding = CLAIMS[key].check()
    assert finding.verdict.name == verdict
    assert finding.evidence == CLAIMS[key].compute(), "recomputing changes nothing"


# For each claim, numbers that would turn its verdict: label -> value.
TURNED = {
    "perfect_costs": {"slope in p at (0.2, 0.2)": 0.1},
    "asymmetry": {"BCE excess at (0.2, 0.3)": values("asymmetry")["BCE excess at (0.2, 0.1)"]},
    "direction": {"BCE(0.8, 0.7)": 0.5448, "BCE(0.8, 0.9)": 0.5261},
    "mse_zero": {"MSE(0.4, 0.3)": 0.02},
    "not_bernoulli": {"mass of exp(-BCE) at p = 0.2": 1.0},
    "blur": {"BCE, z = 20": 0.2},
    "middle": {"BCE, z = 20": 0.25},
    "root": {"what is minimised": 2.8},
    "kl_least": {"least elsewhere, steps of .1 up to 3": -0.1},
    "mse_weight": {"weight at that sigma": 0.5},
    "bce_weight": {"weight at x = 0.02": 1.5},
    "bits": {"floor of BCE, digits, 0 or 1, by a threshold": 0.1},
    "saturation": {"MSE, saturated and wrong, (1, 0.001)": -0.9},
    "reduction": {"beta that averaging acts like": 1.0},
}


@pytest.mark.parametrize("key", CLAIMS)
def test_a_verdict_turns_with_the_numbers(key):
    claim = CLAIMS[key]
    evidence = claim.compute()
    turned = tuple(replace(row, value=TURNED[key].get(row.label, row.value)) for row in evidence)
    assert turned != evidence
    assert claim.judge(evidence) == claim.verdict
    assert claim.judge(turned) == claim.otherwise
    assert claim.verdict.name != claim.otherwise.name


def test_means_of_the_continuous_bernoulli_are_torchs():
    for p in (0.01, 0.1, 0.2):
        expected = ContinuousBernoulli(probs=torch.tensor(p, dtype=torch.float64)).mean.item()
        assert values("not_bernoulli")[f"its mean at parameter {p}"] == pytest.approx(expected, abs=1e-9)


def test_mass_of_bce_is_one_over_the_normaliser_of_the_continuous_bernoulli():
    log_c = -ContinuousBernoulli(probs=torch.tensor(0.2, dtype=torch.float64))._cont_bern_log_norm()
    assert values("not_bernoulli")["mass of exp(-BCE) at p = 0.2"] == pytest.approx(log_c.exp().item(), abs=1e-6)


@pytest.mark.parametrize("key", CLAIMS)
def test_a_claim_can_be_shown_and_opened(key):
    claim = CLAIMS[key]
    assert claim.key == key and claim.page in ("surfaces", "kl", "train")
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in claim.query.items())
    for text in (claim.sentence, claim.verdict.explain, claim.otherwise.explain):
        assert text.endswith(".") and text[-2] != "."
    assert claim.title and claim.verdict.name and claim.otherwise.name


@pytest.mark.parametrize("key", CLAIMS)
def test_measured_figures_are_marked_and_say_what_to_run(key):
    claim = CLAIMS[key]
    origins = {row.origin for row in claim.compute()}
    assert origins == ({MEASURED} if claim.needs_training else {RECOMPUTED})
    assert bool(claim.run) == claim.needs_training
    assert all(command.startswith("python -m vae sweep --dataset mnist ") for command in claim.run)
