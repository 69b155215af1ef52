"""How a script reads each data set: the training images, as the package splits, scales and resizes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from vae.data import celeba, faces, find_source, lfw, patches, sprites
from vae.data.own import is_own
from vae.errors import SettingError
from vae.export.script.source import definitions
from vae.training.config import TrainConfig

# Each leaves images: uint8 (N, C, H, W), the training images.
_READ: Mapping[str, str] = MappingProxyType(
    {
        "digits": """\
from sklearn.datasets import load_digits

pixels = torch.from_numpy(load_digits().images).mul(255 / 16).round()  # 0..16 become 0..255
images = pixels.to(torch.uint8).unsqueeze(1)[:{n_train}]  # in file order: the rest, by other writers, is for testing""",
        **{
            name: f"""\
file = options.data / "{kind}" / "raw" / "train-images-idx3-ubyte"  # where torchvision.datasets.{kind} puts it
if not file.is_file():
    sys.exit(f"{{{{file}}}} is not there. torchvision.datasets.{kind}({{{{str(options.data)!r}}}}, download=True) fetches it.")
images = torch.from_numpy(np.fromfile(file, np.uint8)[16:]).view(-1, 1, 28, 28)  # after a header of 16 bytes"""
            for name, kind in (("mnist", "MNIST"), ("fashion", "FashionMNIST"), ("kmnist", "KMNIST"))
        },
        "olivetti": """\
from sklearn.datasets import fetch_olivetti_faces  # fetched where it is not there yet

pixels = fetch_olivetti_faces(data_home=options.data / "olivetti").images  # (400, 64, 64), ten pictures of each person
images = torch.from_numpy(pixels).mul(255).round().to(torch.uint8).unsqueeze(1)
images = images[torch.arange(len(images)) % 10 < 8]  # the last two pictures of each person are for testing""",
    }
)

# Others by the package's own loader, whose text goes into the script: the function, and how it is called.
_LOADED: Mapping[str, tuple[Callable[..., Any], str]] = MappingProxyType(
    {
        "sprites": (sprites.draw, "draw({size})"),
        "faces": (faces.draw, "draw({size})"),
        "patches": (patches.load, 'load("patches")'),
        "patches_colour": (patches.load, 'load("patches_colour")'),
        "lfw": (lfw.load, "load(options.data)"),
        "celeba": (celeba.load, "load(options.data)"),
    }
)

_RESIZED = """

# Other than the data set's own size, as the settings have it.
images = torch.cat(
    [
        F.interpolate(piece.float(), ({size}, {size}), mode="bilinear", antialias=True, align_corners=False)
        .round().clamp(0, 255).to(torch.uint8)
        for piece in images.split(4096)
    ]
)"""


def needs_folder(config: TrainConfig) -> bool:
    """Whether the script has an option for where the data set lies."""
    return "options.data" in data_text(config)


def data_text(config: TrainConfig) -> str:
    """The lines that make `images`; SettingError for a data set that scripts cannot read."""
    source = find_source(config.dataset)
    resized = config.size and not source.drawn and source.shape[1:] != (config.size, config.size)
    return _read(config, source.n_train) + (_RESIZED.format(size=config.size) if resized else "")


def _read(config: TrainConfig, n_train: int) -> str:
    if config.dataset in _READ:
        return _READ[config.dataset].format(n_train=n_train)
    if is_own(config.dataset):
        raise SettingError(
            "dataset", config.dataset, "pictures of your own are not in a script, which is to run elsewhere"
        )
    if config.dataset not in _LOADED:
        raise SettingError("dataset", config.dataset, f"a script reads one of {', '.join([*_READ, *_LOADED])}")
    load, call = _LOADED[config.dataset]
    call = call.format(size=config.shape[-1])
    return f"{definitions([load])}\n\n\nimages = {call}.images[:{n_train}]  # the rest is for testing"
