"""The Loss surfaces page without a browser: its link, what is cut off and said of it, and what its figures hold."""

from dataclasses import replace

import numpy as np
import pytest

from vae.errors import SettingError
from vae.figures import surface_parts
from vae.figures.cuts import cut_off, said_of
from vae.figures.maps import maps
from vae.figures.panels import Panel, number
from vae.figures.plot import encoded
from vae.figures.sections import sections
from vae.figures.surfaces import surfaces
from vae.losses.descent import descend
from vae.losses.surfaces import VIEWS, per_pixel, surface
from vae.losses.table import LOSSES
from vae.ui.surfaces import state as surface_link
from vae.ui.surfaces.parts import distorted
from vae.ui.surfaces.state import STATE

GRID = np.linspace(0, 1, 51)
POINTWISE = [key for key, loss in LOSSES.items() if loss.pointwise]


def panel(key="bce", view="value", x=0.2, p=0.3) -> Panel:
    loss, second = LOSSES[key], GRID - 0.5 if view == "asymmetry" else GRID
    at = p - x if view == "asymmetry" else p
    here = surface(loss, view, [x], [at]).values[0, 0]
    profile = surface(loss, view, [x], second)
    return Panel(loss.name, "#D55E00", surface(loss, view, GRID, second), profile, float(here))


# ---- The link ----------------------------------------------------------------------------------------------------


def test_a_link_reproduces_every_field():
    wanted = {
        "losses": ("laplace", "formula", "gaussian"), "view": "slope", "form": "map", "scale": "same", "x": 0.123456,
        "p": 0.001, "formula": "abs(x - p)**3", "part": "image", "target": 0.25, "p0": 0.5, "step_size": 3.5,
        "steps": 17, "source": "run", "on": "laplace", "picture": 7, "distortion": "blur", "amount": 0.5, "gaussian.sigma": 0.05, "laplace.b": 0.3, "logcosh.a": 2.0,
        "gaussian_optimal.sigma": 1.0, "gaussian_learned.sigma": 0.4,
    }  # fmt: skip
    assert wanted.keys() == STATE.fields.keys()
    query = STATE.write(wanted)
    assert all(isinstance(text, str) for text in query.values())
    assert STATE.read(query) == (wanted, [])


def test_a_link_names_losses_view_and_cursor_even_where_they_are_the_default():
    assert STATE.write(STATE.read({})[0]) == {"losses": "bce,mse", "view": "value", "x": "0.8", "p": "0.9"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x", "nan", "x = nan cannot be used: a number from 0 to 1"),
        ("p", "1.01", "p = 1.01 cannot be used: a number from 0 to 1"),
        ("p", "-0.1", "p = -0.1"),
        ("x", "grey", "x = 'grey'"),
        ("losses", "bce,magic", "losses = 'bce,magic'"),
        ("losses", "bce,bce", "losses = 'bce,bce'"),
        ("losses", "bce,mse,laplace,logcosh,gaussian", "one to 4 different ones"),
        ("losses", "", "losses = ''"),
        ("view", "upside", "view = 'upside' cannot be used: one of value"),
        ("form", "4d", "form = '4d'"),
        ("formula", "__import__('os')", "formula = "),
        ("gaussian.sigma", "0", "gaussian.sigma = 0.0 cannot be used: a number from 0.01 to 2"),
        ("gaussian.sigma", "inf", "gaussian.sigma = inf"),
        ("steps", "0", "steps = '0'"),
        ("steps", "1e3", "steps = '1e3'"),
        ("p0", "1", "p0 = 1.0"),
        ("picture", "11", "picture = '11' cannot be used: a whole number from 1 to 10"),
        ("source", "web", "source = 'web'"),
        ("bce.sigma", "1", "'bce.sigma' that does not exist"),
    ],
)
def test_a_bad_field_keeps_its_default_and_is_answered_in_one_sentence(name, text, said):
    values, problems = STATE.read({name: text, "view": "slope"} if name != "view" else {name: text})
    assert len(problems) == 1 and said in problems[0] and problems[0].endswith(".")
    expected = STATE.read({})[0] | ({"view": "slope"} if name != "view" else {})
    assert values == expected


