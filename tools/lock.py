"""requirements.lock from requirements.txt: every package that is installed, each file of it by its SHA-256.

PyTorch has two builds for Linux: the registry's for cards, with gigabytes of CUDA packages, and one for processors alone. The
lock holds the second: it has neither the first's files nor the CUDA packages, but those found in a folder or a page of wheels.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CPU_WHEELS = "https://download.pytorch.org/whl/cpu/torch/"
FOR_CARDS = re.compile(r"nvidia-|cuda-|triton$")
EVERY_PYTHON = re.compile(r"^python_full_version >= '3\.11'( and |$)")
HEAD = """\
# Made by `make lock` from requirements.txt. It is for Python 3.11 or newer on macOS, Windows and Linux; on Linux with PyTorch's
# build for processors, which lies elsewhere:
#   python -m pip install --require-hashes -r requirements.lock --extra-index-url https://download.pytorch.org/whl/cpu
# PyTorch's wheels for Linux in it: {wheels}
"""


def cpu_wheels(place: str, version: str) -> dict[str, str]:
    """File name -> SHA-256 of PyTorch's Linux wheels for processors, in a folder or on a page of links with hashes."""
    fits = re.compile(rf"torch-{re.escape(version)}\+cpu-cp3\d+-cp3\d+-manylinux\w+\.whl")
    if Path(place).is_dir():
        found = (path for path in Path(place).iterdir() if fits.fullmatch(path.name))
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    with urllib.request.urlopen(place, timeout=60) as answer:
        links = re.findall(r'href="[^"]*?([^"/]+\.whl)#sha256=([0-9a-f]{64})"', answer.read().decode())
    named = {urllib.parse.unquote(name): sha for name, sha in links}
    return {name: sha for name, sha in named.items() if fits.fullmatch(name)}


def lines(package: dict[str, Any], added: dict[str, str]) -> str:
    """One package of the lock: its version, where it is wanted, and the hash of each of its files."""
    files = package.get("wheels", []) + ([package["sdist"]] if "sdist" in package else [])
    hashes = {file["hashes"]["sha256"] for file in files}
    if package["name"] == "torch":
        hashes = {file["hashes"]["sha256"] for file in files if "linux" not in file["url"]} | set(added.values())
    marker = EVERY_PYTHON.sub("", package.get("marker", ""))
    marker = marker and f" ; {marker}"
    return " \\\n".join(
        [f"{package['name']}=={package['version']}{marker}", *(f"    --hash=sha256:{sha}" for sha in sorted(hashes))]
    )


def resolved() -> list[dict[str, Any]]:
    """All packages that requirements.txt comes to, on every system, as PEP 751 says them."""
    uv = shutil.which("uv", path=str(ROOT / ".venv-tools" / "bin")) or "uv"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "pylock.toml"
        subprocess.run(
            [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "requirements.txt", "-o", target],
            cwd=ROOT, check=True,
        )  # fmt: skip
        return tomllib.loads(target.read_text())["packages"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheels", default=CPU_WHEELS, help="folder or page with PyTorch's wheels for processors")
    given = parser.parse_args()
    packages = [package for package in resolved() if not FOR_CARDS.match(package["name"])]
    version = next(package["version"] for package in packages if package["name"] == "torch")
    wheels = cpu_wheels(given.wheels, version)
    if not wheels:
        parser.error(f"--wheels is {given.wheels}: it has no Linux wheel of torch {version}+cpu")
    text = HEAD.format(wheels=", ".join(sorted(wheels))) + "\n".join(lines(one, wheels) for one in packages) + "\n"
    (ROOT / "requirements.lock").write_text(text)


if __name__ == "__main__":
    main()
