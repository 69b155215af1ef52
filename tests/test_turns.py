"""Whose chunk is next: fair by owner, whatever anybody has under way. A simulation: chunks that take their time."""

import heapq
import itertools
from dataclasses import dataclass

import pytest

from vae.engine.turns import SLOTS, Turns

WORKERS = {"a": 1, "b": 1}


@dataclass(eq=False)
class Job:
    owner: str
    chunk: float = 0.25  # seconds
    wanting: bool = True
    in_flight: int = 0
    worker: str = ""
    done: float = 0.0  # worker seconds
    moves: int = 0
    on_cards: bool = False

    def wants_turn(self) -> bool:
        return self.wanting and self.in_flight < 2


def simulate(turns: Turns, jobs: list[Job], seconds: float, start: float = 0.0) -> None:
    """Workers do what they are given, in order; each chunk takes its job's time."""
    keys, now = itertools.count(), start
    free_at = dict.fromkeys(turns.workers, start)
    under_way: list = []  # (end, number, key, job)
    while now < start + seconds:
        while (found := turns.next(jobs)) is not None:
            job, worker = found
            key = f"{start}-{next(keys)}"
            turns.give(key, job, worker, 0.25)
            job.moves += job.worker not in ("", worker)
            job.in_flight, job.worker = job.in_flight + 1, worker
            free_at[worker] = max(free_at[worker], now) + job.chunk
            heapq.heappush(under_way, (free_at[worker], next(keys), key, job))
        if not under_way:
            return
        now, _, key, job = heapq.heappop(under_way)
        job.in_flight, job.done = job.in_flight - 1, job.done + job.chunk
        turns.take_back(key, job.chunk)
    for _, _, key, job in under_way:
        job.in_flight -= 1
        turns.take_back(key)


def turns_with(workers=WORKERS) -> Turns:
    turns = Turns()
    turns.workers = dict(workers)
    return turns


def jain(values) -> float:
    values = list(values)
    return sum(values) ** 2 / (len(values) * sum(v * v for v in values))


@pytest.mark.parametrize("number", [1, 2, 3, 10, 41, 100])
def test_equal_jobs_get_equal_shares_of_everything_there_is(number):
    jobs = [Job(f"owner {i}") for i in range(number)]
    simulate(turns_with(), jobs, 60)
    assert jain(job.done for job in jobs) > 0.97
    assert sum(job.done for job in jobs) == pytest.approx(60 * min(2, number), rel=0.05)
    # the chunks of one job follow each other; with two or more jobs no worker ever waits


def test_states_stay_where_they_are_as_long_as_nobody_suffers():
    jobs = [Job(f"owner {i}") for i in range(10)]
    simulate(turns_with(), jobs, 120)
    assert sum(job.moves for job in jobs) < 0.05 * sum(job.done for job in jobs) / 0.25


def test_an_owner_with_eight_runs_gets_as_much_as_one_with_one_and_shares_it_among_them():
    greedy, others = [Job("greedy") for _ in range(8)], [Job(f"owner {i}") for i in range(9)]
    simulate(turns_with(), greedy + others, 120)
    assert sum(job.done for job in greedy) == pytest.approx(others[0].done, rel=0.1)
    assert jain(job.done for job in greedy) > 0.95


def test_an_owner_whose_chunks_are_long_gets_fewer_of_them():
    slow, others = Job("slow", chunk=2.0), [Job(f"owner {i}") for i in range(3)]
    simulate(turns_with(), [slow, *others], 120)
    assert slow.done == pytest.approx(others[0].done, rel=0.15)


def test_who_comes_late_brings_no_credit_and_is_served_at_once():
    turns, jobs = turns_with(), [Job(f"owner {i}") for i in range(6)]
    simulate(turns, jobs, 60)
    late = Job("late")
    before = {job.owner: job.done for job in jobs}
    assert turns.next([*jobs, late])[0] is late  # the others were served a moment ago
    simulate(turns, [*jobs, late], 30, start=60)
    assert late.done == pytest.approx(jobs[0].done - before["owner 0"], rel=0.2)


def test_nobody_gets_a_turn_where_no_worker_answers_and_all_places_are_known():
    turns = turns_with({})
    job = Job("ann")
    assert turns.next([job]) is None
    turns.workers = {"a": 2}
    for number in range(2 * SLOTS):
        assert turns.next([Job("ann")]) is not None
        turns.give(str(number), job, "a", 0.1)
    assert turns.next([Job("bob")]) is None  # every place is taken
    turns.take_back("0", 0.1)
    turns.take_back("0", 0.1)  # told twice: counts once
    assert turns.next([Job("bob")])[1] == "a"
    turns.forget_all()
    assert not turns.owners_under_way()


def test_a_worker_with_other_work_is_the_last_to_be_asked():
    turns = turns_with({"a": 1, "b": 1})
    held = turns.hold("lines")
    other = next(worker for worker in turns.workers if worker != held)
    assert turns.next([Job("ann")])[1] == other
    turns.give("1", Job("ann"), other, 0.1)
    turns.give("2", Job("ann"), other, 0.1)
    assert turns.next([Job("bob")])[1] == held  # rather that than wait
    turns.release("lines")
    turns.take_back("1")
    turns.take_back("2")
    assert turns.hold("more") and turns_with({}).hold("none") is None


def test_what_goes_by_cards_goes_to_a_worker_that_has_one_and_the_rest_elsewhere():
    turns = Turns()
    turns.workers = WORKERS
    run, other = Job("x", on_cards=True), Job("y")
    assert turns.next([Job("x", on_cards=True, worker="a")])[1] == "a"  # no worker has a card: any takes it
    turns.cards, run.worker = frozenset({"b", "gone"}), "a"
    assert turns.next([run]) == (run, "b")
    for number in range(SLOTS):
        turns.give(str(number), run, "b", 0.25)
    assert turns.next([run]) is None and turns.next([run, other]) == (other, "a")
    assert turns.without_card() == {"a": 1} and turns.hold("a map") == "a"
    for number in range(SLOTS):
        turns.give(f"other {number}", other, "a", 0.25)
    turns.take_back("0")
    assert turns.next([other]) is None and turns.next([run]) == (run, "b")
    turns.cards = frozenset({"a", "b"})  # all have one: then there is no elsewhere
    assert turns.next([other]) == (other, "b") and turns.without_card() == WORKERS
    turns.take_back("1")
    for key in ("a map", "other 0", "other 1"):
        turns.release(key), turns.take_back(key)
    turns.cards = frozenset({"gone"})
    assert turns.next([run]) == (run, "a")
