"""The sidebar of the Train page: a control for each setting, and the race that they stand for."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae.errors import SettingError
from vae.losses.kl_terms import KL_TERMS
from vae.losses.objective import REDUCTIONS
from vae.losses.table import LOSSES
from vae.training.axes import AXES
from vae.training.config import FORMULA, LOSS_NAMES, TrainConfig, loss_keys
from vae.training.networks import ARCHITECTURES
from vae.training.pixels import TREATMENTS, misfit
from vae.training.precision import PRECISIONS, check_possible, is_possible
from vae.training.presets import PRESETS, measured, measurements
from vae.training.race import MOST_COLUMNS, RaceConfig
from vae.training.schedule import SCHEDULES
from vae.training.update import is_dense
from vae.ui.shared.own_images import known
from vae.ui.shared.words import plain, say
from vae.ui.train import own_images
from vae.ui.train.state import CHOICES, OWN, STATE, base_of, let_go_of_dials, race_config_of, use

NO_RACE = "nothing: one run"

# What a race begins with, where it is not what the run itself has.
RIVALS = {
    "loss": ["mse", "bce"], "pixels": ["binary", "unit"], "kl_term": ["free_bits", "constant"], "reduction": ["mean", "sum"], "precision": ["bfloat16", "float32"],
    "schedule": ["linear", "constant"],
    "architecture": ["conv", "mlp"], "latent_dim": "20", "beta": "0.05, 8", "sigma": "0.7071", "learning_rate": "0.01",
    "batch_size": "32", "seed": "1, 2", "epochs": "20",
}  # fmt: skip
HELP = {
    "loss": "Compares each true pixel x with the prediction p. Summed over pixels it is the reconstruction term.",
    "pixels": "What a pixel is: BCE is the likelihood of pixels that are 0 or 1, a Gaussian's density needs grey ones.",
    "formula": "Nats per pixel. Known: + - * / **, abs, exp, log, xlogy, sqrt, minimum, maximum, tanh, sigmoid, clip, where, pi, e.",
    "latent_dim": "How many numbers an image is squeezed into: the dimensions of the code z. With 2 the codes are drawn.",
    "beta": "Weight of the KL term. 1 is the ELBO; more pulls the codes to N(0, 1), less favours the reconstruction.",
    "architecture": "The encoder's and decoder's layers.",
    "hidden": "Widths of the MLP's hidden layers, from the image to the code, separated by commas; the decoder mirrors them.",
    "size": "Pixels a side to resize the images to; 0 keeps the data set's own size.",
    "reduction": "Sum over pixels is the ELBO. The mean divides the reconstruction by the number of pixels: "
    "try it, to see the code collapse.",
    "precision": "Of the matrix products of training. bfloat16 keeps three digits of each factor and is faster where the "
    "processor has it; weights, losses and held-out figures stay float32.",
    "learning_rate": "Step size of Adam.",
    "schedule": "How the step size moves: smaller steps at the end leave less noise in the weights.",
    "batch_size": "Images per step.",
    "kl_term": "How the KL is weighed over the training. Its curve is drawn below the pictures before it is run.",
    "vary": "Two to four runs in step, that differ in this alone. The first column has the settings above.",
    "against": "Numbers, separated by commas: one further column each, three at most.",
    "seed": "Decides initial weights, batch order and noise. Runs of one seed differ only in what you change.",
    "epochs": "Training stops after so many passes over the training images.",
}


def _control(widget, field: str, label: str, **options) -> None:
    options.setdefault("help", HELP.get(field))
    STATE.control(widget, field, label, **options)


def _use_preset() -> None:
    if (chosen := STATE.now("preset")) != OWN:
        use(RaceConfig(PRESETS[chosen].config(dataset=STATE.now("dataset"))), preset=chosen)


def sidebar(notices: DeltaGenerator) -> RaceConfig | None:
    """Draw the controls; the race they stand for, or None after saying in one sentence what is wrong."""
    with st.sidebar:
        own_images.settle()
        _control(
            st.selectbox,
            "preset",
            "Preset",
            options=[OWN, *PRESETS],
            format_func=lambda key: PRESETS[key].name if key in PRESETS else key,
            on_change=_use_preset,
            help="Objective and settings of programs that people know, on the data at hand. Afterwards everything can be "
            "changed.",
        )
        _about_preset()
        sources = known()
        _select("dataset", "Data set", list(sources), lambda key: sources[key].title, on_change=own_images.fit)
        own_images.panel()
        _select("pixels", "Pixels", list(TREATMENTS), lambda key: TREATMENTS[key].name)
        _select("loss", "Loss", list(loss_keys()), LOSS_NAMES.get)
        _loss_details()
        left, right = st.columns([3, 2])
        _control(left.number_input, "latent_dim", "Latent dimensions", step=1)
        _control(right.number_input, "beta", "β", step=0.5, format="%g")
        _race()
        with st.expander("More", expanded=STATE.now("kl_term") != "constant"):  # what a link sets there is seen
            _more()
        return _race_config(notices)


def _about_preset() -> None:
    """Where the chosen program's settings come from, what it reached there and here, and what is not as there."""
    preset = PRESETS.get(STATE.now("preset"))
    if preset is None:
        return
    here = [
        f"{figure.measure} after epoch {figure.epoch}: {figure} there, {found.value:.4g} here"
        for figure in preset.figures
        if (found := measured(preset.key, figure, measurements())) is not None
    ]
    beside = f" On MNIST, {'; '.join(here)} (nats per image)." if here else ""
    told = f"What differs here: {preset.differs} {preset.name} reached: {preset.reached}."
    st.caption(f"[{plain(preset.source)}]({preset.url}).{plain(beside)}", help=plain(told))


