"""What a user, a link or a file may have had a part in, shown as text."""

from __future__ import annotations

import re

import streamlit as st

from vae.ui.shared.language import told

LONGEST_WORD, LONGEST = 80, 700  # characters


def say(text: object, kind: str = "caption", place=st) -> None:
    """Put a sentence on the page, as an error, a warning, an info or a caption: the one way for whatever a user, a link or a
    file may have had a part in. It is shown as text, never as Markdown (a picture in it would be fetched from wherever it
    says, a link could be clicked), and no word of it fills the page."""
    getattr(place, kind)(plain(cut(told(str(text)))))


def cut(text: object) -> str:
    """The text without line ends, its endless words and all of it cut."""
    words = (word if len(word) <= LONGEST_WORD else word[:LONGEST_WORD] + "…" for word in str(text).split())
    whole = " ".join(words)
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"


def plain(text: object) -> str:
    """A text for Streamlit to show as it is: what a user typed may look like Markdown. Addresses in it get an invisible
    sign, as they would become links however they are escaped. It is in the reader's language: escaped, no catalogue knows it."""
    text = re.sub(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=\w)(?=@)", "\u2060", told(str(text)))
    return re.sub(r"([\\`*_{}\[\]()#+\-.!$~|<>:])", r"\\\1", text)


def file_name(name: str) -> str:
    """The name of a file that a user brings, to be shown in titles and figures: without a folder, and without signs that
    could mean something to Markdown, to HTML or to a figure."""
    return re.sub(r"[^\w .,+=-]", "_", re.split(r"[/\\]", name)[-1])[:40].strip() or "file"
