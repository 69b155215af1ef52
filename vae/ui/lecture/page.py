"""The lecture, claim by claim: a list to choose from, and what is to be said of the chosen one. The choice is in the address."""

from __future__ import annotations

import html
from collections.abc import Mapping

import streamlit as st

from vae.classroom import CLAIM
from vae.figures import elbo
from vae.figures.claims import claim_figure
from vae.figures.evidence import evidence_table
from vae.figures.kl import TERM_COLOURS
from vae.links import training as link
from vae.study.claims import ANSWERS, CLAIMS, Claim, Evidence, Finding, Verdict
from vae.ui.classroom.ballot import asked, ballot, outcome
from vae.ui.lecture.state import START, STATE
from vae.ui.shared.components import figure
from vae.ui.shared.shell import page
from vae.ui.shared.words import plain

ORDER = (START, *CLAIMS)
GUESSES = "lecture.guesses"
LABELS = "lecture.labels"
BADGES = {  # answer -> colour and icon
    "true": ("green", "check_circle"),
    "true, but": ("orange", "rule"),
    "not so": ("violet", "swap_horiz"),
}


# ---- The list ------------------------------------------------------------------------------------------------------


def contents(findings: Mapping[str, Finding]) -> str:
    """The claims to choose from, each with its verdict unless a guess is due; returns the chosen key."""
    with st.container(horizontal=True, vertical_alignment="center", key="lecture-predict"):
        STATE.control(
            st.toggle, "predict", "Predict first",
            help="Verdicts stay hidden until the class has made one guess. Guesses stay in this browser tab.",
        )  # fmt: skip
        if _predicting():
            _score(findings)
    labels = {key: _label(findings, key) for key in ORDER}
    if labels != st.session_state.get(LABELS):  # the browser knows a choice by its label: say it again
        st.session_state[LABELS] = labels
        STATE.set(claim=STATE.shown()["claim"])
    with st.container(key="lecture-contents"):
        st.html(STYLE)
        key = STATE.control(
            st.radio, "claim", "Claims of the lecture", ORDER, format_func=labels.get, label_visibility="collapsed"
        )
    STATE.share()
    return key


def _label(findings: Mapping[str, Finding], key: str) -> str:
    if key == START:
        return ":material/school: **The loss in one picture**"
    colour, icon = BADGES[findings[key].verdict.answer]
    shown = f":{colour}[:material/{icon}:]" if is_open(key) else ":gray[:material/help:]"
    return f"{shown} {CLAIMS[key].title}"


def guesses() -> dict[str, str]:
    """Of this browser tab: claim -> answer."""
    return st.session_state.setdefault(GUESSES, {})


def _predicting() -> bool:
    """Whether a guess is asked for before a verdict opens."""
    return bool(STATE.now("predict"))


def is_open(key: str) -> bool:
    """Whether the verdict may be seen: always, or once guessed; in a class that was asked, once the lecturer reveals it."""
    if (of_class := asked(CLAIM, key)) is not None:
        return of_class.revealed
    return not _predicting() or key in guesses()


def _score(findings: Mapping[str, Finding]) -> None:
    given = guesses()
    right = sum(findings[key].verdict.answer == guess for key, guess in given.items())
    st.caption(f"{right} of {len(given)} guessed right" if given else "no guess yet")
    if given:
        st.button("Forget guesses", key="lecture-forget", type="tertiary", on_click=given.clear)


# ---- The start -----------------------------------------------------------------------------------------------------


