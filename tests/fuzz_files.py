"""Many damaged files: PYTHONPATH=. python tests/fuzz_files.py 20000 --seed 0 --pages 200. Each is read or refused in one sentence; of the
read ones so many are opened on every part of the Latent page, or every view of the Lab. Exit status 1 at anything else."""

import argparse
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import torch
from file_damage import damaged_checkpoint, damaged_results, outcome
from safetensors import safe_open
from safetensors.torch import load
from streamlit.testing.v1 import AppTest

import vae
import vae.ui.lab.page
import vae.ui.latent.page
import vae.ui.shared.engine
from vae.study.claims.evidence import FOLDER
from vae.study.opened import open_checkpoint
from vae.study.sweep import parse_results
from vae.training.step import TrainState
from vae.training.subset import encode_test
from vae.ui.lab.state import VIEWS
from vae.ui.latent.state import PARTS
from vae.ui.shared import shell

ROOT = Path(__file__).resolve().parents[1]
CONFIG = vae.TrainConfig(dataset="digits", hidden=(4,), loss="gaussian_optimal", latent_dim=2, epochs=1)


def whole_checkpoint(path: Path):
    data = vae.load_dataset("digits")
    state, _ = vae.advance(vae.initial_state(CONFIG), CONFIG, data, 5)
    model = vae.model_of(CONFIG, state.weights)
    metrics = vae.evaluate(CONFIG, model, data)
    subset = encode_test(CONFIG, model, data, metrics.sigma)
    vae.save_checkpoint(path, TrainState(state.step, state.weights, {}, {}), CONFIG, metrics, 1, None, subset)
    with safe_open(path, "pt") as file:
        return file.metadata(), load(path.read_bytes())


def opened(page: str, **state) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=60)
    app.session_state["owner"] = "0" * 32
    for key, value in state.items():
        app.session_state[key.replace("__", ":")] = value
    return app


def model_on_every_part(name: str, found) -> None:
    key, kept = "file:0", open_checkpoint("file:0", "My file: a", found)
    for part in PARTS:
        app = opened("latent", latent__files={key: kept})
        app.query_params.update({"model": key, "part": part})
        assert not app.run().exception, (name, part, app.exception[0].message)


def sheet_in_every_view(name: str, content: bytes, sheet) -> None:
    for view in VIEWS:
        app = opened("lab", lab__files={"file:0": ("a.csv", content, sheet)})
        app.query_params.update({"sweep": "file:0", "view": view})
        assert not app.run().exception, (name, view, app.exception[0].message)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pages", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error", RuntimeWarning)  # arithmetic that goes wrong in silence
    os.environ["VAE_DATA"] = tempfile.mkdtemp()
    shell.headline = lambda *_: None
    for module in [m for name, m in sys.modules.items() if name.startswith("vae.ui") and hasattr(m, "starter")]:
        module.starter = lambda: SimpleNamespace(engine=None, problem="")
    faults, started = 0, time.perf_counter()
    path = Path(tempfile.mkdtemp()) / "a.safetensors"
    header, tensors = whole_checkpoint(path)
    lines = "".join((FOLDER / "digits-losses-betas.csv").read_text().splitlines(keepends=True)[:4])

    def checkpoint(content: bytes):
        path.write_bytes(content)
        return vae.load_checkpoint(path)

    kinds = {
        "checkpoints": (lambda seed: damaged_checkpoint(seed, header, tensors), checkpoint, model_on_every_part),
        "results files": (lambda seed: damaged_results(seed, lines), lambda c: parse_results("a.csv", c), None),
    }
    for kind, (damage, read, show) in kinds.items():
        read_ones = shown = 0
        for seed in range(options.seed, options.seed + options.count):
            try:
                content = damage(seed)
                found = outcome(read, content)
                read_ones += found is not None
                if found is None or shown >= options.pages:
                    continue
                if show is not None:
                    show(f"seed {seed}", found)
                elif found.spec is not None:
                    sheet_in_every_view(f"seed {seed}", content, found)
                shown += 1
            except Exception as error:
                faults += 1
                print(f"{kind}, seed {seed}: {type(error).__name__}: {str(error)[:300]}")
        print(
            f"{options.count:,} {kind}, seeds from {options.seed}: {read_ones:,} read, the others refused; {shown} opened"
        )
    print(f"{faults} faults, {time.perf_counter() - started:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
