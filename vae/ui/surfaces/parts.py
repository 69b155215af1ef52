"""Below the surfaces: a pixel descends, the surface meets an image, SSIM on a patch. One is open at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from vae.data import load_dataset, to_unit
from vae.engine import sentences
from vae.errors import SettingError, VaeError
from vae.figures import surface_parts as drawing
from vae.figures.loss_panels import Chosen, descent, panel
from vae.figures.panels import number
from vae.figures.theme import LOSS_COLOURS
from vae.losses.surfaces import at_point, per_pixel, surface
from vae.losses.table import LOSSES
from vae.training.shipped import SHIPPED
from vae.ui.latent.image_picker import need_images
from vae.ui.latent.models import open_model
from vae.ui.shared import components, words
from vae.ui.shared.engine import engine
from vae.ui.shared.page_state import Values
from vae.ui.surfaces.state import DISTORTIONS, MOST_DISTORTION, PICTURES, SOURCES, STATE

QUARTER_LEVEL = 1 / 1020  # the middle of what a picture of 256 grey levels rounds to black


def show(part: str, losses: Sequence[Chosen], state: Values) -> None:
    """The part that is open."""
    {"descent": falls, "image": image, "patch": patch}[part](losses, state)


# ---- A pixel descends --------------------------------------------------------------------------------------------


def falls(losses: Sequence[Chosen], state: Values) -> None:
    """Gradient descent of one pixel's logit under each loss."""
    columns = st.columns(4)
    STATE.control(columns[0].number_input, "target", "Target x", step=0.1, format="%g")
    STATE.control(columns[1].number_input, "p0", "Start p₀", step=0.1, format="%g", help="A sigmoid of the logit.")
    STATE.control(columns[2].number_input, "step_size", "Step size", step=0.5, format="%g", help="Times the gradient.")
    STATE.control(columns[3].number_input, "steps", "Steps", step=10)
    settings = [state[name] for name in ("target", "p0", "step_size", "steps")]
    try:
        paths = [(shown, descent(shown, *settings)) for shown in losses]
    except SettingError as reason:
        words.say(reason, "error")
        return
    if not paths:
        words.say("Choose a loss that looks at one pixel at a time.", "info")
        return
    st.markdown(_said_of_descents(paths, state))
    figure, narrow, moving = _descents(tuple(losses), *settings)
    player = components.Player(*moving)
    label = "Descent of one pixel: prediction and loss over the steps, and on the loss over the logit"
    components.figure(figure, "descent", label, narrow=narrow, player=player)


@lru_cache(maxsize=32)
def _descents(losses: tuple[Chosen, ...], target: float, *settings):
    """The figure of the descents; kept, as most changes on the page leave it alone."""
    return drawing.descents([_fall(shown, descent(shown, target, *settings), target) for shown in losses])


def _fall(shown: Chosen, path, target: float) -> drawing.Fall:
    low, high = min(-8.0, path.logit.min() - 1), max(8.0, path.logit.max() + 1)
    logits = np.linspace(max(low, -30), min(high, 30), 201)
    hill = surface(shown.loss, "value", [target], 1 / (1 + np.exp(-logits)), **dict(shown.parameters)).values[:, 0]
    return drawing.Fall(shown.name, shown.colour, path, (logits, hill))


def _said_of_descents(paths, state: Values) -> str:
    """What the start's gradients are and where each descent got to."""
    said = []
    for shown, path in paths:
        start = at_point(shown.loss, state["target"], state["p0"], **dict(shown.parameters)).logit_slope
        end = f"ends at p = {path.p[-1]:.4g}"
        if path.diverged_at is not None:
            end = f"is no longer finite at step {path.diverged_at}"
        said.append(f"**{words.plain(shown.name)}** starts with a gradient of {number(start)} in the logit and {end}")
    known = {shown.key: path for shown, path in paths}
    why = ""
    if {"bce", "mse"} <= known.keys():
        why = " In the logit, BCE's gradient is p − x; MSE's is 2 (p − x) p (1 − p), which vanishes where the sigmoid saturates."
    return f"After {state['steps']} steps: " + "; ".join(said) + "." + why


# ---- The surface meets an image ----------------------------------------------------------------------------------

MEAN = "a collapsed decoder: the mean of the training digits, whatever the input"


