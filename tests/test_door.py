"""The door: what it lets in, what it turns away and how it says so, against a small app behind it."""

import json
import logging
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from tests.own_loop import run
from vae.door import LECTURER, STUDENT, Entrance, Passes, Rules, Tries
from vae.door.headers import headers, inline_scripts
from vae.door.tries import AT_ONCE, EVERY
from vae.errors import SettingError

CODE, KEY = "abcd-efgh", "wxyz-wxyz-wxyz-wxyz-wxyz"
OPEN = Rules()
CLASS = Rules(hosts=("lab.example",), code=CODE, key=KEY, private=False)
SECRET = b"s" * 32


async def behind(scope, receive, send):
    """What it guards: tells that it was reached."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"inside"})


class Browser:
    """Asks the door as a server does, and keeps cookies as a browser does."""

    def __init__(self, rules, tries=None, address="192.0.2.1"):
        self.rules, self.address, self.cookies = rules, address, {}
        self.entrance = Entrance(behind, rules, Passes(rules, SECRET), tries or Tries(), headers(rules))

    def ask(self, path="/", query="", method="GET", body=b"", kind="http", **given):
        """(status, headers, body); of a socket (101 or 403, {}, b"")."""
        given = {"host": self.rules.hosts[0], "accept": "text/html"} | {
            n.replace("_", "-"): v for n, v in given.items()
        }
        if body:
            given.setdefault("content-length", str(len(body)))
        if self.cookies:
            given.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        scope = {
            "type": kind, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(n.encode(), v.encode()) for n, v in given.items()], "client": (self.address, 4242),
            "scheme": "ws" if kind == "websocket" else "http", "server": ("127.0.0.1", 8501),
        } | ({"method": method} if kind == "http" else {})  # fmt: skip
        sent = []

        async def receive():
            if kind == "websocket":
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        run(self.entrance(scope, receive, send))
        if kind == "websocket":
            return (101 if sent[0]["type"] == "websocket.accept" else 403), {}, b""
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"] if name != b"set-cookie"}
        for name, value in sent[0]["headers"]:
            if name == b"set-cookie":
                cookie, _, options = value.decode().partition(";")
                self.cookies[cookie.partition("=")[0]] = cookie.partition("=")[2]
                found.setdefault("set-cookie", options)
        return sent[0]["status"], found, b"".join(m.get("body", b"") for m in sent[1:])

    def type_code(self, code, to="/", **given):
        return self.ask("/door", method="POST", body=f"code={quote(code)}&to={quote(to)}".encode(), **given)


# ---- Names and origins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "LOCALHOST:80", "[::1]:8501", "localhost.:1"])
def test_this_machine_is_asked_for_by_its_names(host):
    assert Browser(OPEN).ask(host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "user@localhost", "localhost/x", "a:b:c"],
)
def test_another_name_that_leads_here_is_turned_away(host):
    """As a page does that has its own name point at 127.0.0.1."""
    status, _, body = Browser(OPEN).ask(host=host)
    assert status == 421 and b"VAE_HOSTS" in body and b"inside" not in body
    assert Browser(OPEN).ask("/_stcore/stream", host=host, kind="websocket")[0] == 403


def test_names_are_added_by_who_runs_the_server():
    rules = Rules.of({"VAE_HOSTS": "lab.example, Other.example"}, "127.0.0.1")
    assert all(Browser(rules).ask(host=host)[0] == 200 for host in ("lab.example:443", "other.example", "localhost"))
    assert Browser(rules).ask(host="evil.example")[0] == 421
    assert Browser(Rules.of({"VAE_HOSTS": "*"}, "0.0.0.0")).ask(host="anything.example")[0] == 200
    assert "192.0.2.7" in Rules.of({}, "192.0.2.7").hosts


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8501"])
def test_a_page_of_another_site_opens_no_socket_and_sends_nothing(origin):
    here = Browser(OPEN)
    assert here.ask("/_stcore/stream", kind="websocket", host="127.0.0.1:8501", origin=origin)[0] == 403
    for method in ("PUT", "POST", "DELETE"):
        sent = here.ask("/_stcore/upload_file/s/f", method=method, body=b"x", host="127.0.0.1:8501", origin=origin)
        assert sent[0] == 403 and b"another site" in sent[2]
    assert here.ask(host="127.0.0.1:8501", origin=origin)[0] == 200  # it may link here


def test_the_page_s_own_socket_and_uploads_pass():
    here, own = Browser(OPEN), {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}
    assert here.ask("/_stcore/stream", kind="websocket", **own)[0] == 101
    assert here.ask("/_stcore/upload_file/s/f", method="PUT", body=b"x", **own)[0] == 200


# ---- Sizes -----------------------------------------------------------------------------------------------------------


def test_what_is_too_long_is_answered_before_anybody_reads_it():
    here = Browser(OPEN)
    status, _, body = here.ask("/train", "x=" + "a" * 100_000)
    assert status == 414 and b"too long" in body and len(body) < 5000
    assert here.ask("/_stcore/stream", "a" * 100_000, kind="websocket")[0] == 403
    assert here.ask("/_stcore/upload_file/s/f", method="PUT", content_length=str(21 * 2**20))[0] == 413
    assert here.ask("/_stcore/upload_file/s/f", method="PUT", content_length="1" * 13)[0] == 411
    assert here.ask("/_stcore/upload_file/s/f", method="PUT", transfer_encoding="chunked")[0] == 411
    assert here.ask("/elsewhere", method="POST", content_length="100000")[0] == 413
    assert here.ask("/_stcore/upload_file/s/f", method="PUT", content_length=str(20 * 2**20))[0] == 200


# ---- Headers ---------------------------------------------------------------------------------------------------------


def test_every_answer_tells_the_browser_to_ask_nobody_else():
    for browser, path in ((Browser(OPEN), "/"), (Browser(CLASS), "/"), (Browser(OPEN), "/health")):
        found = browser.ask(path)[1]
        policy = dict(part.split(" ", 1) for part in found["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
        assert "http" not in found["content-security-policy"] and "unsafe-inline" not in policy["script-src"]
        assert found["x-content-type-options"] == "nosniff" and found["x-frame-options"] == "DENY"


def test_who_runs_it_may_allow_a_frame():
    rules = Rules.of({"VAE_FRAMES": "https://school.example"}, "127.0.0.1")
    found = Browser(rules).ask()[1]
    assert "frame-ancestors 'self' https://school.example" in found["content-security-policy"]
    assert "x-frame-options" not in found


def test_a_script_in_the_page_is_named_by_its_hash():
    """As a browser computes it: of what stands between the tags, to the letter."""
    assert inline_scripts("<script>a()</script><script src='x'></script>") == [
        "'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='"
    ]


# ---- Whose browser it is ---------------------------------------------------------------------------------------------


def test_a_browser_gets_a_name_once_that_no_script_reads_and_nobody_guesses():
    here = Browser(OPEN)
    told = here.ask()[1]["set-cookie"]
    assert "HttpOnly" in told and "SameSite=Lax" in told and "Path=/" in told
    name = here.entrance.passes.owner_of(here.cookies["vae_owner"])
    assert len(name) == 32
    assert "set-cookie" not in here.ask()[1]  # it keeps it
    assert Browser(OPEN).ask()[1] and len({Passes(OPEN, SECRET).new_owner() for _ in range(100)}) == 100


@pytest.mark.parametrize("guessed", ["0" * 32, "0" * 32 + ".a.b", "", "é", "x" * 5000])
def test_a_name_that_was_not_issued_here_is_replaced(guessed):
    here = Browser(OPEN)
    here.cookies["vae_owner"] = guessed.encode("ascii", "ignore").decode()
    here.ask()
    assert here.entrance.passes.owner_of(here.cookies["vae_owner"]) not in ("", guessed)


def test_a_name_signed_elsewhere_or_changed_is_none():
    passes, other = Passes(OPEN, SECRET), Passes(OPEN, b"t" * 32)
    issued = passes.new_owner()
    assert passes.owner_of(issued) and not passes.owner_of(other.new_owner())
    assert not passes.owner_of(("1" if issued[0] != "1" else "2") + issued[1:])
    assert not passes.owner_of(Passes(CLASS, SECRET).admit(CODE))  # a pass is no name


# ---- The code --------------------------------------------------------------------------------------------------------


def test_nothing_is_seen_without_the_code():
    here = Browser(CLASS)
    for path in ("/", "/train", "/static/plotly.js", "/media/x", "/_stcore/upload_file/s/f", "/_stcore/host-config"):
        status, _, body = here.ask(path)
        assert status == 401 and b"inside" not in body and b"<form" in body
    assert here.ask("/_stcore/stream", kind="websocket")[0] == 403
    assert here.ask("/health")[0] == 200  # it says whether the server works, and no more


def test_the_code_opens_and_leads_to_where_the_link_went():
    here = Browser(CLASS)
    assert b'value="/classroom?class=ABCDE&amp;x=%22"' in here.ask("/classroom", "class=ABCDE&x=%22")[2]
    status, told, _ = here.type_code(" ABCD efgh ", "/classroom?class=ABCDE")
    assert status == 303 and told["location"] == "/classroom?class=ABCDE" and "HttpOnly" in told["set-cookie"]
    assert here.ask("/classroom")[0] == 200 and here.ask("/_stcore/stream", kind="websocket")[0] == 101
    assert here.ask("/_stcore/metrics")[0] == 403 and b"inside" not in here.ask("/_stcore/metrics")[2]


def test_the_form_is_in_the_language_that_the_browser_or_the_link_asks_for():
    here = Browser(CLASS)
    for query, accepted, said in (
        ("", "zh-CN,en;q=0.5", "进入"),
        ("lang=en", "zh-CN", "Come in"),
        ("", "de", "Come in"),
    ):
        assert said in here.ask("/kl", query, **{"accept-language": accepted})[2].decode()
    assert "访问码不对。" in here.type_code("wrong", **{"accept-language": "zh"})[2].decode()


def test_the_key_makes_a_lecturer():
    here = Browser(CLASS)
    assert here.type_code(KEY)[0] == 303
    assert here.entrance.passes.role_of(here.cookies["vae_pass"]) == LECTURER
    assert here.ask("/_stcore/metrics")[0] == 200
    by_header = Browser(CLASS)
    assert by_header.ask("/_stcore/metrics", authorization=f"Bearer {KEY}")[0] == 200
    assert by_header.ask("/_stcore/metrics", authorization=f"Bearer {CODE}")[0] == 403
    assert by_header.ask("/_stcore/metrics", authorization="Bearer é")[0] == 403


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a\r\nb: c"]
)
def test_it_leads_nowhere_else(to):
    assert Browser(CLASS).type_code(CODE, to)[1]["location"] == "/"


class Form(HTMLParser):
    """The tags of a page, and where its form leads to."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.to = [], ""
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        given = dict(attributes)
        self.to = given["value"] if given.get("name") == "to" else self.to


