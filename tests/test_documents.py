"""Every link and every command of every document: files and headings are there, links into the app say what its pages take, commands
are run or held to what their programs accept."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from vae.__main__ import _parser
from vae.ui.shared.looks import BESIDE, PANELS
from vae.ui.shared.shell import PAGES

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(path for place in (".", "docs", "checkpoints") for path in (ROOT / place).glob("*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OURS = re.compile(r"(?:http://127\.0\.0\.1:8501/|/|\.\./)?(\w*)(\?\S+)?")
MAKEFILE = (ROOT / "Makefile").read_text()
SOURCE = "".join(path.read_text() for path in [*(ROOT / "vae").rglob("*.py"), ROOT / "Dockerfile"])
# Programs of others, which are not here: of these lines only the project's own names are looked at.
OTHERS = {"dask", "docker", "py", r".venv\Scripts\python"}


def texts(path: Path) -> str:
    """The document without what stands in blocks of code."""
    return re.sub(r"```.*?```", "", path.read_text(), flags=re.S)


def links() -> list[tuple[Path, str]]:
    return [(path, link) for path in DOCUMENTS for link in LINK.findall(texts(path))]


def anchors(path: Path) -> set[str]:
    """The headings' names, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", texts(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_of_the_app(link: str) -> bool:
    if link.startswith("http://127.0.0.1:8501"):
        return True
    found = OURS.fullmatch(link)
    return bool(found) and found[1] in {*PAGES, ""} and bool(found[2])


@pytest.mark.parametrize(("path", "link"), links(), ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_somewhere(path, link):
    if is_of_the_app(link):
        parts = urlsplit(link)
        page = parts.path.strip("./") or next(iter(PAGES))
        problems(page, dict(parse_qsl(parts.query, keep_blank_values=True)))
    elif "://" not in link:
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), (link, anchors(target))
    else:
        assert link.startswith("https://"), link


def problems(page: str, query: dict[str, str]) -> None:
    assert page in PAGES, page
    if "only" in query:
        assert query["only"] in PANELS[page]
    own = {name: text for name, text in query.items() if name not in BESIDE}
    if own:
        state = importlib.import_module(f"vae.ui.{page}.state").STATE
        assert state.read(own)[1] == []


def blocks(path: Path, *languages: str) -> list[str]:
    """The blocks of code in one of those languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.S | re.M)
    return [block for language, block in found if language in languages]


def commands() -> list[tuple[str, str]]:
    """(document, command line) of all blocks that name no language, or the shell's; comments taken out."""
    found = []
    for path in DOCUMENTS:
        for block in blocks(path, "", "sh"):
            lines = (re.sub(r"\s#\s.*", "", line).strip() for line in block.replace("\\\n", " ").splitlines())
            found += [(path.name, line) for line in lines if line]
    return found


def in_code(name: str) -> list[str]:
    """What stands between single backticks and begins with that program's name."""
    return [code for path in DOCUMENTS for code in re.findall(rf"`({name}\b[^`\n]*)`", texts(path))]


@pytest.mark.parametrize(("document", "line"), commands() + [("in a text", line) for line in in_code("make")])
def test_a_command_is_one_that_its_program_takes(document, line):
    words = shlex.split(line, posix="\\" not in line)
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        assert words[0].partition("=")[0] in SOURCE or words[0].startswith("PYTHONPATH"), line
        words = words[1:]
    for name in re.findall(r"\bVAE_[A-Z]+", line):
        assert name in SOURCE, name
    match words:
        case ["make", *rest]:
            made(rest)
        case [program, "-m", "vae", *rest] if "python" in program:
            rest = rest[: rest.index(">")] if ">" in rest else rest
            _parser().parse_args([word for word in rest if word != "..."])
        case [program, "-m", "pip", "install", *rest] if "python" in program:
            installed(rest)
        case [program, "-m", "vae.engine", "--settings", *_] if "python" in program:
            done = subprocess.run([sys.executable, "-m", "vae.engine", "--settings"], cwd=ROOT, capture_output=True)
            assert done.returncode == 0 and b"distributed" in done.stdout
        case [program, "-m", module, *rest] if "python" in program:
            assert importlib.util.find_spec(module), module
            assert all((ROOT / word).exists() for word in rest if re.search(r"\.(py|md)$", word))
        case [program, script, *_] if "python" in program:
            assert (ROOT / script).is_file(), script
        case [program, *_]:
            assert program in OTHERS or (ROOT / ".venv" / "bin" / Path(program).name).exists(), line


def made(rest: list[str]) -> None:
    targets = [word for word in rest if "=" not in word]
    given = {word.partition("=")[0] for word in rest if "=" in word}
    assert targets and all(re.search(rf"^{re.escape(target)}:", MAKEFILE, re.M) for target in targets), targets
    assert all(f"$({name})" in MAKEFILE for name in given), given


def installed(rest: list[str]) -> None:
    """Files are there, and pins those of requirements.txt."""
    pins = (ROOT / "requirements.txt").read_text().splitlines()
    for option, value in zip(rest, rest[1:]):
        if option == "-r":
            assert (ROOT / value).is_file(), value
    assert all(word.replace("+cpu", "") in pins for word in rest if "==" in word)


def test_a_script_is_printed_as_the_documents_say():
    (line,) = {line for _, line in commands() if "-m vae script" in line}
    words = shlex.split(line.partition(">")[0])[1:]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    compile(done.stdout, "train.py", "exec")


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if p.name != "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_python_of_a_document_runs(path, capsys):
    """CONTRIBUTING.md's is followed in tests/test_from_outside.py."""
    for block in blocks(path, "python"):
        exec(compile(block, path.name, "exec"), {"__name__": "document"})
        assert capsys.readouterr().out.strip()


def test_the_readme_shows_every_page():
    """The lecturer's own page has no picture."""
    text = (ROOT / "README.md").read_text()
    assert [name for name in PAGES if name != "server" and f"docs/pictures/{name}.webp" not in text] == []
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()) < 3e6


@pytest.mark.slow
def test_pictures_are_of_the_pages_as_they_are():
    """Slow, so that a change of a page does not ask for new pictures at once: `make pictures` before a release."""
    done = subprocess.run(
        [sys.executable, "tools/pictures.py", "--check"],
        cwd=ROOT,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
