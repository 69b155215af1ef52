"""The page for whoever runs the server: what is under way, a button to stop each, and the drain."""

import pytest

from tests.waiting import wait_for
from vae import TrainConfig
from vae.engine import Status
from vae.ui.shared import keys

LONG = TrainConfig(dataset="digits", hidden=(16,), epochs=5_000)


def text(app) -> str:
    return " ".join(block.value for kind in (app.markdown, app.caption, app.info) for block in kind)


@pytest.fixture
def desk(monkeypatch, open_app, engine):
    monkeypatch.setattr(keys, "is_lecturer", lambda: True)
    return open_app("server", engine)


@pytest.fixture
def race(engine):
    race = engine.create_race([LONG, LONG], owner="a student")
    race.start()
    wait_for(lambda: all(view.step for view in race.views()))
    yield race
    for run in race.runs:
        engine.discard(run)


def test_a_run_is_stopped_with_all_columns_of_its_race(race, desk):
    desk.run()
    assert not desk.exception and "Training on digits" in text(desk) and "a student" not in text(desk)
    stop = next(button for button in desk.button if button.label == "Stop")
    assert not stop.click().run().exception
    assert {view.status for view in race.views()} == {Status.STOPPED}
    assert "Nothing is under way." in text(desk)


def test_a_drained_server_starts_nothing_until_told(desk, engine):
    assert not desk.toggle(key="server-drain").set_value(True).run().exception
    try:
        assert engine.draining and "drains" in " ".join(block.proto.body for block in desk.get("html"))
    finally:
        desk.toggle(key="server-drain").set_value(False).run()
    assert not engine.draining


def test_it_is_for_the_lecturer_alone(open_app, engine, race, monkeypatch):
    monkeypatch.setattr(keys, "is_lecturer", lambda: False)
    app = open_app("server", engine)
    assert "This page is for the lecturer" in text(app) and not app.button
