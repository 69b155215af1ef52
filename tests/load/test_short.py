"""A small class on a real server: three train, three look around; one of them loses its network for a while."""

from __future__ import annotations

import pytest

from tests.load.client import Student
from tests.load.scenarios import Setting, Town, class_, warm
from tests.load.server import running_server
from tests.own_loop import run

SETTING = Setting(sessions=6, seconds=6)


@pytest.mark.slow
def test_a_small_class_trains_without_trouble_and_finds_its_runs_again():
    with running_server() as server:
        run(_class_then_return(Town(server)))


async def _class_then_return(town: Town) -> None:
    await warm(town.server)
    told = await class_(town, SETTING)
    assert not told["errors"] and not told["failed scripts"]
    assert told["lost"] == 0
    trained = [student for student in town.students if student.step]
    assert len(trained) == 3  # every run advanced
    assert told["actions"]["n"] > len(town.students) and told["refreshes"]["n"] > 0
    for student in trained:
        await _end_its_run(student)


async def _end_its_run(student: Student) -> None:
    """Back by the same link: the run is there, went on or was parked, and ends when told to."""
    left_at = student.step
    await student.visit("train", SETTING.query)
    await student.until(lambda: student.step >= left_at, "the run that was left behind")
    await student.click("do.stop")
    await student.until(lambda: student.page.text.startswith("Stopped at"), "the end of the run")
    assert student.lost == 0
    await student.leave()
