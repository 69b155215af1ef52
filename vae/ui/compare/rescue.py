"""The rescue: what a BCE-trained model is worth under the continuous Bernoulli, before and after the inverse mean."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from vae.data import load_dataset
from vae.figures.rescue import Bar, rescue
from vae.figures.theme import LOSS_COLOURS
from vae.losses.bernoulli import continuous_bernoulli_mean
from vae.study.opened import OpenedModel
from vae.study.scoring import Rescue, rescue_pictures
from vae.training.step import picture_indices
from vae.ui.compare.matrix import is_starting
from vae.ui.compare.models import Option, open_for, options, scores_of, test_pictures, title_of
from vae.ui.compare.state import STATE, data_name, data_of, settle
from vae.ui.latent.models import title_in
from vae.ui.shared.components import figure
from vae.ui.shared.page_state import Values
from vae.ui.shared.pictures import pictures
from vae.ui.shared.refresh import OFTEN, refreshing
from vae.ui.shared.words import plain, say

TRAINED = "continuous_bernoulli"


def choice(known: dict[str, Option], state: Values) -> None:
    """Let the user choose the model; the one that a link asked for is in the list even where there is none: it is answered."""
    trained = _trained("bce", known, state["data"])
    if not state["rescued"] and trained:
        settle(rescued=next((key for key in state["models"] if key in trained), next(iter(trained))))
    asked = STATE.shown()["rescued"]
    if asked:
        STATE.control(
            st.selectbox, "rescued", "A model trained with BCE", [*trained, *({asked} - set(trained))], filter_mode=None,
            format_func=lambda key: title_in({key: one.title for key, one in known.items()}, key), width=380,
        )  # fmt: skip


def show(state: Values) -> None:
    known, key = options(), STATE.shown()["rescued"]
    if not key:
        say(
            "No model here was trained with BCE on this data set: train one on the Train page, or choose other data.",
            "info",
        )
    elif key not in _trained("bce", known, state["data"]):
        named = title_in({}, key)
        say(f"{named[:60]!r} is no model trained with BCE on {state['data']}: choose one from the list.", "error")
    else:
        model, partner = open_for(key, state["data"]), _partner(known, known[key], state["data"])
        _act(model, open_for(partner, state["data"]) if partner else None, state["data"])


def _trained(loss: str, known: dict[str, Option], data: str) -> dict[str, Option]:
    return {k: o for k, o in known.items() if data_name(o.config) == data and o.config.loss == loss}


def _partner(known: dict[str, Option], model: Option, data: str) -> str | None:
    """A model trained with the continuous Bernoulli: of as many latent dimensions where there is one."""
    trained = _trained(TRAINED, known, data).values()
    return min((abs(o.config.latent_dim - model.config.latent_dim), o.key) for o in trained)[1] if trained else None


def _act(model: OpenedModel, other: OpenedModel | None, data: str) -> None:
    shown = [model] + ([other] if other else [])
    waiting = any(scores_of(m).pending for m in shown)
    refreshing(_live, OFTEN if waiting else None, model, other, waiting)
    _pictures(model, other, data)
    st.caption(
        "BCE is not a density for grey pixels, so its output p has two readings under the continuous Bernoulli, which is "
        "one. Taken as the parameter λ, as in training with that density, the mean picture is greyer than p. Taken as the "
        "mean, λ comes from the inverse mean, and the mean picture is p again. The pixels are grey levels / 255, four of "
        "five of them exactly 0 on MNIST, where a density has no greatest value: so no mean is taken nearer to 0 or 1 "
        "than half a grey level, and a model whose λ goes farther is worth less under that limit than as it was trained. "
        "In the published comparison, repeated for this project (pixels (x + u) / 256, five epochs, λ kept one float32 "
        "epsilon from 0 and 1), a BCE-trained net has an ELBO of 1157, the same rescued 1784, one trained with the "
        "continuous Bernoulli 1783. [Loaiza-Ganem and Cunningham 2019](https://arxiv.org/abs/1907.06845)"
    )


def _live(model: OpenedModel, other: OpenedModel | None, waiting: bool) -> None:
    answers = [scores_of(m) for m in (model, other) if m]
    still = any(answer.pending for answer in answers)
    for problem in dict.fromkeys(answer.problem for answer in answers if answer.problem):
        say(problem, "error")
    worth = [answer.value.rescue if answer.value else None for answer in answers]
    before, after = worth[0], worth[1] if other else None
    if before is not None:
        st.markdown(_verdict(before, after, other))
    elif still:
        text = "The workers are starting; this takes a few seconds, once." if is_starting() else "Scoring the model."
        st.progress(0.0, text=text)
    logits = torch.linspace(-60, 60, 1201, dtype=torch.float64)
    curve = torch.sigmoid(logits).numpy(), continuous_bernoulli_mean(logits).numpy()
    drawn, narrow = rescue(*curve, _bars(before, after))
    figure(drawn, "rescue", "The mean over the parameter, and the ELBO before and after the rescue", narrow=narrow)
    if waiting and not still:
        st.rerun(scope="app")


def _verdict(before: Rescue, after: Rescue | None, other: OpenedModel | None) -> str:
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


def _pictures(model: OpenedModel, other: OpenedModel | None, name: str) -> None:
    dataset, size, pixels = data_of(name)
    data = load_dataset(dataset, size)
    shown = [i for i in picture_indices(data) if i < min(len(m.encoded) for m in (model, other) if m)]
    with torch.inference_mode():
        raw, rescued = rescue_pictures(model.model.decode(model.encoded.mu[shown]))
    rows = [test_pictures(data, pixels, shown), raw.numpy(), rescued.numpy()]
    beside = ["test images", "before: λ = p", "rescued: mean = p"]
    if other is not None:
        rows.append(other.encoded.reconstructions[shown].numpy())
        beside.append("trained with CB")
    alt = f"Ten test images, and the mean pictures of {title_of(model)} before and after the inverse mean"
    pictures(np.concatenate(rows), "rescue.pictures", alt, columns=len(shown), beside=beside, width=600)
