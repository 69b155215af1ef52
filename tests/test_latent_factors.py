"""The Latent page on pictures in colour whose factors are known: every part opens, and what is known is put to use."""

import json

import pytest
import torch

import vae
from vae.data import to_unit
from vae.figures.terms import sum_of_terms
from vae.latent.codes import direction
from vae.latent.forward_pass import forward_pass, noise
from vae.study.factors import most_told
from vae.study.opened import open_checkpoint
from vae.training.checkpoint import Checkpoint
from vae.ui.latent import models
from vae.ui.latent.state import COLOURS_BY, PARTS, STATE
from vae.ui.surfaces import parts

CONFIGS = {
    "file:faces": vae.TrainConfig(dataset="faces", size=24, latent_dim=8, hidden=(64,), batch_size=100),
    "file:sprites": vae.TrainConfig(dataset="sprites", size=16, latent_dim=6, hidden=(64,), batch_size=100),
}


@pytest.fixture(scope="module")
def trained():
    """Two models after 30 steps each, by the keys that the page knows them by."""
    found = {}
    for key, config in CONFIGS.items():
        state, _ = vae.advance(vae.initial_state(config), config, vae.load_dataset(config.dataset, config.size), 30)
        found[key] = open_checkpoint(key, f"My file: {config.dataset}", Checkpoint(state, config, None, 1))
    return found


@pytest.fixture
def opened(open_app, trained, monkeypatch):
    monkeypatch.setattr(models, "_files", lambda: trained)

    def run(model="file:faces", **query):
        app = open_app("latent", model=model, **query)
        assert not app.exception, app.exception
        assert not app.error and not app.warning, [block.value for block in (*app.error, *app.warning)]
        return app

    return run


def captions(app):
    return " ".join(block.value for block in app.caption).replace("\\", "")


def held(app):
    """What every component of ours was given."""
    return [json.loads(block.proto.json) for block in app.get("bidi_component") if block.proto.json]


def map_of(app):
    """The trace of points of the first map."""
    return json.loads(next(data["figure"] for data in held(app) if "figure" in data))["data"][0]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("model", CONFIGS)
def test_every_part_opens(opened, part, model):
    opened(model, part=part)
    opened(model, part=part, beside="digits-bce-z8", start="image", image=3)
    opened("digits-bce-z8", part=part, beside=model)


def test_a_map_is_coloured_by_a_factor_and_the_link_says_so(opened, trained):
    factors = trained["file:faces"].factors
    app = opened(part="embed", colour="mouth")
    marker = map_of(app)["marker"]
    assert marker["colorbar"]["ticktext"] == ["sad", "smiling"] and marker["colorbar"]["tickvals"] == [-1, 1]
    assert app.query_params["colour"] in ("mouth", ["mouth"])
    app.selectbox(key="latent.colour").set_value("glasses").run()
    trace = map_of(app)
    assert set(trace["text"]) == {"no glasses", "glasses"} and "colorbar" not in trace["marker"]
    assert [text == "glasses" for text in trace["text"]] == (factors.values[:, 4] == 1).tolist()
    assert app.selectbox(key="latent.colour").options == [*COLOURS_BY.values(), *factors.names]


def test_another_model_without_that_factor_falls_back_to_its_classes(opened):
    assert opened("digits-bce-z8", part="embed", colour="mouth").selectbox(key="latent.colour").value == "class"
    assert STATE.read({"colour": "nonsense"})[1] and not STATE.read({"colour": "Eyeglasses"})[1]


def test_a_traversal_names_what_a_dimension_moves_most(opened, trained, monkeypatch):
    for key, model in trained.items():
        assert model.told == most_told(model.encoded.mu, model.factors)
        first = next(told for told in model.told if told)
        said = captions(opened(key))
        assert f"{first.factor} ({first.share:.2f})".replace("0.", ".") in said and "what it moves most" in said
    assert "moves most" not in captions(opened("digits-bce-z8"))


def test_an_attribute_is_added_to_a_picture(opened, trained):
    model = trained["file:faces"]
    app = opened(part="arithmetic", groups="attribute", attribute="glasses", origin="image", image=5)
    with_, without = (int((model.factors.values[:, 4] == level).sum()) for level in (1, 0))
    assert f"mean code of {with_} test images that are “glasses” less that of {without} that are" in captions(app)
    way = direction(model.encoded.mu, model.factors.values[:, 4] == 1, model.factors.values[:, 4] == 0)
    assert f"mean codes are {float(way.norm()):.2f} apart" in captions(app)
    pictures = [data for data in held(app) if data.get("alt", "").startswith("Arithmetic")]
    assert pictures[0]["count"] == 26
    app.selectbox(key="latent.attribute").set_value("mouth").run()
    assert app.query_params["attribute"] in ("mouth", ["mouth"]) and "“smiling”" in captions(app)
    assert not app.exception


def test_two_classes_begin_with_one_less_the_other(opened):
    """The usual ones are digits, 8 less 5, which a set of two classes has not."""
    app = opened("faces-gaussian_optimal", part="arithmetic")
    assert [app.selectbox(key=f"latent.{name}_class").value for name in ("minus", "plus")] == [0, 1]
    assert "mean codes are 0.00 apart" not in captions(app)


def test_attributes_are_offered_where_there_are_some_and_begin_at_a_picture(opened):
    app = opened("file:sprites", part="arithmetic")
    app.selectbox(key="latent.groups").set_value("attribute").run()
    assert app.selectbox(key="latent.origin").value == "image"
    offered = app.selectbox(key="latent.attribute").options
    assert offered[0].startswith("x: right, from left") and not any(name.startswith("shape") for name in offered)
    assert (
        opened("digits-bce-z8", part="arithmetic", groups="attribute").selectbox(key="latent.groups").value == "classes"
    )


def test_an_image_in_colour_keeps_its_loss_per_pixel_summed_over_channels(opened, trained):
    model = trained["file:faces"]
    x = model.images[0]
    seen = forward_pass(model.config, model.model, x, noise(0, 8), torch.zeros(8))
    assert seen.reconstructions["bce"].per_pixel.shape == (3, 24, 24)
    assert "576 pixels in 3 channels" in sum_of_terms(model.config.loss_record(), seen, "")
    assert seen.reconstructions["bce"].total == pytest.approx(float(model.encoded.losses[0]), rel=1e-4)


def test_on_a_loss_a_picture_in_colour_is_the_mean_of_its_channels(open_app, trained, monkeypatch):
    model = trained["file:faces"]
    monkeypatch.setattr(parts, "open_model", lambda name: model)
    app = open_app("surfaces", part="image", source="mnist-bce-z20", picture=3, losses="mse")
    assert not app.exception and not app.error
    x, p = to_unit(model.images[2]).mean(0), model.predict(model.encoded.mu[2:3])[0].mean(0)
    (said,) = (text.value for text in app.markdown if "Summed over 576 pixels" in text.value)
    assert f"**MSE** {(x - p).square().sum():.2f}" in said and "the mean of its channels" in said
