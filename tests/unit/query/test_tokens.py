"""Tokens: what was saved is found by what people type, and by nothing else."""

from __future__ import annotations

import pytest

from patron_engine.query.tokens import MOST_RUNS, MOST_TOKENS, tokens_of, wanted


def found(query: str, *texts: str) -> bool:
    tokens = set(tokens_of(texts))
    return all(any(set(way) <= tokens for way in run) for run in wanted(query))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("华为", "华为技术有限公司"), ("技术", "华为技术有限公司"), ("华", "华为"), ("huawei", "华为技术"),
        ("hua", "华为"), ("hw", "华为"), ("hwjs", "华为技术"), ("HUAWEI", "华为"), ("chongqing", "重庆"),
        ("xian", "西安"), ("lv", "绿地"), ("acme", "Acme Ltd"), ("ac", "Acme"), ("ACME", "acme"),
        ("corporation", "Acme Corporation"), ("cafe", "Café"), ("acme", "ＡＣＭＥ"), ("8000", "13800138000"),
        ("13800138000", "138 0013 8000x13800138000"), ("138", "13800138000"), ("gtx", "GTX-Pro 500"),
        ("500", "GTX-Pro 500"), ("pro gtx", "GTX-Pro"), ("华为 8000", "华为 13800138000"), ("İstanbul", "istanbul"),
    ],
)  # fmt: skip
def test_found(query: str, text: str) -> None:
    assert found(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("华术", "华为技术"), ("为华", "华为"), ("huaweb", "华为"), ("wh", "华为"), ("cme", "Acme"), ("8002", "13800138000"),
        ("acme limited", "Acme Corporation"), ("1380013800099", "13800138000"),
    ],
)  # fmt: skip
def test_not_found(query: str, text: str) -> None:
    assert not found(query, text)


def test_words_are_cut_and_counted() -> None:
    assert len(tokens_of([" ".join(f"word{i}x" for i in range(5_000))])) == MOST_TOKENS
    assert len(wanted("a b " * 500)) <= MOST_RUNS
    assert wanted("!!! --- ...") == ()
    assert tokens_of(["", "   ", "!"]) == []


def test_a_second_word_may_be_begun() -> None:
    """While one types "GTX P", what "GTX" finds stays; a letter with a space after it is a word."""
    assert found("gtx p", "GTX Plus Pro") and found("gtx pl", "GTX Plus Pro") and found("华为 j", "华为技术")
    assert not found("plan b ", "Plan A") and not found("gtx px", "GTX Plus Pro")
    assert not found("g", "GTX") and found("g", "Plan G")
