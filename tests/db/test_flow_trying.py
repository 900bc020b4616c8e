"""Trying an automation: everything it would do, and what that sets going, and nothing of it stays."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from patron_engine.errors import LimitExceeded, NotFound
from patron_engine.ways import trying
from patron_engine.ways.trying import Tried, Wanted, try_rule
from patron_testing.build import SCHEMA
from patron_testing.flowing import Flowing, workspace

RULES = """
kind: automation
name: opens
object: shop
on: {event: updated, fields: [state]}
when: "state == 'open' and old.state != 'open' and size > 5"
steps:
  - {name: first, do: create, object: bill, set: {name: "=CONCAT(name, ' opens')", sum: 5, shop: "=id"}}
  - {name: pause, do: wait, for: 3 days}
  - {name: tell, do: notify, to: {field: owner}, message: "opened"}
  - {name: team, do: share, to: {user: a@x.example}}
---
kind: automation
name: bills
object: bill
on: {event: created}
steps: [{name: note, do: update, set: {note: "=CONCAT(name, '!')"}}]
---
kind: automation
name: big
object: bill
on: {event: created}
steps: [{name: bad, do: update, when: "sum > 50", set: {shop: "00000000-0000-7000-8000-000000000000"}}, {name: never, do: comment, text: x}]
"""


def everything(w: Flowing) -> list[Any]:
    tables = (
        "shop",
        "bill",
        "message",
        "shop__access",
        "sys__run",
        "sys__run_step",
        "sys__event",
        "sys__history",
        "sys__once",
    )
    return [w.conn.execute(f"SELECT * FROM {SCHEMA}.{t} ORDER BY 1, 2").fetchall() for t in tables]  # type: ignore[arg-type]


def tried(w: Flowing, rule: str, *records: str, **more: Any) -> list[Tried]:
    before = everything(w)
    made = try_rule(w.conn, w.call, w.who, Wanted(rule=rule, records=records, **more))
    w.conn.commit()
    assert everything(w) == before
    return made


def test_a_change_that_is_supposed_shows_the_whole_chain(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULES)
    owner = w.do("create", "user", name="a", email="a@x.example")
    boss = w.do("create", "user", name="o", email="o@x.example")
    shop = w.do("create", "shop", name="Acme", size=7, owner=boss)
    (made,) = tried(w, "opens", shop, set={"state": "open"})
    assert made.began and made.why == "" and made.cut_short == "" and owner
    assert [(p.text, p.holds) for p in made.parts] == [
        ("state == 'open'", True), ("old.state != 'open'", True), ("size > 5", True),
    ]  # fmt: skip
    assert {r.run.rule: r.run.state for r in made.runs} == {"opens": "done", "bills": "done", "big": "done"}
    mine = next(r for r in made.runs if r.run.rule == "opens")
    assert [s["outcome"] for s in mine.steps] == ["done", "waits", "done", "done"]
    assert mine.steps[0]["act"].changes[0].set["name"] == "Acme opens"
    assert mine.steps[3]["act"].commands[0].to == {"user": owner}


def test_it_says_which_part_of_a_condition_decided(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULES)
    small = w.do("create", "shop", name="small", size=2)
    (made,) = tried(w, "opens", small, set={"state": "open"})
    assert not made.began and made.why == "when" and made.runs == []
    assert [(p.text, p.holds, p.read) for p in made.parts][2] == ("size > 5", False, {"size": 2})
    (other,) = tried(w, "opens", small, set={"name": "x"})
    assert not other.began and other.why == "fields"
    (as_is,) = tried(w, "opens", small)
    assert not as_is.began and [p.holds for p in as_is.parts] == [False, True, False]
    (wrong,) = tried(w, "opens", small, set={"size": 1000})
    assert "100" in str(wrong.problems[0].message)


def test_an_event_is_supposed_for_a_record_as_it_is(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULES)
    bills = [w.do("create", "bill", name=n, sum=s) for n, s in (("a", 1), ("b", 99))]
    w.conn.execute(f"DELETE FROM {SCHEMA}.sys__event")
    w.conn.commit()
    one, other = tried(w, "big", *bills)
    assert one.began and [s["outcome"] for s in one.runs[0].steps] == ["left_out", "left_out"]
    assert other.runs[0].steps[0]["outcome"] == "failed" and other.runs[0].run.attempts == 1


def test_limits_of_a_trial_have_names(conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    w = workspace(conn, RULES)
    shop = w.do("create", "shop", name="Acme", size=7)
    with pytest.raises(LimitExceeded) as past:
        tried(w, "opens", *[shop] * (trying.MOST + 1))
    assert past.value.code == "limit_try_records"
    w.conn.rollback()
    assert len(tried(w, "opens", *[shop] * trying.MOST)) == trying.MOST
    with pytest.raises(NotFound):
        tried(w, "none", shop)
    w.conn.rollback()
    monkeypatch.setattr(trying, "MOST_STEPS", 2)
    (made,) = tried(w, "opens", shop, set={"state": "open"})
    assert made.cut_short == "limit_try_steps"
    monkeypatch.setattr(trying, "SECONDS", 0.0)
    (late,) = tried(w, "opens", shop, set={"state": "open"})
    assert late.cut_short == "limit_try_seconds"
