"""The Loss surfaces page: several losses side by side, one cursor over them, and a table of what they say there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape

import streamlit as st

from vae.errors import SettingError
from vae.figures.cuts import cuts, said_of, section_cut
from vae.figures.loss_panels import Chosen, panel, symbol
from vae.figures.maps import maps
from vae.figures.panels import number, swatch
from vae.figures.sections import sections
from vae.figures.surfaces import surfaces
from vae.losses.formula import formula_loss
from vae.losses.surfaces import VIEWS, at_point
from vae.losses.table import LOSSES
from vae.study.claims import CLAIMS
from vae.training.config import FORMULA, LOSS_NAMES, loss_keys
from vae.ui.shared import components, looks
from vae.ui.shared.page_state import Values
from vae.ui.shared.words import say
from vae.ui.surfaces.state import MOST_LOSSES, SCALES, STATE

FORM_NAMES = {"surface": "3-D", "map": "Map", "section": "Cut"}
PART_NAMES = {"descent": "A pixel descends", "image": "The surface meets an image", "patch": "1 − SSIM on a patch"}
# The lecture's points (true pixel, prediction), and the claim that it makes there.
EXAMPLES = {
    (0.2, 0.2): "perfect_costs",
    (0.4, 0.4): "perfect_costs",
    (0.8, 0.7): "direction",
    (0.8, 0.9): "direction",
    (0.2, 0.1): "asymmetry",
    (0.2, 0.3): "asymmetry",
}
ROWS = (
    ("value", "L", "value, nats per pixel"),
    ("excess", "excess", "above the least value at this x, nats per pixel"),
    ("slope", "dL/dp", "nats per unit of p"),
    ("logit_slope", "dL/dlogit", "nats per unit of the logit: what reaches the network"),
    ("curvature", "d²L/dp²", "nats per squared unit of p"),
)


def share(state: Values) -> None:
    """Write what is shown into the address, unless nothing is."""
    if state["losses"]:
        STATE.share()


def _set_cursor(x: float, p: float) -> None:
    STATE.set(x=round(float(x), 6), p=round(float(p), 6))


# ---- Controls ------------------------------------------------------------------------------------------------------


def controls() -> Values:
    """Which losses, which view, which form; and under More, how high the surfaces are drawn."""
    state = STATE.shown()
    losses, view, form, more = st.columns([5, 2.6, 2, 1.2], vertical_alignment="bottom")
    STATE.control(
        losses.multiselect,
        "losses",
        "Losses, one to four",
        loss_keys(),
        format_func=LOSS_NAMES.get,
        max_selections=MOST_LOSSES,
        on_change=_show_patch_for_ssim,
        select_all=False,
    )
    STATE.control(
        view.selectbox, "view", "View", list(VIEWS), format_func=lambda k: VIEWS[k].name, filter_mode=None,
        help=" ".join(f"**{v.name}**: {v.meaning}" for v in VIEWS.values()),
    )  # fmt: skip
    STATE.control(
        form.segmented_control,
        "form",
        "Drawn as",
        list(FORM_NAMES),
        format_func=FORM_NAMES.get,
        required=True,
        width="stretch",
    )
    STATE.control(
        more.popover("More", icon=":material/tune:", width="stretch").selectbox, "scale", "Heights", SCALES, format_func={"own": "each its own", "same": "one scale"}.get,
        filter_mode=None, disabled=state["form"] == "section",
    )  # fmt: skip
    return state


def _show_patch_for_ssim() -> None:
    if "ssim" in STATE.now("losses") and "ssim" not in STATE.shown()["losses"]:
        STATE.set(part="patch")


def chosen(state: Values) -> list[Chosen]:
    """The pointwise losses on show. A formula that is none is answered in one sentence, and left out."""
    found = []
    for name in state["losses"]:
        try:
            loss = formula_loss(state[FORMULA]) if name == FORMULA else LOSSES[name]
        except SettingError as reason:
            say(reason, "error")
            continue
        if loss.pointwise:
            found.append(Chosen(name, loss, tuple((p.name, state[f"{name}.{p.name}"]) for p in loss.parameters)))
    return found


def own_formula(state: Values) -> None:
    """Where a formula of one's own is written, if it is among the losses."""
    if FORMULA in state["losses"]:
        STATE.control(
            st.text_input,
            FORMULA,
            "Your formula in x, p, logits (nats per pixel)",
            help="Known: + - * / **, abs, exp, log, xlogy, sqrt, minimum, maximum, tanh, sigmoid, clip, where, pi, e.",
        )


def cursor(state: Values) -> None:
    """The one cursor: two sliders, and the lecture's points as buttons; the losses' parameters below."""
    left, right = st.columns(2)
    STATE.control(left.slider, "x", "True pixel x", 0.0, 1.0, step=0.001, format="%.3f")
    STATE.control(right.slider, "p", "Prediction p", 0.0, 1.0, step=0.001, format="%.3f")
    here = (state["x"], state["p"])
    example = here if here in EXAMPLES else None
    if st.session_state.get("surface_example") != example:
        st.session_state["surface_example"] = example
    st.pills(
        "The lecture's examples, x / p",
        list(EXAMPLES),
        format_func=lambda pair: " / ".join(f"{v:g}".lstrip("0") for v in pair),
        default=example and [example],
        key="surface_example",
        on_change=_go_to_example,
    )
    parameters = [(name, p) for name in state["losses"] if name in LOSSES for p in LOSSES[name].parameters]
    wide = 2 if len(parameters) in (1, 2, 4) else 3
    for column, (name, p) in zip(st.columns(wide) * 2, parameters):
        label = f"{symbol(p.name)} of {LOSSES[name].name}"
        STATE.control(
            column.slider, f"{name}.{p.name}", label, p.low, p.high, step=p.low, format="%.2f", help=p.meaning
        )


