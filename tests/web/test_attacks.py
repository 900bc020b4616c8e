"""Bodies, numbers, dates, filters and formulas as attackers and broken clients send them: refused with the place, never a
5xx, and nothing is changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from patron_testing.web import V1, Api, Opened

BACKSLASH = chr(92)


@pytest.fixture(autouse=True)
def nothing_changes(opened: Opened) -> Iterator[None]:
    """The oracle of every case."""
    before = counts(opened)
    yield
    assert counts(opened) == before


def counts(opened: Opened) -> tuple[Any, ...]:
    """How many rows there are where the cases try to make some, deleted ones included."""
    tables = ("yd_job", "yd_line", "yd_place", "user", "account", "sys__history", "sys__release")
    parts = sql.SQL(", ").join(
        sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier("w_acme", name)) for name in tables
    )
    with opened.service.databases.system("publish") as conn:
        row = conn.execute(sql.SQL("SELECT ") + parts).fetchone()
    assert row is not None
    return tuple(row)


def raw(api: Api, data: bytes, content_type: str = "application/json", path: str = "/records/yd_job") -> Any:
    return api.call("POST", path, content=data, headers={"Content-Type": content_type})


# -- I: bodies --------------------------------------------------------------------------------------------------

SYSTEM = ("id", "tenant_id", "workspace", "created_by", "created_at", "updated_at", "version", "is_admin", "role",
          "deleted_at", "voided_at", "_sa_instance_state", "__class__", "delete_batch", "department")  # fmt: skip


@pytest.mark.parametrize("key", SYSTEM)
def test_keys_that_are_not_the_callers(admin: Api, key: str) -> None:
    said = admin.post("/records/yd_job", {"name": "x", key: "1"})
    assert said.status_code == 422, said.text
    assert said.json()["problems"][0]["field"] == key


@pytest.mark.parametrize("key", ["number", "total", "left", "days_open", "berth_name", "line_count"])
def test_what_the_platform_computes_is_not_written(admin: Api, key: str) -> None:
    said = admin.post("/records/yd_job", {"name": "x", key: 1})
    assert said.status_code == 422 and said.json()["problems"][0]["field"] == key


def test_nothing_is_written_through_a_link(admin: Api) -> None:
    said = admin.post("/records/yd_job", {"name": "x", "berth": {"name": "Dock", "size": 1}})
    assert said.status_code == 422 and said.json()["problems"][0]["field"].startswith("berth")
    assert (
        admin.post("/records/yd_job", {"name": "x", "about": {"object": "user", "id": "1"}}).status_code
        == 422
    )
    assert admin.post("/records/yd_job", {"name": "x", "visiting": [{"name": "x"}]}).status_code == 422


BODIES = {
    "duplicate keys": (b'{"name":"a","name":"b"}', 400, "duplicate_key"),
    "duplicate keys within": (b'{"name":"a","lines":[{"what":"a","what":"b"}]}', 400, "duplicate_key"),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, 400, "body_depth"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "body_depth"),
    "deep and open": (b"[" * 100_000, 400, "body_depth"),
    "5,000 digits": (b'{"name":"x","crew":' + b"9" * 5_000 + b"}", 400, "number_digits"),
    "1e400": (b'{"name":"x","budget":1e400}', 400, "number_range"),
    "1e-400": (b'{"name":"x","budget":1e-400}', 400, "number_range"),
    "1e99999999999999999999": (b'{"name":"x","budget":1e99999999999999999999}', 400, "number_range"),
    "NaN": (b'{"name":"x","budget":NaN}', 400, "number_range"),
    "Infinity": (b'{"name":"x","budget":-Infinity}', 400, "number_range"),
    "UTF-16": ('{"name":"x"}'.encode("utf-16"), 400, None),
    "bad UTF-8": (b'{"name":"\xff\xfe"}', 400, "not_utf8"),
    "overlong UTF-8": (b'{"name":"\xc0\xaf"}', 400, "not_utf8"),
    "NUL": (b'{"name":"a' + BACKSLASH.encode() + b'u0000"}', 400, "bad_character"),
    "half a character": (b'{"name":"a' + BACKSLASH.encode() + b'ud800"}', 400, "bad_character"),
    "control characters": (b'{"name":"a' + BACKSLASH.encode() + b'u0007"}', 400, "bad_character"),
    "NUL in a key": (b'{"na' + BACKSLASH.encode() + b'u0000me":"a"}', 400, "bad_character"),
    "raw line feed in a text": (b'{"name":"a\nb"}', 400, "not_json"),
    "comment": (b'{"name":"a"} // x', 400, "not_json"),
    "single quotes": (b"{'name':'a'}", 400, "not_json"),
    "trailing comma": (b'{"name":"a",}', 400, "not_json"),
    "two values": (b'{"name":"a"}{"name":"b"}', 400, "not_json"),
    "a list": (b"[]", 400, "bad_body"),
    "a text": (b'"name"', 400, "bad_body"),
    "null": (b"null", 400, "bad_body"),
    "only blanks": (b"   ", 400, "not_json"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(admin: Api, name: str) -> None:
    data, status, code = BODIES[name]
    begun = time.perf_counter()
    said = raw(admin, data)
    assert time.perf_counter() - begun < 60
    assert said.status_code == status, said.text
    assert code is None or said.json()["code"] == code
    assert len(said.content) < 1_000, "what was sent is not sent back"


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/json; charset=utf-16", "application/jsonx"],
)  # fmt: skip
def test_other_content_types(admin: Api, kind: str) -> None:
    assert raw(admin, b'{"name":"x"}', kind).status_code == 415


def test_bodies_that_are_too_large(admin: Api) -> None:
    begun = time.perf_counter()
    assert raw(admin, b"a=1&" * 2_500_000, "application/x-www-form-urlencoded").status_code == 413
    assert raw(admin, b'{"name":"' + b"x" * 9_000_000 + b'"}').status_code == 413
    said = admin.call("POST", "/records/yd_job", content=b"{}", headers={"Content-Length": "-5"})
    assert said.status_code in (400, 413)
    assert raw(admin, b"[" + b"1," * 250_000 + b"1]").status_code in (400, 413, 422)
    assert time.perf_counter() - begun < 60


@pytest.mark.parametrize(
    "limit", ["1000000000", "-1", "0", "1.5", "x", "", "1_0", "１０", "99999999999999999999"]
)
def test_limits_of_a_page(admin: Api, limit: str) -> None:
    assert admin.get("/records/yd_job", params={"limit": limit}).status_code == 422


def test_a_question_that_asks_too_much(admin: Api) -> None:
    many = ",".join(f"name{n}" for n in range(5_000))
    assert admin.get("/records/yd_job", params={"fields": many}).status_code == 422
    deep = ".".join(["parent"] * 12) + ".name"
    assert admin.get("/records/yd_place", params={"fields": deep}).status_code == 422
    assert admin.post("/records/yd_job/query", {"fields": ["name"] * 1_000}).status_code in (200, 422)
    ids = " or ".join(f"crew == {n}" for n in range(3_000))
    assert admin.post("/records/yd_job/query", {"where": ids}).status_code == 422
    crowd = "crew in (" + ",".join(str(n) for n in range(66_000)) + ")"
    assert admin.post("/records/yd_job/query", {"where": crowd}).status_code in (200, 422)
    assert admin.get("/records/yd_job", params={"offset": "1000000000000"}).status_code == 422
    twice = f"{V1}/records/yd_job?limit=1&limit=2"
    assert admin.client.get(twice, headers=admin.headers).status_code == 422


# -- J: values --------------------------------------------------------------------------------------------------

VALUES: dict[str, list[Any]] = {
    "budget": ["NaN", "Infinity", "1_000", "１２３", "٣", " 1", "1,000", "12 EUR", "1e999999", "0x10", True, [], {},
               "1234567890123456789012345678901234567890", 12345678901234567.891, 0.1, -1, "-0.01"],
    "crew": [2**63, -(2**63) - 1, "9" * 30, 1.5, "1.5", True, "١", -1, 501],
    "care": [6, -1, 2.5, "many"],
    "share": ["NaN", 12.345678],
    "urgent": ["yes", 1, 0, "true ", []],
    "begun_on": ["infinity", "-infinity", "now", "tomorrow", "epoch", "0044-03-15 BC", "10000-01-01", "01/02/2024",
                 "2024-02-30", "2024-1-1", 20240101, "2024-01-01T00:00:00Z", "0000-01-01"],
    "due_at": ["2026-01-01T10:00:00", 100000000000, "9999-12-31T23:59:59-23:59", "now", "infinity", "2026-01-01",
               "2026-01-01T25:00:00Z", "2026-01-01T10:00:00+99:00"],
    "bell": ["25:00", "12:60", "noon", 12],
    "stay": [{"from": "2026-02-01", "to": "2026-01-01"}, {"from": "infinity", "to": None}, {"x": 1}, "2026", []],
    "class": ["Repair", "", "repair; drop table x", 1, ["repair"]],
    "tools": ["saw", ["saw", "x"], [1], {"saw": True}],
    "wood": ["oak", "hard/pine", "hard//oak", 5],
    "mail": ["a", "a@", "@b.example", "a b@c.example", "a@b.example\nBcc: x@y.example"],
    "code": ["ab-1", "AB-1; drop", "x" * 1_000],
    "name": ["", "   ", "x" * 81, "x" * 5_000_000, 5, {"en": "x"}, None],
    "berth": ["x", "00000000-0000-7000-8000-000000000000", {"name": "nowhere"}, {"nmae": "x"}, {}, 5, ["x"]],
    "places": ["x", [["x"]], {"name": "x"}, ["00000000-0000-7000-8000-000000000000"]],
    "record_type": ["x", 5, True, [], {}, {"id": "x"}, ["x"]],
    "hours": ["1h", -1, 1.5, 2**63],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(f, v) for f, vs in VALUES.items() for v in vs], ids=lambda v: repr(v)[:40]
)
def test_values_no_field_takes(admin: Api, field: str, value: Any) -> None:
    said = admin.post("/records/yd_job", {"name": "x", field: value})
    assert said.status_code in (400, 422), f"{said.status_code} {said.text[:300]}"
    assert said.json()["problems"][0]["field"].startswith(field), said.text[:300]
    assert len(said.content) < 5_000


# -- D: names and filters ---------------------------------------------------------------------------------------

SORTS = ("amount; DROP TABLE x--", "(select pg_sleep(5))", "field(strcmp(name,'x'),-1)", "CASE WHEN crew>5 THEN 1 END",
         "name desc nulls last, 1", "name ", "NAME", "ｎame", "name\x00", "--name", "-", ",", "name,,crew", "ctid", "name__sort",
         "pass", "more", "places", "1", "*")  # fmt: skip
WHERES = ('{"= 1 or 1=1 --":2}', 'name") or 1=1--', "name == 'x'; drop table y", "pg_sleep(5) == 1", "set_config('a','b') == 'x'",
          "query_to_xml('x') == 'y'", "lo_import('/etc/passwd') == 1", "9**9**9 > 1", "4000000**4000000 > 1",
          "'%1000000000d' % 1 == 'x'", "'a'.ljust(10**9) == 'a'", "f'{1:>1000000000}' == 'a'",
          "().__class__.__bases__[0].__subclasses__()", "int.from_bytes('a')", "-" * 100_000 + "1 == 1", "(" * 300 + "1" + ")" * 300,
          "+".join(["1"] * 2_000) + " > 1", "x" * 1_000_000, "name == 'a\x00'", "name\ufffe == 'a'", "1; 2", "x = 5 = 6",
          "import os", "lambda: 1", "(y := 2) == 2", "[x for x in (1,2)]", "{**a}", "*a", "tags.append(1)", "owner.delete()",
          "record.session.execute('x')", "'5' + 5 == 10", "true + 1 == 2", "begun_on + name == 1", "1 < 'a'", "ROUND() == 1",
          "ROUND(1, 2, 3) == 1", "ROUND(x=1) == 1", "ROUND == 1", "START_OF(begun_on, 'year from now()') == TODAY()",
          "MATCHES(name, '(?P<x>a)(?P=x)')", "pass == 'x'", "name", "crew + 1", "old.name == 'x'", "this.name == 'x'",
          "steps.x == 1", "ctid == 'x'", "nmae == 'x'", "class.name == 'x'")  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
def test_sorts_that_are_none(admin: Api, sort: str) -> None:
    begun = time.perf_counter()
    said = admin.get("/records/yd_job", params={"sort": sort})
    assert said.status_code == 422, said.text
    assert time.perf_counter() - begun < 60


@pytest.mark.parametrize("where", WHERES, ids=lambda w: w[:40])
def test_conditions_that_are_none(admin: Api, where: str) -> None:
    begun = time.perf_counter()
    said = admin.post("/records/yd_job/query", {"where": where})
    assert said.status_code in (400, 422), said.text[:300]
    assert time.perf_counter() - begun < 60
    assert len(said.content) < 5_000


@pytest.mark.parametrize(
    "words", ["a & ! (", ":*", ",", "的", "'; drop table x --", "x " * 90, "%", "\\", "AND OR NOT"]
)
def test_words_to_search_for(admin: Api, words: str) -> None:
    begun = time.perf_counter()
    assert admin.get("/search", params={"q": words}).status_code in (200, 422)
    assert admin.get("/records/yd_job", params={"q": words}).status_code in (200, 422)
    assert time.perf_counter() - begun < 60


@pytest.mark.parametrize(
    "path",
    ["/records/yd_job/x", "/records/yd_job/%00", "/records/yd_job/..%2f..%2fx", "/records/pg_class", "/records/__class__",
     "/records/yd_job%22", "/records/yd_job/00000000-0000-7000-8000-000000000000/related/__dict__", "/objects/%00",
     "/records/yd_job/by/pass/x", "/definitions/object/%00", "/drafts/x", "/records//", "/nothing", "/records/sys__state"],
)  # fmt: skip
def test_addresses_of_nothing(admin: Api, path: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        said = admin.call(method, path, **({} if method in ("GET", "DELETE") else {"json": {}}))
        assert said.status_code in (400, 404, 405, 422), (
            f"{method} {path}: {said.status_code} {said.text[:200]}"
        )
        assert said.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "header", ["If-Match", "If-None-Match", "Idempotency-Key", "Accept-Language", "Authorization"]
)
@pytest.mark.parametrize("value", ["\xff", "x" * 5_000, '"', "*", "-1", "q=" * 100, "9" * 40, "%00"])
def test_headers(opened: Opened, header: str, value: str) -> None:
    headers = {**opened.admin.headers, header: value.encode("latin-1")}
    body = json.dumps({"nmae": "x"})
    said = opened.client.request(
        "POST", f"{V1}/records/yd_job", content=body, headers={**headers, "Content-Type": "application/json"}
    )
    assert said.status_code in (400, 401, 412, 422), said.text


def test_a_link_named_currency_is_not_the_platforms_currency(admin: Api) -> None:
    """Found by random bodies: the workspace's currency, a text, was put into a rate's link to a currency."""
    said = admin.post("/records/rate", {})
    assert said.status_code == 422, said.text
    assert {p["field"] for p in said.json()["problems"]} == {"currency", "rate"}
