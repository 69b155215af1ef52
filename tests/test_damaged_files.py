"""Files that were damaged, edited or made up: read where they can be, else refused in one sentence; what is read, every
part of a page can show. `make fuzz` does the same with many more."""

import re

import pytest
import torch
from file_damage import check_sentence, damaged_checkpoint, damaged_results, outcome
from safetensors import safe_open
from safetensors.torch import load

import vae
from vae.latent.codes import health
from vae.latent.forward_pass import forward_pass
from vae.study.claims.evidence import FOLDER
from vae.study.sweep import parse_results, to_table
from vae.training.checkpoint import LastEpoch
from vae.training.step import TrainState
from vae.training.subset import encode_test

CONFIG = vae.TrainConfig(dataset="digits", hidden=(4,), loss="gaussian_optimal", latent_dim=2, epochs=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """(header, tensors) of a small file with everything in it that a file may have, but for moments."""
    data, path = vae.load_dataset("digits"), tmp_path_factory.mktemp("file") / "whole.safetensors"
    state, _ = vae.advance(vae.initial_state(CONFIG), CONFIG, data, 5)
    model = vae.model_of(CONFIG, state.weights)
    metrics = vae.evaluate(CONFIG, model, data)
    last = LastEpoch(1.0, 2.0, 3.0)
    looked_at = TrainState(state.step, state.weights, {}, {})
    vae.save_checkpoint(path, looked_at, CONFIG, metrics, 1, last, encode_test(CONFIG, model, data, metrics.sigma))
    with safe_open(path, "pt") as file:
        return file.metadata(), load(path.read_bytes())


@pytest.fixture(scope="module")
def results():
    lines = (FOLDER / "digits-losses-betas.csv").read_text().splitlines(keepends=True)
    return "".join(lines[:4])


def usable(path, content):
    """The checkpoint, after what every part of the Latent page does with it; or a VaeError."""
    path.write_bytes(content)
    found = vae.load_checkpoint(path)
    model = found.model()
    if found.subset is not None:
        health(found.subset.mu, found.subset.log_var)
    zero = torch.zeros(found.config.latent_dim)
    forward_pass(found.config, model, vae.load_dataset("digits").test[0], zero, zero, step=found.state.step)
    return found


@pytest.mark.parametrize("seeds", [range(i, 2000, 4) for i in range(4)], ids=str)
def test_a_damaged_checkpoint_is_read_or_refused_in_one_sentence(checkpoint, tmp_path, seeds):
    read = [
        outcome(lambda content: usable(tmp_path / "a.safetensors", content), damaged_checkpoint(seed, *checkpoint))
        for seed in seeds
    ]
    assert 0 < sum(found is None for found in read) < len(seeds)


@pytest.mark.parametrize("seeds", [range(i, 2000, 4) for i in range(4)], ids=str)
def test_a_damaged_results_file_is_read_or_refused_in_one_sentence(results, seeds):
    read = [outcome(lambda content: parse_results("a.csv", content), damaged_results(seed, results)) for seed in seeds]
    for sheet in filter(None, read):
        to_table(sheet.results, sheet.spec.varied if sheet.spec else ())
    assert 0 < sum(found is None for found in read) < len(seeds)


@pytest.mark.parametrize(("page", "suffix"), [("latent", "safetensors"), ("lab", "csv")])
def test_a_damaged_file_brought_to_a_page_is_opened_or_answered(open_app, checkpoint, results, page, suffix):
    app = open_app(page)
    for seed in range(25):
        content = damaged_checkpoint(seed, *checkpoint) if page == "latent" else damaged_results(seed, results)
        app.file_uploader[0].set_value((f"{seed}.{suffix}", content, "application/octet-stream")).run()
        assert not app.exception, seed
        assert app.error or any(str(seed) in str(box.format_func(box.value)) for box in app.selectbox), seed
        for said in app.error:
            check_sentence(said.value.replace("\\", ""))


@pytest.mark.parametrize(
    ("page", "field", "names"),
    [
        ("latent", "model", ["{}", "shipped:{}", "file:{}", "run:{}"]),
        ("compare", "models", ["{}", "run:{}"]),
        ("lab", "sweep", ["mine:{}", "shipped:{}", "file:{}"]),
        ("zoo", "patient", ["{}"]),
        ("train", "dataset", ["{}"]),
    ],
)
def test_a_path_in_a_name_opens_no_file(open_app, tmp_path, page, field, names):
    """Each leads to a file that is there and could be read."""
    for name in names:
        for path in (
            "../checkpoints/digits-bce-z2",
            "../measurements/digits-betas",
            f"{tmp_path}/x",
            "..\\x",
            "%2e%2e/x",
        ):
            app = open_app(page, **{field: name.format(path)})
            assert not app.exception, [block.message for block in app.exception]
            said = " ".join(block.value for block in (*app.error, *app.warning, *app.info))
            assert re.search(
                "There is no|is not on this machine|in another session|in this browser any more|cannot be used", said
            ), said
