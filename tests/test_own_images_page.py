"""Pictures that somebody brings: on the Train page, on the workers, in a link, in a file, and away from everybody else."""

import dataclasses
import io
import os
import signal

import numpy as np
import pytest
import torch
from PIL import Image

import vae
from tests.waiting import wait_for
from vae.data import DATASETS, brought, find_source, load_dataset
from vae.data.own import as_dataset, read_images, source_of
from vae.engine import Engine, LimitError, Limits, Status
from vae.errors import SettingError
from vae.study.opened import open_checkpoint
from vae.training.checkpoint import Checkpoint, checkpoint_bytes
from vae.training.presets import PRESETS

ME, NEIGHBOUR = "0" * 32, "1" * 32  # the first is the owner of conftest's pages


def packed(picture, form="PNG"):
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def files(n=12, seed=0):
    """n different files, half of them cats, as a page is given them."""
    random = np.random.default_rng(seed)
    pictures = [Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for _ in range(n)]
    return [(f"{'cat' if i % 2 else 'dog'}_{i}.png", packed(p), "image/png") for i, p in enumerate(pictures)]


def data_set(seed=0, n=12):
    return as_dataset(read_images([file[:2] for file in files(n, seed)], 28, False), "own")


@pytest.fixture
def keeper(engine):
    """The engine; what was brought to it is let go of at the end."""
    yield engine
    for owner in (ME, NEIGHBOUR):
        for source in engine.own_images(owner):
            engine.forget(source.name, owner)
    assert brought() == []


def said(app) -> str:
    """All sentences on the page."""
    blocks = (*app.error, *app.warning, *app.info, *app.caption)
    return "\n".join(block.value.replace("\\", "") for block in blocks)


def bring(app, given=None, **controls):
    for key, value in controls.items():
        widget = app.selectbox if key == "side" else app.toggle
        widget(key=f"own:{key}").set_value(value)
    app.file_uploader[0].set_value(given or files())
    app.run()
    app.button(key="own:use").click().run()
    assert not app.exception, app.exception
    return app


# ---- On the page -----------------------------------------------------------------------------------------------------


def test_files_become_the_data_set_and_train(open_app, keeper):
    app = open_app("train", keeper, hidden=32)  # of a larger state that goes back to a worker Dask warns
    gif = ("moving.png", packed(Image.new("P", (20, 20)), "GIF"), "image/png")
    cut = ("*cut*.png", files(1, seed=5)[0][1][:200], "image/png")
    bring(app, [*files(), gif, cut], labels=True, colour=True, side=32)
    (source,) = keeper.own_images(ME)
    assert app.selectbox(key="train.dataset").value == source.name and app.query_params["dataset"] in (
        source.name,
        [source.name],
    )
    assert source.shape == (3, 32, 32) and source.classes == ("cat", "dog")
    assert (source.n_train, source.n_test) == (10, 2) and app.number_input(key="train.batch_size").value == 10
    assert "file = 'moving.png' cannot be used: its content is GIF" in said(app)
    assert "file = '*cut*.png' cannot be used: it is damaged or cut off" in said(app)
    assert "12 images are learnt by heart" in said(app) and not app.error
    assert app.number_input(key="train.epochs").value == 1000
    app.button(key="do.start").click().run()
    (run,) = [run for run in keeper.runs_of(ME) if run.config.dataset == source.name]
    wait_for(lambda: run.view().status.ended and not run.view().evaluating)
    assert run.view().status is Status.DONE and run.view().evaluation.images == 2
    app.run()
    assert not app.exception
    script = next(b for b in app.get("download_button") if "script" in b.proto.id)
    assert script.proto.disabled and "pictures of your own are not in a script" in script.proto.help


def test_what_was_fitted_to_few_pictures_is_as_before_with_other_data(open_app, keeper):
    app = bring(open_app("train", keeper, dataset="digits", epochs=7))
    fitted = [app.number_input(key=f"train.{name}").value for name in ("batch_size", "epochs")]
    assert fitted == [10, 1000]
    app.number_input(key="train.epochs").set_value(500).run()
    app.selectbox(key="train.dataset").set_value("sprites").run()
    assert [app.number_input(key=f"train.{name}").value for name in ("batch_size", "epochs")] == [128, 500]
    assert not app.exception and not app.error


