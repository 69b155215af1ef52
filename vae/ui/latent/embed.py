"""Embed: the codes as a map, by PCA at once or by t-SNE as it unfolds, and how far to trust what one sees."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st
import torch

from vae.embedding import EmbeddingConfig, Quality, largest_perplexity, neighbours, pca, quality, usable
from vae.engine import Unfolding
from vae.errors import VaeError
from vae.figures.plot import Figure
from vae.figures.scatter import Colouring, Mark, scattered
from vae.latent import axis_between
from vae.ui.components import figure
from vae.ui.engine import engine
from vae.ui.latent.arithmetic import LASSO
from vae.ui.latent.chosen import CHOSEN, gallery, index_of, name_of, thumbnail_name, thumbnails
from vae.ui.latent.look import AGAINST, COLOURS_BY, INITIALS, LOOK, METHODS
from vae.ui.latent.models import Opened
from vae.ui.look import Values
from vae.ui.owner import owner
from vae.ui.pictures import pictures
from vae.ui.words import plain

REFRESH_SECONDS = 0.35
NEIGHBOURS = 8
REVISION = "latent:lasso revision"
MAPS = "latent:maps"  # this session's t-SNEs, by what they are of


@dataclass(frozen=True, eq=False)
class Panel:
    """One map on show: of which model, under which settings; index: the images on it."""

    model: Opened
    config: EmbeddingConfig
    index: np.ndarray
    left_out: str
    name: str

    @property
    def codes(self) -> np.ndarray:
        return self.model.encoded.mu.numpy()[self.index]


def show(first: Opened, second: Opened | None, look: Values) -> None:
    _controls(first, look)
    try:
        panels = _panels(first, second, look)
    except VaeError as reason:
        st.warning(plain(reason))
        return
    for model in {panel.model.key: panel.model for panel in panels}.values():
        thumbnails(model)
    if look["method"] == "pca":
        _maps(panels, look, [pca(panel.codes)[0] for panel in panels])
    elif engine() is None:
        st.info("The workers are starting; t-SNE can begin in a few seconds.")
    else:
        unfoldings = [_unfolding(panel, panels[0]) for panel in panels]
        _buttons(unfoldings)
        active = any(u.view().status.active for u in unfoldings)
        st.fragment(_moving, run_every=REFRESH_SECONDS if active else None)(panels, unfoldings, look, active)
    _below(panels[0], look)
    st.caption(
        "Read a t-SNE map with care: it keeps neighbours, not distances. Gaps between groups, the size of a group and "
        "empty space mean little, and another seed or perplexity draws another map. Maps are of μ, never of a sampled z."
    )


# ---- What is mapped --------------------------------------------------------------------------------------------------


def _controls(model: Opened, look: Values) -> None:
    method, perplexity, seed, initial, early, against, colour = st.columns(
        [1.7, 1.2, 1.2, 1.5, 1.3, 1.8, 1.8], vertical_alignment="bottom"
    )
    still = look["method"] == "pca"
    method.segmented_control("Map by", list(METHODS), format_func=METHODS.get, key=LOOK.key("method"), required=True)
    perplexity.number_input(
        "Perplexity", 2.0, 200.0, step=5.0, key=LOOK.key("perplexity"), disabled=still,
        help="About how many neighbours each point minds.",
    )  # fmt: skip
    seed.number_input("Seed", 0, 2**31 - 1, key=LOOK.key("map_seed"), disabled=still)
    initial.selectbox(
        "First layout", list(INITIALS), format_func=INITIALS.get, key=LOOK.key("initial"), disabled=still,
        filter_mode=None,
    )  # fmt: skip
    early.number_input(
        "Exaggeration", 1.0, 50.0, step=1.0, key=LOOK.key("early"), disabled=still,
        help="How much stronger the pull is during the first 250 iterations.",
    )  # fmt: skip
    against.selectbox(
        "Beside it", list(AGAINST), format_func=AGAINST.get, key=LOOK.key("against"), filter_mode=None,
        help="A second map that differs in one thing; the second model, where one is chosen above.",
    )  # fmt: skip
    known = [key for key in COLOURS_BY if model.encoded.labels is not None or key not in ("class", "axis")]
    if look["colour"] not in known:
        LOOK.set(colour="kl")
    colour.selectbox("Colour", known, format_func=COLOURS_BY.get, key=LOOK.key("colour"), filter_mode=None)


def _panels(first: Opened, second: Opened | None, look: Values) -> list[Panel]:
    """The map asked for, and beside it the one that differs. SettingError for settings that cannot be mapped."""
    usual = {
        "perplexity": float(look["perplexity"]),
        "seed": int(look["map_seed"]),
        "initial": "given" if look["initial"] == "shared" else look["initial"],
        "early_exaggeration": float(look["early"]),
    }
    panels = [_panel(first, usual, first.title)]
    if second is not None:
        panels.append(_panel(second, usual, second.title))
    elif look["against"] == "seed":
        panels.append(_panel(first, usual | {"seed": usual["seed"] + 1}, f"seed {usual['seed'] + 1}"))
    elif look["against"] == "perplexity":
        other = 5.0 if usual["perplexity"] >= 15 else 50.0
        panels.append(_panel(first, usual | {"perplexity": other}, f"perplexity {other:g}"))
    return panels


def _panel(model: Opened, settings: Mapping, name: str) -> Panel:
    found = usable(model.encoded.mu.numpy())
    config = EmbeddingConfig(**settings)
    largest = largest_perplexity(len(found.index))
    if config.perplexity > largest:
        raise VaeError(
            f"perplexity = {config.perplexity:g} cannot be used with {len(found.index):,} images: at most {largest} is possible."
        )
    return Panel(model, config, found.index, found.sentence, name)


def _unfolding(panel: Panel, shared: Panel) -> Unfolding:
    """This session's t-SNE for the panel; one that has not begun where there was none."""
    key = (panel.model.key, id(panel.model.encoded), panel.config)
    held = st.session_state.setdefault(MAPS, {})
    if key not in held:
        for old in list(held)[:-3]:
            engine().discard(held.pop(old))
        start = pca(shared.codes)[0] if panel.config.initial == "given" else None
        held[key] = engine().create_unfolding(panel.codes, panel.config, owner(), start)
    return held[key]


