"""CelebA: photographs of celebrities with 40 known attributes, read where the user has put them; never fetched.

The layout is torchvision's, under VAE_DATA/celeba. Of its 202,599 pictures the first 20,000 for training are taken, and
the first 2,000 for testing: their middle 148 x 148 of 178 x 218 pixels, as usual, at 64 x 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch

from vae.data.dataset import Factor, Factors, ImageDataset
from vae.data.jpegs import read_jpegs
from vae.data.source import Source
from vae.errors import DataError

PHOTOGRAPH, CROP, SIDE = (178, 218), 148, 64
N_TRAIN, N_TEST = 20_000, 2_000
CLASSES = ("not smiling", "smiling")
ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
FACTORS = tuple(Factor(name, (0.0, 1.0), ("no", "yes")) for name in ATTRIBUTES)

_PICTURES, _LIST, _PARTS = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"
_TRAIN, _TEST = "0", "2"  # as the list of parts has them; 1 is for validation


def present(root: Path) -> bool:
    """Whether the folder of pictures and the two lists lie under root/celeba."""
    folder = root / "celeba"
    return (folder / _PICTURES).is_dir() and (folder / _LIST).is_file() and (folder / _PARTS).is_file()


def load(root: Path, n_train: int = N_TRAIN, n_test: int = N_TEST) -> ImageDataset:
    """Source: https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html; labels say who smiles. DataError if absent or damaged."""
    if not present(root):
        raise DataError(_how_to_get(root))
    folder = root / "celeba"
    names = [*islice(_of_part(folder / _PARTS, _TRAIN), n_train), *islice(_of_part(folder / _PARTS, _TEST), n_test)]
    if len(names) != n_train + n_test:
        raise DataError(f"{folder / _PARTS} names {len(names):,} of the {n_train + n_test:,} pictures that are taken.")
    known = _attributes(folder / _LIST, set(names))
    if missing := next((name for name in names if name not in known), None):
        raise DataError(f"{folder / _LIST} has no row of {missing}.")
    values = torch.tensor([known[name] for name in names], dtype=torch.float32)
    images = read_jpegs([folder / _PICTURES / name for name in names], PHOTOGRAPH, CROP, SIDE)
    labels = values[:, ATTRIBUTES.index("Smiling")].long()
    return ImageDataset.divided("celeba", images, labels, CLASSES, n_train, Factors(FACTORS, values))


def download(root: Path, progress: Callable[[float], object]) -> None:
    """DataError: its owners have it agreed to by hand. Nothing to do where it is there."""
    if not present(root):
        raise DataError(_how_to_get(root))
    progress(1.0)


def _how_to_get(root: Path) -> str:
    return (
        f"CelebA is not on this machine and is not fetched: download {_PICTURES}.zip, {_LIST} and {_PARTS} from "
        f"https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and put them in {root / 'celeba'}, the first unpacked, or "
        "take the data set 'digits', which is always there."
    )


def _words(path: Path) -> Iterator[list[str]]:
    """The words of each line."""
    try:
        with path.open(encoding="ascii") as lines:
            yield from map(str.split, lines)
    except (OSError, UnicodeDecodeError) as reason:
        raise DataError(f"{path} cannot be read ({reason}).") from None


def _of_part(path: Path, part: str) -> Iterator[str]:
    """The names of the pictures of that part, one after the other."""
    for row in _words(path):
        if len(row) != 2 or Path(row[0]).name != row[0]:
            raise DataError(f"{path} is damaged: each line has a file's name and the number of its part.")
        if row[1] == part:
            yield row[0]


def _attributes(path: Path, wanted: set[str]) -> dict[str, list[int]]:
    """The 40 attributes of each picture that is wanted, 0 or 1: in the file -1 or 1, after their number and names."""
    rows = _words(path)
    next(rows, None)
    if tuple(next(rows, ())) != ATTRIBUTES:
        raise DataError(f"{path} is damaged: its second line names CelebA's 40 attributes.")
    meaning = {"-1": 0, "1": 1}
    try:
        found = {name: [meaning[value] for value in values] for name, *values in rows if name in wanted}
        if any(len(values) != len(ATTRIBUTES) for values in found.values()):
            raise ValueError
    except (KeyError, ValueError):
        raise DataError(f"{path} is damaged: each row has a file's name and 40 times -1 or 1.") from None
    return found


SOURCE = Source(
    "celeba",
    "CelebA faces 64×64",
    (3, SIDE, SIDE),
    N_TRAIN,
    N_TEST,
    CLASSES,
    load,
    present,
    download,
    1_400,
    factors=ATTRIBUTES,
    licence="for non-commercial research only",
    citation="Liu, Luo, Wang and Tang 2015",
    url="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    about="Photographs of celebrities, eyes always in the same place, with 40 attributes known of each.",
)
