"""What a search found is marked where it stands."""

from __future__ import annotations

import time

import pytest

from patron_engine.page.marks import fits, marked, named


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("北京华为技术", "华为", ["华为"]),
        ("北京华为技术", "hw", ["华为"]),
        ("北京华为技术", "huawei", ["华为"]),
        ("北京华为技术", "huaw", ["华为"]),
        ("重庆长安", "cqca", ["重庆长安"]),
        ("Acme Corp", "acm", ["Acm"]),
        ("Macmed Corp", "acm", []),
        ("Éclair", "ecl", ["Écl"]),
        ("+86 138 0000 1234", "13800", ["138 00"]),
        ("SO-2026-0001", "0001", ["0001"]),
        ("Acme Corp", "corp acme", ["Acme", "Corp"]),
        ("Acme", "", []),
        ("", "acme", []),
        ("ﬁne", "fi", ["ﬁ"]),
    ],
)
def test_what_was_found(text: str, query: str, found: list[str]) -> None:
    pieces = marked(text, query)
    assert [piece for piece, hit in pieces if hit] == found
    assert "".join(piece for piece, _ in pieces) == text
    assert fits(text, query) == bool(found)


def test_a_place_needs_every_word() -> None:
    assert named("My settings", "my sett") and not named("My tasks", "my sett") and not named("My tasks", "")


def test_odd_texts_take_no_time() -> None:
    begun = time.thread_time()
    marked("安阿" * 5_000, "ana" * 60)
    marked("a" * 100_000, "a" * 200)
    assert time.thread_time() - begun < 2
