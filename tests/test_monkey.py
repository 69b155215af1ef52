"""A short visit of the monkey (monkey.py; `make monkey` makes a long one), and what it found."""

import pytest
from monkey import LINKS, Monkey, prepare, visit


@pytest.fixture
def log(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_SWEEPS", str(tmp_path))
    yield prepare(engine, monkeypatch.setattr)
    for job in (*engine.runs.values(), *engine.sweeps.values()):
        engine.discard(job)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_no_page_breaks_and_no_control_falls_back(log, seed):
    done, fault = visit(seed, 80, log)
    assert not fault
    assert done["pages"] and done["controls"] and done["refreshes"]


def test_a_preset_is_kept_while_other_pages_are_looked_at_until_a_link_says_otherwise(log):
    monkey = Monkey(0, log)
    monkey.go("train", "dataset=digits")
    monkey.app.selectbox[0].set_value("l17").run()
    assert monkey.app.selectbox[0].value == "l17"
    for page in LINKS:
        monkey.go(page)
    monkey.go("train")
    assert monkey.app.selectbox[0].value == "l17"
    monkey.go("train", "dataset=digits&beta=3")
    assert monkey.app.selectbox[0].value == "own settings"


def test_what_stands_below_the_pictures_is_kept_while_other_pages_are_looked_at(log):
    """Going back asserts it, of every control that is there again."""
    monkey = Monkey(0, log)
    monkey.go("train", "dataset=digits&vary=seed&against=1")
    monkey.app.get("button_group")[0].set_value("Codes").run()
    monkey.app.toggle(key="difference").set_value(True).run()
    for page in ("kl", "train", "latent", "train"):
        monkey.go(page)
    assert monkey.shown()["panel"] == "Codes" and monkey.shown()["difference"]
