"""Every figure of the app is one that Plotly accepts: names, types and values of all that is set."""

import importlib
import io
import pkgutil
import re
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

import vae.figures
from vae.figures import (
    advice,
    claims,
    curves,
    data_card,
    dial,
    kl_terms,
    lab,
    latent,
    maps,
    matrix,
    plot,
    rescue,
    scatter,
    sections,
    surface_parts,
    surfaces,
    votes,
)
from vae.figures import kl as kl_figures
from vae.figures.mosaics import strip
from vae.figures.panels import Panel
from vae.figures.theme import GROUNDS, LOSS_COLOURS, contrast, legible
from vae.losses import kl
from vae.losses.descent import descend
from vae.losses.kl_terms import KL_TERMS
from vae.losses.kl_terms import panels as term_panels
from vae.losses.surfaces import surface
from vae.losses.table import LOSSES
from vae.study.advice import WANTS, Advice, Standing
from vae.study.claims import CLAIMS
from vae.training.beta_dial import TICKS

ROOT = Path(__file__).parents[1]

GRID = np.linspace(0, 1, 11)
MU, LOG_VAR = kl.axes()
GRID_OF_KL = (MU, LOG_VAR, kl.grid(MU, LOG_VAR), (1.0, -1.0, 0.7), 300)
PICTURE = np.linspace(0, 1, 12).reshape(3, 4)
STANDINGS = (Standing("bce", {0: 1.0, 1: 2.0}, 1.5, 1.0, 2.0), Standing("mse", {0: 3.0}, 3.0, np.nan, np.nan))
CODES = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]])


def panels(view="value"):
    """A loss that is infinite somewhere, with a descent's trail, and the colour that has an outline."""
    second = GRID - 0.5 if view == "asymmetry" else GRID
    s, profile = (surface(LOSSES["bce"], view, x, second) for x in (GRID, [0.2]))
    trail = surface(LOSSES["bce"], view, [0.4], [0.1, 0.2])
    return [Panel("BCE", LOSS_COLOURS["bce"], s, profile, np.inf, trail), Panel("own", "#F0E442", s, profile, 0.3)]


def runs():
    steps = np.arange(3.0)
    kinds = {"reconstruction": steps, "kl": steps, "objective": steps}
    whole = curves.RunCurves("whole", "#D55E00", kinds, (steps, kinds | {"sharpness": steps / 3}), (1,))
    return [whole, curves.RunCurves("short", "#D55E00", kinds, (steps[:1], {"reconstruction": steps[:1]}))]


def fall(step_size):
    hill = (np.array([-8.0, 8.0]), np.array([8.0, 0.0]))
    return surface_parts.Fall("BCE", "#D55E00", descend(LOSSES["bce"], 1.0, 0.001, step_size, 20), hill)


def variance(step_size):
    return kl.descend("variance", 0.01, step_size, kl.code_weight())


def sweep():
    """Bands with an interval and without, a dot of each mark, a trail that is still growing."""
    steps, mean, unknown = [0, 3], np.array([2.0, 1.0]), np.full(2, np.nan)
    bands = [lab.BandLine("a", "#D55E00", lab.dash(0), steps, mean, mean - 1, mean + 1)]
    bands.append(lab.BandLine("b", "#0072B2", lab.dash(7), steps, mean, unknown, unknown))
    dots = [lab.Dot(1.0, 2.0, "#D55E00", lab.symbol(i), "one") for i in range(9)]
    trails = [lab.Trail([1.0, 2.0], [3.0, 4.0], "#D55E00", live, "x") for live in (True, False)]
    frontiers = [lab.Frontier("BCE", "#D55E00", "dot", [1.0, 2.0], [3.0, 4.0], [0.5, 1.0])]
    return bands, (dots, frontiers, trails, ([1.0, 2.0], [3.0, 4.0]))


