"""One panel alone, larger type: what an address says beside the page's own settings."""

import pytest
from streamlit.testing.v1 import AppTest

from vae.ui.latent.state import STATE as LATENT
from vae.ui.shared.looks import PANELS, name_of
from vae.ui.surfaces.state import STATE as SURFACES

STATES = {"latent": LATENT, "surfaces": SURFACES}


def script():
    import streamlit as st

    from vae.ui.latent.state import STATE
    from vae.ui.shared import looks

    looks.show_only("latent")
    looks.presenter()
    state, problems = STATE.restore()
    st.text(f"{looks.only()}|{state['part']}|{problems}|{looks.name_of('grid.0')}|{looks.name_of('elsewhere')}")
    STATE.share()


def shown(**query):
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params.update(query)
    return app.run()


def test_a_panel_alone_brings_what_it_needs_and_stays_in_the_address():
    app = shown(only="map", part="walk")
    assert app.text[0].value == "map|map|[]|map|"
    assert "map" in app.query_params["only"] and "map" in app.query_params["part"]
    assert not app.warning and not app.exception


def test_a_panel_that_there_is_not_is_answered_and_the_page_is_whole():
    app = shown(only="<b>", part="walk")
    assert app.text[0].value.startswith("|walk|")
    assert "one of traverse, map" in app.warning[0].value.replace("\\", "")


def test_larger_type_is_switched_and_linked():
    app = shown(present="1")
    assert app.session_state["present"] and "1" in app.query_params["present"]
    app.button(key="presenter.switch").click().run()
    assert not app.session_state["present"] and "present" not in app.query_params
    app.button(key="presenter.switch").click().run()
    assert app.session_state["present"] and "1" in app.query_params["present"]
    assert "present" in shown(present="loud").warning[0].value


@pytest.mark.parametrize("page", STATES)
def test_what_a_panel_needs_can_be_asked_of_its_page(page):
    for name, panel in PANELS[page].items():
        assert STATES[page].read(dict(panel.needs))[1] == [], name


def test_elsewhere_no_element_is_of_a_panel():
    assert name_of("grid.0") == ""
