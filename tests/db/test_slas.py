"""SLAs: clocks follow their records, warn, are late and escalate, as records that people report."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.query.spec import Ask
from patron_engine.ways.read import rows
from patron_testing.build import NOON, build_workspace
from patron_testing.standing import OBJECTS, House

SLAS = """
kind: sla
name: response
object: customer
when: "region == 'east'"
calendar: always
pause_when: "state == 'offered'"
clocks:
  - name: first
    stop_when: "called_at != None or COUNT(calls) > 0"
    cases:
      - {name: key, when: "grade == 'a'", within: 1 hour}
      - {name: else, within: 4 hours}
    warn: 50%
    late:
      - {after: 0 minutes, steps: [{name: mark, do: update, set: {reason: late}}]}
      - {after: 2 hours, steps: [{name: more, do: update, set: {reason: "=CONCAT(reason, '+')"}}]}
---
kind: automation
name: warned
object: customer
on: {event: sla, clock: first, at: warn}
when: "event.due_at > event.at"
steps: [{name: mark, do: update, set: {reason: "=CONCAT('warned by ', event.clock)"}}]
---
kind: automation
name: broken
object: customer
on: {event: sla, clock: first, at: breach}
when: "grade == 'a'"
steps: [{name: mark, do: update, set: {amount: 1}}]
"""


CALENDARS = """
kind: object
name: calendar
title: name
owner: none
fields: [{name: name, type: text}, {name: code, type: text}]
---
kind: object
name: calendar_hours
title: name
fields:
  - {name: calendar, type: master, to: calendar, reverse: {name: hours}}
  - {name: name, type: text}
  - {name: weekday, type: integer}
  - {name: starts_at, type: time}
  - {name: ends_at, type: time}
---
kind: object
name: calendar_day
title: name
fields:
  - {name: calendar, type: master, to: calendar, reverse: {name: days}}
  - {name: name, type: text}
  - {name: day, type: date}
  - {name: kind, type: text}
---
"""


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    return House(conn, build_workspace(conn, OBJECTS + "---\n" + SLAS))


def clocks(house: House) -> list[tuple[Any, ...]]:
    return house.rows("sla_clock", "clock, state, due_at - started_at, breached, hours")


def at(house: House, hours: float) -> Any:
    return house.later(timedelta(hours=hours))


def test_a_clock_is_met(house: House) -> None:
    id = house.do("create", "customer", name="A")
    house.do("create", "customer", name="other", region="west")
    house.work()
    assert clocks(house) == [("first", "running", timedelta(hours=4), False, None)]
    house.do("update", "customer", id, call=at(house, 1), called_at="2026-05-20T05:00:00Z")
    house.work(timedelta(hours=5))
    assert clocks(house) == [("first", "met", timedelta(hours=4), False, Decimal("1.00"))]
    assert house.rows("customer", "reason") == [(None,), (None,)]


def test_it_warns_breaches_and_escalates_once_each(house: House) -> None:
    house.do("create", "customer", name="A")
    house.do("create", "customer", name="K", grade="a")
    for hours in (0, 1, 2.1):
        house.work(timedelta(hours=hours))
    assert house.rows("customer", "name, reason, amount") == [
        ("A", "warned by first", None),
        ("K", "late", 1),
    ]
    for hours in (4.1, 5, 6.5, 9):
        house.work(timedelta(hours=hours))
    assert house.rows("customer", "reason, amount") == [("late+", None), ("late+", 1)]
    assert [c[1] for c in clocks(house)] == ["breached", "breached"]
    runs = house.kept("sys__run", "rule, count(*)", "GROUP BY rule ORDER BY rule")
    assert runs == [
        ("broken", 1), ("sla:response:clocks.first.late[0].steps", 2), ("sla:response:clocks.first.late[1].steps", 2),
        ("warned", 1),
    ]  # fmt: skip


def test_whose_record_it_is_hears_that_it_is_near_and_that_it_is_late(house: House) -> None:
    rep = house.user("rep")
    house.do("create", "customer", name="A", owner=rep)
    house.do("create", "customer", name="Nobody's", owner=None)
    for hours in (0, 2.1, 3, 4.1, 5, 9):
        house.work(timedelta(hours=hours))
    assert house.kept("sys__notice", "person::text, text->>'template', text->'values'->>'at'", "WHERE reason = 'sla' ORDER BY at") == [
        (rep, "{title}: {clock} is due at {at}", "2026-05-20 16:00"),
        (rep, "{title}: {clock} was due at {at}", "2026-05-20 16:00"),
    ]  # fmt: skip


def test_a_pause_and_records_that_hang_on_it(house: House) -> None:
    id = house.do("create", "customer", name="A", state="offered")
    house.work()
    assert clocks(house)[0][1] == "paused"
    house.do("update", "customer", id, call=at(house, 3), state="called")
    house.work(timedelta(hours=6))
    assert clocks(house) == [("first", "running", timedelta(hours=7), False, None)]
    found = rows(
        house.conn,
        house.call,
        Ask(object="customer", fields=("sla.first.due_at",), where="sla.first.due_at != None"),
    )
    assert [dict(r)["sla.first.due_at"] for r in found] == [NOON + timedelta(hours=7)]
    house.do("create", "call", call=at(house, 6.5), name="Hello", about={"object": "customer", "id": id})
    house.work(timedelta(hours=6.5))
    assert clocks(house) == [("first", "met", timedelta(hours=7), False, Decimal("3.50"))]
    ordered = Ask(object="customer", fields=("name",), sort=("-sla.first.due_at",))
    assert [dict(r)["name"] for r in rows(house.conn, house.call, ordered)] == ["A"]


def test_a_case_counts_by_its_own_calendar(conn: psycopg.Connection[Any]) -> None:
    sla = """
