"""The controls of a training: widgets <-> TrainConfig. What they hold survives page changes, reloads and links."""

from __future__ import annotations

import streamlit as st

from vae.config import FORMULA, TrainConfig, loss_keys
from vae.data import DATASETS
from vae.errors import SettingError
from vae.losses import LOSSES
from vae.model import ARCHITECTURES
from vae.objective import REDUCTIONS
from vae.presets import PRESETS
from vae.ui import link
from vae.ui.words import plain

OWN = "own settings"
LOSS_NAMES = {key: record.name for key, record in LOSSES.items()} | {FORMULA: "a formula of your own"}
FIRST_FORMULA = "(x - p)**2"
HELP = {
    "loss": "Compares each true pixel x with the prediction p. Summed over pixels it is the reconstruction term.",
    "formula": "Nats per pixel. Known: + - * / **, abs, exp, log, sqrt, minimum, maximum, tanh, sigmoid, clip, where, pi, e.",
    "latent_dim": "How many numbers an image is squeezed into: the dimensions of the code z. With 2 the codes are drawn.",
    "beta": "Weight of the KL term. 1 is the ELBO; more pulls the codes to N(0, 1), less favours the reconstruction.",
    "architecture": "The encoder's and decoder's layers.",
    "hidden": "Widths of the MLP's hidden layers, from the image to the code, separated by commas; the decoder mirrors them.",
    "size": "Pixels a side to resize the images to; 0 keeps the data set's own size.",
    "reduction": "Sum over pixels is the ELBO. The mean divides the reconstruction by the number of pixels: "
    "try it, to see the code collapse.",
    "learning_rate": "Step size of Adam.",
    "batch_size": "Images per step.",
    "seed": "Decides initial weights, batch order and noise. Runs of one seed differ only in what you change.",
    "epochs": "Training stops after so many passes over the training images.",
}


def _draft(config: TrainConfig) -> dict[str, object]:
    """The raw values of the widgets that stand for a config."""
    raw = {name: getattr(config, name) for name in link.FIELDS}
    raw["hidden"] = link.FIELDS["hidden"].show(config.hidden)
    raw["formula"] = config.formula or FIRST_FORMULA
    return raw | {f"{config.loss}.{name}": value for name, value in config.parameters}


def restore() -> list[str]:
    """Take the settings from a link where one was followed, else leave them as they were. Returns the link's problems."""
    query = st.query_params.to_dict()
    followed = query and query != st.session_state.get("address") and not _moved()
    if "draft" not in st.session_state or followed:
        config, st.session_state.link_problems = link.read(query)
        use(config)
    return st.session_state.link_problems


def _moved() -> bool:
    """Whether a control was moved: then the address is an older one of ours that the browser had not replaced yet."""
    draft = st.session_state.get("draft", {})
    return any(st.session_state.get(_key(field), value) != value for field, value in draft.items())


def _key(field: str) -> str:
    return f"set.{st.session_state.edition}.{field}"


def use(config: TrainConfig) -> None:
    """Put a config into the controls."""
    st.session_state.draft = _draft(config)
    st.session_state.edition = st.session_state.get("edition", 0) + 1


def change(field: str, value: object) -> None:
    """Change one setting from outside its control; whether it fits the others is said where all are checked."""
    st.session_state.draft[field] = value
    st.session_state.edition += 1


def _control(widget, field: str, label: str, default: object = None, **options) -> None:
    """A widget for one field of the draft.

    It starts from the draft's value and writes back what it holds. A new edition of the settings gets new widgets: so
    a widget that the browser mounts again can only ever come up with the draft's value.
    """
    draft = st.session_state.draft
    draft.setdefault(field, default)
    start = {"index": options["options"].index(draft[field])} if "options" in options else {"value": draft[field]}
    options.setdefault("help", HELP.get(field))
    draft[field] = widget(label, **start, **options, key=_key(field))


def _use_preset() -> None:
    if (chosen := st.session_state["preset"]) != OWN:
        use(PRESETS[chosen].config())


def sidebar() -> TrainConfig | None:
    """Draw the controls; the config they stand for, or None after saying in one sentence what is wrong."""
    with st.sidebar:
        st.selectbox(
            "Preset",
            [OWN, *PRESETS],
            format_func=lambda key: PRESETS[key].name if key in PRESETS else key,
            key="preset",
            on_change=_use_preset,
            help="Settings of programs that people know. Afterwards everything can be changed.",
        )
        _select("dataset", "Data set", list(DATASETS), lambda key: DATASETS[key].title)
        _select("loss", "Loss", list(loss_keys()), LOSS_NAMES.get)
        _loss_details()
        left, right = st.columns([3, 2])
        _control(left.number_input, "latent_dim", "Latent dimensions", step=1)
        _control(right.number_input, "beta", "β", step=0.5, format="%g")
        with st.expander("More"):
            _more()
        return _config()


def _loss_details() -> None:
    loss = st.session_state.draft["loss"]
    if loss == FORMULA:
        _control(st.text_input, "formula", "Formula in x, p, logits")
        return
    record = LOSSES[loss]
    st.caption(record.meaning)
    for p in record.given():
        _control(st.number_input, f"{loss}.{p.name}", p.name, p.default, step=0.05, format="%g", help=p.meaning)


def _more() -> None:
    _select("architecture", "Architecture", list(ARCHITECTURES), lambda key: ARCHITECTURES[key].name)
    if ARCHITECTURES[st.session_state.draft["architecture"]].uses_hidden:
        _control(st.text_input, "hidden", "Hidden widths")
    _select("reduction", "Reduction over pixels", list(REDUCTIONS), str)
    _control(st.number_input, "learning_rate", "Learning rate", step=1e-4, format="%g")
    left, right = st.columns(2)
    _control(left.number_input, "batch_size", "Batch size", step=1)
    _control(right.number_input, "epochs", "Epochs", step=1)
    _control(left.number_input, "seed", "Seed", step=1)
    _control(right.number_input, "size", "Image size", step=1)


def _select(field: str, label: str, options: list[str], names) -> None:
    _control(st.selectbox, field, label, options=options, format_func=names, filter_mode=None)


def _config() -> TrainConfig | None:
    draft = st.session_state.draft
    values = {name: draft[name] for name in link.FIELDS}
    try:
        values["hidden"] = link.parse_hidden("hidden", values["hidden"])
        if values["loss"] != FORMULA:
            values["formula"] = ""
            values["parameters"] = {
                p.name: draft[f"{values['loss']}.{p.name}"]
                for p in LOSSES[values["loss"]].given()
                if draft[f"{values['loss']}.{p.name}"] != p.default
            }
        return TrainConfig(**values)
    except SettingError as reason:
        st.error(plain(reason))
        return None


def share(config: TrainConfig | None) -> None:
    """Write the settings into the address, so that copying it shares them."""
    if config is None:
        return
    st.session_state.address = query = link.write(config)
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
