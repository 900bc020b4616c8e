"""What keeps records right over time: money at the day's rate, rules before a save, drift, undo, rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from patron_engine.actor import Actor, Cause
from patron_engine.errors import NotFound, Refused
from patron_engine.record.change import Change
from patron_engine.record.drift import find_drift, repair
from patron_engine.record.undo import Done, plan_undo, record_batch
from patron_engine.store.session import configure
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text, required: true}
  - {name: manager, type: lookup, to: user, tree: true, reverse: staff}
---
kind: object
name: task
label: Task
title: name
fields:
  - {name: name, type: text, required: true}
  - {name: helper, type: lookup, to: user}
rules:
  - {name: own_people, when: "helper != None and not REPORTS_TO(helper, owner)", at: helper, message: {en: Not one of yours}}
---
kind: object
name: currency
label: Currency
title: code
owner: none
fields:
  - {name: code, type: text, required: true, unique: true}
---
kind: object
name: rate
label: Rate
title: currency.code
owner: none
fields:
  - {name: currency, type: lookup, to: currency, required: true}
  - {name: date, type: date, required: true}
  - {name: rate, type: decimal, required: true}
---
kind: object
name: customer
label: Customer
title: name
fields:
  - {name: name, type: text, required: true}
  - {name: industry, type: text}
  - {name: ordered, type: rollup, of: orders, function: sum, field: amount}
  - {name: big_orders, type: rollup, of: orders, function: count, where: "amount > 500"}
---
kind: object
name: order
label: Order
title: name
currency: record
rate_date: day
record_types:
  - {name: small, options: {size: [s]}}
fields:
  - {name: name, type: text, required: true}
  - {name: customer, type: lookup, to: customer, reverse: orders}
  - {name: day, type: date}
  - {name: amount, type: money}
  - {name: fee, type: money}
  - {name: total, type: formula, expression: "amount + fee"}
  - {name: lines_sum, type: rollup, of: lines, function: sum, field: price}
  - {name: branch, type: formula, expression: "customer.industry", stored: true}
  - {name: size, type: select, options: [{name: s}, {name: m}, {name: l, only_for: [shop]}], controlled_by: channel}
  - {name: channel, type: select, options: [{name: shop}, {name: web}]}
  - {name: shout, type: text}
rules:
  - {name: limit, when: "amount > 10000", level: error, at: amount, message: {en: Too much}}
---
kind: object
name: order_line
label: Line
title: name
currency: record
fields:
  - {name: order, type: master, to: order, reverse: lines}
  - {name: name, type: text}
  - {name: price, type: money}
---
kind: object
name: part
label: Part
title: name
fields:
  - {name: line, type: master, to: order_line, reverse: parts}
  - {name: name, type: text, required: true}
---
kind: automation
name: loud
object: order
on: [{event: created}, {event: updated, fields: [name]}]
timing: before
when: "name != 'quiet'"
steps:
  - {name: shout, do: set, set: {shout: "=UPPER(name)"}}
---
kind: automation
name: later
object: order
on: [{event: updated, fields: [amount]}]
when: "amount > 100 and old.amount <= 100"
steps:
  - {name: note, do: comment, text: {en: Big}}
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def codes(error: Refused) -> set[tuple[str | None, str]]:
    return {(p.path, p.code) for p in error.problems}


def rates(r: Records) -> None:
    euro = r.create("currency", code="EUR")
    r.create("rate", currency=euro, date="2026-01-01", rate="8")
    r.create("rate", currency=euro, date="2026-04-01", rate="7.5")


def test_many_records_under_many_parents_in_one_save(r: Records) -> None:
    """So many that they go as COPY and as one UPDATE of all parents: figures, bases, histories and searches as for one."""
    rates(r)
    customers = [r.create("customer", name=f"C {n}", industry='it\'s \\ "new"') for n in range(60)]
    wanted = [
        {
            "name": f"O {n}",
            "customer": customers[n % 60],
            "currency": "EUR",
            "day": "2026-03-31",
            "amount": str(n * 10),
        }
        for n in range(120)
    ]
    made = r.act(*[Change(action="create", object="order", set=values) for values in wanted])
    assert len({o.id for o in made}) == 120
    for n, customer in enumerate(customers):
        row = r.row("customer", customer)
        assert row["ordered"] == (n * 10 + (n + 60) * 10) * 8
        assert row["big_orders"] == sum(m * 10 * 8 > 500 for m in (n, n + 60))
        assert (row["name"], row["industry"], row["version"]) == (f"C {n}", 'it\'s \\ "new"', 1)
        assert r.row("order", str(made[n].id))["branch"] == 'it\'s \\ "new"'
    r.act(*[Change(action="update", object="order", id=o.id, set={"amount": "0"}) for o in made])
    assert {r.row("customer", c)["ordered"] for c in customers} == {0}
    assert [r.row("order", str(o.id))["version"] for o in made] == [1, *[2] * 119], (
        "the first was at 0 before"
    )
    changed = r.rows("sys__history", "object = 'order' AND action = 'updated'")
    assert sorted(int(h["old"]["amount"]) for h in changed) == [n * 10 for n in range(1, 120)]


def test_money_is_kept_at_the_rate_of_its_day(r: Records) -> None:
    rates(r)
    customer = r.create("customer", name="C")
    order = r.create(
        "order", name="A", customer=customer, currency="EUR", day="2026-03-31", amount="100", fee="1.11"
    )
    row = r.row("order", order)
    assert (row["amount"], row["amount__base"], row["fee__base"]) == (100, 800, Decimal("8.88"))
    assert row["total"] == Decimal("101.11"), "arithmetic stays in the record's currency"
    r.create("order", name="B", customer=customer, amount="50")
    assert r.row("customer", customer)["ordered"] == 850, "figures are in the workspace's"
    assert r.row("customer", customer)["big_orders"] == 1, "and so are conditions"
    r.update("order", order, day="2026-04-02")
    assert r.row("order", order)["amount__base"] == 750
    assert r.row("customer", customer)["ordered"] == 800
    with pytest.raises(Refused) as caught:
        r.update("order", order, amount="1500")
    assert codes(caught.value) == {("amount", "rule")}, "1,500 EUR are more than 10,000 CNY"
    with pytest.raises(Refused) as caught:
        r.create("order", name="D", currency="USD", amount="1")
    assert codes(caught.value) == {("amount", "no_rate")}


def test_details_share_their_documents_currency(r: Records) -> None:
    rates(r)
    order = r.create(
        "order",
        name="A",
        currency="EUR",
        day="2026-05-01",
        lines=[{"name": "x", "price": "10"}, {"price": "5"}],
    )
    assert r.row("order", order)["lines_sum"] == 15, "in the document's currency"
    assert sorted(line["price__base"] for line in r.rows("order_line")) == [Decimal("37.5"), 75]
    assert {line["currency"] for line in r.rows("order_line")} == {"EUR"}


def test_a_before_rule_sets_fields_inside_the_save(r: Records) -> None:
    order = r.create("order", name="hello")
    assert r.row("order", order)["shout"] == "HELLO"
    r.update("order", order, size="s")
    r.update("order", order, name="quiet")
    assert r.row("order", order)["shout"] == "HELLO"


def test_options_that_depend_on_others(r: Records) -> None:
    with pytest.raises(Refused) as caught:
        r.create("order", name="A", size="l", channel="web")
    assert codes(caught.value) == {("size", "option_not_for")}
    r.create("order", name="A", size="l", channel="shop")
    with pytest.raises(Refused) as caught:
        r.create("order", name="A", size="m", record_type="small")
    assert codes(caught.value) == {("size", "option_not_for")}
    with pytest.raises(Refused) as caught:
        r.create("order", name="A", record_type="huge")
    assert codes(caught.value) == {("record_type", "unknown_record_type")}


def test_rules_know_who_reports_to_whom(r: Records) -> None:
    boss = r.create("user", name="Boss")
    rep = r.create("user", name="Rep", manager=r.create("user", name="Lead", manager=boss))
    mine = Records(r.conn, replace(r.call, actor=Actor(user=boss, name="boss", administrator=True)))
    task = mine.create("task", name="T", helper=rep)
    assert str(r.row("task", task)["owner"]) == boss, "a record belongs to who makes it"
    with pytest.raises(Refused) as caught:
        mine.update("task", task, helper=boss)
    assert codes(caught.value) == {("helper", "rule")}
    assert [str(h["by"]) for h in r.rows("sys__history", "record = %s", task)] == [boss]


def test_a_stored_value_through_a_link_follows(r: Records) -> None:
    customer = r.create("customer", name="C", industry="pumps")
    order = r.create("order", name="A", customer=customer)
    assert r.row("order", order)["branch"] == "pumps"
    r.update("customer", customer, industry="valves")
    row = r.row("order", order)
    assert (row["branch"], row["version"]) == ("valves", 1)


def test_details_of_details_go_with_them(r: Records) -> None:
    order = r.create("order", name="A", lines=[{"name": "x", "parts": [{"name": "p1"}, {"name": "p2"}]}])
    line = str(r.rows("order_line")[0]["id"])
    with pytest.raises(Refused) as caught:
        r.update("order", order, lines=[{"id": line, "parts": [{"name": "ok"}, {}]}])
    assert codes(caught.value) == {("lines[0].parts[1].name", "required")}
    r.update("order", order, lines=[{"id": line, "delete": True}])
    assert all(p["deleted_at"] is not None for p in r.rows("part"))
    r.do("restore", "order_line", line)
    assert all(p["deleted_at"] is None for p in r.rows("part"))
    part = str(r.rows("part")[0]["id"])
    before = r.row("order", order)["version"]
    r.update("part", part, name="new")
    assert r.row("order", order)["version"] == before + 1
    r.do("delete", "order", order)
    with pytest.raises(Refused) as caught:
        r.create("order_line", order=order)
    assert codes(caught.value) == {("order", "link_not_found")}


def test_drift_is_found_and_mended(r: Records) -> None:
    customer = r.create("customer", name="C")
    order = r.create("order", name="A", customer=customer, amount="5", fee="1")
    with r.conn.transaction():
        r.conn.execute("UPDATE w_test.customer SET ordered = 99")
        r.conn.execute('UPDATE w_test."order" SET total = 99')
        found = {(d.object, d.field, d.stored, d.right) for d in find_drift(r.conn, r.call, "customer")}
        assert found == {("customer", "ordered", 99, 5)}
        assert [d.field for d in find_drift(r.conn, r.call, "order")] == ["total"]
    with r.conn.transaction():
        repair(r.conn, r.call, "customer")
        repair(r.conn, r.call, "order")
        assert find_drift(r.conn, r.call, "customer") == find_drift(r.conn, r.call, "order") == []
    assert r.row("order", order)["total"] == 6 and r.row("order", order)["version"] == 1


def test_undo_keeps_what_people_changed_since(r: Records) -> None:
    old = r.create("customer", name="Old", industry="pumps")
    touched = r.create("customer", name="Touched", industry="pumps")
    batch = "018f0000-0000-7000-8000-00000000000b"
    importing = Records(r.conn, replace(r.call, cause=Cause(kind="import", detail={"import": batch})))
    outcomes = importing.act(
        Change(action="update", object="customer", id=old, set={"industry": "valves"}),
        Change(action="update", object="customer", id=touched, set={"industry": "valves"}),
    )
    new = importing.create("customer", name="New")
    with r.conn.transaction():
        r.conn.execute(
            "INSERT INTO w_test.sys__batch (id, kind, payload) VALUES (%s, 'import', %s)", (batch, Jsonb({}))
        )
        done = [
            Done(
                object="customer",
                id=o.id or "",
                action="updated",
                version=o.version or 0,
                old={"industry": "pumps"},
            )
            for o in outcomes
        ]
        done.append(Done(object="customer", id=new, action="created", version=1, old={}))
        record_batch(r.conn, r.call, batch, done)
    r.update("customer", touched, name="Touched by hand")
    with r.conn.transaction():
        plan = plan_undo(r.conn, r.call, batch)
    assert [(k.id, k.why) for k in plan.kept] == [(touched, "changed_since")]
    r.act(*plan.changes)
    assert r.row("customer", old)["industry"] == "pumps"
    assert r.row("customer", touched)["industry"] == "valves"
    assert r.row("customer", new)["deleted_at"] is not None


def test_a_stranger_learns_nothing(r: Records) -> None:
    customer = r.create("customer", name="C")
    stranger = Records(r.conn, replace(r.call, actor=Actor(user=None, name="nobody")))
    for act in (
        lambda: stranger.update("customer", customer, name="X"),
        lambda: stranger.create("customer", name="X"),
        lambda: stranger.do("delete", "customer", customer),
        lambda: stranger.update("customer", "018f0000-0000-7000-8000-000000000001", name="X"),
    ):
        with pytest.raises(NotFound):
            act()
    assert len(r.rows("customer")) == 1 and r.row("customer", customer)["version"] == 1


def test_nobody_writes_what_the_platform_writes(r: Records) -> None:
    for name in ("id", "version", "created_by", "deleted_at", "is_admin"):
        with pytest.raises(Refused) as caught:
            r.create("customer", name="X", **{name: "1"})
        assert {p.code for p in caught.value.problems} <= {"unknown_field", "readonly_field"}
    assert r.rows("customer") == []


def test_events_are_decided_on_old_and_new_values(r: Records) -> None:
    order = r.create("order", name="A", amount="50")
    r.update("order", order, name="B")
    assert r.rows("sys__event") == []
    r.update("order", order, amount="150")
    r.update("order", order, amount="160")
    (event,) = r.rows("sys__event")
    assert (event["kind"], str(event["record"])) == ("updated", order)
    payload = event["payload"]
    assert payload["rule"] == "later" and payload["old"]["amount"] == "50"


def test_an_object_one_may_not_read_is_unknown(r: Records) -> None:
    stranger = Records(r.conn, replace(r.call, actor=Actor(user=None, name="nobody")))
    answers = []
    for object in ("customer", "nothing"):
        with pytest.raises(NotFound) as caught:
            stranger.create(object, name="X")
        answers.append((caught.value.code, caught.value.detail.replace(object, "?"), caught.value.hint))
    assert answers[0] == answers[1]
