"""English as the code writes it -> the reader's language, by a catalogue of sentences.

The catalogue beside this file is {English: Chinese}. Where the code has an f-string, English has {0}, {1}, ... in the order
of its fields, {#0} where the field is a number, and Chinese puts them where it needs them; what stands in a field is translated in its turn: a loss's name, a
sentence within a sentence. Where Chinese has {=0}, the field stays as it is: a setting's name in a link, a file's. Text is looked up as a whole; what the code has put together from several texts is taken apart
where such texts meet. What is not in the catalogue stays as it is.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = {ENGLISH: "English", CHINESE: "中文"}

HELD = "\u2063"  # on both sides of what stays as it is
FIELD = re.compile(r"\{([=#]?)(\d+)\}")
NUMBER = re.compile(r"[+−-]?(?:[\d.,]+(?:e[+-]?\d+)?%?|inf|nan)")
ATTRIBUTE = re.compile(r"""(\b(?:alt|title|aria-label|placeholder)=["'])([^"'<>]+)(["'])""")  # read out, or shown
TAG = r"</?[a-zA-Z][^<>]*>|<!--.*?-->"
APART = re.compile(rf"({TAG}|\n)")  # between pieces that have nothing to do with each other
EDGE = " \t\r\f\v·,;\u00a0"  # what a piece begins and ends with where it is put together with others
# Where texts that were put together may meet. Whole are what stays as it is, and a value in quotes: no texts of ours.
JOINT = re.compile(
    rf"({HELD}[^{HELD}]*{HELD}|%\{{[^}}]*\}}|(?<!\w)'[^']*'(?!\w)|:material/\w+:|:[\w-]+\[|\*{{1,2}}|\s*[·•|↔→↓↑–—×✓✗■●]\s*"
    r"|[\[\](){}“”]|(?<=[.:;,?!…。；：，])\s+|[,:;.](?=\s|$|\)|\]|\*)|(?<=\d) (?=[A-Za-z])|\s+(?=[+=<>]\s)|(?<=\s[+=<>])\s+)"
)
WIDEST = 64  # parts of a text, joints included, that are looked up together
LONGEST, MOST = 5000, 200  # characters, parts of a text that is looked at: what is longer is data
STOPS = {".": "。", ",": "，", ";": "；", ":": "："}
STOP = re.compile(r"(?<=[\u4e00-\u9fff）”])([.,;:])(?=\s|$)")  # behind Chinese
BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff，。：；）]) (?=[\u4e00-\u9fff（])")  # where Chinese has no space
AFTER_A_STOP = re.compile(r"(?<=[。！？；：，、（）”]) +(?=\S)")


def preferred(asked: str | None, accepted: str) -> str:
    """The language of somebody whose link asks for one, or for none, and whose browser accepts those, the dearest first."""
    if asked is not None:
        return asked if asked in LANGUAGES else ENGLISH
    return CHINESE if accepted.strip().lower().startswith("zh") else ENGLISH


def translate(text: str, language: str, *, again: bool = False) -> str:
    """A text, a label or a sentence, with Markdown, LaTeX and tags as they are. again: whether it will come once more, in
    whatever it is put into: what stays as it is then has an invisible sign on both sides."""
    if language == ENGLISH:
        return text
    told = text if len(text) > LONGEST or not _words(text) else _whole(text, language).told
    return told if again else told.replace(HELD, "")


def translate_html(text: str, language: str) -> str:
    """A piece of a page: what is read in it and read out of it, not its tags, styles, scripts and code."""
    if language == ENGLISH:
        return text
    parts = re.split(rf"(<(?:style|script|pre|code)\b.*?</(?:style|script|pre|code)>|{TAG})", text, flags=re.S)
    return "".join(_of_tag(part, language) if i % 2 else _escaped(part, language) for i, part in enumerate(parts))


def _of_tag(tag: str, language: str) -> str:
    """Its attributes that are read out, or shown beside the pointer."""

    def told(found: re.Match[str]) -> str:
        return f"{found[1]}{html.escape(translate(html.unescape(found[2]), language))}{found[3]}"

    return tag if tag.startswith(("<style", "<script", "<pre", "<code")) else ATTRIBUTE.sub(told, tag)


def _escaped(text: str, language: str) -> str:
    """Text of a page."""
    if not text.strip():
        return text
    read = html.unescape(text)
    told = translate(read, language)
    return text if told == read else html.escape(told, quote=False)


# ---- One piece -----------------------------------------------------------------------------------------------------


def core(piece: str) -> tuple[str, str, str]:
    """What a piece begins with, what is looked up, what it ends with."""
    inner = piece.strip(EDGE)
    start = piece.find(inner)
    return piece[:start], inner, piece[start + len(inner) :]


@dataclass(frozen=True)
class Found:
    """A text in the reader's language, and how many letters of English words are left in it."""

    told: str
    left: int = 0


def _whole(text: str, language: str) -> Found:
    pieces = APART.split(text)
    if len(pieces) == 1:
        return _piece(text, language)
    if set(pieces[1::2]) == {"<br>"}:
        return _unbroken(text, language)
    found = [_piece(piece, language) if i % 2 == 0 else Found(piece) for i, piece in enumerate(pieces)]
    return Found("".join(one.told for one in found), sum(one.left for one in found))


