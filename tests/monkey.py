"""A monkey on the app: from a seed it goes from page to page, takes random controls, brings files, follows links and lets
parts refresh by themselves, with the engine busy. PYTHONPATH=. python tests/monkey.py 10000 --seed 0. Exit status 1 at any exception
on a page, any control that falls back, and any that has forgotten its value when the page is opened again.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup, Multiselect, Radio, Selectbox
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from vae.ui.latent.models import GONE

ROOT = Path(__file__).resolve().parents[1]
STEPS_A_BROWSER = 100
LINKS = {
    "train": ("kl_term=iwae&dataset=digits", "dataset=digits&vary=loss&against=mse,ssim&epochs=1", "beta=0,5",
              "loss=formula&formula=abs(x-p)", "dataset=digits&vary=seed&against=1,2,3&latent_dim=2"),
    "latent": ("model=mnist-bce-z20&part=walk", "model=digits-bce-z8&beside=digits-mse-z2&part=embed",
               "part=image&model=digits-bce-z2", "model=x"),
    "compare": ("data=digits&part=matrix", "data=mnist&part=rescue", "models=x"),
    "surfaces": ("losses=ssim", "losses=bce,mse,formula&formula=(x-p)**2&form=section", "view=asymmetry&form=map"),
    "lab": ("view=curves", "view=compare", "sweep=x"),
    "kl": ("mu=3&log_var=-6", "mu=x"),
    "zoo": ("patient=c", "patient=z"),
    "lecture": ("claim=direction&predict=yes", "claim=x"),
    "advisor": ("dataset=digits&want=sharp&losses=bce,mse", "dataset=sprites", "losses=bce"),
}  # fmt: skip
BUSY = "dataset=digits&epochs=2000&hidden=32"  # a training that outlasts the visit
FILES = {
    "latent": sorted((ROOT / "checkpoints").glob("digits-*.safetensors")),
    "lab": sorted((ROOT / "measurements").glob("*.csv")),
}
NOT_TOUCHED = ("Fetch",)  # what asks the internet
ANOTHERS = ("surface_example", "latent.move", "dial")  # keys begin so: their values are other controls' to set
NUMBERS = (0, 1, -1, 2, 0.5, 20, 1e-3, 7, 300, 1e6)
TEXTS = ("", "1", "0.5, 2", "x", "(x-p)**2", "abs(x-p)", "log(p)", "1,1", "![i](http://x/y)", "9" * 400, "32,16")
PACKAGES = (
    "vae.ui.advisor.page",
    "vae.ui.compare.page",
    "vae.ui.lab.page",
    "vae.ui.latent.page",
    "vae.ui.train.live",
    "vae.ui.zoo.page",
)  # that need an engine
KINDS = ("button", "selectbox", "multiselect", "slider", "number_input", "text_input", "toggle", "checkbox", "radio")


def site() -> None:
    import runpy
    from pathlib import Path

    import streamlit as st

    import vae.ui.shared.shell

    page = st.session_state["monkey"]
    runpy.run_path(str(Path(vae.ui.shared.shell.__file__).parents[3] / "pages" / f"{page}.py"))


class Monkey:
    """step() does one random thing and says what; AssertionError where the app did not bear it."""

    def __init__(self, seed: int, log: list[str] | None = None):
        self.random, self.app = random.Random(seed), AppTest.from_function(site, default_timeout=120)
        self.app.session_state["owner"] = f"{seed:032x}"
        self.done: Counter = Counter()
        self.page, self.left = "", {}  # page -> what its controls showed when it was left
        self.log = [] if log is None else log
        if self.random.random() < 0.7:
            self._check(self.go("train", BUSY))
            self.app.button(key="do.start").click().run()
        self._check(self.go(self.random.choice([*LINKS])))

    def step(self) -> str:
        chance, controls = self.random.random(), self._controls()
        if chance < 0.12 or not controls:
            page = self.random.choice([*LINKS])
            did = self.go(page, self.random.choice(LINKS[page]) if self.random.random() < 0.5 else "")
            self.done["pages"] += 1
        elif chance < 0.15 and self.page in FILES and self.app.file_uploader:
            did = self._bring()
            self.done["files"] += 1
        elif chance < 0.35:
            did = self._refresh()
            self.done["refreshes"] += 1
        else:
            did = self._take(self.random.choice(controls))
            self.done["controls"] += 1
        self._check(did)
        return did

    def go(self, page: str, link: str = "") -> str:
        if self.page:
            self.left[self.page] = self.shown()
        self.page, self.app.session_state["monkey"] = page, page
        self.app.query_params.clear()
        self.app.query_params.update(dict(part.split("=", 1) for part in link.split("&") if part))
        self.app.run()
        if not link and not self.app.exception:
            now, before = self.shown(), self.left.get(page, {})
            forgotten = {key: (before[key], now[key]) for key in now.keys() & before if now[key] != before[key]}
            forgotten = {key: pair for key, pair in forgotten.items() if pair[1] != GONE}  # a run that was reset
            assert not forgotten, f"{page} opened again: {forgotten}"
        return f"{page}?{link}"

    def _refresh(self) -> str:
        """The parts that refresh by themselves do so, some times, as in a browser: they alone are run."""
        parts, held = [*self.app._fragment_storage._fragments], self.app._tree.get_widget_states()
        usual = LocalScriptRunner.request_rerun

        def alone(runner, asked):
            usual(runner, replace(asked, fragment_id_queue=parts))

        for _ in range(self.random.randrange(1, 4) if parts else 0):
            time.sleep(0.01)
            with mock.patch.object(LocalScriptRunner, "request_rerun", alone):
                self.app._run(held)
            self._check("a refresh of a part")
        self.app._run(held)
        return "refresh"

    def _bring(self) -> str:
        path = self.random.choice(FILES[self.page])
        self.app.file_uploader[0].set_value((path.name, path.read_bytes(), "application/octet-stream"))
        self.app.run()
        return f"brings {path.name}"

    def _check(self, did: str) -> None:
        assert not self.app.exception, f"{did}: {self.log[-1] if self.log else self.app.exception[0].message}"

    def _controls(self) -> list:
        found = [control for kind in KINDS for control in getattr(self.app, kind)] + list(self.app.get("button_group"))
        return [c for c in found if not c.disabled and not str(c.label).startswith(NOT_TOUCHED)]

    def shown(self) -> dict[str, object]:
        """What the controls show that have a name and a value of their own."""
        named = [c for c in self._controls() if c.key and c.type != "button" and not c.key.startswith(ANOTHERS)]
        return {control.key: _held(control) for control in named}

    def _take(self, control) -> str:
        said = f"{control.type} {control.key or control.label!r}"
        if control.type == "button":
            control.click().run()
            return said
        asked = self._value(control)
        control.set_value(asked)
        self.app.run()
        said = f"{said} = {asked!r}"
        now = self.shown().get(control.key, asked)
        assert self.app.exception or now == asked or same_number(now, asked), f"{said}: it says {now!r}"
        return said

    def _value(self, control) -> object:
        choose = self.random.choice
        match control.type:
            case "selectbox" | "radio":
                return choose(control.options)
            case "button_group":
                return choose(control.options) if control._is_single_select else [choose(control.options)]
            case "multiselect":
                most = min(control.proto.max_selections or 4, len(control.options))
                return self.random.sample(control.options, self.random.randrange(most + 1))
            case "slider":
                low, high, step = control.min, control.max, control.step or 1
                value = low + step * self.random.randrange(int(round((high - low) / step)) + 1)
                return type(low)(min(high, round(value, 6)))
            case "number_input":
                low, high = control.min, control.max
                value = choose(NUMBERS)
                value = value if low is None else max(value, low)
                value = value if high is None else min(value, high)
                return type(control.value)(value)
            case "text_input":
                return choose(TEXTS)
        return not control.value  # a toggle


def same_number(one: object, other: object) -> bool:
    return isinstance(one, float) and isinstance(other, float) and abs(one - other) < 1e-6


def _held(control) -> object:
    """What a control holds, as it is written on the page."""
    if control.type in ("selectbox", "radio", "button_group", "multiselect"):
        value = control.value
        one = control.format_func
        return [one(v) for v in value] if isinstance(value, list) else None if value is None else one(value)
    return control.value


def _as_written(usual: property) -> Callable:
    """An option's text: as it is, where it is that text already."""
    return lambda self: lambda v: v if v in self.options else str(usual.fget(self)(v))


