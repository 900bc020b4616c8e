"""What each type takes on the wire and what it refuses, with the code of the refusal."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from patron_engine.fields.base import ValueFault
from patron_engine.fields.registry import TYPES
from patron_testing.fields import make_field

ID = "0198a5b0-0000-7000-8000-00000000000a"
STAGES = [{"name": "new", "was": "fresh"}, "won", {"name": "lost", "retired": {"to": "won"}}]
PLACES = [{"name": "cn", "options": [{"name": "zj", "options": ["hz"]}]}]

GOOD: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("text", {}, "  Müller \u200d", "Müller \u200d"),
    ("text", {}, "e\u0301", "é"),
    ("text", {}, "   ", None),
    ("text", {"case": "upper"}, "ab1", "AB1"),
    ("text", {"format": "cn_id_card"}, "11010519491231002x", "11010519491231002X"),
    ("text", {"format": "uscc"}, "91350100m000100y43", "91350100M000100Y43"),
    ("text", {"format": "cn_mobile"}, "+86 138-0013-8000", "13800138000"),
    ("text", {"format": "bank_card"}, "6222 0212 3456 7894", "6222021234567894"),
    ("long_text", {}, "a\r\nb\n", "a\nb\n"),
    ("rich_text", {}, "<p onclick='x'>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
    ("rich_text", {}, "<p> &nbsp;</p>", None),
    ("email", {}, "Ann.Lee@Example.ORG", "ann.lee@example.org"),
    ("email", {}, "admin@demo.example", "admin@demo.example"),
    ("phone", {}, "+86 138 0013 8000", "13800138000"),
    ("phone", {}, "+49 30 123456", "+4930123456"),
    ("phone", {}, "010-62551234 ext. 12", "01062551234 ext. 12"),
    ("phone", {}, "8001", "8001"),
    ("url", {}, "https://example.org/a?b=ü", "https://example.org/a?b=ü"),
    ("color", {}, "#FA0", "#ffaa00"),
    ("integer", {}, -12, -12),
    ("integer", {}, "9223372036854775807", 2**63 - 1),
    ("decimal", {}, "12345678901234567.89", Decimal("12345678901234567.89")),
    ("decimal", {}, "-0", Decimal(0)),
    ("money", {}, 100, Decimal(100)),
    ("percent", {}, "10.5", Decimal("10.5")),
    ("rating", {}, 5, 5),
    ("duration", {}, 5400, 5400),
    ("boolean", {}, False, False),
    ("select", {"options": STAGES}, "won", "won"),
    ("select", {"options": STAGES}, "fresh", "new"),
    ("multi_select", {"options": STAGES}, ["won", "new", "won"], ("new", "won")),
    ("multi_select", {"options": STAGES}, [], None),
    ("tags", {"options": ["vip"]}, ["vip", " anything "], ("vip", "anything")),
    ("cascade", {"options": PLACES}, "cn/zj/hz", "cn/zj/hz"),
    ("date", {}, "2024-02-29", date(2024, 2, 29)),
    ("datetime", {}, "2026-05-01T09:30:00+08:00", datetime(2026, 5, 1, 1, 30, tzinfo=UTC)),
    ("datetime", {}, "2026-05-01T09:30Z", datetime(2026, 5, 1, 9, 30, tzinfo=UTC)),
    ("time", {}, "09:30", time(9, 30)),
    ("date_range", {}, {"from": "2026-05-01"}, {"from": date(2026, 5, 1), "to": None}),
    ("lookup", {"to": "account"}, ID.upper(), ID),
    ("lookup", {"to": "account"}, {"id": ID}, ID),
    ("lookup", {"to": ["account", "lead"]}, {"object": "lead", "id": ID}, {"object": "lead", "id": ID}),
    ("lookup", {"to": "account", "many": True}, [ID, ID], (ID,)),
    ("user", {}, "", None),
    ("address", {}, {"city": " 杭州 ", "street": None}, {"city": "杭州"}),
    (
        "location",
        {},
        {"lat": "31.2304", "lng": "121.473701234"},
        {"lat": Decimal("31.2304"), "lng": Decimal("121.4737012")},
    ),
    ("file", {"many": True}, [ID], (ID,)),
    ("image", {}, {"id": ID}, (ID,)),
    ("json", {}, {"a": [1, Decimal("1.5"), None]}, {"a": [1, Decimal("1.5"), None]}),
    ("secret", {}, "tøken", "tøken"),
]

BAD: list[tuple[str, dict[str, Any], Any, str]] = [
    ("text", {}, 5, "not_text"),
    ("text", {}, "a\x00b", "control_character"),
    ("text", {}, "a\nb", "line_break"),
    ("text", {}, "a\ud800b", "not_unicode"),
    ("text", {"format": "cn_id_card"}, "110105194912310021", "format_cn_id_card"),
    ("text", {"format": "cn_id_card"}, "110105194913310020", "format_cn_id_card"),
    ("text", {"format": "uscc"}, "91350100M000100Y44", "format_uscc"),
    ("text", {"format": "postcode"}, "12345", "format_postcode"),
    ("text", {"format": "bank_card"}, "6222021234567890", "format_bank_card"),
    ("long_text", {}, "a\x07", "control_character"),
    ("email", {}, "ann@", "not_email"),
    ("email", {}, "a b@example.org", "not_email"),
    ("phone", {}, "call me", "not_phone"),
    ("phone", {}, "1" * 30, "not_phone"),
    ("url", {}, "javascript:alert(1)", "not_url"),
    ("url", {}, "https://user:pw@example.org", "url_with_login"),
    ("url", {}, "https://[::1", "not_url"),
    ("color", {}, "red", "not_color"),
    *[
        ("decimal", {}, v, "not_number")
        for v in ("NaN", "Infinity", "1e5", "1_000", "１２３", "٣", " 1", "+1", ".5", "1.", "0x1", True, [])
    ],
    ("decimal", {}, 1.5, "decimal_as_number"),
    ("decimal", {}, Decimal("12345678901234567.89"), "decimal_as_number"),
    ("decimal", {}, "1" + "0" * 25, "limit_number"),
    ("money", {}, 10**25, "limit_number"),
    *[("integer", {}, v, "not_integer") for v in ("1.0", "1e3", "２", 1.0, True, {})],
    ("integer", {}, 2**63, "limit_integer"),
    ("integer", {}, -(2**63) - 1, "limit_integer"),
    ("boolean", {}, "true", "not_boolean"),
    ("boolean", {}, 1, "not_boolean"),
    ("select", {"options": STAGES}, "wonn", "unknown_option"),
    ("select", {"options": STAGES}, "Won", "unknown_option"),
    ("select", {"options": STAGES}, 1, "not_option"),
    ("multi_select", {"options": STAGES}, "won", "not_list"),
    ("tags", {}, ["x" * 61], "limit_tag"),
    ("cascade", {"options": PLACES}, "zj", "unknown_option"),
    *[
        ("date", {}, v, "not_date")
        for v in ("infinity", "now", "tomorrow", "epoch", "01/02/2024", "2024-1-5", "10000-01-01", 20240105)
    ],
    ("date", {}, "2023-02-29", "no_such_date"),
    ("date", {}, "0000-01-01", "no_such_date"),
    ("datetime", {}, "2026-05-01T09:30:00", "naive_moment"),
    ("datetime", {}, 1e11, "not_moment"),
    ("datetime", {}, "9999-12-31T23:59:59-23:59", "no_such_moment"),
    ("datetime", {}, "2026-05-01T25:00:00Z", "no_such_moment"),
    ("time", {}, "24:00", "not_time"),
    ("time", {}, "9:30", "not_time"),
    ("date_range", {}, {"from": "2026-05-02", "to": "2026-05-01"}, "range_order"),
    ("date_range", {}, {"start": "2026-05-02"}, "not_range"),
    ("lookup", {"to": "account"}, "42", "not_id"),
    ("lookup", {"to": "account"}, {"id": ID, "object": "lead"}, "wrong_object"),
    ("lookup", {"to": ["account", "lead"]}, ID, "object_missing"),
    ("lookup", {"to": "account", "many": True}, ID, "not_list"),
    ("lookup", {"to": "account", "many": True}, [ID] * 501, "limit_links"),
    ("address", {}, {"town": "x"}, "unknown_part"),
    ("address", {}, "Main Street", "not_address"),
    ("location", {}, {"lat": "91", "lng": "0"}, "not_degrees"),
    ("location", {}, {"lat": 1.5, "lng": 2}, "not_degrees"),
    ("location", {}, {"lat": "1"}, "not_location"),
    ("file", {}, ["../etc/passwd"], "not_id"),
    ("json", {}, float("nan"), "limit_number"),
    ("json", {}, {"a": 2**70}, "limit_integer"),
    ("json", {}, {"a\x00": 1}, "control_character"),
    ("json", {}, "x" * 100_001, "limit_json"),
    ("secret", {}, 5, "not_text"),
    ("formula", {"expression": "1"}, 5, "computed"),
    ("auto_number", {"pattern": "A-{000}"}, "A-001", "computed"),
]


@pytest.mark.parametrize(("type", "keys", "raw", "value"), GOOD)
def test_takes(type: str, keys: dict[str, Any], raw: Any, value: Any) -> None:
    field = make_field(type, **keys)
    read = TYPES[type].read_wire(field, raw)
    assert read == value
    assert TYPES[type].check(field, read) == []


@pytest.mark.parametrize(("type", "keys", "raw", "code"), BAD)
def test_refuses(type: str, keys: dict[str, Any], raw: Any, code: str) -> None:
    with pytest.raises(ValueFault) as refused:
        TYPES[type].read_wire(make_field(type, **keys), raw)
    assert refused.value.code == code
    assert refused.value.message


@pytest.mark.parametrize("type", [n for n in TYPES if n not in ("formula", "rollup", "auto_number")])
def test_null_is_empty_everywhere(type: str) -> None:
    field = make_field(type, to="account")
    assert TYPES[type].read_wire(field, None) is None
    assert TYPES[type].check(field, None) == []
    assert all(v is None for v in TYPES[type].to_columns(field, None))
    assert TYPES[type].to_text(field, None) == ""


@pytest.mark.parametrize("case", GOOD, ids=lambda c: f"{c[0]}-{c[2]!r}"[:40])
def test_columns_give_back_what_was_written(case: tuple[str, dict[str, Any], Any, Any]) -> None:
    type, keys, _, value = case
    field = make_field(type, **keys)
    if type in ("file", "image", "secret") or keys.get("many"):
        return
    written = TYPES[type].to_columns(field, value)
    assert len(written) == len(field.columns)
    assert TYPES[type].from_columns(field, written) == value


@pytest.mark.parametrize("case", GOOD, ids=lambda c: f"{c[0]}-{c[2]!r}"[:40])
def test_what_is_answered_can_be_sent_back(case: tuple[str, dict[str, Any], Any, Any]) -> None:
    type, keys, _, value = case
    field = make_field(type, **keys)
    if type in ("secret", "json"):
        return
    assert TYPES[type].read_wire(field, TYPES[type].to_wire(field, value)) == value


CHECKED: list[tuple[str, dict[str, Any], Any, list[str]]] = [
    ("text", {"max_length": 3}, "日本語", []),
    ("text", {"max_length": 3}, "日本語x", ["too_long"]),
    ("text", {}, "x" * 256, ["too_long"]),
    ("text", {"pattern": "[A-Z]{2}[0-9]+"}, "AB12", []),
    ("text", {"pattern": "[A-Z]{2}[0-9]+"}, "AB12x", ["pattern"]),
    ("text", {"pattern": "(a+)+b"}, "a" * 200, ["pattern"]),
    ("integer", {"min": 1, "max": 10}, 0, ["too_small"]),
    ("integer", {"min": 1, "max": 10}, 10, []),
    ("integer", {"min": 1, "max": 10}, 11, ["too_large"]),
    ("decimal", {"scale": 2}, Decimal("1.250"), []),
    ("decimal", {"scale": 2}, Decimal("1.255"), ["too_many_decimals"]),
    ("decimal", {}, Decimal("0.12345678901"), ["too_many_decimals"]),
    ("money", {}, Decimal("1234567890123456789012345.67"), []),
    ("money", {}, Decimal("0.005"), ["too_many_decimals"]),
    ("money", {"scale": 4}, Decimal("0.0055"), []),
    ("rating", {}, 6, ["too_large"]),
    ("rating", {"max": 10}, 6, []),
    ("select", {"options": STAGES}, "lost", ["retired_option"]),
    ("multi_select", {"options": STAGES}, ("won", "lost"), ["retired_option"]),
    ("date", {"min": "2020-01-01"}, date(2019, 12, 31), ["too_small"]),
    ("date", {"max": "2020-01-01"}, date(2020, 1, 1), []),
    ("time", {"max": "18:00"}, time(18, 0, 1), ["too_large"]),
    ("address", {}, {"street": "x" * 256}, ["too_long"]),
    ("image", {}, (ID, ID), ["limit_files"]),
]


@pytest.mark.parametrize(("type", "keys", "value", "codes"), CHECKED)
def test_checks(type: str, keys: dict[str, Any], value: Any, codes: list[str]) -> None:
    field = make_field(type, **keys)
    assert [code for code, _, _ in TYPES[type].check(field, value)] == codes
    prepared = TYPES[type].checker(field)
    assert [code for code, _, _ in (prepared(value) if prepared else [])] == codes
