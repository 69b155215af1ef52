"""The race that a class bets on: it runs while everybody votes, and its end is the answer."""

from __future__ import annotations

from vae.classroom import RACES, Classroom, ClassroomError, Question, answered
from vae.engine import LimitError, Race, Status
from vae.links import training as link
from vae.training.race import RaceConfig
from vae.ui.shared.engine import engine


def begin(room: Classroom, key: str) -> None:
    """Train its two columns, unless they are under way or done. ClassroomError where that cannot be."""
    running = engine()
    if running is None:
        raise ClassroomError("The workers are still starting: ask again in a moment.")
    if _of(room, key) is None:
        race = running.create_race(_race_config(key).columns(), _owner(room))
        try:
            running.start(race.runs)
        except LimitError as reason:
            for run in race.runs:
                running.discard(run)
            raise ClassroomError(str(reason)) from None


def outcome(room: Classroom, question: Question) -> Question:
    """The question with its answer. ClassroomError while the race is under way."""
    race = _of(room, question.key)
    if race is None:
        raise ClassroomError("The race is gone: ask again, and it is run again.")
    if race.status is not Status.DONE:
        views = race.views()
        share = sum(view.step for view in views) / sum(view.total_steps for view in views)
        raise ClassroomError(f"The race is at {share:.0%}: reveal it when it is done.")
    return answered(question, [view.observations[-1] for view in race.views()])


def _owner(room: Classroom) -> str:
    return f"{room.lecturer}:class"


def _race_config(key: str) -> RaceConfig:
    return link.read(RACES[key].query)[0]


def _of(room: Classroom, key: str) -> Race | None:
    """The latest race of this class's under those settings that has not failed or been stopped."""
    running, wanted = engine(), _race_config(key).columns()
    runs = running.runs_of(_owner(room)) if running else []
    races = [Race.of(run) for run in reversed(runs) if run.status not in (Status.FAILED, Status.STOPPED)]
    return next((race for race in races if race.configs == wanted), None)
