"""Every type of field through the way read: what PostgreSQL writes as JSON is what the field types say, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_engine.fields.registry import type_of
from patron_engine.fields.vault import Vault
from patron_engine.jsonio import dumps, loads
from patron_engine.model.compile import compile_model
from patron_engine.query.spec import Ask
from patron_engine.query.values import fetch_values
from patron_engine.ways.read import read, read_one, rows
from patron_testing import build
from patron_testing.build import Records
from patron_testing.pg import Server

SECRET = b"a key of the tests"
DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en, zh-CN]
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
---
kind: object
name: group
label: Group
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: above, type: lookup, to: group, tree: true, label: Above, reverse: below}
  - {name: things_sum, type: rollup, of: things, function: sum, field: price, where: "day < TODAY()", label: Past}
  - {name: things_all, type: rollup, of: things, function: concat, field: name, where: "day > TODAY()", label: Names}
  - {name: things_avg, type: rollup, of: things, function: avg, field: price, where: "group.name != name", label: Avg}
  - {name: first_thing, type: rollup, of: things, function: first, field: name, sort: [-price], where: "day <= TODAY()", label: First}
  - {name: last_thing, type: rollup, of: things, function: last, field: name, sort: [-price], where: "day <= TODAY()", label: Last}
  - {name: kinds, type: rollup, of: things, function: count_distinct, field: pick, where: "day <= TODAY()", label: Kinds}
  - {name: whole_tree, type: rollup, of: below, function: count, deep: true, where: "created_at <= NOW()", label: Tree}
---
kind: object
name: thing
label: Thing
title: name
currency: record
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: group, type: lookup, to: group, label: Group}
  - {name: long, type: long_text, label: Long}
  - {name: rich, type: rich_text, label: Rich}
  - {name: mail, type: email, label: Mail}
  - {name: phone, type: phone, label: Phone}
  - {name: site, type: url, label: Site}
  - {name: code, type: barcode, label: Code}
  - {name: shade, type: color, label: Shade}
  - {name: whole, type: integer, label: Whole}
  - {name: exact, type: decimal, scale: 4, label: Exact}
  - {name: share, type: percent, label: Share}
  - {name: price, type: money, label: Price}
  - {name: stars, type: rating, label: Stars}
  - {name: span, type: duration, label: Span}
  - {name: yes, type: boolean, label: Yes}
  - {name: pick, type: select, label: Pick, options: [{name: a}, {name: b2, was: [b]}, {name: c}]}
  - {name: picks, type: multi_select, label: Picks, options: [{name: x}, {name: y}]}
  - {name: words, type: tags, label: Words, options: []}
  - {name: place, type: cascade, label: Place, options: [{name: cn, options: [{name: zj}, {name: sh}]}, {name: us}]}
  - {name: day, type: date, label: Day}
  - {name: moment, type: datetime, label: Moment}
  - {name: clock, type: time, label: Clock}
  - {name: period, type: date_range, label: Period}
  - {name: home, type: address, label: Home}
  - {name: spot, type: location, label: Spot}
  - {name: any, type: json, label: Any}
  - {name: hush, type: secret, label: Hush}
  - {name: sealed, type: text, encrypted: true, label: Sealed}
  - {name: people, type: user, many: true, label: People}
  - {name: person, type: user, label: Person}
  - {name: paper, type: file, many: true, label: Paper}
  - {name: stored, type: formula, expression: "exact * 2", label: Stored}
  - {name: computed, type: formula, expression: "whole + LEN(group.name)", label: Computed}
  - {name: is_past, type: formula, expression: "day < TODAY()", label: Past}
  - {name: next_day, type: formula, expression: "IF(TODAY() > day, day + 1, none)", label: Next}
  - {name: group_name, type: formula, expression: "group.name", label: Group name}
  - {name: top, type: formula, expression: "group.above", label: Top}
  - {name: mine, type: formula, expression: "person == me()", label: Mine}
  - {name: late, type: formula, expression: "NOW()", label: Now}
"""
FULL: dict[str, Any] = {
    "name": "张三 \"quoted\" \\ <b>\u2028", "long": "a\nb", "rich": "<p>x</p>", "mail": "a@b.cn", "phone": "13800138000",
    "site": "https://example.org/a?b=1", "code": "690", "shade": "#ff0000", "whole": 9007199254740993, "exact": "1.5000",
    "share": "12.5", "price": "100.10", "stars": 3, "span": 3600, "yes": False, "pick": "b2", "picks": ["y", "x"],
    "words": ["vip", "新"], "place": "cn/sh", "day": "2024-02-29", "moment": "2024-02-29T23:59:59.120000+08:00",
    "clock": "09:30", "period": {"from": "2024-01-01", "to": None}, "home": {"city": "上海", "street": "A"},
    "spot": {"lat": "31.2304", "lng": "-121.5"}, "any": {"a": [1, None, "x"]}, "hush": "token",
    "sealed": "110101199003070000",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            build, "compile_model", partial(compile_model, vault=Vault(b"a key of the tests, 32 bytes long"))
        )
        yield Records(conn, build.build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.fixture
def r(built: Records) -> Iterator[Records]:
    with built.conn.transaction(force_rollback=True):
        yield built


def test_json_from_the_database_is_the_wire_form_of_every_type(r: Records) -> None:
    person = r.create("user", name="Li")
    group = r.create("group", name="G", above=r.create("group", name="Top"))
    full = r.create("thing", **FULL, group=group, person=person, people=[person])
    bare = r.create("thing", name="bare")
    fields = tuple(
        n for n in r.call.model.objects["thing"].fields if n not in ("hush", "deleted_at", "sealed")
    )
    ask = Ask(object="thing", fields=fields)
    shown = {row["id"]: row for row in read(r.conn, r.call, ask, secret=SECRET).rows()}
    values = {row["id"]: row for row in rows(r.conn, r.call, ask)}
    for id in (full, bare):
        for name in fields:
            field = r.call.model.objects["thing"].fields[name]
            wire = loads(_json(type_of(field).to_wire(field, values[id][name])))
            seen = shown[id][name]
            if field.expr.kind == "link" and name != "id" and isinstance(seen, dict):
                seen = seen["id"]
            elif name == "people":
                seen = [x["id"] for x in seen]
            assert seen == wire, name
    assert shown[full]["person"] == {"id": person, "title": "Li"}
    assert shown[full]["top"]["title"] == "Top"
    assert shown[full]["moment"] == "2024-02-29T15:59:59.120000Z"
    assert (shown[full]["price"], shown[full]["exact"], shown[full]["whole"]) == (
        "100.1",
        "1.5",
        9007199254740993,
    )
    assert shown[full]["period"] == {"from": "2024-01-01", "to": None} and shown[bare]["period"] is None
    assert shown[full]["pick"] == "b2" and shown[full]["computed"] == "9007199254740994"
    assert shown[full]["is_past"] is True and shown[bare]["is_past"] is False
    assert "hush" not in read_one(r.conn, r.call, "thing", full).record()


def test_sealed_values_are_opened_for_the_answer_and_neither_sorted_nor_searched_by(r: Records) -> None:
    id = r.create("thing", **FULL)
    r.create("thing", name="bare")
    record = read_one(r.conn, r.call, "thing", id).record()
    assert (
        record["sealed"] == "110101199003070000" and record["price"] == "100.1" and record["person"] is None
    )
    assert read_one(r.conn, r.call, "thing", id, fields=("sealed",)).record() == {
        "sealed": "110101199003070000"
    }
    ask = Ask(object="thing", fields=("name", "sealed", "group.name"), sort=("-name",))
    assert [x["sealed"] for x in read(r.conn, r.call, ask, secret=SECRET).rows()] == [
        "110101199003070000",
        None,
    ]
    for wrong in (
        {"sort": ("sealed",)},
        {"where": "sealed > 'a'"},
        {"where": "CONTAINS(sealed, '1')"},
        {"where": "hush == 'x'"},
    ):
        with pytest.raises(Refused):
            read(r.conn, r.call, Ask(object="thing", **wrong), secret=SECRET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("sealed == '110101199003070000'", 1), ("sealed == '110101199003070001'", 0), ("'110101199003070000' == sealed", 1),
        ("sealed != '110101199003070000'", 1), ("not (sealed == '110101199003070000')", 1), ("sealed == None", 1),
        ("sealed != None", 1), ("sealed in ('x', '110101199003070000')", 1), ("sealed not in ('x', 'y')", 2),
        ("ISBLANK(sealed)", 1), ("sealed == 'x' or name == 'bare'", 1),
    ],
)  # fmt: skip
def test_sealed_values_are_found_by_equality_alone(r: Records, where: str, wanted: int) -> None:
    r.create("thing", **FULL)
    r.create("thing", name="bare")
    found = read(r.conn, r.call, Ask(object="thing", fields=("name",), where=where), secret=SECRET).rows()
    assert len(found) == wanted