# ---- What moves ------------------------------------------------------------------------------------------------------


def _buttons(unfoldings: Sequence[Unfolding]) -> None:
    views = [unfolding.view() for unfolding in unfoldings]
    active, ended = any(v.status.active for v in views), all(v.status.ended for v in views)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Unfold" if not any(v.iteration for v in views) else "Go on", type="primary", icon=":material/play_arrow:",
            disabled=active or ended, on_click=lambda: [u.start() for u in unfoldings], key="latent:unfold",
        )  # fmt: skip
        st.button(
            "Pause", icon=":material/pause:", disabled=not active, on_click=lambda: [u.pause() for u in unfoldings],
            key="latent:pause",
        )  # fmt: skip
        st.button(
            "Start anew", icon=":material/restart_alt:", disabled=active or not any(v.iteration for v in views),
            on_click=_forget, key="latent:anew",
        )  # fmt: skip


def _forget() -> None:
    for unfolding in st.session_state.pop(MAPS, {}).values():
        engine().discard(unfolding)


def _moving(panels: Sequence[Panel], unfoldings: Sequence[Unfolding], look: Values, was_active: bool) -> None:
    views = [unfolding.view() for unfolding in unfoldings]
    for view in views:
        if view.message:
            st.warning(plain(view.message))
    done, total = (sum(getattr(v, name) for v in views) for name in ("iteration", "total_iterations"))
    st.progress(done / total, text=f"iteration {views[0].iteration} of {views[0].total_iterations}")
    _maps(panels, look, [view.coordinates for view in views], [view.kl_divergence for view in views])
    if was_active and not any(view.status.active for view in views):
        st.rerun(scope="app")


