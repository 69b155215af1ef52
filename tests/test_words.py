"""Sentences: what a run is doing, and texts that are shown as they are."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from vae import TrainConfig
from vae.engine import Status, View
from vae.ui import words

VIEW = View(
    Status.RUNNING, "", False, 1234, 4690, 2.63, np.zeros(0), np.zeros(0), np.zeros(0), (), None, 12000.0, 90.0, None, False
)  # fmt: skip
CONFIG = TrainConfig(dataset="mnist", loss="gaussian", parameters={"sigma": 0.5})


def said(**changes):
    return words.status(CONFIG, dataclasses.replace(VIEW, **changes))


def test_each_state_has_its_sentence():
    assert said() == (
        "Training on mnist with Gaussian, fixed σ (sigma = 0.5): step 1,234 of 4,690 (epoch 2.6 of 10), "
        "12,000 images a second."
    )
    assert said(status=Status.QUEUED).startswith("Waiting for a worker, at step 1,234")
    assert said(status=Status.PAUSED).startswith("Paused at step 1,234")
    observed = (SimpleNamespace(step=1200),)
    assert said(status=Status.PAUSED, observations=observed).endswith("of 10); held-out figures after step 1,200.")
    assert "held-out" not in said(status=Status.PAUSED, observations=observed, step=1200)
    assert "Press Start" in said(status=Status.PAUSED, step=0)
    assert said(status=Status.PAUSED, parked=True).startswith("Parked at step 1,234")
    assert said(status=Status.STOPPED).startswith("Stopped at step") and said(status=Status.DONE).startswith("Done at")
    assert said(status=Status.FAILED, message="It broke.") == "It broke."


def test_a_screen_reader_is_told_tenths_not_every_refresh():
    assert words.spoken(CONFIG, VIEW) == "Training, 20 percent done."
    assert words.spoken(CONFIG, dataclasses.replace(VIEW, step=1300)) == "Training, 20 percent done."


def test_durations():
    assert [words.duration(s) for s in (0.2, 59, 90, 4000)] == ["0 s", "59 s", "1 min 30 s", "1 h 6 min"]


def test_what_looks_like_markdown_is_shown_as_it_is():
    assert words.plain("__import__('os') * x_1") == r"\_\_import\_\_\('os'\) \* x\_1"