def test_the_next_condition_of_the_same_form_asks_for_its_own_value(r: Records) -> None:
    r.create("thing", **FULL)
    for text, wanted in (("110101199003070000", 1), ("220101199003070000", 0), ("110101199003070000", 1)):
        ask = Ask(object="thing", fields=("name",), where=f"sealed == '{text}' and name != 'nobody'")
        assert len(read(r.conn, r.call, ask, secret=SECRET).rows()) == wanted


def _json(value: Any) -> bytes:
    return dumps(value)


def test_the_silent_default_leaves_out_the_long_and_the_heavy(r: Records) -> None:
    id = r.create("thing", **FULL)
    shown = set(read_one(r.conn, r.call, "thing", id).record())
    assert shown.isdisjoint({"long", "rich", "any", "hush", "paper", "deleted_at"})
    assert {"id", "version", "name", "owner", "created_at", "updated_by", "computed", "people"} <= shown


def test_parts_of_fields_can_be_shown_sorted_and_asked(r: Records) -> None:
    r.create("thing", **FULL)
    r.create("thing", name="other", home={"city": "北京"}, period={"from": "2023-01-01", "to": "2023-02-01"})
    ask = Ask(object="thing", fields=("home.city", "period.from", "spot.lat"), sort=("-period.from",))
    assert read(r.conn, r.call, ask, secret=SECRET).rows() == [
        {"home.city": "上海", "period.from": "2024-01-01", "spot.lat": "31.2304"},
        {"home.city": "北京", "period.from": "2023-01-01", "spot.lat": None},
    ]
    ask = Ask(object="thing", fields=("name",), where="home.city == '北京' and period.to < '2024-01-01'")
    where = "home.city == '北京' and period.to < DATE(2024, 1, 1)"
    assert [
        x["name"]
        for x in read(
            r.conn, r.call, Ask(object="thing", fields=("name",), where=where), secret=SECRET
        ).rows()
    ] == ["other"]


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("pick == 'b2'", 1), ("pick == 'b'", 1), ("pick != 'b2'", 1), ("pick > 'a'", 1), ("'vip' in words", 1), ("COUNT(picks) == 2", 1),
        ("UNDER(place, 'cn')", 1), ("computed > 5", 1), ("is_past", 1), ("not is_past", 1), ("group_name == 'G'", 1),
        ("whole == 9007199254740993", 1), ("exact in (1.5, 2)", 1), ("DAY_OF(moment) > DATE(2024, 1, 1)", 1), ("clock is none", 1),
        ("DAY_OF(moment) == DATE(2024, 2, 29)", 1), ("DISTANCE(spot, spot) == 0", 1), ("price * 2 == 200.2", 1),
        ("group.above.name == 'Top'", 1), ("approval.state == 'running'", 0), ("mail == 'a@b.cn'", 1), ("span > 60", 1),
    ],
)  # fmt: skip
def test_every_kind_can_be_asked(r: Records, where: str, wanted: int) -> None:
    group = r.create("group", name="G", above=r.create("group", name="Top"))
    r.create("thing", **FULL, group=group)
    r.create("thing", name="bare")
    found = read(r.conn, r.call, Ask(object="thing", where=where, fields=("name",)), secret=SECRET).rows()
    assert len(found) == wanted
    again = where.replace("'", '"')
    assert (
        len(read(r.conn, r.call, Ask(object="thing", where=again, fields=("name",)), secret=SECRET).rows())
        == wanted
    )