def test_what_the_form_shows_is_text():
    here, typed = Browser(CLASS), '/"><script>1</script><a'
    plain = Form(here.ask("/x", "q=1")[2])
    assert plain.to == "/x?q=1"
    asked = Form(here.ask("/x", "q=<script>1</script>'\"")[2])
    assert asked.tags == plain.tags and asked.to == "/x?q=<script>1</script>'\""
    wrong = Form(here.type_code("no", typed)[2])
    assert sorted(wrong.tags) == sorted([*plain.tags, "p"]) and wrong.to == typed


def test_brute_force_is_slowed_and_then_not_heard_even_with_the_right_code():
    clock = [0.0]
    tries = Tries(lambda: clock[0])
    here = Browser(CLASS, tries)
    statuses = [here.type_code(f"wrong-{n}")[0] for n in range(AT_ONCE + 5)]
    assert statuses == [403] * AT_ONCE + [429] * 5
    status, told, body = here.type_code(CODE)
    assert status == 429 and int(told["retry-after"]) >= 1 and b"Too many wrong codes" in body
    assert Browser(CLASS, tries, "192.0.2.2").type_code(CODE)[0] == 303  # who sits elsewhere comes in
    clock[0] += EVERY
    assert here.type_code(CODE)[0] == 303
    assert here.type_code("wrong")[0] == 403 and here.type_code("wrong")[0] == 429  # one try has come back