FIGURES = {
    "sweep curves": (lab.curves, lambda: (sweep()[0], "KL")),
    "sweep plane": (lab.plane, lambda: sweep()[1]),
    "sweep before its first result": (lab.plane, lambda: ([], [], [lab.Trail([], [], "#D55E00", True, "")])),
    "sweep pairs": (lab.pairs, lambda: (("a", "b"), ("#D55E00", "#0072B2"), [(0, 1.0, 2.0)], "KL")),
    **{f"claim {key}": (claims.claim_figure, lambda key=key: (CLAIMS[key].check(),)) for key in CLAIMS},
    "pixels of a data set": (data_card.histogram, lambda: (np.linspace(0, 1, 5), np.array([0.5, 0, 0.1, 0.4]))),
    "curves": (
        curves.training_curves,
        lambda: (runs(), ("reconstruction", "kl", "objective"), {"reconstruction": [("floor", "floor", 1.0)]}, 2),
    ),
    "curves of a race": (
        curves.training_curves,
        lambda: (runs(), ("squared_error", "kl", "sharpness"), {"sharpness": [("mean", "data", 1.0)]}),
    ),
    "curves before the start": (curves.training_curves, lambda: ([],)),
    "KL": (kl_figures.surface, lambda: GRID_OF_KL),
    "KL from above": (kl_figures.contours, lambda: GRID_OF_KL),
    "densities": (kl_figures.densities, lambda: (kl.densities(-1.0, -1.0), -1.0, 0.7, True, 300)),
    "convergence": (kl_figures.convergence, lambda: (kl.estimate(kl.Setting(samples=100)), 200)),
    "variance": (kl_figures.variance_paths, lambda: (variance(0.1), variance(0.003), 0.01)),
    "weighing": (kl_figures.weighing, lambda: (kl.weigh(4.0),)),
    "codes": (latent.codes, lambda: (CODES, np.array([0, 1, 1]), ("zero", "one"))),
    "codes without labels": (latent.codes, lambda: (CODES, None, ())),
    "histograms of codes": (latent.code_histograms, lambda: (CODES, [1, 0], "#D55E00")),
    "bars": (latent.kl_bars, lambda: ([0.1, 3.0], "#D55E00")),
    "map of codes": (scatter.scattered, lambda: (CODES, scatter.Colouring("class", np.array([0, 1, 1]), ("a", "b")))),
    "map by a factor": (
        scatter.scattered,
        lambda: (CODES, scatter.Colouring("y", np.arange(3.0), ends=("top", "bottom"))),
    ),
    "map by a quantity": (scatter.scattered, lambda: (CODES, scatter.Colouring("KL", np.arange(3.0), unit="nats"))),
    "rescue": (rescue.rescue, lambda: (GRID[1:-1], GRID[1:-1], [rescue.Bar("raw", "#D55E00", -3.0, True)])),
    "standings": (advice.standings, lambda: (Advice(WANTS["error"], "bce", (), (), STANDINGS),)),
    "votes": (votes.votes, lambda: ({"true": 3, "not so": 0}, "true")),
    "dial": (dial.dial, lambda: ([dial.Place("this run", "#0072B2", 1.0)], 0.08, TICKS)),
    "dial of beta alone": (dial.dial, lambda: ([dial.Place("this run", "#D55E00", 0.0)], None, (), ("beta",))),
    **{
        f"KL term {key}": (kl_terms.kl_term, lambda term=term: (term_panels(term, 2.0, 10, term.settings({})),))
        for key, term in KL_TERMS.items()
    },
    "3-D": (surfaces.surfaces, lambda: (panels(), 0.2, 0.3)),
    "3-D, signed": (surfaces.surfaces, lambda: (panels("asymmetry"), 0.2, 0.1, True)),
    "map": (maps.maps, lambda: (panels("slope"), 0.2, 0.3)),
    "cut": (sections.sections, lambda: (panels(), 0.2, 0.3)),
    "descents": (surface_parts.descents, lambda: ([fall(1.0), fall(900.0)],)),
    "image": (surface_parts.image_on_map, lambda: (panels()[0], PICTURE, PICTURE, (1, 2))),
    "patch": (surface_parts.patch, lambda: (PICTURE, PICTURE, {"a": (PICTURE / PICTURE, "#882255")})),
}


@pytest.fixture(scope="module")
def plotly_js():
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
def test_plotly_accepts_the_figure(name, plotly_js):
    draw, arguments = FIGURES[name]
    drawn = draw(*arguments())
    figure, narrow = (drawn, {}) if isinstance(drawn, dict) else drawn[:2]
    go.Figure(figure), go.Layout(narrow)
    assert figure["data"] or name == "curves before the start"
    sent = plot.encoded(figure) + plot.encoded(narrow)
    for scale in re.findall(r'"colorscale":"(\w+)"', sent):
        assert f"{scale}:[[" in plotly_js, "Python knows more names than the browser, which takes another in silence"


def test_every_figure_is_tried():
    """A function of vae.figures that says it returns a figure has a row in the table above."""
    drawn = {(draw.__module__, draw.__name__) for draw, _ in FIGURES.values()}
    for found in pkgutil.iter_modules(vae.figures.__path__, "vae.figures."):
        for name, thing in vars(importlib.import_module(found.name)).items():
            own = getattr(thing, "__module__", None) == found.name and not name.startswith("_")
            if own and re.search(r"\bFigure\b", str(getattr(thing, "__annotations__", {}).get("return", ""))):
                assert (found.name, name) in drawn | {("vae.figures.plot", "figure")}, "add it to FIGURES above"


