"""The controls of a training: widgets <-> Lineup. What they hold survives page changes, reloads and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from vae.axes import AXES
from vae.config import FORMULA, TrainConfig, loss_keys
from vae.data import DATASETS
from vae.errors import SettingError
from vae.figures.kl_terms import kl_term
from vae.kl_terms import KL_TERMS, panels
from vae.lineup import MOST_COLUMNS, Lineup
from vae.losses import LOSSES
from vae.model import ARCHITECTURES
from vae.objective import REDUCTIONS
from vae.presets import PRESETS, measured, measurements
from vae.ui import components, link
from vae.ui.look import Address, doubled
from vae.ui.words import plain, say

OWN = "own settings"
REFUSED = "dial-refused"  # why a dial was not turned, in the session's state
NO_RACE = "nothing: one run"
LOSS_NAMES = {key: record.name for key, record in LOSSES.items()} | {FORMULA: "a formula of your own"}
# Axes whose values are chosen from a list (the others are numbers), with their names there.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "loss": {key: record.name for key, record in LOSSES.items()},
    "kl_term": {key: record.name for key, record in KL_TERMS.items()},
    "reduction": {key: key for key in REDUCTIONS},
    "architecture": {key: record.name for key, record in ARCHITECTURES.items()},
}
# What a race begins with, where it is not what the run itself has.
RIVALS = {
    "loss": ["mse", "bce"], "kl_term": ["free_bits", "constant"], "reduction": ["mean", "sum"],
    "architecture": ["conv", "mlp"], "latent_dim": "20", "beta": "0.05, 8", "sigma": "0.7071", "learning_rate": "0.01",
    "batch_size": "32", "seed": "1, 2", "epochs": "20",
}  # fmt: skip
FIRST_FORMULA = "(x - p)**2"
HELP = {
    "loss": "Compares each true pixel x with the prediction p. Summed over pixels it is the reconstruction term.",
    "formula": "Nats per pixel. Known: + - * / **, abs, exp, log, xlogy, sqrt, minimum, maximum, tanh, sigmoid, clip, where, pi, e.",
    "latent_dim": "How many numbers an image is squeezed into: the dimensions of the code z. With 2 the codes are drawn.",
    "beta": "Weight of the KL term. 1 is the ELBO; more pulls the codes to N(0, 1), less favours the reconstruction.",
    "architecture": "The encoder's and decoder's layers.",
    "hidden": "Widths of the MLP's hidden layers, from the image to the code, separated by commas; the decoder mirrors them.",
    "size": "Pixels a side to resize the images to; 0 keeps the data set's own size.",
    "reduction": "Sum over pixels is the ELBO. The mean divides the reconstruction by the number of pixels: "
    "try it, to see the code collapse.",
    "learning_rate": "Step size of Adam.",
    "batch_size": "Images per step.",
    "kl_term": "How the KL is weighed over the training. Its curve is drawn below the pictures before it is run.",
    "vary": "Two to four runs in step, that differ in this alone. The first column has the settings above.",
    "against": "Numbers, separated by commas: one further column each, three at most.",
    "seed": "Decides initial weights, batch order and noise. Runs of one seed differ only in what you change.",
    "epochs": "Training stops after so many passes over the training images.",
}


def _draft(lineup: Lineup) -> dict[str, object]:
    """The raw values of the widgets that stand for a lineup."""
    config = lineup.base
    raw = {name: getattr(config, name) for name in link.FIELDS}
    raw["hidden"] = link.FIELDS["hidden"].show(config.hidden)
    raw["formula"] = config.formula or FIRST_FORMULA
    raw |= {f"{config.loss}.{name}": value for name, value in config.parameters}
    raw |= {f"{config.kl_term}.{name}": value for name, value in config.kl_parameters}
    raw |= {"vary": lineup.vary, "dialled": lineup.dialled}
    if lineup.vary:
        texts = [link.show_value(lineup.vary, value) for value in lineup.against]
        raw[f"against.{lineup.vary}"] = texts if lineup.vary in CHOICES else ", ".join(texts)
    return raw


def restore() -> list[str]:
    """Take the settings from a link where one was followed, else leave them as they were. Returns the link's problems."""
    query = st.query_params.to_dict()
    address = st.session_state.setdefault("address", Address())
    followed = address.is_followed(query, link.SETTINGS) and not _moved()
    if "draft" not in st.session_state or followed:
        lineup, problems = link.read(query)
        st.session_state.link_problems = [*problems, *doubled(link.SETTINGS)]
        use(lineup)
    return st.session_state.link_problems


