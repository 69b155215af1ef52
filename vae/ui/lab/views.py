"""What a sweep says: the plane of rate and distortion, curves with bands, a table, and two groups compared in words."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import streamlit as st
from PIL import Image

from vae.data import find_source
from vae.engine import UnderWay
from vae.figures import lab
from vae.figures.mosaics import packed
from vae.figures.theme import colour_of
from vae.study.sweep import (
    QUANTITIES,
    Result,
    band,
    caveat,
    compare,
    group_of,
    grouped,
    label_of,
    statement,
    summary,
    to_table,
    tradeoffs,
    undominated,
)
from vae.study.sweep.cell import SIDE
from vae.study.sweep.statistics import values_of
from vae.training.axes import AXES
from vae.training.config import TrainConfig
from vae.ui.lab.state import CURVES, STATE
from vae.ui.lab.sweeps import Opened
from vae.ui.shared.components import atlas, figure
from vae.ui.shared.page_state import Values
from vae.ui.shared.refresh import SELDOM, refreshing
from vae.ui.shared.words import plain, say

NARROW = {"height": 420, "legend": {"font": {"size": 10}}, "margin": {"l": 44, "t": 90}}
TABLE = ("negative_elbo", "reconstruction", "kl", "squared_error", "sharpness", "middle", "active_units", "sigma", "mig",
         "sap")  # fmt: skip
OF_FACTORS = ("mig", "sap")  # measured only where the data's factors are known
SAID_OF_FACTORS = (
    " MIG and SAP: how much more the best dimension tells of a known factor than the second best, mean over factors."
)


def show(opened: Opened, state: Values) -> None:
    SHOW[state["view"]](opened, state)


# ---- Names and marks -------------------------------------------------------------------------------------------------


def _groups(opened: Opened) -> list[TrainConfig]:
    """Every group of the grid, in its order, finished or not."""
    return list(dict.fromkeys(group_of(config) for config in opened.spec.cells()))


def _label(opened: Opened, config: TrainConfig) -> str:
    return label_of(config, opened.spec.varied)


def _measured(opened: Opened, keys: Iterable[str]) -> list[str]:
    """Those measures that cells of this data set have."""
    known = find_source(opened.spec.base.dataset).factors
    return [key for key in keys if known or key not in OF_FACTORS]


def _dashes(configs: Sequence[TrainConfig]) -> dict[TrainConfig, str]:
    """Lines of one loss differ by dash."""
    seen: dict[str, int] = {}
    found = {}
    for config in configs:
        found[config] = lab.dash(seen.setdefault(config.loss, 0))
        seen[config.loss] += 1
    return found


# ---- The plane -------------------------------------------------------------------------------------------------------


def _plane(opened: Opened, state: Values) -> None:
    STATE.control(st.toggle, "trails", "How each cell came there", help="Held-out figures during training, thin.")
    name = f"lab.{opened.key}.{len(opened.results)}"
    shown = [result for result in opened.results if result.measures is not None]
    _thumbnails(name, shown)
    active = opened.job is not None and opened.job.status.active
    refreshing(_moving_plane, SELDOM if active else None, opened, shown, state["trails"], name)
    st.caption(
        "A dot is a cell on the whole test set; hover one to see what it reconstructs and dreams up. Lines join the means "
        "over seeds from β to β: a larger β pays less KL for a larger error. Left and low is better; open circles are "
        "cells in training."
    )


def _moving_plane(opened: Opened, shown: Sequence[Result], trails: bool, name: str) -> None:
    betas = sorted({config.beta for config in opened.spec.cells()})
    dots = [
        lab.Dot(
            r.measures.kl, r.measures.squared_error, colour_of(r.config), lab.symbol(betas.index(r.config.beta)),
            f"{_label(opened, r.config)}, seed {r.config.seed}",
        )
        for r in shown
    ]  # fmt: skip
    lines = tradeoffs(shown)
    dashes = _dashes([line.key for line in lines])
    without_beta = tuple(name for name in opened.spec.varied if name != "beta")
    frontiers = [
        lab.Frontier(
            label_of(line.key, without_beta),
            colour_of(line.key),
            dashes[line.key],
            line.rate,
            line.distortion,
            line.betas,
        )
        for line in lines
    ]
    rate, distortion = ([v for line in lines for v in getattr(line, axis)] for axis in ("rate", "distortion"))
    edge = undominated(rate, distortion)
    live = opened.job.view().under_way if opened.job else ()
    paths = [_trail(opened, cell, True) for cell in live]
    if trails:
        paths += [_trail(opened, UnderWay(r.config, 0, r.trajectory), False) for r in shown]
    drawn = lab.plane(dots, frontiers, paths, ([rate[i] for i in edge], [distortion[i] for i in edge]))
    label = "Rate and distortion of every cell: KL against squared error"
    figure(drawn, "lab.plane", label, thumbnails=name, narrow=NARROW)


def _trail(opened: Opened, cell: UnderWay, live: bool) -> lab.Trail:
    said = f"{_label(opened, cell.config)}, seed {cell.config.seed}: step {cell.step:,} of {cell.config.total_steps:,}"
    return lab.Trail(
        [p.kl for p in cell.points], [p.squared_error for p in cell.points], colour_of(cell.config), live, said
    )


def _thumbnails(name: str, shown: Sequence[Result]) -> None:
    """Hand the cells' pictures to the browser: reconstructions and samples, a square of each a cell."""
    if shown:
        columns = min(20, len(shown))
        pages = _pages(tuple(r.pictures for r in shown), shown[0].config.shape, columns)
        atlas(name, pages, columns, -(-len(shown) // columns))


@lru_cache(maxsize=8)
def _pages(pictures: tuple[bytes, ...], shape: tuple[int, int, int], columns: int) -> dict[str, bytes]:
    squares = np.stack([_squares(png, shape) for png in pictures])
    return {title: packed(squares[:, i], columns) for i, title in enumerate(("reconstructions", "samples"))}


def _squares(png: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """The two squares of a cell's picture, uint8 (2, C, H, W); grey where a file has none that fits."""
    channels, height, width = shape[0], SIDE * shape[1], SIDE * shape[2]
    blank = np.full((2, channels, height, width), 128, np.uint8)
    try:
        picture = Image.open(io.BytesIO(png), formats=["PNG"])
        if picture.size != (2 * width, height):
            return blank
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):  # not a picture, to Pillow
        return blank
    return pixels.reshape(height, 2, width, channels).transpose(1, 3, 0, 2)


# ---- Curves ----------------------------------------------------------------------------------------------------------


def _curves(opened: Opened, state: Values) -> None:
    STATE.control(
        st.segmented_control,
        "curve",
        "Curve",
        list(CURVES),
        format_func=CURVES.get,
        required=True,
        label_visibility="collapsed",
    )
    groups = grouped(opened.results)
    dashes = _dashes(list(groups))
    lines = [_line(opened, group, members, state["curve"], dashes[group]) for group, members in groups.items()]
    drawn = lab.curves(lines, f"{QUANTITIES[state['curve']].title}, {QUANTITIES[state['curve']].unit}")
    figure(drawn, "lab.curves", f"Curves of {CURVES[state['curve']]} with bands over seeds", narrow=NARROW)
    rulers = " Curves of two losses have no common scale here." if QUANTITIES[state["curve"]].own_ruler else ""
    st.caption(
        "On held-out images. A line is the mean over seeds, its band the 95 % interval of that mean; one seed gives no "
        f"band.{rulers}"
    )


def _line(opened: Opened, group: TrainConfig, members: Mapping[int, Result], key: str, dash: str) -> lab.BandLine:
    steps = [p.step for p in next(iter(members.values())).trajectory]
    found = band(np.array([[getattr(p, key) for p in result.trajectory] for result in members.values()]))
    return lab.BandLine(_label(opened, group), colour_of(group), dash, steps, found.mean, found.low, found.high)


# ---- The table -------------------------------------------------------------------------------------------------------


def _table(opened: Opened, state: Values) -> None:
    shown = _measured(opened, TABLE)
    columns = {QUANTITIES[key].title: summary(opened.results, QUANTITIES[key]) for key in shown}
    rows = []
    for group, members in grouped(opened.results).items():
        row = {"cells": _label(opened, group), "seeds": len(members)}
        for title, found in columns.items():
            mean, high = float(found[group].mean), float(found[group].high)
            half = "" if np.isnan(high) else f" ± {high - mean:.2g}"
            row[title] = "" if np.isnan(mean) else f"{mean:.4g}{half}"
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch")
    st.caption(
        "Means over seeds on the whole test set, ± half of the 95 % interval. −ELBO, reconstruction and KL in nats per image "
        "under the cell's own loss (lower is better, but two losses are two rulers); squared error summed over an image "
        "(lower is better); sharpness: variance of the Laplacian, model / data; middle pixels: share in (.1, .9)."
        + (SAID_OF_FACTORS if "mig" in shown else "")
    )
    with st.expander("Every cell"):
        st.dataframe(to_table(opened.results, opened.spec.varied), hide_index=True, width="stretch")


# ---- Two groups ------------------------------------------------------------------------------------------------------


def _compare(opened: Opened, state: Values) -> None:
    groups = _groups(opened)
    if len(groups) < 2:
        say("This sweep varies nothing but the seed: there are no two groups to compare.", "info")
        return
    _choose_two(groups, state)
    left, right, third = st.columns(3)
    name = {index: _label(opened, group) for index, group in enumerate(groups)}
    STATE.control(left.selectbox, "first", "This", list(name), format_func=name.get, filter_mode=None)
    STATE.control(right.selectbox, "second", "against that", list(name), format_func=name.get, filter_mode=None)
    offered = _measured(opened, QUANTITIES)
    if STATE.now("measure") not in offered:
        STATE.set(measure="sharpness")
    STATE.control(
        third.selectbox,
        "measure",
        "in",
        offered,
        format_func=lambda key: QUANTITIES[key].title,
        filter_mode=None,
    )
    chosen = [groups[STATE.now(field)] for field in ("first", "second")]
    quantity = QUANTITIES[STATE.now("measure")]
    if chosen[0] == chosen[1]:
        say("These are the same cells: choose two that differ.", "info")
        return
    done = grouped(opened.results)
    values = [values_of(done.get(group, {}), quantity) for group in chosen]
    names = tuple(_label(opened, group) for group in chosen)
    st.markdown(f"##### {plain(statement(compare(*values), quantity, *names))}")
    if said := caveat(quantity, *chosen):
        say(said, "warning")
    seeds = [seed for seed in values[0] if seed in values[1]]
    points = [(seed, values[0][seed], values[1][seed]) for seed in seeds]
    drawn = lab.pairs(names, tuple(map(colour_of, chosen)), points, f"{quantity.title}, {quantity.unit}")
    figure(drawn, "lab.pairs", f"{quantity.title} of both, seed by seed")
    st.caption(
        "A line joins the two cells of one seed: same initial weights where the networks have one shape, same batches, same "
        "noise. d_z is the mean of the differences over their standard deviation; the interval is the t-interval of their "
        "mean."
    )


def _choose_two(groups: Sequence[TrainConfig], state: Values) -> None:
    """Where nothing was chosen yet, or it was for a larger sweep: the first group and one of another loss, alike else."""
    first, second = state["first"], state["second"]
    if first >= len(groups):
        STATE.set(first=(first := 0))
    if not 0 <= second < len(groups):
        axis, group = AXES["loss"], groups[first]
        alike = [i for i, g in enumerate(groups) if g != group and axis.set(g, group.loss) == group]
        STATE.set(second=alike[0] if alike else (first + 1) % len(groups))


SHOW: Mapping[str, Callable[[Opened, Values], None]] = MappingProxyType(
    {"plane": _plane, "curves": _curves, "table": _table, "compare": _compare}
)
