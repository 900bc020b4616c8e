"""The plan of a publication says who gains or loses how many records, exactly, and the records say the same afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.access.decide import row_rule
from patron_engine.actor import Actor
from patron_engine.meta.diff import diff_bodies
from patron_engine.model.model import Model
from patron_engine.query.reach import reached_by
from patron_engine.store.tables import Tables
from patron_engine.ways import shifts as way
from patron_engine.ways.shifts import Shift, shifts_of
from patron_testing.build import NOON, SCHEMA, Records, build_workspace, model_of
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server

RIGHTS = """
---
kind: role
name: seller
label: seller
objects:
  account: {read: own, update: own}
  deal: {read: {through: account}}
---
kind: role
name: reader
label: reader
objects:
  account: {read: all, where: {read: "grade == 'a'"}}
"""
BEFORE = DOCUMENTS + RIGHTS


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn:
        r = Records(conn, build_workspace(conn, BEFORE))
        people = [r.create("user", name=f"u{n}", email=f"u{n}@example.com", roles=roles)
                  for n, roles in enumerate((["seller"], ["seller"], ["reader"], ["seller", "reader"], []))]  # fmt: skip
        for n, grade in enumerate("aabbc"):
            account = r.create("account", name=f"a{n}", grade=grade, owner=people[n % 2])
            r.create("deal", name=f"d{n}", account=account, owner=people[0])
        yield r
    server.drop(url)


def planned(world: Records, old: str, new: str) -> dict[tuple[str, str, str], Shift]:
    before, after = model_of(old), model_of(new)
    changes = diff_bodies(before.documents, after.documents)
    found = shifts_of(world.conn, SCHEMA, before, after, changes, lambda: NOON)
    return {("+".join(s.roles), s.object, s.action): s for s in found}


def reach(world: Records, model: Model, email: str, object: str) -> int:
    row = world.rows("user", "email = %s", email)[0]
    actor = Actor(user=str(row["id"]), roles=frozenset(row["roles"] or ()))
    call = replace(world.call, model=model, tables=Tables(model, SCHEMA), actor=actor)
    return reached_by(world.conn, call, object, row_rule(model, actor, "read", object))


def test_a_wider_scope_is_counted_for_everybody_who_has_the_role(world: Records) -> None:
    new = BEFORE.replace("account: {read: own, update: own}", "account: {read: all, update: own}")
    found = planned(world, BEFORE, new)
    seller = found["seller", "account", "read"]
    assert seller.moved is not None
    assert (seller.people, seller.moved.people_gaining, seller.moved.gained, seller.moved.lost) == (
        2,
        2,
        5,
        0,
    )
    assert seller.sentence == "seller: read account: 2 of 2 people gain 5 records"
    both = found["reader+seller", "account", "read"]
    assert both.moved is not None and (both.moved.gained, both.moved.people_gaining) == (3, 1)
    assert ("seller", "account", "update") not in found
    deals = found["seller", "deal", "read"]  # they follow their account
    assert deals.moved is not None and deals.moved.gained == 5
    assert reach(world, model_of(BEFORE), "u1@example.com", "account") == 2
    assert reach(world, model_of(new), "u1@example.com", "account") == 5


def test_a_condition_that_narrows_takes_away(world: Records) -> None:
    new = BEFORE.replace("grade == 'a'", "grade == 'c'")
    moved = planned(world, BEFORE, new)["reader", "account", "read"].moved
    assert moved is not None
    assert (moved.people_gaining, moved.gained, moved.people_losing, moved.lost) == (1, 1, 1, 2)


def test_a_sharing_rule_and_a_role_that_goes(world: Records) -> None:
    rule = "\n---\nkind: sharing\nname: s\nlabel: s\nobject: account\nwhere: \"grade == 'b'\"\nto: [{role: seller}]\ngive: edit\n"
    found = planned(world, BEFORE, BEFORE + rule)
    read, update = found["seller", "account", "read"].moved, found["seller", "account", "update"].moved
    assert read is not None and (read.gained, read.people_gaining) == (2, 2)
    assert update is not None and update.gained == 2
    gone = planned(world, BEFORE, BEFORE[: BEFORE.index("---\nkind: role\nname: reader")])
    lost = gone["reader", "account", "read"].moved
    assert lost is not None and (lost.lost, lost.people_losing) == (2, 1)


def test_what_moves_nothing_is_not_told(world: Records) -> None:
    assert planned(world, BEFORE, BEFORE) == {}
    assert planned(world, BEFORE, BEFORE.replace("label: seller", "label: other")) == {}
    assert planned(world, BEFORE, BEFORE.replace("label: Queue", "label: Line")) == {}


def test_a_field_that_comes_with_it_is_said_to_be_uncounted(world: Records) -> None:
    field = "  - {name: size, type: integer}\n"
    new = BEFORE.replace(field, field + "  - {name: tint, type: text}\n").replace(
        "grade == 'a'", "tint == 'x'"
    )
    shift = planned(world, BEFORE, new)["reader", "account", "read"]
    assert shift.moved is None and shift.as_dict()["counted"] is False
    assert "not counted" in shift.sentence


@pytest.mark.parametrize(("most", "counted"), [(10, True), (9, False)])
def test_counted_up_to_the_limit(
    world: Records, monkeypatch: pytest.MonkeyPatch, most: int, counted: bool
) -> None:
    monkeypatch.setattr(way, "MAX_PAIRS", most)  # two people times five accounts
    new = BEFORE.replace("account: {read: own, update: own}", "account: {read: all, update: own}")
    shift = planned(world, BEFORE, new)["seller", "account", "read"]
    assert (shift.moved is not None) is counted


def test_so_many_lines_and_no_more(world: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    new: Any = BEFORE.replace("account: {read: own, update: own}", "account: {read: all, update: own}")
    whole = len(planned(world, BEFORE, new))
    monkeypatch.setattr(way, "MAX_SHIFTS", 1)
    assert whole > 1 and len(planned(world, BEFORE, new)) == 1
