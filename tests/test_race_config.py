"""The columns of a race as settings: what differs, what is shared, whose dial is turned; through widgets and links."""

import dataclasses

import pytest
from streamlit.testing.v1 import AppTest

from vae import SettingError, TrainConfig
from vae.links import training as link
from vae.training.axes import AXES
from vae.training.beta_dial import effective_beta
from vae.training.race import RaceConfig, labels, names, paired

BASE = TrainConfig(loss="mse", beta=2.0, hidden=(40,))


def test_columns_differ_in_one_thing():
    for axis, values in (("loss", ("bce", "gaussian")), ("beta", (0.5, 4.0)), ("kl_term", ("warmup",)), ("seed", (7,))):
        base, *others = RaceConfig(BASE, axis, values).columns()
        assert base == BASE and [AXES[axis].get(c) for c in others] == list(values)
        for other in others:
            differs = {f.name for f in dataclasses.fields(other) if getattr(other, f.name) != getattr(base, f.name)}
            assert differs == {axis}


def test_parameters_are_axes_and_go_with_their_loss():
    gaussian = dataclasses.replace(BASE, loss="gaussian", parameters={"sigma": 0.5})
    assert RaceConfig(gaussian, "sigma", (0.1,)).columns()[1].loss_parameters() == {"sigma": 0.1}
    assert RaceConfig(gaussian, "loss", ("mse",)).columns()[1].parameters == ()
    free = dataclasses.replace(BASE, kl_term="free_bits")
    assert RaceConfig(free, "free_nats", (2.0,)).columns()[1].kl_settings() == {"free_nats": 2.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vary": "colour"}, "vary = 'colour' cannot be used: one of loss"),
        ({"vary": "sigma", "against": (0.1,)}, "something that the loss mse and the KL term constant have"),
        ({"vary": "seed", "against": (1, 2, 3, 4)}, "up to 3 values"),
        ({"vary": "latent_dim", "against": (0,)}, "latent_dim = 0"),
        ({"vary": "loss", "against": ("formula",)}, "formula"),
        ({"dialled": ((1, 0.5),)}, "dial = 1 .*a column from 0 to 0"),
        ({"dialled": ((0, -1.0),)}, "an effective beta above 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(changes, said):
    with pytest.raises(SettingError, match=said):
        RaceConfig(BASE, **changes)


def test_a_turned_dial_is_of_its_column_alone():
    race_config = RaceConfig(BASE, "loss", ("gaussian", "bce")).turn(1, 0.08).turn(2, 3.0)
    mse, gaussian, bce = race_config.columns()
    assert mse == BASE and bce.beta == 3.0
    assert effective_beta(gaussian) == pytest.approx(0.08) and gaussian.beta == 2.0  # a Gaussian's sigma is turned
    assert link.read(link.write(race_config)) == (race_config, [])


def test_labels_tell_columns_apart():
    columns = RaceConfig(BASE, "loss", ("bce",)).turn(1, 0.5).columns()
    assert names(columns, "loss") == ("MSE", "BCE")
    assert labels(columns, "loss") == ("MSE, β = 2", "BCE, β = 0.5")
    assert labels(RaceConfig(BASE).columns(), "") == ("MSE",)


@pytest.mark.parametrize(
    ("axis", "value", "shared"),
    [
        ("loss", "bce", "the same initial weights, batches and noise"),
        ("latent_dim", 9, "the same batches; nets of another shape"),
        ("seed", 5, "different seeds: nothing is shared"),
        ("batch_size", 32, "the same initial weights; batches differ"),
    ],
)
def test_what_is_shared_is_said_as_it_is(axis, value, shared):
    assert paired(RaceConfig(BASE, axis, (value,)).columns()).startswith(shared)


# ---- The sidebar ---------------------------------------------------------------------------------------------------


def sidebar():
    import streamlit as st

    from vae.ui.train.sidebar import sidebar as controls
    from vae.ui.train.state import STATE, turn_dial

    STATE.restore()
    st.session_state.race_config = controls(st.container())
    if st.session_state.race_config is not None:
        STATE.share()
    if request := st.session_state.pop("turn", None):
        st.session_state.turned = turn_dial(*request)


def opened(**query) -> AppTest:
    app = AppTest.from_function(sidebar)
    for name, value in query.items():
        app.query_params[name] = value
    app.run(timeout=30)
    assert not app.exception
    return app


def test_a_race_over_what_the_next_loss_has_not_is_answered():
    app = opened(dataset="digits", loss="gaussian", vary="sigma", against="0.5")
    assert len(app.session_state.race_config.columns()) == 2
    next(box for box in app.sidebar.selectbox if box.label == "Loss").select("bce").run()
    assert not app.exception and app.session_state.race_config is None
    assert "sigma" in app.error[0].value


def test_a_link_may_ask_for_values_that_no_list_has():
    app = opened(dataset="digits", loss="formula", formula="(x-p)**2", vary="loss", against="formula")
    assert app.session_state.race_config.columns()[0] == app.session_state.race_config.columns()[1]


def test_settings_of_the_balance_take_precedence_over_dials_turned_before():
    app = opened(dataset="digits", loss="mse", dial="0:100")
    assert app.session_state.race_config.columns()[0].beta == 100
    next(n for n in app.sidebar.number_input if n.label == "Epochs").set_value(20).run()
    assert app.session_state.race_config.columns()[0].beta == 100  # not of the balance
    next(n for n in app.sidebar.number_input if n.label == "β").set_value(2.0).run()
    assert app.session_state.race_config.columns()[0].beta == 2


def test_a_dial_that_a_loss_cannot_follow_stays_and_says_so():
    app = opened(dataset="digits", loss="gaussian")
    app.session_state.turn = (0, 100.0)
    app.run()
    assert app.session_state.turned is False
    assert "The dial stays where it is: sigma = 7.07" in app.session_state["dial-refused"]
    app.run()
    assert app.session_state.race_config.dialled == ()
    app.session_state.turn = (0, 0.5)
    app.run()
    app.run()
    assert app.session_state.race_config.dialled == ((0, 0.5),) and "dial-refused" not in app.session_state