def _moved() -> bool:
    """Whether a control was moved: then the address is an older one of ours that the browser had not replaced yet."""
    draft = st.session_state.get("draft", {})
    return any(st.session_state.get(_key(field), value) != value for field, value in draft.items())


def _key(field: str) -> str:
    return f"set.{st.session_state.edition}.{field}"


def use(lineup: Lineup) -> None:
    """Put a lineup into the controls."""
    st.session_state.draft = _draft(lineup)
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
    if "options" not in options:
        start = {"value": draft[field]}
    elif widget == st.multiselect:
        start = {"default": draft[field]}
    else:
        start = {"index": options["options"].index(draft[field])}
    options.setdefault("help", HELP.get(field))
    draft[field] = widget(label, **start, **options, key=_key(field))


def _use_preset() -> None:
    if (chosen := st.session_state[_key("preset")]) != OWN:
        use(Lineup(PRESETS[chosen].config(dataset=st.session_state.draft["dataset"])))
        st.session_state.draft["preset"] = chosen


def sidebar() -> Lineup | None:
    """Draw the controls; the lineup they stand for, or None after saying in one sentence what is wrong."""
    with st.sidebar:
        _control(
            st.selectbox,
            "preset",
            "Preset",
            OWN,
            options=[OWN, *PRESETS],
            format_func=lambda key: PRESETS[key].name if key in PRESETS else key,
            on_change=_use_preset,
            help="Objective and settings of programs that people know, on the data at hand. Afterwards everything can be "
            "changed.",
        )
        _about_preset()
        _select("dataset", "Data set", list(DATASETS), lambda key: DATASETS[key].title)
        _select("loss", "Loss", list(loss_keys()), LOSS_NAMES.get)
        _loss_details()
        left, right = st.columns([3, 2])
        _control(left.number_input, "latent_dim", "Latent dimensions", step=1)
        _control(right.number_input, "beta", "β", step=0.5, format="%g")
        _select("kl_term", "KL term", list(KL_TERMS), lambda key: KL_TERMS[key].name)
        _parameters(KL_TERMS[st.session_state.draft["kl_term"]].parameters, st.session_state.draft["kl_term"])
        _race()
        with st.expander("More"):
            _more()
        return _lineup()


def _about_preset() -> None:
    """Where the chosen program's settings come from, what it reached there and here, and what is not as there."""
    preset = PRESETS.get(st.session_state.draft["preset"])
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
        _control(st.number_input, f"{owner}.{p.name}", label, float(p.default), step=step, format="%g", help=p.meaning)


def _race() -> None:
    """What the columns differ in, and what the others have instead of the settings above."""
    draft = st.session_state.draft
    config = _base_or_none()
    possible = [name for name, axis in AXES.items() if config is None or axis.get(config) is not None]
    if draft["vary"] and draft["vary"] not in possible:
        possible.append(draft["vary"])  # said to be impossible where all settings are checked
    before = draft["vary"]
    _control(
        st.selectbox, "vary", "Race: columns differ in", options=["", *possible],
        format_func=lambda name: AXES[name].title if name else NO_RACE, filter_mode=None,
    )  # fmt: skip
    axis = draft["vary"]
    if axis != before:
        draft["dialled"] = ()
    if axis in CHOICES:
        own, names = draft.get(axis), CHOICES[axis]
        rivals = [next(key for key in RIVALS[axis] if key != own)]
        asked = [key for key in draft.get(f"against.{axis}", rivals) if key not in names]  # by a link
        _control(
            st.multiselect, f"against.{axis}", f"against {names.get(own, own)}", rivals, options=[*names, *asked],
            format_func=lambda key: names.get(key, key), max_selections=MOST_COLUMNS - 1, help=None,
        )  # fmt: skip
    elif axis:
        own = None if config is None else AXES[axis].get(config)
        rivals = RIVALS.get(axis) or f"{4 * (own or 1):g}"
        label = "against" if own is None else f"against {own:g}"
        _control(st.text_input, f"against.{axis}", label, rivals, help=HELP["against"])