def test_photos_of_the_camera_are_gathered(open_app, keeper):
    app = open_app("train", keeper)
    assert not app.camera_input, "nobody asked for it"
    app.toggle(key="own:camera").set_value(True).run()
    for name, content, _ in files(8):
        photo = packed(Image.open(io.BytesIO(content)).convert("RGB"), "JPEG")
        app.camera_input(key="own:photo").set_value((f"{name}.jpg", photo, "image/jpeg")).run()
    app.button(key="own:use").click().run()
    assert not app.exception and keeper.own_images(ME)[0].n_train == 6


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (files(3), "images = 3 cannot be used: at least 8 different pictures are accepted."),
        (files(1) * 20, "images = 1 cannot be used"),
        ([("a.png", b"<html>", "image/png")] * 9, "4 more files cannot be used."),
    ],
)
def test_what_is_no_data_set_is_said_and_the_old_one_stays(open_app, keeper, given, sentence):
    app = bring(open_app("train", keeper, dataset="digits"), given)
    assert sentence in said(app) and keeper.own_images(ME) == []
    assert app.selectbox(key="train.dataset").value == "digits"


@pytest.mark.parametrize("size", [0, 16])
def test_their_link_brings_them_back_as_long_as_they_are_kept(open_app, keeper, size):
    source = keeper.bring(data_set(), ME)
    app = open_app("train", keeper, dataset=source.name, epochs=7, size=size)
    assert not app.exception and not app.error and not app.warning
    config = vae.TrainConfig(source.name, size=size, batch_size=10, epochs=7)
    assert [run.config for run in keeper.runs_of(ME) if run.config.dataset == source.name] == [config]


def test_a_neighbour_who_opens_the_link_gets_one_sentence(open_app, keeper):
    source = keeper.bring(data_set(), NEIGHBOUR)
    for name in (source.name, "own_0123456789abcdef", "own_"):
        app = open_app("train", keeper, dataset=name, epochs=7)
        assert not app.exception and not app.error
        told = [line for line in said(app).splitlines() if "somebody brought" in line]
        assert len(told) == 1 and "The default data set stands instead." in told[0]
        assert source.name not in app.selectbox(key="train.dataset").options
        assert app.selectbox(key="train.dataset").value in DATASETS and app.number_input(key="train.epochs").value == 7
    with pytest.raises(SettingError, match="pictures that somebody brought"):
        keeper.create_run(vae.TrainConfig.usual(source.name), ME)
    compare = open_app("compare", keeper, data=source.name)
    assert not compare.exception and f"data = '{source.name}' cannot be used" in said(compare)


def test_let_go_they_are_gone_with_their_runs(open_app, keeper):
    app = bring(open_app("train", keeper, dataset="digits"))
    (name,) = [source.name for source in keeper.own_images(ME)]
    other = open_app("train", keeper, dataset=name)  # another tab
    app.button(key="own:forget").click().run()
    assert not app.exception and app.selectbox(key="train.dataset").value in DATASETS
    assert [run for run in keeper.runs_of(ME) if run.config.dataset == name] == []
    with pytest.raises(SettingError, match="brought again"):
        load_dataset(name)
    other.run()
    assert not other.exception and "not here any more" in said(other)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_takes_batches_no_larger_than_they_are(open_app, keeper, preset):
    source = keeper.bring(data_set(), ME)
    assert PRESETS[preset].config(dataset=source.name).batch_size == 10


@pytest.mark.slow
def test_a_run_on_them_reaches_the_latent_and_the_compare_page(open_app, keeper):
    source = keeper.bring(data_set(), ME)
    run = keeper.create_run(vae.TrainConfig.usual(source.name, epochs=4), ME)
    run.start()
    wait_for(lambda: run.view().status.ended and not run.view().evaluating)
    for part in ("traverse", "walk", "map", "embed", "arithmetic"):
        app = open_app("latent", keeper, model=f"run:{run.id}", part=part)
        assert not app.exception and not app.error, (part, app.exception, said(app))
    app = open_app("compare", keeper, data=source.name, models=f"run:{run.id}")
    assert not app.exception and not app.error


def test_a_checkpoint_of_theirs_opens_where_they_are_and_nowhere_else(open_app, keeper):
    source = keeper.bring(data_set(), NEIGHBOUR)
    config = vae.TrainConfig.usual(source.name)
    content = checkpoint_bytes(vae.initial_state(config), config, None, 1)
    sentences = []
    for _ in range(2):
        app = open_app("latent", keeper)
        app.file_uploader[0].set_value([("model.safetensors", content, "application/octet-stream")]).run()
        assert not app.exception and len(app.error) == 1
        sentences.append(said(app))
        keeper.forget(source.name, NEIGHBOUR)
    assert "was trained on pictures that somebody brought" in sentences[0]
    assert "stands for pictures that somebody brought" in sentences[1]
    keeper.bring(data_set(), ME)  # the same pictures, by somebody who has them too
    app = open_app("latent", keeper)
    app.file_uploader[0].set_value([("model.safetensors", content, "application/octet-stream")]).run()
    assert not app.exception and not app.error