# ---- The maps --------------------------------------------------------------------------------------------------------


def _maps(
    panels: Sequence[Panel], look: Values, layouts: Sequence[np.ndarray], kl: Sequence[float | None] = ()
) -> None:
    for i, (panel, points, column) in enumerate(zip(panels, layouts, st.columns(len(panels), gap="small"))):
        said = f", KL(P‖Q) {kl[i]:.2f} nats" if kl and kl[i] is not None else ""
        with column:
            figure(
                _drawn(panel, points, f"{panel.name}{said}", look), f"embed.{i}", f"Map of the codes of {panel.name}",
                on_click=_clicked, on_select=_lassoed, thumbnails=thumbnail_name(panel.model),
            )  # fmt: skip
            if panel.left_out:
                st.caption(panel.left_out)


def _drawn(panel: Panel, points: np.ndarray, title: str, look: Values) -> Figure:
    shown = np.ones(len(points), bool)
    if look["isolate"] and st.session_state.get(LASSO):
        shown = np.isin(panel.index, st.session_state[LASSO])
    index = index_of(panel.model, look["image"])
    marks = [
        Mark(*map(float, points[at]), name_of(panel.model, index), colour=CHOSEN)
        for at in np.flatnonzero(panel.index == index)
    ]
    revision = st.session_state.get(REVISION, 0)
    return scattered(
        points[shown], _colouring(panel, panel.index[shown], look), title, index=panel.index[shown], marks=marks,
        lasso=revision, height=400,
    )  # fmt: skip


def _clicked(point: Mapping) -> None:
    if point["curveNumber"] == 0:
        LOOK.set(image=int(point["customdata"]))


def _lassoed(chosen: Sequence[int]) -> None:
    st.session_state[LASSO] = [int(index) for index in chosen]


def _unlasso() -> None:
    st.session_state[LASSO] = []
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    LOOK.set(isolate=False)


def _colouring(panel: Panel, index: np.ndarray, look: Values) -> Colouring:
    encoded = panel.model.encoded
    if look["colour"] == "class":
        return Colouring("class", encoded.labels.numpy()[index], panel.model.classes)
    if look["colour"] == "axis":
        a, b = (min(int(look[f"axis_{end}"]), len(panel.model.classes) - 1) for end in ("from", "to"))
        line = axis_between(encoded.mu, encoded.labels, a, b)
        return Colouring("along the axis", line.coordinates.numpy()[index], unit="0 to 1: from mean to mean")
    values = encoded.kl.sum(1) if look["colour"] == "kl" else encoded.losses
    return Colouring(COLOURS_BY[look["colour"]], values.numpy()[index], unit="nats")


# ---- Below: the chosen image, its neighbours, how far to trust the map ---------------------------------------------------


def _below(panel: Panel, look: Values) -> None:
    if look["colour"] == "axis":
        _axis_ends(panel.model)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _neighbours(panel, look)
    with right:
        _lasso(panel)
        _trust(panel, look)


def _axis_ends(model: Opened) -> None:
    left, right, _ = st.columns([2, 2, 6])
    for column, end, label in ((left, "from", "The axis runs from"), (right, "to", "to")):
        known = range(len(model.classes))
        if st.session_state[LOOK.key(f"axis_{end}")] not in known:
            LOOK.set(**{f"axis_{end}": 0})
        column.selectbox(
            f"{label}", known, format_func=lambda i: f"the mean of {model.classes[i]}", key=LOOK.key(f"axis_{end}"),
            filter_mode=None,
        )  # fmt: skip


def _neighbours(panel: Panel, look: Values) -> None:
    """The chosen image and its nearest ones, by code and by picture."""
    model, index = panel.model, index_of(panel.model, look["image"])
    shown, rows, beside = gallery(model, len(model.encoded)), [], []
    for name, points in (("by code", model.encoded.mu), ("by picture", shown)):
        near = neighbours(points.numpy(), index, min(NEIGHBOURS, len(shown) - 1))
        rows.append(shown[[index, *near.tolist()]])
        beside.append(name)
    st.caption(f"{name_of(model, index)} and its nearest neighbours")
    pictures(torch.cat(rows), "embed.near", "Neighbours", columns=len(rows[0]), beside=beside, width=620)


