"""Which race a session looks at (often of one run), and what the buttons do to it."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from vae.engine import Engine, LimitError, Race
from vae.engine.changes import changed, is_for_other_settings, is_fresh, obstacle
from vae.training.config import TrainConfig
from vae.training.race import RaceConfig
from vae.ui.shared import looks
from vae.ui.shared.owner import is_connected, owner, session_id
from vae.ui.shared.words import plain, say
from vae.ui.train import state

_shown_by: dict[str, str] = {}  # id of a race's first run -> id of the session that looks at it


def current(engine: Engine, race_config: RaceConfig | None) -> Race | None:
    """This session's race: the one it has, else one this browser left behind, else a prepared one for the settings.

    A prepared race has taken no step yet; it shows the untrained networks and is replaced when the settings change.
    """
    race = looked_at(engine)
    if race is None and "run_id" not in st.session_state:
        race = _left_behind(engine, race_config)
    if race_config is not None and (race is None or (is_fresh(race) and race.configs != race_config.columns())):
        if race is not None:
            _discard(engine, race)
        _let_go_of_prepared(engine)
        race = engine.create_race(race_config.columns(), owner())
    if race is not None:
        _look_at(race)
    return race


def looked_at(engine: Engine) -> Race | None:
    """The race that this session has on show."""
    return _of_id(engine, st.session_state.get("run_id", ""))


def _let_go_of_prepared(engine: Engine) -> None:
    """Races that this browser's closed pages had prepared and never started: they hold networks on the workers."""
    for run in engine.runs_of(owner()):
        race = Race.of(run)
        if is_fresh(race) and not is_connected(_shown_by.get(race.runs[0].id, "")):
            engine.discard(run)


def _of_id(engine: Engine, run_id: str) -> Race | None:
    run = engine.runs.get(run_id)
    return Race.of(run) if run is not None and run.owner == owner() else None


def _look_at(race: Race) -> None:
    st.session_state.run_id = race.runs[0].id
    if not looks.only():
        _shown_by[race.runs[0].id] = session_id()


def _discard(engine: Engine, race: Race) -> None:
    for run in race.runs:
        engine.discard(run)


def _left_behind(engine: Engine, race_config: RaceConfig | None) -> Race | None:
    for run in reversed(engine.runs_of(owner())):
        race = Race.of(run)
        watched = is_connected(_shown_by.get(race.runs[0].id, "")) and not looks.only()  # a panel alone looks along
        wanted = race_config is not None and race.configs == race_config.columns()
        if not watched and (wanted or not race.status.ended) and not is_fresh(race):
            return race
    return None


def obey(engine: Engine, race: Race, race_config: RaceConfig | None) -> Race:
    """Do what the last button said, with the settings as they are now; the race to look at afterwards."""
    command = st.session_state.pop("command", None)
    if command in ("fork", "turn"):
        return _go_on_changed(engine, race, race_config)
    replaced = command == "reset" or race.status.ended or is_for_other_settings(race, race_config)
    if command in ("start", "step", "reset") and race_config is not None and replaced:
        _discard(engine, race)
        st.session_state.run_id = ""
        race = current(engine, race_config)
    if command in ("start", "reset"):
        st.session_state.pop(state.REFUSED, None)
    if command == "reset":
        st.session_state.pop("film", None)
    if command in ("start", "step"):
        _begin(engine, race, command)
    elif command in ("pause", "stop"):
        {"pause": race.pause, "stop": race.stop}[command]()
    return race


def _begin(engine: Engine, race: Race, command: str) -> None:
    try:
        engine.check_start(race.runs)
    except LimitError as reason:
        say(reason, "warning")
        return
    {"start": race.start, "step": race.step}[command]()
    race.wait_for_news(0.25)  # the answer to the click then holds its first pictures


def are_accepted(engine: Engine, race_config: RaceConfig | None) -> bool:
    """Whether this server takes trainings of that size; if not, the page says so."""
    try:
        engine.limits.check_configs(race_config.columns() if race_config else [])
    except LimitError as reason:
        say(reason, "warning")
        return False
    return True


def _go_on_changed(engine: Engine, race: Race, race_config: RaceConfig | None) -> Race:
    """Take over the settings as they are now, at any time; a race that was under way stays so."""
    active = race.status.active
    race.pause()
    if why := obstacle(race, race_config):
        st.session_state[state.REFUSED] = f"This run does not take the dial over: {why} It holds for the next start."
    elif race.step_reached:
        for run, config in changed(race, race_config):
            engine.fork(run, config)
        _look_at(race)
    else:  # nothing is lost by beginning anew
        _discard(engine, race)
        st.session_state.run_id = ""
        race = current(engine, race_config)
    if active:
        race.start()
    return race


def buttons(race: Race, race_config: RaceConfig | None) -> None:
    """Start, Pause, Step, Fork, Stop, Reset: each does what it says within one chunk, or is greyed out."""
    status, step = race.status, race.step_reached
    anew = status.ended or is_for_other_settings(race, race_config)
    start = "Start anew" if anew and step else "Resume" if step else "Start"
    usable = race_config is not None
    idle = not status.active
    table = [
        ("start", start, ":material/play_arrow:", usable and idle, "Train until the epochs are done."),
        ("pause", "Pause", ":material/pause:", status.active, "Hold; it can go on."),
        ("step", "Step", ":material/skip_next:", usable and idle, "Train on one batch and hold."),
        ("stop", "Stop", ":material/stop:", status.active or (idle and not status.ended and step > 0),
         "End the run; its pictures and curves stay."),
        ("reset", "Reset", ":material/restart_alt:", usable and (step > 0 or status.active),
         "Back to the untrained network."),
    ]  # fmt: skip
    if idle and step and is_for_other_settings(race, race_config) and not obstacle(race, race_config):
        told = f"Take over the changed settings from step {step:,} on, with the weights as they are."
        table.insert(1, ("fork", "Go on, changed", ":material/call_split:", True, told))
    for name, label, icon, enabled, told in table:
        st.button(
            label,
            key=f"do.{name}",
            icon=icon,
            disabled=not enabled,
            help=told,
            type="primary" if name == "start" else "secondary",
            on_click=ask_for,
            args=(name,),
        )


def ask_for(command: str) -> None:
    """What obey() will do when the page is made again; from a callback."""
    st.session_state.command = command


def is_asked() -> bool:
    """Whether something was said that is not obeyed yet."""
    return "command" in st.session_state


def say_difference(race: Race, race_config: RaceConfig | None) -> None:
    """Where what is shown has other settings than the sidebar: which, and what to do about it."""
    if race_config is None or not is_for_other_settings(race, race_config) or is_fresh(race):
        return
    old, new = race.configs, race_config.columns()
    names = [f.name for f in fields(TrainConfig)] if len(old) == len(new) else []
    other = [n.replace("_", " ") for n in names if any(getattr(a, n) != getattr(b, n) for a, b in zip(old, new))]
    begin = "Reset and Start begin" if race.status.active else "Start anew begins"
    if obstacle(race, race_config):
        way = f"{begin} with them"
    elif race.status.active:
        way = f"Pause to go on with them; {begin} with them"
    else:
        way = f"“Go on, changed” takes them over from here; {begin} with them"
    what = ", ".join(other) or "other columns"
    st.caption(f":material/sync_problem: The settings are others now than what is shown: {plain(what)}. {way}.")
