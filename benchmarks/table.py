"""One table of how fast everything is, printed as Markdown while it is measured: make benchmark, or

    python -m benchmarks.table [section ...] [--rounds 5] [--json FILE]

Within a section whatever is compared takes turns, so that ratios hold while the machine's own speed drifts. Nothing is asserted.
Needs MNIST under VAE_DATA; Pythae and Lightning are in the table where `make peers` was run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import torch

from benchmarks import live, maps, pages, steps, study
from benchmarks.measuring import Row
from vae.data import DATASETS, data_folder
from vae.training.memory import keep_freed

# Those with workers come before those that run pages: AppTest leaves its page as __main__, which workers would run.
SECTIONS: Mapping[str, Callable[[int], Iterator[Row]]] = MappingProxyType(
    {
        "step": steps.step,
        "profile": steps.profile,
        "goals": steps.goals,
        "chunk": steps.chunk,
        "scaling": steps.scaling,
        "tsne": maps.tsne,
        "live": live.live,
        "columns": live.columns,
        "first": live.first,
        "moves": live.moves,
        "sweep": study.sweep,
        "zoo": study.zoo,
        "cold": pages.cold,
        "click": pages.click,
        "load": pages.load,
        "slider": pages.slider,
        "traversal": pages.traversal,
    }
)


def line(section: str, row: Row) -> str:
    """A row as Markdown, three digits of its value."""
    value = f"{row.value:,.0f}" if 1000 <= abs(row.value) < float("inf") else f"{row.value:.3g}"
    return f"| {section} | {row.what} | {value} {row.unit} | {row.beside} |"


def machine() -> dict[str, object]:
    packages = {name: sys.modules[name].__version__ for name in ("torch", "numpy", "streamlit")}
    cpu = torch.backends.cpu.get_cpu_capability()
    return {"processor": f"{platform.machine()}, {cpu}", "threads": steps.CORES, "load": os.getloadavg()[0]} | packages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="written after every section")
    given = parser.parse_args()
    keep_freed()  # as workers do; whatever else is measured in this process has it, too
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    if given.rounds < 1:
        parser.error("--rounds: at least 1")
    if not DATASETS["mnist"].is_present():
        sys.exit(f"MNIST is not in {data_folder()}: set VAE_DATA or run 'python -m vae fetch mnist'")
    if not steps.PEERS.is_file():
        print("Pythae and Lightning are left out: run 'make peers'", file=sys.stderr)
    told: dict[str, object] = {"machine": machine(), "rounds": given.rounds}
    print("| section | what | value | beside |\n| --- | --- | --: | --- |", flush=True)
    for section, measure in SECTIONS.items():
        if given.sections and section not in given.sections:
            continue
        rows = []
        for row in measure(given.rounds):
            rows.append(asdict(row))
            print(line(section, row), flush=True)
        told[section] = rows
        if given.json:
            given.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
