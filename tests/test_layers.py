"""Imports run one way, and the core stays free of what it does not need."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STRUCTURE = (ROOT / "docs" / "structure.md").read_text()
ROWS = re.findall(r"^\| (\d) \| (.+?) \|", STRUCTURE, re.M)
RANK = {name: int(layer) for layer, names in ROWS for name in re.findall(r"`(\w+)`", names)}
OUTSIDE = {"__init__", "__main__", "serving"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "vae").parts[0].removesuffix(".py")


MODULES = [p for p in (ROOT / "vae").rglob("*.py") if part_of(p) in RANK]


def test_every_room_has_a_layer_and_there_are_few():
    assert {part_of(p) for p in (ROOT / "vae").rglob("*.py")} == set(RANK) | OUTSIDE
    assert len(ROWS) <= 8


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    own = part_of(path)
    for name in imports(path):
        part = name.split(".")[1] if name.startswith("vae.") else None
        if part in RANK and part != own:
            assert RANK[part] < RANK[own], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted(ROOT.glob("vae/ui/*/*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_needs_no_streamlit_is_not_among_the_pages(path):
    if path.name != "__init__.py":
        assert any(name.startswith(("streamlit", "vae.ui.")) for name in imports(path))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_send_to_the_one_map(name):
    text = (ROOT / name).read_text()
    assert "(docs/structure.md)" in text and not re.search(r"^\| \d \|", text, re.M)


def test_no_module_imports_itself_through_others():
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    graph = {name: set() for name in names}
    for name, path in names.items():
        found = imports(path) & names.keys()
        inner = {
            one for one in found if any(other.startswith(f"{one}.") for other in found)
        }  # a package, for its modules
        graph[name] = found - inner - {name}
    TopologicalSorter(graph).prepare()  # CycleError names the circle


def test_the_places_named_for_changes_are_there():
    """Every path in the table of changes is a file or a folder."""
    for place in re.findall(r"`(vae/[\w/.]+)`", STRUCTURE):
        assert (ROOT / place).exists(), place


def test_no_room_is_without_a_purpose():
    for path in MODULES:
        assert not set(path.relative_to(ROOT).with_suffix("").parts) & {"common", "utils", "util", "helpers", "misc"}, (
            path
        )


@pytest.mark.parametrize("path", sorted(ROOT.glob("vae/**/*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_ui_knows_streamlit_and_figures_are_plain_data(path):
    tops = {name.split(".")[0] for name in imports(path)}
    if part_of(path) != "ui":
        assert "streamlit" not in tops
    if part_of(path) == "figures":
        assert not tops & {"torch", "streamlit", "plotly"}


def test_pages_do_not_compute_and_draw_no_figures():
    for path in (ROOT / "pages").glob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"torch", "plotly", "numpy"}, path.name


def test_import_vae_needs_neither_torchvision_nor_dask():
    code = (
        "import sys, vae, vae.latent.pca_tsne, vae.latent.codes; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'torchvision', 'dask', 'distributed', 'streamlit', 'plotly', 'sklearn', 'openTSNE', 'pandas'}))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "[]"
