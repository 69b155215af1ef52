"""Embed: the codes as a map, by PCA at once or by t-SNE as it unfolds, and how far to trust what one sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
from torch import Tensor

from vae.data import Factor
from vae.engine import TSNE, Answer, LimitError, TSNEView
from vae.errors import SettingError, VaeError
from vae.figures.plot import Figure
from vae.figures.scatter import Colouring, Mark, scattered
from vae.latent.codes import Axis, axis_between
from vae.latent.pca_tsne import FEWEST, EmbeddingConfig, largest_perplexity, pca, place_by_pca, usable
from vae.study.opened import OpenedModel
from vae.ui.latent.arithmetic import LASSO
from vae.ui.latent.drawing import code_of_drawing
from vae.ui.latent.image_picker import CHOSEN, index_of, name_of, thumbnail_name, thumbnails
from vae.ui.latent.readings import REVISION, Panel, readings
from vae.ui.latent.state import AGAINST, COLOURS_BY, INITIALS, METHODS, STATE
from vae.ui.shared.components import figure
from vae.ui.shared.engine import engine, starter
from vae.ui.shared.owner import owner
from vae.ui.shared.page_state import Values
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.words import say
from vae.ui.train.live import start_up_notice

MAPS = "latent:maps"  # this session's t-SNEs, by what they are of


def show(first: OpenedModel, second: OpenedModel | None, state: Values) -> None:
    _controls(first, state)
    try:
        panels = _panels(first, second, state)
        _show_maps(panels, state)
    except VaeError as reason:
        say(reason, "warning")
        return
    if state["colour"] == "axis":
        _axis_ends(first)
    readings(panels[0], _at_rest(panels[0], state), state)
    st.caption(
        "Read a t-SNE map with care: it keeps neighbours, not distances. Gaps between groups, the size of a group and "
        "empty space mean little, and another seed or perplexity draws another map. Maps are of μ, never of a sampled z."
    )


def _show_maps(panels: Sequence[Panel], state: Values) -> None:
    """SettingError where a map cannot begin as asked."""
    for model in {panel.model.key: panel.model for panel in panels}.values():
        thumbnails(model)
    if state["method"] == "pca":
        _maps(panels, state, [_by_pca(panel) for panel in panels])
    elif engine() is None:
        start_up_notice(starter())
    else:
        maps = [_unfolding(panel, panels[0]) for panel in panels]
        active = _active(panels, maps)
        # Always a fragment, though it refreshes only while a map unfolds: else the figure would be made anew at each change.
        refreshing(_moving, OFTEN if active else None, panels, maps, state, _chosen(), active)


# ---- What is mapped --------------------------------------------------------------------------------------------------


def _controls(model: OpenedModel, state: Values) -> None:
    method, perplexity, seed, initial, early, against, colour = st.columns(
        [1.7, 1.2, 1.2, 1.5, 1.3, 1.8, 1.8], vertical_alignment="bottom"
    )
    still = state["method"] == "pca"
    STATE.control(method.segmented_control, "method", "Map by", list(METHODS), format_func=METHODS.get, required=True)
    STATE.control(
        perplexity.number_input, "perplexity", "Perplexity", 2.0, 200.0, step=5.0, disabled=still,
        help="About how many neighbours each point minds.",
    )  # fmt: skip
    STATE.control(seed.number_input, "map_seed", "Seed", 0, 2**31 - 1, disabled=still)
    STATE.control(
        initial.selectbox, "initial", "First layout", list(INITIALS), format_func=INITIALS.get, disabled=still,
        filter_mode=None,
    )  # fmt: skip
    STATE.control(
        early.number_input, "early", "Exaggeration", 1.0, 50.0, step=1.0, disabled=still,
        help="How much stronger the pull is during the first 250 iterations.",
    )  # fmt: skip
    STATE.control(
        against.selectbox, "against", "Beside it", list(AGAINST), format_func=AGAINST.get, filter_mode=None,
        help="A second map that differs in one thing; the second model, where one is chosen above.",
    )  # fmt: skip
    known = [key for key in COLOURS_BY if model.encoded.labels is not None or key not in ("class", "axis")]
    known += [] if model.factors is None else [name for name in model.factors.names if name not in COLOURS_BY]
    if state["colour"] not in known:
        STATE.set(colour=known[0])
    STATE.control(
        colour.selectbox, "colour", "Colour by", known, format_func=lambda key: COLOURS_BY.get(key, key),
        filter_mode=None,
    )  # fmt: skip


def _panels(first: OpenedModel, second: OpenedModel | None, state: Values) -> list[Panel]:
    """The map asked for, and beside it the one that differs. SettingError for settings that cannot be mapped."""
    usual = {
        "perplexity": float(state["perplexity"]),
        "seed": int(state["map_seed"]),
        "initial": "given" if state["initial"] == "shared" else state["initial"],
        "early_exaggeration": float(state["early"]),
    }
    panels = [_panel(first, usual, first.title)]
    if second is not None:
        panels.append(_panel(second, usual, second.title))
    elif state["against"] == "seed":
        panels.append(_panel(first, usual | {"seed": usual["seed"] + 1}, f"seed {usual['seed'] + 1}"))
    elif state["against"] == "perplexity":
        other = 5.0 if usual["perplexity"] >= 15 else 50.0
        panels.append(_panel(first, usual | {"perplexity": other}, f"perplexity {other:g}"))
    return panels


def _panel(model: OpenedModel, settings: Mapping, name: str) -> Panel:
    found = usable(model.encoded.mu.numpy())
    config = EmbeddingConfig(**settings)
    if len(found.index) < FEWEST:
        raise VaeError(
            f"{model.title}: a map needs {FEWEST} different codes, and there are {len(found.index):,}. {found.sentence}"
        )
    largest = largest_perplexity(len(found.index))
    if config.perplexity > largest:
        raise VaeError(
            f"perplexity = {config.perplexity:g} cannot be used with {len(found.index):,} images: at most {largest} is possible."
        )
    return Panel(model, config, found.index, found.sentence, name)


def _unfolding(panel: Panel, shared: Panel) -> TSNE:
    """This session's t-SNE for the panel; one that has not begun where there was none."""
    key = (panel.model.key, id(panel.model.encoded), panel.config)
    held = st.session_state.setdefault(MAPS, {})
    if key not in held:
        for old in list(held)[:-3]:
            engine().discard(held.pop(old))
        start = pca(shared.codes)[0] if panel.config.initial == "given" else None
        held[key] = engine().create_tsne(panel.codes, panel.config, owner(), start)
    return held[key]


