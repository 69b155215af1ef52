"""The races behind the advice: one a seed, one after the other, and the scores of what each came to.

Scores are kept in the session by the settings they belong to: another wish, or a look at other data and back, trains
nothing anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vae.engine import Engine, LimitError, Race, Run, Status
from vae.study.advice import Scored
from vae.study.scoring import Scores
from vae.training.config import TrainConfig
from vae.ui.shared.engine import engine
from vae.ui.shared.owner import owner

Plan = tuple[tuple[TrainConfig, ...], ...]  # a race a seed
GOING, FOUND, FAILED, WEIGHTS = "advisor.going", "advisor.found", "advisor.failed", "advisor.weights"


def _whose() -> str:
    return f"{owner()}:advisor"


def begin(engine: Engine, plan: Plan) -> None:
    """Race them from now on; what was raced before under other settings ends. From a callback."""
    stop(engine)
    for configs in plan:
        for config in configs:
            _kept(FAILED).pop(config, None)
    st.session_state[GOING] = plan


def stop(engine: Engine) -> None:
    """From a callback. Races that are done stay, and need not be run again."""
    st.session_state[GOING] = None
    for run in engine.runs_of(_whose()):
        if run.status.active:
            run.stop()


def is_going(plan: Plan) -> bool:
    return st.session_state.get(GOING) == plan


def is_done(plan: Plan) -> bool:
    """Whether every model is scored, or has failed."""
    return all(config in _kept(FOUND) or config in _kept(FAILED) for configs in plan for config in configs)


def go_on(engine: Engine, plan: Plan) -> Race | None:
    """Start the next race when one has ended, and have what has ended scored; the race to look at, if there is one.
    LimitError where the server takes no more: the contest then waits for another press."""
    shown = None
    for configs in plan:
        if all(config in _kept(FOUND) or config in _kept(FAILED) for config in configs):
            continue
        race = _race(engine, configs)
        if race is None and is_going(plan):
            race = _start(engine, configs)
        if race is None:
            break
        shown = race
        if not race.status.ended:
            break
        for run in race.runs:
            _settle(run)
    if is_going(plan) and is_done(plan):
        st.session_state[GOING] = None
    return shown


def share(engine: Engine, plan: Plan) -> float:
    """How much of the training is done."""
    ended = {config for configs in plan for config in configs if config in _kept(FOUND) or config in _kept(FAILED)}
    share = len(ended)
    for race in filter(None, (_race(engine, configs) for configs in plan if not set(configs) <= ended)):
        share += sum(
            view.step / view.total_steps for run, view in zip(race.runs, race.views()) if run.config not in ended
        )
    return min(1.0, share / sum(map(len, plan)))


def scored(plan: Plan) -> Scored:
    """What is known so far."""
    found: dict[str, dict[int, Scores]] = {}
    for config in (config for configs in plan for config in configs):
        if config in _kept(FOUND):
            found.setdefault(config.loss, {})[config.seed] = _kept(FOUND)[config]
    return found


def failures(plan: Plan) -> list[str]:
    """A sentence for each loss whose training or scoring failed."""
    told = {c.loss: _kept(FAILED)[c] for configs in plan for c in configs if c in _kept(FAILED)}
    return [f"{loss}: {why}" for loss, why in told.items()]


def _kept(name: str) -> dict:
    return st.session_state.setdefault(name, {})


def _race(engine: Engine, configs: Sequence[TrainConfig]) -> Race | None:
    """The latest with these settings that was not stopped."""
    races = (Race.of(run) for run in reversed(engine.runs_of(_whose())))
    return next((race for race in races if race.configs == tuple(configs) and race.status is not Status.STOPPED), None)


def _start(engine: Engine, configs: Sequence[TrainConfig]) -> Race:
    race = engine.create_race(configs, _whose())
    try:
        engine.start(race.runs)
    except LimitError:
        for run in race.runs:
            engine.discard(run)
        st.session_state[GOING] = None
        raise
    return race


def _settle(run: Run) -> None:
    """Score a run that has ended, on a worker; it is there at one of the next looks."""
    if run.config in _kept(FOUND) or run.config in _kept(FAILED):
        return
    if run.status is not Status.DONE:
        _kept(FAILED)[run.config] = run.view().message or "its training was stopped."
        return
    weights = _kept(WEIGHTS)
    if run.id not in weights:
        state = run.state()
        weights[run.id] = None if state is None else state.weights
    if weights[run.id] is None or (running := engine()) is None:
        _kept(FAILED)[run.config] = "the workers lost it: race again."
        return
    answer = running.answers.scores(("advisor", run.id), run.config, weights[run.id])
    if not answer.pending:
        del weights[run.id]
        if answer.value is None:
            _kept(FAILED)[run.config] = answer.problem
        else:
            _kept(FOUND)[run.config] = answer.value
