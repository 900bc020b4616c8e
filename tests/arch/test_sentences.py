"""What the engine tells people can be said in every language: each sentence of the source stands in the catalogue, in all of them."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest
import yaml

from patron_engine.phrases import Either, Label, Phrase, Quoted, found_again, kept
from patron_platform.languages import SPOKEN
from patron_platform.phrases import written
from patron_testing.pages.sentences import sentences, unsayable

PACKAGES = ("patron_engine.phrases", "patron_platform.phrases")
ENTRIES = [
    entry
    for package in PACKAGES
    for file in files(package).iterdir()
    if file.name.endswith(".yaml")
    for entry in yaml.safe_load(file.read_text(encoding="utf-8"))
]
ENGLISH = {entry["en"] for entry in ENTRIES}
CJK = re.compile(r"[\u4e00-\u9fff]")


def places(template: str) -> set[str]:
    """The names of the values a template has."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_every_sentence_of_the_source_stands_in_the_catalogue() -> None:
    missing = {f"{s.place}: {s.text}" for s in sentences() if s.text not in ENGLISH}
    assert sorted(missing) == []


def test_no_sentence_of_the_catalogue_is_left_over() -> None:
    assert sorted(ENGLISH - {s.text for s in sentences()}) == []


def test_no_sentence_stands_twice() -> None:
    assert len(ENTRIES) == len(ENGLISH)


def test_nothing_is_told_that_is_put_together_on_the_spot() -> None:
    """An f-string where a problem takes its message can be said in English alone: use a Phrase."""
    assert unsayable() == ()


def test_every_sentence_has_every_language() -> None:
    assert [e["en"] for e in ENTRIES if set(e) != set(SPOKEN) or not all(e.values())] == []


def test_every_phrase_gives_the_values_its_sentence_takes() -> None:
    wrong = [s for s in sentences() if s.values and places(s.text) != s.values]
    assert wrong == []


def test_the_languages_take_the_same_values() -> None:
    filled = {s.text for s in sentences() if s.values}
    wrong = [
        e["en"] for e in ENTRIES if e["en"] in filled for name in SPOKEN if places(e[name]) != places(e["en"])
    ]
    assert wrong == []


def test_chinese_is_chinese() -> None:
    """A sentence with words of its own has some in Chinese; one of marks and values alone may look the same."""
    wordy = [e for e in ENTRIES if len(re.findall(r"[a-z]{2,}", re.sub(r"\{[^}]*\}", "", e["en"]))) > 1]
    assert [e["en"] for e in wordy for name in SPOKEN[1:] if not CJK.search(e[name])] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Amount: 'x' is not a number"),
        ("zh-CN", "金额：“x”不是有效的数字"),
        ("zh-TW", "金額：「x」不是有效的數字"),
        ("fr", "Amount: 'x' is not a number"),
    ],
)
def test_a_phrase_within_a_phrase(language: str, said: str) -> None:
    label = Label("Amount", {"en": "Amount", "zh-CN": "金额", "zh-TW": "金額"})
    why = Phrase("{text} is not a number", text=Quoted("x"))
    whole = Phrase("{field}: {reason}", field=label, reason=why)
    assert whole == "Amount: 'x' is not a number"
    assert written(whole, (language,)) == said
    assert written(found_again(kept(whole)), (language,)) == said


def test_lists_are_joined_as_the_language_does() -> None:
    either = Phrase("it points at {objects}", objects=Either(("a", "b")))
    assert either == "it points at a or b"
    assert written(either, ("zh-CN",)) == "它关联的是 a 或 b"
    both = Phrase("the options are {options}", options=("a", "b"))
    assert (both, written(both, ("zh-CN",))) == ("the options are a, b", "可用选项：a、b")


def test_what_was_sent_is_never_translated_and_never_a_template() -> None:
    hostile = Phrase("there is no object {name!r}", name="a text {count} {0}")
    assert hostile == "there is no object 'a text {count} {0}'"
    assert written(hostile, ("zh-CN",)) == "对象“a text {count} {0}”不存在"
