"""The page "Which loss?": the data, the race, what it says to somebody who wants this or that, and its code."""

from __future__ import annotations

import streamlit as st

from vae.engine import Engine, LimitError, Race, lookback
from vae.engine.sentences import duration
from vae.errors import SettingError
from vae.figures.advice import rulers_table, standings
from vae.figures.data_card import histogram
from vae.links import training as link
from vae.losses.table import LOSSES
from vae.study.advice import WANTS, Advice, Pixels, Want, advise, name_of, pixels_of, plan, seconds, table
from vae.study.data_card import DataCard
from vae.training.config import TrainConfig
from vae.training.race import MOST_COLUMNS, RaceConfig
from vae.ui.advisor import contest
from vae.ui.advisor.contest import Plan
from vae.ui.advisor.state import STATE, check_losses
from vae.ui.shared import components
from vae.ui.shared.downloads import download_button, script_or_why_not
from vae.ui.shared.engine import engine, starter
from vae.ui.shared.own_images import is_mine, known
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.shell import page
from vae.ui.shared.words import plain, say
from vae.ui.train import datasets, live
from vae.ui.train.data_card import about, card_of
from vae.ui.train.state import STATE as TRAIN

TAKEN, TIED = ":green-badge[:material/check: take it]", ":orange-badge[:material/balance: a tie]"


# ---- The data --------------------------------------------------------------------------------------------------------


def data(state: Values) -> tuple[TrainConfig, DataCard] | None:
    """Let the user choose; the data card. None where the data are not here: the page says what to do."""
    if not is_mine(STATE.now("dataset")):
        STATE.set(dataset="digits")
        say("Those pictures are not here any more: the small digits stand instead.", "warning")
    sources = known()
    dataset = STATE.control(
        st.selectbox, "dataset", "Your data", list(sources), format_func=lambda key: sources[key].title, filter_mode=None,
        help="Pictures of your own: bring them on the Train page, under Own images, and they are in this list.",
    )  # fmt: skip
    if not datasets.is_present(dataset, lambda: STATE.set(dataset="digits")):
        return None
    config = TrainConfig.usual(dataset)
    found = card_of(config)
    if found is None:
        return None
    alt = f"The first training images of {sources[dataset].title}"
    pictures(found.pictures[:16], "advisor-pictures", alt, columns=8, width=640)
    say(pixels_of(found).sentence)
    components.figure(histogram(found.edges, found.shares), "advisor-histogram", "How the pixels are spread")
    st.caption(about(config, found))
    return config, found


# ---- The race --------------------------------------------------------------------------------------------------------


