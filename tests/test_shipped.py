"""The models that ship: all there, small, of the figures they claim, and made as the table says."""

import dataclasses

import pytest
import torch

import vae
from vae.latent.codes import health
from vae.training.checkpoint import LastEpoch
from vae.training.shipped import FOLDER, SHIPPED, Shipped, load_shipped, make, table, write_table
from vae.training.subset import encode_test, subset_size

TINY = Shipped("tiny", "Tiny", vae.TrainConfig(dataset="digits", hidden=(16,), latent_dim=3, epochs=2))


@pytest.mark.parametrize("name", SHIPPED)
def test_each_is_there_and_fits_its_entry(name):
    model = load_shipped(name)
    assert model.config == dataclasses.replace(SHIPPED[name].config, epochs=model.config.epochs)
    assert model.config.epochs == SHIPPED[name].config.epochs and model.state.step == model.config.total_steps
    assert len(model.subset) == subset_size(model.config) >= 80
    assert model.subset.labels is not None and health(model.subset.mu, model.subset.log_var).n_active


def test_all_files_together_are_at_most_55_mb_and_no_other_ships():
    files = list(FOLDER.glob("*.safetensors"))
    assert {file.stem for file in files} == set(SHIPPED)
    assert sum(file.stat().st_size for file in files) <= 55e6


def test_the_figures_that_were_aimed_at_are_reached():
    assert load_shipped("mnist-bce-z20").metrics.negative_elbo <= 105.6
    assert load_shipped("mnist-mse-z2").metrics.negative_elbo <= 38.2
    assert load_shipped("mnist-l17").last_epoch.objective <= 37


def test_what_the_readme_says_is_what_the_files_hold():
    assert table(FOLDER) in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    "name", ["digits-bce-z8", "mnist-bce-z20", "mnist-gaussian_optimal-z2", "olivetti-gaussian-z32"]
)
def test_figures_and_codes_come_out_again(name):
    model = load_shipped(name)
    if not vae.DATASETS[model.config.dataset].is_present():
        pytest.skip(f"{model.config.dataset} is not in VAE_DATA")
    data = vae.load_dataset(model.config.dataset)
    found = vae.evaluate(model.config, model.model(), data)
    assert found.negative_elbo == pytest.approx(model.metrics.negative_elbo, rel=1e-4)
    again = encode_test(model.config, model.model(), data, found.sigma)
    torch.testing.assert_close(again.mu, model.subset.mu, rtol=1e-3, atol=1e-4)
    assert (again.reconstructions.int() - model.subset.reconstructions.int()).abs().max() <= 1
    torch.testing.assert_close(again.losses, model.subset.losses, rtol=1e-3, atol=1e-2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    ticks = []
    path = make(TINY, tmp_path_factory.mktemp("made"), ticks.append)
    assert sum(ticks) == TINY.config.total_steps
    return path


def test_one_is_made_from_scratch_with_figures_of_the_weights_as_stored(tiny):
    model, data = vae.load_checkpoint(tiny), vae.load_dataset("digits")
    assert model.metrics == vae.evaluate(TINY.config, model.model(), data)
    assert torch.equal(encode_test(TINY.config, model.model(), data).mu, model.subset.mu)
    *_, (_, last) = vae.train(TINY.config, data, chunk=TINY.config.steps_per_epoch)
    assert model.last_epoch == LastEpoch(
        *map(float, (last.reconstruction.mean(), last.kl.mean(), last.objective.mean()))
    )


def test_a_file_for_looking_at_cannot_be_trained_on(tiny):
    model = vae.load_checkpoint(tiny)
    with pytest.raises(vae.VaeError, match="no optimiser moments"):
        vae.advance(model.state, dataclasses.replace(TINY.config, epochs=3), vae.load_dataset("digits"), 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: dataclasses.replace(s, mu=s.mu[:, :2]), "mu is"),
        (lambda s: dataclasses.replace(s, labels=s.labels[:-1]), "labels is"),
        (lambda s: dataclasses.replace(s, reconstructions=s.reconstructions.float()), "reconstructions is"),
        (lambda s: dataclasses.replace(s, losses=s.losses / 0), "subset.losses that are not finite"),
    ],
)
def test_a_subset_that_does_not_fit_is_refused(tiny, tmp_path, change, reason):
    model = vae.load_checkpoint(tiny)
    path = tmp_path / "changed.safetensors"
    vae.save_checkpoint(path, model.state, model.config, subset=change(model.subset))
    with pytest.raises(vae.CheckpointError, match=reason):
        vae.load_checkpoint(path)


def test_the_table_is_written_between_its_marks_only(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- table -->\nold\n<!-- end of table -->\nafter\n")
    write_table(tmp_path)
    text = readme.read_text()
    assert text.startswith("before\n<!-- table -->\n| file |") and text.endswith("<!-- end of table -->\nafter\n")
    assert "old" not in text
