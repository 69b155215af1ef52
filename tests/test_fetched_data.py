"""Data sets that are fetched or put in place by hand, read in their true format: tiny ones, from a server on loopback."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vae.data import celeba, fetch, idx, lfw
from vae.data.fetch import RemoteFile
from vae.data.mnist import FASHION, KMNIST, MNIST
from vae.errors import DataError

# ---- Tiny data sets: what a server has, and how it is brought and read ---------------------------------------------


def idx_file(values):
    """An array of bytes in the format of http://yann.lecun.com/exdb/mnist/."""
    values = np.asarray(values, np.uint8)
    sizes = b"".join(length.to_bytes(4, "big") for length in values.shape)
    return bytes((0, 0, 8, values.ndim)) + sizes + values.tobytes()


def jpeg(colour, size=(250, 250), kind="JPEG"):
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, quality=95)
    return out.getvalue()


def archive(members):
    """Named contents as a .tgz."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return out.getvalue()


class TinyIdx:
    """Six training and four test images of one of MNIST's kind."""

    def __init__(self, of):
        pixels = np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8)
        contents = [idx_file(part) for part in (pixels[:6], range(6), pixels[6:], range(6, 10))]
        self.served = {f"{name}.gz": gzip.compress(c, 1) for (name, _), c in zip(idx.LAYOUT, contents)}
        files = [
            RemoteFile(name, len(content), packed_md5=hashlib.md5(self.served[f"{name}.gz"]).hexdigest())
            for (name, _), content in zip(idx.LAYOUT, contents)
        ]
        self.of = dataclasses.replace(of, files=tuple(files), n_train=6)
        self.first, self.images = "train-images-idx3-ubyte.gz", torch.from_numpy(pixels)[:, None]
        self.longer = gzip.compress(contents[0] + bytes(99))
        self.present, self.load = self.of.present, self.of.load

    def download(self, root, address, progress=lambda share: None):
        self.of.download(root, progress, (address,))


class TinyLfw:
    """Five photographs of three people."""

    colours = {
        "Ann_A/Ann_A_0001": (200, 30, 30), "Bo_B/Bo_B_0001": (30, 200, 30), "Bo_B/Bo_B_0002": (30, 30, 200),
        "Cy_C/Cy_C_0001": (200, 200, 30), "Cy_C/Cy_C_0002": (30, 200, 200),
    }  # fmt: skip

    def __init__(self):
        self.members = {f"lfw_funneled/{name}.jpg": jpeg(colour) for name, colour in self.colours.items()}
        packed = archive(self.members | {"lfw_funneled/pairs_01.txt": b"of another use"})
        self.served, self.first = {"5976015": packed}, "5976015"
        self.archive = RemoteFile("lfw-funneled.tgz", len(packed), hashlib.sha256(packed).hexdigest())
        self.longer = packed + bytes(99)
        flat = [torch.tensor(c, dtype=torch.uint8).view(3, 1, 1).expand(3, 64, 64) for c in self.colours.values()]
        self.images = torch.stack(flat)
        self.present = lfw.present

    def load(self, root):
        return lfw.load(root, 3, 2)

    def download(self, root, address, progress=lambda share: None):
        lfw.download(root, progress, self.archive, (address + self.first,))


TINY = {"fashion": lambda: TinyIdx(FASHION), "kmnist": lambda: TinyIdx(KMNIST), "lfw": TinyLfw}


@pytest.fixture(params=TINY)
def tiny(request):
    return TINY[request.param]()


