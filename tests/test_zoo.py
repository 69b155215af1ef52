"""The bug zoo: every patient shows its symptoms, its control does not, and the fixed lines are the cure."""

import inspect
import pickle
import textwrap
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vae
from vae.data import to_unit
from vae.errors import SettingError
from vae.study import zoo
from vae.study.zoo import ZOO, programs, symptoms
from vae.study.zoo.bugs import BASE
from vae.training.randomness import generator
from vae.training.step import CORRECT, advance, batch_indices, initial_state, observe

KEYS = pytest.mark.parametrize("bug", ZOO.values(), ids=lambda bug: bug.name)


@pytest.fixture(scope="module")
def data():
    return vae.load_dataset("digits")


@pytest.fixture(scope="module")
def trained(data):
    """Each case trained once: most patients share their control."""
    done = {}

    def outcome(case):
        if case not in done:
            done[case] = zoo.train_case(case, data)
        return done[case]

    return outcome


def of_name(name):
    return next(bug for bug in ZOO.values() if bug.name == name)


# ---- Symptoms ------------------------------------------------------------------------------------------------------


@KEYS
def test_the_patient_shows_every_symptom_and_the_control_none(bug, data, trained):
    found = zoo.measure(bug, trained(bug.patient), trained(bug.control), data)
    for symptom, sick, healthy in zip(bug.symptoms, found.patient, found.control, strict=True):
        assert symptom.shown_by(sick), f"{symptom.name}: {sick}"
        assert not symptom.shown_by(healthy), f"{symptom.name}: {healthy}"


@KEYS
def test_the_control_is_a_model_that_works(bug, data, trained):
    """The cure is not only the absence of the symptom: the same net explains the digits better than the mean image."""
    control = trained(bug.control)
    lines = vae.training.evaluation.reference_lines(data, BASE.loss_record(), {}, BASE.latent_dim)
    mean = next(line.value for line in lines if line.key == "mean")
    assert control.step == BASE.total_steps
    assert vae.evaluate(bug.control.config, control.used, data).reconstruction < mean - 2


def test_variance_for_standard_deviation_reports_a_number_too_good_and_deserves_a_worse_one(data, trained):
    bug = of_name("variance taken for standard deviation")
    patient, control = trained(bug.patient), trained(bug.control)
    assert symptoms.reported_negative_elbo(patient, data) < symptoms.reported_negative_elbo(control, data) - 1
    assert symptoms.recomputed_negative_elbo(patient, data) > symptoms.recomputed_negative_elbo(control, data) + 0.5
    # of the correct program the two are one number
    assert symptoms.reported_negative_elbo(control, data) == pytest.approx(
        symptoms.recomputed_negative_elbo(control, data), rel=1e-5
    )


def test_without_its_sigmoid_a_net_trains_as_the_healthy_one_does(data, trained):
    bug = of_name("sigmoid forgotten")
    assert np.array_equal(trained(bug.patient).objective, trained(bug.control).objective)


def test_the_learning_rate_is_the_only_difference_of_its_patient():
    bug = of_name("learning rate too high")
    assert replace(bug.patient.config, learning_rate=bug.control.config.learning_rate) == bug.control.config
    assert bug.patient.program == bug.control.program == CORRECT
    assert (bug.faulty, bug.fixed) == tuple(
        f"learning_rate = {case.config.learning_rate:g}" for case in (bug.patient, bug.control)
    )


@KEYS
def test_patient_and_control_start_alike(bug):
    patient, control = initial_state(bug.patient.config), initial_state(bug.control.config)
    assert all(torch.equal(patient.weights[name], control.weights[name]) for name in control.weights)
    assert torch.equal(batch_indices(bug.patient.config, 5), batch_indices(bug.control.config, 5))


def test_a_log_variance_runs_into_infinity_only_where_it_is_unbounded(data, trained):
    bug = of_name("log variance without bounds")
    patient, control = trained(bug.patient), trained(bug.control)
    x = to_unit(data.train[batch_indices(BASE, patient.step)])  # the batch that ended it
    log_var = patient.used.encode(x)[1]
    assert log_var.max() > 100 and torch.isinf(log_var.exp()).any()
    bounded = control.used.encode(x)[1]
    assert bounded.abs().max() <= 10 and torch.isfinite(bounded.exp()).all()


# ---- The code that is shown ------------------------------------------------------------------------------------------


