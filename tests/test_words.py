"""Sentences: what a run is doing, and texts that are shown as they are."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vae import TrainConfig
from vae.engine import Status, View, sentences
from vae.links import training as link
from vae.ui.advisor.state import STATE as ADVISOR
from vae.ui.classroom.door import STATE as CLASSROOM
from vae.ui.compare.state import STATE as COMPARE
from vae.ui.kl import page as kl
from vae.ui.lab.state import STATE as LAB
from vae.ui.latent.state import STATE
from vae.ui.lecture import page as lecture
from vae.ui.shared import words
from vae.ui.surfaces.state import STATE as SURFACES
from vae.ui.zoo import page as zoo

UI = Path(words.__file__).parents[1]
FIELDS = {
    "latent": STATE.fields, "compare": COMPARE.fields, "lab": LAB.fields, "surfaces": SURFACES.fields, "zoo": zoo.STATE.fields,
    "kl": kl.STATE.fields, "lecture": lecture.STATE.fields, "train": (*link.CONFIG, *link.PARAMETERS, *link.RACE),
    "classroom": CLASSROOM.fields, "advisor": ADVISOR.fields,
}  # fmt: skip

VIEW = View(
    Status.RUNNING, "", False, 1234, 4690, 2.63, np.zeros(0), np.zeros(0), np.zeros(0), (), None, 12000.0, 90.0, None, False
)  # fmt: skip
CONFIG = TrainConfig(dataset="mnist", loss="gaussian", parameters={"sigma": 0.5})


def said(**changes):
    return sentences.status(CONFIG, dataclasses.replace(VIEW, **changes))


def test_each_state_has_its_sentence():
    assert said() == (
        "Training on mnist with Gaussian, fixed σ (sigma = 0.5): step 1,234 of 4,690 (epoch 2.6 of 10), "
        "12,000 images a second."
    )
    assert said(status=Status.QUEUED).startswith("Waiting for a worker, at step 1,234")
    assert said(status=Status.PAUSED).startswith("Paused at step 1,234")
    observed = (SimpleNamespace(step=1200),)
    assert said(status=Status.PAUSED, observations=observed).endswith("of 10); held-out figures after step 1,200.")
    assert "held-out" not in said(status=Status.PAUSED, observations=observed, step=1200)
    assert "Press Start" in said(status=Status.PAUSED, step=0)
    assert said(status=Status.PAUSED, parked=True).startswith("Parked at step 1,234")
    assert said(status=Status.STOPPED).startswith("Stopped at step") and said(status=Status.DONE).startswith("Done at")
    assert said(status=Status.FAILED, message="It broke.") == "It broke."


def test_a_collapsed_code_is_named_once_it_will_not_come_back():
    def told(kl, **changes):
        view = dataclasses.replace(VIEW, observations=(SimpleNamespace(step=1200, kl=kl),), **changes)
        return sentences.collapse("β = 50", view)

    assert told(0.003, status=Status.DONE).startswith("β = 50: the code has collapsed. Its KL is 0.003 nats")
    assert told(0.003, step=2400) and not told(0.003, step=2300), "in the first half it may still come to something"
    assert not told(2.6, status=Status.DONE) and not told(float("nan"), status=Status.DONE)
    assert not sentences.collapse("", dataclasses.replace(VIEW, status=Status.STOPPED, step=0))


def test_a_screen_reader_is_told_tenths_not_every_refresh():
    assert sentences.spoken(CONFIG, VIEW) == "Training, 20 percent done."
    assert sentences.spoken(CONFIG, dataclasses.replace(VIEW, step=1300)) == "Training, 20 percent done."


def test_durations():
    assert [sentences.duration(s) for s in (0.2, 59, 90, 4000)] == ["0 s", "59 s", "1 min 30 s", "1 h 6 min"]


def test_what_looks_like_markdown_is_shown_as_it_is():
    assert words.plain("__import__('os') * x_1") == r"\_\_import\_\_\('os'\) \* x\_1"


def test_an_endless_word_and_an_endless_sentence_are_cut():
    assert words.cut("x" * 3000) == "x" * 80 + "…"
    assert words.cut("one\n two\tthree") == "one two three"
    assert len(words.cut("word " * 3000)) == words.LONGEST


def test_a_file_s_name_has_no_signs_that_mean_something_elsewhere():
    assert words.file_name("../../run-1.safetensors") == "run-1.safetensors"
    assert words.file_name("C:\\class\\a run.csv") == "a run.csv"
    assert words.file_name("![i](http://x/y.png)<b>$a$.csv") == "y.png)<b>$a$.csv".translate(
        str.maketrans(")<>$", "____")
    )
    assert words.file_name("///") == words.file_name("") == "file"


def test_pages_put_sentences_on_the_page_in_one_way():
    """Whatever a user, a link or a file had a part in is shown as text: by words.say alone."""
    for path in [*UI.rglob("*.py"), *(UI.parents[1] / "pages").glob("*.py")]:
        if path.name != "words.py":
            found = re.findall(r"\.(?:warning|error|info|success|exception|toast)\(.*", path.read_text())
            assert not found, (path, found)


FOREIGN = (
    "![i](http://127.0.0.1:9/x.png) [a](http://127.0.0.1:9) $x^2$ <b>b</b> :smile: **c** `d` https://x.org www.x.org"
)


@pytest.mark.parametrize("name", [*FIELDS])
def test_what_a_link_brings_is_shown_as_text_on_every_page(open_app, name):
    """In every field, and as the name of one: as it was written, with each of its signs escaped, and cut."""
    app = open_app(name, **dict.fromkeys(FIELDS[name], FOREIGN), **{FOREIGN: "1", "x" * 3000: "1"})
    said = [block.value for kind in (app.warning, app.error, app.info) for block in kind]
    assert len(said) > 1 and not app.exception
    for text in said:
        assert len(text) < 2 * words.LONGEST
        assert not re.search(r"(?<!\\)[\[\]*`$<>:!]", text), text


def test_what_others_add_to_a_link_is_left_out_in_silence():
    added = {"utm_source": "mail", "utm_campaign": "x", "fbclid": "1", "gclid": "2", "mc_cid": "3"}
    assert link.read({"beta": "2", "dataset": "digits"} | added) == link.read({"beta": "2", "dataset": "digits"})
    assert STATE.read(added) == STATE.read({})


def test_numbers_of_other_keyboards_are_read_and_a_decimal_comma_is_told():
    assert link.read({"dataset": "digits", "beta": "２．５", "epochs": "１２"})[0].base.beta == 2.5
    assert STATE.read({"image": "１２", "span": "２"})[0]["image"] == 12
    for problems in (link.read({"beta": "0,5"})[1], STATE.read({"span": "0,5"})[1]):
        assert len(problems) == 1 and "with a point: 0.5" in problems[0]


@pytest.mark.parametrize(("name", "field"), [("kl", "mu"), ("train", "beta"), ("surfaces", "x"), ("latent", "span")])
def test_a_setting_that_a_link_has_twice_is_told(open_app, name, field):
    app = open_app(name, utm_source="a").run()
    app.query_params = {field: ["0.5", "0.75"], "utm_source": ["a", "b"]}
    app.run()
    assert [block.value.replace("\\", "") for block in app.warning] == [
        f"The link has {field} more than once: the last one stands."
    ]
    assert app.query_params[field] in ("0.75", ["0.75"]) and not app.exception
