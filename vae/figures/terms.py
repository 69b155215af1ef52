"""The loss of one image, term by term, as LaTeX and HTML: formula and numbers in one colour each."""

from __future__ import annotations

import base64
import html

import numpy as np

from vae.figures.kl import TERM_COLOURS
from vae.figures.mosaics import strip
from vae.figures.per_pixel import shaded
from vae.figures.theme import GROUNDS, LOSS_COLOURS, legible
from vae.latent.forward_pass import ForwardPass, Reconstruction
from vae.losses.record import Loss
from vae.study.opened import OpenedModel
from vae.training.config import TrainConfig

KL = TERM_COLOURS["kl"]
STYLE = """
<style>
.st-key-vae-terms .katex { font-size: 0.98em; }
.st-key-vae-terms .katex-display { margin: 0.2em 0; overflow: auto hidden; padding-bottom: 2px; }
.vae-sum { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 6px 14px; padding-top: 6px; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.vae-sum img { width: 88px; image-rendering: pixelated; border-radius: 3px; display: block; }
.vae-sum .of { flex: 1 0 100%; font-weight: 600; }
.vae-sum .term b { display: block; font-size: 1.15rem; line-height: 1.25; white-space: nowrap; }
.vae-sum .term span { opacity: 0.8; max-width: 9.5em; line-height: 1.25; }
.vae-sum .term { display: grid; grid-template-columns: auto auto; column-gap: 14px; }
.vae-sum .term span { grid-column: 2; }
.vae-sum .term .sign { grid-column: 1; font-size: 1.15rem; line-height: 1.25; opacity: 0.6; }
.vae-sum .total b { text-decoration: underline; text-underline-offset: 4px; }
.vae-loss { font-size: 0.95rem; font-weight: 600; padding: 8px 0; }
.vae-loss i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; margin-right: 6px; outline: 1px solid rgba(128, 128, 128, 0.5); }
</style>
"""


# ---- The formula -----------------------------------------------------------------------------------------------------


def formula(loss: Loss, config: TrainConfig) -> str:
    """LaTeX of what is minimised for one image: the reconstruction in the loss's colour, the KL in its own."""
    pixels = int(np.prod(config.shape))
    body, _, note = loss.latex.partition(r",\quad ")
    mean = rf"\frac{{1}}{{{pixels}}}" if config.reduction == "mean" else ""
    term = rf"{mean}\sum_{{i=1}}^{{{pixels}}}\Big[{body}\Big]"
    kl = (
        rf"\beta\sum_{{j=1}}^{{{config.latent_dim}}}\mathrm{{KL}}_j"
        if _times_beta(config)
        else config.kl_record().latex
    )
    added = rf",\quad {note}" if note else ""
    return rf"\textcolor{{{LOSS_COLOURS[loss.key]}}}{{{term}}}+\textcolor{{{KL}}}{{{kl}}}{added}"


def readable(colour: str) -> str:
    """A rule for a number in this colour, as theme.letters() has one for formulas."""
    light, dark = (legible(colour, ground) for ground in GROUNDS)
    return f".vae-sum .{_name(colour)} b {{ color: light-dark({light}, {dark}); }}\n"


def _name(colour: str) -> str:
    return f"c{colour[1:]}"


def swatch(key: str) -> str:
    return f"<i style='background: {LOSS_COLOURS[key]}'></i>"


# ---- The numbers -----------------------------------------------------------------------------------------------------


def sum_of_terms(loss: Loss, forward: ForwardPass, title: str) -> str:
    """reconstruction + what the KL adds = total, with a picture of the first."""
    parts = [f"<div class='of'>{html.escape(title)}</div>"] if title else []
    kl_term = _term("+", *_cost_of_kl(forward), KL)
    found = forward.reconstructions.get(loss.key)
    if found is None or found.loss != loss:  # the image is not known, or the other model has a formula of its own
        parts += [_term("", "?", "reconstruction, not known here", LOSS_COLOURS[loss.key]), kl_term]
    else:
        values, mean = forward.logits.numel(), forward.config.reduction == "mean"
        number = f"{_number(found.total)} / {values}" if mean else _number(found.total)
        words = f"reconstruction, nats, {'mean' if mean else 'summed'} over {_counted(forward.config)}"
        total = _term("=", _number(forward.objective(loss.key)), "nats for this image", kind="total")
        parts += [_picture(loss, found), _term("", number, words, LOSS_COLOURS[loss.key]), kl_term, total]
    return f"<div class='vae-sum'>{''.join(parts)}</div>"


def _counted(config: TrainConfig) -> str:
    """How many values an image has, in words."""
    channels, height, width = config.shape
    return f"{height * width} pixels" + (f" in {channels} channels" if channels > 1 else "")


def _cost_of_kl(forward: ForwardPass) -> tuple[str, str]:
    """What the KL adds to the objective: the number, and what it is."""
    config, over = forward.config, f"over {len(forward.mu)} dimensions"
    term, epoch = config.kl_record(), forward.step / config.steps_per_epoch
    if not _times_beta(config):
        return _number(
            forward.kl_cost
        ), f"{term.name} at epoch {epoch:.3g}, of a KL of {_number(forward.kl)} nats {over}"
    note = ": what the bound comes to with one code" if term.bound else ""
    return f"{config.beta:g} · {_number(forward.kl)}", f"β · KL, nats, {over}{note}"


def _times_beta(config: TrainConfig) -> bool:
    """Whether the KL of one image adds beta times itself, at whatever step."""
    return config.kl_term == "constant" or config.kl_record().bound


def _term(sign: str, number: str, words: str, colour: str = "", kind: str = "") -> str:
    names = f"term {kind} {_name(colour) if colour else ''}"
    return f"<div class='{names}'><i class='sign'>{sign}</i><b>{number}</b><span>{words}</span></div>"


def _picture(loss: Loss, found: Reconstruction) -> str:
    png = strip(shaded(found.per_pixel.numpy(), LOSS_COLOURS[loss.key])[None], 1, 112)
    return f"<img src='data:image/png;base64,{base64.b64encode(png).decode()}' alt='What each pixel adds to the loss'>"


def _number(value: float) -> str:
    return f"{value:,.2f}".replace("-", "−")


def said_of_terms(loss: Loss, model: OpenedModel, found: Reconstruction) -> str:
    """How to read the small picture, and where the loss's parameters come from."""
    per_pixel = found.per_pixel.sum(0)
    said = r"$\mathrm{KL}_j=\frac12(\mu_j^2+\sigma_j^2-1-\log\sigma_j^2)$. " if loss.key == model.config.loss else ""
    said += f"A pixel adds {_number(float(per_pixel.min()))} (dark) to {_number(float(per_pixel.max()))} nats (white)."
    for name, value in found.parameters.items():
        said += f" {'σ' if name == 'sigma' else name} = {value:.3g}, {_origin(loss, name, model)}."
    return said


def _origin(loss: Loss, name: str, model: OpenedModel) -> str:
    """Who set a parameter of a loss, in words."""
    own = loss.key == model.config.loss
    if loss.origin(name) == "batch":
        return "the training set's own" if own and model.sigma is not None else "measured on this very image"
    return "as it was trained" if own else "the default of this loss"