def image(losses: Sequence[Chosen], state: Values) -> None:
    """An image's pixels as points on a loss, the image beside it; a click on either lights up the other."""
    if not losses:
        words.say("Choose a loss that looks at one pixel at a time.", "info")
        return
    run, seen = _run()
    left, middle, right = st.columns([3, 1.2, 2])
    STATE.control(
        left.selectbox, "source", "Predictions of", SOURCES, format_func=_named_sources(run, seen).get, filter_mode=None
    )
    _choose_picture(middle)
    names = {shown.key: shown for shown in losses}
    if state["on"] not in names:  # the loss whose map it was is no longer on show
        STATE.set(on=next(iter(names)))
    on = STATE.control(right.selectbox, "on", "On the map of", list(names), format_func=lambda k: names[k].name)
    pair = _pair(state["source"], state["picture"] - 1, seen)
    if pair is None:
        return
    x, p = map(_grey, pair)
    lit = st.session_state.get("surface_lit")
    lit = lit if lit is not None and lit[0] < x.shape[0] and lit[1] < x.shape[1] else None
    figure, narrow = drawing.image_on_map(panel(names[on], dict(state) | {"view": "value", "form": "map"}), x, p, lit)
    st.session_state["surface_pairs"] = (x, p)
    components.figure(
        figure, "image", "An image, its prediction, and its pixels on the loss", narrow=narrow, on_click=_light
    )
    st.markdown(_sums(losses, x, p, rounded=state["source"] == "run", colour=len(pair[0]) > 1))


def _choose_picture(place) -> None:
    """One choice for all parts: the same test image in each."""
    STATE.control(place.selectbox, "picture", "Test image", range(1, PICTURES + 1))


def _run():
    """The run of this session and what was last seen of it; (None, None) before there is any."""
    up = engine()
    run = up.runs.get(st.session_state.get("run_id", "")) if up else None
    pictures = run.view().pictures if run else None
    return (run, pictures) if pictures else (None, None)


def _name_of_run(run, seen) -> str:
    return f"your run on the Train page: {run.config.dataset}, {sentences.loss_name(run.config)}, step {seen.step:,}"


def _named_sources(run, seen) -> dict[str, str]:
    """What can predict the picture, in words."""
    shipped = {name: f"a trained model: {model.title}" for name, model in SHIPPED.items()}
    return {"mean": MEAN, "run": _name_of_run(run, seen) if seen else "your run on the Train page"} | shipped


def _pair(source: str, index: int, seen) -> tuple[np.ndarray, np.ndarray] | None:
    """The test image and its prediction, each (C, H, W) in [0, 1]; None, and a sentence on the page, where there is none."""
    if source == "mean":
        return _digit_and_mean(index)
    if source != "run":
        return _of_model(source, index)
    if seen is None:
        words.say(
            "There is no run of yours yet: start one on the Train page, and its reconstructions are shown here.", "info"
        )
        return None
    return seen.inputs[index] / 255, seen.reconstructions[index] / 255