def _parameters(parameters, owner: str) -> None:
    for p in parameters:
        step = 1.0 if p.whole or "epochs" in p.name else 0.05
        label = p.name.replace("_", " ")
        _control(st.number_input, f"{owner}.{p.name}", label, step=step, format="%g", help=p.meaning)


def _race() -> None:
    """What the columns differ in, and what the others have instead of the settings above."""
    config, vary = _base_or_none(), STATE.now("vary")
    possible = [name for name, axis in AXES.items() if config is None or axis.get(config) is not None]
    if vary and vary not in possible:
        possible.append(vary)  # said to be impossible where all settings are checked
    _control(
        st.selectbox, "vary", "Race: columns differ in", options=["", *possible],
        format_func=lambda name: AXES[name].title if name else NO_RACE, filter_mode=None,
        on_change=lambda: STATE.set(dialled=()),
    )  # fmt: skip
    if vary in CHOICES:
        _rival_choices(vary)
    elif vary:
        own = None if config is None else AXES[vary].get(config)
        _begin_with(vary, RIVALS.get(vary) or f"{4 * (own or 1):g}")
        label = "against" if own is None else f"against {own:g}"
        _control(st.text_input, f"against.{vary}", label, help=HELP["against"])


def _rival_choices(vary: str) -> None:
    own, names = STATE.now(vary), CHOICES[vary]
    _begin_with(vary, (next(key for key in RIVALS[vary] if key != own),))
    asked = [key for key in STATE.now(f"against.{vary}") if key not in names]  # by a link
    _control(
        st.multiselect, f"against.{vary}", f"against {names.get(own, own)}", options=[*names, *asked],
        format_func=lambda key: names.get(key, key), max_selections=MOST_COLUMNS - 1, help=None,
    )  # fmt: skip


def _begin_with(vary: str, rivals: object) -> None:
    if STATE.now(f"against.{vary}") is None:
        STATE.set(**{f"against.{vary}": rivals})


def _loss_details() -> None:
    loss = STATE.now("loss")
    if loss == FORMULA:
        _control(st.text_input, "formula", "Formula in x, p, logits")
        return
    record = LOSSES[loss]
    st.caption(record.meaning)
    if told := misfit(STATE.now("pixels"), record):
        st.caption(f":orange[{told}]")
    _parameters(record.given(), loss)


def _more() -> None:
    _select("kl_term", "KL term", list(KL_TERMS), lambda key: KL_TERMS[key].name)
    _parameters(KL_TERMS[STATE.now("kl_term")].parameters, STATE.now("kl_term"))
    _select("architecture", "Architecture", list(ARCHITECTURES), lambda key: ARCHITECTURES[key].name)
    if ARCHITECTURES[STATE.now("architecture")].uses_hidden:
        _control(st.text_input, "hidden", "Hidden widths")
    _select("reduction", "Reduction over pixels", list(REDUCTIONS), str)
    base = _base_or_none()
    possible = [
        key for key in PRECISIONS if is_possible(key, base is None or is_dense(base)) or key == STATE.now("precision")
    ]
    if len(possible) > 1:
        _select("precision", "Precision", possible, PRECISIONS.get)
    _control(st.number_input, "learning_rate", "Learning rate", step=1e-4, format="%g")
    _select("schedule", "Learning-rate schedule", list(SCHEDULES), lambda key: SCHEDULES[key].name)
    left, right = st.columns(2)
    _control(left.number_input, "batch_size", "Batch size", step=1)
    _control(right.number_input, "epochs", "Epochs", step=1)
    _control(left.number_input, "seed", "Seed", step=1)
    _control(right.number_input, "size", "Image size", step=1)


def _select(field: str, label: str, options: list[str], names, **further) -> None:
    _control(st.selectbox, field, label, options=options, format_func=names, filter_mode=None, **further)


def _base_or_none() -> TrainConfig | None:
    try:
        return base_of(STATE.values())
    except SettingError:
        return None  # the sentence is said where the settings are taken


def _race_config(notices: DeltaGenerator) -> RaceConfig | None:
    """None for what cannot be: why is said below the controls, and above the page, where the buttons wait for it."""
    try:
        let_go_of_dials(base_of(STATE.values()))
        race_config = race_config_of(STATE.values())
        for config in race_config.columns():
            check_possible(config.precision, is_dense(config))
        return race_config
    except SettingError as reason:
        say(reason, "error")
        with notices:
            say(reason, "error")
        return None
