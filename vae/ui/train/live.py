"""What moves on the Train page: status, progress, pictures, codes and curves, refreshed while a race is under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from vae.data import find_source
from vae.engine import Engine, Race, Status, View, lookback, sentences
from vae.export.race_animation import PICTURES
from vae.figures import latent
from vae.figures.curves import RUN_MARKS, RunCurves, applies, kinds_of, narrow, objective_name, training_curves
from vae.figures.kl_terms import kl_term
from vae.figures.mosaics import difference, strip
from vae.figures.theme import colour_of
from vae.losses.kl_terms import panels
from vae.training.config import TrainConfig
from vae.training.pixels import TREATMENTS
from vae.training.race import labels, names
from vae.training.step import Observation, Pictures
from vae.ui.shared import components, looks, words
from vae.ui.shared.components import Column, Row
from vae.ui.shared.engine import EngineStart
from vae.ui.shared.refresh import OFTEN, SOON, refreshing
from vae.ui.train import dial, runs

OBSERVED_FIRST = (
    6  # observations of a run before lines are asked for, which take a worker seconds: pictures are to move at once
)
PANELS = {"curves": "Curves", "dial": "Dial", "codes": "Codes", "kl_term": "KL term"}


def panel_choice(race: Race) -> None:
    """What stands below the pictures; and, in a race, whether the difference to the first column is shown."""
    possible = [key for key in PANELS if key != "kl_term" or any(c.kl_term != "constant" for c in race.configs)]
    if looks.only() in possible:
        st.session_state.panel = looks.only()
    if st.session_state.get("panel") not in possible:
        st.session_state.panel = "curves"
    st.segmented_control(
        "Below the pictures", possible, format_func=PANELS.get, default=st.session_state.panel, key="panel", required=True,
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if len(race.runs) > 1:
        st.toggle(
            "Difference", key="difference", persist_state="session", help="Each column's reconstructions less the first column's: orange where "
            "brighter, violet where darker, white where equal.",
        )  # fmt: skip


def show(engine: Engine, race: Race, vary: str) -> None:
    """The live part, refreshed only while there is something to wait for."""
    waiting = _is_waiting(race.views())
    refreshing(_live, OFTEN if waiting else None, engine, race, vary, waiting)


def _is_waiting(views: Sequence[View]) -> bool:
    return any(view.status.active or not view.observations or view.evaluating for view in views)


def _live(engine: Engine, race: Race, vary: str, waiting: bool) -> float | None:
    """How soon it is to be made anew, where that is not as usual: the first pictures that move are waited for."""
    if runs.is_asked():  # by a control in here: it is the page that obeys
        st.rerun(scope="app")
    views, configs = race.views(), race.configs
    _status(engine, configs, views)
    if all(view.observations for view in views):
        looking = st.session_state.get("film", {}).get("looking")
        films = [lookback.pictures_of(view) for view in views]
        steps = lookback.steps_of(films)
        index = lookback.place(steps, looking)
        pictures = [lookback.at(film, steps[index]) for film in films]
        observations = [lookback.at(view.observations, steps[index]) for view in views]
        if len(views) == 1:
            left, right = st.columns([3, 2], gap="medium")
            with right:
                _codes(configs[0], observations[0])
        else:
            left = st.container()
        with left:
            said = sentences.spoken(configs[0], views[0])
            columns = columns_of(configs, vary, pictures, observations)
            components.film(columns, steps, index, looking, said, key="film")
        _panel(engine, race, vary, views, observations, None if looking is None else steps[index])
    if waiting and not _is_waiting(views):
        st.rerun(scope="app")  # it has ended: the buttons change, the timer stops
    return SOON if any(view.status is Status.QUEUED for view in views) else None


def _status(engine: Engine, configs: Sequence[TrainConfig], views: Sequence[View]) -> None:
    seconds = [view.seconds_left for view in views if view.seconds_left is not None]
    left = f" · {sentences.duration(max(seconds))} left" if seconds else ""
    left += sentences.sharing(engine.cluster.sharing, engine.workers)
    message = sentences.race_status(configs, views)
    failed = [view for view in views if view.status.value == "failed"]
    if failed:
        words.say(" ".join(view.message for view in failed), "error")
    share = sum(view.step for view in views) / sum(view.total_steps for view in views)
    st.progress(
        share, text=("" if len(failed) == len(views) else words.plain(message.rstrip(".") if left else message)) + left
    )


# ---- Pictures ----------------------------------------------------------------------------------------------------


def columns_of(
    configs: Sequence[TrainConfig], vary: str, pictures: Sequence[Pictures], observations: Sequence[Observation]
) -> list[Column]:
    """What a film shows of a race: a column each, with its name and its figures."""
    if len(observations) == 1:
        said = f": {observations[0].reconstruction:.1f} nats per image (held out)"
        return [Column(_rows(pictures[0], pictures[0], 10, said))]
    count = PICTURES[len(observations)]
    colours = [colour_of(config) for config in configs]
    twins = [colours[:i].count(colour) for i, colour in enumerate(colours)]
    marks = [RUN_MARKS[twin] if colours.count(colour) > 1 else "■" for twin, colour in zip(twins, colours)]
    return [
        Column(_rows(shown, pictures[0], count), label, _note(figures), colour, mark)
        for shown, figures, label, colour, mark in zip(
            pictures, observations, labels(tuple(configs), vary), colours, marks
        )
    ]


def _note(observation: Observation) -> str:
    return f"error {observation.squared_error:.1f} · KL {observation.kl:.1f} · sharpness {observation.sharpness:.2f}"


def _rows(shown: Pictures, first: Pictures, count: int, more: str = "") -> list[Row]:
    rows = [
        Row("inputs", "test images x", _strip(shown.inputs, count), "Test images"),
        Row(
            "reconstructions",
            f"reconstructions p, decoded from μ{more}",
            _strip(shown.reconstructions, count),
            f"Their reconstructions after step {shown.step}",
        ),
        Row(
            "samples",
            "samples: z drawn from N(0, I)",
            _strip(shown.samples, count),
            f"Prior samples after step {shown.step}",
        ),
    ]
    if st.session_state.get("difference") and (more == ""):
        changed = difference(shown.reconstructions, first.reconstructions)
        rows[2] = Row(
            "difference", "p less the first column's", _strip(changed, count), "Difference to the first column"
        )
    return rows


def _strip(images: np.ndarray, count: int) -> bytes:
    return strip(images[:count], columns=count, whole_row=True)


# ---- Below the pictures ------------------------------------------------------------------------------------------


def _panel(
    engine: Engine,
    race: Race,
    vary: str,
    views: Sequence[View],
    observations: Sequence[Observation],
    marker: int | None,
) -> None:
    chosen, configs = st.session_state.get("panel", "curves"), race.configs
    if chosen == "dial":
        dial.show(race, names(configs, vary))
    elif chosen == "codes":
        for index, column in enumerate(st.columns(len(observations))):
            with column:
                title = labels(configs, vary)[index] if len(observations) > 1 else ""
                _codes(
                    configs[index],
                    observations[index],
                    f"codes-{index}",
                    title,
                    max(max(o.kl_per_dim) for o in observations),
                )
    elif chosen == "kl_term":
        _kl_terms(configs)
    else:
        _curves(engine, configs, labels(configs, vary), views, marker)


def _codes(
    config: TrainConfig, observation: Observation, key: str = "codes", title: str = "", most: float | None = None
) -> None:
    if title:
        st.caption(words.plain(title))
    if observation.codes is not None:
        drawn = latent.codes(observation.codes, observation.labels, find_source(config.dataset).classes)
        components.figure(drawn, key, f"Codes of test images after step {observation.step}")
    else:
        drawn = latent.kl_bars(observation.kl_per_dim, colour_of(config), most=most)
        components.figure(drawn, key, f"KL of each latent dimension after step {observation.step}")


def _kl_terms(configs: Sequence[TrainConfig]) -> None:
    """What the KL terms do, drawn before they are run; nothing for a constant weight."""
    shown = {(c.kl_term, c.kl_parameters, c.beta): c for c in configs if c.kl_term != "constant"}
    for index, config in enumerate(shown.values()):
        term = config.kl_record()
        drawn, narrow = kl_term(panels(term, config.beta, config.epochs, config.kl_settings()))
        set_to = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in config.kl_settings().items())
        st.caption(
            f"**{words.plain(term.name)}** ({words.plain(set_to)}): {words.plain(term.meaning)} [{words.plain(term.source)}]({term.url})"
        )
        components.figure(drawn, f"kl-term-{index}", f"What {term.name} does over the training", narrow=narrow)


def _curves(
    engine: Engine, configs: Sequence[TrainConfig], told: Sequence[str], views: Sequence[View], marker: int | None
) -> None:
    kinds = kinds_of(configs)
    first = configs[0]
    wanted = first if kinds[0] == "reconstruction" else replace(first, loss="mse", formula="", parameters=())
    waits = all(view.status.active and len(view.observations) < OBSERVED_FIRST for view in views)
    asked = None if waits else engine.answers.lines(wanted)
    drawn_lines = {
        kinds[0]: [
            (line.key, line.label, line.value) for line in (asked and asked.value) or () if applies(line.key, configs)
        ]
    }
    if len({config.pixels for config in configs}) > 1:
        drawn_lines[kinds[0]] = [] if waits else _floors(engine, [replace(wanted, pixels=c.pixels) for c in configs])
    if "sharpness" in kinds:
        drawn_lines["sharpness"] = [("mean", "data", 1.0)]
    runs = [run_curves(name, config, view) for name, config, view in zip(told, configs, views)]
    drawn = training_curves(runs, kinds, drawn_lines, marker, titles={"objective": objective_name(first)})
    spoken = f"Curves of {', '.join(kind.replace('_', ' ') for kind in kinds)} over the steps"
    components.figure(drawn, "curves", spoken, narrow=narrow(drawn))
    for name, view in zip(told, views):
        if told_of := sentences.collapse(name, view):
            words.say(told_of)
    if asked is None or asked.pending:
        st.caption("The reference lines are being computed.")
    elif kinds[0] != "reconstruction" and any(config.loss == "bce" for config in configs):
        _say_floors(engine, [config for config in configs if config.loss == "bce"])


def _say_floors(engine: Engine, configs: Sequence[TrainConfig]) -> None:
    """What BCE cannot fall below, which a panel of squared errors does not show."""
    floors = _floors(engine, configs)
    if floors:
        told = "; ".join(f"{label}: {value:,.2f}" for _, label, value in floors)
        st.caption(f"BCE cannot fall below what a perfect copy costs, in nats per image. {told}.")


def _floors(engine: Engine, configs: Sequence[TrainConfig]) -> list[tuple[str, str, float]]:
    """What a perfect copy costs, once for each treatment of pixels."""
    of_each = {config.pixels: engine.answers.lines(config).value or () for config in configs}
    return [
        (line.key, f"{line.label}, {TREATMENTS[pixels].name}", line.value)
        for pixels, lines in of_each.items()
        for line in lines
        if line.key == "floor"
    ]


def run_curves(name: str, config: TrainConfig, view: View) -> RunCurves:
    """What a view holds, for the figure of curves."""
    held = view.observations
    until = [step for step, _ in view.forks]
    kinds = ("reconstruction", "squared_error", "kl", "sharpness", "objective")
    values = {kind: [getattr(o, kind) for o in held] for kind in kinds}
    training = {"reconstruction": view.reconstruction, "kl": view.kl, "objective": view.objective}
    steps = np.array([o.step for o in held])
    return RunCurves(
        name, colour_of(config), training, (steps, {k: np.array(v) for k, v in values.items()}), tuple(until)
    )


def start_up_notice(starter: EngineStart) -> None:
    """Shown while the engine starts; looks again until it is up."""

    def wait() -> None:
        if starter.problem:
            words.say(starter.problem, "error")
        elif starter.engine is not None:
            st.rerun(scope="app")
        else:
            st.progress(0.0, text="The workers are starting; this takes a few seconds, once.")

    refreshing(wait, None if starter.problem else OFTEN)