def _of_model(name: str, index: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A shipped model's prediction for a test image of its data set, decoded from mu, not rounded to grey levels."""
    try:
        model = open_model(name)
    except VaeError as reason:
        words.say(reason, "error")
        return None
    if model.images is None:
        need_images(model, "This model's prediction beside its image")
        return None
    p = model.predict(model.encoded.mu[index : index + 1])
    return to_unit(model.images[index]).double().numpy(), p[0].double().numpy()


@lru_cache(maxsize=PICTURES)
def _digit_and_mean(index: int) -> tuple[np.ndarray, np.ndarray]:
    data = load_dataset("digits")
    return to_unit(data.test[index]).double().numpy(), to_unit(data.train).double().mean(0).numpy()


def _grey(image: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W): the mean over channels, as a map has one point for each pixel."""
    return image.mean(0)


def _light(point) -> None:
    """The pixel clicked in a picture, or that of the point clicked on the map, is lit, and the cursor goes there."""
    x, p = st.session_state["surface_pairs"]
    if point["curveNumber"] < drawing.POINTS:
        pixel = (int(point["y"]), int(point["x"]))
    elif point["curveNumber"] == drawing.POINTS:
        pixel = divmod(int(point["pointNumber"]), x.shape[1])
    else:
        return
    st.session_state["surface_lit"] = pixel
    for field, image_ in (("x", x), ("p", p)):
        STATE.set(**{field: round(float(image_[pixel]), 6)})


def _sums(losses: Sequence[Chosen], x: np.ndarray, p: np.ndarray, rounded: bool, colour: bool) -> str:
    """The sum over pixels under each loss. colour: whether they are the means of a pixel's channels."""
    exact = np.clip(p, QUARTER_LEVEL, 1 - QUARTER_LEVEL) if rounded else p
    sums = {shown.name: _total(per_pixel(shown.loss, x, exact, **dict(shown.parameters))) for shown in losses}
    listed = ", ".join(f"**{name}** {_nats(value)}" for name, value in sums.items())
    text = f"Summed over {x.size} pixels, nats per image: {listed}. Click a pixel or a point: the cursor goes there."
    if colour:
        text += " Of a picture in colour each pixel is the mean of its channels here, in both pictures and in the sums."
    if rounded:
        text += " These predictions come as pictures of 256 grey levels; in the sum, black stands for the middle of what rounds to it."
    elif math.inf in sums.values():
        text += (
            " Infinite, as a training pixel that was always black is predicted as impossible, and here it is not black."
        )
    return text


def _total(values: np.ndarray) -> float:
    """The sum over pixels; NaN, which is no value, where it takes infinity from infinity."""
    with np.errstate(invalid="ignore"):
        return float(values.sum())


def _nats(value: float) -> str:
    return f"{value:,.2f}" if math.isfinite(value) else number(value)


# ---- SSIM on a patch ---------------------------------------------------------------------------------------------

SIDE = 24  # pixels a side of the digit that is shifted, blurred or brightened
DISTORTION_NAMES = {
    "shift": "shifted to the right, pixels",
    "blur": "blurred, standard deviation in pixels",
    "brighten": "brightened, tenths of the range",
}


def patch(losses: Sequence[Chosen], state: Values) -> None:
    """1 − SSIM needs a neighbourhood: shown on a digit whose prediction is shifted, blurred or brightened."""
    left, middle, right = st.columns([2, 3, 1])
    STATE.control(
        left.selectbox, "distortion", "The prediction is the image", DISTORTIONS, format_func=DISTORTION_NAMES.get,
        filter_mode=None,
    )  # fmt: skip
    STATE.control(middle.slider, "amount", "by", 0.0, MOST_DISTORTION, step=0.05)
    _choose_picture(right)
    x = to_unit(load_dataset("digits", SIDE).test[state["picture"] - 1, 0]).double().numpy()
    p = distorted(x, state["distortion"], state["amount"])
    ssim = per_pixel(LOSSES["ssim"], x, p)
    maps = {"1 − SSIM": (ssim, LOSS_COLOURS["ssim"])}
    sums = [f"1 − SSIM is {max(0.0, ssim.mean()):.3f} on average"]
    for shown in losses[:2]:
        values = per_pixel(shown.loss, x, p, **dict(shown.parameters))
        maps[shown.name] = (values, shown.colour)
        sums.append(f"{shown.name} is {_nats(_total(values))} nats per image")
    figure, narrow = drawing.patch(x, p, maps)
    components.figure(figure, "patch", "A digit, its distorted prediction, and each loss per pixel", narrow=narrow)
    st.markdown(
        f"{'; '.join(sums)}. 1 − SSIM compares the means, spreads and structure of 7×7 neighbourhoods, so it has no value at "
        "a single (x, p) and no surface; the others look at each pixel alone."
    )


def distorted(image: np.ndarray, kind: str, amount: float) -> np.ndarray:
    """The image (H, W) shifted to the right or blurred by so many pixels, or brightened by tenths; still in [0, 1]."""
    apart = np.subtract.outer(np.arange(image.shape[1]), np.arange(image.shape[1])).astype(float)
    if amount == 0:
        return image
    if kind == "shift":
        return image @ np.clip(1 - np.abs(apart - amount), 0, 1).T  # linear between pixels, black from the left
    if kind == "brighten":
        return np.clip(image + amount / 10, 0, 1)
    weights = np.exp(-(apart**2) / (2 * amount**2))
    weights /= weights.sum(1, keepdims=True)
    return np.clip(weights @ image @ weights.T, 0, 1)
