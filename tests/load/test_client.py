"""The student's browser against a small app: widgets, pages, both kinds of timer, answers counted once, and figures."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.browser.app_server import free_port
from tests.load import figures
from tests.load.client import CLICK, REFRESH, Student
from tests.own_loop import run

APP = """
import streamlit as st

pulse = st.components.v2.component("vae_refresh", js="export default function() {}")


def own():
    st.session_state.own = st.session_state.get("own", 0) + 1

    def heard():
        st.session_state.setdefault("beats", []).append(st.session_state.pulse.beat)

    n = st.session_state.own
    st.progress(0.0, text=f"step {1000 * n:,} of 9,000, beats {st.session_state.get('beats', [])}")
    if n < 4:  # last, and not sooner, as refreshing() has it: what it stands below is there when the browser asks again
        pulse(data={"after": 0.35, "beat": n}, key="pulse", on_beat_change=heard)


def main():
    st.button("Press", key="press", on_click=lambda: st.session_state.update(pressed=True))
    st.slider("Move", 0, 10, 3, key="move")
    st.fragment(own)()
    if st.session_state.get("pressed"):
        raise ValueError("as told")


def other():
    st.fragment(lambda: st.progress(0.0, text="the other page"), run_every=0.1)()


st.navigation([st.Page(main, default=True), st.Page(other, url_path="other")]).run()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.address=127.0.0.1",
         "--server.headless=true", "--server.fileWatcherType=none", "--browser.gatherUsageStats=false"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def play(address: str, story) -> Student:
    """A student to whom the story happens; gone when it ends."""

    async def told() -> Student:
        student = Student(address, "student")
        try:
            await student.visit("")
            await story(student)
        finally:
            await student.leave()
        return student

    return run(told())


def test_the_pages_own_timer_asks_once_for_each_answer(address):
    async def story(student: Student) -> None:
        await student.until(lambda: student.step == 4000, "the fourth beat")
        await asyncio.sleep(0.7)  # no timer stands there any more

    student = play(address, story)
    assert "beats [1, 2, 3]" in student.page.text  # each arrived, with its value, once
    refreshes = [r for r in student.asked if r.kind == REFRESH]
    assert len(refreshes) == 3 and all(r.answered for r in refreshes)
    assert all(later.sent >= r.sent + r.answered for r, later in zip(refreshes, refreshes[1:]))
    assert [step for _, step in student.seen] == [1000, 2000, 3000, 4000] and student.lost == 0


def test_streamlits_timer_asks_until_the_page_is_left(address):
    async def story(student: Student) -> None:
        await student.until(lambda: student.step == 4000, "the fourth beat")
        await student.switch("other")
        await student.until(lambda: sum(r.kind == REFRESH for r in student.asked) >= 6, "three refreshes")
        assert student.page.text == "the other page"
        await student.switch("")
        student.count = len(student.asked)
        await asyncio.sleep(0.3)

    student = play(address, story)
    assert len(student.asked) == student.count and not student.open


def test_a_click_an_exception_and_a_reload(address):
    async def story(student: Student) -> None:
        pressed = await student.click("press")
        assert pressed.kind == CLICK and pressed.answered > 0
        assert any("as told" in text for text in student.exceptions)
        first = student.session
        await student.leave()
        await student.visit("", resume=True)
        assert student.session == first  # what was pressed is still known
        await student.leave()
        student.exceptions.clear()
        await student.visit("")
        assert student.session != first and not student.exceptions

    play(address, story)


def test_percentiles_and_fairness():
    assert figures.percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert figures.percentile(list(range(1, 101)), 0.95) == 95
    assert figures.jain([5.0, 5.0, 5.0]) == pytest.approx(1.0)
    assert figures.jain([9.0, 0.0, 0.0]) == pytest.approx(1 / 3)


def test_steps_between_two_moments():
    seen = [(0.0, 0), (2.0, 100), (4.0, 300)]
    assert figures.steps_between(seen, 0.0, 4.0) == pytest.approx(75.0)
    assert figures.steps_between(seen, 1.0, 4.0) == pytest.approx(250 / 3)  # it stood at 50 by then
    assert figures.steps_between(seen, 1.0, 3.0) == pytest.approx(50.0)  # the last it said before the end
    assert figures.steps_between(seen, 5.0, 9.0) == 0.0