@contextmanager
def server(answer):
    """A server on loopback that leaves each answer to answer(handler); gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def sends(content, *headers, status=200):
    """An answer of that content, whatever is asked for."""

    def answer(handler):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def serves(contents):
    """An answer to each name among those contents."""
    return lambda handler: sends(contents[handler.path.strip("/")])(handler)


def left_in(root):
    """What lies under root but for locks, whose files stay."""
    return [p for p in root.rglob("*") if p.is_file() and p.name not in (".lock", ".unpacking")]


# ---- What comes, whole ---------------------------------------------------------------------------------------------


def test_a_set_arrives_and_is_read(tiny, tmp_path):
    assert not tiny.present(tmp_path)
    with pytest.raises(DataError, match="not on this machine.*digits"):
        tiny.load(tmp_path)
    shares = []
    with server(serves(tiny.served)) as address:
        tiny.download(tmp_path, address, shares.append)
    assert tiny.present(tmp_path) and shares == sorted(shares) and shares[-1] == 1
    data = tiny.load(tmp_path)
    assert data.images.shape == tiny.images.shape and data.images.dtype == torch.uint8
    assert (data.images.int() - tiny.images.int()).abs().max() <= (3 if data.name == "lfw" else 0), "JPEG is not exact"
    assert len(data.train) + len(data.test) == len(tiny.images) and data.labels is None or data.labels.max() == 9


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_pictures_lie_in_their_file_alone_and_what_is_written_to_them_stays_here(tmp_path):
    """A server's processes each have a set at hand: in memory it is once, and the system may drop it."""
    tiny = TinyIdx(FASHION)
    with server(serves(tiny.served)) as address:
        tiny.download(tmp_path, address)
    one, other = tiny.load(tmp_path), tiny.load(tmp_path)
    mapped = Path("/proc/self/maps").read_text()
    files = [tmp_path / "FashionMNIST" / "raw" / name for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")]
    assert all(str(file) in mapped for file in files)
    one.train[0] = 255 - one.train[0]
    assert torch.equal(other.images, tiny.images) and torch.equal(tiny.load(tmp_path).images, tiny.images)


def test_what_is_there_is_not_asked_for_again(tiny, tmp_path):
    with server(serves(tiny.served)) as address:
        tiny.download(tmp_path, address)
    shares = []
    tiny.download(tmp_path, "http://127.0.0.1:9/", shares.append)  # nobody listens there
    assert shares[-1] == 1


def test_two_at_once_fetch_it_once(tiny, tmp_path):
    asked = []

    def slowly(handler):
        asked.append(handler.path)
        time.sleep(0.1)
        serves(tiny.served)(handler)

    with server(slowly) as address, ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(tiny.download, tmp_path, address) for _ in range(2)]:
            done.result()
    assert sorted(asked) == sorted(f"/{name}" for name in tiny.served)
    assert len(tiny.load(tmp_path).images) == len(tiny.images)


def test_a_redirect_is_followed(tiny, tmp_path):
    def moved(handler):
        sends(b"", ("Location", f"{new}{handler.path.strip('/')}"), status=302)(handler)

    with server(serves(tiny.served)) as new, server(moved) as address:
        tiny.download(tmp_path, address)
    assert len(tiny.load(tmp_path).images) == len(tiny.images)


# ---- What does not come as it should -------------------------------------------------------------------------------


def wrong(tiny):
    content = bytearray(tiny.served[tiny.first])
    content[5] ^= 1  # of gzip's time stamp: it unpacks to the same
    return sends(bytes(content)), "differs"


def truncated(tiny):
    return sends(tiny.served[tiny.first][:-30]), "end-of-stream|ended|differs"


def truncated_as_announced(tiny):
    content = tiny.served[tiny.first]
    return sends(content[:-30], ("Content-Length", str(len(content)))), "end-of-stream|ended|differs"


def broken_chunk(tiny):
    return sends(b"400\r\n" + tiny.served[tiny.first][:200], ("Transfer-Encoding", "chunked")), "IncompleteRead"


def another_protocol(tiny):
    return lambda handler: handler.wfile.write(b"220 welcome\r\n\r\n"), "220 welcome"


def redirected_for_ever(tiny):
    return sends(b"", ("Location", "/again"), status=302), "redirect"


def absent(tiny):
    return sends(b"", status=404), "Not Found"


def longer(tiny):
    return sends(tiny.longer), "more than the expected"


def endless(tiny):
    def answer(handler):
        sends(tiny.served[tiny.first])(handler)
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))  # which gzip passes over
        except OSError:
            pass

    return answer, "more than the expected"


@pytest.mark.parametrize(
    "fault",
    [
        wrong, truncated, truncated_as_announced, broken_chunk, another_protocol, redirected_for_ever, absent, longer, endless,
    ],
)  # fmt: skip
def test_what_is_not_the_expected_file_leaves_nothing(tiny, tmp_path, fault):
    answer, reason = fault(tiny)
    with server(answer) as address, pytest.raises(DataError, match=f"could not be fetched.*({reason})"):
        tiny.download(tmp_path, address)
    assert left_in(tmp_path) == [] and not tiny.present(tmp_path)
    with server(serves(tiny.served)) as address:
        tiny.download(tmp_path, address)
    assert tiny.present(tmp_path), "and the next try is none the worse"


def test_a_server_that_drips_is_left(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.4)

    def drips(handler):
        try:
            for byte in tiny.served[tiny.first]:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            pass

    def answer(handler):
        sends(b"")(handler)
        drips(handler)

    started = time.monotonic()
    with server(answer) as address, pytest.raises(DataError, match="only .* bytes arrived in 0 seconds"):
        tiny.download(tmp_path, address)
    assert time.monotonic() - started < 5 and left_in(tmp_path) == []


