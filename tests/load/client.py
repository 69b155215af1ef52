"""A student's browser: speaks Streamlit's WebSocket protocol, answers the page's timers, presses buttons, times answers.

It keeps of a page what a user's next action needs (widgets by key, pages, timers) and what shows how a run stands.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

OPEN, CLICK, SWITCH, MOVE, REFRESH = KINDS = ("open", "click", "switch", "move", "refresh")
PULSE = "vae_refresh"  # the app's own timer, a component; its data says when to ask again
WIDGETS = ("button", "slider", "selectbox", "checkbox", "number_input", "button_group", "radio")
AT_STEP = re.compile(r"step ([\d,]+) of ([\d,]+)")
SLOW = 1.0  # seconds after which what is not answered yet counts all the same, with its age
PATIENCE = 120.0  # seconds that a student waits for an answer before giving it up


class NotThere(Exception):
    """What a student wanted to press did not come up."""


@dataclass(frozen=True)
class Widget:
    id: str
    kind: str
    element: Element
    fragment: str

    @property
    def disabled(self) -> bool:
        return getattr(self.element, self.kind).disabled


@dataclass(eq=False)
class Request:
    """One rerun that was asked for. answered: seconds it took, None while it is open."""

    kind: str
    fragment: str
    sent: float
    answered: float | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def age(self, now: float) -> float:
        return now - self.sent if self.answered is None else self.answered


@dataclass
class Page:
    """What is on the page as it is now; made anew by each run of the whole script."""

    widgets: dict[str, Widget] = field(default_factory=dict)
    text: str = ""


class Student:
    """One browser. Its coroutines return when the page has answered; `asked` has every request that it ever made."""

    def __init__(self, address: str, name: str = ""):
        self.address, self.name = address, name
        self.cookies: dict[str, str] = {}
        self.asked: list[Request] = []
        self.open: list[Request] = []  # of those, the ones not answered yet
        self.seen: list[tuple[float, int]] = []  # (when, step) where the page said another step than before
        self.exceptions: list[str] = []
        self.lost = 0  # times that the step went back without being told to
        self.messages = self.bytes = 0
        self.page = Page()
        self.pages: dict[str, str] = {}  # path in the address -> hash
        self.session = self.page_hash = self.query = ""
        self.states: dict[str, WidgetState] = {}
        self._running: tuple[str, frozenset[str]] = ("", frozenset())
        self._run_began = 0.0
        self._timers: dict[str, tuple[float, asyncio.Task]] = {}  # fragment -> (interval, what sends)
        self._pulses: dict[str, asyncio.Task] = {}  # fragment -> what asks when it is due
        self._tasks: set[asyncio.Task] = set()  # asyncio itself holds tasks only weakly
        self._reader: asyncio.Task | None = None
        self._socket = None
        self._changed = asyncio.Event()

    # ---- What a student does ----

    async def visit(self, path: str, query: str = "", resume: bool = False) -> Request:
        """Open a page by its address, as a link or a reload does; resume: as a browser whose network was away."""
        if not resume:
            await self._fetch(path, query)
            self.page, self.page_hash, self.query, self.states = Page(), "", query, {}
        await self._connect(self.session if resume else "")
        return await self._ask(OPEN, name="" if resume else path)

    async def click(self, key: str) -> Request:
        widget = await self.wait_for(key)
        return await self._ask(CLICK, widget.fragment, WidgetState(id=widget.id, trigger_value=True))

    async def switch(self, path: str) -> Request:
        """Go to another page by the navigation."""
        self._stop_timers()
        self.page_hash, self.query, self.states = self.pages[path], "", {}
        return await self._ask(SWITCH)

    async def move(self, rng: random.Random) -> Request | None:
        """Move one of the page's widgets to another value; None where it has none."""
        movable = [(key, w) for key, w in self.page.widgets.items() if w.kind in _MOVES and not w.disabled]
        if not movable:
            return None
        _, widget = rng.choice(movable)
        state = _MOVES[widget.kind](widget, rng)
        self.states[widget.id] = state
        return await self._ask(MOVE, widget.fragment)

    async def wait_for(self, key: str) -> Widget:
        """The enabled widget of that key, once it is there."""
        return await self.until(lambda: self._enabled(key), f"an enabled {key!r}")

    async def until(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE):
        """What the condition gives, once it is true; it is looked at after each answer."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            self._changed.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                raise NotThere(
                    f"{self.name} waited {seconds:.0f} s for {what}; the page says {self.page.text!r}"
                ) from None
        return found

    async def leave(self) -> None:
        """Close the tab."""
        self._stop_timers()
        for request in self.open:
            if (waited := time.monotonic() - request.sent) > SLOW:
                request.answered = waited  # it would have taken longer still
            request.done.set()
        self.open.clear()
        if self._socket is not None:
            self._reader.cancel()
            await self._socket.close()
            self._socket = None

    # ---- What is known of its run ----

    @property
    def step(self) -> int:
        return self.seen[-1][1] if self.seen else 0

    def _enabled(self, key: str) -> Widget | None:
        found = self.page.widgets.get(key)
        return None if found is None or found.disabled else found

    # ---- The protocol ----

    async def _fetch(self, path: str, query: str) -> None:
        """The page itself, for the cookies that come with it; scripts and styles lie in a browser's cache."""
        host = self.address.removeprefix("http://")
        name, _, port = host.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        target = f"/{path}" + (f"?{query}" if query else "")
        cookie = f"Cookie: {self._cookie_header()}\r\n" if self.cookies else ""
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n{cookie}Connection: close\r\n\r\n".encode()
        )
        head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status, *lines = head.decode("latin-1").split("\r\n")
        if " 200 " not in status:
            raise NotThere(f"{self.name}: {target} answered {status!r}")
        for line in lines:
            header, _, value = line.partition(":")
            if header.lower() == "set-cookie":
                cookie_name, _, cookie_value = value.strip().partition(";")[0].partition("=")
                self.cookies[cookie_name] = cookie_value

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def _connect(self, session: str) -> None:
        self._socket = await websockets.connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.address,
            subprotocols=["streamlit", self.cookies.get("_streamlit_xsrf", "PLACEHOLDER_AUTH_TOKEN"), *([session] if session else [])],
            additional_headers={"Cookie": self._cookie_header()} if self.cookies else None,
            max_size=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            close_timeout=5,
        )  # fmt: skip
        self._reader = self._spawn(self._read(self._socket))

    def _spawn(self, work: Coroutine) -> asyncio.Task:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask(self, kind: str, fragment: str = "", trigger: WidgetState | None = None, name: str = "") -> Request:
        """Send a rerun; returns when it is answered, for a refresh at once."""
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash, rerun.page_name = self.query, self.page_hash, name
        rerun.fragment_id, rerun.is_auto_rerun = fragment, kind == REFRESH and trigger is None
        rerun.widget_states.widgets.extend(self.states.values())
        if trigger is not None:
            rerun.widget_states.widgets.append(trigger)
        request = Request(kind, fragment, time.monotonic())
        self.asked.append(request)
        self.open.append(request)
        try:
            await self._socket.send(message.SerializeToString())
        except websockets.ConnectionClosed:
            self.exceptions.append("the connection was closed by the server")
            return request
        if kind != REFRESH:
            try:
                async with asyncio.timeout(PATIENCE):
                    await request.done.wait()
            except TimeoutError:
                raise NotThere(f"{self.name}: no answer to {kind} in {PATIENCE:.0f} s") from None
        return request

    async def _read(self, socket) -> None:
        try:
            async for data in socket:
                self.messages += 1
                self.bytes += len(data)
                message = ForwardMsg.FromString(data)
                take = self._TAKE.get(message.WhichOneof("type"))
                if take is not None:
                    take(self, message)
        except websockets.ConnectionClosed:
            pass
        if socket is self._socket:
            self.exceptions.append("the connection was closed by the server")

    def _new_session(self, message: ForwardMsg) -> None:
        run = message.metadata.run
        self._running = (run.script_run_id, frozenset(run.fragment_ids))
        self._run_began = time.monotonic()
        self.session = message.new_session.initialize.session_id or self.session
        self.page_hash = message.new_session.page_script_hash or self.page_hash
        if not run.fragment_ids:
            self._stop_timers()
            self.page = Page()

    def _navigation(self, message: ForwardMsg) -> None:
        self.pages = {
            "" if page.is_default else page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
        }
        self.page_hash = message.navigation.page_script_hash or self.page_hash

    def _delta(self, message: ForwardMsg) -> None:
        delta = message.delta
        if delta.WhichOneof("type") != "new_element":
            return
        kind = delta.new_element.WhichOneof("type")
        if kind in WIDGETS:
            self._take_widget(kind, delta)
        elif kind == "progress":
            self._take_status(delta.new_element.progress.text)
        elif kind == "bidi_component":
            self._take_component(delta)
        elif kind == "exception":
            self.exceptions.append(f"{delta.new_element.exception.type}: {delta.new_element.exception.message}")

    def _take_widget(self, kind: str, delta: Delta) -> None:
        held = getattr(delta.new_element, kind)
        key = _user_key(held.id)
        if key:
            self.page.widgets[key] = Widget(held.id, kind, delta.new_element, delta.fragment_id)

    def _take_status(self, text: str) -> None:
        self.page.text = text.replace("\\", "")
        if found := AT_STEP.search(self.page.text):
            step = int(found[1].replace(",", ""))
            if step < self.step:
                self.lost += 1
            if step != self.step or not self.seen:
                self.seen.append((time.monotonic(), step))
        elif self.page.text.startswith("Ready") and self.step:
            self.lost += 1
            self.seen.append((time.monotonic(), 0))

    def _take_component(self, delta: Delta) -> None:
        component = delta.new_element.bidi_component
        if component.component_name == PULSE:
            self._set_pulse(component.id, delta.fragment_id, **json.loads(component.json))

    def _script_finished(self, message: ForwardMsg) -> None:
        if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return  # the run that answers is still to come
        now = time.monotonic()
        run, fragments = self._running
        whole = message.script_finished != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
        still_open = []
        for request in self.open:
            if request.sent <= self._run_began and (whole or request.fragment in fragments):
                request.answered = now - request.sent
                request.done.set()
            else:
                still_open.append(request)
        self.open = still_open
        self._changed.set()

    def _session_event(self, message: ForwardMsg) -> None:
        if message.session_event.WhichOneof("type") == "script_compilation_exception":
            self.exceptions.append(message.session_event.script_compilation_exception.message)

    _TAKE = {
        "new_session": _new_session,
        "navigation": _navigation,
        "delta": _delta,
        "script_finished": _script_finished,
        "session_event": _session_event,
        "page_not_found": lambda self, message: self.exceptions.append("page not found"),
        "auto_rerun": lambda self, message: self._set_timer(
            message.auto_rerun.fragment_id, message.auto_rerun.interval
        ),
        "stop_auto_rerun": lambda self, message: self._end_timers(message.stop_auto_rerun.fragment_ids),
    }

    # ---- Timers ----

    def _set_timer(self, fragment: str, interval: float) -> None:
        """Streamlit's own: the browser asks again every so often, whether or not the last answer has come."""
        if fragment in self._timers and self._timers[fragment][0] == interval:
            return
        self._end_timers([fragment])

        async def tick() -> None:
            due = time.monotonic()
            while self._socket is not None:
                due += interval
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await self._ask(REFRESH, fragment)

        self._timers[fragment] = (interval, self._spawn(tick()))

    def _set_pulse(self, component: str, fragment: str, after: float, beat: int, **_) -> None:
        """The app's own: asks once, `after` seconds from now. The next time is set by the answer."""
        self._end_pulses([fragment])

        async def ask() -> None:
            await asyncio.sleep(after)
            value = json.dumps([{"event": "beat", "value": beat}])
            trigger = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{component}__events", json_trigger_value=value)
            self._pulses.pop(fragment, None)  # what is sent is not called back
            await self._ask(REFRESH, fragment, trigger)

        self._pulses[fragment] = self._spawn(ask())

    def _end_timers(self, fragments) -> None:
        for fragment in fragments:
            if fragment in self._timers:
                self._timers.pop(fragment)[1].cancel()

    def _stop_timers(self) -> None:
        self._end_timers(list(self._timers))
        self._end_pulses(list(self._pulses))

    def _end_pulses(self, fragments) -> None:
        for fragment in fragments:
            if fragment in self._pulses:
                self._pulses.pop(fragment).cancel()


