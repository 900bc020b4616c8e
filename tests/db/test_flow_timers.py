"""Schedules and dates begin runs when their time comes, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.record.change import Change
from patron_engine.ways import flow, timers
from patron_engine.ways.save import save
from patron_testing.build import NOON, SCHEMA, build_workspace

OBJECT = """
kind: workspace
name: workspace
label: {en: Test}
zone: Asia/Shanghai
---
kind: object
name: guest
label: {en: Guest}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: born, type: date, label: {en: Born}}
  - {name: meets, type: datetime, label: {en: Meets}}
  - {name: count, type: integer, default: 0, label: {en: Count}}
---
"""
STEP = 'steps: [{name: up, do: update, set: {count: "=count + 1"}}]'


class Timed:
    def __init__(self, conn: psycopg.Connection[Any], text: str) -> None:
        self.conn, self.call = conn, build_workspace(conn, OBJECT + text)
        self.work()

    def make(self, **values: Any) -> str:
        (made,) = save(self.conn, self.call, [Change(action="create", object="guest", set=values)])
        self.conn.commit()
        return str(made.id)

    def work(self, **later: float) -> Mapping[str, int]:
        call = replace(self.call, now=NOON + timedelta(**later))
        while (
            timers.tick(self.conn, call)
            + flow.begin(self.conn, call)
            + flow.go_on(self.conn, call, lambda *_: Actor(user=None))
        ):
            self.conn.commit()
        self.conn.commit()
        rows = self.conn.execute(f"SELECT name, count FROM {SCHEMA}.guest").fetchall()  # type: ignore[arg-type]
        return dict(rows)


def test_a_schedule_runs_for_every_record_that_fits(conn: psycopg.Connection[Any]) -> None:
    t = Timed(
        conn,
        f"""
kind: automation
name: weekly
object: guest
on: {{event: schedule, cron: "0 3 * * 1", missed: once}}
when: "name != 'no'"
{STEP}
""",
    )
    for name in ("a", "b", "no"):
        t.make(name=name)
    assert t.work(days=4) == {"a": 0, "b": 0, "no": 0}  # Sunday noon
    assert t.work(days=4, hours=15, minutes=5) == {"a": 1, "b": 1, "no": 0}
    assert t.work(days=5) == {"a": 1, "b": 1, "no": 0}
    assert t.work(days=40) == {"a": 2, "b": 2, "no": 0}  # five were missed
    missed = t.conn.execute(
        f"SELECT state, error, event ->> 'missed' FROM {SCHEMA}.sys__run WHERE state = 'cut'"
    ).fetchall()
    assert missed == [("cut", "missed", "4")]


def test_a_date_comes_once_on_its_day(conn: psycopg.Connection[Any]) -> None:
    t = Timed(
        conn,
        f"""
kind: automation
name: before
object: guest
on: {{event: date, field: born, offset: -3 days, at: "09:00"}}
when: "name != 'no'"
{STEP}
---
kind: automation
name: soon
object: guest
on: {{event: date, field: meets, offset: -2 hours}}
{STEP}
---
kind: automation
name: early
object: guest
on: {{event: date, field: born, offset: -2 hours}}
when: "name == 'day'"
{STEP}
""",
    )
    t.make(name="today", born="2026-05-24")
    t.make(name="no", born="2026-05-24")
    t.make(name="past", born="2026-05-22")
    t.make(name="meets", meets="2026-05-20T20:00:00+08:00")
    assert t.work(hours=5, minutes=50) == {"today": 0, "no": 0, "past": 0, "meets": 0}
    assert t.work(hours=6, minutes=10)["meets"] == 1
    assert t.work(hours=20)["today"] == 0
    assert t.work(hours=21, minutes=5) == {"today": 1, "no": 0, "past": 0, "meets": 1}
    assert t.work(days=9) == {"today": 1, "no": 0, "past": 0, "meets": 1}
    t.make(
        name="day", born="2026-05-30"
    )  # of a day its nine o'clock: once, at seven, however late and often one looks
    t.make(name="late", meets="2026-05-30T13:00:07+08:00")
    assert {n: c for n, c in t.work(days=9, hours=10, minutes=58).items() if n in ("day", "late")} == {"day": 0, "late": 0}  # fmt: skip
    for minutes in (1, 8, 13, 200, 900):
        found = t.work(days=9, hours=11, minutes=minutes, seconds=3)
    assert (found["day"], found["late"]) == (1, 1)


def test_birthdays_by_the_sun_and_by_the_moon(conn: psycopg.Connection[Any]) -> None:
    t = Timed(
        conn,
        f"""
kind: automation
name: solar
object: guest
on: {{event: date, field: born, yearly: true, calendar: solar}}
when: "name == 'sun'"
{STEP}
---
kind: automation
name: lunar
object: guest
on: {{event: date, field: born, yearly: true, calendar: lunar}}
when: "name == 'moon'"
{STEP}
""",
    )
    for name in ("sun", "moon", "other"):
        t.make(name=name, born="1990-06-15")  # the 23rd of the fifth month
    assert t.work(days=25, hours=20) == {"sun": 0, "moon": 0, "other": 0}
    assert t.work(days=26) == {"sun": 1, "moon": 0, "other": 0}  # 15 June
    moon = t.work(days=60)
    assert moon == {"sun": 1, "moon": 1, "other": 0}
    for days in range(100, 366 + 26, 50):
        assert t.work(days=days)["sun"] == 1
    assert t.work(days=365 + 26)["sun"] == 2


def test_a_new_version_of_the_event_is_planned_anew_and_a_gone_one_is_forgotten(
    conn: psycopg.Connection[Any],
) -> None:
    t = Timed(
        conn,
        f"""
kind: automation
name: weekly
object: guest
on: {{event: schedule, cron: "0 3 * * 1"}}
{STEP}
""",
    )
    clock = f"SELECT rule, next_at FROM {SCHEMA}.sys__clock"
    before = t.conn.execute(clock).fetchall()  # type: ignore[arg-type]
    t.conn.execute(f"UPDATE {SCHEMA}.sys__clock SET line = 'other'")  # type: ignore[arg-type]
    t.conn.execute(f"INSERT INTO {SCHEMA}.sys__clock VALUES ('gone', 0, '', now())")  # type: ignore[arg-type]
    t.conn.execute(f"UPDATE {SCHEMA}.sys__state SET clocks = 0")  # type: ignore[arg-type]
    t.work(days=1)
    assert t.conn.execute(clock).fetchall() == before  # type: ignore[arg-type]
