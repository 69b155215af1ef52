"""Images that a user brings: PNG and JPEG files, from memory or from a folder, as a data set of small squares.

The files are foreign: what cannot be used is refused in one sentence each, and the others are read on. The middle
square of each picture is taken, the right way up, and scaled down smoothly; what is transparent lies on white. Colour
profiles are not applied.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from vae.data.dataset import ImageDataset
from vae.data.source import Source
from vae.errors import SettingError

MEGA = 1_000_000
MOST_BYTES = 20 * MEGA  # of one file
MOST_PIXELS = 40 * MEGA  # of one picture: 160 MB once decoded
FEWEST_PIXELS = 8  # a side
# Of all files together. The pixels too, as a PNG of one colour has 300 times as many of them as it has bytes.
MOST_IN_ALL = {"files": 2000, "bytes": 300 * MEGA, "pixels": 4000 * MEGA}
# Of a progressive JPEG: ten are usual, sixty bytes can be one, and each goes through all pixels again.
MOST_SCANS = 50
START_OF_SCAN = b"\xff\xda"  # never within a scan

FEWEST_IMAGES = 8
FEWEST_TEST = 2  # of one, nothing can be said on how codes spread
MOST_CLASSES = 40
PREFIX = "own_"  # how the name of such a data set begins; its digest follows
NOT_HERE = (
    "it stands for pictures that somebody brought, which are in no link and no file: the same ones are accepted, brought "
    "again"
)
LONGEST_NAME = 58  # with its quotes 60, as many as a sentence shows of a value

ACCEPTED = ("PNG", "JPEG")
# How files begin. Those that are not accepted are here so that their sentence can say what they are.
BEGINNINGS = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "GIF": rb"GIF8",
    "BMP": rb"BM",
    "WebP": rb"RIFF....WEBP",
    "AVIF": rb"....ftypavi[fs]",
    "HEIC": rb"....ftyp(hei|hev|mif|msf)",
    "TIFF": rb"II\*\0|MM\0\*",
}

Named = tuple[str, Callable[[], bytes]]  # a file's name, and how to read it


@dataclass(frozen=True, eq=False)
class OwnImages:
    """images (N, C, side, side) uint8, no two alike, and the N names of their files.

    refused: one sentence for each file that could not be used. notes: what else the user should know.
    """

    images: Tensor
    names: tuple[str, ...]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Refused(Exception):
    """Why a file is not taken, as the end of a sentence."""


def read_images(files: Iterable[tuple[str, bytes]], side: int, colour: bool) -> OwnImages:
    """Files as (name, content) -> their images (N, 3 or 1, side, side), in the order given. No file raises an error."""
    return _gather(((name, partial(bytes, content)) for name, content in files), side, colour)


def read_folder(folder: Path, side: int, colour: bool) -> OwnImages:
    """The .png, .jpg and .jpeg files directly in the folder, by name; SettingError if it is none or cannot be listed.

    Hidden files are passed over; links out of the folder are refused.
    """
    try:
        paths = sorted(filter(_is_picture, folder.iterdir()))
    except OSError as reason:
        raise SettingError("folder", str(folder), f"a folder of pictures is accepted ({reason.strerror})") from None
    return _gather(((path.name, partial(_content, path, folder.resolve())) for path in paths), side, colour)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in (".png", ".jpg", ".jpeg") and not path.name.startswith(".") and path.is_file()


def _content(path: Path, folder: Path) -> bytes:
    if not path.resolve().is_relative_to(folder):
        raise _Refused("it is a link out of the folder")
    _check_size(path.stat().st_size)
    return path.read_bytes()


def _gather(files: Iterable[Named], side: int, colour: bool) -> OwnImages:
    squares: dict[bytes, str] = {}  # pixels -> name, so that no picture can be in both parts of a data set
    refused, moving, repeated = [], [], []
    spent = Counter[str]()
    for given, read in files:
        name = shown_name(given)
        if any(spent[kind] >= most for kind, most in MOST_IN_ALL.items()):
            refused.append(_left_out(name))
            break
        spent["files"] += 1
        try:
            content = read()
            spent["bytes"] += len(content)
            with _opened(content) as picture:
                spent["pixels"] += picture.width * picture.height
                square = _square(picture, side, colour)
        except Exception as reason:  # a decoder at a foreign file: OSError, SyntaxError, struct.error, zlib.error...
            refused.append(_sentence(name, reason))
            continue
        if square in squares:
            repeated.append(name)
        elif getattr(picture, "is_animated", False) and picture.format == "PNG":
            moving.append(name)
        squares.setdefault(square, name)
    notes = [f"Of a moving picture the first frame is taken: {_listed(moving)}."] if moving else []
    notes += [f"A picture that came more than once is taken once, without {_listed(repeated)}."] if repeated else []
    return OwnImages(_stacked(squares, side, colour), tuple(squares.values()), tuple(refused), tuple(notes))


def _opened(content: bytes) -> Image.Image:
    """The picture with its header read and its pixels still packed: by its content, whatever its name ends in."""
    _check_size(len(content))
    kind = next((kind for kind, start in BEGINNINGS.items() if re.match(start, content, re.DOTALL)), "")
    if kind not in ACCEPTED:
        raise _Refused(f"its content is {kind}" if kind else "it is no picture that is known here")
    picture = Image.open(BytesIO(content), formats=[kind])
    if picture.width * picture.height > MOST_PIXELS:
        raise Image.DecompressionBombError
    if min(picture.size) < FEWEST_PIXELS:
        raise _Refused(f"it is {picture.width} x {picture.height} pixels, at least {FEWEST_PIXELS} a side are needed")
    if "progressive" in picture.info and content.count(START_OF_SCAN) > MOST_SCANS:
        raise _Refused(f"it has more than {MOST_SCANS} scans")
    return picture


def _check_size(n_bytes: int) -> None:
    if not 0 < n_bytes <= MOST_BYTES:
        raise _Refused(
            f"it has {n_bytes / MEGA:.1f} MB, at most {MOST_BYTES // MEGA} are read" if n_bytes else "it is empty"
        )


def _square(picture: Image.Image, side: int, colour: bool) -> bytes:
    """The middle square of an opened picture, side x side pixels, row by row. Whatever the decoder raises."""
    mode = "RGB" if colour else "L"
    picture.draft(mode, (2 * side, 2 * side))  # a JPEG can be decoded at an eighth of its side, in little memory
    whole = _smooth(picture)
    (width, height), half = whole.size, min(whole.size) / 2
    box = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
    small = whole.resize((side, side), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    small = ImageOps.exif_transpose(small)  # after the crop: the middle stays in the middle, and there is less to turn
    if small.mode in ("RGBA", "LA"):
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small.convert("RGBA"))
    return small.convert(mode).tobytes()


def _smooth(picture: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized smoothly: eight bits a channel, no palette, no colour for transparent."""
    if picture.mode == "I;16":
        return picture.point(lambda level: level / 257 + 0.5).convert("L")  # convert alone clips at 255
    if picture.mode in ("1", "P") or "transparency" in picture.info:
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture


def _stacked(squares: Iterable[bytes], side: int, colour: bool) -> Tensor:
    pixels = np.frombuffer(b"".join(squares), np.uint8).reshape(-1, side, side, 3 if colour else 1)
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())


def _sentence(name: str, reason: Exception) -> str:
    match reason:
        case _Refused():
            why = str(reason)
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            why = f"it has more than {MOST_PIXELS // MEGA} million pixels"
        case MemoryError():
            why = "there is not enough memory to decode it"
        case OSError(strerror=str(said)):  # of the file system: a decoder's have none
            why = f"it cannot be read ({said})"
        case _:
            why = "it is damaged or cut off"
    return str(SettingError("file", name, f"{why}; whole {' and '.join(ACCEPTED)} pictures are accepted"))


def _left_out(name: str) -> str:
    files, n_bytes, pixels = MOST_IN_ALL.values()
    most = f"{files:,} files, {n_bytes // MEGA} MB or {pixels // MEGA:,} million pixels are accepted in all"
    return str(SettingError("file", name, f"{most}, and this one and those after it are beyond"))


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shown_name(name: str) -> str:
    """The last part of a path of any system, without control characters, cut to LONGEST_NAME characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if not unicodedata.category(c).startswith("C"))
    return (kept if len(kept) <= LONGEST_NAME else kept[: LONGEST_NAME - 1] + "…") or "a file without a name"


def as_dataset(own: OwnImages, name: str, label_by_name: bool = False) -> ImageDataset:
    """Four fifths of the images for training, the others, two at least, for testing; SettingError for fewer than FEWEST_IMAGES.

    They are put in the order of their SHA-256: a shuffle that depends on the pixels alone, not on names or on the
    order in which the files came. Labels, if asked for, are what names begin with: cat_01.png and Cat-2.jpg are of the
    class cat. Where all begin alike there are none; SettingError for more than MOST_CLASSES.
    """
    n = len(own.images)
    if n < FEWEST_IMAGES:
        raise SettingError("images", n, f"at least {FEWEST_IMAGES} different pictures are accepted")
    order = sorted(range(n), key=lambda i: hashlib.sha256(own.images[i].numpy().tobytes()).digest())
    begin = [_beginning(own.names[i]) for i in order] if label_by_name else []
    classes = tuple(sorted(set(begin)))
    if len(classes) > MOST_CLASSES:
        raise SettingError("classes", len(classes), f"file names with at most {MOST_CLASSES} beginnings are accepted")
    if len(classes) == 1:
        begin, classes = [], ()
    labels = torch.tensor([classes.index(word) for word in begin]) if begin else None
    return ImageDataset.divided(name, own.images[order], labels, classes, n - max(FEWEST_TEST, n // 5))


def _beginning(name: str) -> str:
    letters = re.match(r"[^\W\d_]+", name)
    return letters[0].lower() if letters else "other"


def digest(data: ImageDataset) -> str:
    """16 hexadecimal digits that tell one data set from another: its pixels, shape, split, labels and classes."""
    labels = None if data.labels is None else data.labels.tolist()
    images = data.images
    facts = repr((tuple(images.shape), data.n_train, labels, data.classes))
    return hashlib.sha256(facts.encode() + images.numpy().tobytes()).hexdigest()[:16]


def is_own(name: object) -> bool:
    """Whether a data set of that name is of pictures that somebody brought."""
    return isinstance(name, str) and name.startswith(PREFIX)


def source_of(data: ImageDataset) -> Source:
    """The record of pictures that somebody brought: named by their digest, so that the same ones have the same name."""
    found = digest(data)
    n, (channels, height, width) = data.n_train + len(data.test), data.shape
    named = replace(data, name=PREFIX + found)
    return Source(
        name=named.name,
        title=f"Own images {found[:4]}: {n:,}, {height} × {width}, {'colour' if channels == 3 else 'grey'}",
        shape=data.shape,
        n_train=data.n_train,
        n_test=n - data.n_train,
        classes=data.classes,
        load=lambda root: named,
        licence="yours",
        about=f"Pictures of your own, the middle square of each. {expectation(n)}",
    )


def expectation(n: int) -> str:
    """What a training on n images will come to, in one sentence."""
    if n < 50:
        return f"{n} images are learnt by heart: training images come out sharp, test images do not, nor does what is drawn from the prior."
    if n <= 500:
        return f"{n} images teach what they have in common: test images come out blurred, and training images soon come out better than they do."
    return f"{n:,} images can be enough to learn from: compare the test loss with the training loss to see from when on they are learnt by heart."
