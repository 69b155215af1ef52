"""The Loss surfaces page as Streamlit runs it, without a browser."""

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from vae.data import load_dataset, to_unit
from vae.training.shipped import load_shipped
from vae.ui.shared import shell
from vae.ui.surfaces import parts as surface_parts

PAGE = Path(__file__).parents[1] / "pages" / "surfaces.py"


@pytest.fixture
def opened(monkeypatch):
    """opened(field="text", ...) -> the page behind that link, run once; without an engine."""
    monkeypatch.setattr(shell, "headline", lambda *_: None)
    monkeypatch.setattr(surface_parts, "engine", lambda: None)

    def open_(**query: str) -> AppTest:
        app = AppTest.from_file(str(PAGE), default_timeout=60)
        for field, text in query.items():
            app.query_params[field] = text
        app.run()
        assert not app.exception
        return app

    return open_


@pytest.mark.parametrize("form", ["surface", "map", "section"])
def test_the_prediction_moves(opened, form):
    app = opened(losses="bce,gaussian,formula", form=form, view="asymmetry", part="descent")
    app.slider(key="surface.p").set_value(0.25).run()
    app.slider(key="surface.gaussian.sigma").set_value(0.5).run()
    assert not app.exception
    assert (app.query_params["p"], app.query_params["gaussian.sigma"]) == ("0.25", "0.5")


@pytest.mark.parametrize("part", ["image", "patch"])
def test_a_link_chooses_the_picture_and_a_choice_makes_a_link(opened, part):
    app = opened(part=part, picture="7")
    assert app.selectbox(key="surface.picture").value == 7
    app.selectbox(key="surface.picture").set_value(3).run()
    assert app.query_params["picture"] == "3"
    assert not app.exception


def test_a_link_to_a_run_says_where_to_start_one(opened):
    app = opened(part="image", source="run")
    assert "start one on the Train page" in app.info[0].value
    app.selectbox(key="surface.source").set_value("mean").run()
    assert not app.info and "source" not in app.query_params
    assert any("Summed over 64 pixels" in text.value for text in app.markdown)


def test_a_trained_model_predicts_the_picture(opened):
    app = opened(part="image", source="digits-bce-z8", picture="4", losses="bce,mse")
    model, data = load_shipped("digits-bce-z8"), load_dataset("digits")
    x = to_unit(data.test[3:4])
    with torch.inference_mode():
        logits = model.model().decode(model.model().encode(x)[0])
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    (said,) = (text.value for text in app.markdown if "Summed over 64 pixels" in text.value)
    assert f"**BCE** {bce:.2f}" in said
    assert f"**MSE** {torch.sigmoid(logits).sub(x).square().sum():.2f}" in said


def test_a_model_without_its_images_says_so_and_the_page_lives(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    app = opened(part="image", source="mnist-bce-z20")
    assert any("do not ship with the app" in text.value for text in app.caption)
    app.selectbox(key="surface.source").set_value("digits-mse-z2").run()
    assert any("Summed over 64 pixels" in text.value for text in app.markdown)


def test_the_loss_whose_map_is_shown_is_in_the_link_and_one_that_is_not_on_show_gives_way(opened):
    app = opened(part="image", losses="bce,mse", on="mse")
    assert app.selectbox(key="surface.on").value == "mse"
    app.multiselect(key="surface.losses").set_value(["laplace", "bce"]).run()
    assert not app.exception and app.selectbox(key="surface.on").value == "laplace"


def test_infinity_less_infinity_has_no_value(opened):
    app = opened(
        part="patch", losses="formula", formula="where(x < .5, log(p), -log(p))", distortion="shift", amount="3"
    )
    assert any("is none nats" in text.value for text in app.markdown)
