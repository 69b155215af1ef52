"""What a developer adds: a loss with closed forms is one file, its name in the table and a colour, a page is one folder, its recipe and
its name in the navigation. Each is added to a copy of the source, and everything else reads it from there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CAUCHY = '''"""The Cauchy density: forgives outliers more than any other here."""

import math

import torch
from torch import Tensor

from vae.losses.record import Loss, Parameter, of_residual, of_sigmoid


def cauchy_of_prediction(p: Tensor, x: Tensor, c: float | Tensor = 0.1) -> Tensor:
    """-log Cauchy(x; p, c)."""
    return torch.log1p(((x - p) / c) ** 2) + math.log(math.pi * c)


CAUCHY = Loss(
    key="cauchy",
    name="Cauchy",
    meaning="A density with heavy tails.",
    latex=r"\\\\log(1+r^2/c^2)+\\\\log \\\\pi c",
    source="torch.distributions.Cauchy",
    url="https://docs.pytorch.org/docs/stable/distributions.html",
    normalised=True,
    pixelwise=of_sigmoid(cauchy_of_prediction),
    of_prediction=cauchy_of_prediction,
    parameters=(Parameter("c", 0.1, 0.01, 2.0, "scale"),),
    derivatives=of_residual(
        lambda r, c: 2 * r / (c**2 + r**2), lambda r, c: 2 * (c**2 - r**2) / (c**2 + r**2) ** 2
    ),
)
'''.replace("\\\\\\\\", "\\\\")

USES = """
import torch, vae
from vae.export.script import script_of
from vae.latent.forward_pass import forward_pass
from vae.losses.derivatives import derivatives_of, numerical_derivatives
from vae.losses.surfaces import VIEWS, surface
from vae.study.scoring import MEASURES, score
from vae.study.sweep import SweepSpec
from vae.training.axes import AXES
from vae.links import training as link

loss = vae.LOSSES["cauchy"]
x, p = torch.rand(2, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
for name in ("slope", "logit_slope", "curvature"):
    ours, searched = (getattr(found, name)(p, x, c=0.3) for found in (derivatives_of(loss), numerical_derivatives(loss)))
    torch.testing.assert_close(ours, searched)
for view in VIEWS:
    surface(loss, view, [0.2, 0.8], [0.3, 0.7], c=0.2)
race, problems = link.read({"dataset": "digits", "loss": "cauchy", "c": "0.2", "hidden": "8", "batch_size": "512", "epochs": "1"})
assert not problems, problems
config = race.base
state, progress = list(vae.train(config))[-1]
assert progress.step == config.total_steps
figures = vae.evaluate(config, vae.model_of(config, state.weights), vae.load_dataset("digits"))
assert torch.isfinite(torch.tensor(figures.negative_elbo))
assert "def cauchy_of_prediction" in script_of(config)
scores = score(config, vae.model_of(config, state.weights), vae.load_dataset("digits"), 40, 2)
assert "cauchy" in " ".join(MEASURES), list(MEASURES)
print("added")
"""

HELLO = {
    "vae/ui/hello/__init__.py": "",
    "vae/ui/hello/state.py": '''"""What the page shows."""

from vae.links.fields import whole
from vae.ui.shared.page_state import PageState

STATE = PageState("hello", {"n": whole(3, 0, 9)})
''',
    "vae/ui/hello/page.py": '''"""A number."""

import streamlit as st

from vae.ui.hello.state import STATE


def controls() -> None:
    STATE.control(st.slider, "n", "N", 0, 9)
''',
    "pages/hello.py": '''"""Hello: controls, compute, show."""

import streamlit as st

from vae.ui.hello import page
from vae.ui.hello.state import STATE
from vae.ui.shared.shell import headline, slots, tell

headline("Hello", "A page of its own.")
notices, act = slots(2)
tell(notices, STATE.restore()[1])
with act:
    page.controls()
    st.text(f"n = {STATE.now('n')}")
STATE.share()
''',
}

VISIT = """
from streamlit.testing.v1 import AppTest
from vae.ui.shared import shell

shell.headline = lambda *_: None
app = AppTest.from_file("pages/hello.py", default_timeout=60)
app.query_params["n"] = "7"
app.run()
assert not app.exception, app.exception
assert app.text[0].value == "n = 7"
app.slider[0].set_value(2).run()
assert app.text[0].value == "n = 2" and "2" in app.query_params["n"]
assert shell.PAGES["hello"][0] == "Hello"
print("added")
"""


@pytest.fixture
def copy(tmp_path):
    for name in ("vae", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def run(folder: Path, code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_a_loss_with_closed_forms_is_one_record_in_one_file(copy):
    (copy / "vae" / "losses" / "cauchy.py").write_text(CAUCHY)
    table = copy / "vae" / "losses" / "table.py"
    change(table, "from vae.losses.others", "from vae.losses.cauchy import CAUCHY\nfrom vae.losses.others")
    change(table, "LOGCOSH, SSIM)\n\nLOSSES", "LOGCOSH, SSIM, CAUCHY)\n\nLOSSES")
    theme = copy / "vae" / "figures" / "theme.py"
    theme.write_text(re.sub(r"(LOSS_COLOURS\b[^{]*\{)", r'\1"cauchy": "#000000", ', theme.read_text(), count=1))
    assert run(copy, USES) == "added"


def test_a_page_is_one_folder_its_recipe_and_its_name(copy):
    for name, text in HELLO.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text)
    change(
        copy / "vae/ui/shared/shell.py", '    "server": (', '    "hello": ("Hello", "waving_hand"),\n    "server": ('
    )
    assert run(copy, VISIT) == "added"
