"""Assignments: the first rule that fits chooses, in turn, by load or by chance; nobody gets two turns at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_engine.store.session import configure
from patron_engine.ways import flow
from patron_engine.ways.save import retrying, save, write_transaction
from patron_testing.build import SCHEMA, build_workspace
from patron_testing.standing import OBJECTS, House

RULES = """
kind: assignment
name: spread
object: customer
on: [{event: created}]
when: "owner == None and queue == None"
rules:
  - {name: region, when: "region == 'west'", to: {role: rep, where: "this.region in regions"}, by: turns, skip_absent: true}
  - name: key
    when: "grade == 'a'"
    to: {role: rep}
    by: load
    load: {object: customer, where: "state != 'won' and region == this.region"}
    max: 2
  - {name: chance, when: "amount == 7", to: {role: rep}, by: random}
  - {name: rest, to: {queue: waiting}}
again: {after: 4 hours, while: "state == 'fresh' and owner != None", times: 2}
"""


@pytest.fixture
def house(conn: psycopg.Connection[Any]) -> House:
    made = House(conn, build_workspace(conn, OBJECTS + "---\n" + RULES))
    made.do("create", "queue", name="Waiting", code="waiting")
    return made


def owners(house: House) -> list[Any]:
    return [o for (o,) in house.rows("customer", "owner::text", "ORDER BY id")]


def test_in_turn_among_those_of_the_region_who_are_there(house: House) -> None:
    a, b, away = (house.user(n, "rep", regions=["west"]) for n in "abc")
    house.user("east", "rep", regions=["east"])
    house.do(
        "create", "absence", user=away, reason="Leave", period={"from": "2026-05-18", "to": "2026-05-22"}
    )
    ids = [
        house.do("create", "customer", name=f"c{n}", region="west", state="called", owner=None)
        for n in range(4)
    ]
    house.work()
    assert sorted(owners(house)) == sorted([a, b, a, b])
    told = house.kept("sys__assigned", "assignment, rule, person::text, told", f"WHERE record = '{ids[0]}'")[
        0
    ]
    assert told[:3] == ("spread", "region", owners(house)[0])
    assert told[3] == {"by": "turns", "among": 3, "absent": 1}
    house.work()
    assert len(house.kept("sys__run", "id", "WHERE rule = 'assignment:spread'")) == 4


def test_by_load_up_to_the_most(house: House) -> None:
    a, b = house.user("a", "rep"), house.user("b", "rep")
    house.do("create", "customer", name="old", owner=a, state="called")
    house.do("create", "customer", name="done", owner=b, state="won")
    for n in range(4):
        house.do("create", "customer", name=f"c{n}", grade="a", state="called", owner=None)
    house.work()
    found = house.rows(
        "customer",
        "owner::text, (SELECT code FROM w_test.queue q WHERE q.id = queue)",
        "AND name LIKE 'c%' ORDER BY id",
    )
    assert sorted(map(str, found)) == sorted(map(str, [(b, None), (a, None), (b, None), (None, "waiting")]))


def test_what_fits_no_rule_waits_in_the_queue_and_chance_repeats_itself(house: House) -> None:
    a = house.user("a", "rep")
    house.do("create", "customer", name="c", owner=None)
    house.do("create", "customer", name="d", owner=None, amount=7, state="called")
    house.do("create", "customer", name="own", owner=a)
    house.work()
    assert house.rows("customer", "name, owner::text, queue IS NOT NULL", "ORDER BY name") == [
        ("c", None, True), ("d", a, False), ("own", a, False),
    ]  # fmt: skip


def test_a_step_puts_records_into_a_queue(conn: psycopg.Connection[Any]) -> None:
    """As an escalation does: nobody owns them until somebody who serves the queue takes them."""
    rule = """
kind: automation
name: escalate
object: customer
on: {event: updated, fields: [state]}
steps: [{name: queue, do: assign, to: {queue: waiting}}]
"""
    house = House(conn, build_workspace(conn, OBJECTS + "---\n" + rule))
    house.do("create", "queue", name="Waiting", code="waiting")
    id = house.do("create", "customer", name="c", owner=house.user("a", "rep"))
    house.do("update", "customer", id, state="called")
    house.work()
    assert house.rows("customer", "owner::text, queue IS NOT NULL") == [(None, True)]


def test_who_serves_a_queue_is_told_of_what_waits_there(house: House) -> None:
    ann, ben, off = (house.user(n, "rep") for n in ("ann", "ben", "off"))
    house.do("create", "queue", name="Inbound", code="inbound", members=[ann, ben, off])
    house.do("update", "user", off, active=False)
    (inbound,) = house.rows("queue", "id::text", "AND code = 'inbound'")
    by_ben = house.later(timedelta(), ben, "rep")
    given = [{"name": f"q{n}", "owner": None, "queue": inbound[0], "state": "called"} for n in range(2)]
    by_ben = replace(by_ben, actor=replace(by_ben.actor, administrator=True))
    save(house.conn, by_ben, [Change(action="create", object="customer", set=v) for v in given])
    house.conn.commit()
    house.work()
    told = house.kept("sys__notice", "person::text, reason, text->'values'->>'title'", "ORDER BY 3")
    assert told == [(ann, "assignment", "q0"), (ann, "assignment", "q1")]


def test_whoever_does_nothing_loses_it_to_the_next(house: House) -> None:
    a, b = (house.user(n, "rep", regions=["west"]) for n in "ab")
    id = house.do("create", "customer", name="c", region="west", owner=None)
    house.work()
    assert owners(house) == [a]
    house.work(timedelta(hours=3))
    assert owners(house) == [a]
    house.work(timedelta(hours=5))
    assert owners(house) == [b]
    house.do("update", "customer", id, state="called")
    house.work(timedelta(hours=10))
    assert owners(house) == [b]
    assert house.kept("sys__run", "state") == [("done",)]


def test_two_workers_never_give_the_same_turn(house: House, database_url: str) -> None:
    people = [house.user(f"p{n}", "rep", regions=["west"]) for n in range(4)]
    made = [
        Change(
            action="create",
            object="customer",
            set={"name": "c", "region": "west", "state": "called", "owner": None},
        )
    ]
    for _ in range(40):
        save(house.conn, house.call, made)
        house.conn.commit()

    def work(_: int) -> None:
        with psycopg.connect(database_url) as own:
            configure(own)
            idle = 0
            while idle < 3:

                def turn() -> int:
                    with write_transaction(own, house.call):
                        own.execute(f"SET LOCAL search_path = {SCHEMA}")
                        return flow.begin(own, house.call) + flow.go_on_alone(
                            own, house.call, lambda *_: SYSTEM
                        )

                idle = 0 if retrying(turn) else idle + 1

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(2)))
    assert [owners(house).count(p) for p in people] == [10, 10, 10, 10]