def _at_rest(panel: Panel, state: Values) -> np.ndarray | None:
    if state["method"] == "pca":
        return pca(panel.codes)[0]
    held = st.session_state.get(MAPS, {}).get((panel.model.key, id(panel.model.encoded), panel.config))
    view = held.view() if held else None
    return view.coordinates if view and not view.status.active else None


# ---- What moves ------------------------------------------------------------------------------------------------------


def _moving(panels: Sequence[Panel], maps: Sequence[TSNE], state: Values, chosen: tuple, active: bool) -> None:
    """The part that refreshes while a map unfolds; the whole page follows once that changes, or something is chosen."""
    if _chosen() != chosen or _active(panels, maps) != active:
        st.rerun(scope="app")
    _unfolded(panels, maps, state)


def _active(panels: Sequence[Panel], maps: Sequence[TSNE]) -> bool:
    """Whether one of them moves, or a drawing's place on it is looked for."""
    return any(
        unfolding.view().status.active or (_takes_a_drawing(panel, unfolding) and _asked(panel, unfolding).pending)
        for panel, unfolding in zip(panels, maps)
    )


def _chosen() -> tuple:
    """What the rest of the page depends on: the image, the lasso, and which maps there are."""
    state = st.session_state
    return STATE.now("image"), id(state.get(MAPS)), state.get(REVISION, 0), *state.get(LASSO, ())


def _unfolded(panels: Sequence[Panel], maps: Sequence[TSNE], state: Values) -> None:
    views = [unfolding.view() for unfolding in maps]
    left, right = st.columns([3, 5], vertical_alignment="center")
    with left:
        _buttons(maps, views)
    done, total = (sum(getattr(view, name) for view in views) for name in ("iteration", "total_iterations"))
    right.progress(done / total, text=f"iteration {views[0].iteration} of {views[0].total_iterations}")
    for view in views:
        if view.message:
            say(view.message, "warning")
    layouts = [
        Layout(view.coordinates, view.kl_divergence, _placed(panel, unfolding))
        for panel, unfolding, view in zip(panels, maps, views)
    ]
    _maps(panels, state, layouts)


def _buttons(maps: Sequence[TSNE], views: Sequence[TSNEView]) -> None:
    active, ended = any(view.status.active for view in views), all(view.status.ended for view in views)
    begun = any(view.iteration for view in views)
    table = (
        (
            "unfold",
            "Go on" if begun else "Unfold",
            "play_arrow",
            not active and not ended,
            partial(_unfold, maps),
        ),
        ("pause", "Pause", "pause", active, _each("pause", maps)),
        ("anew", "Start anew", "restart_alt", begun and not active, _forget),
    )
    with st.container(horizontal=True, gap="small"):
        for name, label, icon, enabled, action in table:
            st.button(
                label, key=f"latent:{name}", icon=f":material/{icon}:", disabled=not enabled, on_click=action,
                type="primary" if name == "unfold" else "secondary",
            )  # fmt: skip


def _by_pca(panel: Panel) -> Layout:
    code = code_of_drawing(panel.model)
    placed = None if code is None else place_by_pca(panel.codes, code[None])[0]
    return Layout(pca(panel.codes)[0], drawing=placed)


def _takes_a_drawing(panel: Panel, unfolding: TSNE) -> bool:
    view = unfolding.view()
    return code_of_drawing(panel.model) is not None and not view.status.active and view.iteration > 0


def _placed(panel: Panel, unfolding: TSNE) -> np.ndarray | None:
    """Where the drawing belongs on a map that rests; None until a worker has found it."""
    return _asked(panel, unfolding).value if _takes_a_drawing(panel, unfolding) else None