def test_a_server_that_falls_silent_is_left(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.3)
    with server(lambda handler: time.sleep(1)) as address, pytest.raises(DataError, match="timed out"):
        tiny.download(tmp_path, address)
    assert left_in(tmp_path) == []


# ---- MNIST's kind --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [MNIST, FASHION, KMNIST], ids=lambda of: of.name)
def test_files_are_those_that_torchvision_names(of):
    from vae.data.torchvision_import import datasets

    known = getattr(datasets, of.kind)
    assert [(f"{f.name}.gz", f.packed_md5) for f in of.files if f.packed_md5] in ([], known.resources)
    assert [f"{f.name}.gz" for f in of.files] == [name for name, _ in known.resources]
    assert [f.size for f in of.files] == [47_040_016, 60_008, 7_840_016, 10_008]
    assert len(of.classes) == len(known.classes) == 10


@pytest.mark.parametrize("sums", [{}, {"sha256": "a", "packed_md5": "b"}])
def test_a_file_is_known_by_one_sum(sums):
    with pytest.raises(ValueError, match="numbers needs one sum"):
        RemoteFile("numbers", 10, **sums)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: bytes(len(content)),
        lambda content: content[:3] + b"\x04" + content[4:],
        lambda content: content[:4] + (3).to_bytes(4, "big") + content[8:],
        lambda content: content[:-1] + b"\xff",
    ],
    ids=["zeros", "four-dimensional", "of-another-length", "a-label-too-large"],
)
def test_damaged_files_of_the_right_size_are_said(tmp_path, damage):
    tiny = TINY["fashion"]()
    with server(serves(tiny.served)) as address:
        tiny.download(tmp_path, address)
    path = tmp_path / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="FashionMNIST .* are damaged: remove that folder"):
        tiny.load(tmp_path)


# ---- LFW -----------------------------------------------------------------------------------------------------------


def test_the_archive_is_the_one_that_scikit_learn_names():
    from sklearn.datasets._lfw import FUNNELED_ARCHIVE

    assert (lfw.ARCHIVE.name, lfw.ARCHIVE.sha256) == (FUNNELED_ARCHIVE.filename, FUNNELED_ARCHIVE.checksum)
    assert lfw._mirrors() == (FUNNELED_ARCHIVE.url,) and lfw._mirrors()[0].startswith("https://")


def test_an_archive_that_was_put_there_by_hand_is_unpacked(tmp_path):
    tiny, home = TinyLfw(), tmp_path / "lfw_home"
    with pytest.raises(DataError, match=f"could not be fetched .* in a browser, put it in {home}"):
        tiny.download(tmp_path, "http://127.0.0.1:9/")
    (home / "lfw-funneled.tgz").write_bytes(tiny.served[tiny.first])
    tiny.download(tmp_path, "http://127.0.0.1:9/")
    assert len(tiny.load(tmp_path).images) == 5 and not (home / "lfw-funneled.tgz").exists()


@pytest.mark.parametrize("name", ["../outside.jpg", "lfw_funneled/../../outside.jpg"])
def test_an_archive_that_would_write_elsewhere_is_not_unpacked(tmp_path, name):
    packed = archive({"lfw_funneled/Ann_A/Ann_A_0001.jpg": jpeg("red"), name: b"outside"})
    (tmp_path / "lfw_home").mkdir()
    (tmp_path / "lfw_home" / "lfw-funneled.tgz").write_bytes(packed)
    with pytest.raises(DataError, match="cannot be unpacked"):
        lfw.download(tmp_path, lambda share: None, RemoteFile("lfw-funneled.tgz", len(packed), "a"), ())
    assert [p.name for p in left_in(tmp_path)] == ["lfw-funneled.tgz"] and not lfw.present(tmp_path)


def photographs(root):
    """Those of TinyLfw as they lie when they are unpacked."""
    for name, content in TinyLfw().members.items():
        path = root / "lfw_home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "holds 4 photographs of 5"),
        (b"", "cannot be read"),
        (jpeg("red", kind="PNG"), "cannot be read"),
        (jpeg("red", kind="GIF"), "cannot be read"),
        (jpeg("red", (251, 250)), "251 × 250 pixels, not 250 × 250"),
        (jpeg("red")[:300], "cannot be read"),
    ],
    ids=["absent", "empty", "png", "gif", "another-size", "truncated"],
)
def test_a_photograph_that_is_not_one_is_named(tmp_path, content, reason):
    photographs(tmp_path)
    path = tmp_path / "lfw_home" / "lfw_funneled" / "Bo_B" / "Bo_B_0001.jpg"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as error:
        lfw.load(tmp_path, 3, 2)
    assert content is None or str(path) in str(error.value)


