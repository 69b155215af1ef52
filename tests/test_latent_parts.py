"""The Latent page as Streamlit runs it, without a browser: every part, offline, and what cannot be done is said."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from vae import load_dataset
from vae.training.shipped import SHIPPED
from vae.ui.latent.state import PARTS, STATE


@pytest.fixture
def opened(open_app, monkeypatch, tmp_path):
    """opened(**link) -> the page after it was run, on a machine that has no data set but digits."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path))

    def run(**query) -> AppTest:
        app = open_app("latent", **query)
        assert not app.exception, app.exception
        return app

    return run


def pictures_of(app: AppTest) -> list[str]:
    """The PNG of every grid of pictures on the page."""
    found = [json.loads(block.proto.json) for block in app.get("bidi_component") if block.proto.json]
    return [data["png"] for data in found if "png" in data]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "model", ["digits-bce-z2", "digits-bce-z8", "mnist-bce-z20", "mnist-mse-z2", "olivetti-gaussian-z32"]
)
def test_every_part_opens_offline(opened, part, model):
    app = opened(model=model, part=part)
    assert not app.error and SHIPPED[model].title in app.caption[0].value.replace("\\", "")


@pytest.mark.parametrize("part", PARTS)
def test_two_models_stand_side_by_side_even_where_nothing_fits(opened, part):
    assert not opened(model="digits-bce-z8", beside="mnist-bce-z2", part=part).error


@pytest.mark.parametrize("part", PARTS)
def test_a_model_beside_itself_is_shown_once(opened, part):
    app = opened(model="digits-bce-z2", beside="digits-bce-z2", part=part)
    assert not app.error and "shown once" in app.info[0].value
    assert pictures_of(app) == pictures_of(opened(model="digits-bce-z2", part=part))


def test_the_same_link_shows_the_same_pictures(opened):
    for part in ("traverse", "map", "walk"):
        first, again = (pictures_of(opened(model="mnist-bce-z20", part=part, seed=3)) for _ in range(2))
        assert first and first == again
    other = pictures_of(opened(model="mnist-bce-z20", part="map", seed=4))
    assert other != pictures_of(opened(model="mnist-bce-z20", part="map", seed=3))


def test_a_slider_moves_the_picture_and_the_link(opened):
    app = opened(model="digits-bce-z8")
    before = pictures_of(app)
    app.slider(key="latent.move.0").set_value(2.0).run()
    assert app.query_params["moves"] in ("2", ["2"]) and pictures_of(app) != before
    next(b for b in app.button if b.label == "Reset").click().run()
    assert "moves" not in app.query_params and pictures_of(app) == before


@pytest.mark.parametrize("model", ["nonsense", "run:0123", "file:0123"])
def test_a_model_that_is_not_there_is_answered_and_another_can_be_chosen(opened, model):
    app = opened(model=model, part="map")
    assert len(app.error) == 1
    app.selectbox(key="latent.model").set_value("digits-bce-z2").run()
    assert not app.error and pictures_of(app)


def test_a_perplexity_that_is_too_large_says_the_largest_possible(opened):
    app = opened(model="digits-bce-z2", part="embed", method="tsne", perplexity=150)
    assert "at most 119 is possible" in app.warning[0].value.replace("\\", "")


def test_arithmetic_needs_members_in_both_groups(opened):
    app = opened(model="digits-bce-z8", part="arithmetic", groups="ticked", plus_ticks="1,2")
    assert "group minus" in app.info[0].value and not pictures_of(app)[2:]
    assert not opened(model="digits-bce-z8", part="arithmetic", groups="ticked", plus_ticks="1", minus_ticks="2").info


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_an_axis_from_a_class_to_itself_is_answered_and_can_be_set_anew(open_app, engine, method):
    app = open_app(
        "latent", engine, model="digits-bce-z2", part="embed", method=method, colour="axis", axis_from=8, axis_to=8
    )
    said = "axis = 'from 8 to 8' cannot be used: two classes with different mean codes are needed."
    for _ in range(2):
        assert not app.exception, app.exception
        assert any(said in block.value.replace("\\", "") for block in app.caption)
        app.run()
    next(box for box in app.selectbox if box.label == "to").set_value(3).run()
    assert not app.exception and not any("cannot be used" in block.value for block in app.caption)


def picker_of(app: AppTest, label: str) -> dict:
    """What the row of test images under that name shows."""
    found = [json.loads(block.proto.json) for block in app.get("bidi_component") if block.proto.json]
    return next(data for data in found if data.get("alt") == f"{label}: test images")


def test_images_of_one_class_can_be_asked_for_and_the_row_has_the_chosen_one(opened):
    """From a 3 to an 8, whoever does not know the test set by heart."""
    app = opened(model="digits-bce-z8", part="walk", image=0, other=45)
    assert [mark[0] for mark in picker_of(app, "From")["marks"]] == [0]
    assert [mark[0] for mark in picker_of(app, "To")["marks"]] == [5], "the third row of twenty"
    every = pictures_of(app)
    app.selectbox(key="walk.to.class.digits").set_value("8").run()
    assert not app.exception and picker_of(app, "To")["png"] != every[1] and picker_of(app, "From")["png"] == every[0]
    assert app.selectbox(key="walk.to.class.digits").options[:3] == ["all classes", "0", "1"]
    labels = load_dataset("digits").test_labels
    eights = [i for i, label in enumerate(labels.tolist()) if label == 8]
    assert picker_of(app, "To")["count"] == min(20, len(eights))
    assert app.number_input(key=STATE.key("other")).value == eights[0], "the walk goes there, too"
