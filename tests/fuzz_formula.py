"""Many generated formulas: python tests/fuzz_formula.py 100000 --seed 0. Exit status 1 at any other outcome than the two."""

import argparse
import faulthandler
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from formula_generator import formula, outcome

from vae.losses.formula import GRID

HANGS = 30  # seconds after which a formula counts as a hang: the stack is printed and the program ends with status 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grid", type=int, default=GRID)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator, counts, faults = random.Random(options.seed), Counter(), 0
    start, slowest = time.perf_counter(), (0.0, "")
    for _ in range(options.count):
        text = formula(generator)
        faulthandler.dump_traceback_later(HANGS, exit=True)
        began = time.perf_counter()
        try:
            counts[outcome(text, options.grid)] += 1
        except Exception as error:
            faults += 1
            print(f"{text!r}: {type(error).__name__}: {error}")
        slowest = max(slowest, (time.perf_counter() - began, text))
        faulthandler.cancel_dump_traceback_later()
    seconds = time.perf_counter() - start
    print(f"{options.count:,} formulas, seed {options.seed}, grid {options.grid}: {dict(counts)}, {faults} faults")
    print(f"{seconds:.0f} s, {1e3 * seconds / options.count:.2f} ms each; slowest {slowest[0]:.3f} s: {slowest[1]!r}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
