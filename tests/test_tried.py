"""What users of other programs met in public, tried here: docs/tried.md says where each is from. What a test elsewhere holds
already is named there."""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch

import vae
from vae.errors import SettingError, VaeError
from vae.latent.pca_tsne import EmbeddingConfig, advance_embedding, affinities, initial_embedding, usable
from vae.losses.table import LOSSES
from vae.training.config import TrainConfig
from vae.training.evaluation import terms_of_batch
from vae.training.step import TrainState
from vae.training.subset import encode_test
from vae.ui.latent.state import PARTS

SMALL = {"dataset": "digits", "hidden": (8,), "latent_dim": 3, "epochs": 1}


@pytest.fixture(scope="module")
def digits():
    return vae.load_dataset("digits")


@pytest.fixture
def file_of(digits, tmp_path):
    """file_of(change) -> a model's file, after change(weights), as its program would have saved it."""

    def make(change, **settings) -> bytes:
        config = TrainConfig(**SMALL | settings)
        state = vae.initial_state(config)
        weights = {name: tensor.clone() for name, tensor in state.weights.items()}
        change(weights)
        vae.save_checkpoint(tmp_path / "a.safetensors", TrainState(state.step, weights, {}, {}), config, None, 1)
        return (tmp_path / "a.safetensors").read_bytes()

    return make


def said(app) -> str:
    kinds = (app.error, app.warning, app.info, app.caption, app.markdown)
    return " ".join(block.value.replace("\\", "") for kind in kinds for block in kind)


# ---- VAE programs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "log_var"), [*((part, 200.0) for part in PARTS), ("image", 60.0)])
def test_a_log_variance_without_a_bound(open_app, file_of, part, log_var):
    """exp(200 / 2) times the noise is no code: the page says so, or shows what does not need it."""
    app = open_app("latent", part=part)
    content = file_of(lambda weights: weights["log_var.bias"].fill_(log_var))
    app.file_uploader[0].set_value(("a.safetensors", content, "application/octet-stream")).run()
    assert not app.exception, app.exception[0].message
    assert not re.search(r"\bnan\b", said(app))
    assert ("z = μ + σ ε is not finite" in said(app)) == (part == "image" and log_var > 100)


def test_a_broken_model_beside_a_whole_one(open_app, file_of):
    app = open_app("latent", part="image", model="digits-bce-z8")
    content = file_of(lambda weights: weights["log_var.bias"].fill_(200.0), latent_dim=8)
    app.file_uploader[0].set_value(("a.safetensors", content, "application/octet-stream")).run()
    broken = app.selectbox(key="latent.model").value
    app.selectbox(key="latent.model").set_value("digits-bce-z8").run()
    app.selectbox(key="latent.beside").set_value(broken).run()
    assert not app.exception and not re.search(r"\bnan\b", said(app))
    assert "My file: a.safetensors: Of this image z = μ + σ ε is not finite" in said(app)


@pytest.mark.parametrize("loss", [key for key, loss in LOSSES.items() if loss.normalised])
def test_a_perfect_reconstruction_under_a_density(loss):
    """sigma does not go to 0, and the loss is finite: its size is bounded by the least sigma there is."""
    x = torch.zeros(4, 1, 8, 8)
    for logits in (torch.full_like(x, -200.0), torch.full_like(x, -1e30)):
        found = LOSSES[loss].pixelwise(logits, x)
        assert not found.isnan().any() and (found > -1e31).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("learning_rate", [1.0, 10.0])
