"""Train the dialects on MNIST and write down what they reach beside what is published: `make figures`.

python benchmarks/dialects.py [--until EPOCH] [preset ...]. One thread, which the last bits depend on. What is already in
measurements/dialects.csv is not done again, and a training that was cut off goes on after its last whole epoch; delete
lines of the file to have them anew. At the end the table in docs/figures.md is written from the file.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path

import torch

from vae.data import load_dataset
from vae.errors import CheckpointError, VaeError
from vae.training.checkpoint import load_checkpoint, save_checkpoint
from vae.training.config import TrainConfig
from vae.training.evaluation import evaluate
from vae.training.presets import MEASUREMENTS, PRESETS, Figure, Measured, Preset, find_preset, measured, measurements
from vae.training.step import TrainState, advance, initial_state
from vae.training.update import model_of

UNDER_WAY = ".partial"  # the folder, beside the file, of trainings that can go on
REPORT = Path(__file__).parents[1] / "docs" / "figures.md"
BEGINS, ENDS = "<!-- dialects -->\n", "<!-- end of dialects -->"


def run(preset: Preset, until: int, file: Path = MEASUREMENTS, dataset: str = "mnist") -> None:
    """Train up to the last milestone that is due by then, writing down each on the way."""
    partial = file.parent / UNDER_WAY / f"{preset.key}.safetensors"
    done = {(m.preset, m.epoch) for m in measurements(file)}
    due = [epoch for epoch in preset.milestones if epoch <= until and (preset.key, epoch) not in done]
    if not due:
        return
    config, data = preset.config(dataset=dataset), load_dataset(dataset)
    state = begun(partial, config, min(due))
    while (epoch := state.step // config.steps_per_epoch) < max(due):
        started = time.perf_counter()
        state, progress = advance(state, config, data, config.steps_per_epoch)
        seconds = time.perf_counter() - started
        if progress.failure:
            raise VaeError(f"{preset.key}: {progress.failure}")
        save_checkpoint(partial, state, config)
        print(f"{preset.key} epoch {epoch + 1}: {progress.objective.mean():.3f} in {seconds:.0f} s", flush=True)
        if epoch + 1 in due:
            found = evaluate(config, model_of(config, state.weights), data)
            test = (found.negative_elbo, found.reconstruction, found.kl)
            training = tuple(float(a.mean()) for a in (progress.objective, progress.reconstruction, progress.kl))
            shared = (config.seed, torch.get_num_threads(), round(seconds, 1))
            for measure, figures in (("test", test), ("training", training)):
                note(file, Measured(preset.key, epoch + 1, measure, *(round(v, 4) for v in figures), *shared))


def prepare(file: Path) -> None:
    folder = file.parent / UNDER_WAY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")


def begun(partial: Path, config: TrainConfig, first: int) -> TrainState:
    """The state after the last whole epoch of a training that was cut off before epoch `first`, else a new one."""
    try:
        found = load_checkpoint(partial)
    except CheckpointError:
        return initial_state(config)
    fits = found.config == config and found.state.step < first * config.steps_per_epoch
    return found.state if fits else initial_state(config)


def note(file: Path, line: Measured) -> None:
    """Append to the file, in one write, so that two trainings beside each other leave whole lines."""
    new = not file.exists()
    with file.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, [f.name for f in fields(Measured)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(line))


# ---- The table in docs/figures.md --------------------------------------------------------------------------------


def table(found: tuple[Measured, ...]) -> str:
    """Every figure of every preset with what was reached here, or that it was not run."""
    rows = ["| preset | what | published or measured before | here |", "| --- | --- | --- | --- |"]
    for preset in PRESETS.values():
        wanted = [(f, f"{f} ({f.origin})") for f in preset.figures]
        known = {f.epoch for f in preset.figures}
        wanted += [(Figure(0.0, "test", e, ""), "") for e in preset.milestones if e not in known]
        for figure, said in sorted(wanted, key=lambda pair: pair[0].epoch):
            what = {"test": "test −ELBO", "training": "training loss"}[figure.measure]
            rows.append(
                f"| `{preset.key}` | {what}, epoch {figure.epoch} | {said} | {_here(preset.key, figure, found)} |"
            )
    return "\n".join(rows) + "\n"


def _here(key: str, figure: Figure, found: tuple[Measured, ...]) -> str:
    line = measured(key, figure, found)
    if line is None:
        return "not run"
    return (
        f"{line.value:.4g} = {line.reconstruction:.4g} + {line.kl:.4g}"
        if _adds_up(line)
        else (f"{line.value:.4g} (reconstruction {line.reconstruction:.4g}, KL {line.kl:.4g})")
    )


def _adds_up(line: Measured) -> bool:
    return abs(line.value - line.reconstruction - line.kl) < 1e-3


def report() -> None:
    text = REPORT.read_text()
    before, rest = text.split(BEGINS)
    REPORT.write_text(before + BEGINS + table(measurements()) + ENDS + rest.split(ENDS)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="preset", help=f"of {', '.join(PRESETS)}; default: all")
    parser.add_argument("--until", type=int, default=10_000, help="no epoch after this one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    prepare(MEASUREMENTS)
    try:
        for key in options.presets or PRESETS:
            run(find_preset(key), options.until)
    except VaeError as reason:
        print(reason, file=sys.stderr)
        return 1
    finally:
        report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
