"""Sixty phones vote on a real server within ten seconds: each counted once, also after a reload, and the tally keeps up.

With -s it prints how long after a vote the lecturer's page said so.
"""

from __future__ import annotations

import asyncio
import random
import re
import time

import pytest

from tests.load.client import Student
from tests.load.server import running_server
from tests.own_loop import run

VOTERS, WITHIN = 60, 10.0  # seconds
TALLY = re.compile(r"<b>(\d+)</b> (in|voted)")


class Person(Student):
    """Also reads the tally."""

    def __init__(self, address: str, name: str):
        super().__init__(address, name)
        self.tally: list[tuple[float, dict[str, int]]] = []
        self.code = ""

    def _delta(self, message) -> None:
        element = message.delta.new_element
        if element.WhichOneof("type") == "html":
            if "vae-tally" in element.html.body:
                self.tally.append((time.monotonic(), {what: int(n) for n, what in TALLY.findall(element.html.body)}))
            self.code = "".join(re.findall(r"class='code'>(\w+)<", element.html.body)) or self.code
        super()._delta(message)

    def voted_by(self, votes: int) -> float:
        """When the tally first said so many."""
        return next(when for when, said in self.tally if said.get("voted", 0) >= votes)

    _TAKE = Student._TAKE | {"delta": _delta}


@pytest.mark.slow
def test_sixty_vote_within_ten_seconds_and_each_is_counted_once():
    with running_server() as server:
        run(_vote(server.address))
        assert not server.exceptions()


async def _vote(address: str) -> None:
    lecturer = Person(address, "lecturer")
    await lecturer.visit("classroom")
    await lecturer.click("classroom-open")
    await lecturer.until(lambda: lecturer.code, "the code")
    people = [Person(address, f"phone {number}") for number in range(VOTERS)]
    for person in people:
        await person.visit("classroom", f"class={lecturer.code}")
    await lecturer.until(lambda: lecturer.tally[-1][1]["in"] == VOTERS, "all who came")
    await lecturer.click("classroom-ask-it")

    rng, given = random.Random(1), []

    async def vote(person: Person) -> None:
        await person.wait_for("classroom-vote-0")
        await asyncio.sleep(rng.uniform(0, WITHIN - 3))
        await person.click(f"classroom-vote-{rng.randrange(3)}")
        given.append(time.monotonic())

    began = time.monotonic()
    await asyncio.gather(*map(vote, people))
    took = time.monotonic() - began
    await lecturer.until(lambda: lecturer.tally[-1][1].get("voted") == VOTERS, "all votes")
    lags = sorted(lecturer.voted_by(n) - when for n, when in enumerate(given, 1))
    print(
        f"\n{VOTERS} voted in {took:.1f} s; the tally came after {lags[VOTERS // 2]:.2f} s (median), {lags[-1]:.2f} s (worst)"
    )

    for person in people[:10]:  # a reload: no second vote is offered
        await person.leave()
        await person.visit("classroom", f"class={lecturer.code}")
        assert "classroom-leave" in person.page.widgets and "classroom-vote-0" not in person.page.widgets
    assert lecturer.tally[-1][1] == {"in": VOTERS, "voted": VOTERS}
    for person in (lecturer, *people):
        await person.leave()
        assert not person.exceptions