def test_a_learning_rate_that_breaks_the_net_on_one_class(digits, loss, learning_rate):
    """Training goes on or ends with a sentence; never is there NaN in what is shown."""
    config = TrainConfig(**SMALL | {"loss": loss, "learning_rate": learning_rate, "latent_dim": 20})
    state = vae.initial_state(config)
    try:
        for state, progress in vae.train(config):
            assert np.isfinite(progress.reconstruction).all() and np.isfinite(progress.kl).all()
            for seen in progress.observations:
                assert not math.isnan(seen.objective)  # infinite it may be: the KL of a broken net is
    except VaeError as reason:
        assert "step" in str(reason)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_neither_term_depends_on_how_many_images_are_in_a_batch(digits, reduction):
    """Twice the same images in a batch: the same nats per image, the same weight of the KL."""
    config = TrainConfig(**SMALL | {"reduction": reduction})
    model = vae.model_of(config, vae.initial_state(config).weights)
    x, eps = vae.data.to_unit(digits.test[:16]), torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    one, two = (terms_of_batch(config, model, x.repeat(n, 1, 1, 1), eps.repeat(n, 1)) for n in (1, 2))
    for name in ("reconstruction", "kl", "objective"):
        torch.testing.assert_close(getattr(one, name), getattr(two, name), rtol=1e-5, atol=0)
    pixels = 64 if reduction == "mean" else 1
    torch.testing.assert_close(one.objective, one.reconstruction / pixels + one.kl)


def test_a_last_batch_of_one_image(digits):
    """1,437 images in batches of 359: four whole ones, and one image that is left."""
    config = TrainConfig(**SMALL | {"batch_size": 359, "architecture": "conv"})
    *_, (state, progress) = vae.train(config)
    assert state.step == config.total_steps == 5
    assert np.isfinite(progress.reconstruction).all()


@pytest.mark.parametrize("size", [0, 1438, 100_000])
def test_a_batch_larger_than_the_data_says_how_large_it_may_be(open_app, size):
    with pytest.raises(SettingError, match="from 1 to 1,437 is accepted, as digits has 1,437 training images"):
        TrainConfig(**SMALL | {"batch_size": size})
    app = open_app("train", dataset="digits", batch_size=size)
    assert not app.exception and f"batch_size = {size} cannot be used" in said(app)


def test_a_file_of_another_latent_dimension_is_answered_in_one_sentence(open_app, file_of):
    """As where the settings are those of another program: the sizes do not fit, and no page dies of it."""
    app = open_app("latent")
    content = file_of(lambda weights: weights.update({"mu.weight": torch.zeros(5, 8), "mu.bias": torch.zeros(5)}))
    app.file_uploader[0].set_value(("a.safetensors", content, "application/octet-stream")).run()
    assert not app.exception and len(app.error) == 1 and "mu" in app.error[0].value
    assert "Error" not in app.error[0].value and "state_dict" not in app.error[0].value


# ---- t-SNE ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "method"), [("embed", "pca"), ("embed", "tsne"), ("map", "pca"), ("walk", "pca")])
def test_a_map_of_codes_that_are_all_alike(open_app, file_of, engine, part, method):
    """A collapsed encoder: no variation is made up; one code is left, and the page says that it makes no map."""

    def collapse(weights):
        for name in ("mu.weight", "mu.bias", "log_var.weight", "log_var.bias"):
            weights[name].zero_()

    app = open_app("latent", engine, part=part, method=method)
    app.file_uploader[0].set_value(("a.safetensors", file_of(collapse), "application/octet-stream")).run()
    assert not app.exception, app.exception[0].message
    assert "Collapsed" in said(app) and not re.search(r"\bnan\b", said(app))
    if part == "embed" and method == "tsne":
        assert "a map needs 7 different codes, and there are 1" in said(app)


@pytest.mark.slow
def test_a_large_perplexity_of_whole_numbers(perplexity=200):
    """Codes of zeros and ones, most of them there many times: the KL is a number at every look."""
    codes = np.random.default_rng(0).integers(-1, 1, size=(4000, 12)).astype(np.float32)
    codes = codes[usable(codes).index]
    assert len(np.unique(codes, axis=0)) == len(codes) > 3 * perplexity
    config = EmbeddingConfig(perplexity=perplexity)
    found, state = affinities(codes, config), initial_embedding(codes, config)
    for _ in range(3):
        state, progress = advance_embedding(state, found, config)
        assert (
            math.isfinite(progress.kl_divergence)
            and progress.kl_divergence >= 0
            and np.isfinite(state.coordinates).all()
        )


