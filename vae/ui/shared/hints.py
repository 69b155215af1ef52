"""What to do first on a page, for somebody who is new to it. It stands where the page's sentence comes later, so that
nothing moves when it goes; once let go of it does not come again in this browser, which keeps that in a cookie of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from vae.ui.shared import looks

COOKIE = "vae_hints"  # names of pages, with dots between
GONE = "hints:gone"  # of this session: let go of since the browser last said what it keeps

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "lecture": "Press First claim. Before you read on, guess what the numbers will say.",
        "lesson": "Start the tour of five minutes: each step is a page with one question, and Page Down goes on.",
        "surfaces": "Press .4 / .4 under the lecture's examples: what does a perfect prediction cost? Then turn a surface.",
        "kl": "Move μ away from 0 and watch what the code costs. Then make it narrow with log σ².",
        "train": "Press Start and watch the second row. For two losses side by side, set “Race: columns differ in” to loss.",
        "latent": "Move one of the sliders and watch the picture change. Then look at the same model as Map or Walk.",
        "compare": "A column is a model, a row is a ruler. Find two rows that disagree about which model is best.",
        "advisor": "Press Race them. When it is done, say what matters most to you, and the advice follows.",
        "lab": "A finished sweep is open: look at it in each of the views. The form on the left starts one of your own.",
        "zoo": "Press Examine. Compare the patient with the healthy control, then say what is wrong with it.",
        "classroom": "Open a class and show its code; whoever has it votes by phone. Or join one with the code you were given.",
    }
)

# The browser keeps it, and not the server: it outlives a restart, and a private window forgets it.
_keep = st.components.v2.component(
    "vae_hints",
    js="""export default function ({ data }) {
  const held = document.cookie.split("; ").find((one) => one.startsWith(data.cookie + "="));
  const names = new Set([...(held ? held.split("=")[1].split(".") : []), ...data.gone].filter(Boolean));
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.cookie}=${[...names].join(".")}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}""",
    isolate_styles=False,
)


def due(page: str) -> bool:
    """Whether somebody on that page is told what to do first: not beside one panel alone, in a hall, or led by a lesson."""
    if page not in HINTS or not st.query_params.keys().isdisjoint(looks.BESIDE):
        return False
    return page not in {*st.context.cookies.get(COOKIE, "").split("."), *_gone()}


def headline(title: str, sentence: str) -> None:
    """A page's name, and beside it what to do first, or what the page shows."""
    page = st.session_state.get(looks.ONLY, "")  # the page's name, as show_only() was told
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="headline"):
        if due(page):
            st.html(f"<h4>{title} <span class=vae-hint><b>New here?</b> {HINTS[page]}</span></h4>", width="content")
            st.button(
                "Do not show this hint again", key="hint.gone", icon=":material/close:", type="tertiary",
                on_click=_gone().append, args=(page,),
            )  # fmt: skip
        else:
            st.html(f"<h4>{title} <span>{sentence}</span></h4>", width="content")
            if _gone():
                _keep(data={"cookie": COOKIE, "gone": _gone()}, key="hint.keep")


def _gone() -> list[str]:
    return st.session_state.setdefault(GONE, [])
