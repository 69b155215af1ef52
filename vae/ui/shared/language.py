"""The reader's language: which it is, and the one place where all that the app says is put into it, on its way to the browser.

Everything that Streamlit sends passes ScriptRunContext.enqueue: there labels, sentences and help texts are translated. What
comes back from a browser must be what Streamlit sent for it: options of a choice are translated where they are named, by their
format_func. Figures and components of our own are translated where they are shown, in components.py and assets.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from google.protobuf.message import Message
from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

from vae.errors import SettingError
from vae.language import CHINESE, ENGLISH, LANGUAGES, preferred, translate, translate_data, translate_html

LANG = "lang"  # of an address's fields the one that says it
CHOSEN, WRITTEN = "language.chosen", "language.written"  # by a link or the switch; what we wrote into the address last

# ---- Which it is -----------------------------------------------------------------------------------------------------


def language() -> str:
    """As the address says, else as the browser does, else English."""
    if get_script_run_ctx() is None:
        return ENGLISH
    return preferred(st.query_params.get(LANG), st.context.locale or "")


def settle() -> list[str]:
    """Take over what a link asks for, and write what was chosen into the address of whatever page comes next; returns what
    is wrong with the link."""
    asked = st.query_params.get(LANG)
    if asked is not None and asked != st.session_state.get(WRITTEN):  # a link was followed: it is not what we wrote
        st.session_state[CHOSEN] = asked
    chosen = st.session_state.get(CHOSEN)
    problems = []
    if chosen is not None and chosen not in LANGUAGES:
        reason = SettingError(LANG, chosen, f"one of {', '.join(LANGUAGES)} is accepted")
        problems.append(f"{reason} English stands instead.")
        st.session_state[CHOSEN] = chosen = ENGLISH
    if chosen is not None:
        st.query_params[LANG] = chosen
    st.session_state[WRITTEN] = chosen
    return problems


def of_the_link() -> dict[str, str]:
    """What a link of our own to another page carries of it."""
    return {LANG: chosen} if (chosen := st.session_state.get(CHOSEN)) else {}


def told(text: str) -> str:
    """In the reader's language, to be put into something that is shown."""
    return translate(text, language(), again=True)


# ---- What Streamlit sends --------------------------------------------------------------------------------------------

# The fields of Streamlit's messages that people read; the others are keys, options and values.
READ = {"body", "label", "help", "placeholder", "text", "title", "caption", "captions", "alt", "delta", "page_name",
        "default_tab_label", "delta_description", "validate_message"}  # fmt: skip
WHOLE = {
    "metadata",
    "arrow_data",
    "bidi_component",
    "code",
    "json",
    "exception",
}  # nothing in them is a text of the app's


def translating(enqueue: Callable[[ScriptRunContext, ForwardMsg], None]):
    """ScriptRunContext.enqueue, with the message in the reader's language."""

    @wraps(enqueue)
    def enqueued(context: ScriptRunContext, message: ForwardMsg) -> None:
        if (reader := language()) != ENGLISH:
            _message(message, reader)
        enqueue(context, message)

    return enqueued


def _message(message: ForwardMsg, reader: str) -> None:
    if message.WhichOneof("type") in ("navigation", "delta"):
        _put(message, reader)


def _put(message: Message, reader: str) -> None:
    """Into the reader's language, in place, with all that it holds."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING and field.name in READ:
            say = translate_html if message.DESCRIPTOR.name == "Html" else translate
            if isinstance(value, str):
                setattr(message, field.name, say(value, reader))
            else:
                value[:] = [say(text, reader) for text in value]
        elif field.type == field.TYPE_MESSAGE and field.name not in WHOLE:
            for part in [value] if isinstance(value, Message) else value:
                _put(part, reader)


# ---- Choices and tables ----------------------------------------------------------------------------------------------

CHOICES = ("selectbox", "multiselect", "radio", "segmented_control", "pills", "select_slider")
TABLES = ("dataframe", "table")


def _choosing(widget: Callable) -> Callable:
    """A choice whose options are named in the reader's language."""
    signature = inspect.signature(widget)

    @wraps(widget)
    def chosen(*arguments: Any, **options: Any) -> Any:
        reader = language()
        if reader != ENGLISH:
            named = signature.bind_partial(*arguments, **options).arguments.get("format_func") or str
            options["format_func"] = lambda option: translate(str(named(option)), reader)
        return widget(*arguments, **options)

    return chosen


def _tabling(table: Callable) -> Callable:
    """A table whose words are in the reader's language."""

    @wraps(table)
    def shown(place: DeltaGenerator, data: Any = None, *arguments: Any, **options: Any) -> Any:
        return table(place, data if language() == ENGLISH else _worded(pd.DataFrame(data)), *arguments, **options)

    return shown


def _worded(frame: pd.DataFrame) -> pd.DataFrame:
    def word(cell: Any) -> Any:
        return told(cell) if isinstance(cell, str) else cell

    return frame.map(word).rename(index=word, columns=word)


def keep() -> None:
    """From now on, in this process, what Streamlit sends is in the reader's language. Called once."""
    ScriptRunContext.enqueue = translating(ScriptRunContext.enqueue)
    for names, wrapped in ((CHOICES, _choosing), (TABLES, _tabling)):
        for name in names:
            setattr(DeltaGenerator, name, wrapped(getattr(DeltaGenerator, name)))
            setattr(st, name, getattr(st._main, name))


def worded(data: Any) -> Any:
    """A figure, or data for a component, in the reader's language."""
    return translate_data(data, language())


# ---- The switch ------------------------------------------------------------------------------------------------------

_switch = st.components.v2.component(
    "vae_language", js=Path(__file__).with_name("language.js").read_text(), isolate_styles=False
)


def switch() -> None:
    """A link to this page in the other language. The browser follows it as it does any link: whatever was made in one language
    is made anew in the other."""
    here = language()
    other = ENGLISH if here == CHINESE else CHINESE
    with st.container(key="language"):
        _switch(data={"here": here, "to": other, "name": LANGUAGES[other]}, key="language.switch")
