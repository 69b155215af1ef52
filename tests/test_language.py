"""The app in Chinese: what looks up a text, and whether the catalogue has all that the code says."""

import re
import time
from importlib import import_module

import pytest
import texts

from vae.language import CHINESE, ENGLISH, preferred, translate, translate_html
from vae.language.translate import FIELD

lookup = import_module("vae.language.translate")
in_small = pytest.mark.usefixtures("small")


def zh(text):
    return translate(text, CHINESE)


@pytest.fixture
def small(monkeypatch):
    """A small catalogue."""
    held = lookup.Catalogue(
        {
            "Train": "训练",
            "loss": "损失",
            "mean": "均值",
            "{0} of {1} epochs": "{1} 轮中的第 {0} 轮",
            "step {0}, {1}": "{1}，第 {0} 步",
            "{0} = {1} cannot be used: {2}.": "{=0} = {=1} 不能使用：{2}。",
            "a number from {0} to {1} is accepted": "可取 {0} 到 {1} 的数",
            "It is done.": "已完成。",
            "{0} at {1}{2}.": "{=1}{=2}：{0}。",
            "{#0} images a second": "每秒 {0} 幅图像",
            "My file: {0}": "我的文件：{=0}",
            "mean, over epochs": "均值，各轮",
            "A **bold** claim about $x^2$": "关于 $x^2$ 的**大胆**论断",
        }
    )
    monkeypatch.setattr(lookup, "_catalogue", lambda language: held)
    for cached in (lookup._piece, lookup._found):
        cached.cache_clear()
    yield
    for cached in (lookup._piece, lookup._found):
        cached.cache_clear()


def test_english_is_the_code_s_own():
    assert translate("Train", ENGLISH) == "Train"


@in_small
@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Train", "训练"),
        ("3 of 10 epochs", "10 轮中的第 3 轮"),  # the fields change places
        ("step 5, mean", "均值，第 5 步"),  # what is in a field is translated
        ("step 5, 3 of 10 epochs", "10 轮中的第 3 轮，第 5 步"),
        ("loss = -1 cannot be used: a number from 0 to 9 is accepted.", "loss = -1 不能使用：可取 0 到 9 的数。"),
        ("It is done. It is done.", "已完成。已完成。"),  # put together by the code
        ("It is done. step 5, mean", "已完成。均值，第 5 步"),
        ("Train at step 5, 0.2 and more.", "step 5, 0.2 and more：训练。"),  # the note that may be there is not
        ("mean · loss", "均值 · 损失"),
        ("mean<br>over epochs", "均值<br>各轮"),
        ("It is<br>done.<br>26.83", "已完成。<br>26.83"),
        ("Train, mean. It is done.", "训练，均值。已完成。"),
        ("**mean**: 3.2 (loss)", "**均值**: 3.2 (损失)"),
        (":material/balance: It is done.", ":material/balance: 已完成。"),
        ("A **bold** claim about $x^2$", "关于 $x^2$ 的**大胆**论断"),
        ("<b>Train</b><br>mean", "<b>训练</b><br>均值"),
        ("mean %{y:.2f}<extra></extra>", "均值 %{y:.2f}<extra></extra>"),
    ],
)
def test_a_text_is_put_into_chinese(english, chinese):
    assert zh(english) == chinese


@in_small
@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "42",
        "nobody wrote this",
        "many images a second",
        "Train of thought",
        "meaning",
        "x = 'mean'",
        "name = 'a, mean, b'",
        "$mean$",
    ],
)
def test_what_is_not_the_app_s_own_stays(text):
    assert zh(text) == text


@in_small
def test_what_a_user_brought_stays_where_the_catalogue_says_so():
    assert zh("My file: mean, loss. Train") == "我的文件：mean, loss. Train"
    assert zh("step 5, My file: mean") == "我的文件：mean，第 5 步"
    once = translate("My file: mean, loss. Train", CHINESE, again=True)
    assert zh(f"{once} · loss") == "我的文件：mean, loss. Train · 损失"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [(None, "zh-CN,zh;q=0.9,en;q=0.8", CHINESE), (None, "de, zh;q=0.5", ENGLISH), (None, "", ENGLISH),
     ("en", "zh-TW", ENGLISH), ("zh", "en-GB", CHINESE), ("xx", "zh", ENGLISH)],
)  # fmt: skip
def test_the_address_comes_before_the_browser(asked, accepted, language):
    assert preferred(asked, accepted) == language


@in_small
def test_of_html_only_what_is_read():
    given = '<style>.loss{}</style><pre>loss</pre><p class="mean" title="Train">mean &lt; 3</p><img alt="loss"> loss '
    told = translate_html(given, CHINESE)
    assert (
        told
        == '<style>.loss{}</style><pre>loss</pre><p class="mean" title="训练">均值 &lt; 3</p><img alt="损失"> 损失 '
    )


@in_small
def test_a_long_text_that_nearly_fits_takes_no_time():
    began = time.perf_counter()
    zh("step, " * 3000)
    zh("a of " * 3000 + "epoch")
    assert time.perf_counter() - began < 0.5


# ---- The catalogue ---------------------------------------------------------------------------------------------------


def test_the_catalogue_has_every_text_of_the_source():
    assert not texts.missing(CHINESE), "run `python -m tests.texts` for what is to be filled in"


def test_the_catalogue_has_nothing_that_the_source_has_not():
    possible = texts.texts()[1]
    assert [english for english in texts.catalogue(CHINESE) if english not in possible] == []


def test_fields_and_marks_are_the_same_in_both_languages():
    for english, chinese in texts.catalogue(CHINESE).items():
        assert sorted(n for _, n in FIELD.findall(english)) == sorted(n for _, n in FIELD.findall(chinese)), english
        for mark in (r"\*\*", r"`[^`]*`", r"\$[^$]+\$", r":material/\w+:", r"\]\("):
            assert len(re.findall(mark, english)) == len(re.findall(mark, chinese)), english
