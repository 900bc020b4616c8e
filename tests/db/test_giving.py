"""Rights given for single records: teams and shares, asked through the ways that lists, saves and explanations use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.query.spec import Ask
from patron_engine.record import audit
from patron_engine.record.change import Change
from patron_engine.record.given import note_expired
from patron_engine.store.migrations import migrate
from patron_engine.ways import give as way
from patron_engine.ways.give import Wish, give, given, take
from patron_engine.ways.read import read
from patron_engine.ways.save import begin_write, save
from patron_testing.build import NOON
from patron_testing.giving import World, given_world
from patron_testing.pg import Server


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    with given_world(server) as made:
        yield made


@pytest.mark.parametrize("to", ["user", "department", "group", "role"])
def test_a_share_reaches_a_user_a_department_with_those_below_a_group_and_a_role(
    world: World, to: str
) -> None:
    named = {"user": world.ids["bob"], "department": world.north, "group": world.group, "role": "seller"}[to]
    assert world.sees() == set() and world.changes(world.account) == "not_found"
    assert world.share(to={to: named}) == 1
    assert world.sees() == {world.account} and world.changes(world.account) == "forbidden"
    assert world.explained("read", world.account) and not world.explained("update", world.account)
    assert world.share(to={to: named}, level="edit") == 1
    assert world.changes(world.account) == "ok" and world.explained("update", world.account)
    rows = world.r.rows("account__access")
    assert [(r["level"], str(r["by"]), r["at"]) for r in rows] == [("edit", world.ids["ann"], NOON)], (
        "one right, not two"
    )
    principal = str(rows[0]["principal"])
    assert world.act("ann", take, "account", world.account, principal, "share") == 1
    assert world.sees() == set() and world.changes(world.account) == "not_found"


def test_people_of_one_group_are_known_to_lists_and_to_saves(world: World) -> None:
    call = world.call("bob", also=("mate",))
    change = Change(action="update", object="deal", id=world.deal, set={"name": "changed"})

    def sees() -> set[str]:
        ask = Ask(object="deal", fields=("id",))
        return {row["id"] for row in read(world.r.conn, call, ask, secret=b"").rows()}

    def tries() -> None:
        with world.r.conn.transaction(force_rollback=True):
            begin_write(world.r.conn, call)
            save(world.r.conn, call, [change])

    assert sees() == set()
    with pytest.raises(NotFound):
        tries()
    world.r.create("group", name="Crew", code="crew", members=[world.ids["ann"], world.ids["bob"]])
    assert sees() == {world.deal}
    tries()


def test_an_expiry_ends_a_right_at_its_moment(world: World) -> None:
    world.share(until="2026-05-21T12:00:00+08:00", level="edit")
    day = timedelta(days=1)
    assert world.sees(later=day - timedelta(seconds=1)) == {world.account}
    assert world.sees(later=day) == set()
    world.share(until="2026-05-21")  # the whole of that day
    assert world.sees(later=timedelta(hours=35, minutes=59)) == {world.account}
    assert world.sees(later=timedelta(hours=36)) == set()
    with pytest.raises(Refused) as refused:
        world.share(until="2026-05-19")
    assert [(p.code, p.path) for p in refused.value.problems] == [("past", "until")]


def test_nobody_gives_more_than_he_has_and_only_who_may_share_gives(world: World) -> None:
    assert world.share("cid") == 1
    with pytest.raises(Forbidden):
        world.share("cid", level="edit")
    with pytest.raises(Forbidden):  # it was given to him; that is no right to give it on
        world.share("bob", to={"user": world.ids["cid"]})
    with pytest.raises(NotFound):
        world.share("bob", "deal", world.deal, to={"user": world.ids["cid"]})
    with pytest.raises(Refused, match="already"):
        world.share("cid", to={"user": world.ids["cid"]})
    assert world.changes(world.account) == "forbidden", "what was refused changed nothing"


def test_a_member_has_a_role_and_the_owner_stays(world: World) -> None:
    world.share(reason="team", level="edit", role=" Presales ")
    world.share()  # the same person for another reason
    _, rights = given(world.r.conn, world.call("ann"), "account", world.account)
    said = {(r.reason, r.level, r.role, r.principal.title if r.principal else None) for r in rights}
    assert said == {("team", "edit", "Presales", "bob"), ("share", "read", None, "bob")}
    world.act("ann", take, "account", world.account, world.ids["bob"], "share")
    assert world.changes(world.account) == "ok", "he is of the team still"
    with pytest.raises(Conflict, match="owner"):
        world.act("ann", take, "account", world.account, world.ids["ann"], "team")
    with pytest.raises(Refused):
        world.share(reason="team", to={"group": world.group})


def test_linked_records_go_along_as_far_as_the_giver_may(world: World) -> None:
    assert world.share(along=["deals"]) == 2
    assert world.sees(object="deal") == {world.deal}, "the deal of somebody else is not his to give"
    assert world.sees(object="line") == {world.line}, "a detail has its master's rights"
    assert world.act("ann", take, "account", world.account, world.ids["bob"], "share", ["deals"]) == 2
    assert world.sees(object="deal") == world.sees(object="line") == set()
    with pytest.raises(Refused, match="related list"):
        world.share(along=["dealz"])


def test_a_detail_is_given_with_its_master(world: World) -> None:
    with pytest.raises(Refused, match="master"):
        world.share(object="line", id=world.line)


def test_giving_stands_in_the_history_in_order(world: World) -> None:
    world.share(until="2026-06-01")
    world.act("ann", take, "account", world.account, world.ids["bob"], "share")
    world.share(reason="team")
    assert [a for a, _ in world.steps(world.account)] == ["member_added", "unshared", "shared", "created"]
    told = world.steps(world.account)[2][1]
    assert (
        told["principal"] == world.ids["bob"]
        and told["level"] == "read"
        and told["until"].startswith("2026-06-01")
    )


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"to": None}, "bad_principal"), ({"to": {"queue": "x"}}, "bad_principal"), ({"to": {"user": "x"}}, "not_id"),
        ({"to": {"user": "00000000-0000-7000-8000-000000000000"}}, "not_found"), ({"to": {"role": "king"}}, "unknown_role"),
        ({"to": {"role": []}}, "unknown_role"), ({"level": "own"}, "unknown_value"), ({"until": 7}, "not_moment"),
        ({"until": "2026-02-30"}, "not_moment"), ({"along": "deals"}, "not_list"), ({"role": "x"}, "bad_role"),
        ({"reason": "team", "role": "x" * 61}, "bad_role"), ({"reason": "team", "role": "a\x00"}, "bad_role"),
    ],
)  # fmt: skip
def test_a_bad_wish_says_what_is_wrong(world: World, wish: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        world.share(**wish)
    assert [p.code for p in refused.value.problems] == [code]
    assert world.r.rows("account__access") == []


def test_a_record_is_given_to_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "MAX_GIVEN", 1)
    world.share()
    world.share(level="edit")
    with pytest.raises(LimitExceeded):
        world.share(to={"group": world.group})
    monkeypatch.setattr(way, "MAX_ALONG", 1)
    assert world.share(along=["deals"]) == 2
    world.r.create("deal", name="More", account=world.account, owner=world.ids["ann"])
    with pytest.raises(LimitExceeded):
        world.share(along=["deals"])


def test_a_workspace_of_before_gets_the_new_columns(world: World) -> None:
    conn = world.r.conn
    world.share()
    conn.execute("ALTER TABLE w_test.account__access DROP COLUMN role, DROP COLUMN by, DROP COLUMN at")
    conn.execute("DELETE FROM w_test.sys__migration WHERE number = 192")
    migrate(conn, "w_test")
    row = world.r.rows("account__access")[0]
    assert row["level"] == "read" and row["by"] is row["at"] is row["role"] is None
    assert world.sees() == {world.account}


def audited(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    found = audit.entries(world.r.conn, "w_test", audit.Wanted())
    world.r.conn.commit()
    return [(e.action, e.about, dict(e.detail)) for e in reversed(found) if e.action != "rights_changed"]


def test_the_audit_knows_what_was_given_and_taken_and_by_ids_alone(world: World) -> None:
    bob = world.ids["bob"]
    world.share(level="edit", until="2099-01-01", along=("deals",))
    world.act("ann", give, "account", world.account, Wish(reason="team", to={"user": bob}, role="Presales"))
    world.act("ann", take, "account", world.account, bob, "share")
    world.act("ann", take, "account", world.account, bob, "team")
    found = audited(world)
    about = f"account/{world.account}"
    assert [(action, where) for action, where, _ in found] == [
        ("shared", about), ("shared", f"deal/{world.deal}"), ("member_added", about), ("unshared", about),
        ("member_removed", about),
    ]  # fmt: skip
    assert found[0][2] | {"until": ""} == {"kind": "user", "principal": bob, "level": "edit", "until": ""}
    assert found[2][2] == {"kind": "user", "principal": bob, "level": "read", "role": "Presales"}
    assert "bob" not in str([detail for *_, detail in found])


def test_the_audit_knows_what_ended_by_itself_once(world: World) -> None:
    until = (NOON + timedelta(hours=2)).isoformat()
    world.share(until=until)
    for hours, since, number in ((1, 0, 0), (3, 0, 1), (4, 3, 0)):
        call = replace(world.frame, now=NOON + timedelta(hours=hours))
        before = len([f for f in audited(world) if f[0] == "share_expired"])
        with world.r.conn.transaction():
            note_expired(world.r.conn, call, "account", NOON + timedelta(hours=since))
        after = [f for f in audited(world) if f[0] == "share_expired"]
        assert len(after) - before == number
    assert after[0][1] == f"account/{world.account}" and after[0][2]["principal"] == world.ids["bob"]
