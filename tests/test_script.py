"""Every exported script runs without this package, in a process of its own, and prints the run's own curve."""

import argparse
import ast
import dataclasses
import io
import subprocess
import symtable
import sys

import numpy as np
import pytest
import torch

import vae
import vae.losses.table
import vae.training.config
import vae.training.networks
from vae.__main__ import main
from vae.data import DATASETS, data_folder
from vae.export.script import script_of
from vae.export.script.data import data_text
from vae.losses.kl_terms import KL_TERMS
from vae.losses.table import LOSSES
from vae.training.networks import ARCHITECTURES
from vae.training.pixels import TREATMENTS
from vae.training.precision import rounds_by_itself

BASE = {"hidden": (32,), "latent_dim": 3, "batch_size": 64, "epochs": 10, "beta": 2.0, "seed": 4}
FORMULA = "where(x < .5, abs(x - p)**1.5, 2*(x - p)**2) + clip(p, .1, e/3)**2 - minimum(logits, -3)*1e-3/pi"

# Each script runs as by a person who has this one file: in a process of its own, with no folder of ours on the path, and
# that is asserted there. The processes are forked from one that has imported what all scripts import, and nothing else.
ALONE = """
import importlib.util, os, runpy, signal, sys, traceback
import numpy, sklearn.datasets, torch
assert importlib.util.find_spec("vae") is None, "this package is within reach"
for line in sys.stdin:
    folder, *options = line.split()
    if (child := os.fork()) == 0:
        signal.alarm(300)
        os.chdir(folder)
        for stream, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.argv = ["train.py", *options]
        try:
            runpy.run_path("train.py", run_name="__main__")
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """alone(text, *options) -> what the script printed, as one row a step."""
    forking = subprocess.Popen(
        [sys.executable, "-I", "-c", ALONE], cwd=tmp_path_factory.mktemp("alone"), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def run(text, *options):
        folder = tmp_path_factory.mktemp("script")
        (folder / "train.py").write_text(text, encoding="utf-8")
        forking.stdin.write(" ".join(map(str, (folder, *options))) + "\n")
        forking.stdin.flush()
        assert forking.stdout.readline() == "0\n", (folder / "stderr").read_text()
        header, rows = (folder / "stdout").read_text().split("\n", 1)
        assert header == "step,reconstruction,kl,objective"
        return np.loadtxt(io.StringIO(rows), delimiter=",", ndmin=2)

    yield run
    forking.communicate(timeout=30)
    assert forking.returncode == 0


def curve(config, steps):
    data = vae.load_dataset(config.dataset, config.size)
    _, progress = vae.advance(vae.initial_state(config), config, data, steps)
    assert progress.failure is None and len(progress.kl) == steps
    return np.stack([np.arange(1, steps + 1), progress.reconstruction, progress.kl, progress.objective], axis=1)


# ---- Curves ------------------------------------------------------------------------------------------------------

# Past an epoch's end and a cycle's. Every loss, every KL term, every architecture, both reductions, another size: each in one of these at least.
TOGETHER = (
    ({"loss": "bce", "kl_term": "warmup", "schedule": "linear"}, 60),
    ({"loss": "mse", "kl_term": "constant", "architecture": "l17"}, 25),
    ({"loss": "gaussian", "parameters": {"sigma": 0.3}, "kl_term": "cyclical", "reduction": "mean"}, 60),
    ({"loss": "gaussian_optimal", "kl_term": "capacity"}, 60),
    ({"loss": "gaussian_learned", "kl_term": "iwae", "kl_parameters": {"samples": 3}, "reduction": "mean"}, 60),
    ({"loss": "continuous_bernoulli", "kl_term": "free_bits"}, 60),
    ({"loss": "laplace", "parameters": {"b": 0.2}, "architecture": "keras"}, 20),
    ({"loss": "logcosh", "architecture": "conv", "size": 11}, 25),
    ({"loss": "ssim", "size": 12}, 60),
    ({"loss": "formula", "formula": FORMULA, "hidden": (32, 16)}, 60),
    ({"loss": "bce", "pixels": "binary_sampled", "dataset": "sprites", "size": 16}, 20),
    ({"loss": "bce", "pixels": "binary", "dataset": "faces", "size": 12}, 10),
    ({"loss": "mse", "pixels": "dequantised", "dataset": "patches"}, 20),
    (
        {"loss": "gaussian_optimal", "pixels": "symmetric", "dataset": "patches_colour", "size": 9, "kl_term": "iwae"},
        10,
    ),
)


@pytest.mark.parametrize(
    ("changes", "steps"),
    TOGETHER,
    ids=["-".join((changes["loss"], changes.get("pixels", ""))).strip("-") for changes, _ in TOGETHER],
)
def test_a_script_prints_the_curve_of_the_run(changes, steps, alone):
    config = vae.TrainConfig(**BASE | changes)
    got, wanted = alone(script_of(config), "--steps", steps), curve(config, steps)
    assert got.shape == wanted.shape
    # A KL near 0 is a difference of numbers near 1; and some processors sum a convolution's adjoint in another order.
    rtol = 1e-5 if config.architecture == "mlp" else 5e-5
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("field", ["loss", "kl_term", "architecture", "pixels"])
def test_nothing_is_left_out_of_the_scripts_that_are_run(field):
    known = {
        "loss": vae.training.config.loss_keys(),
        "kl_term": KL_TERMS,
        "architecture": ARCHITECTURES,
        "pixels": TREATMENTS,
    }[field]
    default = {"kl_term": "constant", "architecture": "mlp", "pixels": "unit"}
    assert {changes.get(field, default.get(field)) for changes, _ in TOGETHER} == set(known)


@pytest.mark.skipif(not rounds_by_itself(), reason="PyTorch rounds no factors by itself on this processor")
@pytest.mark.parametrize("architecture", ["mlp", pytest.param("conv", marks=pytest.mark.slow)])
def test_a_script_rounds_products_as_the_run_does(architecture, alone):
    """To the same bfloat16, so the curves agree far better than float32's own does (see test_update.py)."""
    config = vae.TrainConfig(**BASE | {"precision": "bfloat16", "architecture": architecture})
    np.testing.assert_allclose(alone(script_of(config), "--steps", 40), curve(config, 40), rtol=2e-3)