# ---- On the workers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_on_them_is_the_headless_one_though_its_worker_is_killed(keeper):
    data = data_set(n=40)
    source = keeper.bring(data, ME)
    config = vae.TrainConfig(source.name, hidden=(64,), batch_size=8, epochs=300)
    headless = np.concatenate([progress.objective for _, progress in vae.train(config)])
    run = keeper.create_run(config, ME)
    run.start()
    wait_for(lambda: run.view().step > 100)
    before = keeper.client.run(os.getpid)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: run.view().status.ended, 120)
    assert run.view().status is Status.DONE, run.view().message
    np.testing.assert_array_equal(run.view().objective, headless)
    wait_for(lambda: keeper.health().workers == 2)
    assert not set(keeper.client.run(os.getpid).values()) & set(before.values())


def names_on_workers(engine) -> set[str]:
    return {data.name for held in engine.client.run(brought).values() for data in held}


def test_the_same_pictures_of_two_people_are_kept_until_both_have_gone(keeper):
    one, other = keeper.bring(data_set(), ME), keeper.bring(data_set(), NEIGHBOUR)
    assert one.name == other.name and [data.name for data in brought()] == [one.name]
    assert names_on_workers(keeper) == {one.name}
    keeper.forget(one.name, ME)
    assert names_on_workers(keeper) == {one.name} and keeper.own_images(ME) == []
    keeper.forget(one.name, NEIGHBOUR)
    wait_for(lambda: not names_on_workers(keeper))
    assert brought() == []


@pytest.mark.slow
def test_they_are_forgotten_when_their_owner_has_long_been_away(monkeypatch):
    monkeypatch.setattr("vae.engine.cluster.ABSENCE_BEFORE_FORGETTING", 0.5)
    here = {ME, NEIGHBOUR}
    engine = Engine(workers=1, presence=lambda owner: owner in here, look_round_every=0.05)
    try:
        mine, theirs = engine.bring(data_set(1), ME), engine.bring(data_set(2), NEIGHBOUR)
        here.remove(NEIGHBOUR)
        wait_for(lambda: engine.own_images(NEIGHBOUR) == [])
        assert [data.name for data in brought()] == [mine.name] and theirs.name != mine.name
        engine.cluster.local.close(seconds=1)  # another cluster: it has what is still kept, and nothing else
        wait_for(lambda: engine.cluster.answers and names_on_workers(engine) == {mine.name})
        engine.forget(mine.name, ME)
    finally:
        engine.close()


def test_there_are_limits(keeper, monkeypatch):
    monkeypatch.setattr(keeper._own_images, "_limits", Limits(own_sets=2, own_bytes_in_all=3 * 12 * 28 * 28))
    first = keeper.bring(data_set(1), ME)
    keeper.bring(data_set(2), ME)
    assert keeper.bring(data_set(1), ME).name == first.name, "the same ones are no more"
    with pytest.raises(LimitError, match="2 sets of your own images are here"):
        keeper.bring(data_set(3), ME)
    keeper.bring(data_set(3), NEIGHBOUR)
    with pytest.raises(LimitError, match="Own images may take 0 MB"):
        keeper.bring(data_set(4), NEIGHBOUR)
    assert len(brought()) == 3


# ---- Records ---------------------------------------------------------------------------------------------------------


def test_they_are_in_no_list_and_found_by_their_name():
    listed = list(DATASETS)
    data = data_set()
    source = vae.data.bring(data)
    try:
        assert list(DATASETS) == listed and vae.data.bring(dataclasses.replace(data, name="other")).name == source.name
        assert find_source(source.name) is source and source.is_present() and "12, 28 × 28, grey" in source.title
        assert (
            torch.equal(load_dataset(source.name).images, data.images) and load_dataset(source.name).name == source.name
        )
        assert load_dataset(source.name, 16).shape == (1, 16, 16)
        config = vae.TrainConfig.usual(source.name)
        state = vae.initial_state(config)
        assert open_checkpoint("a", "A", Checkpoint(state, config, None, 1)).classes == ()
    finally:
        vae.data.forget(source.name)
    for size in (0, 16):
        with pytest.raises(SettingError, match="pictures that somebody brought"):
            load_dataset(source.name, size)
    assert source_of(data).name == source.name
