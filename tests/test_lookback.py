"""Looking back: which pictures stand at a step, when runs were observed at different ones."""

import dataclasses

import numpy as np

from vae import TrainConfig, advance, initial_state, load_dataset
from vae.engine import Status, View, lookback


def view_after(steps):
    config = TrainConfig(hidden=(8,), epochs=1)
    _, progress = advance(initial_state(config), config, load_dataset("digits"), steps)
    none = np.zeros(0)
    return View(Status.PAUSED, "", False, steps, config.total_steps, 0.0, none, none, none, progress.observations,
                progress.pictures, 0.0, None, None, False)  # fmt: skip


def test_the_pictures_of_now_come_last_and_once():
    between, due = view_after(7), view_after(5)
    assert [frame.step for frame in lookback.pictures_of(between)] == [0, 1, 2, 5, 7]
    assert [frame.step for frame in lookback.pictures_of(due)] == [0, 1, 2, 5]
    films = [lookback.pictures_of(view) for view in (between, due)]
    assert lookback.steps_of(films) == [0, 1, 2, 5, 7]
    assert [lookback.at(film, 7).step for film in films] == [7, 5]  # one that ended earlier stays as it was
    assert [lookback.at(film, 4).step for film in films] == [2, 2]
    assert lookback.at([dataclasses.replace(films[0][0], step=3)], 1).step == 3  # there is nothing before it


def test_a_place_is_the_last_one_or_the_latest_not_after_it():
    steps = [0, 1, 2, 5, 7]
    assert [lookback.place(steps, looking) for looking in (None, 0, 4, 5, 6, 99, -1)] == [4, 0, 2, 3, 3, 4, 0]
