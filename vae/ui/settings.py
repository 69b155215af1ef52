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

OWN = "own settings"
LOSS_NAMES = {key: record.name for key, record in LOSSES.items()} | {FORMULA: "a formula of your own"}
FIRST_FORMULA = "(x - p)**2"
HELP = {
    "loss": "Compares each true pixel x with the prediction p. Summed over pixels it is the reconstruction term.",
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


def _key(field: str) -> str:
    return f"set.{field}"


def _draft(config: TrainConfig) -> dict[str, object]:
    """The raw values of the widgets that stand for a config."""
    raw = {name: getattr(config, name) for name in link.FIELDS}
    raw["hidden"] = link.FIELDS["hidden"].show(config.hidden)
    raw["formula"] = config.formula or FIRST_FORMULA
    return raw | {f"{config.loss}.{name}": value for name, value in config.parameters}


def restore() -> list[str]:
    """Fill the widgets: from a link where one was followed, else from what they last held. Returns the link's problems."""
    query = st.query_params.to_dict()
    if "draft" not in st.session_state or (query and query != st.session_state.get("address")):
        config, st.session_state.link_problems = link.read(query)
        use(config)
    for field, value in st.session_state.draft.items():
        st.session_state.setdefault(_key(field), value)
    return st.session_state.link_problems


def use(config: TrainConfig) -> None:
    """Put a config into the widgets."""
    st.session_state.draft = _draft(config)
    for field, value in st.session_state.draft.items():
        st.session_state[_key(field)] = value


def _use_preset() -> None:
    if (chosen := st.session_state["set.preset"]) != OWN:
        use(PRESETS[chosen].config())


def sidebar() -> TrainConfig | None:
    """Draw the controls; the config they stand for, or None after saying in one sentence what is wrong."""
    with st.sidebar:
        st.selectbox(
            "Preset",
            [OWN, *PRESETS],
            format_func=lambda key: PRESETS[key].name if key in PRESETS else key,
            key="set.preset",
            on_change=_use_preset,
            help="Settings of programs that people know. Afterwards everything can be changed.",
        )
        _select("dataset", "Data set", list(DATASETS), lambda key: DATASETS[key].title)
        _select("loss", "Loss", list(loss_keys()), LOSS_NAMES.get)
        _loss_details()
        left, right = st.columns([3, 2])
        left.number_input("Latent dimensions", step=1, key=_key("latent_dim"), help=HELP["latent_dim"])
        right.number_input("β", step=0.5, format="%g", key=_key("beta"), help=HELP["beta"])
        with st.expander("More"):
            _more()
        return _config()


def _loss_details() -> None:
    loss = st.session_state[_key("loss")]
    if loss == FORMULA:
        st.text_input(
            "Formula in x, p, logits",
            key=_key("formula"),
            help="Nats per pixel. Known: + - * / **, abs, exp, log, sqrt, minimum, maximum, tanh, sigmoid, clip, where, pi, e.",
        )
        return
    record = LOSSES[loss]
    st.caption(record.meaning)
    for parameter in record.given():
        key = _key(f"{loss}.{parameter.name}")
        st.session_state.setdefault(key, parameter.default)
        st.number_input(parameter.name, step=0.05, format="%g", key=key, help=parameter.meaning)


def _more() -> None:
    _select("architecture", "Architecture", list(ARCHITECTURES), lambda key: ARCHITECTURES[key].name)
    if ARCHITECTURES[st.session_state[_key("architecture")]].uses_hidden:
        st.text_input("Hidden widths", key=_key("hidden"), help=HELP["hidden"])
    _select("reduction", "Reduction over pixels", list(REDUCTIONS), str)
    st.number_input("Learning rate", step=1e-4, format="%g", key=_key("learning_rate"), help=HELP["learning_rate"])
    left, right = st.columns(2)
    left.number_input("Batch size", step=1, key=_key("batch_size"), help=HELP["batch_size"])
    right.number_input("Epochs", step=1, key=_key("epochs"), help=HELP["epochs"])
    left.number_input("Seed", step=1, key=_key("seed"), help=HELP["seed"])
    right.number_input("Image size", step=1, key=_key("size"), help=HELP["size"])


def _select(field: str, label: str, options: list[str], names) -> None:
    st.selectbox(label, options, format_func=names, key=_key(field), help=HELP.get(field), filter_mode=None)


def _config() -> TrainConfig | None:
    draft = st.session_state.draft
    for field in draft:
        draft[field] = st.session_state.get(_key(field), draft[field])
    values = {name: draft[name] for name in link.FIELDS}
    try:
        values["hidden"] = link.parse_hidden("hidden", values["hidden"])
        if values["loss"] != FORMULA:
            values["formula"] = ""
            values["parameters"] = _parameters(values["loss"])
        return TrainConfig(**values)
    except SettingError as reason:
        st.error(str(reason))
        return None


def _parameters(loss: str) -> dict[str, float]:
    """The loss's parameters that are not at their defaults; kept in the draft, as their widgets come and go."""
    changed = {}
    for parameter in LOSSES[loss].given():
        name = f"{loss}.{parameter.name}"
        st.session_state.draft[name] = value = st.session_state.get(_key(name), parameter.default)
        if value != parameter.default:
            changed[parameter.name] = value
    return changed


def share(config: TrainConfig | None) -> None:
    """Write the settings into the address, so that copying it shares them."""
    if config is None:
        return
    st.session_state.address = query = link.write(config)
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)