def _loss_details() -> None:
    loss = st.session_state.draft["loss"]
    if loss == FORMULA:
        _control(st.text_input, "formula", "Formula in x, p, logits")
        return
    record = LOSSES[loss]
    st.caption(record.meaning)
    _parameters(record.given(), loss)


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


def _base() -> TrainConfig:
    draft = st.session_state.draft
    values = {name: draft[name] for name in link.FIELDS}
    values["hidden"] = link.parse_hidden("hidden", values["hidden"])
    if values["loss"] != FORMULA:
        values["formula"] = ""
        values["parameters"] = _set(values["loss"], LOSSES[values["loss"]].given())
    values["kl_parameters"] = _set(values["kl_term"], KL_TERMS[values["kl_term"]].parameters)
    return TrainConfig(**values)


def _set(owner: str, parameters) -> dict[str, object]:
    """The parameters that have not their defaults."""
    draft = st.session_state.draft
    held = {p.name: draft.get(f"{owner}.{p.name}", p.default) for p in parameters}
    return {p.name: held[p.name] for p in parameters if held[p.name] != p.default}


def _base_or_none() -> TrainConfig | None:
    try:
        return _base()
    except SettingError:
        return None  # the sentence is said where the settings are taken


def _against(axis: str) -> tuple:
    """The values of the further columns. SettingError for text that holds none."""
    held = st.session_state.draft.get(f"against.{axis}", "")
    return tuple(held) if axis in CHOICES else link.parse_values(axis, held) if axis else ()


def _lineup() -> Lineup | None:
    draft = st.session_state.draft
    axis = draft["vary"]
    try:
        base, values = _base(), _against(axis)
        if draft["dialled"] and _balance(base) != draft.setdefault("dialled_on", _balance(base)):
            draft["dialled"] = ()  # the balance was set anew
        return Lineup(base, axis, values, tuple((i, b) for i, b in draft["dialled"] if i <= len(values)))
    except SettingError as reason:
        say(reason, "error")
        return None


def _balance(base: TrainConfig) -> tuple:
    """What a dial turns. When it is set in the sidebar, the dials go by that."""
    return (base.loss, base.formula, base.parameters, base.beta, base.kl_term, base.kl_parameters, base.reduction)


def turn_dial(column: int, effective_beta: float) -> bool:
    """Turn the dial of a column, from a callback; False, and a sentence in REFUSED, where its loss cannot go there."""
    draft = st.session_state.draft
    st.session_state.pop(REFUSED, None)
    turned = tuple({**dict(draft["dialled"]), column: effective_beta}.items())
    try:
        base = _base()
        Lineup(base, draft["vary"], _against(draft["vary"]), turned)
    except SettingError as reason:
        st.session_state[REFUSED] = f"The dial stays where it is: {reason}"
        return False
    draft["dialled"], draft["dialled_on"] = turned, _balance(base)
    return True


def is_dialled() -> bool:
    return bool(st.session_state.draft["dialled"])


def dials_back() -> None:
    """All dials back to what the settings say."""
    st.session_state.draft["dialled"] = ()
    st.session_state.pop(REFUSED, None)


def dial_key(column: int) -> str:
    """The key of a dial's input: a new one, with a new value, whenever a dial was turned or settings came anew."""
    return f"dial-{st.session_state.edition}-{column}-{st.session_state.draft['dialled']}"


def share(lineup: Lineup | None) -> None:
    """Write the settings into the address, so that copying it shares them."""
    if lineup is None:
        return
    st.session_state.address.write(link.write(lineup))


def show_kl_terms(configs: Sequence[TrainConfig]) -> None:
    """What the KL terms do, drawn before they are run; nothing for a constant weight."""
    shown = {(c.kl_term, c.kl_parameters, c.beta): c for c in configs if c.kl_term != "constant"}
    for index, config in enumerate(shown.values()):
        term = config.kl_record()
        drawn, narrow = kl_term(panels(term, config.beta, config.epochs, config.kl_settings()))
        set_to = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in config.kl_settings().items())
        st.caption(
            f"**{plain(term.name)}** ({plain(set_to)}): {plain(term.meaning)} [{plain(term.source)}]({term.url})"
        )
        components.figure(drawn, f"kl-term-{index}", f"What {term.name} does over the training", narrow=narrow)
