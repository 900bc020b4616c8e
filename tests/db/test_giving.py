"""Rights given for single records: teams, shares and transfers, asked through the ways that lists, saves and explanations use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, PatronError, Refused
from patron_engine.query.call import Call
from patron_engine.query.history import history
from patron_engine.query.spec import Ask
from patron_engine.record import audit
from patron_engine.record.change import Change
from patron_engine.record.given import note_expired
from patron_engine.store.migrations import migrate
from patron_engine.store.tables import Tables
from patron_engine.ways import give as way
from patron_engine.ways.explain import explain
from patron_engine.ways.give import Wish, give, given, take
from patron_engine.ways.read import read
from patron_engine.ways.save import begin_write, save
from patron_engine.ways.transfer import Handing, Went, transfer, transfer_each
from patron_testing.build import NOON, Records, build_workspace, model_of
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server

SELLER = {
    "kind": "role", "name": "seller", "label": "Seller", "for_users": "internal",
    "objects": {
        "user": {"read": "all"}, "department": {"read": "all"}, "group": {"read": "all"},
        "account": {"create": True, "read": "own", "update": "own", "share": "own", "transfer": "own"},
        "deal": {"create": True, "read": "own", "update": "own", "share": "own", "transfer": "own"},
    },
}  # fmt: skip
SHOWER = {  # sees and shares everything, changes nothing
    "kind": "role", "name": "shower", "label": "Shower", "for_users": "internal",
    "objects": {"user": {"read": "all"}, "account": {"read": "all", "share": "all"}, "deal": {"read": "all"},
                "line": {"read": "all"}},
}  # fmt: skip
MANY = {  # of those that are no secret many may be changed at once
    "kind": "role", "name": "many", "label": "Many", "for_users": "internal",
    "objects": {"deal": {"read": "own", "bulk": True, "where": {"read": "stage != 'secret'"}}},
}  # fmt: skip
MATE = {  # of the deals of his groups
    "kind": "role", "name": "mate", "label": "Mate", "for_users": "internal",
    "objects": {"deal": {"read": "all", "update": "all", "where": {"read": "SAME_GROUP(owner, me())"}}},
}  # fmt: skip


class World:
    """Ann and Bob sell and see their own; Cid sees all and may share it. Bob sits below the department north."""

    def __init__(self, r: Records) -> None:
        self.r = r
        north = r.create("department", name="North", code="north")
        below = r.create("department", name="Far north", code="far", parent=north)
        self.north = north
        self.ids = {
            name: r.create(
                "user", name=name, email=f"{name}@example.com", department=department, roles=[role]
            )
            for name, role, department in (
                ("ann", "seller", None),
                ("bob", "seller", below),
                ("cid", "shower", None),
            )
        }
        self.group = r.create("group", name="Bid", code="bid", members=[self.ids["bob"]])
        self.account = r.create("account", name="Acme", owner=self.ids["ann"])
        self.deal = r.create("deal", name="Boat", account=self.account, owner=self.ids["ann"])
        self.foreign = r.create("deal", name="Theirs", account=self.account, owner=self.ids["cid"])
        self.line = r.create("line", what="Mast", deal=self.deal)
        model = model_of(DOCUMENTS + "".join(f"---\n{json.dumps(b)}\n" for b in (SELLER, SHOWER, MANY, MATE)))
        self.frame = replace(r.call, model=model, tables=Tables(model, r.call.schema))

    def call(self, name: str, *, later: timedelta = timedelta(), also: tuple[str, ...] = ()) -> Call:
        role = "shower" if name == "cid" else "seller"
        actor = Actor(user=self.ids[name], name=name, roles=frozenset({role, *also}))
        return replace(self.frame, actor=actor, now=NOON + later)

    def act(self, name: str, do: Callable[..., Any], *given: Any, **more: Any) -> Any:
        call = self.call(name)
        with self.r.conn.transaction():
            begin_write(self.r.conn, call)
            return do(self.r.conn, call, *given, **more)

    def share(self, by: str = "ann", object: str = "account", id: str | None = None, **wish: Any) -> int:
        wish = {"reason": "share", "to": {"user": self.ids["bob"]}, **wish}
        made: int = self.act(by, give, object, id or self.account, Wish(**wish))
        return made

    def sees(self, name: str = "bob", object: str = "account", *, later: timedelta = timedelta()) -> set[str]:
        rows = read(
            self.r.conn, self.call(name, later=later), Ask(object=object, fields=("id",)), secret=b""
        ).rows()
        return {row["id"] for row in rows}

    def changes(self, id: str, object: str = "account", name: str = "bob") -> str:
        """What becomes of an update: ok, or the code of the error."""
        change = Change(action="update", object=object, id=id, set={"name": "changed"})
        call = self.call(name)
        try:
            with self.r.conn.transaction(force_rollback=True):
                begin_write(self.r.conn, call)
                save(self.r.conn, call, [change])
        except PatronError as error:
            return error.code
        return "ok"

    def explained(self, action: Any, id: str, object: str = "account", name: str = "bob") -> bool:
        who = self.call(name).actor
        return explain(self.r.conn, self.frame, who, action, object, id).allowed

    def steps(self, id: str, object: str = "account") -> list[tuple[str, Any]]:
        entries = history(self.r.conn, self.frame, object, id)
        return [(e["action"], e["cause"].get("given")) for e in entries]


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield World(Records(conn, build_workspace(conn, DOCUMENTS)))
    server.drop(url)


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


def test_a_transfer_makes_another_owner_and_may_keep_the_old_one(world: World) -> None:
    to = {"user": world.ids["bob"]}
    world.share(reason="team")
    assert world.act(
        "ann", transfer, "account", world.account, Handing(to=to, keep="read", along=["deals"])
    ) == Went(records=2)
    assert world.sees() == {world.account} and world.changes(world.account) == "ok"
    assert world.sees("ann") == {world.account} and world.changes(world.account, name="ann") == "forbidden"
    owners = {str(r["id"]): str(r["owner"]) for r in world.r.rows("deal")}
    assert owners == {world.deal: world.ids["bob"], world.foreign: world.ids["cid"]}, (
        "whose is another's stays"
    )
    principals = [str(r["principal"]) for r in world.r.rows("account__access")]
    assert principals == [world.ids["ann"]], "the new owner is no member beside it"
    entry = next(
        e for e in history(world.r.conn, world.frame, "account", world.account) if "owner" in e["old"]
    )
    assert entry["cause"]["transfer"] is True and entry["by"]["id"] == world.ids["ann"]


def test_who_may_not_transfer_does_not(world: World) -> None:
    to = {"user": world.ids["bob"]}
    with pytest.raises(Forbidden):
        world.act("cid", transfer, "account", world.account, Handing(to=to))
    with pytest.raises(NotFound):
        world.act("bob", transfer, "account", world.account, Handing(to=to))
    assert world.act("ann", transfer, "account", world.account, Handing(to=to)) == Went(records=1)
    assert world.sees("ann") == set(), "nothing is kept where nothing was said"
    change = Change(
        action="transfer", object="deal", id=world.deal, set={"owner": world.ids["bob"], "amount": 7}
    )
    with pytest.raises(Refused, match="nothing else"):
        world.act("ann", lambda conn, call: save(conn, call, [change]))


def test_a_right_to_transfer_is_enough_and_gives_no_other(world: World) -> None:
    hander = {
        "kind": "role", "name": "hander", "label": "Hander", "for_users": "internal",
        "objects": {
            "user": {"read": "all"}, "department": {"read": "all"}, "account": {"read": "all", "transfer": "all"},
        },
    }  # fmt: skip
    model = model_of(DOCUMENTS + f"---\n{json.dumps(hander)}\n")
    actor = Actor(user=world.ids["cid"], name="cid", roles=frozenset({"hander"}))
    world.frame = replace(world.frame, model=model, tables=Tables(model, world.frame.schema))
    call = replace(world.frame, actor=actor)
    with world.r.conn.transaction():
        begin_write(world.r.conn, call)
        assert transfer(
            world.r.conn, call, "account", world.account, Handing(to={"user": world.ids["bob"]})
        ) == Went(records=1)
    for values in ({"name": "x"}, {"owner": world.ids["ann"]}):
        with pytest.raises((Forbidden, Refused)), world.r.conn.transaction():
            begin_write(world.r.conn, call)
            save(
                world.r.conn, call, [Change(action="update", object="account", id=world.account, set=values)]
            )


def test_many_are_transferred_each_by_itself(world: World) -> None:
    ids = [world.deal, world.foreign, "00000000-0000-7000-8000-000000000000", "nonsense"]
    made = _many(world, ids, "many")
    assert [(n.records, e.code if e else None) for _, n, e in made] == [(1, None), *[(0, "not_found")] * 3]
    assert world.sees(object="deal") == {world.deal}


def test_many_at_once_is_a_right_of_its_own_on_each_of_them(world: World) -> None:
    secret = world.r.create("deal", name="Hush", stage="secret", owner=world.ids["ann"])
    with pytest.raises(Forbidden, match="change many of"):
        _many(world, [world.deal])
    made = _many(world, [world.deal, secret], "many")
    assert [(n.records, e.code if e else None) for _, n, e in made] == [(1, None), (0, "forbidden")]
    assert world.sees(object="deal") == {world.deal}
    assert world.act("ann", transfer, "deal", secret, Handing(to={"user": world.ids["bob"]})) == Went(
        records=1
    )


def _many(world: World, ids: list[str], *also: str) -> Any:
    call = world.call("ann", also=also)
    with world.r.conn.transaction():
        begin_write(world.r.conn, call)
        return transfer_each(world.r.conn, call, "deal", ids, Handing(to={"user": world.ids["bob"]}))


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
