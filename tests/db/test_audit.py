"""The audit: what is written by itself, what is told to administrators, and that no row can be changed unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.record import audit
from patron_engine.record.change import Change
from patron_engine.record.watch import outside_hours
from patron_engine.transfer.export import export
from patron_engine.ways.save import begin_write, save
from patron_testing.build import Records, build_workspace
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server

SETTINGS = "".join(
    f"---\n{{kind: setting, name: {name}, label: {name}, type: integer, default: {value}}}\n"
    for name, value in (
        ("alert_changes", 30), ("alert_deletions", 25), ("alert_exported", 40), ("alert_from_hour", 8),
        ("alert_until_hour", 20),
    )
)  # fmt: skip


@pytest.fixture
def world(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield Records(conn, build_workspace(conn, DOCUMENTS + SETTINGS))
    server.drop(url)


def told(r: Records, **wanted: Any) -> list[tuple[str, str]]:
    return [(e.action, e.about) for e in audit.entries(r.conn, "w_test", audit.Wanted(**wanted))]


def do(r: Records, changes: list[Change]) -> None:
    begin_write(r.conn, r.call)
    save(r.conn, r.call, changes)


def many(number: int) -> list[Change]:
    return [Change(action="create", object="account", set={"name": f"a{n}"}) for n in range(number)]


def test_rights_of_people_are_noted_with_what_they_were(world: Records) -> None:
    user = world.create("user", name="Ann", email="ann@example.com", roles=[])
    do(world, [Change(action="update", object="user", id=user, set={"roles": ["boss"], "name": "Anna"})])
    found = audit.entries(world.conn, "w_test", audit.Wanted(action="rights_changed", about=f"user/{user}"))
    assert found[0].detail["roles"]["to"] == ["boss"]
    assert set(found[0].detail) == {"roles"}
    do(world, [Change(action="update", object="user", id=user, set={"name": "Anne"})])
    assert len(audit.entries(world.conn, "w_test", audit.Wanted(about=f"user/{user}"))) == len(found)


@pytest.mark.parametrize(("number", "actions"), [
    (19, []), (20, ["changed_many"]), (29, ["changed_many"]), (30, ["alert_changed_many", "changed_many"]),
])  # fmt: skip
def test_acts_on_many_are_noted_and_told_past_the_bound(
    world: Records, number: int, actions: list[str]
) -> None:
    do(world, many(number))
    assert [action for action, _ in told(world, about="account")] == actions


def test_deleting_many_is_told(world: Records) -> None:
    ids = [world.create("account", name=f"a{n}") for n in range(25)]
    do(world, [Change(action="delete", object="account", id=id) for id in ids])
    assert told(world) == [("alert_deleted_many", "account"), ("deleted_many", "account")]
    assert [e.action for e in audit.alerts(world.conn, "w_test", 10)] == ["alert_deleted_many"]


def test_an_export_says_who_took_how_many_and_which(world: Records) -> None:
    do(world, many(41))
    call = replace(world.call, actor=Actor(user=None, name="ann", administrator=True))
    world.conn.commit()
    export(world.conn, call, "account", BytesIO(), where="size == null")
    entry = audit.entries(world.conn, "w_test", audit.Wanted(who="ANN", action="exported"))[0]
    assert (entry.detail["records"], entry.detail["where"], entry.name) == (41, "size == null", "ann")
    assert told(world, who="ann")[0] == ("alert_exported", "account")


def test_what_was_refused_is_not_noted(world: Records) -> None:
    with pytest.raises(Exception, match="Name is required"), world.conn.transaction():
        do(world, [*many(25), Change(action="create", object="account", set={})])
    assert told(world) == []


def test_a_search_finds_by_day_and_goes_on(world: Records) -> None:
    for day in range(5):
        at = datetime(2026, 3, 1 + day, 12, tzinfo=UTC)
        audit.write(
            world.conn, "w_test", Actor(user=None, name="x_y"), at, "act", f"thing/{day}", {"day": day}
        )
    since = datetime(2026, 3, 2, tzinfo=UTC)
    assert len(told(world, since=since, until=since + timedelta(days=2))) == 2
    assert told(world, who="x%") == []
    assert len(told(world, who="X_Y")) == 5
    first = audit.entries(world.conn, "w_test", audit.Wanted(), 2)
    following = audit.entries(world.conn, "w_test", audit.Wanted(before=first[-1].id), 2)
    assert [e.detail["day"] for e in (*first, *following)] == [4, 3, 2, 1]


@pytest.mark.parametrize("harm", [
    "UPDATE w_test.sys__audit SET about = 'other' WHERE id = 3",
    "UPDATE w_test.sys__audit SET detail = '{\"day\": 7}' WHERE id = 3",
    "UPDATE w_test.sys__audit SET at = at + interval '1 second' WHERE id = 3",
    "DELETE FROM w_test.sys__audit WHERE id = 2",
    "UPDATE w_test.sys__audit SET digest = NULL WHERE id = 2",
])  # fmt: skip
def test_a_changed_or_missing_row_is_found(world: Records, harm: str) -> None:
    for day in range(5):
        told_of = {"day": day, "amount": "1.10", "words": "中文", "list": [1, None, True]}
        audit.note(world.conn, world.call, "act", f"thing/{day}", told_of)
    world.conn.commit()
    assert audit.broken(world.conn, "w_test") is None
    world.conn.execute(
        "GRANT UPDATE, DELETE ON w_test.sys__audit TO CURRENT_USER"
    )  # the owner may give himself what he lacks
    world.conn.execute(harm)
    assert audit.broken(world.conn, "w_test") == 3


def test_the_login_that_is_no_superuser_may_only_add(world: Records) -> None:
    rights = world.conn.execute(
        "SELECT privilege_type FROM aclexplode((SELECT relacl FROM pg_class WHERE oid = 'w_test.sys__audit'::regclass))"
    ).fetchall()
    assert not {"UPDATE", "DELETE", "TRUNCATE"} & {r[0] for r in rights}
    assert {"SELECT", "INSERT"} <= {r[0] for r in rights}


@pytest.mark.parametrize(("hour", "late"), [(23, True), (0, False), (11, False), (12, True)])
def test_hours_of_work_are_those_of_the_workspaces_zone(world: Records, hour: int, late: bool) -> None:
    assert (
        outside_hours(world.call.model, datetime(2026, 3, 2, hour, tzinfo=UTC)) is late
    )  # Shanghai is 8 hours ahead