def _user_key(widget_id: str) -> str:
    """$$ID-(hash)-(key) -> key, "" where a widget has none."""
    key = widget_id.split("-", 2)[-1]
    return "" if key == "None" else key


# ---- Other values for widgets ----------------------------------------------------------------------------------------


def _move_slider(widget: Widget, rng: random.Random) -> WidgetState:
    slider = widget.element.slider
    steps = int((slider.max - slider.min) / slider.step) if slider.step else 0
    values = [slider.min + rng.randint(0, steps) * slider.step for _ in slider.default or [0]]
    state = WidgetState(id=widget.id)
    if slider.options:  # a select_slider speaks of its options by text
        state.string_array_value.data.extend(slider.options[int(value)] for value in sorted(values))
    else:
        state.double_array_value.data.extend(sorted(values))
    return state


def _move_selectbox(widget: Widget, rng: random.Random) -> WidgetState:
    return WidgetState(id=widget.id, string_value=rng.choice(list(widget.element.selectbox.options)))


def _move_checkbox(widget: Widget, rng: random.Random) -> WidgetState:
    return WidgetState(id=widget.id, bool_value=rng.random() < 0.5)


_MOVES: dict[str, Callable[[Widget, random.Random], WidgetState]] = {
    "slider": _move_slider,
    "selectbox": _move_selectbox,
    "checkbox": _move_checkbox,
}
