"""Which run a session looks at, and what the buttons do to it."""

from __future__ import annotations

import streamlit as st

from vae.config import TrainConfig
from vae.engine import Engine, Run, Status
from vae.ui.owner import is_connected, owner, session_id

_shown_by: dict[str, str] = {}  # run id -> id of the session that looks at it


def current(engine: Engine, config: TrainConfig | None) -> Run | None:
    """This session's run: the one it has, else one this browser left behind, else a prepared one for the config.

    A prepared run has taken no step yet; it shows the untrained network and is replaced when the settings change.
    """
    run = engine.runs.get(st.session_state.get("run_id", ""))
    if run is None and "run_id" not in st.session_state:
        run = _left_behind(engine, config)
    if config is not None and (run is None or (_is_fresh(run) and run.config != config)):
        if run is not None:
            engine.discard(run)
        run = engine.create_run(config, owner())
        run.step(0)
    if run is not None:
        st.session_state.run_id = run.id
        _shown_by[run.id] = session_id()
    return run


def _left_behind(engine: Engine, config: TrainConfig | None) -> Run | None:
    for run in reversed(engine.runs_of(owner())):
        watched = is_connected(_shown_by.get(run.id, ""))
        if not watched and (run.config == config or not run.view().status.ended) and not _is_fresh(run):
            return run
    return None


def _is_fresh(run: Run) -> bool:
    view = run.view()
    return view.status is Status.PAUSED and view.step == 0 and not view.parked


def is_for_other_settings(run: Run, config: TrainConfig | None) -> bool:
    return config is not None and run.config != config


def obey(engine: Engine, run: Run, config: TrainConfig | None) -> Run:
    """Do what the last button said, with the settings as they are now; the run to look at afterwards."""
    command = st.session_state.pop("command", None)
    replaced = command == "reset" or run.view().status.ended or is_for_other_settings(run, config)
    if command in ("start", "step", "reset") and config is not None and replaced:
        engine.discard(run)
        st.session_state.run_id = ""
        run = current(engine, config)
    if command == "reset":
        st.session_state.pop("film", None)
    action = {"start": run.start, "step": run.step, "pause": run.pause, "stop": run.stop}.get(command)
    if action is not None:
        action()
    if command in ("start", "step"):
        run.wait_for_news(0.25)  # the answer to the click then holds its first pictures
    return run


def buttons(run: Run, config: TrainConfig | None) -> None:
    """Start, Pause, Step, Stop, Reset: each does what it says within one chunk, or is greyed out."""
    view = run.view()
    anew = view.status.ended or is_for_other_settings(run, config)
    start = "Start anew" if anew and view.step else "Resume" if view.step else "Start"
    usable = config is not None
    idle = not view.status.active
    table = (
        ("start", start, ":material/play_arrow:", usable and idle, "Train until the epochs are done."),
        ("pause", "Pause", ":material/pause:", view.status.active, "Hold; the run can go on."),
        ("step", "Step", ":material/skip_next:", usable and idle, "Train on one batch and hold."),
        ("stop", "Stop", ":material/stop:", view.status.active or (idle and not view.status.ended and view.step > 0),
         "End the run; its pictures and curves stay."),
        ("reset", "Reset", ":material/restart_alt:", usable and (view.step > 0 or view.status.active),
         "Back to the untrained network."),
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):  # side by side on a projector, wrapped on a phone
        for name, label, icon, enabled, told in table:
            st.button(
                label,
                key=f"do.{name}",
                icon=icon,
                disabled=not enabled,
                help=told,
                type="primary" if name == "start" else "secondary",
                on_click=_say,
                args=(name,),
            )


def _say(command: str) -> None:
    st.session_state.command = command
