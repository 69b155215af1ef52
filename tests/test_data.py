"""Data sets: what they are, and fetching that survives broken mirrors, truncation and wrong files (on loopback)."""

import dataclasses
import gzip
import hashlib
import re
import urllib.request

import psutil
import pytest
import torch
from sklearn.datasets import load_digits

import vae
from vae.data import DATASETS, Factor, Factors, ImageDataset, Source, data_folder, olivetti, register, to_unit
from vae.data.fetch import RemoteFile, fetch
from vae.data.mnist import MNIST
from vae.errors import DataError, SettingError

CONTENT = bytes(range(256)) * 400
FILE = RemoteFile("numbers", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def bring(folder, address, *more):
    seen = []
    fetch([FILE], folder, [address, *more], seen.append, suffix=".gz", unpack=gzip.open)
    return seen


def test_digits_are_scikit_learns():
    data = vae.load_dataset("digits")
    assert data.images.shape == (1797, 1, 8, 8) and data.images.dtype == torch.uint8
    assert data.images.max() == 255 and len(data.train) == 1437 and len(data.test) == 360
    assert data.classes == tuple("0123456789") and data.labels.bincount().min() > 170
    assert vae.load_dataset("digits", 16).images.shape == (1797, 1, 16, 16)
    assert vae.load_dataset("digits") is data


def test_digits_are_read_as_scikit_learn_reads_them():
    raw = load_digits()
    data = vae.load_dataset("digits")
    assert torch.equal(data.images[:, 0], torch.from_numpy(raw.images * 255 / 16).round().to(torch.uint8))
    assert torch.equal(data.labels, torch.from_numpy(raw.target))


def test_mnist_is_read_as_torchvision_reads_it(mnist):
    from vae.data.torchvision_import import datasets

    for part, held in ((True, slice(0, 60_000)), (False, slice(60_000, None))):
        theirs = datasets.MNIST(data_folder(), train=part)
        assert torch.equal(mnist.images[held, 0], theirs.data) and torch.equal(mnist.labels[held], theirs.targets)


def test_what_is_announced_is_what_is_loaded(mnist):
    for name, source in DATASETS.items():
        if not source.is_present():
            continue
        data = vae.load_dataset(name)
        assert (data.shape, data.n_train, len(data.test), data.classes) == (
            source.shape, source.n_train, source.n_test, source.classes,
        )  # fmt: skip
        assert source.factors == (data.factors.names if data.factors else ())
    assert to_unit(mnist.train[:1]).max() == 1 and mnist.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_unknown_names_are_refused():
    with pytest.raises(
        SettingError, match="dataset = 'cifar' .* one of mnist, digits, olivetti, sprites, .*celeba is accepted"
    ):
        vae.load_dataset("cifar")


@pytest.mark.parametrize("name", DATASETS)
def test_every_record_says_whose_it_is_and_what_it_is(name):
    source = DATASETS[name]
    assert source.name == name and source.licence and source.citation
    assert re.fullmatch("[A-Z].{40,140}[.]", source.about)
    assert source.url.startswith("http") or source.drawn


# ---- One more data set, from outside the package -------------------------------------------------------------------


def dots(n=40, size=8):
    """Black pictures with one white pixel, whose row is a known factor."""
    rows = torch.arange(n) % size
    images = torch.zeros(n, 1, size, size, dtype=torch.uint8)
    images[torch.arange(n), 0, rows, 0] = 255
    row = Factor("row", tuple(range(size)), ("top", "bottom"))
    return ImageDataset.divided("dots", images, None, (), 30, Factors((row,), rows[:, None].float()))


DOTS = Source("dots", "Dots", (1, 8, 8), 30, 10, (), lambda root: dots(), factors=("row",))


@pytest.fixture
def registered(monkeypatch):
    """The data set dots, for one test."""
    monkeypatch.setitem(vae.data._sources, "dots", DOTS)  # to be taken out after the test
    del vae.data._sources["dots"]
    register(DOTS)
    yield
    vae.data._load.cache_clear()


def test_a_data_set_is_one_record_and_a_loader(registered):
    config = vae.TrainConfig(dataset="dots", batch_size=30)
    assert config.shape == (1, 8, 8) and list(DATASETS)[-1] == "dots"
    _, progress = vae.advance(vae.initial_state(config), config, vae.load_dataset("dots"), 2)
    assert progress.step == 2
    with pytest.raises(SettingError, match="name = 'dots' cannot be used: it is the name of another"):
        register(DOTS)
    with pytest.raises(TypeError):
        DATASETS["more"] = DOTS


def test_factors_are_split_as_the_images_and_stay_when_they_are_resized():
    data = dots().resized(16)
    assert data.shape == (1, 16, 16) and data.factors.names == ("row",) and data.factors.words == (("top", "bottom"),)
    assert data.train_factors.shape == (30, 1) and data.test_factors[:, 0].tolist() == [*range(6, 8), *range(8)]
    assert not data.factors.known[0].has_kinds and Factor("glasses", (0, 1), ("without", "with")).has_kinds
    none = vae.load_dataset("digits")
    assert none.factors is None and none.train_factors is None and none.test_factors is None


def test_a_set_that_is_drawn_is_drawn_at_the_size_asked_for_and_others_are_resized(registered, monkeypatch):
    assert vae.load_dataset("dots", 16).images.float().mean(dim=(1, 2, 3)).max() < 4, "one pixel's light, spread"
    vae.data._load.cache_clear()
    monkeypatch.setitem(vae.data._sources, "dots", dataclasses.replace(DOTS, drawn=lambda size: dots(size=size)))
    assert torch.equal(vae.load_dataset("dots", 16).images, dots(size=16).images)
    assert torch.equal(vae.load_dataset("dots").images, dots().images)


# ---- Memory --------------------------------------------------------------------------------------------------------


def test_a_set_that_would_take_more_memory_than_is_allowed_is_not_read(registered, monkeypatch):
    def never(root):
        raise AssertionError("it was read")

    monkeypatch.setitem(vae.data._sources, "dots", dataclasses.replace(DOTS, n_train=10**7, load=never))
    monkeypatch.setattr(vae.data, "memory_allowed", lambda: 600_000_000)
    with pytest.raises(DataError, match="'dots' would take 640.0 MB of memory, and 600.0 MB may be taken"):
        vae.load_dataset("dots")
    monkeypatch.setattr(vae.data, "memory_allowed", lambda: 10**7 * 64 + 10 * 64)
    with pytest.raises(AssertionError, match="it was read"):
        vae.load_dataset("dots")


def test_the_memory_that_images_take_is_counted_before_they_are_there(monkeypatch):
    for name in ("digits", "sprites", "patches_colour"):
        assert DATASETS[name].n_bytes() == vae.load_dataset(name).images.nbytes
    assert DATASETS["sprites"].n_bytes(16) == vae.load_dataset("sprites", 16).images.nbytes
    resized = vae.load_dataset("digits").images.nbytes + vae.load_dataset("digits", 16).images.nbytes
    assert DATASETS["digits"].n_bytes(16) == resized and DATASETS["digits"].n_bytes(8) == DATASETS["digits"].n_bytes()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1001}))
    assert vae.data.memory_allowed() == 500


