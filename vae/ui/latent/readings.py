"""What can be read off a map: the chosen image's neighbours, what was lassoed, how far to trust it, all as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch

from vae.engine import Answer
from vae.latent.pca_tsne import EmbeddingConfig, Quality, neighbours
from vae.study.opened import OpenedModel
from vae.ui.latent.arithmetic import LASSO
from vae.ui.latent.image_picker import gallery, index_of, name_of
from vae.ui.latent.state import STATE
from vae.ui.shared.downloads import download_button
from vae.ui.shared.engine import engine
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.words import say

NEIGHBOURS = 8
REVISION = "latent:lasso revision"  # counts the selections that were cleared


@dataclass(frozen=True, eq=False)
class Panel:
    """One map on show: of which model, under which settings; index: the images on it."""

    model: OpenedModel
    config: EmbeddingConfig
    index: np.ndarray
    left_out: str
    name: str

    @property
    def codes(self) -> np.ndarray:
        return self.model.encoded.mu.numpy()[self.index]


def readings(panel: Panel, points: np.ndarray | None, state: Values) -> None:
    """points: the map where it rests, None while it moves."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _neighbours(panel, state)
    with right:
        _lasso(panel)
        _trust(panel, points)


def _neighbours(panel: Panel, state: Values) -> None:
    """The chosen image and its nearest ones, by code and by picture."""
    model, index = panel.model, index_of(panel.model, state["image"])
    shown, rows, beside = gallery(model, range(len(model.encoded))), [], []
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
    STATE.control(left.toggle, "isolate", "Show only these")
    right.button("Clear the selection", on_click=_unlasso, key="latent:unlasso")


def _unlasso() -> None:
    st.session_state[LASSO] = []
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1
    STATE.set(isolate=False)


def _counts(panel: Panel, labels: Sequence[int]) -> str:
    found = sorted(((labels.count(i), name) for i, name in enumerate(panel.model.classes)), reverse=True)
    return ": " + ", ".join(f"{n} × {name}" for n, name in found[:5] if n)


def _trust(panel: Panel, points: np.ndarray | None) -> None:
    if points is None:
        st.caption("Trustworthiness and k-NN accuracy are given when the map rests.")
        return
    waits = any(answer.pending for answer in _measured(panel, points).values())
    refreshing(_qualities, OFTEN if waits else None, panel, points, waits)
    download_button(
        "Coordinates and codes (CSV)", lambda: _csv(panel, points), "codes.csv", "text/csv",
        key="latent:csv",
    )  # fmt: skip


def _qualities(panel: Panel, points: np.ndarray, waits: bool) -> None:
    found = _measured(panel, points)
    if any(answer.pending for answer in found.values()):
        st.caption("Trustworthiness and k-NN accuracy are being measured.")
        return
    if waits:
        st.rerun(scope="app")
    for answer in found.values():
        if answer.problem:
            say(answer.problem, "warning")
            return
    measured = {name: answer.value for name, answer in found.items()}
    rows = {
        name: {
            "trustworthiness": f"{q.trustworthiness:.3f}",
            "10-NN accuracy": "" if q.knn_accuracy is None else f"{q.knn_accuracy:.3f}",
        }
        for name, q in measured.items()
    }
    st.table(pd.DataFrame(rows).T)


def _measured(panel: Panel, points: np.ndarray) -> dict[str, Answer[Quality]]:
    """Of the codes, where there is something to hold them against, and of the map."""
    encoded, images = panel.model.encoded, panel.model.images
    labels = None if encoded.labels is None else encoded.labels.numpy()[panel.index]
    asked = {}
    if images is not None:
        asked["codes"] = images.numpy()[panel.index].reshape(len(points), -1), panel.codes
    elif labels is not None:
        asked["codes"] = panel.codes, panel.codes
    asked["map"] = panel.codes, points
    if (running := engine()) is None:
        return {name: Answer() for name in asked}
    return {name: running.answers.quality(*pair, labels) for name, pair in asked.items()}


def _csv(panel: Panel, points: np.ndarray) -> str:
    """One row an image: its number, class, place on the map, known factors, mu and log_var."""
    encoded = panel.model.encoded
    columns = {"image": panel.index, "x": points[:, 0], "y": points[:, 1]}
    if encoded.labels is not None:
        columns["class"] = [panel.model.classes[int(i)] for i in encoded.labels[panel.index]]
    if (factors := panel.model.factors) is not None:
        columns |= {f"factor_{name}": factors.values[panel.index, k].numpy() for k, name in enumerate(factors.names)}
    for name, values in (("mu", encoded.mu), ("log_var", encoded.log_var)):
        columns |= {f"{name}_{dim}": values[panel.index, dim].numpy() for dim in range(values.shape[1])}
    text = io.StringIO()
    pd.DataFrame(columns).to_csv(text, index=False)
    return text.getvalue()
