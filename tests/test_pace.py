"""Columns of a race keep in step whatever order their chunks come back in, and whichever of them has none under way."""

from dataclasses import dataclass, field

from vae.engine.job import Status
from vae.engine.pace import Pace


@dataclass
class Column:
    """Ten steps a chunk; back: chunks that have come back and are not accepted."""

    next_steps: int = 10
    grid: int = 1
    step_reached: int = 0
    back: int = 0
    status: Status = field(default=Status.RUNNING)

    @property
    def is_due(self):
        return self.status.active

    @property
    def first_is_back(self):
        return self.back > 0

    def accept_first(self):
        self.back -= 1
        self.step_reached += self.next_steps

    def fill(self):
        """Nothing is asked for by itself here."""


def race_of(*columns):
    pace = Pace(None)
    pace.columns += columns
    return pace


def test_a_chunk_waits_for_a_column_that_has_none_under_way():
    """As one has while its state is brought home: paused then, the columns would stand at different steps for good."""
    first, second = Column(back=1), Column()
    pace = race_of(first, second)
    pace.arrived()
    assert (first.step_reached, second.step_reached) == (0, 0)
    second.back = 1
    pace.arrived()
    assert (first.step_reached, second.step_reached) == (10, 10)


def test_a_column_that_has_fallen_behind_catches_up():
    ahead, behind = Column(step_reached=30, back=2), Column(step_reached=10, back=1)
    pace = race_of(ahead, behind)
    for _ in range(3):
        pace.arrived()
        behind.back += 1
    assert (ahead.step_reached, behind.step_reached) == (40, 40)


def test_one_that_has_ended_holds_nobody_up():
    ended, going = Column(step_reached=5, status=Status.FAILED), Column(back=2)
    race_of(ended, going).arrived()
    assert (ended.step_reached, going.step_reached) == (5, 20)


def test_chunks_end_on_the_lines_of_the_grid_of_every_column():
    """As on a card, where runs are looked at together."""
    pace = race_of(Column(next_steps=70, grid=50), Column(next_steps=120, grid=50))
    assert [pace.end_of_chunk(start) for start in (0, 100, 130)] == [100, 200, 200]
    assert race_of(Column(next_steps=7), Column(next_steps=9)).end_of_chunk(5) == 12
    assert race_of().end_of_chunk(5) == 6