def test_a_link_to_ssim_opens_the_part_that_shows_it():
    assert STATE.read({"losses": "bce,ssim"})[0]["part"] == "patch"
    assert STATE.read({"losses": "bce,ssim", "part": "image"})[0]["part"] == "image"


# ---- What is cut off, and what is said of it -----------------------------------------------------------------------


def test_nothing_is_cut_off_where_nothing_sticks_out():
    values = panel("mse").surface.values
    assert cut_off(values) == (values.min(), values.max())
    assert said_of("MSE", panel("mse").surface, cut_off(values)) == ""


def test_infinite_values_are_drawn_at_the_limit_and_said():
    shown = panel("bce")
    cut = cut_off(shown.surface.values)
    assert np.isfinite(cut).all() and cut[1] == shown.surface.values[np.isfinite(shown.surface.values)].max()
    said = said_of("BCE", shown.surface, cut)
    assert "+∞ at p = 0 for x > 0 and at p = 1 for x < 1" in said


def test_a_pole_is_cut_off_on_both_sides_alike():
    shown = panel("bce", "slope").surface
    low, high = cut_off(shown.values)
    finite = shown.values[np.isfinite(shown.values)]
    assert low == -high and high < finite.max()
    assert f"what lies beyond −{high:.3g} to {high:.3g} is drawn flat" in said_of("BCE", shown, (low, high))


def test_what_sticks_out_below_and_above_is_cut_off_evenly_around_zero():
    low, high = cut_off(np.append(np.linspace(-1, 2, 100), [-1000, 1000]))
    assert low == -high and 1.5 < high < 2


def test_the_corner_of_laplace_is_said_to_be_on_the_diagonal():
    shown = panel("laplace", "curvature").surface
    assert "+∞ where p = x" in said_of("Laplace", shown, cut_off(shown.values))


def test_rounding_errors_are_not_drawn_as_mountains():
    low, high = cut_off(panel("mse", "asymmetry").surface.values)
    assert high - low >= 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.50040242, "0.5004"),
        (-1.25, "−1.2500"),
        (np.inf, "∞"),
        (-np.inf, "−∞"),
        (np.nan, "none"),
        (2500, "2500"),
        (0, "0.0000"),
    ],
)
def test_numbers_read_as_a_student_writes_them(value, text):
    assert number(value) == text


# ---- The figures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", POINTWISE)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("draw", [surfaces, maps, sections])
def test_every_loss_can_be_drawn_in_every_view_without_a_silent_hole(key, view, draw):
    shown = panel(key, view)
    figure, narrow = draw([shown, panel("mse", view)], 0.2, 0.1 if view == "asymmetry" else 0.3)
    encoded(figure), encoded(narrow)
    if draw is surfaces:
        sheet, marks = figure["data"][:2]
        assert np.array_equal(np.isnan(sheet["z"]), np.isnan(shown.surface.values)) and not np.isinf(sheet["z"]).any()
        assert len(marks["x"]) == np.isinf(shown.surface.values).sum()


def test_the_cursor_stands_at_its_value():
    figure, _ = surfaces([panel("mse", x=0.2, p=0.7)], 0.2, 0.7)
    cursor = figure["data"][4]
    assert (cursor["x"], cursor["y"]) == ([0.2], [0.7])
    assert cursor["z"][0] == pytest.approx(0.25, abs=0.031)  # held a little above the surface
    assert "0.2500" in figure["layout"]["annotations"][0]["text"]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_panels_do_not_overlap_and_stack_where_it_is_narrow(count):
    figure, narrow = surfaces([panel()] * count, 0.2, 0.3)
    names = ["scene", "scene2", "scene3", "scene4"][:count]
    for places in ([figure["layout"][n]["domain"] for n in names], [narrow[n]["domain"] for n in names]):
        for i, a in enumerate(places):
            for b in places[:i]:
                assert a["x"][0] >= b["x"][1] or a["y"][1] <= b["y"][0]
    assert all(narrow[name]["domain"]["x"] == [0, 1] for name in names)


def test_one_scale_is_one_scale():
    both = [panel("bce"), panel("mse")]
    for same in (True, False):
        figure, _ = surfaces(both, 0.2, 0.3, same_scale=same)
        first, second = (figure["layout"][scene]["zaxis"]["range"] for scene in ("scene", "scene2"))
        assert (first == second) == same