kind: sla
name: own
object: customer
calendar: always
clocks: [{name: reply, cases: [{name: key, when: "grade == 'a'", within: 4 hours, calendar: nights}, {name: else, within: 4 hours}]}]
"""
    house = House(conn, build_workspace(conn, OBJECTS + "---\n" + CALENDARS + sla))
    hours = [{"weekday": day, "starts_at": "20:00", "ends_at": "22:00"} for day in range(1, 8)]
    house.do("create", "calendar", name="Nights", code="nights", hours=hours)
    house.do("create", "customer", name="Plain")
    house.do("create", "customer", name="Key", grade="a")
    house.work()
    due = house.rows("sla_clock", "due_at - started_at", "ORDER BY due_at")
    assert [d for (d,) in due] == [timedelta(hours=4), timedelta(hours=34)]  # noon; two hours each night
    house.work(timedelta(hours=34, minutes=1))
    assert {b for (b,) in house.rows("sla_clock", "breached")} == {True}


def test_what_is_deleted_counts_no_more(house: House) -> None:
    id = house.do("create", "customer", name="A")
    house.work()
    house.do("delete", "customer", id)
    house.work(timedelta(hours=9))
    assert house.kept("sys__sla", "state") == [("cancelled",)]


def test_a_late_worker_counts_by_the_moments_of_the_saves(house: House) -> None:
    """Made at noon, paused an hour later, going on after two more: nobody worked meanwhile."""
    id = house.do("create", "customer", name="A")
    house.do("update", "customer", id, call=at(house, 1), state="offered")
    house.do("update", "customer", id, call=at(house, 3), state="called")
    other = house.do("create", "customer", name="B")
    house.do("update", "customer", other, call=at(house, 1), state="offered")
    house.work(timedelta(hours=5))
    assert sorted(clocks(house), key=str) == [
        ("first", "paused", timedelta(hours=4), False, None), ("first", "running", timedelta(hours=6), False, None),
    ]  # fmt: skip
    house.do("update", "customer", other, call=at(house, 7), state="called")
    house.work(timedelta(hours=7))
    assert house.rows("sla_clock", "due_at - started_at") == [(timedelta(hours=6),), (timedelta(hours=10),)]
