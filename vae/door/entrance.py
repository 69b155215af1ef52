"""The door itself: everything that a browser asks of the app passes here first, pages and files and sockets alike."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vae.door.form import code_form, refusal
from vae.door.passes import LECTURER, OWNER_COOKIE, OWNER_SECONDS, PASS_COOKIE, PASS_SECONDS, Passes
from vae.door.rules import Rules, plain
from vae.door.tries import Tries
from vae.events import event
from vae.language import preferred

MOST_QUERY = 8_192  # bytes; the longest link of the app has some hundreds
MOST_FORM = 4_096
MOST_BODY = 65_536  # of whatever is no upload
DOOR = "/door"
OPEN_TO_ALL = ("/health", "/_stcore/health")  # they say whether the server works, and nothing else
FOR_LECTURERS = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Refusal:
    """Why somebody is turned away: for our log, and for them."""

    status: int
    reason: str
    sentence: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Visit:
    """What somebody asks for, and who they are as far as we gave them something to show."""

    path: str
    query: bytes
    method: str  # "WEBSOCKET" for a socket
    host: str
    origin: str
    length: str
    chunked: bool
    owner: str
    role: str
    address: str
    secure: bool
    wants_page: bool
    language: str

    @classmethod
    def of(cls, scope: Scope, rules: Rules, passes: Passes) -> Visit:
        asked = HTTPConnection(scope)
        given, cookies = asked.headers, asked.cookies
        key = given.get("authorization", "").removeprefix("Bearer ")
        holds_key = bool(rules.key) & hmac.compare_digest(plain(key)[:200].encode(), plain(rules.key).encode())
        return cls(
            path=scope["path"].removeprefix(rules.base) or "/",
            query=scope.get("query_string", b""),
            method=scope.get("method", "WEBSOCKET"),
            host=given.get("host", ""),
            origin=given.get("origin", ""),
            length=given.get("content-length", ""),
            chunked="transfer-encoding" in given,
            owner=passes.owner_of(cookies.get(OWNER_COOKIE, "")),
            role=LECTURER if holds_key else passes.role_of(cookies.get(PASS_COOKIE, "")),
            address=scope["client"][0] if scope.get("client") else "",
            secure=scope.get("scheme") in ("https", "wss"),
            language=preferred(asked.query_params.get("lang"), given.get("accept-language", "")),
            wants_page="text/html" in given.get("accept", "") and scope.get("method") in SAFE,
        )


class Entrance:
    """Middleware. headers: those of every answer."""

    def __init__(self, app: ASGIApp, rules: Rules, passes: Passes, tries: Tries, headers: Mapping[str, str]):
        self.app, self.rules, self.passes, self.tries, self.headers = app, rules, passes, tries, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        visit = Visit.of(scope, self.rules, self.passes)
        turned_away = next(filter(None, (check(visit, self.rules) for check in CHECKS)), None)
        if scope["type"] == "websocket":
            if turned_away or not visit.role:
                _log(visit, turned_away.reason if turned_away else "code")
                await receive()  # the handshake, which is answered with 403
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        send = self._with_headers(visit, send)
        if turned_away:
            _log(visit, turned_away.reason)
            answer: ASGIApp = HTMLResponse(
                refusal(turned_away.sentence, visit.language), turned_away.status, turned_away.headers
            )
        elif visit.path == DOOR and self.rules.code:
            answer = await self._at_the_door(visit, Request(scope, receive))
        elif not visit.role and visit.path not in OPEN_TO_ALL:
            answer = self._ask_for_code(visit)
        else:
            answer = self.app
        await answer(scope, receive, send)

    def _ask_for_code(self, visit: Visit) -> Response:
        to = visit.path + (f"?{visit.query.decode('latin-1')}" if visit.query else "")
        return HTMLResponse(code_form(self.rules.base + DOOR, to, visit.language), 401, {"cache-control": "no-store"})

    async def _at_the_door(self, visit: Visit, request: Request) -> Response:
        """Let in whoever types the code, and back to where they wanted to go."""
        action, never = self.rules.base + DOOR, {"cache-control": "no-store"}
        if visit.method != "POST":
            return HTMLResponse(code_form(action, "/", visit.language), headers=never)
        given = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        typed, to = given.get("code", [""])[0], _path(given.get("to", ["/"])[0])
        if wait := self.tries.wait(visit.address):
            _log(visit, "too many codes")
            sentence = f"Too many wrong codes came from your network: try again in {wait:.0f} seconds."
            return HTMLResponse(
                code_form(action, to, visit.language, sentence), 429, never | {"retry-after": f"{wait:.0f}"}
            )
        if not (found := self.passes.admit(typed)):
            self.tries.wrong(visit.address)
            _log(visit, "wrong code")
            return HTMLResponse(code_form(action, to, visit.language, "This is not the code."), 403, never)
        answer = RedirectResponse(self.rules.base + to, 303, never)
        self._set(answer.headers, PASS_COOKIE, found, PASS_SECONDS, visit.secure)
        event("door.admitted", role=self.passes.role_of(found))
        return answer

    def _with_headers(self, visit: Visit, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    answer[name] = value
                if visit.wants_page and not visit.owner:
                    self._set(answer, OWNER_COOKIE, self.passes.new_owner(), OWNER_SECONDS, visit.secure)
            await send(message)

        return sent

    def _set(self, headers: MutableHeaders, name: str, value: str, seconds: int, secure: bool) -> None:
        headers.append(
            "set-cookie",
            f"{name}={value}; Path={self.rules.base or '/'}; Max-Age={seconds}; HttpOnly; SameSite=Lax"
            + ("; Secure" if secure else ""),
        )


# ---- What is not heard, whoever asks -----------------------------------------------------------------------------


def _host(visit: Visit, rules: Rules) -> Refusal | None:
    if not rules.knows(visit.host):
        known = "This server is not asked for by that name. Who runs it can add the name to VAE_HOSTS."
        return Refusal(421, "host", known)
    return None


def _origin(visit: Visit, rules: Rules) -> Refusal | None:
    """A page of another site may link here, but neither open a socket nor send a form or a file."""
    if visit.method not in SAFE and visit.origin and urlsplit(visit.origin).netloc.lower() != visit.host.lower():
        return Refusal(403, "origin", "This was sent by a page of another site.")
    return None


def _query(visit: Visit, rules: Rules) -> Refusal | None:
    if len(visit.query) > MOST_QUERY:
        return Refusal(
            414, "query", f"The link is too long: {len(visit.query):,} characters, {MOST_QUERY:,} are accepted."
        )
    return None


def _body(visit: Visit, rules: Rules) -> Refusal | None:
    if visit.method in SAFE or visit.method == "WEBSOCKET":
        return None
    if visit.chunked or not re.fullmatch("[0-9]{1,12}", visit.length or "0"):
        return Refusal(411, "length", "The length of what is sent has to be said first.")
    most = MOST_FORM if visit.path == DOOR else MOST_BODY
    if visit.path.startswith("/_stcore/upload_file"):
        most = rules.upload_bytes + MOST_BODY  # what is around the file
    if int(visit.length or 0) > most:
        return Refusal(413, "body", f"What is sent is too large: {most:,} bytes are accepted.", {"connection": "close"})
    return None


def _metrics(visit: Visit, rules: Rules) -> Refusal | None:
    if visit.path.startswith(FOR_LECTURERS) and visit.role != LECTURER:
        return Refusal(403, "metrics", "This is for who runs the server.")
    return None


CHECKS: tuple[Callable[[Visit, Rules], Refusal | None], ...] = (_host, _origin, _query, _body, _metrics)


def _path(text: str) -> str:
    """Where to go on to: a path of this app, whatever the form says."""
    return text if re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", text) and "\\" not in text else "/"


def _log(visit: Visit, reason: str) -> None:
    event("door.refused", reason=reason, address=visit.address, method=visit.method)
