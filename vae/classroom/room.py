"""A class and its state. The state is frozen and replaced under a lock, so readers need none."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vae.classroom.questions import Question
from vae.errors import VaeError

SIGNS = "ACDEFGHJKLMNPQRTUVWXY34679"  # none that is taken for another when it is read from a wall
CODE_LENGTH = 5
MOST_CLASSES, MOST_PEOPLE = 20, 1000
LONGEST = 12 * 3600.0  # seconds until a class that nobody ended is let go

Key = tuple[str, str]  # the kind and the key of a question


class ClassroomError(VaeError):
    """What a class cannot do, in one sentence for whoever asked."""


@dataclass(frozen=True)
class Round:
    """A question and what was answered, by owner."""

    question: Question
    votes: Mapping[str, str] = field(default_factory=dict)
    revealed: bool = False

    @property
    def key(self) -> Key:
        return self.question.kind, self.question.key


@dataclass(frozen=True)
class Sent:
    """Where everybody was sent last. number counts how often, so that each page goes there once."""

    number: int = 0
    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """people: owners of those who joined. rounds: every question asked. now: the one that is on, if any."""

    people: frozenset[str] = frozenset()
    rounds: Mapping[Key, Round] = field(default_factory=dict)
    now: Key | None = None
    locked: bool = False
    sent: Sent = field(default_factory=Sent)

    @property
    def round(self) -> Round | None:
        return self.rounds[self.now] if self.now else None

    @property
    def signal(self) -> tuple[object, ...]:
        """Changes with everything that every page of the class has to know; not with a vote, nor with who comes."""
        return self.now, tuple(one.revealed for one in self.rounds.values()), self.locked, self.sent.number

    def with_round(self, changed: Round) -> State:
        return replace(self, rounds={**self.rounds, changed.key: changed})


@dataclass(eq=False)
class Classroom:
    """One class. lecturer and people are named by their browsers' owner ids."""

    code: str
    lecturer: str
    opened_at: float = 0.0
    ended: bool = False
    _state: State = field(default_factory=State)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def state(self) -> State:
        return self._state

    def join(self, owner: str) -> None:
        def joined(state: State) -> State:
            if owner not in state.people and len(state.people) >= MOST_PEOPLE:
                raise ClassroomError(f"This class is full: {MOST_PEOPLE:,} are in.")
            return replace(state, people=state.people | {owner})

        self._change(joined)

    def leave(self, owner: str) -> None:
        """Votes stay: they were given."""
        self._change(lambda state: replace(state, people=state.people - {owner}))

    def ask(self, question: Question) -> None:
        """Put a question; one that was asked before goes on with its votes."""

        def asked(state: State) -> State:
            key = question.kind, question.key
            return replace(state.with_round(state.rounds.get(key, Round(question))), now=key)

        self._change(asked)

    def vote(self, owner: str, key: Key, answer: str) -> str:
        """Take one vote of each owner and question. Returns the one that counts: the first."""

        def voted(state: State) -> State:
            found = _votable(state, owner, key)
            if owner in found.votes:
                return state
            if answer not in found.question.options:
                raise ClassroomError("That is none of this question's answers.")
            if state.locked:
                raise ClassroomError("The lecturer has locked the controls: no vote is taken just now.")
            if found.revealed:
                raise ClassroomError("This question has been revealed: it takes no more votes.")
            return state.with_round(replace(found, votes={**found.votes, owner: answer}))

        return self._change(voted).rounds[key].votes[owner]

    def reveal(self, question: Question | None = None) -> None:
        """Show the verdict of the question that is on, and close it. question: the same one, where only now it has its
        answer."""

        def revealed(state: State) -> State:
            asked = state.round
            return (
                state.with_round(replace(asked, question=question or asked.question, revealed=True)) if asked else state
            )

        self._change(revealed)

    def lock(self, on: bool) -> None:
        self._change(lambda state: replace(state, locked=on))

    def send(self, page: str, query: Mapping[str, str]) -> None:
        """Send everybody to a page in a state."""
        self._change(lambda state: replace(state, sent=Sent(state.sent.number + 1, page, dict(query))))

    def end(self) -> None:
        """Forget everything."""
        with self._lock:
            self.ended, self._state = True, State()

    def _change(self, step: Callable[[State], State]) -> State:
        with self._lock:
            if self.ended:
                raise ClassroomError("This class has ended.")
            self._state = step(self._state)
            return self._state


def _votable(state: State, owner: str, key: Key) -> Round:
    if owner not in state.people:
        raise ClassroomError("Only those who have joined the class can vote.")
    if key not in state.rounds:
        raise ClassroomError("This question has not been asked.")
    return state.rounds[key]


class Classes:
    """The classes of a server, by code. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._open: dict[str, Classroom] = {}
        self._lock = threading.Lock()

    def open(self, lecturer: str) -> Classroom:
        """The class of that lecturer: the one that is open, or a new one."""
        with self._lock:
            self._let_go()
            found = next((room for room in self._open.values() if room.lecturer == lecturer), None)
            if found is None:
                if len(self._open) >= MOST_CLASSES:
                    raise ClassroomError(f"{MOST_CLASSES} classes are open on this server; one has to end first.")
                found = Classroom(self._new_code(), lecturer, self._clock())
                self._open[found.code] = found
            return found

    def find(self, code: str) -> Classroom | None:
        """The open class of that code, in whatever case it is typed."""
        return self._open.get(code.strip().upper())

    def taught_by(self, owner: str) -> Classroom | None:
        return next((room for room in self._all() if room.lecturer == owner), None)

    def attended_by(self, owner: str) -> Classroom | None:
        return next((room for room in self._all() if owner in room.state.people), None)

    def join(self, code: str, owner: str) -> Classroom:
        """Join the class of that code, and leave any other."""
        room = self.find(code)
        if room is None:
            raise ClassroomError("There is no open class of that code; it may have ended.")
        before = self.attended_by(owner)
        room.join(owner)
        if before not in (None, room):
            before.leave(owner)
        return room

    def end(self, room: Classroom) -> None:
        with self._lock:
            self._open.pop(room.code, None)
        room.end()

    def _all(self) -> list[Classroom]:
        with self._lock:
            self._let_go()
            return list(self._open.values())

    def _let_go(self) -> None:
        late = [room for room in self._open.values() if self._clock() - room.opened_at > LONGEST]
        for room in late:
            self._open.pop(room.code).end()

    def _new_code(self) -> str:
        while True:
            code = "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH))
            if code not in self._open:
                return code


CLASSES = Classes()
