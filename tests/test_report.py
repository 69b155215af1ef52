"""A report is one file that holds all it shows: nothing is fetched, nothing typed becomes markup, numbers are those given."""

import base64
import dataclasses
import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

import vae
from vae.export.report import ReportRun, Table, report_of
from vae.export.script import script_of
from vae.training.config import loss_keys

NASTY = "(where(x<p, 2*abs(x-p),\n\nabs(x-p)))"
ATTACK = '</script><script>alert(1)</script><img src="https://evil.example/x" onerror=alert(2)> & "\''
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The elements of a page, with their attributes and their own text; every one that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def of(self, tag):
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]

    def texts(self, tag):
        return [text for _, text in self.of(tag)]


def trained(name, steps=30, **changes):
    config = vae.TrainConfig(**{"hidden": (16,), "epochs": 4, "seed": 7} | changes)
    data = vae.load_dataset("digits")
    state, progress = vae.advance(vae.initial_state(config), config, data, steps)
    curves = progress.reconstruction, progress.kl, progress.objective
    evaluation = vae.evaluate(config, vae.model_of(config, state.weights), data)
    return ReportRun(name, config, *curves, progress.observations, evaluation, threads=1)


@pytest.fixture(scope="module")
def runs():
    return [
        trained("BCE"),
        trained(f"formula {ATTACK}", loss="formula", formula=NASTY),
        trained("σ, warm-up", loss="gaussian_optimal", kl_term="warmup", beta=2.0, latent_dim=5),
    ]


@pytest.fixture(scope="module")
def given():
    table = Table(
        f"Scores {ATTACK}",
        ("measure", "A", ATTACK),
        (("BCE ↓", 12.345678, None), (ATTACK, 3, 0.1)),
        frozenset({(0, 1)}),
    )
    written = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    lines = {"reconstruction": [("mean", "mean <b>image</b>", 52.9)]}
    return {"title": ATTACK, "tables": [table], "verdicts": [f"A {ATTACK}"], "written": written, "lines": lines}


@pytest.fixture(scope="module")
def page(runs, given):
    return Page(report_of(runs, **given))


def embedded(page):
    (data,) = [text for attributes, text in page.of("script") if attributes.get("type") == "application/json"]
    return json.loads(data)


def numbers(spec):
    return np.frombuffer(base64.b64decode(spec["bdata"]), np.dtype(spec["dtype"]).newbyteorder("<"))


def saved(page, name):
    (address,) = [attributes["href"] for attributes, _ in page.of("a") if attributes.get("download") == name]
    return base64.b64decode(address.partition("base64,")[2]).decode()


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attributes, _ in page.elements:
        assert attributes.get("src", "data:").startswith("data:")
        assert "srcset" not in attributes and tag not in ("link", "iframe", "object", "base", "form")
        if tag != "a":
            assert "href" not in attributes
    (style,) = page.texts("style")
    assert "url(" not in style and "@import" not in style
    policy = next(attributes["content"] for attributes, _ in page.of("meta") if "http-equiv" in attributes)
    assert "default-src 'none'" in policy and "http" not in policy


def test_nothing_typed_becomes_markup(page, runs):
    assert not [attributes for _, attributes, _ in page.elements if any(name.startswith("on") for name in attributes)]
    assert len(page.of("script")) == 3  # the figure's data, Plotly, the page's own
    assert page.texts("h1") == page.texts("title") == [ATTACK]
    assert f"A {ATTACK}" in page.texts("li") and f"Scores {ATTACK}" in page.texts("h2")
    assert page.texts("th").count(ATTACK) == 2
    assert NASTY in page.texts("td")
    assert script_of(runs[1].config, threads=1) in page.texts("pre")
    assert "<" not in next(text for a, text in page.of("script") if a.get("type") == "application/json")


def test_only_differing_settings_are_marked(page, runs):
    rows = [i for i, (tag, _, _) in enumerate(page.elements) if tag == "tr"]
    marked = {page.elements[i + 1][2].removeprefix("≠ ") for i in rows if page.elements[i][1].get("class") == "differs"}
    fields = {f.name for f in dataclasses.fields(vae.TrainConfig)}
    differing = {name for name in fields if len({getattr(run.config, name) for run in runs}) > 1}
    assert (
        marked == differing | {"kl_parameters"} == {"loss", "formula", "beta", "latent_dim", "kl_term", "kl_parameters"}
    )
    assert "warmup_epochs = 5" in page.texts("td")


