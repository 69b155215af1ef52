"""The matrix: every model under every measure, filled as the workers answer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vae.data import load_dataset
from vae.engine import Answer
from vae.figures import matrix as figures
from vae.figures.mosaics import strip
from vae.figures.theme import colour_of
from vae.study.opened import OpenedModel
from vae.study.scoring import GROUPS, MEASURES, Matrix, Scores, matrix, mean_image
from vae.training.step import as_bytes, picture_indices
from vae.ui.compare.models import references_of, scores_of, test_pictures, title_of
from vae.ui.compare.state import data_of
from vae.ui.shared.downloads import download_button
from vae.ui.shared.engine import starter
from vae.ui.shared.page_state import Values
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.words import plain, say

REFERENCES = ("perfect copy", "mean image")
PICTURES, ACROSS = 10, 5


def show(models: list[OpenedModel], state: Values) -> None:
    answers = _answers(models, state["data"])
    waiting = any(answer.pending for answer in answers)
    refreshing(_live, OFTEN if waiting else None, models, state["data"], waiting)
    _below(models, state["data"], waiting)


def _answers(models: list[OpenedModel], data: str) -> list[Answer]:
    """Of the models, and last of the two references."""
    return [*map(scores_of, models), references_of(data_of(data))]


def _live(models: list[OpenedModel], data: str, waiting: bool) -> None:
    answers = _answers(models, data)
    still = any(answer.pending for answer in answers)
    for problem in dict.fromkeys(answer.problem for answer in answers if answer.problem):
        say(problem, "error")
    _progress(answers[:-1], still)
    st.html(figures.table(_matrix(models, answers), _columns(models, answers, data)))
    if waiting and not still:
        st.rerun(scope="app")  # the timer stops, the download begins to be there


def _progress(answers: list[Answer], still: bool) -> None:
    done = [answer.value for answer in answers if answer.value is not None]
    if not still:
        st.caption(_sentence(done))
    elif is_starting():
        st.progress(0.0, text="The workers are starting; this takes a few seconds, once.")
    else:
        share = len(done) / len(answers)
        st.progress(share, text=f"Scoring: {len(done)} of {len(answers)} models are done; a few seconds each.")


def is_starting() -> bool:
    return starter().engine is None


def _sentence(done: list[Scores]) -> str:
    if not done:
        return "No model could be scored."
    images, estimated = done[0].images, sorted({scores.likelihood_images for scores in done})
    return (
        f"{images:,} test images, z drawn once for each. log p(x): {done[0].samples} samples of z for each of "
        f"{' or '.join(map(str, estimated))} images. Point at a name or a number for more."
    )


def _matrix(models: list[OpenedModel], answers: list[Answer]) -> Matrix:
    floor, collapsed = answers[-1].value or (None, None)
    values = [answer.value for answer in answers[:-1]]
    return matrix(dict(zip(_titles(models), values)), dict(zip(REFERENCES, (floor, collapsed))))


def _titles(models: list[OpenedModel]) -> list[str]:
    """Titles that differ: two runs may have been trained alike."""
    titles: list[str] = []
    for model in models:
        title, alike = title_of(model), sum(t.startswith(title_of(model)) for t in titles)
        titles.append(title if title not in titles else f"{title} ({alike + 1})")
    return titles


def _columns(models: list[OpenedModel], answers: list[Answer], name: str) -> list[figures.Column]:
    dataset, size, pixels = data_of(name)
    data = load_dataset(dataset, size)
    fewest = min((len(model.encoded) for model in models), default=0)
    shown = [i for i in picture_indices(data) if i < fewest][:PICTURES]
    columns = [
        figures.Column(
            title, colour_of(model.config), strip(model.encoded.reconstructions[shown].numpy(), ACROSS, 1),
            f"{len(shown)} test images as {title} reconstructs them", answer.pending,
        )
        for title, model, answer in zip(_titles(models), models, answers)
    ]  # fmt: skip
    mean = as_bytes(mean_image(data, pixels)).repeat(len(shown), 0)
    pictures = ((test_pictures(data, pixels, shown), "The test images themselves"), (mean, "The mean training image"))
    waiting = answers[-1].pending
    return columns + [
        figures.Column(title, "", strip(np.asarray(images), ACROSS, 1), alt, waiting)
        for title, (images, alt) in zip(REFERENCES, pictures)
    ]


def _below(models: list[OpenedModel], data: str, waiting: bool) -> None:
    left, right = st.columns([3, 1], vertical_alignment="top")
    download_button(
        "Download as CSV",
        data=lambda: _matrix(models, _answers(models, data)).csv(),
        file_name=f"compare-{data}.csv",
        mime="text/csv",
        icon=":material/download:",
        disabled=waiting,
        place=right,
        width="stretch",
        help="Every value in full, with its standard error over the images.",
    )
    with left.expander("What the rows mean"):
        for group, title in GROUPS.items():
            rows = [m for m in MEASURES.values() if m.group == group]
            told = [f"- **{plain(m.name)}** ({plain(m.unit)}): {plain(m.meaning)} [Source]({m.url})" for m in rows]
            st.markdown(f"**{plain(title)}**\n\n" + "\n".join(told))
