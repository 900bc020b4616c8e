"""Steps of checks that hand records on: assigned, shared, handed over, merged. A step that nobody knows fails."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import psycopg

from patron_engine.meta.diff import DocumentChange
from patron_engine.ways import rehearse
from patron_testing.build import NOON, model_of
from patron_testing.standing import OBJECTS

GIVEN = """
kind: pool
name: east
object: customer
takes: "region == 'east'"
members: {role: rep}
---
kind: role
name: clerk
objects: {customer: {create: true, read: own, update: own}}
fields: {customer: {phone: none}}
---
kind: report
name: sums
type: summary
object: customer
rows: [state]
measures: [{name: total, function: sum, field: amount}]
---
kind: check
name: hands
given:
  users: [{name: rep}, {name: boss}, {name: clerk, roles: [clerk]}]
  records:
    - {name: one, object: customer, set: {name: One, phone: "1"}}
    - {name: two, object: customer, owner: boss, set: {name: Two, amount: 5}}
    - {name: ann, object: person, set: {name: Ann, customer: two}}
steps:
"""


def problems(conn: psycopg.Connection[Any], steps: str) -> list[str]:
    model = model_of(OBJECTS + "---" + GIVEN + steps)
    change = DocumentChange(kind="check", name="hands", action="added")
    conn.rollback()
    ran, found = rehearse.rehearse(conn, model, [change], lambda: NOON)
    assert ran == ("hands",)
    return [p.message for p in found]


def test_a_record_is_assigned_from_its_pool_shared_handed_over_and_merged(
    conn: psycopg.Connection[Any],
) -> None:
    steps = """
  - {as: boss, do: claim, record: two, refused: pool_yours}
  - {as: boss, do: assign, record: one, to: rep, values: {owner: rep}}
  - {as: rep, do: claim, record: one, refused: pool_yours}
  - {as: boss, do: assign, record: one, to: boss, values: {owner: boss}}
  - {as: boss, do: transfer, record: one, to: rep, values: {owner: rep}}
  - {as: boss, do: share, record: one, to: rep, refused: has_it}
  - {as: boss, do: share, record: two, to: rep}
  - {as: boss, do: share, record: one, to: rep, refused: true}
  - {as: boss, do: merge, record: two, to: one, values: {name: One, amount: 5, phone: "1"}}
then: [{read: ann, values: {customer: one}}, {read: one, values: {amount: 5}}]
"""
    assert problems(conn, steps) == []


def test_lists_are_counted_and_named_and_pools_go_on_while_time_passes(conn: psycopg.Connection[Any]) -> None:
    then = """
  - {do: wait, after: 1 day}
then:
  - {list: customer, where: "pool.name == 'east'", records: [one]}
  - {as: boss, list: pool_move, where: "kind == 'entered'", count: 1}
  - {list: customer, count: 3}
  - {list: customer, where: "amount == 5", records: [one]}
"""
    assert problems(conn, then) == [
        "check hands: customer: there are 2, not 3",
        "check hands: customer: one are missing, 1 are too many",
    ]


def test_what_is_handed_on_wrongly_fails(conn: psycopg.Connection[Any]) -> None:
    steps = """
  - {as: boss, do: assign, record: one, to: nobody}
  - {as: boss, do: share, record: one, to: nobody}
  - {as: boss, do: merge, record: one, to: nobody}
  - {as: boss, do: assign, record: one, to: rep, values: {owner: boss}}
  - {as: boss, do: merge, record: one, to: one}
"""
    found = problems(conn, steps)
    assert len(found) == 5 and all("nobody" in message for message in found[:3])


def test_every_step_of_the_schema_runs_and_another_fails(
    conn: psycopg.Connection[Any], monkeypatch: Any
) -> None:
    schema = json.loads(files("patron_engine.meta").joinpath("schemas/check.json").read_text())
    assert set(schema["properties"]["steps"]["items"]["properties"]["do"]["enum"]) == rehearse.RUNS
    monkeypatch.setattr(rehearse, "RUNS", rehearse.RUNS - {"share"})
    (message,) = problems(conn, "  - {as: boss, do: share, record: one, to: rep}\n")
    assert "there is no step share" in message


def test_people_act_and_look_with_the_rights_of_their_roles(conn: psycopg.Connection[Any]) -> None:
    then = """
  - {as: clerk, do: create, object: customer, name: mine, set: {name: Mine, amount: 7}}
  - {as: clerk, do: update, record: two, set: {name: Taken}, refused: true}
  - {as: boss, do: update, record: mine, set: {phone: "7"}}
then:
  - {as: clerk, read: two, hidden: true}
  - {as: clerk, read: mine, hidden: [phone], values: {name: Mine}}
  - {as: clerk, list: customer, records: [mine]}
  - {as: clerk, report: sums, total: {total: 7}}
  - {as: boss, report: sums, total: {total: 12}}
"""
    assert problems(conn, then) == []
    wrong = (
        then.partition("then:")[0]
        + """
then:
  - {as: clerk, read: mine, hidden: true}
  - {as: clerk, read: mine, hidden: [name]}
  - {as: clerk, read: two, values: {name: Two}}
  - {as: clerk, read: mine, values: {phone: "7"}}
  - {as: clerk, report: sums, total: {total: 12}}
"""
    )
    assert problems(conn, wrong) == [
        f"check hands: {told}"
        for told in (
            "mine is seen",
            "name is seen",
            "two is not seen",
            "phone is not seen",
            "total is 7, not 12",
        )
    ]


def test_what_is_given_counts_or_is_refused_at_its_place(conn: psycopg.Connection[Any]) -> None:
    """Settings and where people belong; that they count is held by the checks of the pack sales."""
    rules = GIVEN.replace("kind: check", SETTING + "kind: check")
    steps = rules + "  - {do: read, record: one, values: {name: One}}\n"

    def told(given: str) -> list[str]:
        text = steps.replace("  users: [{name: rep}, ", given)
        model = model_of(OBJECTS + "---" + text)
        conn.rollback()
        change = DocumentChange(kind="check", name="hands", action="added")
        return [p.message for p in rehearse.rehearse(conn, model, [change], lambda: NOON)[1]]

    assert told("  settings: {most: 7}\n  users: [{name: rep}, ") == []
    (wrong,) = told("  settings: {most: many}\n  users: [{name: rep}, ")
    assert "given.settings.most" in wrong
    (nowhere,) = told("  users: [{name: rep, department: north}, ")
    assert "given.users[0].department" in nowhere and "north" in nowhere


SETTING = """kind: setting
name: most
label: Most
type: integer
default: 3
---
"""
