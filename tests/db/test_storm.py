"""Storms: many small acts of one person within an hour are told as one large one, once; amounts that jump are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.record import audit, storm
from patron_engine.record.change import Change
from patron_engine.ways.save import save, write_transaction
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server

OBJECTS = """
kind: object
name: account
title: name
owner: none
label: {en: Account}
fields:
  - {name: name, type: text, label: {en: Name}, required: true}
  - {name: worth, type: money, label: {en: Worth}}
---
kind: object
name: deal
title: name
owner: none
label: {en: Deal}
fields:
  - {name: name, type: text, label: {en: Name}}
"""
SETTINGS = "".join(
    f"---\n{{kind: setting, name: {name}, label: {name}, type: integer, default: {value}}}\n"
    for name, value in (
        ("alert_changes", 30), ("alert_deletions", 10), ("alert_exported", 40), ("alert_amount_factor", 10),
        ("alert_amount_from", 1000), ("alert_amount_limit", 50_000),
    )
)  # fmt: skip


@pytest.fixture
def world(server: Server) -> Iterator[Records]:
    storm._kept.clear()  # what another test's workspace of the same name counted
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, OBJECTS + SETTINGS))
    server.drop(url)


def do(r: Records, who: str, *changes: Change, later: int = 0) -> list[str]:
    """One save of a person, committed, so many minutes after noon; the ids."""
    actor = Actor(user=None, name=who, administrator=True)
    call = replace(r.call, actor=actor, now=r.call.now + timedelta(minutes=later), committed=[])
    with write_transaction(r.conn, call):
        return [str(o.id) for o in save(r.conn, call, changes)]


def told(r: Records, action: str = "", who: str = "") -> list[audit.Entry]:
    found = audit.entries(r.conn, "w_test", audit.Wanted(action=action, who=who))
    r.conn.commit()
    return found


def made(r: Records, number: int, object: str = "account") -> list[str]:
    """Records of nobody in particular."""
    return [r.create(object, name=f"{object}{n}") for n in range(number)]


def gone(id: str, object: str = "account") -> Change:
    return Change(action="delete", object=object, id=id)


def test_single_deletions_add_up_to_an_alert_at_the_bound_and_not_before(world: Records) -> None:
    ids, deal = made(world, 9), made(world, 1, "deal")[0]
    for minute, id in enumerate(ids):
        do(world, "ann", gone(id), later=minute * 5)
    assert told(world, "alert_deleted_many") == []
    do(world, "bob", gone(made(world, 1)[0]), later=46)  # somebody else's count for him alone
    assert told(world, "alert_deleted_many") == []
    do(world, "ann", gone(deal, "deal"), later=47)
    (entry,) = told(world, "alert_deleted_many")
    assert (entry.name, entry.detail["records"], entry.detail["bound"]) == ("ann", 10, 10)
    assert entry.detail["objects"] == {"account": 9, "deal": 1}


def test_one_storm_is_told_once_and_the_next_again(world: Records) -> None:
    for id in made(world, 14):
        do(world, "ann", gone(id))
    do(world, "ann", *[gone(id) for id in made(world, 25)], later=10)
    assert len(told(world, "alert_deleted_many")) == 1
    for id in made(world, 10):
        do(world, "ann", gone(id), later=130)
    assert len(told(world, "alert_deleted_many")) == 2


def test_acts_further_apart_than_the_window_do_not_add_up(world: Records) -> None:
    ids = made(world, 18)
    for id in ids[:9]:
        do(world, "ann", gone(id))
    for id in ids[9:]:
        do(world, "ann", gone(id), later=66)
    assert told(world, "alert_deleted_many") == []


def test_single_changes_add_up_and_what_was_refused_does_not_count(world: Records) -> None:
    id = made(world, 1)[0]
    for number in range(29):
        do(world, "ann", Change(action="update", object="account", id=id, set={"name": f"n{number}"}))
    for _ in range(5):
        with pytest.raises(Exception, match="Name is required"):
            do(world, "ann", Change(action="update", object="account", id=id, set={"name": None}))
    trial = replace(world.call, actor=Actor(user=None, name="ann", administrator=True), committed=[])
    with write_transaction(world.conn, trial):
        save(world.conn, trial, [Change(action="create", object="account", set={"name": "x"})], trial=True)
    assert told(world, "alert_changed_many") == []
    do(world, "ann", Change(action="update", object="account", id=id, set={"name": "last"}))
    assert [e.detail["records"] for e in told(world, "alert_changed_many")] == [30]


def test_an_ordinary_save_sends_no_statement_for_it(world: Records) -> None:
    """With a bound of 30 the database learns of every third record."""
    id = made(world, 1)[0]
    for number in range(2):
        do(world, "ann", Change(action="update", object="account", id=id, set={"name": f"n{number}"}))
    assert world.rows("sys__storm") == []
    do(world, "ann", Change(action="update", object="account", id=id, set={"name": "third"}))
    assert [row["records"] for row in world.rows("sys__storm")] == [3]


def test_two_processes_count_together(world: Records) -> None:
    ids = made(world, 10)
    for id in ids[:5]:
        do(world, "ann", gone(id))
    storm._kept.clear()  # another process knows nothing of them
    for id in ids[5:]:
        do(world, "ann", gone(id))
    assert len(told(world, "alert_deleted_many")) == 1


@pytest.mark.parametrize(("before", "after", "factor"), [
    ("500", "4999.99", None), ("500", "5000", 10), ("5000", "500", 10), ("5000", "501", None),
    ("99", "999", None), ("99", "1000", 10), ("40000", "49999.99", None), ("40000", "50000", 0),
    ("50000", "60000", None), (None, "49999", None), (None, "50000", 0), ("50000", None, None),
])  # fmt: skip
def test_an_amount_that_jumps_is_noted_and_told(
    world: Records, before: str | None, after: str | None, factor: int | None
) -> None:
    id = world.create("account", name="a", worth=before)
    found = len(told(world, "amount_jump"))
    do(world, "ann", Change(action="update", object="account", id=id, set={"worth": after}))
    new = told(world, "amount_jump")[: len(told(world, "amount_jump")) - found]
    if factor is None:
        assert new == [] and told(world, "alert_amount_jump", who="ann") == []
        return
    assert [e.about for e in new] == [f"account/{id}"]
    assert new[0].detail == {"fields": ["worth"], **({"factor": factor} if factor else {})}
    assert [e.about for e in told(world, "alert_amount_jump", who="ann")] == [f"account/{id}"]


def test_many_jumps_are_one_alert(world: Records) -> None:
    ids = [world.create("account", name=f"a{n}", worth="100") for n in range(25)]
    changes: list[Any] = [Change(action="update", object="account", id=i, set={"worth": "9000"}) for i in ids]
    do(world, "ann", changes[0])
    do(world, "ann", changes[1])
    do(world, "ann", *changes[2:])
    assert [e.detail.get("records") for e in told(world, "amount_jump", who="ann")] == [23, None, None]
    assert len(told(world, "alert_amount_jump", who="ann")) == 1


def test_old_counts_are_tidied_away(world: Records) -> None:
    for id in made(world, 3):
        do(world, "ann", gone(id))
    storm.tidy(world.conn, "w_test", world.call.now + timedelta(minutes=119))
    assert world.rows("sys__storm") != []
    storm.tidy(world.conn, "w_test", world.call.now + timedelta(minutes=126))
    assert world.rows("sys__storm") == []