@pytest.mark.parametrize("draw", [surfaces, maps])
def test_what_does_not_move_with_the_cursor_is_kept_and_never_changed(draw):
    still = panel("bce", x=0.2, p=0.3)
    moved = replace(panel("bce", x=0.2, p=0.6), surface=still.surface)
    (first, _), (second, _) = draw([still], 0.2, 0.3), draw([moved, moved], 0.2, 0.6)
    sheets = [trace for drawn in (first, second) for trace in drawn["data"] if trace["type"] in ("surface", "contour")]
    assert sheets[0]["z"] is sheets[1]["z"] is sheets[2]["z"]
    assert sheets[0] is not sheets[1]
    places = [trace.get("scene", trace.get("xaxis")) for trace in sheets]
    assert places[0] == places[1] and places[2] == places[0] + "2"


def test_what_moves_in_a_descent_is_the_descent():
    paths = [descend(LOSSES[key], 1.0, 0.001, 1.0, 30) for key in ("bce", "mse")]
    hill = (np.array([-8.0, 8.0]), np.array([8.0, 0.0]))
    falls = [surface_parts.Fall(key, "#D55E00", path, hill) for key, path in zip(("bce", "mse"), paths)]
    figure, _, (traces, x, y) = surface_parts.descents(falls)
    assert all(figure["data"][trace]["mode"] == "markers" for trace in traces) and len(traces) == 6
    assert {len(values) for values in (*x, *y)} == {31}
    assert y[0] == pytest.approx(paths[0].p, abs=1e-6)  # p of bce over the steps
    assert x[5] == pytest.approx(paths[1].logit, abs=1e-5)  # the hill of mse
    assert y[0][-1] > 0.9 and y[3][-1] < 0.0011  # bce arrives, mse has not left


# ---- Pictures ----------------------------------------------------------------------------------------------------


def test_per_pixel_sums_what_the_losses_say():
    x, p = np.full((3, 4), 0.2), np.full((3, 4), 0.3)
    assert per_pixel(LOSSES["mse"], x, p) == pytest.approx(np.full((3, 4), 0.01))
    assert per_pixel(LOSSES["gaussian"], x, p, sigma=0.1).sum() == pytest.approx(
        12 * (0.5 + np.log(0.1 * np.sqrt(2 * np.pi)))
    )
    assert np.isinf(per_pixel(LOSSES["bce"], x, np.zeros((3, 4)))).all()
    assert per_pixel(LOSSES["ssim"], x, x) == pytest.approx(np.zeros((3, 4)), abs=1e-9)


def test_per_pixel_refuses_what_is_no_pair_of_pictures():
    x = np.full((3, 4), 0.2)
    for bad in (np.full((4, 3), 0.2), np.full((3, 4), np.nan), np.full((3, 4), 1.5)):
        with pytest.raises(SettingError):
            per_pixel(LOSSES["mse"], x, bad)


def test_a_shift_moves_a_blur_spreads_and_neither_leaves_the_range():
    image = np.zeros((9, 9))
    image[4, 4] = 1
    assert distorted(image, "shift", 2.0)[4, 6] == 1
    half = distorted(image, "shift", 0.5)
    assert half[4, 4] == half[4, 5] == 0.5
    blurred = distorted(image, "blur", 1.0)
    assert 0 < blurred[4, 4] < 0.5 and blurred.sum() == pytest.approx(1, abs=0.01)
    assert distorted(image, "brighten", 3.0).max() == 1
    for kind in surface_link.DISTORTIONS:
        assert np.array_equal(distorted(image, kind, 0.0), image)


def test_a_lit_pixel_is_lit_in_both_pictures_and_on_the_map():
    x, p = np.arange(12).reshape(3, 4) / 12, np.arange(12)[::-1].reshape(3, 4) / 12
    figure, _ = surface_parts.image_on_map(panel(), x, p, (1, 2))
    lit = figure["data"][-3:]
    assert [(t["x"][0], t["y"][0]) for t in lit] == [(2, 1), (2, 1), (x[1, 2], p[1, 2])]
    points = figure["data"][surface_parts.POINTS]
    assert points["x"][1 * 4 + 2] == pytest.approx(x[1, 2]) and points["y"][1 * 4 + 2] == pytest.approx(p[1, 2])
