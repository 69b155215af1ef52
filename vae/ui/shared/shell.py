"""What surrounds every page: navigation, spacing, and the browser's name for its runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st
import torch
from streamlit.runtime.pages_manager import PagesManager

from vae.figures.kl import TERM_COLOURS
from vae.figures.theme import GROUNDS, LOSS_COLOURS, letters
from vae.ui.classroom import notices
from vae.ui.lesson import bar
from vae.ui.shared import answers, hints, language, looks
from vae.ui.shared.engine import starter
from vae.ui.shared.frame import frame
from vae.ui.shared.owner import owner
from vae.ui.shared.words import say

torch.set_num_threads(1)  # this process computes small arrays for many viewers: sharing them out made it 30x slower
answers.keep()
language.keep()

ICON = str(Path(__file__).with_name("icon.png"))  # a named icon would be fetched from the internet

PAGES = {  # the first is the front door, which the icon at the top left leads to
    "start": ("Start", "home"),
    "lecture": ("Lecture", "school"),
    "lesson": ("Lesson", "route"),
    "surfaces": ("Surfaces", "landscape"),
    "kl": ("KL term", "join_inner"),
    "train": ("Train", "model_training"),
    "latent": ("Latent space", "scatter_plot"),
    "compare": ("Compare", "balance"),
    "advisor": ("Which loss?", "manage_search"),
    "lab": ("Lab", "science"),
    "zoo": ("Bug zoo", "pest_control"),
    "classroom": ("Class", "groups"),
    "server": ("Server", "dns"),
}

STYLE = (
    f"<style>{letters([*LOSS_COLOURS.values(), *TERM_COLOURS.values()], *GROUNDS)}</style>"
    + """
<style>
.stMainBlockContainer { padding: 3.5rem 1.6rem 1rem; }
.stSidebar [data-testid="stSidebarContent"] { padding-top: 0; }
.stSidebar [data-testid="stVerticalBlock"] { gap: 0.55rem; }
.stMain [data-testid="stVerticalBlock"] { gap: 0.6rem; }
/* A row of controls: all as high as a list, so that their labels stand on one line. */
.stButtonGroup [role="radiogroup"] > *, .stButtonGroup button { min-height: 2.5rem; }
[data-testid="stCaptionContainer"] { color: light-dark(#57616c, #a9b2bd); opacity: 1; }
[data-testid="stCaptionContainer"] a { text-decoration: underline; }
/* On a light blue, as things to press have it on a dark page, dark letters. */
button[kind="primary"]:not(:disabled) :is(p, [data-testid="stIconMaterial"]) { color: light-dark(#ffffff, #08131c); }
.stMultiSelect :is([data-baseweb="tag"], [data-tag]) span { color: light-dark(#ffffff, #08131c); }
/* What was chosen is there to be read: Streamlit has it in one line that fades out. */
.stMultiSelect .react-aria-ComboBox > div { height: auto !important; max-height: none !important; }
.stMultiSelect [data-testid="stMultiSelectTagsContainer"] { flex-wrap: wrap; height: auto !important; max-height: none !important; padding-block: 2px; mask-image: none !important; }
[data-testid="stWidgetLabel"] p, .stButtonGroup span[aria-hidden] p { color: light-dark(#1f2730, #e6ebf1); }
.stApp .katex-display { overflow: visible !important; }
.stMain h4 { padding: 0; margin: 0; font-size: 1.15rem; }
.stMain h4 span { font-weight: 400; opacity: 0.8; font-size: 0.95rem; }
.stMain h4 .vae-hint { opacity: 1; }
.stMain h4 .vae-hint b { font-weight: 600; }
.st-key-headline { min-height: 0; flex-wrap: nowrap; }
.st-key-headline > .stElementContainer:has(h4) { min-width: 0; flex-shrink: 1; }
.st-key-hint-gone button { min-height: 0; padding: 0.15rem 0.3rem; }
.st-key-hint-gone button p { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-presenter, .st-key-frame, .st-key-language)) { position: absolute; }
.st-key-presenter { position: fixed; top: 1.1rem; right: 0.6rem; z-index: 999991; width: auto; }
.st-key-presenter button { min-height: 0; padding: 0.2rem 0.4rem; }
.st-key-frame { position: fixed; top: 0.9rem; right: 2.6rem; z-index: 999991; width: auto; }
.st-key-language { position: fixed; top: 0.85rem; right: 4.6rem; z-index: 999991; width: auto; }
.vae-language, .vae-language:visited { color: inherit; font-size: 0.875rem; line-height: 1.5rem; text-decoration: none; padding: 0.3rem 0.4rem; border-radius: 6px; }
.vae-language:hover, .vae-language:focus-visible { background: rgba(128, 128, 128, 0.18); }
.st-key-presenter button p { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation-duration: 1ms !important; animation-iteration-count: 1 !important; transition-duration: 1ms !important; scroll-behavior: auto !important; }
}
@media (max-width: 1400px) {  /* beside an open sidebar the names of all pages fit, without their icons */
  .stApp:has(.stSidebar[data-collapsed="false"]) [data-testid="stTopNavLink"] > span:has([data-testid="stIconMaterial"]) { display: none; }
}
@media (max-width: 640px) {
  .stButtonGroup [role="radiogroup"] { flex-wrap: wrap; }
  .st-key-presenter { display: none; }
  .st-key-frame { right: 0.6rem; }
  .st-key-language { right: 2.8rem; }
  .stMainBlockContainer { padding: 3.6rem 0.8rem 1rem; }
}
</style>
"""
)


def pages():
    """The navigation, and what a class has to be told on whatever page; also starts the engine, so that its workers are warm
    before the first click."""
    st.html(STYLE)
    for problem in language.settle():
        say(problem, "warning")
    starter()
    owner()
    first, *others, last = PAGES
    # The address of the first page is "/", whatever its name: the name is that of a second entry.
    shown = [page(first, default=True, url_path="home", visibility="hidden"), *map(page, others)]
    shown += [page(hidden, visibility="hidden") for hidden in (first, last)]  # the last is the lecturer's, by a link
    st.logo(ICON, size="large")
    current = st.navigation(shown, position="top")
    looks.show_only(current.url_path or first)
    looks.presenter()
    language.switch()
    frame(current.url_path or first)
    notices.ring(current.url_path, page)
    bar.guide(current.url_path or first, page)
    return current


def page(name: str, **options) -> st.Page:
    """The page of that name in the address, for the navigation and for links."""
    title, icon = PAGES[name]
    path = Path(__file__).parents[3] / "pages" / f"{name}.py"
    return st.Page(path, title=title, icon=f":material/{icon}:", **{"url_path": name} | options)


def headline(title: str, sentence: str) -> None:
    """A page's name, and in one sentence what it shows. The first call of every page."""
    _through_the_entry()
    hints.headline(title, sentence)


def _through_the_entry() -> None:
    """Make sure that streamlit_app.py has run. In a fresh process Streamlit takes a folder "pages" for its automatic
    menu until st.navigation is called for the first time: a link to a page would run that file alone."""
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def slots(count: int) -> list:
    """The page's parts, made before anything is put into them. A part that refreshes by itself then keeps its place
    however much the parts above it show; without that, a refresh that comes late can break the page."""
    return [st.container() for _ in range(count)]


def tell(place, problems: Iterable[str]) -> None:
    """Say what is wrong with a link above the page."""
    with place:
        for problem in problems:
            say(problem, "warning")