@pytest.mark.parametrize("name", ["any", "home", "spot", "picks", "words", "people", "paper", "hush"])
def test_what_has_no_order_is_not_sorted_by(r: Records, name: str) -> None:
    with pytest.raises(Refused):
        read(r.conn, r.call, Ask(object="thing", sort=(name,)), secret=SECRET)


@pytest.mark.parametrize(
    "name",
    [
        "whole",
        "exact",
        "share",
        "price",
        "stars",
        "span",
        "yes",
        "pick",
        "place",
        "day",
        "moment",
        "clock",
        "period",
        "mail",
        "stored",
        "computed",
        "is_past",
        "next_day",
        "top",
    ],
)
def test_every_other_type_has_an_order_and_pages(r: Records, name: str) -> None:
    group = r.create("group", name="G", above=r.create("group", name="Top"))
    for _ in range(2):
        r.create("thing", **FULL, group=group)
    r.create("thing", name="bare")
    for sort in (name, f"-{name}"):
        ask = Ask(object="thing", fields=("name",), sort=(sort,), limit=1)
        seen = []
        for _ in range(5):
            found = read(r.conn, r.call, ask, secret=SECRET)
            seen += found.rows()
            if found.next is None:
                break
            ask = Ask(object="thing", fields=("name",), sort=(sort,), limit=1, after=found.next)
        assert len(seen) == 3
        assert seen[-1]["name"] == "bare" or name == "is_past"