def curve(held_out_steps, values, **training):
    """A run whose squared error was taken on held-out images; kinds of each step of training by name."""
    return curves.RunCurves("run", "#D55E00", training, (np.array(held_out_steps), {"squared_error": np.array(values)}))


@pytest.mark.parametrize(
    ("runs", "lines", "highest"),
    [
        ([curve([0, 1, 2, 5, 10, 20, 50, 300, 700], [181, 180, 170, 99, 80, 70, 40, 30, 20])], (), 40),  # the start is cut
        ([curve([0, 1, 2, 5, 10, 20, 50, 300, 700], [181, 180, 170, 99, 80, 70, 40, 30, 20])], (("mean", "", 53.0),), 53),
        ([curve([0, 1, 2, 5], [181, 180, 170, 99])], (), 181),  # at first all is shown
        ([curve([0, 10, 700], [181.0, 80.0, np.nan])], (), 181),  # as where nothing finite is left
        ([curve([0, 700], [181.0, 50.0]), curve([], [])], (), 50),
        ([curve([], [])], (("mean", "", 53.0),), 53),
    ],
)  # fmt: skip
def test_the_first_steps_are_cut_off_once_there_are_more(runs, lines, highest):
    drawn = curves.training_curves(runs, ("squared_error",), {"squared_error": lines})
    low, high = drawn["layout"]["yaxis"]["range"]
    shown = [v for run in runs for v in run.held_out[1]["squared_error"] if np.isfinite(v)] + [v for *_, v in lines]
    assert low < min(shown) and (high - highest) <= 0.11 * max(high - low, 1) and high > highest


@pytest.mark.parametrize("values", [(13.3, 26.8, 24.0), (1.0, 1.0, 1.0), (0.0, 100.0, 50.0), (5.0, 5.1, 9.0)])
def test_what_a_line_means_stands_beside_the_panel_and_on_no_other(values):
    """Beside it no curve can cross it; where lines are near each other, labels are moved apart, in the lines' order."""
    lines = [*zip(("floor", "pca", "mean"), ("perfect copy", "PCA, 20 dims", "mean image"), values)]
    drawn = curves.training_curves([curve([1, 2], [40, 30])], ("squared_error",), {"squared_error": lines})["layout"]
    low, high = drawn["yaxis"]["range"]
    labels = [note for note in drawn["annotations"] if note["xref"] != "paper"]
    assert len(labels) == 3 and all(note["x"] == 1 and note["xanchor"] == "left" for note in labels)
    scale, letters = curves.LEAST_HEIGHT / (high - low), curves.LABEL_SIZE
    boxes = []
    for note in labels:
        middle, half = -scale * note["y"] - note["yshift"], letters * 1.2 * (1 + note["text"].count("<br>")) / 2
        boxes.append((middle - half, middle + half, note["y"]))
    boxes.sort()
    assert [y for *_, y in boxes] == sorted(values, reverse=True)
    assert all(above[1] <= below[0] + 0.5 for above, below in zip(boxes, boxes[1:]))


def test_the_first_batches_are_cut_off():
    values = np.linspace(30, 20, 1000)
    values[:10] = 500
    drawn = curves.training_curves([curve([], [], reconstruction=values)], ("reconstruction",))
    assert 30 < drawn["layout"]["yaxis"]["range"][1] < 33


def test_few_images_fill_a_row_or_leave_places_in_it():
    images = np.full((2, 1, 8, 8), 255, np.uint8)
    wide, whole = (Image.open(io.BytesIO(strip(images, 10, 89, whole_row=w))) for w in (False, True))
    assert wide.size[0] > 6 * whole.size[0] / 10 and whole.size == (89, 8)
    assert np.asarray(whole)[0, 8 * 9 :, 3].max() == 0 and np.asarray(whole)[0, :8, 3].min() == 255


def test_colours_are_chosen_for_the_grounds_that_pages_have():
    themes = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    assert (themes["light"]["backgroundColor"], themes["dark"]["backgroundColor"]) == GROUNDS
    assert f"light-dark({', '.join(GROUNDS)})" in matrix.STYLE


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", [*LOSS_COLOURS.values(), *kl_figures.TERM_COLOURS.values(), "#ffffff", "#000000"])
def test_letters_in_a_loss_s_colour_can_be_read_and_change_as_little_as_they_need(colour, ground):
    assert contrast("#ffffff", "#000000") == pytest.approx(21) and contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.01
    )
    shown = legible(colour, ground)
    assert contrast(shown, ground) >= 4.5
    assert shown.lower() == colour.lower() or contrast(shown, ground) < 4.75
