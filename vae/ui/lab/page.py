"""The Lab as a whole: which sweep, which view of it, its file, and the link."""

from __future__ import annotations

import streamlit as st

from vae.errors import VaeError
from vae.study.sweep import label_of
from vae.ui.lab import form, progress, views
from vae.ui.lab.state import STATE, VIEWS
from vae.ui.lab.sweeps import Opened, bring, choices, content_of, open_sweep
from vae.ui.shared.downloads import download_button
from vae.ui.shared.engine import engine, starter
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import say
from vae.ui.train.live import start_up_notice

UPLOAD = "lab:file"


def sidebar(state: Values) -> None:
    waiting = engine() is None  # asked before the form, which may take as long as the start
    with st.sidebar:
        form.form(state)
        if waiting:
            start_up_notice(starter())


def controls(state: Values) -> Opened | None:
    """Let the user choose a sweep and a view. The sweep, opened; where it cannot be, the page says why."""
    titles = choices()
    if not state["sweep"] and titles:
        STATE.set(sweep=next((key for key in titles if key.startswith("shipped:")), next(iter(titles))))
    asked = STATE.now("sweep")
    first, second, third = st.columns([3.9, 5.3, 3.1], vertical_alignment="bottom")
    options = list(titles) if asked in titles else [*titles, asked]
    key = STATE.control(
        first.selectbox, "sweep", "Sweep", options, format_func=lambda k: titles.get(k, k), filter_mode=None
    )
    STATE.control(
        second.segmented_control,
        "view",
        "Look at it as",
        list(VIEWS),
        format_func=VIEWS.get,
        required=True,
        width="stretch",
    )
    opened = _open(key, titles) if key else None
    with third.container(horizontal=True, gap="small"):
        _files(opened)
    if refusal := st.session_state.get(form.REFUSAL):
        say(refusal, "error")
    if opened is not None and opened.notice:
        say(opened.notice, "warning")
    return opened


def _open(key: str, titles: dict[str, str]) -> Opened | None:
    try:
        return open_sweep(key, titles)
    except VaeError as reason:
        say(reason, "error")
        return None


def _files(opened: Opened | None) -> None:
    if opened is not None:
        download_button(
            "CSV", data=lambda: content_of(opened), file_name=f"{opened.key.partition(':')[2]}.csv", mime="text/csv",
            key="lab:download", icon=":material/download:",
            help="The results file: a line a cell; pandas.read_csv reads it.",
        )  # fmt: skip
    with st.popover("Open a file", icon=":material/folder_open:", help="A results file of your own"):
        st.file_uploader(
            "A .csv file, as this page or python -m vae sweep writes it", type="csv", key=UPLOAD, on_change=_brought
        )


def _brought() -> None:
    file = st.session_state[UPLOAD]
    if file is not None:
        form.attempt(lambda: STATE.set(sweep=bring(file.name, file.getvalue())))


def show(opened: Opened, state: Values) -> None:
    progress.progress(opened)
    if failed := [result for result in opened.results if result.failure]:
        one = f"seed {failed[0].config.seed} of {label_of(failed[0].config, opened.spec.varied)}"
        say(f"{len(failed)} of the cells failed and are left out below; {one}: {failed[0].failure}", "warning")
    if opened.results or opened.job is not None:
        views.show(opened, state)