def rewritten(function, faulty, fixed):
    """The function with the faulty lines, which must stand in it once, replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(faulty) == 1
    namespace = dict(vars(programs))
    exec(source.replace(faulty, fixed), namespace)
    return namespace[function.__name__]


@pytest.mark.parametrize(
    "bug", [b for b in ZOO.values() if b.patient.program.terms is not CORRECT.terms], ids=lambda bug: bug.name
)
def test_the_fixed_lines_in_place_of_the_faulty_ones_make_the_controls_objective(bug, data):
    cured = rewritten(bug.patient.program.terms, bug.faulty, bug.fixed)
    model, x = initial_model(bug.control.config), to_unit(data.train)

    def objective(terms):
        return float(terms(bug.control.config, model, x, generator(0, "noise"), 3).objective.detach())

    assert objective(cured) == pytest.approx(objective(bug.control.program.terms), rel=1e-5)
    assert objective(bug.patient.program.terms) != pytest.approx(objective(cured), rel=1e-4)


def test_the_fixed_line_makes_the_healthy_picture():
    bug = of_name("sigmoid forgotten")
    cured = rewritten(bug.patient.program.picture, bug.faulty, bug.fixed)
    logits = torch.linspace(-5, 5, 11)
    assert torch.equal(cured(logits), torch.sigmoid(logits))
    assert torch.equal(bug.patient.program.picture(logits), logits)


def initial_model(config):
    return vae.model_of(config, initial_state(config).weights)


# ---- Programs travel, and chunks leave no trace ---------------------------------------------------------------------


@KEYS
def test_programs_travel_by_name(bug):
    for case in (bug.patient, bug.control):
        assert pickle.loads(pickle.dumps(case)) == case


@pytest.mark.parametrize("name", ["variance taken for standard deviation", "BCE on pixels outside [0, 1]"])
def test_chunked_is_whole(name, data):
    case = of_name(name).patient
    whole, seen = advance(initial_state(case.config), case.config, data, 23, case.program)
    state, curve = initial_state(case.config), []
    for steps in (1, 7, 15):
        state, progress = advance(state, case.config, data, steps, case.program)
        curve.extend(progress.objective)
    assert np.array_equal(curve, seen.objective)
    assert all(torch.equal(whole.weights[key], state.weights[key]) for key in whole.weights)


def test_held_out_figures_are_taken_as_the_program_uses_its_model(data):
    case = of_name("BCE on pixels outside [0, 1]").control
    model = initial_model(case.config)
    seen = observe(case.config, model, data, 0, case.program)
    x = to_unit(data.test[: case.config.n_held_out])
    with torch.inference_mode():
        logits = model.decode(model.encode((x - 0.1307) / 0.3081)[0])
    expected = (torch.sigmoid(logits) - x).square().flatten(1).sum(1).mean()
    assert seen.squared_error == pytest.approx(float(expected), rel=1e-5)


def test_on_the_engine_a_patient_and_its_control_go_as_they_do_alone(engine, data):
    bug = of_name("log variance without bounds")
    cases = (bug.patient, bug.control)
    short = [zoo.Case(replace(case.config, epochs=2), case.program) for case in cases]
    race = engine.create_race([c.config for c in short], "somebody", [c.program for c in short])
    race.start()
    for _ in range(600):
        if race.status.ended:
            break
        race.wait_for_news(0.05)
    for run, case in zip(race.runs, short):
        alone = zoo.train_case(case, data)
        assert np.array_equal(run.view().objective, alone.objective)
        assert run.state().step == alone.step


# ---- The records ---------------------------------------------------------------------------------------------------


def test_no_name_is_given_away_and_every_report_has_an_address():
    assert [bug.title for bug in ZOO.values()] == [f"Patient {letter}" for letter in "ABCDEFGH"]
    assert len({bug.name for bug in ZOO.values()}) == len(ZOO)
    for bug in ZOO.values():
        assert bug.reports and all(report.url.startswith("https://github.com/") for report in bug.reports)


def test_an_unknown_patient_is_refused_in_a_sentence():
    with pytest.raises(SettingError, match="one of a, b, c, d, e, f, g, h is accepted"):
        zoo.find_bug("z")


def test_a_value_that_is_no_number_is_a_symptom():
    for above in (True, False):
        assert zoo.Symptom("", "", symptoms.variety, 1.0, above, "").shown_by(float("nan"))


def test_the_reported_bce_is_the_sum_over_pixels_whatever_is_minimised(data):
    model, x = initial_model(BASE), to_unit(data.train[:32])
    terms = programs.mean_reduction(BASE, model, x, generator(0, "noise"), 0)
    logits = model(x, torch.randn(32, BASE.latent_dim, generator=generator(0, "noise")))[0]
    summed = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 32
    assert float(terms.reconstruction.detach()) == pytest.approx(float(summed.detach()), rel=1e-5)