def test_the_middle_of_a_photograph_is_taken(tmp_path):
    photographs(tmp_path)
    with Image.new("RGB", (250, 250), "black") as picture:
        picture.paste((255, 255, 255), (61, 61, 189, 189))
        picture.save(tmp_path / "lfw_home" / "lfw_funneled" / "Ann_A" / "Ann_A_0001.jpg", quality=100, subsampling=0)
    assert lfw.load(tmp_path, 3, 2).images[0].min() > 240


# ---- CelebA --------------------------------------------------------------------------------------------------------

PARTS = (0, 0, 0, 1, 2, 2)  # of six pictures: two of the first three are taken, none of the fourth, one of the last two


@pytest.fixture
def celebrities(tmp_path):
    """Six pictures in torchvision's layout; the fourth, which is for validation, is no picture at all."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i:06d}.jpg" for i in range(1, 7)]
    for i, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(b"" if i == 3 else jpeg((40 * i, 9, 9), (178, 218)))
    rows = [f"{n} " + " ".join(f"{1 if (i + k) % 3 == 0 else -1:2d}" for k in range(40)) for i, n in enumerate(names)]
    (folder / "list_attr_celeba.txt").write_text("6\n" + " ".join(celeba.ATTRIBUTES) + " \n" + "\n".join(rows) + "\n")
    (folder / "list_eval_partition.txt").write_text("".join(f"{n} {part}\n" for n, part in zip(names, PARTS)))
    return folder


def test_the_first_celebrities_of_each_part_are_read_with_their_attributes(celebrities, tmp_path):
    data = celeba.load(tmp_path, 2, 1)
    assert data.images.shape == (3, 3, 64, 64) and data.n_train == 2
    assert (data.images[:, 0].float().mean(dim=(1, 2)) - torch.tensor([0.0, 40.0, 160.0])).abs().max() < 4
    expected = torch.tensor([[float((i + k) % 3 == 0) for k in range(40)] for i in (0, 1, 4)])
    assert torch.equal(data.factors.values, expected) and data.factors.names == celeba.ATTRIBUTES
    assert torch.equal(data.labels, expected[:, 31].long()) and celeba.ATTRIBUTES[31] == "Smiling"


def test_absent_celebrities_are_not_fetched_and_it_is_said_where_they_go(tmp_path):
    for ask in (lambda: celeba.load(tmp_path), lambda: celeba.download(tmp_path, lambda share: None)):
        with pytest.raises(DataError, match=f"download .*list_attr_celeba.txt .* put them in {tmp_path / 'celeba'}"):
            ask()


def test_celebrities_that_are_there_need_no_fetching(celebrities, tmp_path):
    shares = []
    celeba.download(tmp_path, shares.append)
    assert shares == [1.0] and celeba.present(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("list_attr_celeba.txt", "Bangs Bald", "Bald Bangs", None),
        ("list_attr_celeba.txt", "Bald Bangs", "Bangs Bald", "second line names CelebA's 40 attributes"),
        ("list_attr_celeba.txt", "000001.jpg  1", "000001.jpg  7", "each row has"),
        ("list_attr_celeba.txt", "000001.jpg  1", "000001.jpg", "each row has"),
        ("list_attr_celeba.txt", "000002.jpg", "000009.jpg", "has no row of 000002.jpg"),
        ("list_attr_celeba.txt", "Bald", "B\u00e4ld", "cannot be read"),
        ("list_eval_partition.txt", "000001.jpg 0", "../000001.jpg 0", "is damaged"),
        ("list_eval_partition.txt", "000001.jpg 0", "000001.jpg", "is damaged"),
        ("list_eval_partition.txt", "jpg 2", "jpg 1", "names 2 of the 3 pictures"),
    ],
)
def test_damaged_lists_of_celebrities_are_said(celebrities, tmp_path, name, old, new, reason):
    path = celebrities / name
    path.write_text(path.read_text().replace(old, new), encoding="utf-8")
    if reason is None:
        assert len(celeba.load(tmp_path, 2, 1).images) == 3
    else:
        with pytest.raises(DataError, match=reason):
            celeba.load(tmp_path, 2, 1)
