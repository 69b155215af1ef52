"""The Compare page as a whole: which data, which models, which part, and the link."""

from __future__ import annotations

import streamlit as st

from vae.data import DATASETS, default_dataset, find_source
from vae.errors import VaeError
from vae.study.opened import OpenedModel
from vae.ui.compare import matrix, rescue
from vae.ui.compare.models import (
    Option,
    default_models,
    gone_on,
    open_again,
    open_for,
    options,
)
from vae.ui.compare.state import MOST_MODELS, PARTS, STATE, data_name, data_of, data_title, settle
from vae.ui.latent.models import bring, title_in
from vae.ui.shared import datasets
from vae.ui.shared.own_images import known
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import say

CHOSEN = "compare:chosen"  # whether the user has chosen the models: then none means none
UPLOAD, REFUSAL = "compare:file", "compare:refusal"


def restore() -> tuple[Values, list[str]]:
    """What to show: from the link, with the models that ship where it names none."""
    values, problems = STATE.restore()
    data = values["data"] if values["data"].partition("-")[0] in known() else default_dataset()
    models = values["models"]
    if not models and not st.session_state.get(CHOSEN):
        models = default_models(data, options())
    if (data, models) != (values["data"], values["models"]):
        settle(data=data, models=models)
    return STATE.shown(), problems


def models(state: Values) -> list[OpenedModel]:
    """Let the user choose; the models that can be opened. Where one cannot be, the page says why."""
    known = options()
    first, second, third = st.columns([2.2, 6.2, 2.4], vertical_alignment="bottom")
    names = [*DATASETS, *sorted({data_name(o.config) for o in known.values()} - set(DATASETS))]
    names += [] if state["data"] in names else [state["data"]]
    STATE.control(
        first.selectbox, "data", "Data", names, format_func=data_title, on_change=_other_data, filter_mode=None
    )
    STATE.control(
        third.segmented_control, "part", "Part", list(PARTS), format_func=PARTS.get, required=True, width="stretch"
    )
    with second, st.container(horizontal=True, vertical_alignment="bottom"):
        if state["part"] == "matrix":
            _choice(known, state)
            _own_file()
        elif find_source(data_of(state["data"])[0]).is_present():
            rescue.choice(known, state)
    if refusal := st.session_state.get(REFUSAL):
        say(refusal, "error")
    if not _present(state["data"]) or state["part"] != "matrix":
        return []
    opened = [model for key in state["models"] if (model := _open(key, state["data"]))]
    _offer_again([model.key for model in opened])
    return opened


def _choice(known: dict[str, Option], state: Values) -> None:
    """Models of this data, with those that a link asked for among them even where there are none such: they are answered."""
    here = [key for key, option in known.items() if data_name(option.config) == state["data"]]
    here += [key for key in state["models"] if key not in here]
    STATE.control(
        st.multiselect, "models", f"Models, up to {MOST_MODELS}", here, max_selections=MOST_MODELS, on_change=_chose,
        format_func=lambda key: title_in({key: one.title for key, one in known.items()}, key), filter_mode=None,
    )  # fmt: skip


def _chose() -> None:
    st.session_state[CHOSEN] = True


def _other_data() -> None:
    st.session_state[CHOSEN] = False
    STATE.set(models=(), rescued="")


def _present(data: str) -> bool:
    """Whether the images are here, which every measure needs; if not, what to do about it."""
    source = find_source(data_of(data)[0])
    if source.is_present():
        return True
    say(
        f"{source.title} is not on this machine yet, and scores need its images: fetch them (about {source.megabytes} MB, "
        "needs internet), or choose the small digits, which are always here.",
        "info",
    )
    datasets.offer(source)
    return False


def _open(key: str, data: str) -> OpenedModel | None:
    try:
        return open_for(key, data)
    except VaeError as reason:
        say(reason, "error")
        return None


def _offer_again(keys: list[str]) -> None:
    if further := gone_on(keys):
        st.button(
            "Score the runs again: they were trained further", icon=":material/refresh:", on_click=open_again,
            args=(further,),
        )  # fmt: skip


def _own_file() -> None:
    with st.popover("", icon=":material/folder_open:", help="Add a checkpoint of your own", width="content"):
        st.file_uploader(
            "A .safetensors file, as the Train page gives it", type="safetensors", key=UPLOAD, on_change=_brought
        )


def _brought() -> None:
    """A file was given: it is one of the models now, or the page says why it is refused."""
    file = st.session_state[UPLOAD]
    st.session_state[REFUSAL] = ""
    if file is None:
        return
    try:
        key = bring(file.name, file.getvalue())
    except VaeError as reason:
        st.session_state[REFUSAL] = str(reason)
        return
    known, chosen = options(), list(STATE.now("models"))
    data = data_name(known[key].config)
    if data != STATE.now("data"):
        chosen = list(default_models(data, known))
    st.session_state[CHOSEN] = True
    STATE.set(data=data, models=tuple(dict.fromkeys([*chosen[: MOST_MODELS - 1], key])))


def show(opened: list[OpenedModel], state: Values) -> None:
    if not find_source(data_of(state["data"])[0]).is_present():
        return
    if state["part"] == "rescue":
        rescue.show(state)
    elif opened:
        matrix.show(opened, state)
    else:
        say("Choose at least one model.", "info")
