"""Every record of every table through every page that it can reach: trained alone and as a race's column, looked back on,
taken home, opened in the latent space and compared. No page may show an exception for any of them.
"""

import time

import pytest

from vae import load_checkpoint
from vae.data import DATASETS
from vae.engine import Race, Status
from vae.export.report import ReportRun, report_of
from vae.losses.kl_terms import KL_TERMS
from vae.losses.objective import REDUCTIONS
from vae.losses.surfaces import VIEWS as SURFACE_VIEWS
from vae.losses.table import LOSSES
from vae.study.zoo import ZOO
from vae.training.networks import ARCHITECTURES
from vae.training.presets import PRESETS
from vae.training.race import labels
from vae.ui.compare.state import PARTS as COMPARE_PARTS
from vae.ui.compare.state import data_name
from vae.ui.lab.state import VIEWS
from vae.ui.latent.state import PARTS as LATENT_PARTS
from vae.ui.surfaces.state import FORMS
from vae.ui.train.live import PANELS
from vae.ui.train.take_home import _checkpoint, _script

SMALL = {"dataset": "digits", "hidden": "8", "latent_dim": 3, "epochs": 1, "batch_size": 512}
FORMULA = "abs(x - p)**1.5"
RECORDS = {
    **{f"loss {key}": {"loss": key} for key in LOSSES},
    "a formula": {"loss": "formula", "formula": FORMULA},
    **{f"KL term {key}": {"kl_term": key, "beta": 2} for key in KL_TERMS},
    **{f"reduction {key}": {"reduction": key} for key in REDUCTIONS},
    **{f"architecture {key}": {"architecture": key} for key in ARCHITECTURES},
    "two dimensions": {"latent_dim": 2},
    **{f"pixels {key}": {"pixels": key, "loss": "mse"} for key in ("symmetric", "binary_sampled")},
    "colour, known factors": {"dataset": "faces", "size": 12},
}
AXES_BY_NAME = {"loss": LOSSES, "kl_term": KL_TERMS, "reduction": REDUCTIONS, "architecture": ARCHITECTURES}


def said(app):
    """The page, which shows no exception."""
    assert not app.exception, [block.message for block in app.exception]
    return app


@pytest.fixture
def trained(open_app, engine):
    """trained(**link) -> the Train page after its race is done, and the race."""
    races = []

    def train(**link):
        app = said(open_app("train", engine, **SMALL | link))
        assert not app.error and not app.warning, [block.value for block in (*app.error, *app.warning)]
        said(app.button(key="do.start").click().run())
        races.append(Race.of(engine.runs[app.session_state["run_id"]]))
        until = time.monotonic() + 60
        while any(not v.status.ended or v.evaluating for v in races[-1].views()) and time.monotonic() < until:
            races[-1].wait_for_news(0.05)
        assert races[-1].status is Status.DONE, [view.message for view in races[-1].views()]
        return said(app.run()), races[-1]

    yield train
    for race in races:
        for run in race.runs:
            engine.discard(run)


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_alone_on_every_page(trained, open_app, engine, tmp_path, record):
    app, race = trained(**RECORDS[record])
    (run,), (view,) = race.runs, race.views()
    assert len(view.observations) > 1 and view.evaluation is not None
    for panel in PANELS:
        app.session_state["panel"] = panel
        said(app.run())
    script, problem = _script(run)
    assert problem or compile(script, "script", "exec")
    curves = (view.reconstruction, view.kl, view.objective)
    assert "<h2>Curves" in report_of([ReportRun("one", run.config, *curves, view.observations, view.evaluation)])
    (tmp_path / "run.safetensors").write_bytes(_checkpoint(run))
    assert load_checkpoint(tmp_path / "run.safetensors").config == run.config
    model = f"run:{run.id}"
    for part in LATENT_PARTS if record in ("a formula", "two dimensions") else ("image",):
        assert not said(open_app("latent", engine, model=model, part=part)).error
    assert not said(open_app("compare", engine, data=data_name(run.config), models=model)).error


def columns():
    """Races in which every record of every axis that has names is a column once: three against the first."""
    for axis, (first, *others) in AXES_BY_NAME.items():
        for at in range(0, len(others), 3):
            yield axis, first, others[at : at + 3]


@pytest.mark.parametrize(("axis", "first", "others"), [*columns()])
def test_a_record_as_a_race_s_column(trained, axis, first, others):
    app, race = trained(vary=axis, against=",".join(others), **{axis: first})
    assert len(race.runs) == 1 + len(others)
    app.toggle(key="difference").set_value(True)
    for panel in PANELS:
        app.session_state["panel"] = panel
        said(app.run())
    names = labels(race.configs, axis)
    runs = [
        ReportRun(name, run.config, view.reconstruction, view.kl, view.objective, view.observations, view.evaluation)
        for name, run, view in zip(names, race.runs, race.views())
    ]
    assert "<h2>Curves" in report_of(runs)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_takes_a_step(open_app, engine, preset):
    app = said(open_app("train", engine, dataset="digits"))
    said(app.selectbox[0].set_value(preset).run())
    assert not app.error and app.selectbox[0].value == preset and f"]({PRESETS[preset].url})" in app.caption[0].value
    for _ in range(50):  # the button is grey while the untrained network is being drawn
        race = Race.of(engine.runs[app.session_state["run_id"]])
        if not app.button(key="do.step").disabled:
            break
        race.wait_for_news(0.2)
        said(app.run())
    said(app.button(key="do.step").click().run())  # once: a second press before the first is accepted asks for another
    for _ in range(100):
        if race.step_reached:
            break
        race.wait_for_news(0.2)
    assert race.step_reached == 1
    said(app.run())
    for run in race.runs:
        engine.discard(run)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_data_set_opens_on_every_page_whether_it_is_here_or_not(open_app, dataset):
    for page in ("train", "lab", "advisor"):
        said(open_app(page, dataset=dataset))
    for part in COMPARE_PARTS:
        said(open_app("compare", data=dataset, part=part))


@pytest.mark.parametrize("patient", ZOO)
def test_a_patient_opens(open_app, engine, patient):
    said(open_app("zoo", engine, patient=patient))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_a_sweep_opens(open_app, view):
    said(open_app("lab", view=view))


@pytest.mark.parametrize("loss", [key for key, loss in LOSSES.items() if loss.pointwise])
def test_a_loss_on_every_form_and_part_of_the_surfaces(open_app, loss):
    for form, view in zip((*FORMS, *FORMS), SURFACE_VIEWS):
        said(open_app("surfaces", losses=f"{loss},ssim", form=form, view=view, part="image", on=loss))
    said(open_app("surfaces", losses=loss, part="descent", target=0, p0=0.999))
