"""Merging what the packs do not have: links among the records themselves, files in fields, many-to-many of the object's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.store.session import configure
from patron_engine.ways.merge import merge
from patron_engine.ways.save import write_transaction
from patron_engine.ways.unmerge import unmerge
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: object
name: vessel
label: Vessel
title: name
features: [files]
fields:
  - {name: name, type: text, required: true}
  - {name: papers, type: file, many: true}
  - {name: photo, type: file}
  - {name: mother, type: lookup, to: vessel, reverse: {name: sisters}}
  - {name: crew, type: lookup, to: hand, many: true, reverse: {name: vessels}}
  - {name: any, type: lookup, to: [vessel, hand], many: true, reverse: {name: any_of}}
  - {name: beside, type: lookup, to: vessel, many: true, reverse: {name: beside_of}}
  - {name: around, type: lookup, to: [vessel, hand], reverse: {name: circled}}
---
kind: object
name: hand
label: Hand
title: name
fields: [{name: name, type: text}]
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, replace(call, actor=replace(call.actor, user=call.new_id())))
    server.drop(url)


def one(r: Records, winner: str, *losers: str, **choose: str) -> Any:
    with write_transaction(r.conn, r.call):
        return merge(r.conn, r.call, "vessel", winner, losers, choose)


def apart(r: Records, id: str) -> Any:
    with write_transaction(r.conn, r.call):
        return unmerge(r.conn, r.call, "vessel", id)


def file(r: Records, name: str) -> str:
    id = r.call.new_id()
    with r.conn.transaction():
        r.conn.execute(
            "INSERT INTO w_test.sys__file (id, name, mime, size, sha256, chunks, created_by, created_at)"
            " VALUES (%s, %s, 'text/plain', 1, 'x', 0, %s, now())",
            (id, name, r.call.actor.user),
        )
    return id


def where(r: Records) -> dict[str, tuple[str, str]]:
    rows = r.conn.execute(
        "SELECT name, record::text, field FROM w_test.sys__file WHERE deleted_at IS NULL"
    ).fetchall()
    r.conn.commit()
    return {name: (record, field) for name, record, field in rows}


def test_links_among_those_that_become_one(r: Records) -> None:
    a = r.create("vessel", name="A")
    b = r.create("vessel", name="B", mother=a, around={"object": "vessel", "id": a}, beside=[a])
    c = r.create("vessel", name="C", mother=b, beside=[b])
    d = r.create("vessel", name="D", mother=c)
    made = one(r, a, b, c)
    row = r.row("vessel", a)
    assert row["mother"] is None and row["around"] is None
    assert str(r.row("vessel", d)["mother"]) == a
    back = apart(r, made.id)
    assert back.left == ()
    assert str(r.row("vessel", b)["mother"]) == a and str(r.row("vessel", c)["mother"]) == b
    assert str(r.row("vessel", d)["mother"]) == c


def test_files_in_fields_go_along_and_come_back(r: Records) -> None:
    a = r.create("vessel", name="A")
    b = r.create("vessel", name="B", papers=[file(r, "p1"), file(r, "p2")], photo=file(r, "face"))
    c = r.create("vessel", name="C", photo=file(r, "other"))
    made = one(r, a, b, c)
    assert where(r) == {"p1": (a, "papers"), "p2": (a, "papers"), "face": (a, "photo"), "other": (c, "photo")}
    apart(r, made.id)
    assert where(r) == {"p1": (b, "papers"), "p2": (b, "papers"), "face": (b, "photo"), "other": (c, "photo")}


def test_many_to_many_of_the_object_itself(r: Records) -> None:
    """A loser's many-to-many comes along where the winner has none; lists that name both name the winner once."""
    hands = [r.create("hand", name=n) for n in "hi"]
    a = r.create("vessel", name="A")
    mixed = [{"object": "hand", "id": hands[0]}, {"object": "vessel", "id": a}]
    b = r.create("vessel", name="B", crew=hands, any=mixed)
    r.update("vessel", a, beside=[b])
    others = [{"object": "vessel", "id": b}, {"object": "hand", "id": hands[1]}]
    e = r.create("vessel", name="E", beside=[a, b], around={"object": "vessel", "id": b}, any=others)

    def listed(record: str, field: str) -> set[str]:
        table = r.call.model.objects["vessel"].fields[field].link.table or ""
        return {str(x["target"]) for x in r.rows(table, "record = %s", record)}

    def all_lists() -> list[set[str]]:
        return [listed(id, name) for id in (a, b, e) for name in ("beside", "crew", "any")]

    before = all_lists()
    made = one(r, a, b)
    assert (listed(a, "beside"), listed(e, "beside"), listed(a, "crew")) == (set(), {a}, set(hands))
    assert (listed(a, "any"), listed(e, "any")) == ({hands[0]}, {a, hands[1]})
    assert str(r.row("vessel", e)["around"]) == a
    assert apart(r, made.id).left == ()
    assert all_lists() == before
    assert str(r.row("vessel", e)["around"]) == b