def _unbroken(text: str, language: str) -> Found:
    """A figure's text, whose labels were broken for their length: Chinese takes half the room. What stood behind a comma is
    still broken off."""
    lines, told, at = text.split("<br>"), [], 0
    while at < len(lines):
        found, at = _label(lines, at, language)
        told.append(found)
    return Found("<br>".join(one.told for one in told), sum(one.left for one in told))


def _label(lines: list[str], at: int, language: str) -> tuple[Found, int]:
    """The longest label that begins with that line, and where the next one does."""
    for end in range(len(lines), at + 1, -1):
        for glue, broken in ((" ", "，"), (", ", "<br>")):
            if (found := _found(glue.join(lines[at:end]), language)) and not found.left:
                return Found(found.told.replace("，", broken, 1)), end
    return _whole(lines[at], language), at + 1


@lru_cache(maxsize=16384)
def _piece(piece: str, language: str) -> Found:
    before, inner, after = core(piece)
    if not inner:
        return Found(piece)
    found = _found(inner, language)
    if found is None or found.left:
        found = _put_together(inner, language)
    return Found(before + found.told + after, found.left)


@lru_cache(maxsize=16384)
def _found(text: str, language: str) -> Found | None:
    """A text as the catalogue has it. Of several templates that fit, the one that leaves least in English; then rather one
    that begins as the text does, and one that says much of it itself."""
    catalogue = _catalogue(language)
    if text in catalogue.sentences:
        return Found(catalogue.sentences[text])
    if not (words := set(_words(text))):
        return None
    best: tuple[tuple[int, bool, int], Found] | None = None
    for template in catalogue.templates_with(words):
        if (fields := template.fields_of(text)) is not None:
            found = template.fill(fields, language)
            rank = (found.left, not template.literals[0], -sum(map(len, template.literals)))
            best = min(best, (rank, found), key=lambda one: one[0]) if best else (rank, found)
    return best[1] if best else None


def _left(text: str) -> int:
    """BCE and KL are nobody's English."""
    return 0 if text.startswith(HELD) else sum(map(len, re.findall(r"\b[A-Za-z]*[a-z][A-Za-z]+\b", text)))


def _put_together(text: str, language: str) -> Found:
    """A text taken apart, so that the least of it is left in English, and that in as few parts as can be."""
    parts = JOINT.split(text)
    if len(parts) > MOST:
        return Found(text, _left(text))
    best = [(0, 0, "")]  # of the parts up to each: letters left, runs, text
    for end in range(1, len(parts) + 1):
        left, runs, told = best[end - 1]
        way = (left + _left(parts[end - 1]), runs + 1, told + parts[end - 1])  # the last part as it is
        for start in range(max(0, end - WIDEST), end):
            left, runs, told = best[start]
            if left < way[0] and (said := _said("".join(parts[start:end]), language)) is not None:
                way = min(way, (left + said.left, runs + 1, told + said.told), key=lambda one: one[:2])
        best.append(way)
    left, _, told = best[-1]
    return Found(text if told == text else AFTER_A_STOP.sub("", STOP.sub(lambda stop: STOPS[stop[1]], told)), left)


def _said(run: str, language: str) -> Found | None:
    before, inner, after = core(run)
    found = _found(inner, language) if inner else None
    return found and Found(before + found.told + after, found.left)


# ---- The catalogue -------------------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", text)


@dataclass(frozen=True)
class Template:
    """Text with fields in it, and how it is said in another language."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[int, ...]  # which of the fields are numbers
    said: str

    @classmethod
    def of(cls, english: str, said: str) -> Template:
        pieces = FIELD.split(english)
        numbers = tuple(i for i, mark in enumerate(pieces[1::3]) if mark == "#")
        return cls(tuple(pieces[::3]), tuple(pieces[2::3]), numbers, said)

    def fields_of(self, text: str) -> tuple[str, ...] | None:
        """What stands in the fields, None where the text is another one. Each field ends where the next literal begins for
        the first time: one pass, however long the text. Of two fields without one between them the first has it all."""
        first, *inner, last = self.literals
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        at, found = len(first), []
        for i, literal in enumerate(inner, 1):
            following = next((one for one in inner[i:] if one), "")
            place = text.find(literal or following, at, end) if literal or following else end
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        fields = (*found, text[at:end])
        return fields if all(NUMBER.fullmatch(fields[i]) for i in self.numbers) else None

    def fill(self, fields: tuple[str, ...], language: str) -> Found:
        held = dict(zip(self.names, fields))
        told = {
            n: Found(f"{HELD}{held[n]}{HELD}") if raw else _whole(held[n], language)
            for raw, n in FIELD.findall(self.said)
        }
        whole = FIELD.sub(lambda field: told[field[2]].told, self.said)
        return Found(BETWEEN.sub("", whole), sum(one.left for one in told.values()))


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
    return set(_words(re.sub(r"[A-Za-z]+\{#?\d+\}|\{#?\d+\}[A-Za-z]+", " ", english)))


@cache
def _catalogue(language: str) -> Catalogue:
    return Catalogue(json.loads(Path(__file__).with_name(f"{language}.json").read_text(encoding="utf-8")))