def test_a_first_layout_of_codes_without_variance():
    """Nothing is divided by their standard deviation of 0: refused, and where one direction alone varies, a line."""
    codes = np.zeros((40, 3), np.float32)
    with pytest.raises(SettingError, match="codes or a start that differ are needed"):
        initial_embedding(codes, EmbeddingConfig(perplexity=5, initial="pca"))
    assert np.isfinite(initial_embedding(codes, EmbeddingConfig(perplexity=5, initial="random")).coordinates).all()
    codes[:, 0] = np.arange(40)
    assert np.isfinite(initial_embedding(codes, EmbeddingConfig(perplexity=5, initial="pca")).coordinates).all()


def test_a_map_of_one_image(open_app, digits, tmp_path, monkeypatch):
    """A file that brings the codes of a single image."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    config = TrainConfig(**SMALL)
    state = vae.initial_state(config)
    subset = encode_test(config, vae.model_of(config, state.weights), digits)
    one = dataclasses.replace(subset, **{f.name: getattr(subset, f.name)[:1] for f in dataclasses.fields(subset)})
    path = tmp_path / "one.safetensors"
    vae.save_checkpoint(path, TrainState(0, state.weights, {}, {}), config, None, 1, None, one)
    for part in ("embed", "map", "walk"):
        app = open_app("latent", part=part)
        app.file_uploader[0].set_value((path.name, path.read_bytes(), "application/octet-stream")).run()
        assert not app.exception and app.error


# ---- Streamlit apps ------------------------------------------------------------------------------------------------------


def test_a_number_that_is_beyond_the_next_model_s_last_image(open_app):
    """An old value of a control whose bounds shrink: image 1,500 of MNIST, then a model of digits, which has 360."""
    app = open_app("latent", model="mnist-bce-z2", part="image", image=1500)
    app.selectbox(key="latent.model").set_value("digits-bce-z2").run()
    assert not app.exception and app.number_input(key="latent.image").value < 360
    app.selectbox(key="latent.model").set_value("mnist-bce-z2").run()
    assert not app.exception


@pytest.mark.parametrize(("page", "suffix"), [("latent", "safetensors"), ("lab", "csv")])
def test_a_file_that_is_empty_and_one_that_comes_twice(open_app, file_of, page, suffix):
    """An empty one is refused; a good one opens, stays while other controls are used, and opens again after it was removed."""
    app = open_app(page)
    app.file_uploader[0].set_value((f"empty.{suffix}", b"", "application/octet-stream")).run()
    assert not app.exception and len(app.error) == 1
    if page == "latent":
        good = ("good.safetensors", file_of(lambda weights: None), "application/octet-stream")
        for _ in range(2):
            app.file_uploader[0].set_value(good).run()
            assert not app.exception and not app.error and "My file: good" in said(app)
            app.selectbox(key="latent.model").set_value("digits-bce-z2").run()
            assert "My file: good" not in said(app)  # the file is not opened again by itself
            app.file_uploader[0].set_value(None).run()
            assert not app.exception


# ---- Data ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "size"), [("train", 0), ("compare", 0), ("lab", 100), ("latent", 100)])
def test_a_fetch_of_mnist_that_was_broken_off(open_app, tmp_path, monkeypatch, page, size):
    """Files of no bytes, or of some, where MNIST should lie: not taken for the data set, and no page dies of it."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"\0" * size)
    link = {"train": {"dataset": "mnist"}, "compare": {"data": "mnist"}, "lab": {"data": "mnist"}}.get(page, {})
    app = open_app(page, **link or {"model": "mnist-bce-z2", "part": "traverse"})
    assert not app.exception
    with pytest.raises(VaeError, match="mnist|MNIST"):
        vae.load_dataset("mnist")
