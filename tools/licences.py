"""docs/licences.md: under which licence each package is that requirements.lock installs here, as the package itself says it."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
LOCKED = re.compile(r"^([\w.-]+)==(\S+?)(?: ; (.+?))?(?: \\)?$", re.M)
SHORT = {  # what packages say in words of their own -> SPDX
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
HEAD = """\
# Licences

What `requirements.lock` installs on Linux, and under which licence, as each package says it of itself (`make licences` writes
this table). VAE Loss Lab itself is under the MIT licence. The data sets have their own: the data card on the Train page says which.

| package | version | licence |
| --- | --- | --- |
"""


def locked(lock: str) -> dict[str, str]:
    """Name -> version of the packages that are installed on this system."""
    found = LOCKED.findall(lock)
    return {name: version for name, version, marker in found if not marker or Marker(marker).evaluate()}


def licence_of(name: str) -> str:
    """SPDX where the package says so, else its own words, shortened."""
    said = metadata.metadata(name)
    if expression := said.get("License-Expression"):
        return expression
    classified = [
        text.rpartition(" :: ")[2] for text in said.get_all("Classifier", []) if text.startswith("License ::")
    ]
    words = [text for text in classified if text != "OSI Approved"] or [said.get("License", "").partition("\n")[0]]
    return " and ".join(SHORT.get(text, text) for text in words)


def table(lock: str) -> str:
    return HEAD + "".join(f"| {name} | {version} | {licence_of(name)} |\n" for name, version in locked(lock).items())


if __name__ == "__main__":
    (ROOT / "docs" / "licences.md").write_text(table((ROOT / "requirements.lock").read_text()))
