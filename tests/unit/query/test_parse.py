"""A query's form: what an address or a body may hold, and every fault of it at once."""

from __future__ import annotations

from typing import Any

import pytest

from patron_engine.errors import Refused
from patron_engine.query.parse import parse_body, parse_parameters
from patron_engine.query.spec import DEFAULT_LIMIT, MAX_FIELDS, MAX_IDS, MAX_LIMIT, MAX_SORT, Ask


def codes(object: str, body: dict[str, Any]) -> list[tuple[str, str | None]]:
    with pytest.raises(Refused) as refused:
        parse_body(object, body)
    return [(p.code, p.path) for p in refused.value.problems]


def test_an_address_and_a_body_say_the_same() -> None:
    given = {
        "where": "a > 1",
        "sort": "-b,c",
        "fields": "a,b.c",
        "limit": "7",
        "count": "exact",
        "deleted": "true",
    }
    body = {
        "where": "a > 1", "sort": ["-b", "c"], "fields": ["a", "b.c"], "limit": 7, "count": "exact", "deleted": True
    }  # fmt: skip
    wanted = Ask(
        object="deal",
        where="a > 1",
        sort=("-b", "c"),
        fields=("a", "b.c"),
        limit=7,
        count="exact",
        deleted=True,
    )
    assert parse_parameters("deal", given) == parse_body("deal", body) == wanted


def test_silence_is_the_defaults() -> None:
    assert parse_parameters("deal", {}) == Ask(object="deal", limit=DEFAULT_LIMIT)
    assert parse_parameters("deal", {"where": "", "fields": "", "sort": ""}) == Ask(object="deal")


@pytest.mark.parametrize(
    "limit", ["0", "-1", str(MAX_LIMIT + 1), "1e3", "٣", "１", " 5", "5.0", "9" * 30, "nan", ""]
)
def test_limits_are_small_whole_numbers(limit: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_parameters("deal", {"limit": limit})
    assert {p.path for p in refused.value.problems} == {"limit"}


def test_the_limit_itself_is_allowed() -> None:
    assert parse_parameters("deal", {"limit": str(MAX_LIMIT)}).limit == MAX_LIMIT


def test_unknown_parameters_are_named_with_the_nearest() -> None:
    with pytest.raises(Refused) as refused:
        parse_parameters("deal", {"feilds": "a", "order_by": "b"})
    assert next((p.code, p.path, p.hint) for p in refused.value.problems) == (
        "unknown_parameter", "feilds", "did you mean 'fields'?"
    )  # fmt: skip
    assert len(refused.value.problems) == 2


def test_all_faults_are_told_at_once() -> None:
    found = codes(
        "deal", {"where": 1, "limit": True, "count": "all", "deleted": "yes", "fields": "a", "sort": [1]}
    )
    assert sorted(found, key=str) == sorted(
        [
            ("not_text", "where"), ("not_integer", "limit"), ("unknown_value", "count"), ("not_boolean", "deleted"),
            ("not_list", "fields"), ("not_list", "sort"),
        ],
        key=str,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "most", "code"),
    [("fields", MAX_FIELDS, "query_fields"), ("sort", MAX_SORT, "query_sort"), ("ids", MAX_IDS, "query_ids")],
)
def test_lists_have_limits_with_names(name: str, most: int, code: str) -> None:
    assert parse_body("deal", {name: [f"x{i}" for i in range(most)]})
    assert codes("deal", {name: [f"x{i}" for i in range(most + 1)]}) == [(code, name)]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_texts_no_database_takes_are_refused_with_their_place(text: str) -> None:
    assert codes("deal", {"q": text}) == [("bad_characters", "q")]
