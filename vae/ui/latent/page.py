"""The Latent page as a whole: which models, which part of it, and the link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from vae.engine import Run
from vae.errors import VaeError
from vae.study.opened import OpenedModel
from vae.ui.latent import arithmetic, embed, health, manifold, one_image, traverse, walk
from vae.ui.latent.drawing import sheet_in_popover
from vae.ui.latent.image_picker import index_of
from vae.ui.latent.models import bring, choices, open_model, run_of, title_in
from vae.ui.latent.state import PARTS, STATE
from vae.ui.shared.page_state import Values
from vae.ui.shared.refresh import SELDOM, refreshing
from vae.ui.shared.words import plain, say

DRAWABLE = ("map", "embed")  # parts that show where a drawing lies, and have no sheet of their own
PREFERRED = "mnist-bce-z20"
UPLOAD, REFUSAL = "latent:file", "latent:refusal"
SHOW: Mapping[str, Callable[[OpenedModel, OpenedModel | None, Values], None]] = MappingProxyType(
    {
        "traverse": traverse.show,
        "map": manifold.show,
        "walk": walk.show,
        "arithmetic": arithmetic.show,
        "embed": embed.show,
        "image": one_image.show,
        "health": health.show,
    }
)


def _follow(seen: list[tuple[Run, int]]) -> None:
    """Look again at runs that train on, once they have gone further."""
    if any(run.view().step != step for run, step in seen):
        st.rerun(scope="app")


def models(state: Values) -> list[OpenedModel]:
    """Let the user choose one model or two, and the part. The models, opened; where one cannot be, the page says why."""
    titles = choices()
    if not state["model"] and titles:
        STATE.set(model=PREFERRED if PREFERRED in titles else next(iter(titles)))
    first, second, part = st.columns([2.6, 2.6, 5.6], vertical_alignment="bottom")
    keys = (_choice(first, "Model", "model", titles), _choice(second, "Beside it", "beside", {"": "none"} | titles))
    STATE.control(
        part.segmented_control,
        "part",
        "Look at it as",
        list(PARTS),
        format_func=PARTS.get,
        required=True,
        width="stretch",
    )
    opened = [model for key in dict.fromkeys(keys) if key and (model := _open(key))]
    if keys[0] and keys[0] == keys[1]:
        say("Beside itself a model shows nothing new: it is shown once. Choose another one to compare it with.", "info")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _verdict(opened)
        if state["part"] in DRAWABLE and opened:
            sheet_in_popover(opened[0], index_of(opened[0], state["image"]))
        _own_file()
    if refusal := st.session_state.get(REFUSAL):
        say(refusal, "error")
    return opened


def _choice(column, label: str, field: str, titles: Mapping[str, str]) -> str:
    """A list of models, with the one that a link asked for in it even where there is no such model: it is answered."""
    asked = STATE.now(field)
    options = list(titles) if asked in titles else [*titles, asked]
    return STATE.control(
        column.selectbox, field, label, options, format_func=lambda key: title_in(titles, key), filter_mode=None
    )


def _open(key: str) -> OpenedModel | None:
    try:
        with st.spinner("Opening the model"):
            model = open_model(key)
        _ = model.health  # codes that are not finite are answered here
        return model
    except VaeError as reason:
        say(reason, "error")
        return None


def _verdict(opened: list[OpenedModel]) -> None:
    """In one sentence a model: how its latent space is used, and what it reached."""
    said = []
    for model in opened:
        reached = "" if model.metrics is None else f" Test −ELBO {_signed(model.metrics.negative_elbo)} nats per image."
        said.append(f"**{plain(model.title)}**: {model.health.verdict}{reached}")
    st.caption(" · ".join(said) or "No model is open.", width="stretch")


def _own_file() -> None:
    with st.popover("Open a file", icon=":material/folder_open:", help="A checkpoint of your own", width="content"):
        st.file_uploader(
            "A .safetensors file, as the Train page gives it", type="safetensors", key=UPLOAD, on_change=_brought
        )


def _brought() -> None:
    """A file was given: it is the model now, or the page says why it is refused."""
    file = st.session_state[UPLOAD]
    st.session_state[REFUSAL] = ""
    if file is not None:
        try:
            STATE.set(model=bring(file.name, file.getvalue()))
        except VaeError as reason:
            st.session_state[REFUSAL] = str(reason)


def show(opened: list[OpenedModel], state: Values) -> None:
    training = [run for model in opened if (run := run_of(model.key)) and run.view().status.active]
    if training and state["part"] != "embed":  # there a map would begin anew with every step
        refreshing(_follow, SELDOM, [(run, run.view().step) for run in training])
    SHOW[state["part"]](opened[0], opened[1] if len(opened) > 1 else None, state)


def _signed(nats: float) -> str:
    """With the minus sign of the text around it."""
    return f"{nats:,.1f}".replace("-", "−")