def test_in_chinese_all_but_settings_and_scripts_is_chinese(runs):
    page, english = Page(report_of(runs[:1], language="zh")), Page(report_of(runs[:1]))
    assert page.texts("h2")[0] == "设置" and all("一" <= title[0] <= "鿿" for title in page.texts("h2"))
    assert page.texts("pre") == english.texts("pre") != []
    titles = [note["text"] for note in embedded(page)["figure"]["layout"]["annotations"]]
    assert any("重构" in title for title in titles) and not any("Reconstruction" in title for title in titles)


def test_one_run_has_no_marks_and_needs_nothing_more(runs):
    page = Page(report_of(runs[:1]))
    assert "differs" not in {attributes.get("class") for attributes, _ in page.of("tr")}
    bare = ReportRun("bare", runs[0].config, *(np.zeros(0) for _ in range(3)))
    assert Page(report_of([bare])).texts("h2") == ["Settings", "Curves", "The runs as PyTorch scripts", "Sources"]
    with pytest.raises(vae.VaeError, match="needs a run"):
        report_of([])


def test_curves_are_those_given(page, runs):
    drawn = embedded(page)["figure"]["data"]
    for run in runs:
        name = run.name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        training = [c for c in drawn if c["name"] == f"{name}, training"]
        for curve, values in zip(training, (run.reconstruction, run.kl, run.objective), strict=True):
            assert numbers(curve["x"]).tolist() == list(range(1, 31))
            assert np.array_equal(numbers(curve["y"]), values.astype(np.float32))
        held = [c for c in drawn if c["name"] == f"{name}, held out"]
        assert [o.step for o in run.observations] == numbers(held[0]["x"]).tolist()
        assert np.array_equal(numbers(held[0]["y"]), np.float32([o.reconstruction for o in run.observations]))
        assert [c["showlegend"] for c in (*training, *held)].count(True) == 1
    rows = saved(page, "curve-3.csv").splitlines()
    assert rows[0] == "step,reconstruction,kl,objective" and len(rows) == 31
    last = runs[2]
    assert rows[30] == f"30,{float(last.reconstruction[29])!r},{float(last.kl[29])!r},{float(last.objective[29])!r}"


def test_figures_and_tables_are_those_given(page, runs):
    cells = [(attributes.get("title"), text, attributes.get("class")) for attributes, text in page.of("td")]
    for run in runs:
        for value in (run.evaluation.negative_elbo, run.evaluation.reconstruction, run.evaluation.kl):
            assert (repr(value), f"{value:,.2f}", None) in cells
    sigma = runs[2].evaluation.sigma
    assert (repr(sigma), f"{sigma:.4f}", None) in cells
    best = [(title, text) for title, text, of_class in cells if of_class == "best"]
    assert best == [("12.345678", "12.35 ")] and "best" in page.texts("b")
    assert (None, "3", None) in cells and ("0.1", "0.1", None) in cells


def test_pictures_date_versions_seeds_and_sources_are_in_it(page, runs):
    pictures = [attributes["src"] for attributes, _ in page.of("img")]
    assert len(pictures) == 1 + 2 * len(runs)  # the test images once: they are the same
    assert all(base64.b64decode(src.partition("base64,")[2]).startswith(b"\x89PNG") for src in pictures)
    (told,) = [text for attributes, text in page.of("p") if "seed 7" in text]
    assert "02 January 2026" in told and f"VAE Loss Lab {vae.__version__}" in told and "torch threads 1" in told
    links = {attributes["href"] for attributes, _ in page.of("a")}
    assert {run.config.kl_record().url for run in runs} | {vae.LOSSES["bce"].url} <= links
    assert {link.partition(":")[0] for link in links} == {"data", "https"}


def test_a_forked_run_says_so_and_its_script_stops_there(runs):
    run = runs[0]
    forked = dataclasses.replace(
        run, config=dataclasses.replace(run.config, beta=3.0, loss="mse"), forks=((20, run.config),)
    )
    text = report_of([forked])
    page = Page(text)
    assert any(cell == "up to step 20: loss bce, beta 1.0" for cell in page.texts("td"))
    assert page.texts("pre") == [script_of(run.config, steps=20, threads=1)]
    assert saved(page, "train-1.py") == page.texts("pre")[0]
    assert any("up to step 20, where its settings were changed" in told for told in page.texts("p"))


@pytest.mark.parametrize("loss", loss_keys())
def test_every_loss_has_a_report(loss, runs):
    formula = {"formula": NASTY} if loss == "formula" else {}
    config = vae.TrainConfig(loss=loss, hidden=(16,), **formula)
    run = dataclasses.replace(runs[0], name=loss, config=config, observations=(), evaluation=None)
    assert config.loss_record().meaning in " ".join(Page(report_of([run])).texts("li"))
