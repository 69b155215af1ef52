"""Imports run one way, and the core stays free of what it does not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each layer may import those above it in this list, and its own members only where INSIDE says so.
LAYERS = (
    ("errors", "events"),
    ("door",),
    ("losses", "data", "drawing", "model", "objective", "randomness", "schema"),
    ("surfaces", "formula", "kl", "kl_terms"),
    ("config", "squares"),
    ("evaluation", "axes"),
    ("training", "presets", "latent", "embedding"),
    ("subset", "one_pass", "dial", "script"),
    ("lineup",),
    ("checkpoint",),
    ("shipped", "scoring", "zoo"),
    ("sweep",),
    ("measured",),
    ("claims",),
    ("engine", "classroom"),
    ("figures",),
    ("report",),
    ("ui",),
)
# Siblings that may look at each other.
INSIDE = {("losses", "surfaces"), ("formula", "surfaces"), ("embedding", "latent")}
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


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


def test_every_module_has_a_layer():
    known = set(RANK) | {"__init__", "__main__", "serving"}
    assert {part_of(p) for p in (ROOT / "vae").rglob("*.py")} <= known


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    own = part_of(path)
    for name in imports(path):
        part = name.split(".")[1] if name.startswith("vae.") else None
        if part in RANK and part != own and (own, part) not in INSIDE:
            assert RANK[part] < RANK[own], f"{path.name} imports {name}"


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
        "import sys, vae, vae.embedding, vae.latent; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'torchvision', 'dask', 'distributed', 'streamlit', 'plotly', 'sklearn', 'openTSNE', 'pandas'}))"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "[]"
