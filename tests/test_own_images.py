"""Images that a user brings: what is taken from them, and one sentence for each file that cannot be used."""

import io
import os
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vae.data import own
from vae.data.own import as_dataset, digest, expectation, read_folder, read_images, shown_name
from vae.errors import SettingError

WHITE, SIDE = (255, 255, 255), 16


def packed(picture, form="PNG", **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def noise(side=64, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def plain(colour, form="PNG", mode="RGB", **options):
    return packed(Image.new(mode, (32, 32), colour), form, **options)


def greys(n):
    """n different files."""
    return [(f"{i}.png", packed(Image.frombytes("L", (8, 8), struct.pack(">I", i) * 16))) for i in range(n)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows=b"", bits=8, colour=0, extra=b"", last=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + last + chunk(b"IEND", b"")


ROWS = (b"\0" + b"\xff" * 16) * 16  # 16 x 16 white pixels, grey
INFLATES = b"a\0\0" + zlib.compress(bytes(1 << 26))  # 64 MB of a colour profile, or of text


def scans(n):
    """A progressive JPEG whose last scan is there n times more."""
    whole = packed(noise(), "JPEG", progressive=True)
    start = whole.rindex(b"\xff\xda")
    return whole[:start] + whole[start:-2] * (n + 1) + whole[-2:]


def one(content, name="one.png", colour=True):
    """The only image of the only file, as (H, W, 3) or (H, W)."""
    read = read_images([(name, content)], SIDE, colour)
    assert read.refused == () and read.images.dtype == torch.uint8
    assert read.images.shape == (1, 3 if colour else 1, SIDE, SIDE)
    return read.images[0].permute(1, 2, 0).squeeze(2).numpy()


def near(image, colour, within=3):
    return np.abs(image.astype(int) - np.array(colour)).max() <= within


REFUSED = {
    "nothing": (b"", "it is empty"),
    "text": (b"<html>a page</html>", "it is no picture that is known here"),
    "gif": (plain("red", "GIF"), "its content is GIF"),
    "bmp": (plain("red", "BMP"), "its content is BMP"),
    "tiff": (plain("red", "TIFF"), "its content is TIFF"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", "its content is WebP"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "its content is HEIC"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1", "its content is AVIF"),
    "png cut in its header": (packed(noise())[:20], "damaged or cut off"),
    "png cut in its pixels": (packed(noise())[:6000], "damaged or cut off"),
    "jpeg cut in its header": (packed(noise(), "JPEG")[:20], "damaged or cut off"),
    "jpeg cut in its pixels": (packed(noise(), "JPEG")[:2000], "damaged or cut off"),
    "png without pixels": (png(16, 16), "damaged or cut off"),
    "png of no known mode": (png(16, 16, ROWS, bits=3), "damaged or cut off"),
    "png of no width": (png(0, 16, ROWS), "damaged or cut off"),
    "one pixel": (packed(Image.new("L", (1, 1))), "it is 1 x 1 pixels, at least 8 a side are needed"),
    "a line": (packed(Image.new("L", (900, 7))), "it is 900 x 7 pixels"),
    "says it is huge": (png(100_000, 100_000), "more than 40 million pixels"),
    "says it is large": (png(10_000, 12_000), "more than 40 million pixels"),  # where Pillow warns
    "says it is a little too large": (png(8000, 5001), "more than 40 million pixels"),  # where Pillow says nothing
    "a profile that inflates": (png(16, 16, ROWS, extra=chunk(b"iCCP", INFLATES)), "damaged or cut off"),
    "a text that inflates": (png(16, 16, ROWS, last=chunk(b"zTXt", INFLATES)), "damaged or cut off"),
    "scans without end": (scans(200), "more than 50 scans"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_one_sentence_and_the_others_are_read(case):
    content, why = REFUSED[case]
    read = read_images([("bad.png", content), ("good.jpg", plain("red", "JPEG"))], SIDE, True)
    assert read.names == ("good.jpg",) and near(read.images[0].permute(1, 2, 0).numpy(), (254, 0, 0))
    (sentence,) = read.refused
    assert sentence.startswith("file = 'bad.png' cannot be used: ") and why in sentence
    assert sentence.endswith("PNG and JPEG pictures are accepted.") and "\n" not in sentence


def test_too_many_pixels_are_seen_where_warnings_are_not_errors():
    with pytest.warns(Image.DecompressionBombWarning):
        (sentence,) = read_images([("a.png", png(10_000, 12_000))], SIDE, True).refused
    assert "40 million pixels" in sentence


def test_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "MOST_BYTES", 3 * own.MEGA)
    large = packed(noise()) + bytes(3 * own.MEGA)
    (tmp_path / "large.png").write_bytes(large)
    monkeypatch.setattr(type(tmp_path), "read_bytes", lambda path: pytest.fail("read"))
    for read in (read_images([("large.png", large)], SIDE, True), read_folder(tmp_path, SIDE, True)):
        assert "'large.png' cannot be used: it has 3.0 MB, at most 3 are read" in read.refused[0]


@pytest.mark.parametrize("error", [MemoryError(), zlib.error("x"), struct.error("x"), RecursionError(), KeyError(1)])
def test_whatever_a_decoder_raises_is_a_sentence(monkeypatch, error):
    def stops(*args, **options):
        raise error

    monkeypatch.setattr(Image, "open", stops)
    (sentence,) = read_images([("a.png", plain("red"))], SIDE, True).refused
    assert ("not enough memory" if isinstance(error, MemoryError) else "damaged or cut off") in sentence


def test_no_other_decoder_is_ever_opened(monkeypatch):
    opened, real = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file, formats: opened.append(formats) or real(file, formats=formats))
    read_images([("bad", content) for content, _ in REFUSED.values()] + [("a", plain("red", "JPEG"))], SIDE, True)
    assert sorted({form for (form,) in opened}) == ["JPEG", "PNG"]


def test_content_decides_and_not_the_name():
    assert near(one(plain("blue"), "a.jpg"), (0, 0, 255), 0)
    assert near(one(plain("blue", "JPEG"), "a.png"), (0, 0, 254))
    assert near(one(plain("blue"), "a.gif"), (0, 0, 255), 0)


def test_inks_of_a_cmyk_jpeg_become_its_colours():
    assert near(one(plain((255, 0, 0, 0), "JPEG", "CMYK")), (0, 255, 255))
    assert near(one(plain((0, 0, 0, 0), "JPEG", "CMYK")), WHITE)
    assert near(one(plain((0, 0, 0, 255), "JPEG", "CMYK"), colour=False), 0)


@pytest.mark.parametrize(("level", "grey"), [(0, 0), (255, 1), (16384, 64), (32768, 128), (65407, 255), (65535, 255)])
def test_sixteen_bits_are_scaled_and_not_clipped(level, grey):
    picture = Image.fromarray(np.full((32, 32), level, dtype=np.uint16))
    assert near(one(packed(picture), colour=False), grey, 0) and near(one(packed(picture)), [grey] * 3, 0)
    rows = (b"\0" + struct.pack(">H", level) * 16) * 16
    for key in {grey, 40_000} - {level}:  # a level of 16 bits that is transparent, and not in the picture
        content = png(16, 16, rows, 16, extra=chunk(b"tRNS", struct.pack(">H", key)))
        assert near(one(content, colour=False), grey, 0) and near(one(content), [grey] * 3, 0)


def test_a_camera_held_upright_gives_upright_pictures():
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter, clockwise
    picture = Image.new("L", (96, 64))
    picture.paste(255, (16, 0, 48, 32))  # upper left in the middle square
    for form in ("PNG", "JPEG"):
        image = one(packed(picture, form, exif=turned), colour=False).astype(int)
        assert image[2, -3] > 240 and max(image[2, 2], image[-3, 2], image[-3, -3]) < 15
        assert one(packed(picture, form), colour=False)[2, 2] > 240


def test_the_middle_square_is_taken_of_what_is_wide_or_high():
    for size, at in (((200, 100), (50, 0)), ((100, 200), (0, 50))):
        picture = Image.new("RGB", size, "red")
        picture.paste("blue", (*at, at[0] + 100, at[1] + 100))
        assert near(one(packed(picture)), (0, 0, 255), 20)  # a filter reaches over the edge of what it is given
    assert one(packed(Image.new("RGB", (9, 9), "lime"))).shape == (SIDE, SIDE, 3)  # smaller than asked for


def test_scaling_down_leaves_no_moire():
    for form in ("PNG", "JPEG"):
        stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (512, 256)))
        assert near(one(packed(stripes, form), colour=False)[2:-2, 2:-2], 128, 8)


def test_what_is_transparent_is_white():
    clear = packed(Image.new("RGBA", (32, 32), (255, 0, 0, 0)))
    assert near(one(clear), WHITE, 0) and near(one(clear, colour=False), 255, 0)
    assert near(one(packed(Image.new("RGBA", (32, 32), (0, 0, 0, 127)))), [128] * 3, 1)
    assert near(one(packed(Image.new("LA", (32, 32), (0, 0)))), WHITE, 0)
    assert near(one(png(16, 16, bytes(17 * 16), extra=chunk(b"tRNS", b"\0\0"))), WHITE, 0)  # one level is transparent
    assert near(one(png(16, 16, bytes(3 * 16), 1)), (0, 0, 0), 0)  # one bit a pixel, none is
    palette = Image.new("P", (32, 32), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    assert near(one(packed(palette)), (0, 0, 255), 0) and near(one(packed(palette, transparency=1)), WHITE, 0)


def test_a_palette_is_resized_by_its_colours_and_not_by_its_numbers():
    palette = Image.fromarray(np.tile(np.array([0, 2], np.uint8), (64, 32)), "L").convert("P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert near(one(packed(palette))[2:-2, 2:-2], (128, 0, 128), 8)


def test_of_a_moving_picture_the_first_frame_is_taken_and_it_is_said():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    content = packed(frames[0], save_all=True, append_images=frames[1:])
    read = read_images([("moves.png", content), ("still.png", plain("blue"))], SIDE, True)
    assert near(read.images[0].permute(1, 2, 0).numpy(), (255, 0, 0), 0) and read.refused == ()
    assert read.notes == ("Of a moving picture the first frame is taken: moves.png.",)
    several = packed(frames[0], "MPO", save_all=True, append_images=frames[1:])  # as some telephones write their JPEGs
    assert near(one(several, "a.jpg"), (254, 0, 0))


def test_what_came_twice_is_taken_once():
    files = [("a.png", plain("red")), ("b.png", plain("blue")), *[(f"c{i}.png", plain("red")) for i in range(7)]]
    read = read_images(files, SIDE, True)
    assert read.names == ("a.png", "b.png") and len(read.images) == 2
    assert read.notes == (
        "A picture that came more than once is taken once, without c0.png, c1.png, c2.png, c3.png, c4.png and 2 more.",
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/cat.png", "cat.png"),
        ("C:\\pictures\\cat.png", "cat.png"),
        ("a\n\x1b[31mb\0\u202egnp.png", "a[31mbgnp.png"),
        ("Ka\u0308tzchen 猫 🐈.png", "Kätzchen 猫 🐈.png"),
        ("\udcff.png", ".png"),
        ("x" * 500 + ".png", "x" * 57 + "…"),
        ("..", ".."),
        ("/", "a file without a name"),
        ("\n", "a file without a name"),
    ],
)
def test_a_name_is_shown_without_its_path_and_what_could_move_the_cursor(given, shown):
    assert shown_name(given) == shown and len(shown) <= 60
    assert read_images([(given, plain("red"))], SIDE, True).names == (shown,)
    assert f"'{shown}'" in read_images([(given, b"")], SIDE, True).refused[0]


def test_more_files_than_are_accepted():
    read = read_images([("bad.png", b""), *greys(2003)], 8, False)
    assert len(read.images) == 1999 and read.names[-1] == "1998.png" and len(read.refused) == 2
    assert "'1999.png' cannot be used: 2,000 files, 300 MB or 4,000 million pixels" in read.refused[1]


@pytest.mark.parametrize("kind", ["bytes", "pixels"])
def test_more_bytes_or_pixels_than_are_accepted_in_all_are_not_even_asked_for(monkeypatch, kind):
    monkeypatch.setitem(own.MOST_IN_ALL, kind, 5000)
    files = [(f"{i}.png", packed(noise(64, i))[:12_000]) for i in range(4)]  # cut off: what failed has cost as much
    asked = []
    read = read_images((asked.append(file) or file for file in files), SIDE, True)
    allowed = {"bytes": 1, "pixels": 2}[kind]  # of 12,000 bytes and 4,096 pixels each
    assert len(asked) == allowed + 1 and len(read.refused) == allowed + 1 and "in all" in read.refused[-1]


def test_no_file_at_all():
    for files in ([], [("a.png", b"")]):
        assert read_images(files, SIDE, True).images.shape == (0, 3, SIDE, SIDE)


def test_a_folder_is_read_by_name_and_nothing_outside_of_it(tmp_path):
    folder, outside = tmp_path / "in", tmp_path / "outside.png"
    (folder / "below.png").mkdir(parents=True)
    outside.write_bytes(plain("lime"))
    for name, colour in (("b.PNG", "red"), ("a.jpeg", "blue"), (".hidden.png", "white"), ("c.txt", "black")):
        (folder / name).write_bytes(plain(colour))
    (folder / "below.png" / "d.png").write_bytes(plain("yellow"))
    (folder / "link.png").symlink_to(outside)
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "same.png").symlink_to("b.PNG")
    (tmp_path / "door").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    for path in (folder, tmp_path / "door"):
        read = read_folder(path, SIDE, True)
        assert read.names == ("a.jpeg", "b.PNG") and "same.png" in read.notes[0]
        assert len(read.refused) == 1 and "'link.png' cannot be used: it is a link out of the folder" in read.refused[0]


def denied(path):
    raise PermissionError(13, "Permission denied")


def test_a_file_that_may_not_be_read_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(plain("red"))
    monkeypatch.setattr(type(tmp_path), "read_bytes", denied)
    assert (
        "'a.png' cannot be used: it cannot be read (Permission denied)" in read_folder(tmp_path, SIDE, True).refused[0]
    )


def test_what_is_no_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(SettingError, match="folder = .* a folder of pictures is accepted"):
            read_folder(path, SIDE, True)
    (tmp_path / "a.png").write_bytes(plain("red"))
    monkeypatch.setattr(Path, "is_file", denied)  # a folder that may be listed and not entered
    with pytest.raises(SettingError, match="Permission denied"):
        read_folder(tmp_path, SIDE, True)


def test_a_data_set_is_split_by_its_pixels_alone():
    files = greys(23)
    data = as_dataset(read_images(files, 8, False), "own")
    assert data.name == "own" and data.labels is None and data.classes == ()
    assert data.shape == (1, 8, 8) and len(data.train) == 19 and len(data.test) == 4
    assert sorted(data.images.flatten(1).tolist()) == sorted(read_images(files, 8, False).images.flatten(1).tolist())
    renamed = [(f"other {name}", content) for name, content in reversed(files)]
    assert torch.equal(as_dataset(read_images(renamed, 8, False), "own").images, data.images)
    assert data.images[:, 0, 0, 3].tolist() != sorted(data.images[:, 0, 0, 3].tolist())  # shuffled


def test_too_few_images_are_refused_with_their_number():
    assert as_dataset(read_images(greys(8), 8, False), "own").n_train == 6
    with pytest.raises(SettingError, match="images = 7 cannot be used: at least 8"):
        as_dataset(read_images(greys(7), 8, False), "own")


def labelled(*names):
    """A data set of greys under these names; label of each grey's last byte."""
    contents = [content for _, content in greys(len(names))]
    data = as_dataset(read_images(zip(names, contents), 8, False), "own", label_by_name=True)
    if data.labels is None:
        return data.classes, None
    found = {int(image[0, 0, 3]): data.classes[label] for image, label in zip(data.images, data.labels.tolist())}
    return data.classes, [found[i] for i in range(len(names))]


def test_labels_are_what_names_begin_with():
    names = ("cat_01.png", "Cat-2.jpg", "dog 3.png", "dog4.png", "Kätzchen.png", "5.png", "_6.png", "猫7.png")
    classes, labels = labelled(*names)
    assert labels == ["cat", "cat", "dog", "dog", "kätzchen", "other", "other", "猫"]
    assert classes == ("cat", "dog", "kätzchen", "other", "猫")
    assert labelled(*[f"IMG_{i}.jpg" for i in range(9)]) == ((), None)
    letters = "abcdefghijklmnopqrstuvwxyz"
    with pytest.raises(SettingError, match="classes = 41 cannot be used: .* at most 40"):
        labelled(*[f"{a}{b}.png" for a in "ab" for b in letters][:41])


def test_a_digest_tells_data_sets_apart():
    files = greys(16)
    data = as_dataset(read_images(files, 8, False), "own")
    assert len(digest(data)) == 16 and int(digest(data), 16)
    assert digest(as_dataset(read_images(files[::-1], 8, False), "another name")) == digest(data)
    one_more, images = data.train.clone(), data.images
    one_more[0, 0, 0, 0] += 1
    changes = (
        {"train": one_more},
        {"train": data.train.reshape(-1, 1, 4, 16), "test": data.test.reshape(-1, 1, 4, 16)},
        {"train": images[:12], "test": images[12:]},
        {"labels": torch.zeros(16, dtype=torch.int64)},
        {"labels": torch.arange(16) % 2},
        {"classes": ("a", "b")},
    )
    others = [digest(replace(data, **change)) for change in changes]
    assert len({digest(data), *others}) == 7


def test_what_is_to_be_expected_is_said_by_number():
    said = [expectation(n) for n in (8, 49, 50, 500, 501, 2000)]
    assert ["by heart:" in text for text in said] == [True, True, False, False, False, False]
    assert ["in common" in text for text in said] == [False, False, True, True, False, False]
    assert said[-1].startswith("2,000 images")


MEASURE = """
import re, sys
from pathlib import Path
from vae.data.own import read_images
most = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000
read_images([("small.jpg", Path(sys.argv[2]).read_bytes())], 64, True)
before, read = most(), read_images([("large.jpg", Path(sys.argv[1]).read_bytes())], 64, True)
assert len(read.images) == 1, read.refused
print(most() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the most memory a process had is read from /proc")
def test_a_large_photograph_is_not_decoded_whole(tmp_path):
    (tmp_path / "large.jpg").write_bytes(packed(Image.new("RGB", (6000, 6000), "red"), "JPEG"))
    (tmp_path / "small.jpg").write_bytes(plain("red", "JPEG"))
    paths = [str(tmp_path / name) for name in ("large.jpg", "small.jpg")]
    run = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, timeout=100)
    assert float(run.stdout) < 40, run.stderr  # MB; whole it has 144
