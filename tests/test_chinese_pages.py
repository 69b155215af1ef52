"""Every page in Chinese, as Streamlit sends it to a browser: no English is left on it but the field's own terms, names and code."""

import json
import re
import time

import pytest
from google.protobuf.message import Message
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
from streamlit.testing.v1 import AppTest

from vae.classroom import CLASSES
from vae.engine import Race
from vae.language.figures import SHOWN
from vae.study.claims import CLAIMS
from vae.study.zoo import ZOO
from vae.ui.latent.state import PARTS as LATENT_PARTS
from vae.ui.shared import keys
from vae.ui.shared.language import READ, WHOLE

# Who wrote it, what a program or a file is called, what is typed: these stay as they are.
NAMES = re.compile(
    r"https?://\S+|[\w.+-]+/[\w./+-]+|[\w-]+\.(?:py|csv|yaml|ini|jpg|json|safetensors)\b|VAE Loss Lab|scikit-learn|Fashion-MNIST|"
    r"\b(?:[A-Z][\w-]+,? (?:and |et al\.? )?)+(?:\d{4}|and Harter)|CC BY(?:-SA)? \d|AT&T Laboratories Cambridge|STAT 453, L17\.4[\w ]*|"
    r"\* \*\*, abs.*?pi, e|Inverse Autoregressive Flow|Cyclical Annealing Schedule|Understanding disentangling in beta-VAE|"
    r"python -m vae [\w -]+|'[^']*'|`[^`]*`|\$[^$]*\$|\\[a-z]+|<[^>]*>|%\{[^}]*\}|:material/\w+:|x, p, logits|"
    r":[\w-]+\[|log-cosh|free bits|disentangling-vae|make serve|可取 [\w, \\]+ 之一"
)
WORDS = re.compile(r"\b[A-Za-z]*[a-z]{2,}(?:[ ,;:'’-]+[A-Za-z]*[a-z]{2,}){1,}")


@pytest.fixture
def sent(monkeypatch):
    """What the browser is sent to be read, in the order in which it is."""
    texts: list[str] = []
    enqueue = ScriptRunContext.enqueue

    def enqueued(context, message):
        enqueue(context, message)
        if message.WhichOneof("type") in ("delta", "navigation"):
            texts.extend(read(message))

    monkeypatch.setattr(ScriptRunContext, "enqueue", enqueued)
    return texts


def read(message):
    for field, value in message.ListFields():
        if field.name == "bidi_component":
            for text in (value.json, value.mixed.json):
                yield from shown(json.loads(text or "null"))
        elif field.type == field.TYPE_STRING and field.name in READ | {"options", "content"}:
            yield from [value] if isinstance(value, str) else value
        elif field.type == field.TYPE_MESSAGE and field.name not in WHOLE:
            for part in [value] if isinstance(value, Message) else value:
                yield from read(part)


def shown(data, of_figure=False, seen=False):
    """Texts in a component's data, and in the figures there."""
    if isinstance(data, dict):
        for key, part in data.items():
            if key in ("figure", "narrow") and isinstance(part, str):
                yield from shown(json.loads(part))
            else:
                yield from shown(part, seen=key in SHOWN)
    elif isinstance(data, list):
        for part in data:
            yield from shown(part, seen=seen)
    elif isinstance(data, str) and seen and " " in data:
        yield data


def english(texts):
    """What is left in English of texts."""
    found = []
    for text in dict.fromkeys(texts):
        body = re.sub(r"<style.*?</style>", " ", text, flags=re.S)
        found += [(run, text[:300]) for run in WORDS.findall(NAMES.sub(" ~ ", body))]
    return found


def chinese(app, sent):
    assert not app.exception, [block.message for block in app.exception]
    assert any("\u4e00" <= letter <= "\u9fff" for text in sent for letter in text)
    assert english(sent) == []
    return app


QUICK = ("blur", "not_bernoulli")
PAGES = [
    *(pytest.param("lecture", {"claim": claim}, marks=[] if claim in QUICK else pytest.mark.slow) for claim in CLAIMS),
    ("lecture", {"claim": "zzz"}),
    *(("surfaces", {"part": part, "losses": "bce,mse,ssim", "view": view}) for part, view in
      (("descent", "value"), ("image", "excess"), ("patch", "asymmetry"))),
    ("surfaces", {"form": "cut", "own": "abs(x-p)"}),
    ("start", {}), ("lesson", {}), ("advisor", {"data": "digits"}), ("kl", {}), ("train", {"dataset": "digits"}), ("lab", {"view": "plane"}), ("lab", {"view": "curves"}),
    ("lab", {"view": "table"}), ("lab", {"view": "compare"}), ("classroom", {}), ("server", {}), ("compare", {"data": "digits"}),
]  # fmt: skip


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_a_page_is_in_chinese(open_app, sent, page, query):
    chinese(open_app(page, lang="zh", **query), sent)


@pytest.mark.parametrize("part", LATENT_PARTS)
def test_the_latent_space_is_in_chinese(open_app, engine, sent, part):
    chinese(open_app("latent", engine, lang="zh", part=part), sent)


@pytest.mark.parametrize("patient", [*ZOO][:1])
def test_a_patient_is_in_chinese(open_app, engine, sent, patient):
    chinese(open_app("zoo", engine, lang="zh", patient=patient), sent)


def test_a_race_is_in_chinese_from_its_settings_to_its_results(open_app, engine, sent):
    app = open_app(
        "train", engine, lang="zh", dataset="digits", hidden="8", latent_dim=3, epochs=1, batch_size=512, vary="loss",
        against="mse,laplace,gaussian_optimal",
    )  # fmt: skip
    chinese(app.button(key="do.start").click().run(), sent)
    race = Race.of(engine.runs[app.session_state["run_id"]])
    until = time.monotonic() + 60
    while any(not view.status.ended or view.evaluating for view in race.views()) and time.monotonic() < until:
        race.wait_for_news(0.05)
    for panel in ("curves", "dial", "codes"):
        app.session_state["panel"] = panel
        chinese(app.run(), sent)
    for run in race.runs:
        engine.discard(run)


def test_a_wrong_link_is_answered_in_chinese(open_app, sent):
    app = chinese(open_app("surfaces", lang="zh", x="9", nonsense="1"), sent)
    assert len(app.warning) == 2


def test_both_sides_of_a_class_are_in_chinese(open_app, sent, monkeypatch):
    monkeypatch.setattr(keys, "is_lecturer", lambda: True)
    app = chinese(open_app("classroom", lang="zh"), sent)
    chinese(app.button(key="classroom-open").click().run(), sent)
    chinese(app.button(key="classroom-ask-it").click().run(), sent)
    chinese(app.button(key="classroom-reveal").click().run(), sent)
    CLASSES.end(CLASSES.taught_by("0" * 32))


def test_the_browser_s_language_counts_where_the_address_says_none(sent):
    def script():
        import streamlit as st

        from vae.ui.shared import shell

        st.button("Start", help=shell.page("train").title)
        st.radio("Loss", ["mean", "sum"], key="chosen")

    app = AppTest.from_function(script, default_timeout=60)
    assert app.run().button[0].label == "Start"
    app.context = {"locale": "zh-TW"}
    app.run()
    assert (app.button[0].label, app.button[0].help, app.radio[0].options) == ("开始", "训练", ["均值", "求和"])
    assert app.radio[0].set_value("sum").run().session_state["chosen"] == "sum"  # the code never hears Chinese
    app.query_params["lang"] = "en"
    assert app.run().button[0].label == "Start"
    assert english([*sent, "one sentence in English"]) == [("one sentence in English", "one sentence in English")]
