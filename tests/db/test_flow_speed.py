"""Many runs at once, and many workspaces: what an import sets going is worked off in batches, and holds up nobody else."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from patron_engine.flow import store
from patron_engine.record.change import Change
from patron_engine.ways import flow
from patron_engine.ways.save import save
from patron_testing.build import NOON, SCHEMA
from patron_testing.flowing import workspace

RULE = """
kind: automation
name: notes
object: bill
on: {event: created}
steps: [{name: note, do: update, set: {note: "=CONCAT(name, '!')"}}]
---
kind: automation
name: other
object: bill
on: {event: created}
steps: [{name: count, do: update, when: "sum > 5", set: {sum: "=sum + 1"}}]
"""
RECORDS = 2_000
PER_SECOND = (
    150  # of processor time, on a machine that does other things; docs/performance.md says what it does alone
)


def test_what_an_import_sets_going_is_worked_off_in_batches(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, RULE)
    for begin in range(0, RECORDS, 500):
        changes = [Change(action="create", object="bill", set={"name": str(begin + n), "sum": n % 9}) for n in range(500)]  # fmt: skip
        save(w.conn, w.call, changes)
        w.conn.commit()
    began = time.process_time()
    turns = 0
    while flow.begin(w.conn, w.call) + flow.go_on(w.conn, w.call, w.who):
        w.conn.commit()
        turns += 1
    took = time.process_time() - began
    assert {n for (n,) in w.rows("bill", "note")} == {f"{n}!" for n in range(RECORDS)}
    assert w.runs("state, count(*)", "GROUP BY state") == [("done", RECORDS * 2)]
    assert turns <= RECORDS * 2 / store.BATCH * 2.5, turns
    assert RECORDS / took > PER_SECOND, f"{RECORDS / took:.0f} records a second of processor time"


def test_a_claim_leaves_what_it_does_not_take_to_others(
    conn: psycopg.Connection[Any], database_url: str
) -> None:
    """Runs at another step of the same automation, and those of another one, are another worker's meanwhile."""
    w = workspace(conn, RULE)
    save(w.conn, w.call, [Change(action="create", object="bill", set={"name": str(n), "sum": 6}) for n in range(10)])  # fmt: skip
    w.conn.commit()
    while flow.begin(w.conn, w.call):
        w.conn.commit()
    # Half of the records have only runs of the second rule left, so that both rules have runs that may go.
    w.conn.execute(f"UPDATE {SCHEMA}.sys__run SET state = 'done' WHERE rule = 'notes' AND number <= 10")
    w.conn.commit()
    first = store.claim(w.conn, SCHEMA, NOON)
    with psycopg.connect(database_url) as other:
        second = store.claim(other, SCHEMA, NOON)
        other.rollback()
    w.conn.rollback()
    assert {r.rule for r in first} == {"other"} and {r.rule for r in second} == {"notes"}
    assert len(first) == len(second) == 5
