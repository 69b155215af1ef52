"""What can be read off a map: the chosen image's neighbours, what was lassoed, how far to trust it, all as a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import streamlit as st
import torch

from vae.latent.pca_tsne import EmbeddingConfig, Quality, neighbours, quality
from vae.study.opened import OpenedModel
from vae.ui.latent.arithmetic import LASSO
from vae.ui.latent.image_picker import gallery, index_of, name_of
from vae.ui.latent.state import STATE
from vae.ui.shared.downloads import download_button
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures

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
    download_button(
        "Coordinates and codes (CSV)", lambda: _csv(panel, points), "codes.csv", "text/csv",
        key="latent:csv",
    )  # fmt: skip


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
