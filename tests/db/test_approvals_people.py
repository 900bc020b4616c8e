"""Approvals over people: no definition of one is a way to rights that whoever decides, or wrote it, does not have."""

from __future__ import annotations

import psycopg
import pytest

from patron_engine.approval import store
from patron_engine.errors import Forbidden, PatronError
from patron_engine.ways import approve, deciding
from patron_engine.ways.deciding import Wish
from patron_testing.signing import SCHEMA, Signing, signing

OVER_PEOPLE = """kind: approval
name: a
object: user
on: [submit]
nodes:
  - {name: n, type: approve, who: {user: boss@x.example}, fields: {name: edit, roles: edit}}
"""
PROMOTES = OVER_PEOPLE + "after: {approved: [{do: update, set: {roles: [director]}}]}\n"


def decide(w: Signing, **fields: object) -> None:
    """The administrator submits the representative; the boss decides."""
    rep = w.people["rep"]
    w.do("root", lambda conn, call: approve.submit(conn, call, "user", rep))
    id = store.of_record(w.conn, SCHEMA, "user", rep)
    assert id is not None
    instance = store.load(w.conn, SCHEMA, id)
    assert instance is not None
    task = next(t.id for t in instance.tasks if t.person == w.people["boss"])
    w.do("boss", lambda conn, call: deciding.act(conn, call, task, Wish(act="approve", fields=fields)))


def roles(w: Signing) -> list[str] | None:
    row = w.conn.execute(
        f'SELECT roles, name FROM {SCHEMA}."user" WHERE id = %s', [w.people["rep"]]
    ).fetchone()
    w.conn.commit()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def test_a_step_lets_nobody_give_roles(conn: psycopg.Connection[None]) -> None:
    w = signing(conn, OVER_PEOPLE)
    before = roles(w)
    with pytest.raises(Forbidden):
        decide(w, roles=["director"])
    assert roles(w) == before


def test_a_step_lets_him_write_a_name(conn: psycopg.Connection[None]) -> None:
    w = signing(conn, OVER_PEOPLE)
    decide(w, name="Another")
    assert w.conn.execute(
        f'SELECT name FROM {SCHEMA}."user" WHERE id = %s', [w.people["rep"]]
    ).fetchone() == ("Another",)


def test_what_follows_a_decision_gives_no_roles(conn: psycopg.Connection[None]) -> None:
    w = signing(conn, PROMOTES)
    before = roles(w)
    with pytest.raises(PatronError):
        decide(w)
    assert roles(w) == before
