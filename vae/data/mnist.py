"""MNIST and two of its kind, each 70,000 grey images of 28 x 28 pixels: fetched from where torchvision does, only on request."""

from __future__ import annotations

from vae.data.idx import IdxSet, files_by_md5, files_by_sha256

MNIST = IdxSet(
    "mnist",
    "MNIST",
    tuple("0123456789"),
    files_by_sha256(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
FASHION = IdxSet(
    "fashion",
    "FashionMNIST",
    ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    files_by_md5(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
)
KMNIST = IdxSet(
    "kmnist",
    "KMNIST",
    ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    files_by_md5(
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
)


SOURCE = MNIST.source(
    "MNIST digits 28×28",
    megabytes=12,
    licence="CC BY-SA 3.0",
    citation="LeCun, Cortes and Burges 1998",
    url="http://yann.lecun.com/exdb/mnist/",
    about="Handwritten digits: most pixels are exactly black or nearly white, grey only along the strokes.",
)
FASHION_SOURCE = FASHION.source(
    "Fashion-MNIST clothes 28×28",
    megabytes=31,
    licence="MIT",
    citation="Xiao, Rasul and Vollgraf 2017",
    url="https://github.com/zalandoresearch/fashion-mnist",
    about="Clothes and shoes on black: half of the pixels are black, the others take every grey.",
)
KMNIST_SOURCE = KMNIST.source(
    "KMNIST cursive kana 28×28",
    megabytes=21,
    licence="CC BY-SA 4.0",
    citation="Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto and Ha 2018",
    url="https://github.com/rois-codh/kmnist",
    about="Ten cursive Japanese characters of old books, several forms of each: strokes as MNIST's, but more varied.",
)
