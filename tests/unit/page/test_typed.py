"""What a form sends: which of its fields a person gave, which rows are blank, what a save is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.errors import LimitExceeded
from patron_engine.expr.types import TEXT
from patron_engine.fields.alike import core, folded
from patron_engine.fields.field import Field
from patron_engine.page.reader import Reader
from patron_engine.page.typed import Typed, as_drawn, span, typed_of, written

READER = Reader(
    languages=("en",), zone=ZoneInfo("Asia/Shanghai"), currency="CNY", now=datetime(2026, 11, 26, tzinfo=UTC)
)
OBJECT: Any = SimpleNamespace(details=("lines",))


def field(type: str) -> Field:
    return Field(object="thing", name="it", type=type, expr=TEXT)


def given(*pairs: tuple[str, str]) -> set[str]:
    return set(typed_of(OBJECT, pairs).given)


def test_only_what_differs_from_what_was_drawn_was_given() -> None:
    assert given(("a", "1"), ("_was.a", "1"), ("b", "2"), ("_was.b", "1"), ("c", "")) == {"b"}
    assert given(("_was.d", "1")) == {"d"}  # a list that was emptied
    assert given(("a", "x\r\ny"), ("_was.a", "x\ny")) == set()


def test_a_box_says_no_before_it_says_yes() -> None:
    drawn = ("_was.a", "false")
    assert given(("a", "false"), drawn) == set()
    assert given(("a", "false"), ("a", "true"), drawn) == {"a"}
    assert given(("a", "false"), ("_was.a", "true")) == {"a"}


def test_a_text_that_says_false_is_a_text() -> None:
    assert given(("a", "false")) == {"a"}


def test_rows_nobody_wrote_in_are_blank() -> None:
    typed = typed_of(OBJECT, [
        ("lines.n1.quantity", "1"), ("_was.lines.n1.quantity", "1"), ("lines.n2.quantity", "2"),
        ("_was.lines.n2.quantity", "1"), ("lines.ab-1._row", "1"), ("lines.cd-2._delete", "true"),
    ])  # fmt: skip
    assert [r.key for r in typed.rows["lines"] if r.blank] == ["n1"]
    assert [(r.key, r.id, r.delete) for r in typed.kept("lines")] == [
        ("n2", None, False), ("ab-1", "ab-1", False), ("cd-2", "cd-2", True),
    ]  # fmt: skip


def test_a_set_has_so_many_rows_and_no_more() -> None:
    with pytest.raises(LimitExceeded):
        typed_of(OBJECT, [(f"lines.n{n}.a", "1") for n in range(2_001)])


@pytest.mark.parametrize(
    ("type", "value", "texts"),
    [
        ("datetime", "2026-11-26T02:30:00+00:00", [("it", "2026-11-26T10:30")]),
        ("duration", 5400, [("it", "1:30")]),
        ("boolean", None, [("it", "false")]),
        ("boolean", True, [("it", "true")]),
        ("tags", ["a", "b"], [("it", "a"), ("it", "b")]),
        ("date_range", {"from": "2026-11-01", "to": None}, [("it.from", "2026-11-01")]),
        ("json", {"a": 1}, [("it", '{"a":1}')]),
        ("secret", True, []),
        ("lookup", {"id": "1", "title": "One"}, [("it", "1")]),
    ],
)
def test_a_value_is_written_as_its_form_sends_it(type: str, value: Any, texts: list[tuple[str, str]]) -> None:
    assert list(written(field(type), "it", value, READER)) == texts


def test_what_nobody_else_changed_is_as_it_was_drawn() -> None:
    typed = Typed(was={"it": {"": ("2026-11-26T10:30",)}})
    assert as_drawn(field("datetime"), typed, "2026-11-26T02:30:00+00:00", READER)
    assert not as_drawn(field("datetime"), typed, "2026-11-26T02:31:00+00:00", READER)


def test_companies_are_compared_without_their_legal_form() -> None:
    assert core("上海海洋科技有限公司") == core("上海海洋科技（集团）股份有限公司") == "上海海洋科技"
    assert core("Acme Ltd.") == core("ACME Inc") == "acme"
    assert folded("ＡＢ  c") == "ab c"


def test_spans_are_read_as_they_are_written() -> None:
    assert [span(n) for n in (0, 59, 3600, -90)] == ["0:00", "0:00:59", "1:00", "-0:01:30"]
