"""Pictures of one's own, from files or from the camera, as a data set of this browser's."""

from __future__ import annotations

import math
from collections.abc import Iterable

import streamlit as st

from vae.data import default_dataset, find_source
from vae.data.own import FEWEST_IMAGES, as_dataset, expectation, is_own, read_images
from vae.errors import VaeError
from vae.ui.shared.engine import engine
from vae.ui.shared.own_images import is_mine, mine
from vae.ui.shared.owner import owner
from vae.ui.shared.words import say
from vae.ui.train.state import STATE

SIZES = (28, 32, 48, 64)
MOST_PHOTOS = 200
ENOUGH_STEPS = 1000
MOST_REFUSED = 5  # sentences shown
PHOTOS, TOLD, TURN = "own:photos", "own:told", "own:turn"
FITTED = "own:fitted"  # setting -> what it was before it was fitted to few pictures, and to what it was fitted

Sentences = list[tuple[str, str]]  # a sentence, and as what it is said


def settle() -> None:
    """Before any control is made: what is not here any more, as another page of this browser let it go, is not chosen."""
    if not is_mine(STATE.now("dataset")):
        choose(default_dataset())
        say("Those pictures are not here any more: the default data set stands instead.", "warning")


def choose(dataset: str) -> None:
    """Put a data set into the controls."""
    STATE.set(dataset=dataset)
    fit()


def fit() -> None:
    """Of few pictures of one's own, a batch is all there are at most. With other data, what was fitted to few is as before,
    unless somebody has changed it since."""
    dataset = STATE.now("dataset")
    if is_own(dataset):
        _fit(batch_size=min(STATE.now("batch_size"), find_source(dataset).n_train))
        return
    for name, (before, fitted) in st.session_state.pop(FITTED, {}).items():
        if STATE.now(name) == fitted:
            STATE.set(**{name: before})


def _fit(**values: int) -> None:
    held = st.session_state.setdefault(FITTED, {})
    for name, value in values.items():
        if (now := STATE.now(name)) != value:
            before, fitted = held.get(name, (now, now))
            held[name] = (before if now == fitted else now, value)
            STATE.set(**{name: value})


def panel() -> None:
    """The controls, folded up."""
    with st.expander("Own images", key="own-images", icon=":material/add_photo_alternate:"):
        files = st.file_uploader(
            f"{FEWEST_IMAGES} or more PNG or JPEG files", type=["png", "jpg", "jpeg"], accept_multiple_files=True,
            key=_files_key(), help="The middle square of each is taken. They stay in this server's memory while you are here, "
            "and for twenty minutes after; nobody else can choose them, and they are in no link.",
        )  # fmt: skip
        photos = _photos()
        left, right = st.columns(2, vertical_alignment="bottom")
        left.selectbox("Pixels a side", SIZES, key="own:side", filter_mode=None, persist_state="session")
        right.toggle("Colour", key="own:colour", persist_state="session")
        st.toggle(
            "Labels from names", key="own:labels", persist_state="session",
            help="What a file's name begins with: cat_01.png and Cat-2.jpg are of the class cat.",
        )  # fmt: skip
        st.button(
            "Use these pictures", key="own:use", type="primary", width="stretch", on_click=_use,
            disabled=engine() is None or not (files or photos),
        )  # fmt: skip
        for sentence, kind in st.session_state.get(TOLD, []):
            say(sentence, kind)
        if STATE.now("dataset") in mine():
            st.button(
                "Let these pictures go", key="own:forget", width="stretch", on_click=_forget,
                help="Their runs go with them.",
            )  # fmt: skip


def _files_key() -> str:
    """Another one when the files have been read: the server then lets go of them."""
    return f"own:files:{st.session_state.get(TURN, 0)}"


def _photos() -> list[bytes]:
    """The camera, once it is asked for, and the photos taken with it."""
    photos = st.session_state.setdefault(PHOTOS, [])
    if st.toggle(
        "Camera",
        key="own:camera",
        persist_state="session",
        help="The browser asks whether it may; it needs https, or this machine.",
    ):
        st.camera_input("Photo", key="own:photo", on_change=_keep_photo, label_visibility="collapsed")
        st.caption(f"{len(photos)} of at most {MOST_PHOTOS} photos taken.")
    return photos


def _keep_photo() -> None:
    photo, photos = st.session_state["own:photo"], st.session_state[PHOTOS]
    if photo is not None and len(photos) < MOST_PHOTOS:
        photos.append(photo.getvalue())


def _given() -> Iterable[tuple[str, bytes]]:
    for file in st.session_state.get(_files_key()) or []:
        yield file.name, file.getvalue()
    for number, photo in enumerate(st.session_state[PHOTOS], 1):
        yield f"photo-{number}.jpg", photo


def _use() -> None:
    """Read what was given; it is the data set now, or the page says why not."""
    read = read_images(_given(), st.session_state["own:side"], st.session_state["own:colour"])
    told: Sentences = [(sentence, "caption") for sentence in read.refused[:MOST_REFUSED]]
    if (more := len(read.refused) - MOST_REFUSED) > 0:
        told.append((f"{more:,} more files cannot be used.", "caption"))
    told += [(sentence, "caption") for sentence in read.notes]
    try:
        data = as_dataset(read, "own", st.session_state["own:labels"])
        source = engine().bring(data, owner())
    except VaeError as reason:
        told.append((str(reason), "error"))
    else:
        choose(source.name)
        steps = math.ceil(source.n_train / STATE.now("batch_size"))  # of few pictures one, and ten epochs show nothing
        _fit(epochs=max(STATE.now("epochs"), ENOUGH_STEPS // steps))
        told.append((expectation(data.n_train + len(data.test)), "info"))
        if st.session_state["own:labels"] and not data.classes:
            told.append(("All names begin alike: there are no labels.", "caption"))
        st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
        st.session_state[PHOTOS] = []
    st.session_state[TOLD] = told


def _forget() -> None:
    engine().forget(STATE.now("dataset"), owner())
    st.session_state.pop(TOLD, None)
    choose(default_dataset())
