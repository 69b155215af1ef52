"""Refreshes of a full class cost what they may, and nobody is left without."""

import heapq

import pytest
from streamlit.testing.v1 import AppTest

from vae.ui.shared.refresh import Governor


def refreshes(
    watchers: int, cost: float, seconds: float = 120.0, cores: float = 0.04, wanted: float = 0.35
) -> list[int]:
    """How often each is answered, who asks as soon as it is due."""
    governor, answered = Governor(cores), [0] * watchers
    due = [(0.01 * i, i) for i in range(watchers)]
    while due[0][0] < seconds:
        now, who = heapq.heappop(due)
        answered[who] += 1
        heapq.heappush(due, (now + governor.after(str(who), cost, wanted, now), who))
    return answered


def test_a_lone_watcher_gets_what_the_page_wants():
    assert refreshes(1, 0.006) == [pytest.approx(120 / 0.35, abs=2)]


@pytest.mark.parametrize("watchers", [10, 40, 100, 400])
def test_all_together_cost_their_share_and_each_has_its_turn(watchers):
    seconds = 20 * watchers * 0.006 / 0.04
    answered = refreshes(watchers, 0.006, seconds)
    assert sum(answered) * 0.006 <= 1.1 * 0.04 * seconds + watchers * 0.006  # the first one of each comes at once
    assert sum(answered) * 0.006 >= 0.8 * 0.04 * seconds
    assert min(answered) >= 0.8 * max(answered)


def test_a_page_that_costs_much_makes_all_slower_not_itself_alone():
    governor = Governor(0.04)
    for second in range(10):
        dear = governor.after("dear", 0.1, 0.35, second)
        cheap = governor.after("cheap", 0.002, 0.35, second)
    assert dear == pytest.approx(cheap) == pytest.approx(0.102 / 0.04, rel=0.05)


def test_a_first_refresh_that_imports_what_draws_it_makes_nobody_wait_for_seconds():
    governor = Governor(0.04)
    assert governor.after("first", 2.0, 0.35, 0.0) < 1.0
    for second in range(1, 15):
        seconds = governor.after("first", 2.0, 0.35, 10.0 * second)
    assert seconds == pytest.approx(2.0 / 0.04, rel=0.05)  # one that goes on so is believed


def test_who_has_left_is_not_counted():
    governor = Governor(0.04)
    for who in range(100):
        governor.after(str(who), 0.01, 0.35, 0.0)
    assert governor.watchers == 100
    assert governor.after("0", 0.01, 0.35, 60.0) == 0.35 and governor.watchers == 1


def test_what_a_refresh_cannot_do_is_said_and_the_next_one_comes():
    def page():
        import streamlit as st

        from vae.errors import SettingError
        from vae.ui.shared.refresh import refreshing

        def part():
            st.session_state.times = st.session_state.get("times", 0) + 1
            raise SettingError("axis", "8 to 8", "two classes are needed")

        part.__module__ = "page"  # a script of a test has a name that no key may hold
        refreshing(part, 1.0)

    app = AppTest.from_function(page).run().run()
    assert not app.exception and "two classes are needed" in app.warning[0].value
    assert app.session_state["times"] == 2 and len(app.get("bidi_component")) == 1
