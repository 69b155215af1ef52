"""Sweeps without a cluster: which cells there are, what a results file survives, and what may be said of differences."""

import dataclasses
import io
import json
import math
import os
import re
import resource
from contextlib import contextmanager

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from scipy import stats

import vae
from vae.study.factors import active, mig, sap
from vae.study.sweep import (
    QUANTITIES,
    Measures,
    Point,
    Result,
    ResultsFile,
    SweepError,
    SweepSpec,
    band,
    caveat,
    compare,
    estimate,
    label_of,
    parse_results,
    read_results,
    run_cell,
    statement,
    to_table,
    tradeoffs,
    undominated,
)
from vae.study.sweep.cell import measures, spans, trajectory_steps
from vae.study.sweep.cell import sums as cell_sums
from vae.study.sweep.grid import cell_id, group_of, seeds_in
from vae.study.sweep.results import columns, is_results

BASE = vae.TrainConfig(dataset="digits", hidden=(16,), epochs=1, batch_size=480)
AXES = {"loss": ["bce", "mse"], "beta": [0.5, 1, 4], "latent_dim": [2], "seed": [0, 1, 2]}
SPEC = SweepSpec(BASE, AXES)


# ---- The grid --------------------------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_once_and_each_group_before_a_second_seed():
    cells = SPEC.cells()
    assert len(cells) == len(set(cells)) == 18
    assert {(c.loss, c.beta, c.seed) for c in cells} == {
        (loss, beta, seed) for loss in ("bce", "mse") for beta in (0.5, 1.0, 4.0) for seed in range(3)
    }
    assert [c.seed for c in cells] == [0] * 6 + [1] * 6 + [2] * 6
    assert SPEC.varied == ("loss", "beta", "seed")
    assert label_of(cells[0], SPEC.varied) == "BCE, β = 0.5"


def test_a_parameter_is_varied_only_under_the_losses_that_have_it():
    spec = SweepSpec(BASE, {"sigma": [0.1, 0.3], "loss": ["bce", "gaussian"], "seed": [0]})
    assert [(c.loss, c.parameters) for c in spec.cells()] == [
        ("bce", ()), ("gaussian", (("sigma", 0.1),)), ("gaussian", (("sigma", 0.3),))
    ]  # fmt: skip
    assert label_of(spec.cells()[2], spec.varied) == "Gaussian, fixed σ, σ = 0.3"


