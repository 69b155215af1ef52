"""What stands below the surfaces: a pixel's descent, an image on a surface, and SSIM on a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from vae.figures.surfaces import INFINITE, ON_TOP, Panel, cut_off, map_traces, swatch
from vae.figures.theme import Ink, axis, layout

if TYPE_CHECKING:
    from vae.surfaces import Descent

LIT = INFINITE  # the pixel looked at, in both pictures and on the map


@dataclass(frozen=True, eq=False)
class Fall:
    """A descent under one loss, and the loss itself over logits: hill = (logits, values)."""

    name: str
    colour: str
    path: Descent
    hill: tuple[np.ndarray, np.ndarray]


# ---- A pixel descends --------------------------------------------------------------------------------------------


def descents(falls: Sequence[Fall], height: int = 300) -> tuple[go.Figure, dict, tuple[list[int], list, list]]:
    """The descents over time and on the loss's hill; the narrow layout; and what moves: (traces, x, y) for each step.

    A descent that ended early (it was no longer finite) stays where it ended.
    """
    titles = ("prediction p", "loss (nats per pixel)", "the hill: loss over the logit")
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.07)
    last = max((len(fall.path.p) for fall in falls), default=1) - 1
    moving: tuple[list[int], list, list] = ([], [], [])
    for fall in falls:
        steps = np.arange(len(fall.path.p), dtype=np.float32)
        lines = ((steps, fall.path.p), (steps, fall.path.value), fall.hill)
        balls = ((steps, fall.path.p), (steps, fall.path.value), (fall.path.logit, fall.path.value))
        for column, (line, ball) in enumerate(zip(lines, balls), start=1):
            moving[0].append(len(figure.data) + 1)
            _add_fall(figure, fall, column, line)
            for axis_, values in zip(moving[1:], ball):
                padded = np.append(values, np.full(last + 1 - len(values), values[-1]))
                axis_.append([round(float(v), 6) for v in padded])
    if falls:
        figure.add_hline(y=falls[0].path.x, line={"color": Ink.REFERENCE, "dash": "dot", "width": 1.5}, row=1, col=1)
    legend = {"orientation": "h", "x": 0, "y": -0.2, "font": {"size": 12}}
    figure.update_layout(layout(height, showlegend=True, legend=legend, margin={"l": 44, "r": 8, "t": 26, "b": 64}))
    figure.update_annotations(font_size=12)
    figure.update_xaxes(**axis("step", rangemode="tozero"))
    figure.update_xaxes(title_text="logit", row=1, col=3)
    figure.update_yaxes(**axis())
    figure.update_yaxes(range=[-0.04, 1.04], row=1, col=1)
    return figure, _stacked(figure, height=760), moving


def _add_fall(figure: go.Figure, fall: Fall, column: int, line: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (np.asarray(values, dtype=np.float32) for values in line)
    shared = {"name": fall.name, "legendgroup": fall.name}
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": fall.colour, "width": 2.5}, showlegend=column == 1,
        hovertemplate="%{x:.4g}: %{y:.4g}", row=1, col=column, **shared,
    )  # fmt: skip
    figure.add_scatter(
        x=[], y=[], mode="markers", showlegend=False, hoverinfo="skip", cliponaxis=False, row=1, col=column,
        marker={"size": 12, "color": fall.colour, "line": {"color": ON_TOP, "width": 2}}, **shared,
    )  # fmt: skip


def _stacked(figure: go.Figure, height: int) -> dict:
    """The same subplots one below the other, for a narrow window."""
    count = len(figure.layout.annotations)
    band = 1 / count
    changes: dict = {"height": height, "annotations": [], "legend": {"y": -0.08}}
    for i, note in enumerate(figure.layout.annotations):
        number = "" if i == 0 else i + 1
        top = 1 - i * band
        changes[f"xaxis{number}"] = {"domain": [0, 1]}
        changes[f"yaxis{number}"] = {"domain": [top - band + 56 / height, top - 24 / height]}
        changes["annotations"].append(note.to_plotly_json() | {"x": 0.5, "y": top - 22 / height})
    return changes


# ---- An image on the surface -------------------------------------------------------------------------------------

POINTS = 2  # traces of the two pictures come first, then the points


def image_on_map(
    panel: Panel, x: np.ndarray, p: np.ndarray, lit: tuple[int, int] | None, height: int = 330
) -> tuple[go.Figure, dict]:
    """A picture x and its prediction p, (H, W), and their pixels as points on the map of a loss.

    Traces 0 and 1 are the pictures and trace POINTS the points, in the order of the pixels, row by row. lit: the pixel
    marked in all three.
    """
    titles = ("true image x", "prediction p", f"{swatch(panel.colour)} its pixels on {panel.name}")
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.05, column_widths=[0.27, 0.27, 0.46])
    for column, (name, image) in enumerate((("x", x), ("p", p)), start=1):
        figure.add_trace(_picture(image, f"row %{{y}}, column %{{x}}: {name} = %{{z:.3f}}<extra></extra>"), 1, column)
    points = {"size": 6, "color": ON_TOP, "opacity": 0.35, "line": {"width": 0}}
    figure.add_scatter(
        x=x.ravel().astype(np.float32), y=p.ravel().astype(np.float32), mode="markers", marker=points,
        hovertemplate="x %{x:.3f}, p %{y:.3f}<extra></extra>", cliponaxis=False, row=1, col=3, zorder=2,
    )  # fmt: skip
    for trace in map_traces(panel, cut_off(panel.surface.values)):
        figure.add_trace(trace, 1, 3)
    if lit is not None:
        _light(figure, lit, (float(x[lit]), float(p[lit])))
    figure.update_layout(layout(height, hovermode="closest", margin={"l": 8, "r": 8, "t": 26, "b": 48}))
    figure.update_annotations(font_size=12)
    _picture_axes(figure, columns=(1, 2))
    for update, title in ((figure.update_xaxes, "true pixel x"), (figure.update_yaxes, "prediction p")):
        update(**axis(title, range=[-0.02, 1.02], showgrid=False), row=1, col=3)
    return figure, _stacked(figure, height=1080) | {"margin": {"l": 40}}


def _picture(image: np.ndarray, hover: str, scale="gray", high: float = 1.0) -> go.Heatmap:
    return go.Heatmap(
        z=image.astype(np.float32), zmin=0, zmax=high, colorscale=scale, showscale=False, hovertemplate=hover
    )


def _light(figure: go.Figure, pixel: tuple[int, int], point: tuple[float, float]) -> None:
    marker = {"size": 14, "color": "rgba(0,0,0,0)", "symbol": "square", "line": {"color": LIT, "width": 3}}
    for column in (1, 2):
        figure.add_scatter(
            x=[pixel[1]], y=[pixel[0]], mode="markers", marker=marker, hoverinfo="skip", row=1, col=column
        )
    figure.add_scatter(
        x=[point[0]], y=[point[1]], mode="markers", marker=marker | {"symbol": "circle", "color": LIT},
        hoverinfo="skip", cliponaxis=False, row=1, col=3, zorder=3,
    )  # fmt: skip


def _picture_axes(figure: go.Figure, columns: Sequence[int]) -> None:
    for column in columns:
        figure.update_xaxes(**axis(), showticklabels=False, showgrid=False, constrain="domain", row=1, col=column)
        figure.update_yaxes(
            **axis(), autorange="reversed", showticklabels=False, showgrid=False, constrain="domain", row=1, col=column,
            scaleanchor="x" if column == 1 else f"x{column}",
        )  # fmt: skip


# ---- SSIM on a patch ---------------------------------------------------------------------------------------------


def patch(
    x: np.ndarray, p: np.ndarray, losses: Mapping[str, tuple[np.ndarray, str]], height: int = 290
) -> tuple[go.Figure, dict]:
    """A picture, its prediction, and for each loss its map: losses[name] = (values (H, W), colour)."""
    titles = ("true image x", "prediction p", *(f"{swatch(colour)} {name}" for name, (_, colour) in losses.items()))
    figure = make_subplots(1, len(titles), subplot_titles=titles, horizontal_spacing=0.02)
    for column, image in enumerate((x, p), start=1):
        figure.add_trace(_picture(image, "%{z:.3f}<extra></extra>"), 1, column)
    for column, (name, (values, colour)) in enumerate(losses.items(), start=3):
        finite = values[np.isfinite(values)]
        high = max(float(finite.max()) if len(finite) else 1.0, 0.05)
        shown = np.clip(values, 0, high)
        scale = [[0, "#ffffff"], [1, colour]]
        figure.add_trace(_picture(shown, f"%{{z:.3f}}<extra>{name}</extra>", scale, high), 1, column)
        rows, columns = np.nonzero(np.isinf(values))
        figure.add_scatter(
            x=columns, y=rows, mode="markers", marker={"symbol": "x", "size": 4, "color": INFINITE},
            hovertemplate=f"infinite<extra>{name}</extra>", row=1, col=column,
        )  # fmt: skip
    figure.update_layout(layout(height, margin={"l": 4, "r": 4, "t": 26, "b": 4}))
    figure.update_annotations(font_size=12)
    _picture_axes(figure, range(1, len(titles) + 1))
    return figure, _stacked(figure, height=1120)
