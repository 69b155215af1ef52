"""English as the code writes it -> the reader's language, by a catalogue of sentences.

The catalogue beside this file is {English: Chinese}. Where the code has an f-string, English has {0}, {1}, ... in the order
of its fields, and Chinese puts them where it needs them; what stands in a field is translated in its turn: a loss's name, a
sentence within a sentence. Text is looked up as a whole; what the code has put together from several texts is taken apart
where such texts meet. What is not in the catalogue stays as it is.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = {ENGLISH: "English", CHINESE: "中文"}

HELD = "\u2063"  # an invisible sign on both sides of a text that is nobody's to translate
FIELD = re.compile(r"\{(\d+)\}")
TAG = r"</?[a-zA-Z][^<>]*>|<!--.*?-->"
APART = re.compile(rf"({TAG}|\n)")  # between pieces that have nothing to do with each other
EDGE = " \t\r\f\v·,;\u00a0"  # what a piece begins and ends with where it is put together with others
# Where texts that were put together may meet. Whole, as no text of ours, are a value in quotes and what is HELD.
JOINT = re.compile(
    rf"({HELD}[^{HELD}]*{HELD}|%\{{[^}}]*\}}|(?<!\w)'[^']*'(?!\w)|:material/\w+:|:[\w-]+\[|\*\*|\s*[·•|↔→↓↑–—]\s*"
    r"|[\[\](){}“”]|(?<=[.:;,?!…])\s+|[,:;.](?=\s|$|\)|\]|\*)|\s+(?=[+=<>]\s)|(?<=\s[+=<>])\s+)"
)
WIDEST = 24  # parts of a text, joints included, that are looked up together
LONGEST, MOST = 5000, 300  # characters, parts of a text that is looked at: what is longer is data
AFTER_A_STOP = re.compile(r"(?<=[。！？；：，、（）”]) +(?=\S)")


def kept(text: str) -> str:
    """A text that stays as it is, in whatever sentence it is put: what a user typed, what a file is called."""
    return f"{HELD}{text}{HELD}"


def translate(text: str, language: str) -> str:
    """A text, a label or a sentence, with Markdown, LaTeX and tags as they are."""
    if language == ENGLISH or len(text) > LONGEST or not _words(text):
        return text
    return "".join(part if odd else _piece(part, language) for odd, part in _alternating(APART, text))


def translate_html(text: str, language: str) -> str:
    """A piece of a page: what is read in it and read out of it, not its tags, styles and scripts."""
    if language == ENGLISH:
        return text
    parts = re.split(rf"(<(?:style|script)\b.*?</(?:style|script)>|{TAG})", text, flags=re.S)
    return "".join(_of_tag(part, language) if i % 2 else _escaped(part, language) for i, part in enumerate(parts))


def _of_tag(tag: str, language: str) -> str:
    """Its attributes that are read out, or shown beside the pointer."""

    def told(found: re.Match[str]) -> str:
        return f"{found[1]}{html.escape(translate(html.unescape(found[2]), language))}{found[3]}"

    return tag if tag.startswith(("<style", "<script")) else re.sub(
        r"""( (?:alt|title|aria-label|placeholder)=["'])([^"'<>]+)(["'])""", told, tag
    )  # fmt: skip


def _escaped(text: str, language: str) -> str:
    """Text of a page."""
    if not text.strip():
        return text
    read = html.unescape(text)
    told = translate(read, language)
    return text if told == read else html.escape(told, quote=False)


def _alternating(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    return ((i % 2, part) for i, part in enumerate(pattern.split(text)))


# ---- One piece -----------------------------------------------------------------------------------------------------


def core(piece: str) -> tuple[str, str, str]:
    """What a piece begins with, what is looked up, what it ends with."""
    inner = piece.strip(EDGE)
    start = piece.find(inner)
    return piece[:start], inner, piece[start + len(inner) :]


@lru_cache(maxsize=16384)
def _piece(piece: str, language: str) -> str:
    before, inner, after = core(piece)
    return before + (_found(inner, language) or _put_together(inner, language)) + after if inner else piece


@lru_cache(maxsize=16384)
def _found(text: str, language: str) -> str:
    """From the catalogue, "" where it is not there. Where several templates fit, the one that leaves least in English."""
    catalogue = _catalogue(language)
    if text in catalogue.sentences:
        return catalogue.sentences[text]
    if text.startswith(HELD) or not (words := set(_words(text))):
        return ""
    found = [
        (t, t.fill(fields, lambda field: translate(field, language)))
        for t in catalogue.templates_with(words)
        if (fields := t.fields_of(text)) is not None
    ]
    return min(found, key=_left_over, default=(None, ""))[1]


def _left_over(found: tuple[Template, str]) -> tuple[int, bool, int]:
    """Letters of English; then, rather a template that begins as the text does, and one that says much of it itself."""
    template, told = found
    return len(re.findall(r"[A-Za-z]", told)), not template.literals[0], -sum(map(len, template.literals))


def _put_together(text: str, language: str) -> str:
    """From the left, the longest run of parts that the catalogue knows; parts that it does not know as they are."""
    parts = JOINT.split(text)
    if not 1 < len(parts) <= MOST:
        return text
    told, at = "", 0
    while at < len(parts):
        for end in range(min(len(parts), at + WIDEST), at, -1):
            run = "".join(parts[at:end])
            before, inner, after = core(run)
            if inner and run != text and (found := _found(inner, language)):
                told, at = told + before + found + after, end
                break
        else:
            told, at = told + parts[at], at + 1
    return AFTER_A_STOP.sub("", told) if told != text else text


# ---- The catalogue -------------------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", text)


@dataclass(frozen=True)
class Template:
    """Text with fields in it, and how it is said in another language."""

    literals: tuple[str, ...]
    numbers: tuple[int, ...]
    said: str

    @classmethod
    def of(cls, english: str, said: str) -> Template:
        pieces = FIELD.split(english)
        return cls(tuple(pieces[::2]), tuple(map(int, pieces[1::2])), said)

    def fields_of(self, text: str) -> tuple[str, ...] | None:
        """What stands in the fields, None where the text is another one. Each field ends where the next literal begins for
        the first time: one pass, however long the text."""
        first, *inner, last = self.literals
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        at, found = len(first), []
        for literal in inner:
            place = text.find(literal, at, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        return (*found, text[at:end])

    def fill(self, fields: tuple[str, ...], told: Callable[[str], str]) -> str:
        held = dict(zip(self.numbers, fields))
        return FIELD.sub(lambda number: told(held[int(number[1])]), self.said)


class Catalogue:
    """Sentences by their English, and templates by one of their words, the one that fewest others have."""

    def __init__(self, entries: dict[str, str]):
        self.sentences = {english: said for english, said in entries.items() if not FIELD.search(english)}
        templates = [(english, said) for english, said in entries.items() if FIELD.search(english)]
        words = {english: _whole_words(english) for english, _ in templates}
        count: dict[str, int] = {}
        for word in (word for found in words.values() for word in found):
            count[word] = count.get(word, 0) + 1
        self._by_word: dict[str, list[Template]] = {}
        for english, said in templates:
            rarest = min(words[english], key=lambda word: (count[word], word), default="")
            self._by_word.setdefault(rarest, []).append(Template.of(english, said))

    def templates_with(self, words: set[str]) -> Iterator[Template]:
        for word in ("", *words):
            yield from self._by_word.get(word, ())


def _whole_words(english: str) -> set[str]:
    """Those of a template that a text must have as they are: no field may make them longer."""
    return set(_words(re.sub(r"[A-Za-z]+\{\d\}|\{\d\}[A-Za-z]+", " ", english)))


@cache
def _catalogue(language: str) -> Catalogue:
    return Catalogue(json.loads(Path(__file__).with_name(f"{language}.json").read_text(encoding="utf-8")))
