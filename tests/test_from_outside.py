"""What a developer adds, as CONTRIBUTING.md walks through it: its files are written and its changes made in a copy of the source, and
everything else reads them from there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()

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

DRAWN = """
import torch, vae

data = vae.load_dataset("bars")
assert (data.images.shape[1:], data.n_train, len(data.test)) == ((1, 12, 12), 1200, 240)
assert set(data.images.sum((1, 2, 3)).tolist()) == {12 * 255} and data.test_labels.bincount().tolist() == [120, 120]
config = vae.TrainConfig(dataset="bars", latent_dim=2, hidden=(16,), epochs=1)
assert list(vae.train(config))[-1][1].step == config.total_steps
print("added")
"""

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


def follow(chapter: str, folder: Path) -> None:
    """Do what that chapter says: each block of code belongs to the file that the text before it names last."""
    text, place = GUIDE[GUIDE.index(f"## {chapter}\n") :].partition("\n## ")[0], folder
    for before, kind, block in re.findall(r"(.*?)```(\w+)\n(.*?)```", text, re.S):
        for empty in re.findall(r"empty `([\w/.]+)`", before):
            (folder / empty).parent.mkdir()
            (folder / empty).touch()
        if named := re.findall(r"`((?:vae|pages)/[\w/]+\.py)`", before):
            place = folder / named[-1]
        if kind == "python":
            place.write_text(block)
        else:
            change(place, block)


def change(path: Path, block: str) -> None:
    """Lines with a minus go, lines with a plus come; of the last one the file's line may go on."""
    lines = block.rstrip("\n").split("\n")
    old = "\n".join(line[1:] for line in lines if line[0] != "+")
    new = "\n".join(line[1:] for line in lines if line[0] != "-")
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def run(folder: Path, code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_a_loss_with_closed_forms_is_one_record_in_one_file(copy):
    follow("Add a loss", copy)
    assert run(copy, USES) == "added"


def test_a_data_set_is_one_file_and_its_name(copy):
    follow("Add a data set", copy)
    assert run(copy, DRAWN) == "added"


def test_a_page_is_one_folder_its_recipe_and_its_name(copy):
    follow("Add a page", copy)
    assert run(copy, VISIT) == "added"
