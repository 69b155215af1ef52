"""What the browser runs: components of our own, and plotly.js from this app's own server, as a classroom may have no
internet, and a CDN would see who looks."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path

import plotly
import streamlit as st

from vae.language import ENGLISH, LANGUAGES, translate
from vae.ui.shared.language import language, worded

STATIC = Path(__file__).parents[3] / "static"
WORDS = Path(__file__).with_name("words.js")
IN_WORDS = re.compile(r'\bwords\("([^"\\]+)"')


@lru_cache(maxsize=1)
def plotly_js() -> str:
    """The address of plotly.js, relative to the page; copied from the installed package into static/ if need be."""
    name = f"plotly-{plotly.__version__}.min.js"
    target = STATIC / name
    source = resources.files("plotly") / "package_data" / "plotly.min.js"
    with resources.as_file(source) as path:
        if not target.is_file() or target.stat().st_size != path.stat().st_size:
            STATIC.mkdir(exist_ok=True)
            temporary = STATIC / f".{name}.{os.getpid()}"
            shutil.copyfile(path, temporary)
            os.replace(temporary, target)
    return f"app/static/{name}"


def component(script: Path, *needed: Path) -> Callable[..., object]:
    """A component of our own: the code in `script`, a .js file, and in what it needs, with the styles in the .css file beside
    it. It is called with data=, and shows them, and says what it says itself, in the reader's language.
    """
    source = "".join(one.read_text() for one in (WORDS, *needed, script))
    styles = script.with_suffix(".css").read_text()
    in_each = {
        reader: st.components.v2.component(
            f"vae_{script.stem}" + (f"_{reader}" if reader != ENGLISH else ""),
            js=said_in(reader, source), css=styles, isolate_styles=False,
        )
        for reader in LANGUAGES
    }  # fmt: skip

    def show(*, data: Mapping[str, object], **options: object) -> object:
        return in_each[language()](data=worded(data), **options)

    return show


def said_in(reader: str, source: str) -> str:
    """JavaScript with its texts, words("..."), in that language."""
    return IN_WORDS.sub(lambda found: f'words("{translate(found[1], reader)}"', source)
