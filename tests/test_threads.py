"""How many threads a run gets, and that they are its own from then on."""

import dataclasses

import numpy as np
import pytest
import torch

import vae
from tests.waiting import wait_for
from vae.engine.threads import MOST, threads_given, threads_of

LARGE = vae.TrainConfig(dataset="digits", size=28, hidden=(400,), latent_dim=20)
SMALL = vae.TrainConfig(dataset="digits")


@pytest.mark.parametrize(
    ("config", "columns", "people", "cores", "threads"),
    [
        (LARGE, 1, 1, 2, 2), (LARGE, 1, 1, 8, 6), (LARGE, 4, 1, 8, 2), (LARGE, 4, 1, 2, 1), (LARGE, 1, 2, 8, 1),
        (SMALL, 1, 1, 8, 1), (dataclasses.replace(LARGE, hidden=(4096,)), 1, 1, 64, MOST),
    ],
)  # fmt: skip
def test_the_rule(config, columns, people, cores, threads):
    assert threads_of(config, columns, people, cores) == threads


def test_the_environment_decides_where_it_says_so():
    assert threads_given({}) is None and threads_given({"VAE_THREADS": " 3 "}) == 3
    for nonsense in ("0", "two", "1.5", "-1", "1000"):
        with pytest.raises(vae.SettingError, match="VAE_THREADS = .* cannot be used"):
            threads_given({"VAE_THREADS": nonsense})


@pytest.fixture
def nobody_else(engine):
    """The engine without the jobs that tests of other modules left on it."""
    for job in engine.jobs():
        engine.discard(job)
    return engine


def test_a_run_s_threads_stay_whoever_comes_and_its_curve_is_headless_with_as_many(nobody_else):
    config = dataclasses.replace(LARGE, epochs=4)
    run = nobody_else.create_run(config, "one")
    assert run.threads == 2
    other = nobody_else.create_run(config, "another")
    assert other.threads == 1  # now there are two people
    run.start()
    wait_for(lambda: run.view().status.ended)
    torch.set_num_threads(run.threads)
    try:
        curve = np.concatenate([progress.objective for _, progress in vae.train(config)])
    finally:
        torch.set_num_threads(1)
    np.testing.assert_array_equal(run.view().objective, curve)
