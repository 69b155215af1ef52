"""A page's fields in its link: what goes out comes back, and what cannot be used is answered and changes nothing."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from vae import TrainConfig
from vae.errors import SettingError
from vae.links.fields import choice, real, whole
from vae.training.pixels import TREATMENTS
from vae.ui.compare.state import Images, data_name, data_of
from vae.ui.latent.state import STATE
from vae.ui.shared import page_state

UI = Path(page_state.__file__).parents[1]

CHANGED = {
    "model": "digits-bce-z2", "beside": "digits-mse-z2", "part": "walk", "image": 17, "span": 2.5, "moves": (0.5, -1.25),
    "plus_ticks": (3, 9), "plane": "pca", "perplexity": 12.0, "seed": 2**31 - 1,
}  # fmt: skip


def test_a_link_brings_back_what_was_shown():
    defaults, problems = STATE.read({})
    assert problems == [] and set(STATE.write(defaults)) == STATE.always
    values = defaults | CHANGED
    assert STATE.read(STATE.write(values)) == (values, [])
    assert set(STATE.write(values)) == set(CHANGED) | STATE.always


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"part": "zip"}, "part = 'zip'.*one of traverse, map"),
        ({"image": "-1"}, "image = '-1'.*a whole number from 0 to 1,999"),
        ({"image": "two"}, "a whole number"),
        ({"span": "nan"}, "span = nan.*a number from 0.5 to 6"),
        ({"moves": "1,x"}, "moves = '1,x'.*numbers from -6 to 6"),
        ({"moves": "1,nan"}, "moves"),
        ({"moves": ",".join(["0"] * 300)}, "moves"),
        ({"plus_ticks": "1,,2"}, "plus_ticks"),
        ({"perplexity": "1e9"}, "perplexity"),
        ({"model": "x" * 500}, "name of a model"),
        ({"attribute": "charm"}, "attribute = 'charm'.*a factor of a data set"),
        ({"colour": "pink"}, "one of class, kl, loss, axis"),
        ({"zoom": "3"}, "'zoom' that does not exist"),
    ],
)
def test_what_cannot_be_used_is_answered_in_one_sentence_and_the_default_stands(query, said):
    values, problems = STATE.read(query)
    assert values == STATE.read({})[0]
    assert len(problems) == 1 and re.search(said, problems[0]) and "\n" not in problems[0]


def test_fields_read_what_they_show():
    for field, values in ((choice("a", "ab"), "ab"), (real(1, -3, 3), (-3, 0.1, 3)), (whole(1, 0, 9), range(10))):
        assert [field.parse("name", field.show(value)) for value in values] == list(values)


def test_the_address_before_ours_is_no_link_for_a_while_and_then_it_is(monkeypatch):
    """A refresh may have been asked for before the browser had our address; later the same means going back."""
    clock = [100.0]
    monkeypatch.setattr(page_state.time, "monotonic", lambda: clock[0])
    address = page_state.Address(written={"x": "1"})

    def follows(query):
        return address.is_followed(query, ("x", "y"))

    assert follows({"x": "2"}) and not follows({"x": "1"}) and not follows({})
    assert not follows({"z": "2"}) and follows({"z": "2", "y": "1"})  # the first was another page's
    address.before, address.written, address.replaced_at = {"x": "1"}, {"x": "2"}, clock[0]
    assert not follows({"x": "1"}) and follows({"x": "3"})
    clock[0] += page_state.LAG_SECONDS
    assert follows({"x": "1"})


def test_only_a_page_s_table_of_fields_reads_what_its_widgets_hold():
    """A widget that is not shown is forgotten, by a refresh of a part as well: whoever asks from elsewhere asks STATE.now."""
    for path in UI.rglob("*.py"):
        if path != UI / "shared" / "page_state.py":
            assert not re.search(r"(session_state|state)(\[|\.get\()\s*STATE\.key", path.read_text()), path


def test_what_a_forgotten_widget_held_is_what_the_page_last_showed():
    def page():
        import streamlit as st

        from vae.links.fields import whole
        from vae.ui.shared.page_state import PageState

        shown = PageState("page", {"n": whole(3, 0, 9)})
        shown.restore()
        with st.sidebar:
            if st.checkbox("Show it"):
                shown.control(st.number_input, "n", "N", 0, 9)
            else:
                st.session_state.pop("page.n", None)  # as Streamlit does, at the end of a refresh of another part
        st.text(shown.now("n"))

    app = AppTest.from_function(page).run()
    assert app.text[0].value == "3"
    app.checkbox[0].check().run()
    app.number_input[0].set_value(5).run()
    assert app.text[0].value == "5"
    app.checkbox[0].uncheck().run()
    assert app.text[0].value == "5" and not app.exception


def test_a_widget_that_has_come_and_gone_holds_what_it_held():
    """Streamlit keeps what was put under a widget's key before the widget was there, and brings it up when that is gone."""

    def page():
        import streamlit as st

        from vae.links.fields import whole
        from vae.ui.shared.page_state import PageState

        shown = PageState("page", {"n": whole(3, 0, 9)})
        values, _ = shown.restore()
        if st.checkbox("Show it"):
            shown.control(st.number_input, "n", "N", 0, 9)
        st.button("Six", on_click=shown.set, kwargs={"n": 6})
        st.text((values["n"], shown.now("n")))

    app = AppTest.from_function(page).run()
    app.checkbox[0].check().run()
    app.number_input[0].set_value(5).run()
    app.checkbox[0].uncheck().run()
    app.run()
    assert app.text[0].value == "(5, 5)"
    app.checkbox[0].check().run()
    assert app.number_input[0].value == 5
    app.checkbox[0].uncheck().run()
    app.button[0].click().run()
    app.run()
    assert app.text[0].value == "(6, 6)"
    app.checkbox[0].check().run()
    assert app.number_input[0].value == 6 and not app.exception


@pytest.mark.parametrize(("name", "field"), [("latent", "model"), ("lab", "sweep")])
def test_the_first_address_holds_what_the_page_chose_itself_and_a_link_is_followed_at_once(open_app, name, field):
    app = open_app(name)
    first = app.query_params[field]
    assert first and first != [""]
    assert app.run().query_params[field] == first
    app = open_app(name)
    app.query_params = {field: "nonsense"}
    assert "nonsense" in app.run().error[0].value


@pytest.mark.parametrize("size", [0, 14])
@pytest.mark.parametrize("pixels", TREATMENTS)
def test_models_are_compared_that_see_the_same_images(pixels, size):
    config = TrainConfig(dataset="digits", size=size, pixels=pixels, loss="mse")
    expected = Images("digits", size, "unit" if pixels == "symmetric" else pixels)
    assert data_of(data_name(config)) == expected


@pytest.mark.parametrize("name", ["binary", "digits-grey", "digits-binary-14", "nothing-binary", "-binary", ""])
def test_images_that_are_none_get_one_sentence(name):
    with pytest.raises(SettingError, match="data = .* cannot be used"):
        data_of(name)
