"""What a user takes along: figures of the whole test set, checkpoints, scripts that stand on their own, a report."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from vae.engine import Engine, Race, Run, View
from vae.export.race_animation import gif_of_race
from vae.export.race_report import report_of_race
from vae.training.checkpoint import checkpoint_bytes
from vae.training.race import labels
from vae.training.race import names as short_names
from vae.ui.shared.downloads import download_button, script_or_why_not
from vae.ui.shared.language import language
from vae.ui.shared.words import plain


def show(engine: Engine, race: Race, vary: str) -> None:
    """Below the live part."""
    views, names = race.views(), labels(race.configs, vary)
    reader = language()  # where the report is made, nobody is known to look
    _evaluations(names, views, len({config.loss for config in race.configs}))
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Evaluate test set", key="evaluate", on_click=race.evaluate,
            disabled=any(v.status.active or v.evaluating or not v.observations for v in views),
            help="Reconstruction and KL over every test image; done by itself at the end of a run.",
        )  # fmt: skip
        download_button(
            "Report", data=lambda: report_of_race(engine, race, vary, reader), file_name=f"report-{race.runs[0].id}.html",
            mime="text/html", key="report", icon=":material/description:",
            disabled=any(v.status.active or not v.step for v in views),
            help="Settings, seeds, curves, pictures, every score and what may be said, with the scripts: one file that "
            "opens anywhere. Made when you press: scoring takes a few seconds a model.",
        )  # fmt: skip
        download_button(
            "Animation", data=lambda: gif_of_race(race.views(), names if len(names) > 1 else ()),
            file_name=f"training-{race.runs[0].id}.gif", mime="image/gif", key="animation", icon=":material/animation:",
            disabled=any(not v.observations for v in views),
            help="Its pictures over the steps as an animated GIF, for a slide.",
        )  # fmt: skip
        for index, (run, name) in enumerate(zip(race.runs, short_names(race.configs, vary))):
            _downloads(run, f" {name}" if len(names) > 1 else "", index)


def _evaluations(names: Sequence[str], views: Sequence[View], losses: int) -> None:
    for name, view in zip(names, views):
        if (e := view.evaluation) is not None:
            whose = f"{plain(name)}, whole" if len(views) > 1 else "Whole"
            sum_of_terms = (
                f"**{whose} test set** ({e.images:,} images, one sample of z each): −ELBO **{e.negative_elbo:.2f}** = "
                f"reconstruction {e.reconstruction:.2f} + KL {e.kl:.2f} nats per image."
            )
            st.markdown(sum_of_terms if losses > 1 else f"{sum_of_terms} Lower is better.")

    done = [view for view in views if view.evaluation is not None]
    if len(done) > 1 and losses > 1:
        st.markdown(
            "**These numbers cannot be compared**: nats under two losses have no common scale. The squared error and the sharpness above "
            "can; the report, and the page Compare, score each model under all losses."
        )


def _downloads(run: Run, whose: str, index: int) -> None:
    stem = f"{run.config.dataset}-{run.config.loss}-z{run.config.latent_dim}-{run.id}"
    number = str(index) if whose else ""
    download_button(
        f"Checkpoint:{whose}" if whose else "Download checkpoint", data=lambda: _checkpoint(run), file_name=f"{stem}.safetensors",
        mime="application/octet-stream", key=f"download{number}", disabled=not run.view().step,
        help="Weights, optimiser and settings; vae.load_checkpoint reads it.",
    )  # fmt: skip
    script, problem = _script(run)
    download_button(
        f"Script:{whose}" if whose else "PyTorch script", data=lambda: script, file_name=f"{stem}.py", mime="text/x-python", key=f"script{number}",
        disabled=bool(problem),
        help=problem or "This loss and training loop, without this app: it draws the same weights, batches and noise.",
    )  # fmt: skip


def _script(run: Run) -> tuple[str, str]:
    """The script, or why there is none."""
    if run.forks:
        return "", "The settings of this run changed on the way: a script has one setting."
    return script_or_why_not(run.config, run.threads)


def _checkpoint(run: Run) -> bytes:
    view = run.view()
    return checkpoint_bytes(run.state(), run.config, view.evaluation, run.threads, device=view.device)
