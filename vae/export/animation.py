"""Pictures that change, as an animated GIF: for slides, which show no other kind everywhere."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MOST_FRAMES = 60
MOST_BYTES = 2 * 2**20
FRAME_MS, LAST_MS = 120, 2000
WIDTH = 900  # pixels, about
GAP = 1  # pixels of the pictures' own size, between two of them
MARGIN = 12
PAPER, INK = (255, 255, 255), (30, 30, 30)
FONT = ImageFont.load_default(15)
LINE = 19  # pixels
OTHER_SIGNS = str.maketrans("−–×·", "--x,")

Panel = np.ndarray  # pictures of one moment, uint8 (n, C, H, W), C = 1 or 3
Frame = Sequence[Panel]  # one panel for each column


def gif(frames: Sequence[Frame], captions: Sequence[str], titles: Sequence[str], across: int) -> bytes:
    """Frames with their captions, columns side by side under their titles, each with `across` pictures in a row.

    Pictures are enlarged by a whole factor without smoothing. At most 60 frames are kept, evenly, and the last one always,
    which stands longer; and fewer or smaller ones where the file would have more than 2 MB. Not for no frames at all.
    """
    grey = all(panel.shape[1] == 1 for panel in frames[0])
    scale, most, room = largest_scale(frames[0], across), MOST_FRAMES, max(map(_width, captions))
    while True:
        kept = thinned(len(frames), most)
        pages = [page([mosaic(p, across, scale) for p in frames[i]], captions[i], titles, room) for i in kept]
        made = _file(pages, grey)
        if len(made) <= MOST_BYTES or (scale == 1 and most <= 2):
            return made
        scale, most = (scale - 1, most) if scale > 1 else (scale, most // 2)


def thinned(count: int, most: int) -> list[int]:
    """Which of so many are kept: at most that many, evenly, the first and the last among them."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})


def largest_scale(frame: Frame, across: int) -> int:
    """By what whole number pictures may be enlarged, so that all columns are about as wide as a slide."""
    wide = sum(mosaic(panel, across).shape[1] for panel in frame)
    return max(1, WIDTH // wide)


def mosaic(panel: Panel, across: int, scale: int = 1) -> np.ndarray:
    """Pictures (n, C, H, W) in rows -> one, uint8 (height, width, 3), on paper, enlarged."""
    n, _, height, width = panel.shape
    across = min(across, n)
    rows = -(-n // across)
    tiles = np.full((rows * across, height + GAP, width + GAP, 3), PAPER, np.uint8)
    tiles[:n, :height, :width] = panel.transpose(0, 2, 3, 1)
    whole = tiles.reshape(rows, across, height + GAP, width + GAP, 3).swapaxes(1, 2)
    whole = whole.reshape(rows * (height + GAP), across * (width + GAP), 3)[:-GAP, :-GAP]
    return whole.repeat(scale, axis=0).repeat(scale, axis=1)


def page(columns: Sequence[np.ndarray], caption: str, titles: Sequence[str], room: int = 0) -> Image.Image:
    """One frame: the columns side by side under their titles, and below all the caption, with at least `room` pixels."""
    wide = max(max(column.shape[1] for column in columns), -(-max(room, _width(caption)) // len(columns)))
    lines = [wrapped(title, wide) for title in titles]
    top = MARGIN + LINE * max((len(those) for those in lines), default=0)
    high = max(column.shape[0] for column in columns)
    size = (MARGIN + (wide + MARGIN) * len(columns), top + high + LINE + MARGIN)
    drawn = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(drawn)
    for i, column in enumerate(columns):
        left = MARGIN + i * (wide + MARGIN)
        drawn.paste(Image.fromarray(column), (left, top))
        for k, line in enumerate(lines[i] if i < len(lines) else ()):
            pen.text((left, MARGIN // 2 + k * LINE), line, INK, FONT)
    pen.text((MARGIN, top + high + MARGIN // 2), caption, INK, FONT)
    return drawn


def legible(text: str) -> str:
    """In the letters that Pillow's own font has: β as beta, ² as 2."""
    return "".join(sign if sign.isascii() else _spelled(sign) for sign in text)


def _spelled(sign: str) -> str:
    name = unicodedata.name(sign, "")
    if name.startswith("GREEK "):
        return name.split()[-1].lower()
    usual = unicodedata.normalize("NFKD", sign.translate(OTHER_SIGNS))
    return usual.encode("ascii", "ignore").decode() or "?"


def wrapped(text: str, width: int) -> list[str]:
    """The words in lines that are no wider than so many pixels; a word that is wider is cut."""
    lines: list[str] = []
    for word in legible(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(_cut(word, width))
    return lines


def _cut(word: str, width: int) -> str:
    while len(word) > 1 and _width(word) > width:
        word = word[:-2] + "~"
    return word


def _width(text: str) -> int:
    return round(FONT.getlength(text))


def _file(pages: Sequence[Image.Image], grey: bool) -> bytes:
    """A GIF has 256 colours: all greys, or for pictures in colour those that the first and the last frame need."""
    flat = [one.convert("L") for one in pages] if grey else _in_colours_of_ends(pages)
    file = io.BytesIO()
    durations = [*[FRAME_MS] * (len(flat) - 1), LAST_MS]
    flat[0].save(file, "GIF", save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)
    return file.getvalue()


def _in_colours_of_ends(pages: Sequence[Image.Image]) -> list[Image.Image]:
    """The same colours in all frames, so that nothing flickers."""
    ends = Image.fromarray(np.concatenate([np.asarray(pages[0]), np.asarray(pages[-1])]))
    palette = ends.quantize(256, dither=Image.Dither.NONE)
    return [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pages]