def test_many_addresses_together_are_slowed_too_and_a_network_counts_as_one():
    clock = [0.0]
    tries = Tries(lambda: clock[0])
    for n in range(20_000):
        tries.wrong(f"2001:db8:1:2::{n:x}")
    assert tries.wait("2001:db8:1:2::ffff") > 1000
    assert tries.wait("192.0.2.1") > 1000  # all together have used theirs up
    assert len(tries._of) == 1
    for n in range(20_000):
        tries.wrong(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}")
    assert len(tries._of) <= 10_000


def test_a_pass_of_another_code_of_another_server_or_made_up_opens_nothing():
    passes, other = Passes(CLASS, SECRET), Passes(Rules(code="another-code", private=False), SECRET)
    assert passes.role_of(passes.admit(CODE)) == STUDENT
    assert not passes.role_of(other.admit("another-code")) and not passes.role_of("lecturer") and not passes.role_of("")
    assert not Passes(CLASS, b"t" * 32).role_of(passes.admit(CODE))
    assert not passes.role_of(passes.new_owner())
    assert passes.admit("") == "" and Passes(Rules(private=False), SECRET).admit("") == ""


def test_without_a_code_everybody_comes_in_and_only_who_sits_at_the_machine_runs_it():
    assert Browser(OPEN).ask("/_stcore/metrics")[0] == 200
    shared = Browser(Rules.of({}, "0.0.0.0"))
    assert shared.ask()[0] == 200 and shared.ask("/_stcore/metrics")[0] == 403