# ---- Absent, and fetched -------------------------------------------------------------------------------------------


def test_absent_mnist_is_said_and_digits_offered(tmp_path):
    assert not MNIST.present(tmp_path)
    with pytest.raises(DataError, match="not on this machine.*digits"):
        MNIST.load(tmp_path)


def test_the_faces_are_split_by_picture_and_every_person_is_in_both_parts():
    if not DATASETS["olivetti"].is_present():
        pytest.skip("the Olivetti faces are not in VAE_DATA: run 'python -m vae fetch olivetti'")
    data = vae.load_dataset("olivetti")
    assert data.images.shape == (400, 1, 64, 64) and data.images.max() == 255
    assert data.train_labels.bincount().tolist() == [8] * 40 and data.test_labels.bincount().tolist() == [2] * 40


def test_absent_faces_are_said_and_a_fetch_without_a_network_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="not on this machine.*digits"):
        olivetti.load(tmp_path)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies it was made with
    with pytest.raises(DataError, match="could not be fetched .*refused"):
        olivetti.download(tmp_path, lambda share: None)


def test_fetching_puts_a_checked_file_in_place(mirror, tmp_path):
    folder, address = mirror
    (folder / "numbers.gz").write_bytes(gzip.compress(CONTENT))
    seen = bring(tmp_path / "data", address)
    assert (tmp_path / "data" / "numbers").read_bytes() == CONTENT
    assert seen == sorted(seen) and seen[-1] == 1.0
    (folder / "numbers.gz").unlink()
    assert bring(tmp_path / "data", address) == [1.0]  # there already: nothing is asked for


def test_a_broken_mirror_is_passed_over(mirror, tmp_path):
    folder, address = mirror
    (folder / "numbers.gz").write_bytes(gzip.compress(CONTENT))
    bring(tmp_path / "data", "http://127.0.0.1:9/", address)
    assert (tmp_path / "data" / "numbers").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (gzip.compress(CONTENT)[:-200], "end-of-stream|ended"),
        (gzip.compress(CONTENT[:-1] + b"x"), "SHA-256 differs"),
        (gzip.compress(CONTENT[:-1]), "SHA-256 differs"),
        (gzip.compress(CONTENT * 50), "more than the expected 102,400 bytes"),
        (b"<html>not a gzip file</html>", "gzip"),
        (None, "not found"),
    ],
)
def test_a_wrong_file_is_refused_and_leaves_nothing(mirror, tmp_path, served, reason):
    folder, address = mirror
    if served is not None:
        (folder / "numbers.gz").write_bytes(served)
    with pytest.raises(DataError, match=reason):
        bring(tmp_path / "data", address)
    assert [p.name for p in (tmp_path / "data").iterdir() if p.name != ".lock"] == []


def test_mnist_arrives_from_a_mirror_and_is_read_by_torchvision(mnist, mirror, tmp_path):
    folder, address = mirror
    for file in MNIST.files:
        raw = (vae.data.data_folder() / "MNIST" / "raw" / file.name).read_bytes()
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(raw, 1))
    MNIST.download(tmp_path / "data", lambda share: None, mirrors=(address,))
    assert torch.equal(MNIST.load(tmp_path / "data").images, mnist.images)