def _go_to_example() -> None:
    if (pair := st.session_state["surface_example"]) is not None:
        _set_cursor(*pair)


# ---- The picture -----------------------------------------------------------------------------------------------------


def picture(losses: Sequence[Chosen], state: Values) -> None:
    """The losses side by side, and below them what is cut off and where there is no value."""
    if not losses:
        say("Choose a loss that looks at one pixel at a time to see its surface; 1 − SSIM is shown below.", "info")
        return
    panels = [panel(shown, state) for shown in losses]
    draw = {"surface": surfaces, "map": maps, "section": sections}[state["form"]]
    second = state["p"] - state["x"] if state["view"] == "asymmetry" else state["p"]
    same = state["scale"] == "same"
    height = 375 if FORMULA in state["losses"] else 450  # so that all fits a projector
    figure, narrow = draw(panels, state["x"], second, same, height)
    view = VIEWS[state["view"]]
    label = f"{view.name} of {', '.join(p.name for p in panels)} over true pixel and prediction"
    components.figure(figure, "surfaces", label, narrow=narrow, on_click=_clicked)
    if state["form"] == "section":
        drawn = [(p.name, p.profile, section_cut(panels)) for p in panels]
    else:
        drawn = [(p.name, p.surface, cut) for p, cut in zip(panels, cuts(panels, same))]
    said = [text for name, seen, cut in drawn for text in (said_of(name, seen, cut), seen.note) if text]
    dots = ["White dots: the descent below."] if state["part"] == "descent" and state["form"] != "section" else []
    st.caption(" ".join([f"Shown: {view.label}.", *dict.fromkeys(said), *dots]))


def _clicked(point: Mapping) -> None:
    x, p = STATE.now("x"), point["y"]
    if STATE.now("form") == "section":
        p = point["x"]
    else:
        x = point["x"]
    if STATE.now("view") == "asymmetry":
        p = x + p
    if 0 <= x <= 1 and -1e-6 <= p <= 1 + 1e-6:
        _set_cursor(x, min(max(p, 0.0), 1.0))  # within rounding of float32


# ---- The table -------------------------------------------------------------------------------------------------------


def table(losses: Sequence[Chosen], state: Values) -> None:
    """Value, excess, gradients and curvature at the cursor, a column for each loss."""
    if not losses:
        return
    points = [at_point(shown.loss, state["x"], state["p"], **dict(shown.parameters)) for shown in losses]
    head = "".join(f"<th scope=col>{swatch(s.colour)} {escape(s.name)}</th>" for s in losses)
    rows = "".join(
        f"<tr><th scope=row title='{told}'>{label}</th>"
        + "".join(f"<td data-field={field}>{number(getattr(point, field))}</td>" for point in points)
        + "</tr>"
        for field, label, told in ROWS
    )
    where = f"x = {state['x']:g}, p = {state['p']:g}"
    with st.container(key="surface-table"):
        st.html(
            f"<table class=vae-point><thead><tr><th>{where}</th>{head}</tr></thead><tbody>{rows}</tbody></table>{STYLE}"
        )
    for note in dict.fromkeys(point.note for point in points if point.note):
        st.caption(note)


STYLE = """<style>
.vae-point { width: 100%; border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
.vae-point th, .vae-point td { padding: 2px 6px; text-align: right; border-bottom: 1px solid rgba(128,128,128,.25); }
.vae-point th { font-weight: 500; }
.vae-point tr > th:first-child { text-align: left; white-space: nowrap; opacity: 0.85; }
</style>"""


def lecture(state: Values) -> None:
    """What the lecture says at the cursor, and what the numbers say of it, where it speaks of this point."""
    here = (state["x"], state["p"])
    name = EXAMPLES.get(here) or _claims_at().get(here)
    if name and not looks.is_held_back():
        finding = _finding(name)
        st.markdown(f"*{finding.claim.title}*: **{finding.verdict.name}**. {finding.verdict.explain}")


@lru_cache(maxsize=1)
def _claims_at() -> dict[tuple[float, float], str]:
    """The claims that link to a point of this page."""
    shown = (claim for claim in reversed(CLAIMS.values()) if claim.page == "surfaces" and "x" in claim.query)
    return {(float(claim.query["x"]), float(claim.query["p"])): claim.key for claim in shown}


@lru_cache(maxsize=32)
def _finding(name: str):
    return CLAIMS[name].check()


def part(state: Values) -> str:
    """Which of the parts below is open."""
    return STATE.control(
        st.segmented_control, "part", "More on these losses", list(PART_NAMES), format_func=PART_NAMES.get, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
