"""The front end's files: compressed once, however many ask, and nothing else is kept."""

import asyncio
import gzip
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.own_loop import run
from vae.door import KeptFiles, LoadedAhead
from vae.door.static_files import MOST_BYTES

SCRIPT = "let one = 1;\n" * 1000


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return (gzip.decompress(self.content) if "content-encoding" in self.headers else self.content).decode()


async def _slowly(text):
    for at in range(0, len(text), 1000):
        await asyncio.sleep(0.01)
        yield text[at : at + 1000]


class Server:
    """The files behind the middleware, and what they were asked for."""

    def __init__(self, base=""):
        self.asked = []
        routes = [Route("/{path:path}", self._file)]
        self.app = Starlette(routes=routes, middleware=[Middleware(KeptFiles, base=base), Middleware(GZipMiddleware)])

    def _file(self, request):
        path = request.url.path
        self.asked.append(path)
        if path.endswith(".html"):
            return HTMLResponse("no such file here")
        if path.endswith("missing.js"):
            return PlainTextResponse("not found", 404)
        if "if-none-match" in request.headers:
            return PlainTextResponse(status_code=304)
        if path.endswith("slow.js"):
            return StreamingResponse(_slowly(SCRIPT))
        large = "x" * MOST_BYTES if path.endswith("large.js") else SCRIPT
        return PlainTextResponse(large, headers={"etag": '"one"', "cache-control": "no-cache"})

    def get(self, path, leaves=False, method="GET", **headers):
        sent, asked = [], [{"type": "http.disconnect" if leaves else "http.request", "body": b"", "more_body": False}]

        async def receive():
            return asked.pop() if asked else await asyncio.Event().wait()  # for ever: nothing more comes

        async def send(message):
            sent.append(message)

        run(self.app(self.scope(path, **headers) | {"method": method}, receive, send))
        start, *parts = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], told, b"".join(part.get("body", b"") for part in parts))

    def scope(self, path, **headers):
        given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "headers": given, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_file_is_asked_for_once_and_is_the_same_for_all(coding):
    server = Server()
    answers = [server.get("/static/js/one.js", accept_encoding=coding) for _ in range(3)]
    assert [answer.text for answer in answers] == [SCRIPT] * 3 and len(server.asked) == 1
    for answer in answers:
        assert answer.headers.get("content-encoding", "identity") == coding
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_who_has_it_already_is_told_so_also_first_of_all():
    server = Server()
    for _ in range(2):
        answer = server.get("/app/static/one.js", if_none_match='"one"')
        assert (answer.status, answer.content) == (304, b"")
    assert server.get("/app/static/one.js").text == SCRIPT and len(server.asked) == 1


@pytest.mark.parametrize("path", ["/page", "/static/gone.html", "/static/missing.js", "/static/large.js"])
def test_pages_what_is_not_there_and_what_is_too_large_are_not_kept(path):
    server = Server()
    server.get("/static/one.js")  # something is kept already
    first, second = server.get(path), server.get(path)
    assert (first.status, first.text) == (second.status, second.text) and server.asked[1:] == [path] * 2


def test_who_leaves_in_the_middle_takes_nothing_from_the_others():
    server = Server()
    server.get("/static/slow.js", leaves=True)
    assert server.get("/static/slow.js").text == SCRIPT


def test_those_who_come_together_are_one_question():
    server, answers = Server(), []

    async def send(message):
        answers.append(message.get("body", b""))

    async def all_at_once():
        await asyncio.gather(*(server.app(server.scope("/static/slow.js"), None, send) for _ in range(20)))

    run(all_at_once())
    assert server.asked == ["/static/slow.js"] and answers.count(SCRIPT.encode()) == 20


def test_a_part_of_a_file_comes_from_the_app():
    server = Server()
    for _ in range(2):
        server.get("/static/one.js", range="bytes=0-9")
    assert len(server.asked) == 2


def test_below_a_base_path():
    server = Server(base="/lab")
    for _ in range(2):
        assert server.get("/lab/static/one.js").text == SCRIPT
    assert server.asked == ["/lab/static/one.js"]


# ---- What a page will need -------------------------------------------------------------------------------------------

PAGE = "<html><head><title>A page</title></head><body></head></body></html>"
ASKS = '<script async fetchpriority="low" src="/class/app/static/plotly.js"></script></head>'


class Pages(Server):
    """Pages behind the middleware, compressed for who takes them so."""

    def __init__(self):
        pieces = Route("/pieces", lambda request: StreamingResponse(_slowly(PAGE * 100), media_type="text/html"))
        routes = [pieces, Route("/text", lambda request: PlainTextResponse(PAGE)), Route("/{path:path}", self._page)]
        ahead = Middleware(LoadedAhead, base="/class", script="app/static/plotly.js")
        self.app = Starlette(routes=routes, middleware=[ahead, Middleware(GZipMiddleware, minimum_size=10)])

    def _page(self, request):
        return HTMLResponse(PAGE, 404 if request.url.path == "/missing" else 200, {"etag": '"one"'})


def test_a_page_asks_for_what_its_figures_need():
    for answer in (Pages().get("/train", accept="text/html,*/*"), Pages().get("/missing", accept="text/html")):
        assert answer.text == PAGE.replace("</head>", ASKS, 1)
        assert int(answer.headers["content-length"]) == len(answer.content) and answer.headers["etag"] == '"one"'


def test_whatever_is_no_page_or_comes_in_pieces_is_left_as_it_is():
    assert Pages().get("/text", accept="text/html").text == PAGE
    assert Pages().get("/pieces", accept="text/html").text == PAGE * 100
    headers_alone = Pages().get("/train", method="HEAD", accept="text/html")  # whose body the server leaves out
    assert int(headers_alone.headers["content-length"]) == len(headers_alone.content) == len(PAGE)
    asked_by_a_script = Pages().get("/train", accept="*/*", **{"accept-encoding": "gzip"})
    assert asked_by_a_script.text == PAGE and asked_by_a_script.headers["content-encoding"] == "gzip"