def _lasso(panel: Panel) -> None:
    chosen = st.session_state.get(LASSO) or []
    if not chosen:
        st.caption("Drag a lasso round points to select them. A click chooses one.")
        return
    labels = panel.model.encoded.labels
    inside = [i for i in chosen if i < len(panel.model.encoded)]
    counts = "" if labels is None else _counts(panel, labels[inside].tolist())
    st.caption(f"Lassoed: {len(inside)} images{counts}. Arithmetic can use them as a group.")
    left, right = st.columns(2, vertical_alignment="center")
    left.toggle("Show only these", key=LOOK.key("isolate"))
    right.button("Clear the selection", on_click=_unlasso, key="latent:unlasso")


def _counts(panel: Panel, labels: Sequence[int]) -> str:
    found = sorted(((labels.count(i), name) for i, name in enumerate(panel.model.classes)), reverse=True)
    return ": " + ", ".join(f"{n} × {name}" for n, name in found[:5] if n)


def _trust(panel: Panel, look: Values) -> None:
    points = _layout_at_rest(panel, look)
    if points is None:
        st.caption("Trustworthiness and k-NN accuracy are given when the map rests.")
        return
    labels = None if panel.model.encoded.labels is None else panel.model.encoded.labels.numpy()[panel.index]
    found = {"map": _quality(Arrays(panel.codes, points, labels))}
    if panel.model.images is not None:
        images = panel.model.images.numpy()[panel.index].reshape(len(points), -1)
        found = {"codes": _quality(Arrays(images, panel.codes, labels))} | found
    elif labels is not None:
        found = {"codes": _quality(Arrays(panel.codes, panel.codes, labels))} | found
    rows = {
        name: {
            "trustworthiness": f"{q.trustworthiness:.3f}",
            "10-NN accuracy": "" if q.knn_accuracy is None else f"{q.knn_accuracy:.3f}",
        }
        for name, q in found.items()
    }
    st.table(pd.DataFrame(rows).T)
    st.download_button(
        "Coordinates and codes (CSV)", lambda: _csv(panel, points), "codes.csv", "text/csv", on_click="ignore",
        key="latent:csv",
    )  # fmt: skip


def _layout_at_rest(panel: Panel, look: Values) -> np.ndarray | None:
    if look["method"] == "pca":
        return pca(panel.codes)[0]
    held = st.session_state.get(MAPS, {}).get((panel.model.key, id(panel.model.encoded), panel.config))
    view = held.view() if held else None
    return view.coordinates if view and not view.status.active else None


class Arrays:
    """Arguments of quality(), hashed by content, so that a page made again does not measure again."""

    def __init__(self, source: np.ndarray, points: np.ndarray, labels: np.ndarray | None):
        self.source, self.points, self.labels = source, points, labels
        self.key = tuple(None if a is None else (a.shape, hash(a.tobytes())) for a in (source, points, labels))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arrays) and self.key == other.key


@lru_cache(maxsize=32)
def _quality(of: Arrays) -> Quality:
    return quality(of.source, of.points, of.labels)


def _csv(panel: Panel, points: np.ndarray) -> str:
    """One row an image: its number, class, place on the map, mu and log_var."""
    encoded = panel.model.encoded
    columns = {"image": panel.index, "x": points[:, 0], "y": points[:, 1]}
    if encoded.labels is not None:
        columns["class"] = [panel.model.classes[int(i)] for i in encoded.labels[panel.index]]
    for name, values in (("mu", encoded.mu), ("log_var", encoded.log_var)):
        columns |= {f"{name}_{dim}": values[panel.index, dim].numpy() for dim in range(values.shape[1])}
    text = io.StringIO()
    pd.DataFrame(columns).to_csv(text, index=False)
    return text.getvalue()