def test_under_a_path_of_its_own():
    rules = Rules(hosts=("lab.example",), code=CODE, base="/lab", private=False)
    here = Browser(rules)
    assert b'action="/lab/door"' in here.ask("/lab/train")[2]
    sent = here.ask("/lab/door", method="POST", body=f"code={CODE}&to=/train".encode())
    assert sent[0] == 303 and sent[1]["location"] == "/lab/train" and "Path=/lab" in sent[1]["set-cookie"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"VAE_CODE": "abc"}, "VAE_CODE = 'abc'.*at least 6"),
        ({"VAE_KEY": "short"}, "VAE_KEY.*at least 16"),
        ({"VAE_HOSTS": "http://a.example"}, "VAE_HOSTS.*without scheme"),
        ({"VAE_FRAMES": "school.example"}, "VAE_FRAMES.*https://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said(given, said):
    with pytest.raises(SettingError, match=said):
        Rules.of(given, "0.0.0.0")


def test_events_are_lines_of_json_without_what_was_typed(caplog):
    with caplog.at_level(logging.INFO, "vae.events"):
        here = Browser(CLASS)
        here.type_code("my-secret-guess")
        here.ask("/train", "formula=private")
        here.ask(host="evil.example")
        here.type_code(CODE)
    lines = [json.loads(record.message) for record in caplog.records]
    assert [(line["event"], line.get("reason", line.get("role"))) for line in lines] == [
        ("door.refused", "wrong code"), ("door.refused", "host"), ("door.admitted", "student"),
    ]  # fmt: skip
    assert not any(word in json.dumps(lines) for word in ("secret", "private", CODE, "evil"))
