"""What students do, alone (a life) and together (a scenario). Every scenario is bounded in count and time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from vae.training.config import TrainConfig

from . import figures, headless
from .client import NotThere, Student
from .server import WORKERS, Server, difference

EPOCHS = 10_000  # no run ends within a scenario
MOST_SESSIONS, MOST_SECONDS = 2_000, 1_200
SETTLING = 5.0  # seconds between the last arrival and the first step that counts
SAMPLE_EVERY = 2.0
LOOKED_AT = ("", "surfaces", "kl", "train", "compare", "zoo", "latent")
GREEDY_WIDTHS = ("4096,4096", "2048,2048", "1024,1024", "512,512")  # the largest first; what is refused is made smaller


@dataclass(frozen=True)
class Setting:
    """What a scenario is asked to be. after: seconds that it goes on measuring when all have left."""

    sessions: int
    seconds: float
    dataset: str = "digits"
    arrive: float = 0.0
    after: float = 0.0
    profile: int = 0
    reference: bool = True

    def __post_init__(self):
        if not 1 <= self.sessions <= MOST_SESSIONS or not 0 < self.seconds <= MOST_SECONDS:
            raise SystemExit(f"1 to {MOST_SESSIONS:,} sessions and up to {MOST_SECONDS:,} seconds are accepted.")

    @property
    def query(self) -> str:
        return f"dataset={self.dataset}&epochs={EPOCHS}"


@dataclass
class Town:
    """A server and its visitors."""

    server: Server
    students: list[Student] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # by a profiler

    def student(self, name: str) -> Student:
        self.students.append(Student(self.server.address, name))
        return self.students[-1]

    async def live(self, lives: Sequence[tuple[float, Coroutine]]) -> list[asyncio.Task]:
        """Begin each life after its seconds; a student that cannot do as it wants notes it and stays away."""
        return [asyncio.create_task(_later(seconds, life)) for seconds, life in lives]

    def exceptions(self) -> Counter:
        return Counter(text for s in self.students for text in s.exceptions)


async def _later(seconds: float, life: Coroutine) -> None:
    await asyncio.sleep(seconds)
    await life


async def _endured(student: Student, life: Coroutine) -> None:
    try:
        await life
    except (NotThere, OSError) as reason:
        student.exceptions.append(str(reason))
    finally:
        await student.leave()


@asynccontextmanager
async def measured(town: Town):
    """Measure the server every few seconds, and end all tabs at the end."""

    async def measure() -> None:
        while True:
            await asyncio.to_thread(town.server.sample)
            await asyncio.sleep(SAMPLE_EVERY)

    measuring = asyncio.create_task(measure())
    try:
        yield
    finally:
        measuring.cancel()
        for student in town.students:
            await student.leave()


async def warm(server: Server) -> None:
    """Wait until the workers are up: what follows is not to measure their start."""
    first = Student(server.address, "first")
    await first.visit("train", "dataset=digits")
    await first.wait_for("do.start")
    await first.leave()


# ---- Lives -----------------------------------------------------------------------------------------------------------


async def train(student: Student, query: str, until: float, incident: Callable | None = None) -> None:
    """Open the page by a link, start, watch; half way, something may happen."""
    began = time.monotonic()
    await student.visit("train", query)
    await student.click("do.start")
    await _pause_until((began + until) / 2 if incident else until)
    if incident:
        await incident(student, query)
    await _pause_until(until)


async def pause_and_go_on(student: Student, query: str) -> None:
    await student.click("do.pause")
    await student.click("do.start")


async def leave_and_come_back(student: Student, query: str) -> None:
    """A reload: a new session of the same browser."""
    await student.leave()
    await asyncio.sleep(3)
    await student.visit("train", query)


async def lose_network(student: Student, query: str) -> None:
    """The connection drops; the browser takes its session up again."""
    await student.leave()
    await asyncio.sleep(3)
    await student.visit("train", query, resume=True)


INCIDENTS = {2: lose_network, 5: pause_and_go_on, 8: leave_and_come_back}  # by the last digit of a trainer's number


async def look_around(student: Student, until: float, rng: random.Random) -> None:
    """Switch pages and move widgets, every 5 to 10 seconds."""
    await student.visit(rng.choice(LOOKED_AT))
    while time.monotonic() < until:
        await _pause_until(min(until, time.monotonic() + rng.uniform(5, 10)))
        if rng.random() < 0.5 or await student.move(rng) is None:
            await student.switch(rng.choice([path for path in LOOKED_AT if path in student.pages]))


async def be_greedy(tabs: Sequence[Student], until: float) -> None:
    """One browser with two tabs: the largest race that is let start, and a sweep."""
    racing, sweeping = tabs
    for widths in GREEDY_WIDTHS:
        large = f"dataset=mnist&hidden={widths}&batch_size=1024&epochs={EPOCHS}&vary=beta&against=0.5,1,2,4"
        await racing.visit("train", large)
        try:
            await racing.until(lambda: racing._enabled("do.start"), "an enabled Start", seconds=20)
            await racing.click("do.start")
            break
        except NotThere:
            await racing.leave()
    sweeping.cookies = dict(racing.cookies)
    await sweeping.visit("lab")
    await sweeping.click("lab:start")
    await _pause_until(until)


async def drop_in(student: Student, query: str) -> None:
    """Come, start, watch for two seconds, go."""
    await student.visit("train", query)
    await student.click("do.start")
    await asyncio.sleep(2)


async def _pause_until(when: float) -> None:
    await asyncio.sleep(max(0.0, when - time.monotonic()))


# ---- Scenarios -------------------------------------------------------------------------------------------------------


def reference(setting: Setting) -> float:
    """Steps a second of the same workers without any page; of as many as there are runs, where there are fewer of them."""
    config = TrainConfig(dataset=setting.dataset, epochs=EPOCHS)
    return sum(headless.throughput(config, min(WORKERS, setting.sessions), min(setting.seconds, 20)))


async def trainers(town: Town, setting: Setting) -> dict:
    """All train the same, and watch."""
    arrive = setting.arrive or min(20.0, 0.1 * setting.sessions)
    start = time.monotonic() + arrive + SETTLING
    end = start + setting.seconds
    students = [town.student(f"trainer {i}") for i in range(setting.sessions)]
    gap = arrive / setting.sessions
    lives = [(i * gap, _endured(s, train(s, setting.query, end + 1))) for i, s in enumerate(students)]
    return await _watched(town, setting, lives, students, start, end)


async def class_(town: Town, setting: Setting) -> dict:
    """Two in five train, three look around; some of those who train pause, reload, or lose their network."""
    start, end, lives, students = _class_of(town, setting)
    return await _watched(town, setting, lives, students, start, end)


async def greedy(town: Town, setting: Setting) -> dict:
    """The class, with one more from half time on who starts the largest things that are let start."""
    start, end, lives, students = _class_of(town, setting)
    half = (start + end) / 2
    tabs = [Student(town.server.address, f"greedy {i}") for i in range(2)]

    async def greed() -> None:
        try:
            await be_greedy(tabs, end)
        except (NotThere, OSError) as reason:
            tabs[0].exceptions.append(str(reason))
        for tab in tabs:
            await tab.leave()

    lives.append((half - time.monotonic(), greed()))
    told = await _watched(town, setting, lives, students, half, end)
    before = figures.of_steps(students, start, half)["steps/s"]
    return told | {
        "steps/s before": before,
        "steps after / before": round(told["steps/s"] / before, 3) if before else None,
        "actions after": figures.of_requests(town.students, time.monotonic(), since=half)["actions"],
        "greedy": {"page says": [t.page.text for t in tabs], "steps": tabs[0].step, "troubles": tabs[0].exceptions},
    }


def _class_of(town: Town, setting: Setting):
    arrive = setting.arrive or min(20.0, 0.2 * setting.sessions)
    begin = time.monotonic()
    start = begin + arrive + SETTLING
    end = start + setting.seconds
    everyone = [town.student(f"student {i}") for i in range(setting.sessions)]
    training = [s for i, s in enumerate(everyone) if i % 5 < 2]
    lives = []
    for i, student in enumerate(everyone):
        if i % 5 < 2:
            incident = INCIDENTS.get(training.index(student) % 10)
            life = train(student, setting.query, end + 1, incident)
        else:
            life = look_around(student, end, random.Random(i))
        lives.append((i * arrive / setting.sessions, _endured(student, life)))
    return start, end, lives, training


async def churn(town: Town, setting: Setting) -> dict:
    """They come one after the other, start, watch for two seconds and go."""
    gap = setting.seconds / setting.sessions
    students = [town.student(f"visitor {i}") for i in range(setting.sessions)]
    lives = [(i * gap, _endured(s, drop_in(s, setting.query))) for i, s in enumerate(students)]
    begin = time.monotonic()
    told = await _watched(town, setting, lives, students, begin, begin + setting.seconds)
    for name in ("jain", "steps/s", "steps/s of each", "not advanced"):
        del told[name]
    return told | {"saw a step": sum(s.step > 0 for s in students)}


async def _watched(
    town: Town,
    setting: Setting,
    lives: Sequence[tuple[float, Coroutine]],
    runs: Sequence[Student],
    start: float,
    end: float,
) -> dict:
    """Let them live, measure, and tell."""
    first = await asyncio.to_thread(town.server.sample)
    began, own = time.monotonic(), time.process_time()
    async with measured(town):
        tasks = await town.live(lives)
        if setting.profile:
            await _pause_until(start)
            town.told.append(await asyncio.to_thread(town.server.profile, setting.profile))
        await _pause_until(end)
        now = time.monotonic()
        told = figures.of_requests(town.students, now) | figures.of_steps(runs, start, end)
        used = await asyncio.to_thread(town.server.sample)
        cores = difference(first, used, began, time.monotonic())
        await asyncio.wait(tasks, timeout=60)
        for task in tasks:
            task.cancel()
        for task in tasks:
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()
    harness = {
        "cores": round((time.process_time() - own) / (now - began), 3),
        "messages/s": round(sum(s.messages for s in town.students) / (now - began), 1),
        "MB/s": round(sum(s.bytes for s in town.students) / (now - began) / 1e6, 2),
    }
    await asyncio.sleep(setting.after)
    last = await asyncio.to_thread(town.server.sample)
    return told | {
        "cores": cores,
        "memory MB": _course(town.server, "pss", first, last),
        "of it web": _course(town.server, "web_pss", first, last),
        "processes": _course(town.server, "processes", first, last),
        "threads": _course(town.server, "threads", first, last),
        "fds": _course(town.server, "fds", first, last),
        "tasks": _course(town.server, "tasks", first, last),
        "sessions with errors": sum(bool(s.exceptions) for s in town.students),
        "errors": dict(town.exceptions().most_common(5)),
        "failed scripts": dict(town.server.exceptions().most_common(5)),
        "harness": harness,
    }


def _course(server: Server, name: str, first, last) -> list[float]:
    """Before, at most, and after."""
    most = max(getattr(used, name) for used in server.samples)
    return [round(value) for value in (getattr(first, name), most, getattr(last, name))]


@dataclass(frozen=True)
class Scenario:
    """What is done, and with how many for how long as a rule, as the criteria have it."""

    run: Callable[[Town, Setting], Coroutine]
    sizes: tuple[int, ...]
    seconds: float
    datasets: tuple[str, ...] = ("digits",)
    after: float = 0.0


SCENARIOS = {
    "trainers": Scenario(trainers, (1, 10, 20, 40, 100), 60),
    "class": Scenario(class_, (100,), 300, ("digits", "mnist")),
    "greedy": Scenario(greedy, (100,), 300),
    "churn": Scenario(churn, (1000,), 600, after=300),
}
