"""Colours and line styles that mean the same on every page, and the Plotly layout that all figures share."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from vae.figures.plot import Layout, Part
from vae.training.config import TrainConfig

GROUNDS = "#ffffff", "#0e1117"  # of a light and of a dark page, as .streamlit/config.toml has them

# From Okabe and Ito, and Tol: told apart by people who see colours differently. One loss, one hue, everywhere.
LOSS_COLOURS = {
    "bce": "#D55E00",
    "mse": "#0072B2",
    "gaussian": "#56B4E9",
    "gaussian_optimal": "#009E73",
    "gaussian_learned": "#332288",
    "continuous_bernoulli": "#CC79A7",
    "laplace": "#E69F00",
    "logcosh": "#999999",
    "ssim": "#882255",
    "formula": "#F0E442",
}

# Tol's "muted" and "bright", for classes: hues that are not mistaken for a loss matter less than ten that differ.
CLASS_COLOURS = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#777777",
)  # fmt: skip


def contrast(one: str, other: str) -> float:
    """Of two colours #rrggbb, 1 to 21: WCAG 2.2's ratio, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    levels = [level / 255 for level in bytes.fromhex(colour[1:])]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(colour: str, ground: str, least: float = 4.5) -> str:
    """The colour for small letters on that ground: darker or lighter by as little as they need."""
    end = 0 if _luminance(ground) > 0.5 else 255
    levels = bytes.fromhex(colour[1:])
    for share in range(101):
        mixed = "#" + bytes(round(level + (end - level) * share / 100) for level in levels).hex()
        if contrast(mixed, ground) >= least:
            break
    return mixed


def letters(colours: Iterable[str], light: str, dark: str) -> str:
    """CSS that makes formulas in these colours legible on a light and on a dark page."""
    return "\n".join(
        f'.katex [style*="color: rgb({", ".join(map(str, bytes.fromhex(colour[1:])))})"] '
        f"{{ color: light-dark({legible(colour, light)}, {legible(colour, dark)}) !important; }}"
        for colour in dict.fromkeys(colours)
    )


def colour_of(config: TrainConfig) -> str:
    """A model's: its loss's."""
    return LOSS_COLOURS[config.loss]


class Ink:
    """Colours of text and lines that can be read on a light and on a dark page."""

    TEXT = "#7a7f87"
    GRID = "rgba(128,128,128,.25)"
    REFERENCE = "#8a8f98"
    # Behind text that stands on lines: in --paper, which the app and the report give the colour of their page.
    HALO = ", ".join(f"{way} 1px var(--paper)" for way in ("1px 1px", "1px -1px", "-1px 1px", "-1px -1px"))


def layout(height: int, **changes: Any) -> Layout:
    """The shared layout: transparent, so that the page's own theme shows; zoom kept over updates by uirevision."""
    shared = {
        "height": height,
        "margin": {"l": 44, "r": 8, "t": 26, "b": 34},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": Ink.TEXT, "size": 13},
        "uirevision": "kept",
        "showlegend": False,
        "hoverlabel": {"font": {"size": 13}},
    }
    return shared | changes


def axis(title: str = "", **changes: Any) -> Part:
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12}},
        "gridcolor": Ink.GRID,
        "zeroline": False,
    } | changes


def heading(text: str) -> Part:
    """The title of a small figure, at its top left."""
    return {"text": text, "font": {"size": 13}, "x": 0.02, "y": 0.99, "yanchor": "top"}


def class_colours(classes: int) -> list[str]:
    colours = cycle(CLASS_COLOURS)
    return [next(colours) for _ in range(classes)]