def test_computed_roll_ups_over_sets_and_trees(r: Records) -> None:
    top = r.create("group", name="Top")
    low = r.create("group", name="Low", above=top)
    for name, price, day, pick in (
        ("a", "10", "2024-01-01", "a"),
        ("b", "20", "2024-01-02", "c"),
        ("c", "40", "2030-01-01", "c"),
    ):
        r.create("thing", name=name, price=price, day=day, pick=pick, group=low)
    gone = r.create("thing", name="gone", price="1000", day="2024-01-01", group=low)
    r.do("delete", "thing", gone)
    figures = ("*", "things_all")
    found = read_one(r.conn, r.call, "group", low, fields=figures).record()
    assert (found["things_sum"], found["things_all"], found["first_thing"], found["last_thing"]) == (
        "30",
        "c",
        "b",
        "a",
    )
    assert (found["kinds"], found["whole_tree"], found["things_avg"]) == (2, 0, "23.3333333333")
    empty = read_one(r.conn, r.call, "group", top, fields=figures).record()
    assert (empty["things_sum"], empty["things_all"], empty["things_avg"], empty["first_thing"]) == (
        "0",
        None,
        None,
        None,
    )
    r.create("group", name="Lowest", above=low)
    assert read_one(r.conn, r.call, "group", top).record()["whole_tree"] == 2
    assert [
        x["name"]
        for x in read(r.conn, r.call, Ask(object="group", where="things_sum > 20"), secret=SECRET).rows()
    ] == ["Low"]
    assert [
        x["name"]
        for x in read(r.conn, r.call, Ask(object="group", sort=("-things_sum",)), secret=SECRET).rows()
    ] == ["Low", "Lowest", "Top"]


def test_values_for_many_records_in_one_statement(r: Records) -> None:
    person = r.create("user", name="Li")
    group = r.create("group", name="G", above=r.create("group", name="Top"))
    full = r.create("thing", **FULL, group=group, person=person, people=[person])
    bare = r.create("thing", name="bare")
    paths = (
        "group.above.name",
        "price",
        "pick",
        "home",
        "home.city",
        "people",
        "computed",
        "is_past",
        "period",
        "group",
    )
    found = fetch_values(r.conn, r.call, "thing", [full, bare], paths)
    assert found[full] == {
        "group.above.name": "Top", "price": Decimal("100.10"), "pick": "b2", "home": {"city": "上海", "street": "A"},
        "home.city": "上海", "people": (person,), "computed": Decimal(9007199254740994), "is_past": True,
        "period": {"from": found[full]["period"]["from"], "to": None}, "group": group,
    }  # fmt: skip
    assert (
        found[bare]["group.above.name"] is None
        and found[bare]["people"] is None
        and found[bare]["home"] is None
    )
    assert fetch_values(r.conn, r.call, "thing", [], paths) == {}


def test_money_is_shown_in_its_currency_and_asked_in_the_workspaces(r: Records) -> None:
    dollars, yuan = (
        r.create("thing", name="dollars", price="100"),
        r.create("thing", name="yuan", price="300"),
    )
    r.conn.execute("UPDATE w_test.thing SET price__base = 700, currency = 'USD' WHERE id = %s", (dollars,))
    ask = Ask(object="thing", fields=("name", "price"), sort=("-price",))
    assert read(r.conn, r.call, ask, secret=SECRET).rows() == [
        {"name": "dollars", "price": "100"},
        {"name": "yuan", "price": "300"},
    ]
    found = read(r.conn, r.call, Ask(object="thing", where="price > 500"), secret=SECRET).rows()
    assert [x["id"] for x in found] == [dollars] != [yuan]