def prepare(engine, put: Callable = setattr) -> list[str]:
    """Pages without their entry, and with this engine; controls that take an option as it is written on the page, too.
    Returns a list into which the tracebacks of pages go."""
    for name in PACKAGES:
        importlib.import_module(name)
    from vae.ui.shared import shell

    for kind in (Selectbox, Radio, ButtonGroup, Multiselect):
        put(kind, "format_func", property(_as_written(kind.format_func)))
    put(shell, "headline", lambda *_: None)
    for module in [m for name, m in [*sys.modules.items()] if name.startswith("vae.ui") and hasattr(m, "starter")]:
        put(module, "starter", lambda: SimpleNamespace(engine=engine, problem=""))
    told: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if record.exc_info:
            told.append("".join(traceback.format_exception(*record.exc_info))[-1500:])
        return False

    logger = logging.getLogger("streamlit.error_util")
    put(logger, "filters", [note])
    return told


def visit(seed: int, steps: int, log: list[str]) -> tuple[Counter, str]:
    """One browser's visit: what was done, and the fault that ended it, "" for none."""
    trail = ["the start"]
    try:
        monkey = Monkey(seed, log)
    except AssertionError as error:
        return Counter(), f"seed {seed}, at the start: {error}"
    for _ in range(steps):
        try:
            trail.append(monkey.step())
        except Exception as error:
            return monkey.done, f"seed {seed}, step {len(trail)}, after {trail[-5:]}: {type(error).__name__}: {error}"
    return monkey.done, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["VAE_SWEEPS"] = tempfile.mkdtemp()
    warnings.simplefilter("error", RuntimeWarning)  # arithmetic that goes wrong in silence
    from vae.engine import Engine

    engine = Engine(workers=1)
    engine.warm()
    log = prepare(engine)
    logging.getLogger("streamlit").setLevel(logging.CRITICAL)
    faults, started, done = 0, time.perf_counter(), Counter()
    seeds = range(options.seed, options.seed + -(-options.steps // STEPS_A_BROWSER))
    for seed in seeds:
        did, fault = visit(seed, STEPS_A_BROWSER, log)
        done += did
        if fault:
            faults += 1
            print(fault, flush=True)
        for job in (*engine.runs.values(), *engine.sweeps.values()):
            engine.discard(job)
    took = time.perf_counter() - started
    print(f"{done.total():,} steps, seeds {seeds[0]} to {seeds[-1]}: {dict(done)}, {faults} faults, {took:.0f} s")
    engine.close()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