ONE_BY_ONE = (
    *({"loss": key} for key in LOSSES),
    *({"loss": "gaussian", "kl_term": key} for key in KL_TERMS),
    *({"loss": loss, "kl_term": "iwae"} for loss in LOSSES),
    *({"loss": "mse", "architecture": key, "latent_dim": 2} for key in ARCHITECTURES),
    *({"loss": "formula", "formula": FORMULA, "kl_term": key} for key in ("capacity", "iwae")),
    *({"loss": key, "reduction": "mean", "size": 9} for key in LOSSES),
    {"loss": "bce", "dataset": "olivetti", "size": 16},
    {"loss": "bce", "dataset": "mnist"},
)


@pytest.mark.slow
@pytest.mark.parametrize("changes", ONE_BY_ONE, ids=lambda changes: "-".join(map(str, changes.values())))
def test_every_setting_by_itself(changes, alone):
    config = vae.TrainConfig(**BASE | changes)
    if not DATASETS[config.dataset].is_present():
        pytest.skip(f"{config.dataset} is not in {data_folder()}: set VAE_DATA or fetch it")
    text = script_of(config).replace('"VAE_DATA", "data"', f'"VAE_DATA", {str(data_folder())!r}')
    steps = min(200 if config.architecture == "mlp" else 40, config.total_steps)
    np.testing.assert_allclose(alone(text, "--steps", steps), curve(config, steps), rtol=5e-5)


