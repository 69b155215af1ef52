"""The rescue: what a BCE-trained model is worth under the continuous Bernoulli, before and after the inverse mean."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from vae.data import load_dataset
from vae.figures.rescue import Bar, rescue
from vae.figures.theme import LOSS_COLOURS
from vae.losses import continuous_bernoulli_mean
from vae.scoring import Rescue, rescue_pictures
from vae.training import picture_indices
from vae.ui.compare.look import LOOK, data_name, data_of, settle
from vae.ui.compare.matrix import REFRESH_SECONDS, scorer_missing
from vae.ui.compare.models import Option, open_for, options, scores_of, title_of
from vae.ui.components import figure
from vae.ui.engine import starter
from vae.ui.latent.models import Opened
from vae.ui.look import Values
from vae.ui.pictures import pictures
from vae.ui.words import plain

TRAINED = "continuous_bernoulli"


def show(look: Values) -> None:
    known = options()
    here = {key: option for key, option in known.items() if data_name(option.config) == look["data"]}
    trained = [key for key, option in here.items() if option.config.loss == "bce"]
    if not trained:
        st.info(
            "No model here was trained with BCE on this data set: train one on the Train page, or choose other data."
        )
        return
    asked = st.session_state[LOOK.key("rescued")]
    if not asked:
        settle(rescued=next((key for key in look["models"] if key in trained), trained[0]))
    elif asked not in trained:
        st.error(plain(f"{asked[:60]!r} is no model trained with BCE on {look['data']}: choose one from the list."))
        trained.append(asked)
    key = st.selectbox(
        "A model trained with BCE", trained, format_func=lambda key: here[key].title if key in here else key,
        key=LOOK.key("rescued"), filter_mode=None, width=380,
    )  # fmt: skip
    if key not in here:
        return
    model = open_for(key, look["data"])
    partner = _partner(here, here[key])
    other = open_for(partner, look["data"]) if partner else None
    _act(model, other, look["data"])


def _partner(here: dict[str, Option], model: Option) -> str | None:
    """A model trained with the continuous Bernoulli: of as many latent dimensions where there is one."""
    trained = [o for o in here.values() if o.config.loss == TRAINED]
    trained.sort(key=lambda o: abs(o.config.latent_dim - model.config.latent_dim))
    return trained[0].key if trained else None


def _act(model: Opened, other: Opened | None, data: str) -> None:
    shown = [model] + ([other] if other else [])
    waiting = any(scores_of(m).pending for m in shown)
    st.fragment(_live, run_every=REFRESH_SECONDS if waiting else None)(model, other, waiting)
    _pictures(model, other, data)
    st.caption(
        "BCE is not a density for grey pixels, so its output p has two readings under the continuous Bernoulli, which is "
        "one. Taken as the parameter λ, as in training with that density, the mean picture is greyer than p. Taken as the "
        "mean, λ comes from the inverse mean, and the mean picture is p again. The pixels are grey levels / 255, four of "
        "five of them exactly 0 on MNIST, where a density has no greatest value: so no mean is taken nearer to 0 or 1 "
        "than half a grey level, and a model whose λ goes farther is worth less under that limit than as it was trained. "
        "[Loaiza-Ganem and Cunningham 2019](https://arxiv.org/abs/1907.06845)"
    )


def _live(model: Opened, other: Opened | None, waiting: bool) -> None:
    answers = [scores_of(m) for m in (model, other) if m]
    still = any(answer.pending for answer in answers)
    for problem in [starter().problem, *(answer.problem for answer in answers)]:
        if problem:
            st.error(plain(problem))
    worth = [answer.value.rescue if answer.value else None for answer in answers]
    before, after = worth[0], worth[1] if other else None
    if before is not None:
        st.markdown(_verdict(before, after, other))
    elif still:
        text = "The workers are starting; this takes a few seconds, once." if scorer_missing() else "Scoring the model."
        st.progress(0.0, text=text)
    logits = torch.linspace(-9, 9, 181, dtype=torch.float64)
    curve = torch.sigmoid(logits).numpy(), continuous_bernoulli_mean(logits).numpy()
    drawn, narrow = rescue(*curve, _bars(before, after))
    figure(drawn, "rescue", "The mean over the parameter, and the ELBO before and after the rescue", narrow=narrow)
    if waiting and not still:
        st.rerun(scope="app")


def _verdict(before: Rescue, after: Rescue | None, other: Opened | None) -> str:
    """One sentence, two where there is a model to compare with."""
    said = (
        f"**{_signed(before.gain)} nats per image** without one more step of training: read as λ its output is worth an "
        f"ELBO of {_number(before.raw)}, read as the mean {_number(before.rescued)} (higher is better)."
    )
    if after is None:
        return f"{said} No model here was trained with the continuous Bernoulli on this data set, to compare with."
    more = _signed(before.rescued - after.rescued)
    return (
        f"{said} Trained with the continuous Bernoulli ({plain(title_of(other))}): {_number(after.rescued)} under the same "
        f"limit, so the rescued model has {more}; {_number(after.raw)} as trained, without the limit."
    )


def _bars(before: Rescue | None, after: Rescue | None) -> list[Bar]:
    bce, cb = LOSS_COLOURS["bce"], LOSS_COLOURS[TRAINED]
    bars = (
        [] if before is None else [Bar("BCE, before", bce, before.raw, True), Bar("BCE, rescued", bce, before.rescued)]
    )
    if after is not None:
        bars += [Bar("CB, same limit", cb, after.rescued), Bar("CB, as trained", cb, after.raw, True)]
    return bars


def _number(value: float) -> str:
    return f"{value:,.0f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+,.0f}".replace("-", "−")


def _pictures(model: Opened, other: Opened | None, name: str) -> None:
    data = load_dataset(*data_of(name))
    shown = [i for i in picture_indices(data) if i < min(len(m.encoded) for m in (model, other) if m)]
    with torch.inference_mode():
        raw, rescued = rescue_pictures(model.model.decode(model.encoded.mu[shown]))
    rows = [data.test[shown].numpy(), raw.numpy(), rescued.numpy()]
    beside = ["test images", "before: λ = p", "rescued: mean = p"]
    if other is not None:
        rows.append(other.encoded.reconstructions[shown].numpy())
        beside.append("trained with CB")
    alt = f"Ten test images, and the mean pictures of {title_of(model)} before and after the inverse mean"
    pictures(np.concatenate(rows), "rescue.pictures", alt, columns=len(shown), beside=beside, width=620)