def test_a_grid_comes_back_from_json_and_equals_itself_however_it_was_asked_for():
    assert SweepSpec.from_json(SPEC.to_json()) == SPEC
    assert SweepSpec(dataclasses.replace(BASE, loss="laplace", beta=9.0), dict(reversed(AXES.items()))) == SPEC
    assert SweepSpec(BASE, AXES | {"beta": [1, 0.5, 4]}) != SPEC


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"loss": ["bce", "gan"]}, "loss = 'gan' cannot be used: one of bce"),
        ({"beta": [1, -1]}, "beta = -1"),
        ({"beta": [1, float("nan")]}, "beta = nan"),
        ({"beta": []}, "at least one value"),
        ({"seed": [1, 1]}, "each value once"),
        ({"latent_dim": [0]}, "latent_dim = 0"),
        ({"latent_dim": ["two"]}, "latent_dim = 'two'"),
        ({"colour": ["red"]}, "axis = 'colour' cannot be used: one of loss"),
        ({"seed": range(999_999_999)}, "'999,999,999 values' cannot be used: at most 1,000"),
        ({"seed": range(40), "beta": range(40)}, "1,600 cells"),
        ({"seed": 3}, "a list of values"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_answered_in_one_sentence(axes, said):
    with pytest.raises(vae.SettingError) as caught:
        SweepSpec(BASE, axes)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_the_estimate_adds_up_and_asks_before_what_is_long_or_large():
    one, two = estimate(SPEC, 1), estimate(SPEC, 2)
    assert one.cells == 18 and one.steps == 18 * 3
    assert one.operations == 18 * 3 * 3 * 480 * (64 * 16 + 16 * 4 + 2 * 16 + 16 * 64)
    assert one.seconds == pytest.approx(2 * two.seconds) and two.concerns == ()
    halfway = estimate(SPEC, 2, SPEC.cells()[9:])
    assert halfway.seconds == pytest.approx(two.seconds / 2)
    long = estimate(SweepSpec(dataclasses.replace(BASE, epochs=10_000), AXES), 2)
    assert len(long.concerns) == 1 and "longer than 5 minutes" in long.concerns[0]
    large = estimate(SweepSpec(dataclasses.replace(BASE, hidden=(4096,) * 6), {"seed": [0, 1]}), 2)
    assert any("GB of memory" in concern for concern in large.concerns)


# ---- A cell ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results():
    return [run_cell(config) for config in SPEC.cells()]


@pytest.mark.parametrize("loss", ["mse", "gaussian_optimal"])
def test_a_cell_is_the_headless_training_whatever_its_chunks(loss):
    config = dataclasses.replace(BASE, loss=loss, epochs=20)
    found = run_cell(config, steps=7)
    assert found.numbers == run_cell(config, steps=500).numbers
    state = list(vae.train(config))[-1][0]
    data = vae.load_dataset("digits")
    whole = vae.evaluate(config, vae.model_of(config, state.weights), data)
    assert (found.measures.negative_elbo, found.measures.sigma) == (whole.negative_elbo, whole.sigma)
    assert tuple(p.step for p in found.trajectory) == trajectory_steps(config)
    assert len(found.trajectory) < 30 and {0, 60} <= set(trajectory_steps(config))
    observed = [o for _, progress in vae.train(config) for o in progress.observations]
    curve = {p.step: (p.reconstruction, p.kl) for p in found.trajectory}
    common = [o for o in observed if o.step in curve]
    assert len(common) >= 4 and all(curve[o.step] == (o.reconstruction, o.kl) for o in common)


def test_measures_are_what_they_are_called():
    config = dataclasses.replace(BASE, loss="mse", epochs=40)
    found = run_cell(config)
    m = found.measures
    assert m.squared_error == pytest.approx(m.reconstruction, rel=1e-5)  # the same thing under this loss
    assert all(p.squared_error == pytest.approx(p.reconstruction, rel=1e-5) for p in found.trajectory)
    state, data = list(vae.train(config))[-1][0], vae.load_dataset("digits")
    model = vae.model_of(config, state.weights)
    with torch.inference_mode():
        x = data.test.float() / 255
        mu = model.encode(x)[0]
        p = torch.sigmoid(model.decode(mu))
    kernel = torch.tensor([[[[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]]])
    edges = [torch.nn.functional.conv2d(images, kernel).flatten(1).var(1, correction=0).mean() for images in (p, x)]
    assert m.sharpness == pytest.approx(float(edges[0] / edges[1]), rel=1e-4)
    assert m.middle == pytest.approx(float(((p > 0.1) & (p < 0.9)).float().mean()), rel=1e-5)
    assert m.active_units == int((mu.var(0) > 0.01).sum())
    assert m.sigma is None
    picture = Image.open(io.BytesIO(found.pictures))
    assert picture.size == (4 * 8, 2 * 8)
    shown = np.asarray(picture)[:8, 8:16]  # the second of the four reconstructions
    assert np.abs(shown - 255 * p[1, 0].numpy()).max() <= 0.51


def test_a_large_test_set_is_measured_in_parts_of_whole_pieces():
    config = vae.TrainConfig(dataset="mnist", hidden=(4096, 4096), latent_dim=20)
    bounds = spans(config, 10_000)
    assert len(bounds) > 1 and bounds[0][0] == 0 and bounds[-1][1] == 10_000
    assert all(a % 500 == 0 and stop == start for a, (_, stop), (start, _) in zip((0,), bounds, bounds[1:]))


def test_a_training_that_fails_is_a_result_that_says_so(tmp_path):
    config = dataclasses.replace(BASE, learning_rate=10.0, loss="mse", beta=1e6, epochs=5)
    found = run_cell(config)
    assert found.measures is None and "no longer a finite number" in found.failure
    spec = SweepSpec(config, {"seed": [0]})
    file = ResultsFile(tmp_path / "failed.csv", spec)
    file.append(found)
    file.close()
    sheet = read_results(tmp_path / "failed.csv")
    assert (sheet.results[0].failure, sheet.results[0].measures, sheet.missing) == (found.failure, None, ())


# ---- The results file ------------------------------------------------------------------------------------------------


def written(path, results, spec=SPEC):
    file = ResultsFile(path, spec)
    for result in results:
        assert file.append(result)
    file.close()
    return path


def numbers(results):
    return {result.config: result.numbers for result in results}


def test_what_was_appended_comes_back_and_pandas_reads_it(tmp_path, results):
    path = written(tmp_path / "sweep.csv", results)
    sheet = read_results(path)
    assert sheet.spec == SPEC and sheet.notice == "" and sheet.missing == ()
    assert numbers(sheet.results) == numbers(results)
    table = pandas.read_csv(path)
    assert len(table) == 18 and list(table.columns[:7]) == [
        "version",
        "cell",
        "dataset",
        "loss",
        "latent_dim",
        "beta",
        "seed",
    ]
    assert table.groupby(["loss", "beta"]).negative_elbo.count().tolist() == [3] * 6
    np.testing.assert_allclose(table.negative_elbo, [r.measures.negative_elbo for r in results], rtol=1e-12)
    assert json.loads(table.trajectory[0])["step"] == [p.step for p in results[0].trajectory]
    assert max(map(len, path.read_bytes().splitlines())) < 10_000


def test_a_cell_is_never_counted_twice(tmp_path, results):
    path = written(tmp_path / "sweep.csv", results[:3])
    size = path.stat().st_size
    file = ResultsFile(path, SPEC)
    assert not file.append(results[1]) and len(file.missing) == 15
    file.close()
    assert path.stat().st_size == size
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(parse_results("doubled", b"".join(lines + lines[1:])).results) == 3


@pytest.mark.parametrize("kept", [0.001, 0.5, 0.999])
def test_a_torn_last_line_is_cut_off_with_a_notice_and_its_cell_runs_again(tmp_path, results, kept):
    path = written(tmp_path / "sweep.csv", results[:3])
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    path.write_bytes(whole[: len(whole) - last + max(1, int(kept * last)) - (kept > 0.99)])
    assert "torn" in read_results(path).notice and len(read_results(path).results) == 2
    file = ResultsFile(path, SPEC)
    assert "torn" in file.notice and results[2].config in file.missing
    assert path.read_bytes() == whole[:-last]
    assert file.append(results[2])
    file.close()
    assert path.read_bytes() == whole


def test_a_torn_header_is_written_anew(tmp_path, results):
    path = tmp_path / "sweep.csv"
    path.write_bytes(b"version,cell,data")
    written(path, results[:1])
    assert len(read_results(path).results) == 1


@contextmanager
def full_at(size):
    """What a full disk is to this process: from that size on the kernel takes no byte more of any file."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_full_disk_leaves_no_half_line(tmp_path, results):
    whole, path = written(tmp_path / "whole.csv", results[:6]), written(tmp_path / "cut.csv", results[:5])
    file = ResultsFile(path, SPEC)
    with full_at(whole.stat().st_size - 700), pytest.raises(SweepError) as caught:  # within the last line
        file.append(results[5])
    assert "the disk is full" in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == b"".join(whole.read_bytes().splitlines(keepends=True)[:-1])
    assert file.append(results[5])
    file.close()
    assert path.read_bytes() == whole.read_bytes()


def test_one_writer_at_a_time(tmp_path, results):
    first = ResultsFile(tmp_path / "sweep.csv", SPEC)
    with pytest.raises(SweepError, match="is being written by another sweep"):
        ResultsFile(tmp_path / "sweep.csv", SPEC)
    first.close()
    written(tmp_path / "sweep.csv", results[:1])


def test_a_file_that_is_not_ours_or_of_another_sweep_is_refused_and_left_as_it_is(tmp_path, results):
    path = written(tmp_path / "sweep.csv", results[:2])
    other = SweepSpec(BASE, AXES | {"beta": [2.0]})
    foreign = {
        "sweep.csv": path.read_bytes(),
        "a.csv": b"x,y\n1,2\n",
        "b.csv": b"shopping list",
        "c.csv": bytes(range(256)),
    }
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SweepError) as caught:
            ResultsFile(tmp_path / name, other)
        assert name in str(caught.value) and "\n" not in str(caught.value)
        assert (tmp_path / name).read_bytes() == content
    with pytest.raises(SweepError, match="cannot be written"):
        ResultsFile(tmp_path, SPEC)
    with pytest.raises(SweepError, match="cannot be read"):
        read_results(tmp_path / "absent.csv")


def changed(content: bytes, **columns) -> bytes:
    table = pandas.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    for name, value in columns.items():
        table.loc[1, name] = value
    return table.to_csv(index=False).encode()


def test_bad_files_get_one_sentence_and_other_versions_are_read_if_possible(tmp_path, results):
    good = written(tmp_path / "sweep.csv", results[:3]).read_bytes()
    newer = changed(good, version="2")
    assert len(parse_results("newer", newer).results) == 3
    older = json.loads(results[1].config.to_json())
    del older["kl_parameters"]  # written before there was such a setting
    assert parse_results("older", changed(good, config=json.dumps(older))).results[1].config == results[1].config
    unknown = json.dumps(older | {"flow": "planar"})
    bad = {
        "version": changed(good, version="2", config=unknown),
        "config": changed(good, config=unknown),
        "json": changed(good, trajectory="[1,2"),
        "deep": changed(good, trajectory="[" * 100_000),
        "number": changed(good, kl="lots"),
        "base64": changed(good, pictures="???"),
        "stranger": changed(good, config=dataclasses.replace(BASE, beta=7.0).to_json()),
        "column": good.replace(b"trajectory", b"path", 1),
        "binary": bytes(range(256)),
        "text": b"Dear diary,\ntoday\n",
    }
    for name, content in bad.items():
        with pytest.raises(SweepError) as caught:
            parse_results(name, content)
        assert name in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 400, name
    with pytest.raises(SweepError, match="written by another version .2; this app writes 1"):
        parse_results("version", bad["version"])
    assert parse_results("empty", b"").results == ()


def test_a_whole_last_line_without_its_end_is_a_record_and_the_next_one_begins_a_line(tmp_path, results):
    path = written(tmp_path / "sweep.csv", results[:3])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # as some editors save
    assert len(read_results(path).results) == 3 and read_results(path).notice == ""
    file = ResultsFile(path, SPEC)
    assert file.notice == "" and not file.append(results[2])
    assert path.read_bytes() == whole
    file.append(results[3])
    file.close()
    assert numbers(read_results(path).results) == numbers(results[:4])


@pytest.mark.parametrize("saved_as", [lambda c: c.replace(b"\n", b"\r\n"), lambda c: b"\xef\xbb\xbf" + c])
def test_a_file_saved_by_an_editor_is_gone_on_with(tmp_path, results, saved_as):
    path = written(tmp_path / "sweep.csv", results[:2])
    path.write_bytes(saved_as(path.read_bytes()))
    assert is_results(path)
    written(path, results[2:3])
    assert numbers(read_results(path).results) == numbers(results[:3])


def test_joined_files_are_read_and_conflict_marks_are_said_with_their_line(tmp_path, results):
    one = written(tmp_path / "one.csv", results[:2]).read_bytes()
    two = written(tmp_path / "two.csv", results[1:3]).read_bytes()
    assert numbers(parse_results("joined", one + two).results) == numbers(results[:3])
    header, *lines = one.splitlines(keepends=True)
    marked = header + lines[0] + b"<<<<<<< HEAD\n" + lines[1] + b"=======\n>>>>>>> other\n"
    with pytest.raises(SweepError, match="conflict mark of git in line 3: keep the lines"):
        parse_results("marked", marked)
    other = SweepSpec(BASE, AXES | {"kl_term": ["constant", "warmup"]})
    foreign = b"".join(written(tmp_path / "other.csv", [], other).read_bytes().splitlines(keepends=True))
    with pytest.raises(SweepError, match="header of another sweep in line 4"):
        parse_results("two sweeps", one + foreign)
    with pytest.raises(SweepError, match="damaged in line 3: it has 3 values for 23 columns"):
        parse_results("short", header + lines[0] + b"1,2,3\n")


def test_what_a_line_says_must_be_possible_and_agree_with_itself(tmp_path, results):
    good = written(tmp_path / "sweep.csv", results[:3]).read_bytes()
    steps = dict(zip(("step", "reconstruction", "kl", "squared_error"), ([0, 1], [1, 2], [1, 2], [1, 2])))
    impossible = {
        "beta": "7.0", "seed": "x", "loss": "wgan", "kl": "-1", "reconstruction": "nan", "squared_error": "-2",
        "middle": "1.5", "active_units": "99", "sigma": "1", "negative_elbo": "0.5", "threads": "0", "seconds": "1e999",
        "trajectory": json.dumps(steps | {"kl": [1]}), "spec": "[" * 50_000,
    }  # fmt: skip
    for name, text in impossible.items():
        with pytest.raises(SweepError, match=f"damaged in line 3: {name}") as caught:
            parse_results("file", changed(good, **{name: text}))
        assert len(str(caught.value)) < 400
    for name, wrong in {
        "step": [0, 1.5],
        "kl": [1, math.nan],
        "reconstruction": [1, "2"],
        "squared_error": [1, -1],
    }.items():
        with pytest.raises(SweepError, match=f"damaged in line 3: trajectory.{name}"):
            parse_results("file", changed(good, trajectory=json.dumps(steps | {name: wrong})))


def test_a_name_of_a_cell_never_reads_as_a_number():
    names = [cell_id(dataclasses.replace(BASE, seed=seed)) for seed in range(2000)]
    assert len(set(names)) == 2000
    assert not any(re.fullmatch(r"[0-9]+(e[0-9]+)?|nan|inf", name) for name in names)


# ---- What may be said ------------------------------------------------------------------------------------------------


def test_the_interval_and_effect_are_those_of_a_paired_t_test():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=7), rng.normal(0.3, size=7)
    found = compare(dict(enumerate(a)), dict(enumerate(b)))
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert found.effect == pytest.approx((a - b).mean() / (a - b).std(ddof=1)) and found.n == 7
    assert found.effect * math.sqrt(7) == pytest.approx(stats.ttest_rel(a, b).statistic)
    assert found.more + found.less == 7
    over_steps = band(rng.normal(size=(5, 3)))
    assert over_steps.mean.shape == over_steps.low.shape == (3,) and np.isnan(band(np.ones((1, 3))).low).all()


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng, trials, truth = np.random.default_rng(0), 4000, 0.2
    for n in (3, 5):
        shared = rng.normal(0, 5, (trials, n))  # what a seed does to both groups, which pairing takes out
        a, b = shared + rng.normal(truth, 0.1, (trials, n)), shared + rng.normal(0, 0.1, (trials, n))
        pairs = (compare(dict(enumerate(x)), dict(enumerate(y))) for x, y in zip(a, b))
        covered = np.mean([pair.low <= truth <= pair.high for pair in pairs])
        assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / trials)


def said(first, second, key="sharpness"):
    return statement(compare(dict(enumerate(first)), dict(enumerate(second))), QUANTITIES[key], "BCE", "MSE")


def test_a_difference_is_told_in_words_with_its_interval_and_never_as_a_bare_p_value():
    clear = said([0.42, 0.41, 0.42, 0.43, 0.41], [0.25, 0.24, 0.24, 0.25, 0.25])
    assert clear.startswith("BCE is sharper than MSE by 0.172 (95 % interval 0.1") and "5 paired seeds, d_z = " in clear
    assert clear.endswith("in all 5 pairs.")
    assert "MSE" in said([0.24, 0.25, 0.24], [0.4, 0.42, 0.43]) and "is blurrier than" in said([0.1, 0.11], [0.4, 0.42])
    few = said([0.42, 0.41, 0.44], [0.25, 0.24, 0.24])
    assert few.endswith("3 pairs are few: the interval is wide.")
    unclear = said([1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 1.9, 3.1, 3.8, 5.1])
    assert unclear.startswith("No clear difference in sharpness") and "holds 0" in unclear and "2 of 5" in unclear
    assert "one pair gives no interval" in said([0.4], [0.2])
    assert "nothing to compare yet" in said([], [])
    assert said([0.5, 0.6], [0.5, 0.6]) == "BCE and MSE are equal in sharpness in all 2 pairs."
    assert "never varies" in said([2, 3, 4], [1, 2, 3], "active_units")
    assert "nothing to compare" in said([math.nan], [0.1])
    for text in (clear, few, unclear):
        assert "p =" not in text and "significant" not in text


def test_two_losses_are_two_rulers():
    bce, mse = BASE, dataclasses.replace(BASE, loss="mse")
    assert "two rulers" in caveat(QUANTITIES["negative_elbo"], bce, mse)
    assert caveat(QUANTITIES["squared_error"], bce, mse) == ""
    assert caveat(QUANTITIES["negative_elbo"], bce, dataclasses.replace(bce, beta=4.0)) == ""


def result(loss, beta, seed, kl, error):
    config = dataclasses.replace(BASE, loss=loss, beta=beta, seed=seed)
    return Result(config, Measures(error, kl, error, 1.0, 0.1, 2, None), (Point(0, error, kl, error),))


def test_a_tradeoff_goes_through_the_betas_in_order_and_averages_over_seeds():
    found = tradeoffs(
        [
            result("bce", 4.0, 0, 2, 30),
            result("bce", 1.0, 0, 6, 20),
            result("bce", 1.0, 1, 8, 22),
            result("mse", 1.0, 0, 3, 25),
        ]
    )
    assert [(line.key.loss, line.betas, line.rate, line.distortion) for line in found] == [
        ("bce", (1.0, 4.0), (7.0, 2.0), (21.0, 30.0)), ("mse", (1.0,), (3.0,), (25.0,))
    ]  # fmt: skip
    assert group_of(found[0].key) == found[0].key and found[0].key.beta == 1.0


def test_the_edge_of_the_plane_holds_every_point_that_no_other_beats():
    rng = np.random.default_rng(1)
    rate, distortion = rng.random(60), rng.random(60)
    beaten = [
        any((rate[j] <= rate[i]) & (distortion[j] <= distortion[i]) for j in range(60) if j != i) for i in range(60)
    ]
    assert set(undominated(rate, distortion)) == {i for i in range(60) if not beaten[i]}


def test_only_the_file_in_its_place_is_written(tmp_path, results):
    written(tmp_path / "sweep.csv", results[:1])
    assert {name for name in os.listdir(tmp_path) if not name.endswith(".lock")} == {"sweep.csv"}


@pytest.mark.parametrize("text", ["999999999", "0", "-3", "99999999999999999999"])
def test_a_nonsense_number_of_seeds_is_answered_before_any_is_made(text):
    with pytest.raises(vae.SettingError, match="seeds = .*a number of seeds from 1 to 1,000"):
        seeds_in(text)


# ---- Known factors ---------------------------------------------------------------------------------------------------

SPRITES = vae.TrainConfig(dataset="sprites", size=8, hidden=(8,), latent_dim=6, epochs=1, batch_size=2000)


def test_of_known_factors_the_gaps_are_measured_on_all_test_images_however_they_are_cut(tmp_path):
    data, config = vae.load_dataset("sprites", 8), SPRITES
    found = run_cell(config)
    state = list(vae.train(config))[-1][0]
    with torch.inference_mode():
        mu = vae.model_of(config, state.weights).encode(data.test.float() / 255)[0]
    factors = data.known_of_test(0, len(data.test))
    assert found.measures.mig == pytest.approx(mig(active(mu), factors), abs=1e-6)
    assert found.measures.sap == pytest.approx(sap(active(mu), factors), abs=1e-6)
    parts = [cell_sums(config, state, data, a, b, None) for a, b in ((0, 500), (500, 1500), (1500, 2000))]
    whole, cut = ({name: v for name, v in vars(m).items() if v is not None} for m in (found.measures, measures(parts)))
    assert cut == pytest.approx(whole, rel=1e-12)  # sums in another order


def test_columns_of_factors_are_there_only_where_factors_are_known_and_files_without_them_are_read(tmp_path):
    spec = SweepSpec(SPRITES, {"seed": [0]})
    content = written(tmp_path / "sprites.csv", [run_cell(SPRITES)], spec).read_bytes()
    (result,) = parse_results("with", content).results
    assert 0 <= result.measures.mig < 1 and to_table([result], ())[0]["mig"] == result.measures.mig
    without = pandas.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False).drop(columns=["mig", "sap"])
    (older,) = parse_results("without", without.to_csv(index=False).encode()).results
    assert older.measures == dataclasses.replace(result.measures, mig=None, sap=None)
    assert "mig" not in columns(SPEC) and math.isnan(QUANTITIES["mig"].of(older.measures))
