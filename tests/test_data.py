"""Data sets: what they are, and fetching that survives broken mirrors, truncation and wrong files (on loopback)."""

import gzip
import hashlib
import http.server
import threading
import urllib.request

import pytest
import torch

import vae
from vae.data import DATASETS, mnist, olivetti, to_unit
from vae.data.fetch import RemoteFile, fetch
from vae.errors import DataError, SettingError

CONTENT = bytes(range(256)) * 400
FILE = RemoteFile("numbers", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def mirror(tmp_path):
    """A web server on loopback over a folder; yields (folder, address)."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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


def test_what_is_announced_is_what_is_loaded(mnist):
    for name, source in DATASETS.items():
        if not source.is_present():
            continue
        data = vae.load_dataset(name)
        assert (data.shape, data.n_train, len(data.test), data.classes) == (
            source.shape, source.n_train, source.n_test, source.classes,
        )  # fmt: skip
    assert to_unit(mnist.train[:1]).max() == 1 and mnist.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_unknown_names_are_refused():
    with pytest.raises(SettingError, match="dataset = 'cifar' .* one of mnist, digits, olivetti is accepted"):
        vae.load_dataset("cifar")


def test_absent_mnist_is_said_and_digits_offered(tmp_path):
    assert not mnist.present(tmp_path)
    with pytest.raises(DataError, match="not on this machine.*digits"):
        mnist.load(tmp_path)


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
    for file in vae.data.mnist.FILES:
        raw = (vae.data.data_folder() / "MNIST" / "raw" / file.name).read_bytes()
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(raw, 1))
    vae.data.mnist.download(tmp_path / "data", lambda share: None, mirrors=(address,))
    assert torch.equal(vae.data.mnist.load(tmp_path / "data").images, mnist.images)
