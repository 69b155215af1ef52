"""How far a sweep of one's own has come, and the buttons that hold it, stop it and go on with it."""

from __future__ import annotations

import streamlit as st

from vae.engine import Status, SweepView
from vae.engine.sentences import duration
from vae.ui.lab.form import attempt
from vae.ui.lab.sweeps import MINE, Opened, job_of
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner
from vae.ui.shared.refresh import SELDOM, refreshing
from vae.ui.shared.words import plain, say

SAID = {
    Status.QUEUED: "Waiting for a worker",
    Status.RUNNING: "Training",
    Status.PAUSED: "Paused",
    Status.DONE: "Done",
    Status.STOPPED: "Stopped",
    Status.FAILED: "Failed",
}


def progress(opened: Opened) -> None:
    """For a sweep of this browser's. Refreshes while it is under way; each new result makes the whole page anew."""
    if not opened.key.startswith(MINE):
        return
    active = opened.job is not None and opened.job.status.active
    refreshing(_progress, SELDOM if active else None, opened, active)


def _progress(opened: Opened, active: bool) -> None:
    view = opened.job.view() if opened.job else None
    if job_of(opened.path) is not opened.job:  # Resume has made another
        st.rerun(scope="app")
    if view is not None and (view.status.active != active or len(view.results) != len(opened.results)):
        st.rerun(scope="app")
    left, right = st.columns([3, 5], vertical_alignment="center")
    with left:
        _buttons(opened, view)
    right.progress(_share(opened, view), text=plain(_sentence(opened, view)))
    if view is not None and view.message:
        say(view.message, "error")


def _share(opened: Opened, view: SweepView | None) -> float:
    return view.share if view else len(opened.results) / len(opened.spec.cells())


def _sentence(opened: Opened, view: SweepView | None) -> str:
    done = f"{len(opened.results)} of {len(opened.spec.cells())} cells"
    if view is None:
        return f"{done} are in the file" + ("" if opened.missing else ", all of it")
    left = f", {duration(view.seconds_left)} left" if view.seconds_left is not None else ""
    return f"{SAID[view.status]}: {done}{left}"


def _buttons(opened: Opened, view: SweepView | None) -> None:
    active = view is not None and view.status.active
    paused = view is not None and view.status is Status.PAUSED
    table = (
        ("resume", "Resume", "play_arrow", not active and bool(opened.missing), _resume),
        ("pause", "Pause", "pause", active, lambda o: o.job.pause()),
        ("stop", "Stop", "stop", active or paused, lambda o: o.job.stop()),
    )
    with st.container(horizontal=True, gap="small"):
        for name, label, icon, enabled, action in table:
            st.button(
                label, key=f"lab:{name}", icon=f":material/{icon}:", on_click=lambda a=action: attempt(lambda: a(opened)),
                disabled=not enabled or engine() is None,
            )  # fmt: skip


def _resume(opened: Opened) -> None:
    """Go on in the same job, or from the file alone, as after a restart of the app: only missing cells run."""
    job = opened.job
    if job is None or job.status.ended:
        job = engine().create_sweep(opened.spec, opened.path, owner())
    job.start()
