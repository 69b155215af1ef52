"""What the browser runs: components of our own, and plotly.js from this app's own server, as a classroom may have no
internet, and a CDN would see who looks."""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from importlib import resources
from pathlib import Path

import plotly
import streamlit as st

STATIC = Path(__file__).parents[3] / "static"


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


def component(script: Path, *needed: Path):
    """A component of our own: the code in `script`, a .js file, and in what it needs, with the styles in the .css file beside
    it."""
    return st.components.v2.component(
        f"vae_{script.stem}",
        js="".join(one.read_text() for one in (*needed, script)),
        css=script.with_suffix(".css").read_text(),
        isolate_styles=False,
    )
