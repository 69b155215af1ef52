"""What is installed and what is built from it: the lock, the licences, the Dockerfile, the citation."""

import re
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from tools.container import settings, steps
from tools.licences import licence_of, locked

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
DOCKERFILE = steps((ROOT / "Dockerfile").read_text())


def said(name: str) -> list[str]:
    return [rest for instruction, rest in DOCKERFILE if instruction == name]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_holds_every_requirement_with_hashes_and_no_cuda():
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line)
    found = locked(LOCK)
    assert {canonical(name): version for name, version in pins.items()}.items() <= found.items()
    assert not [name for name in found if name.startswith(("nvidia", "cuda", "triton"))]
    entries = re.split(r"\n(?=[a-z])", LOCK.partition("\naltair")[2])
    assert all("--hash=sha256:" in entry for entry in entries) and "://" not in LOCK.partition("\naltair")[2]


def test_the_lock_is_closed():
    """Whatever a package of it asks for is in it: else `--require-hashes` refuses the whole."""
    found = locked(LOCK)
    for name in found:
        for asked in metadata.requires(name) or []:
            needed, _, marker = asked.partition(";")
            needed = canonical(re.match(r"[\w.-]+", needed)[0])
            if "extra" not in marker and not needed.startswith(("nvidia", "cuda", "triton")):
                from packaging.markers import Marker

                assert not (not marker or Marker(marker).evaluate()) or needed in found, (name, needed)


def test_every_package_has_a_licence_and_the_table_says_it():
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+?) \|$", (ROOT / "docs" / "licences.md").read_text(), re.M)
    assert {name: version for name, version, _ in rows[2:]} == locked(LOCK)
    for name, version, licence in rows[2:]:
        if metadata.version(name).partition("+")[0] == version:
            assert licence == licence_of(name) and licence


def test_the_image_is_of_nobody_in_particular_and_says_when_it_is_well():
    assert all(re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user) for user in said("USER")) and said("USER")
    names = [name for name, _ in DOCKERFILE]
    assert names.index("USER") < names.index("CMD") and "RUN" not in names[names.index("USER") :]
    assert "/_stcore/health" in said("HEALTHCHECK")[0]
    values = {name: value for rest in said("ENV") for name, value in settings(rest).items()}
    assert values["VAE_WORKERS"] == "1" and not {"VAE_CODE", "VAE_KEY", "VAE_SECRET"} & values.keys()
    source = "".join(path.read_text() for path in (ROOT / "vae").rglob("*.py"))
    assert all(name in source for name in values if name.startswith("VAE_"))


def test_what_the_image_copies_is_there_and_let_in():
    let_in = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M))
    sources = {source for rest in said("COPY") for source in rest.split()[:-1]}
    assert sources == let_in and all((ROOT / source).exists() for source in sources)


def test_the_image_has_everything_that_the_app_imports():
    """No recipe and no module takes anything of the project from outside what is copied."""
    copied = {source.removesuffix(".py") for rest in said("COPY") for source in rest.split()[:-1]}
    ours = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))}
    for path in [*(ROOT / "vae").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "streamlit_app.py"]:
        for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.M):
            assert name not in ours or name in copied, (path, name)


@pytest.mark.parametrize("name", [".github/dependabot.yml", ".github/workflows/ci.yml"])
def test_what_a_forge_reads_can_be_read(name):
    found = yaml.safe_load((ROOT / name).read_text())
    if "jobs" in found:
        assert "bash .ci/run" in [step.get("run") for step in found["jobs"]["test"]["steps"]]
    else:
        assert {update["package-ecosystem"] for update in found["updates"]} == {"pip", "docker", "github-actions"}
        assert all(
            (ROOT / place.strip("/")).is_dir() for update in found["updates"] for place in update.get("directories", [])
        )


def test_the_citation_has_what_its_format_asks_for():
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert found["cff-version"] == "1.2.0" and found["message"] and found["title"] and found["type"] == "software"
    assert all("name" in one or "family-names" in one for one in found["authors"])
    for reference in found["references"]:
        assert {"type", "title", "authors"} <= reference.keys()
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{found["version"]}"' in project and f'license = "{found["license"]}"' in project