def controls(state: Values, dataset: str) -> Plan | None:
    """What matters, which losses, and the button; the races that they stand for, or None after a sentence."""
    STATE.control(
        st.segmented_control, "want", "What matters most?", list(WANTS), format_func=lambda key: WANTS[key].title,
        required=True,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        button = st.container(width="content")
        with st.popover("More", icon=":material/tune:", width="content"):
            losses = STATE.control(
                st.multiselect, "losses", f"Losses to race, up to {MOST_COLUMNS}", list(LOSSES), format_func=name_of,
                max_selections=MOST_COLUMNS, select_all=False,
            )  # fmt: skip
        try:
            planned = plan(dataset, check_losses("losses", tuple(losses)))
        except SettingError as reason:
            say(reason, "error")
            return None
        one = planned[0][0]
        st.caption(
            f"{len(losses)} losses, {len(planned)} seeds, {one.epochs} epochs each, from the same weights.",
            width="content",
        )
    with button:
        _button(planned)
    return planned


def _button(planned: Plan) -> None:
    running = engine()
    if contest.is_going(planned):
        st.button("Stop", key="advisor.stop", icon=":material/stop:", on_click=contest.stop, args=(running,))
        return
    st.button(
        "Race them", key="advisor.start", type="primary", icon=":material/play_arrow:",
        disabled=running is None or contest.is_done(planned), on_click=contest.begin, args=(running, planned),
    )  # fmt: skip


def show(planned: Plan, card: DataCard, state: Values) -> None:
    """What moves while it is raced, and then what is to be said."""
    running = engine()
    if running is None:
        live.start_up_notice(starter())
        return
    waiting = contest.is_going(planned)
    refreshing(_live, OFTEN if waiting else None, running, planned, waiting)
    if contest.is_done(planned):
        for sentence in contest.failures(planned):
            say(sentence, "warning")
        _advice(planned, pixels_of(card), WANTS[STATE.now("want")])
    elif not waiting:
        st.markdown(
            f"Press **Race them**: {len(planned[0])} losses learn these images side by side, on the same weights, batches and noise, once for each of "
            f"{len(planned)} seeds. Then the numbers choose. On two cores it takes about {duration(round(seconds(planned), -1))}."
        )


def _live(running: Engine, planned: Plan, waiting: bool) -> None:
    try:
        race = contest.go_on(running, planned)
    except LimitError as reason:
        say(reason, "warning")
        return
    if contest.is_going(planned):
        _progress(running, planned, race)
        if race is not None:
            _film(race)
    elif waiting:
        st.rerun(scope="app")  # it has ended: the verdict opens, the timer stops


def _progress(running: Engine, planned: Plan, race: Race | None) -> None:
    share = contest.share(running, planned)
    if race is None or race.status.ended:
        told = "Measuring what they have come to."
    else:
        left = [view.seconds_left for view in race.views() if view.seconds_left is not None]
        seed = 1 + race.configs[0].seed
        told = f"Seed {seed} of {len(planned)}: step {race.step_reached:,} of {race.configs[0].total_steps:,}."
        told += f" {duration(max(left))} left of it." if left else ""
    st.progress(share, text=told)


def _film(race: Race) -> None:
    views = race.views()
    if not all(view.observations for view in views):
        return
    films = [lookback.pictures_of(view) for view in views]
    steps = lookback.steps_of(films)
    looking = st.session_state.get("advisor-film", {}).get("looking")
    index = lookback.place(steps, looking)
    pictures = [lookback.at(film, steps[index]) for film in films]
    observations = [lookback.at(view.observations, steps[index]) for view in views]
    columns = live.columns_of(race.configs, "loss", pictures, observations)
    components.film(columns, steps, index, looking, "", key="advisor-film")


# ---- What it says ----------------------------------------------------------------------------------------------------


def _advice(planned: Plan, pixels: Pixels, want: Want) -> None:
    scored = contest.scored(planned)
    found = advise(want, scored, pixels)
    if not found.loss:
        say(found.sentences[0], "info")
        return
    with st.container(key="advisor-verdict"):
        st.markdown(f"### {plain(name_of(found.loss))} {TIED if found.ties else TAKEN}")
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in found.sentences))
    components.figure(standings(found), "advisor-standings", f"{want.name} of each loss, a dot for each seed")
    st.caption(want.ruler)
    _code(planned, found)
    with st.expander("Every ruler, side by side"):
        st.html(rulers_table(table(scored, pixels), list(scored), found.loss) + STYLE)
    one = planned[0][0]
    st.caption(
        f"A short race: {one.epochs} epochs, {one.total_steps:,} steps, {one.latent_dim} latent dimensions. What is close here can turn in a longer "
        "training; what is far apart seldom does."
    )


def _code(planned: Plan, found: Advice) -> None:
    config = next(config for config in planned[0] if config.loss == found.loss)
    text, problem = script_or_why_not(config)
    race = RaceConfig(planned[0][0], "loss", tuple(config.loss for config in planned[0][1:]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        download_button(
            "PyTorch script", data=lambda: text, file_name=f"{config.dataset}-{config.loss}.py", mime="text/x-python",
            key="advisor-script", icon=":material/download:", disabled=bool(problem),
            help=problem or "This loss and training loop, for your own project: it needs torch and numpy alone.",
        )  # fmt: skip
        if st.button(
            "Train it longer",
            icon=":material/model_training:",
            help="The same race on the Train page, where every setting can be changed.",
        ):
            _on_train(race)
    st.code(link.command_line(config), language="bash", wrap_lines=True)


def _on_train(race: RaceConfig) -> None:
    TRAIN.ask(link.write(race))
    st.switch_page(page("train"))


STYLE = """<style>
.vae-rulers { width: 100%; border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
.vae-rulers th { font-weight: 400; text-align: right; padding: 3px 8px; }
.vae-rulers th[scope=row] { text-align: left; padding-left: 0; }
.vae-rulers td { text-align: right; padding: 3px 8px; }
.vae-rulers tr > * { border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.vae-rulers .taken { font-weight: 600; }
.vae-rulers small { opacity: 0.7; }
</style>"""
