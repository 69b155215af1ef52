"""What moves on the Train page: status, progress, pictures, codes and curves, refreshed while a run is under way."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from vae.checkpoint import checkpoint_bytes
from vae.config import TrainConfig
from vae.data import DATASETS
from vae.engine import Engine, Run, View
from vae.figures import latent
from vae.figures.curves import CurveSet, training_curves
from vae.figures.mosaics import strip
from vae.figures.theme import LOSS_COLOURS
from vae.objective import combine
from vae.training import Observation
from vae.ui import components, words
from vae.ui.engine import Starter
from vae.ui.owner import owner

REFRESH_SECONDS = 0.35


def show(engine: Engine, run: Run) -> None:
    """The live part. Its timer runs in the browser, and only while there is something to wait for."""
    view = run.view()
    waiting = view.status.active or not view.observations or view.evaluating
    st.fragment(_live, run_every=REFRESH_SECONDS if waiting else None)(engine, run, waiting)


def _live(engine: Engine, run: Run, waiting: bool) -> None:
    view = run.view()
    still = view.status.active or not view.observations or view.evaluating
    _status(run, view)
    if view.observations:
        looking = st.session_state.get("film", {}).get("looking")
        index = _index_of(view.observations, looking)
        shown = view.observations[index]
        left, right = st.columns([3, 2], gap="medium")
        with left:
            _pictures(run, view, index, looking)
        with right:
            _codes(run.config, shown)
        _curves(engine, run, view, None if looking is None else shown.step)
    if waiting and not still:
        st.rerun(scope="app")  # it has ended: the buttons change, the timer stops


def _status(run: Run, view: View) -> None:
    left = f" · {words.duration(view.seconds_left)} left" if view.seconds_left is not None else ""
    message = words.status(run.config, view)
    shout = {"failed": st.error}.get(view.status.value)
    if shout:
        shout(words.plain(message))
    st.progress(view.step / view.total_steps, text=("" if shout else words.plain(message)) + left)


def _index_of(observations: tuple[Observation, ...], step: int | None) -> int:
    """The observation looked at: the last one, or the latest not after the step."""
    if step is None:
        return len(observations) - 1
    return max(0, int(np.searchsorted([o.step for o in observations], step, side="right")) - 1)


def _pictures(run: Run, view: View, index: int, looking: int | None) -> None:
    seen = view.observations[index]
    rows = [
        components.Row("inputs", "test images x", strip(seen.inputs), "Ten test images"),
        components.Row(
            "reconstructions",
            f"reconstructions p, decoded from μ: {seen.reconstruction:.1f} nats per image (held out)",
            strip(seen.reconstructions),
            f"Their reconstructions after step {seen.step}",
        ),
        components.Row(
            "samples", "samples: z drawn from N(0, I)", strip(seen.samples), f"Prior samples after step {seen.step}"
        ),
    ]
    steps = [o.step for o in view.observations]
    components.film(rows, steps, index, looking, words.spoken(run.config, view), owner(), key="film")


def _codes(config: TrainConfig, seen: Observation) -> None:
    if seen.codes is not None:
        drawn = latent.codes(seen.codes, seen.labels, _classes(config))
        components.figure(drawn, "codes", f"Codes of test images after step {seen.step}")
    else:
        drawn = latent.kl_bars(seen.kl_per_dim, LOSS_COLOURS[config.loss])
        components.figure(drawn, "codes", f"KL of each latent dimension after step {seen.step}")


def _classes(config: TrainConfig) -> tuple[str, ...]:
    return DATASETS[config.dataset].classes


def _curves(engine: Engine, run: Run, view: View, marker: int | None) -> None:
    config = run.config
    held = view.observations
    reconstruction = np.array([o.reconstruction for o in held])
    kl = np.array([o.kl for o in held])
    objective = combine(reconstruction, kl, config.beta, math.prod(config.shape), config.reduction)
    curves = CurveSet(
        config.loss_record().name,
        LOSS_COLOURS[config.loss],
        (view.reconstruction, view.kl, view.objective),
        (np.array([o.step for o in held]), (reconstruction, kl, objective)),
    )
    lines = engine.reference_lines(config) or ()
    drawn = training_curves(
        [curves], [(line.key, line.label, line.value) for line in lines], marker, objective=_objective_name(config)
    )
    components.figure(drawn, "curves", "Curves of reconstruction, KL and objective over the steps")
    if lines is None:
        st.caption("The reference lines are being computed.")


def _objective_name(config: TrainConfig) -> str:
    reconstruction = "reconstruction / pixels" if config.reduction == "mean" else "reconstruction"
    weight = "" if config.beta == 1 else f"{config.beta:g} "
    name = f"Objective = {reconstruction} + {weight}KL"
    return name + (" = −ELBO" if config.reduction == "sum" and config.beta == 1 else "")


def results(run: Run) -> None:
    """Figures of the whole test set, and the checkpoint to take home."""
    view = run.view()
    if view.evaluation is not None:
        e = view.evaluation
        st.markdown(
            f"**Whole test set** ({e.images:,} images, one sample of z each): −ELBO **{e.negative_elbo:.2f}** = "
            f"reconstruction {e.reconstruction:.2f} + KL {e.kl:.2f} nats per image (lower is better)."
        )
    left, right, _ = st.columns([1, 1, 2])
    left.button(
        "Evaluate test set",
        key="evaluate",
        on_click=run.evaluate,
        disabled=view.status.active or view.evaluating or not view.observations,
        help="Reconstruction and KL over every test image; done by itself at the end of a run.",
        width="stretch",
    )
    right.download_button(
        "Download checkpoint",
        data=lambda: _checkpoint(run),
        file_name=f"{run.config.dataset}-{run.config.loss}-z{run.config.latent_dim}-{run.id}.safetensors",
        mime="application/octet-stream",
        key="download",
        disabled=not view.step,
        on_click="ignore",
        help="Weights, optimiser and settings; vae.load_checkpoint reads it.",
        width="stretch",
    )


def _checkpoint(run: Run) -> bytes:
    view = run.view()
    return checkpoint_bytes(run.state(), run.config, view.evaluation, run.threads)


def start_up_notice(starter: Starter) -> None:
    """Shown while the engine starts; looks again until it is up."""

    def wait() -> None:
        if starter.problem:
            st.error(starter.problem)
        elif starter.engine is not None:
            st.rerun(scope="app")
        else:
            st.progress(0.0, text="The workers are starting; this takes a few seconds, once.")

    st.fragment(wait, run_every=None if starter.problem else 0.3)()