def start() -> None:
    """The ELBO in one picture and a few sentences."""
    st.html(elbo.PICTURE)
    terms = {name: rf"\textcolor{{{colour}}}" for name, colour in TERM_COLOURS.items()}
    st.latex(
        r"-\mathrm{ELBO}\;=\;"
        + terms["reconstruction"] + r"{\underbrace{\mathbb{E}_{z\sim q(z|x)}\big[-\log p(x|z)\big]}_{\text{reconstruction}}}"
        + r"\;+\;" + terms["kl"] + r"{\underbrace{\mathrm{KL}\big(q(z|x)\,\|\,\mathcal N(0,I)\big)}_{\text{KL term}}}"
    )  # fmt: skip
    st.markdown(
        "A VAE turns a picture **x** into a small cloud of codes, draws one code **z** from it, and turns that back into a "
        "picture. Its loss has two terms. The **reconstruction** asks how badly the result explains x: BCE and MSE are two "
        "answers, and the lecture compares them. The **KL term** asks how far the cloud is from a standard normal. "
        "Less of the first is a sharper picture; less of the second is a code space one can draw new pictures from. "
        "Training makes the sum small, which makes a lower bound of log p(x), the ELBO, large."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("First claim", key="lecture-next", type="primary", icon=":material/arrow_forward:", icon_position="right",
                  on_click=STATE.set, kwargs={"claim": ORDER[1]})  # fmt: skip
        for name, label in (("surfaces", "See the losses"), ("kl", "See the KL term"), ("train", "Train one")):
            st.page_link(page(name), label=label)


# ---- A claim -------------------------------------------------------------------------------------------------------


def show(finding: Finding) -> None:
    """What the lecture says, and, once guessed where a guess is due, what the numbers say."""
    claim = finding.claim
    said = "The lecture says" if claim.of_lecture else "Why that is so"
    st.html(
        f"<div class='vae-claim'><h3>{ORDER.index(claim.key)}. {html.escape(claim.title)}</h3>"
        f"<p><i>{said}:</i> {html.escape(claim.sentence)}</p></div>"
    )
    if not is_open(claim.key):
        _ask(claim)
        return
    _verdict(finding)
    if (of_class := asked(CLAIM, claim.key)) is not None:
        outcome(of_class)
    for sentence in claim.statements():
        st.markdown(f":material/balance: {plain(sentence)}")
    if claim.statements():
        st.caption("d_z: the mean difference of the pairs over its standard deviation; above 1 is large.")
    left, right = st.columns([1, 1.05], gap="medium")
    with left:
        _evidence(finding.evidence)
    with right:
        figure(claim_figure(finding), f"lecture-{claim.key}", f"{claim.title}: a figure of the numbers beside it")
    with st.container(horizontal=True, vertical_alignment="center"):
        _onwards(claim)
    if claim.run:
        st.caption(
            "Measured for this project: one network on MNIST, 784-400-z, 6 epochs; means of five paired seeds with 95 % "
            "intervals, from the results files in measurements/, which the Lab opens. To measure again:"
        )
        st.code("\n".join(claim.run), language="bash")


def _ask(claim: Claim) -> None:
    if (of_class := asked(CLAIM, claim.key)) is not None:
        ballot(of_class, "lecture")
        return
    st.markdown("**What do you expect?** One guess, then the verdict opens.")
    with st.container(horizontal=True, key="lecture-guess"):
        for answer in ANSWERS:
            icon = f":material/{BADGES[answer][1]}:"
            st.button(answer, key=f"lecture-guess-{answer}", icon=icon, on_click=_guess, args=(claim.key, answer))


def _guess(key: str, answer: str) -> None:
    guesses()[key] = answer


def _verdict(finding: Finding) -> None:
    verdict: Verdict = finding.verdict
    colour, icon = BADGES[verdict.answer]
    guess = guesses().get(finding.claim.key) if _predicting() else None
    words = "" if guess is None else f" You guessed “{guess}”{': right.' if guess == verdict.answer else '.'}"
    with st.container(key="lecture-verdict"):
        st.markdown(f":{colour}-badge[:material/{icon}: {verdict.name}] {verdict.explain}{words}")


def _evidence(rows: tuple[Evidence, ...]) -> None:
    """The numbers as a table; what the lecture says stands beside each, where it says something."""
    st.html(evidence_table(rows))
    units = {row.unit for row in rows}
    st.caption(f"{rows[0].unit}; {rows[0].origin}" if len(units) == 1 else rows[0].origin)


def _onwards(claim: Claim) -> None:
    following = ORDER.index(claim.key) + 1
    if following < len(ORDER):
        st.button("Next claim", key="lecture-next", type="primary", icon=":material/arrow_forward:", icon_position="right",
                  on_click=STATE.set, kwargs={"claim": ORDER[following]})  # fmt: skip
    label = {"surfaces": "See it on the surfaces", "kl": "See it on the KL page", "train": "Train it"}[claim.page]
    st.page_link(page(claim.page), label=label, query_params=_query(claim))


def _query(claim: Claim) -> dict[str, str]:
    """The link's query as its page will write it: a page that rewrites its address cannot be left by going back."""
    return link.write(link.read(claim.query)[0]) if claim.page == "train" else dict(claim.query)


# ---- Looks ---------------------------------------------------------------------------------------------------------

STYLE = """
<style>
.st-key-lecture-contents [role=radiogroup] { gap: 0; }
.st-key-lecture-contents [role=radiogroup] label { padding: 3.5px 6px; border-radius: 6px; }
.st-key-lecture-contents [role=radiogroup] label:has(input:checked) { background: rgba(0, 114, 178, 0.13); }
.st-key-lecture-predict { min-height: 2.6rem; }
.st-key-lecture-predict .stElementContainer:has(.stCheckbox) { display: flex; align-items: center; }
.vae-claim h3 { font-size: 1.3rem; margin: 0 0 4px; padding: 0; }
.vae-claim p { margin: 0; }
.vae-evidence { width: 100%; font-size: 0.86rem; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.vae-evidence th { text-align: left; font-weight: 400; }
.vae-evidence thead th { opacity: 0.8; text-align: right; }
.vae-evidence td { text-align: right; white-space: nowrap; padding-left: 10px; }
.vae-evidence th, .vae-evidence td { padding-top: 3px; padding-bottom: 3px; border-bottom: 1px solid rgba(128, 128, 128, 0.25); }
.vae-evidence small { opacity: 0.8; }
@media (max-width: 640px) {
  .stMain .katex-display { font-size: 0.78em; }
  .st-key-lecture-contents { max-height: 11.5rem; overflow-y: auto; border: 1px solid rgba(128, 128, 128, 0.3); border-radius: 8px; }
}
</style>
"""
