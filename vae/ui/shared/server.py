"""What stands around the pages: the door in front of them, the workers behind them, and how both are asked after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vae import events
from vae.door import LECTURER, Entrance, KeptFiles, LoadedAhead, Tries, Visit
from vae.door.headers import headers, inline_scripts
from vae.ui.shared import memory, owner
from vae.ui.shared.assets import plotly_js
from vae.ui.shared.engine import starter
from vae.ui.shared.keys import passes, rules
from vae.ui.shared.old_links import OldLinks

STREAMLITS_PAGE = Path(st.__file__).parent / "static" / "index.html"


def middleware() -> list[Middleware]:
    told = headers(rules(), inline_scripts(STREAMLITS_PAGE.read_text()))
    door = Middleware(Entrance, rules=rules(), passes=passes(), tries=Tries(), headers=told)
    base = rules().base
    ahead = Middleware(LoadedAhead, base=base, script=plotly_js())
    return [door, Middleware(OldLinks, base=base), ahead, Middleware(KeptFiles, base=base)]


def routes() -> list[Route]:
    return [Route(f"{rules().base}/health", health), Route(f"{rules().base}/drain", drain, methods=["POST"])]


@asynccontextmanager
async def lifespan(app) -> AsyncIterator[None]:
    """From the first moment on the workers get ready; at the end nothing is left behind."""
    events.to_stderr()
    events.event("server.started", private=rules().private, code=bool(rules().code))
    starter()
    giving_back = asyncio.create_task(memory.keep_giving_back())
    yield
    giving_back.cancel()
    events.event("server.stopped", sessions=owner.sessions())


def figures() -> dict[str, object]:
    """How the server stands, in numbers; ok says whether it takes new visitors and its workers work."""
    held = starter()
    if held.engine is None:
        return {"ok": not held.problem, "starting": not held.problem, "sessions": owner.sessions()}
    found = held.engine.health()
    ok = found.works and not found.draining
    return {"ok": ok, "starting": False, "sessions": owner.sessions(), **found.counts()}


async def health(request: Request) -> JSONResponse:
    """200 where all is well, else 503; the numbers are for the lecturer alone."""
    found = figures()
    told = found if _role(request) == LECTURER else {"ok": found["ok"]}
    return JSONResponse(told, 200 if found["ok"] else 503, {"cache-control": "no-store"})


async def drain(request: Request) -> JSONResponse:
    """Start nothing new from now on; what is under way goes on. For whoever stops a server without losing a run."""
    if _role(request) != LECTURER:
        return JSONResponse({"error": "This is for who runs the server."}, 403)
    if (engine := starter().engine) is not None:
        engine.drain()
    return JSONResponse(figures())


def _role(request: HTTPConnection) -> str:
    return Visit.of(request.scope, rules(), passes()).role
