"""Stages as flow keeps them: stays are records, tasks are made and hold the leaving, how long one should stay is known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_engine.query.spec import Ask
from patron_engine.ways.read import rows
from patron_testing.build import NOON, build_workspace
from patron_testing.standing import OBJECTS, House

PATH = """
kind: stage_path
name: way
object: customer
field: state
moves: {back: true, skip: true}
stages:
  - name: fresh
    limit: 2 days
    tasks:
      - {name: dial, label: {en: Call them, zh-CN: 打电话}, who: {field: owner}, required: true, due: 2 days, done_when: "COUNT(calls) > 0"}
      - {name: look, label: Look at their pages, who: {field: owner}}
  - name: called
    tasks:
      - {name: visit, label: {en: Visit, zh-CN: 上门拜访}, who: {field: owner}, required: true}
  - {name: offered}
  - {name: won, end: won}
  - {name: lost, end: lost}
"""


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    return House(conn, build_workspace(conn, OBJECTS + "---\n" + PATH))


def tasks(house: House) -> list[tuple[Any, ...]]:
    return house.rows("task", "title, owner::text, status, due", "ORDER BY created_at, title")


def why(house: House, id: str, state: str) -> list[tuple[str, str | None, str | None]]:
    with pytest.raises(Refused) as told:
        house.do("update", "customer", id, state=state)
    house.conn.rollback()
    return [(p.code, p.path, p.rule) for p in told.value.problems]


def test_every_stay_is_a_record_with_its_hours(house: House) -> None:
    id = house.do("create", "customer", name="A", state="offered")
    house.do("update", "customer", id, call=house.later(timedelta(hours=5)), state="won")
    house.do("update", "customer", id, call=house.later(timedelta(hours=6)), amount=5)
    house.work(timedelta(hours=7))
    house.do("update", "customer", id, call=house.later(timedelta(hours=7.5)), state="won")
    house.work(timedelta(hours=8))
    stays = house.rows("stage_stay", 'stage_path, "from", "to", left_at - at, hours', "ORDER BY at")
    assert stays == [
        ("way", None, "offered", timedelta(hours=5), Decimal("5.00")),
        ("way", "offered", "won", None, None),
    ]  # fmt: skip


def test_how_long_it_stands_there_can_be_filtered(house: House) -> None:
    house.do("create", "customer", name="A")
    house.do("create", "customer", name="B", state="offered")
    house.work()
    fields = ("name", "path.way.since", "path.way.due")
    found = [
        dict(r) for r in rows(house.conn, house.call, Ask(object="customer", fields=fields, sort=("name",)))
    ]
    assert [(r["path.way.since"], r["path.way.due"]) for r in found] == [
        (NOON, NOON + timedelta(days=2)),
        (NOON, None),
    ]
    late = Ask(object="customer", fields=("name",), where="path.way.due < NOW()")
    assert rows(house.conn, house.call, late) == []
    assert [dict(r)["name"] for r in rows(house.conn, house.later(timedelta(days=3)), late)] == ["A"]


def test_tasks_are_made_once_and_done_by_themselves(house: House) -> None:
    ann = house.user("ann", language="zh-CN")
    id = house.do("create", "customer", name="A", owner=ann)
    house.work()
    assert tasks(house) == [
        ("Look at their pages", ann, "open", None),
        ("打电话", ann, "open", date(2026, 5, 22)),
    ]
    house.do("update", "customer", id, amount=1)
    house.work()
    assert len(tasks(house)) == 2
    house.do("create", "call", name="Hello", about={"object": "customer", "id": id})
    house.work()
    assert [(t[0], t[2]) for t in tasks(house)] == [("Look at their pages", "open"), ("打电话", "done")]
    house.do("update", "customer", id, state="called")
    house.work()
    assert sorted((t[0], t[2]) for t in tasks(house)) == [
        ("Look at their pages", "cancelled"), ("上门拜访", "open"), ("打电话", "done"),
    ]  # fmt: skip


def test_required_tasks_hold_the_leaving(house: House) -> None:
    ann = house.user("ann")
    id = house.do("create", "customer", name="A", owner=ann)
    house.work()
    assert why(house, id, "called") == [("stage_task", "state", "dial")]
    house.do("create", "call", name="Hello", about={"object": "customer", "id": id})
    house.do("update", "customer", id, state="called")
    house.work()
    assert why(house, id, "offered") == [("stage_task", "state", "visit")]
    (task,) = house.rows("task", "id::text", "AND stage_task = 'visit'")
    house.do("update", "task", task[0], status="done")
    house.do("update", "customer", id, state="offered")
    # Who loses a deal has no tasks any more.
    other = house.do("create", "customer", name="B", owner=ann)
    house.do("update", "customer", other, state="lost")