@pytest.mark.parametrize(("dataset", "size"), [("digits", 0), ("digits", 11), ("olivetti", 24), ("mnist", 0)])
def test_a_script_reads_the_images_that_the_run_trains_on(dataset, size):
    if not DATASETS[dataset].is_present():
        pytest.skip(f"{dataset} is not in {data_folder()}: set VAE_DATA or run 'python -m vae fetch {dataset}'")
    images = images_read(vae.TrainConfig(dataset=dataset, size=size), data_folder())
    assert torch.equal(images, vae.load_dataset(dataset, size).train)


def images_read(config, folder):
    names = {"np": np, "torch": torch, "F": torch.nn.functional, "sys": sys, "options": argparse.Namespace(data=folder)}
    exec(data_text(config), names)
    return names["images"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_function_of_a_script_hides_another_by_a_name_of_its_own(dataset):
    """In a script private helpers are public: a local variable of that name would hide the helper."""
    module = symtable.symtable(script_of(vae.TrainConfig(dataset=dataset), 1, 1), "script", "exec")
    functions = [child for child in module.get_children() if child.get_type() == "function"]
    named = {function.get_name() for function in functions}
    for function in functions:
        assert not named & set(function.get_locals()), function.get_name()


def test_absent_images_get_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"train-images-idx3-ubyte is not there\. torchvision.datasets.MNIST\("):
        images_read(vae.TrainConfig(dataset="mnist"), tmp_path)


def loss_section(text):
    """What the script's section on the loss defines, by name."""
    names = {"torch": torch, "Tensor": torch.Tensor, "F": torch.nn.functional}
    exec(text.partition("# ---- Loss ---")[2].partition("# ---- Training ---")[0].partition("\n")[2], names)
    return names


# ---- The text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [changes for changes, _ in TOGETHER], ids=lambda changes: changes["loss"])
def test_a_script_is_short_and_holds_its_own_loss_alone(changes):
    config = vae.TrainConfig(**BASE | changes)
    text = script_of(config)
    loader = changes.get("dataset", "digits") != "digits"  # the text of a loader that draws or cuts its pictures
    assert len(text.splitlines()) < (430 if loader else 180)
    tree = ast.parse(text)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {*sys.stdlib_module_names, "torch", "numpy", "sklearn", "PIL"}
    foreign = {"ssim", "logcosh_of_prediction", "laplace_of_prediction", "log_normaliser", "formula"}
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)} & foreign
    assert all(name.startswith(config.loss) or config.loss == "continuous_bernoulli" for name in own)
    assert config.loss_record().url in text and config.kl_record().url in text and "STAT 453" in text
    assert torch.__version__ in text and np.__version__ in text and vae.__version__ in text


def test_settings_are_in_the_script_whole():
    config = vae.TrainConfig(**BASE | {"loss": "formula", "formula": "(x -\n\tp)**2 - 3*p"})
    lines = script_of(config).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("# Settings: "))
    said = [lines[first].removeprefix("# Settings: ")]
    said += [line.removeprefix("#   ") for line in lines[first + 1 :] if line.startswith("#   ")]
    assert vae.TrainConfig.from_json(" ".join(said)) == config


def test_steps_and_threads_are_the_runs_unless_told_otherwise():
    config = vae.TrainConfig(**BASE)
    assert f'"--steps", type=int, default={config.total_steps})' in script_of(config)
    text = script_of(config, steps=7, threads=3)
    assert '"--steps", type=int, default=7)' in text and '"--threads", type=int, default=3,' in text
    for wrong in ({"steps": 0}, {"threads": 1.5}, {"steps": "1; import os"}):
        with pytest.raises(vae.SettingError, match="a whole number from 1"):
            script_of(config, **wrong)


def test_nothing_typed_by_the_user_becomes_code():
    """A formula over two lines would leave its comment; numbers and names come from the tree that was read."""
    config = vae.TrainConfig(**BASE | {"loss": "formula", "formula": "(x - p)**2 + (\n\nexp\n(0 *\r\nx))"})
    tree = ast.parse(script_of(config))
    body = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "formula").body
    assert ast.unparse(body[-1]) == "return (x - p) ** number(2.0) + torch.exp(number(0.0) * x)"


