"""Links from when the lecture was the front door: sent on, with all that they say, before a page is made of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vae.ui.lecture.state import STATE
from vae.ui.shared.looks import ONLY

THE_LECTURE_S = {*STATE.fields, ONLY}  # what no link to the front door says


class OldLinks:
    """Middleware. base: the path below which the app is served, "" for none."""

    def __init__(self, app: ASGIApp, base: str = ""):
        self.app, self.base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.app
        if scope["type"] == "http" and scope["path"] in (self.base, f"{self.base}/"):
            asked = Request(scope)
            if not THE_LECTURE_S.isdisjoint(asked.query_params):
                answer = RedirectResponse(f"{self.base}/lecture?{asked.url.query}", 307)
        await answer(scope, receive, send)