def _asked(panel: Panel, unfolding: TSNE) -> Answer:
    return engine().answers.place(unfolding, code_of_drawing(panel.model).numpy())


def _each(action: str, maps: Sequence[TSNE]) -> Callable[[], None]:
    def act() -> None:
        for unfolding in maps:
            getattr(unfolding, action)()

    return act


def _unfold(maps: Sequence[TSNE]) -> None:
    try:
        engine().start(maps)
    except LimitError as reason:
        say(reason, "warning")


def _forget() -> None:
    for unfolding in st.session_state.pop(MAPS, {}).values():
        engine().discard(unfolding)


# ---- The maps --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the points of a panel lie (N, 2), how well (KL of the map, nats), and where the drawing does (2,)."""

    points: np.ndarray
    kl: float | None = None
    drawing: np.ndarray | None = None


def _maps(panels: Sequence[Panel], state: Values, layouts: Sequence[Layout]) -> None:
    for i, (panel, laid, column) in enumerate(zip(panels, layouts, st.columns(len(panels), gap="small"))):
        said = f", KL(P‖Q) {laid.kl:.2f} nats" if laid.kl is not None else ""
        with column:
            figure(
                _drawn(panel, laid, f"{panel.name}{said}", state), f"embed.{i}", f"Map of the codes of {panel.name}",
                on_click=_clicked, on_select=_lassoed, thumbnails=thumbnail_name(panel.model),
            )  # fmt: skip
            if panel.left_out:
                st.caption(panel.left_out)


def _drawn(panel: Panel, laid: Layout, title: str, state: Values) -> Figure:
    points = laid.points
    shown = np.ones(len(points), bool)
    if state["isolate"] and st.session_state.get(LASSO):
        shown = np.isin(panel.index, st.session_state[LASSO])
    index = index_of(panel.model, state["image"])
    marks = [
        Mark(*map(float, points[at]), name_of(panel.model, index), colour=CHOSEN)
        for at in np.flatnonzero(panel.index == index)
    ]
    if laid.drawing is not None:
        marks.append(Mark(*map(float, laid.drawing), "your drawing", "star", CHOSEN))
    revision = st.session_state.get(REVISION, 0)
    return scattered(
        points[shown], _colouring(panel, panel.index[shown], state), title, index=panel.index[shown], marks=marks,
        lasso=revision, height=400,
    )  # fmt: skip


def _clicked(point: Mapping) -> None:
    if point["curveNumber"] == 0:
        STATE.set(image=int(point["customdata"]))


def _lassoed(chosen: Sequence[int]) -> None:
    st.session_state[LASSO] = [int(index) for index in chosen]


def _colouring(panel: Panel, index: np.ndarray, state: Values) -> Colouring:
    encoded, colour, factors = panel.model.encoded, state["colour"], panel.model.factors
    if factors is not None and colour not in COLOURS_BY and colour in factors.names:
        at = factors.names.index(colour)
        return _by_factor(factors.known[at], factors.values[index, at])
    if colour not in COLOURS_BY:
        colour = "class"  # a factor of another model's data
    if encoded.labels is None and colour in ("class", "axis"):
        colour = "kl"
    if colour == "axis":
        try:
            line = _axis(panel.model, state)
            return Colouring("along the axis", line.coordinates.numpy()[index], unit="0 to 1: from mean to mean")
        except SettingError:
            colour = "class"  # why is said where the axis is set
    if colour == "class":
        return Colouring("class", encoded.labels.numpy()[index], panel.model.classes)
    values = encoded.kl.sum(1) if colour == "kl" else encoded.losses
    return Colouring(COLOURS_BY[colour], values.numpy()[index], unit="nats")


def _by_factor(factor: Factor, values: Tensor) -> Colouring:
    """Kinds as classes, steps between two ends as a scale."""
    if factor.has_kinds:
        return Colouring(factor.name, factor.places(values).numpy(), factor.words)
    return Colouring(factor.name, values.numpy(), unit=factor.name, ends=factor.words)


def _axis(model: OpenedModel, state: Values) -> Axis:
    """SettingError where the two ends are one."""
    a, b = (min(int(state[f"axis_{end}"]), len(model.classes) - 1) for end in ("from", "to"))
    return axis_between(model.encoded.mu, model.encoded.labels, a, b)


def _axis_ends(model: OpenedModel) -> None:
    left, right, _ = st.columns([2, 2, 6])
    for column, end, label in ((left, "from", "The axis runs from"), (right, "to", "to")):
        known = range(len(model.classes))
        if STATE.now(f"axis_{end}") not in known:
            STATE.set(**{f"axis_{end}": 0})
        STATE.control(
            column.selectbox, f"axis_{end}", f"{label}", known, format_func=lambda i: f"the mean of {model.classes[i]}",
            filter_mode=None,
        )  # fmt: skip
    try:
        _axis(model, STATE.values())
    except SettingError as reason:
        say(f"{reason} The map shows the classes meanwhile.")