@pytest.mark.parametrize(
    "text", [FORMULA, "-x**2*-p", "p**2**x", "(x-p)-(2-(3*p-x))", "1/(1/(2+p))", "-(-p)**3", "x-p/2*x"]
)
def test_a_written_formula_means_what_was_read(text):
    """Precedence, unary minus and powers: the printed expression has the value and the gradient of the tree, bit for bit."""
    config = vae.TrainConfig(loss="formula", formula=text)
    names = loss_section(script_of(config))
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(400, generator=generator)
    results = []
    for function in (names["formula"], config.loss_record().pixelwise):
        logits = (4 * torch.randn(400, generator=torch.Generator().manual_seed(1))).requires_grad_()
        value = function(logits, x)
        results.append((value, *torch.autograd.grad(value.sum(), logits)))
    assert all(torch.equal(a, b) for a, b in zip(*results))


# ---- A loss that is new ------------------------------------------------------------------------------------------

STEEPNESS = 3.0  # of the loss below


def _steep(p, x):
    """A constant and a helper with an underscore: both must come along, under names of their own."""
    return STEEPNESS * (x - p).abs()


def new_loss(p, x):
    return _steep(p, x) ** 2


def _with_loss(monkeypatch, pixelwise):
    record = dataclasses.replace(LOSSES["mse"], pixelwise=pixelwise)
    monkeypatch.setattr(vae.losses.table, "LOSSES", {**LOSSES, "mse": record})
    return vae.TrainConfig(**BASE | {"loss": "mse"})


def test_a_new_loss_needs_nothing(monkeypatch):
    config = _with_loss(monkeypatch, vae.losses.record.of_sigmoid(new_loss))
    text = script_of(config)
    assert "STEEPNESS = 3.0  # of the loss below" in text and "def steep(" in text and "return steep(p, x) ** 2" in text
    p, x = torch.rand(2, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loss_section(text)["new_loss"](p, x), new_loss(p, x))


@pytest.mark.parametrize("kind", ["lambda", "closure", "builtin"])
def test_a_loss_without_a_text_of_its_own_is_refused_in_one_sentence(monkeypatch, kind):
    factor = 2.0

    def closure(logits, x):
        return factor * (torch.sigmoid(logits) - x) ** 2

    pixelwise = {"lambda": lambda logits, x: (logits - x) ** 2, "closure": closure, "builtin": torch.sub}[kind]
    config = _with_loss(monkeypatch, pixelwise)
    with pytest.raises(
        vae.SettingError, match=r"^loss = 'mse' cannot be used: a script is written for functions whose"
    ):
        script_of(config)


def _untold(shape, hidden):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4)).apply(lambda layer: None), 4


def test_a_network_whose_first_weights_cannot_be_told_is_refused_in_one_sentence(monkeypatch):
    record = dataclasses.replace(ARCHITECTURES["mlp"], encoder=_untold)
    monkeypatch.setattr(vae.training.networks, "ARCHITECTURES", {**ARCHITECTURES, "mlp": record})
    with pytest.raises(vae.SettingError, match=r"^architecture = 'mlp' cannot be used: .* and '_untold' is none\.$"):
        script_of(vae.TrainConfig(**BASE))


# ---- From the command line ---------------------------------------------------------------------------------------


def test_the_command_prints_the_script(capsys):
    arguments = ("--dataset", "mnist", "--loss", "gaussian", "--sigma", ".3", "--kl-term", "warmup", "--steps", "5")
    assert main(["script", *arguments, "--threads", "2"]) == 0
    config = vae.TrainConfig(dataset="mnist", loss="gaussian", parameters={"sigma": 0.3}, kl_term="warmup")
    assert capsys.readouterr().out == script_of(config, steps=5, threads=2)
