"""What people type and files hold: tolerant where the meaning is clear, refused where it is not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.registry import TYPES
from patron_testing.fields import make_field

GERMAN = TextFormats(decimal=",", thousands=".", dates=("DD.MM.YYYY",), zone=ZoneInfo("Europe/Berlin"))
AMERICAN = TextFormats(dates=("MM/DD/YYYY",))
SHANGHAI = TextFormats(zone=ZoneInfo("Asia/Shanghai"))
STAGES = [
    {"name": "prospecting", "label": {"en": "Prospecting", "zh-CN": "初步沟通"}, "synonyms": ["初期"]},
    {"name": "won", "label": {"en": "Won, at last", "zh-CN": "赢单"}},
    {"name": "a", "label": "Same"},
    {"name": "b", "label": "Same"},
]
PLACES = [
    {
        "name": "cn",
        "label": "中国",
        "options": [{"name": "zj", "label": "浙江", "options": [{"name": "hz", "label": "杭州"}]}],
    }
]

READ: list[tuple[str, dict[str, Any], str, TextFormats, Any]] = [
    ("decimal", {}, "1,234.50", SHANGHAI, Decimal("1234.50")),
    ("decimal", {}, "1.234,56", GERMAN, Decimal("1234.56")),
    ("decimal", {}, "(5.00)", SHANGHAI, Decimal("-5.00")),
    ("decimal", {}, "１２３．５", SHANGHAI, Decimal("123.5")),
    ("decimal", {}, "-.5", SHANGHAI, Decimal("-0.5")),
    ("decimal", {}, "12,34,567", SHANGHAI, Decimal(1234567)),
    ("percent", {}, "5 %", SHANGHAI, Decimal(5)),
    ("money", {}, "￥12.30", SHANGHAI, Decimal("12.30")),
    ("money", {}, "1.2万", SHANGHAI, Decimal(12000)),
    ("integer", {}, "1,234", SHANGHAI, 1234),
    ("integer", {}, "12.0", SHANGHAI, 12),
    ("duration", {}, "1:30", SHANGHAI, 5400),
    ("duration", {"unit": "minutes"}, "90", SHANGHAI, 5400),
    ("duration", {}, "2小时5分", SHANGHAI, 7500),
    ("boolean", {}, "是", SHANGHAI, True),
    ("boolean", {}, "No", SHANGHAI, False),
    ("select", {"options": STAGES}, "赢单", SHANGHAI, "won"),
    ("select", {"options": STAGES}, "初期", SHANGHAI, "prospecting"),
    ("select", {"options": STAGES}, "PROSPECTING", SHANGHAI, "prospecting"),
    ("multi_select", {"options": STAGES}, "赢单；初期", SHANGHAI, ("prospecting", "won")),
    ("multi_select", {"options": STAGES}, "Won, at last", SHANGHAI, ("won",)),
    ("multi_select", {"options": STAGES}, "won, prospecting", SHANGHAI, ("prospecting", "won")),
    ("tags", {"options": [{"name": "vip", "label": "重要"}]}, "重要; new one", SHANGHAI, ("vip", "new one")),
    ("cascade", {"options": PLACES}, "中国/浙江/杭州", SHANGHAI, "cn/zj/hz"),
    ("cascade", {"options": PLACES}, "杭州", SHANGHAI, "cn/zj/hz"),
    ("date", {}, "2026/1/5", SHANGHAI, date(2026, 1, 5)),
    ("date", {}, "2026年1月5日", SHANGHAI, date(2026, 1, 5)),
    ("date", {}, "20260105", SHANGHAI, date(2026, 1, 5)),
    ("date", {}, "03/04/2026", AMERICAN, date(2026, 3, 4)),
    ("date", {}, "03.04.2026", GERMAN, date(2026, 4, 3)),
    ("date", {}, "2026-01-05 00:00:00", SHANGHAI, date(2026, 1, 5)),
    ("datetime", {}, "2026-05-01 09:30", SHANGHAI, datetime(2026, 5, 1, 1, 30, tzinfo=UTC)),
    ("datetime", {}, "2026/5/1 下午3:05", SHANGHAI, datetime(2026, 5, 1, 7, 5, tzinfo=UTC)),
    ("datetime", {}, "2026-03-29 02:30", GERMAN, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ("datetime", {}, "2026-10-25 02:30", GERMAN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("time", {}, "9:30", SHANGHAI, time(9, 30)),
    ("time", {}, "3:05 PM", SHANGHAI, time(15, 5)),
    (
        "date_range",
        {},
        "2026-05-01 ~ 2026-05-31",
        SHANGHAI,
        {"from": date(2026, 5, 1), "to": date(2026, 5, 31)},
    ),
    ("phone", {}, "13800138000.0", SHANGHAI, "13800138000"),
    ("email", {}, "mailto:Ann@Example.org", SHANGHAI, "ann@example.org"),
    ("url", {}, "example.com/x", SHANGHAI, "https://example.com/x"),
    ("address", {}, "中国|浙江|杭州", SHANGHAI, {"country": "中国", "province": "浙江", "city": "杭州"}),
    ("location", {}, "31.2304, 121.4737", SHANGHAI, {"lat": Decimal("31.2304"), "lng": Decimal("121.4737")}),
    ("text", {"format": "postcode"}, "３１００００", SHANGHAI, "310000"),
]

UNREADABLE = [
    ("decimal", {}, "1.234,56", SHANGHAI, "not_number"),
    ("decimal", {}, "1,23", SHANGHAI, "not_number"),
    ("decimal", {}, "1.5", GERMAN, "not_number"),
    ("integer", {}, "12.5", SHANGHAI, "not_integer"),
    ("date", {}, "03/04/2026", SHANGHAI, "not_date"),
    ("date", {}, "31/02/2026", TextFormats(dates=("DD/MM/YYYY",)), "no_such_date"),
    ("datetime", {}, "2026-05-01 soon", SHANGHAI, "not_time"),
    ("select", {"options": STAGES}, "Same", SHANGHAI, "ambiguous_option"),
    ("select", {"options": STAGES}, "赢但", SHANGHAI, "unknown_option"),
    ("boolean", {}, "maybe", SHANGHAI, "not_boolean"),
]


@pytest.mark.parametrize(("type", "keys", "text", "formats", "value"), READ)
def test_reads(type: str, keys: dict[str, Any], text: str, formats: TextFormats, value: Any) -> None:
    field = make_field(type, **keys)
    assert TYPES[type].read_text(field, text, formats) == value
    assert TYPES[type].reader(field, formats)(text) == value, "a whole column reads as one cell does"


@pytest.mark.parametrize(("type", "keys", "text", "formats", "code"), UNREADABLE)
def test_asks_instead_of_guessing(
    type: str, keys: dict[str, Any], text: str, formats: TextFormats, code: str
) -> None:
    field = make_field(type, **keys)
    for read in (lambda t: TYPES[type].read_text(field, t, formats), TYPES[type].reader(field, formats)):
        with pytest.raises(ValueFault) as refused:
            read(text)
        assert refused.value.code == code


@pytest.mark.parametrize("type", [n for n in TYPES if n not in ("formula", "rollup", "auto_number")])
def test_blank_cells_are_empty(type: str) -> None:
    field = make_field(type, to="account")
    assert TYPES[type].read_text(field, "  ") is None
    assert TYPES[type].reader(field)("") is None


@pytest.mark.parametrize("case", READ, ids=lambda c: f"{c[0]}-{c[2]}"[:40])
def test_exported_text_is_read_again(case: tuple[str, dict[str, Any], str, TextFormats, Any]) -> None:
    type, keys, _, formats, value = case
    field = make_field(type, **keys)
    again = TYPES[type].read_text(field, TYPES[type].to_text(field, value, formats), formats)
    assert again == value
