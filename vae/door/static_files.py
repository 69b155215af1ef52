"""The front end's files, compressed once: a class that arrives together would have the server compress megabytes for each
phone anew, a third of a second of its one processor for every student."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDERS = ("/static/", "/app/static/")  # Streamlit's own, with a hash of the content in every name, and this app's
MOST_BYTES = 32_000_000  # of all that is kept; all files of the front end have some five
FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Answer:
    start: dict[str, Any]
    body: bytes

    @property
    def etag(self) -> str:
        return Headers(raw=self.start["headers"]).get("etag", "")

    @property
    def is_file(self) -> bool:
        """Not the page that Streamlit answers with where there is no such file."""
        kind = Headers(raw=self.start["headers"]).get("content-type", "")
        return self.start["status"] == 200 and not kind.startswith("text/html")


class KeptFiles:
    """Middleware. base: the path below which the app is served, "" for none."""

    def __init__(self, app: ASGIApp, base: str = ""):
        self.app, self.base = app, base
        self._kept: dict[tuple[str, str], Answer] = {}
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" else {}
        if scope.get("method") != "GET" or not self._is_file(scope["path"]) or "range" in asked:
            await self.app(scope, receive, send)
            return
        kept = await self._answer(scope, "gzip" if "gzip" in asked.get("accept-encoding", "") else "")
        if kept.etag and asked.get("if-none-match") == kept.etag:
            headers = [(n, v) for n, v in kept.start["headers"] if n not in (b"content-length", b"content-encoding")]
            kept = Answer(kept.start | {"status": 304, "headers": headers}, b"")
        await _give(kept, send)

    async def _answer(self, scope: Scope, coding: str) -> Answer:
        """One at a time where it is not kept yet: those who come together would all have it compressed."""
        key = (scope["path"], coding)
        async with self._lock:
            if key in self._kept:
                return self._kept[key]
            answer = await self._whole(scope)
            if answer.is_file and self._bytes() + len(answer.body) <= MOST_BYTES:
                self._kept[key] = answer
            return answer

    def _is_file(self, path: str) -> bool:
        return path.startswith(tuple(self.base + folder for folder in FOLDERS))

    def _bytes(self) -> int:
        return sum(len(answer.body) for answer in self._kept.values())

    async def _whole(self, scope: Scope) -> Answer:
        """What the app answers, all of it, also where the browser has gone meanwhile: half an answer would be kept for all.
        Whether the browser has it already is asked here and not there."""
        unasked = [(n, v) for n, v in scope["headers"] if n not in (b"if-none-match", b"if-modified-since")]
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app({**scope, "headers": unasked}, _stays, collect)
        body = b"".join(parts)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-length"] = str(len(body))
        answer = Answer(start | {"headers": headers.raw}, body)
        if answer.is_file:
            headers["cache-control"] = FOR_A_YEAR
        return answer


async def _stays() -> Message:
    """A browser that has said all and never leaves."""
    while True:
        await asyncio.Event().wait()


async def _give(answer: Answer, send: Send) -> None:
    await send(answer.start)
    await send({"type": "http.response.body", "body": answer.body})


class LoadedAhead:
    """Middleware: a page's own text asks for a script that its figures will need. The browser then fetches and compiles it while
    it waits for the rest of the page, a second's work on a small machine, and not in the middle of somebody's first click."""

    def __init__(self, app: ASGIApp, base: str = "", script: str = ""):
        self.app, self._tag = app, f'<script async fetchpriority="low" src="{base}/{script}"></script></head>'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "GET" or b"text/html" not in dict(scope["headers"]).get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: list[Message] = []

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            if start:
                begun = start.pop()
                headers = MutableHeaders(raw=begun["headers"])
                # Streamlit's page, which is small, comes in one piece; whatever does not is left as it is.
                if headers.get("content-type", "").startswith("text/html") and not message.get("more_body"):
                    message = {**message, "body": message.get("body", b"").replace(b"</head>", self._tag, 1)}
                    headers["content-length"] = str(len(message["body"]))
                await send(begun)
            await send(message)

        await self.app({**scope, "headers": plain}, receive, tell)
