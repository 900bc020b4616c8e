"""Rights on fields that hang on the record: the most permissive of the grants that reach it, read and written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import PatronError, Refused
from patron_engine.query.call import Call
from patron_engine.query.groups import groups
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.ways.read import read, read_one
from patron_engine.ways.save import begin_write, save
from patron_testing.build import Records, build_workspace, model_of
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server

SECRET = b"a key of the tests"
OWN = {
    "kind": "role", "name": "own", "label": "Own", "for_users": "internal",
    "objects": {"account": {"read": "own", "update": "own"}, "deal": {"read": "own", "update": "own"}},
}  # fmt: skip
POOL = {
    "kind": "role", "name": "pool", "label": "Pool", "for_users": "internal",
    "objects": {"account": {"read": "all", "update": "all"}, "deal": {"read": "all"}},
    "fields": {"account": {"size": "none", "name": "masked"}, "deal": {"account": "none", "amount": "read"}},
}  # fmt: skip


class World:
    """A rep whose own records are his and who sees a little of all others. `size` and `name` of theirs are not his, nor
    which account their deals are of."""

    def __init__(self, r: Records) -> None:
        self.r = r
        self.me = r.create("user", name="Rep", email="rep@example.com")
        other = r.create("user", name="Other", email="other@example.com")
        self.mine = r.create("account", name="Mine Limited", grade="a", size=10, owner=self.me)
        self.theirs = r.create("account", name="Theirs Limited", grade="b", size=99, owner=other)
        self.deal = r.create("deal", name="deal mine", account=self.mine, owner=self.me, amount=1)
        self.their_deal = r.create("deal", name="deal theirs", account=self.mine, owner=other, amount=2)
        bodies = "".join(f"---\n{json.dumps(b)}\n" for b in (OWN, POOL))
        model = model_of(DOCUMENTS + bodies)
        actor = Actor(user=self.me, name="rep", roles=frozenset({"own", "pool"}))
        self.call = replace(r.call, model=model, tables=Tables(model, r.call.schema), actor=actor)

    def page(self, object: str, **more: Any) -> list[dict[str, Any]]:
        return read(self.r.conn, self.call, Ask(object=object, **more), secret=SECRET).rows()

    def update(self, object: str, id: str, **values: Any) -> list[tuple[str, str | None]]:
        return self.refused(Change(action="update", object=object, id=id, set=values))

    def refused(self, change: Change, call: Call | None = None) -> list[tuple[str, str | None]]:
        """(code, path) of what was refused; nothing is kept."""
        call = call or self.call
        try:
            with self.r.conn.transaction(force_rollback=True):
                begin_write(self.r.conn, call)
                save(self.r.conn, call, [change])
        except Refused as refused:
            return [(p.code, p.path) for p in refused.problems]
        except PatronError as other:
            return [(other.code, None)]
        return []


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield World(Records(conn, build_workspace(conn, DOCUMENTS)))
    server.drop(url)


def test_a_value_is_shown_where_it_is_his_masked_where_that_is_and_else_empty(world: World) -> None:
    rows = {r["id"]: r for r in world.page("account", fields=("id", "name", "size", "grade"))}
    assert rows[world.mine] == {"id": world.mine, "name": "Mine Limited", "size": 10, "grade": "a"}
    assert rows[world.theirs] == {"id": world.theirs, "name": "T****d", "size": None, "grade": "b"}
    assert read_one(world.r.conn, world.call, "account", world.theirs).record()["size"] is None


@pytest.mark.parametrize("where", ["size > 0", "size == 99 or size == 10", "name != 'x' and size >= 10"])
def test_a_filter_finds_nothing_by_what_is_not_his(world: World, where: str) -> None:
    assert [r["id"] for r in world.page("account", where=where, fields=("id",))] == [world.mine]


def test_masked_names_are_not_found_by_their_letters(world: World) -> None:
    assert [r["id"] for r in world.page("account", where="contains(name, 'Limited')", fields=("id",))] == [
        world.mine
    ]
    assert world.page("account", q="Theirs", fields=("id",)) == []


def test_sorting_and_grouping_treat_it_as_empty(world: World) -> None:
    ids = [r["id"] for r in world.page("account", sort=("-size",), fields=("id",))]
    assert ids == [world.mine, world.theirs], "99 would come first"
    found = groups(world.r.conn, world.call, Ask(object="account"), "size", ())
    assert sorted((g.value, g.count) for g in found if g.value is not None) == [(10, 1)]
    summed = groups(world.r.conn, world.call, Ask(object="account"), "grade", ("size",))
    assert {g.value: g.sums[0] for g in summed} == {"a": 10, "b": 0}


def test_nothing_lies_behind_a_link_that_is_not_his(world: World) -> None:
    rows = {r["id"]: r for r in world.page("deal", fields=("id", "account", "account.name", "account.grade"))}
    assert (
        rows[world.deal]["account"]["id"] == world.mine and rows[world.deal]["account.name"] == "Mine Limited"
    )
    assert rows[world.their_deal]["account"] is None
    assert rows[world.their_deal]["account.name"] is None and rows[world.their_deal]["account.grade"] is None
    where = "account.grade == 'a'"
    assert [r["id"] for r in world.page("deal", where=where, fields=("id",))] == [world.deal]


def test_he_sets_it_where_it_is_his(world: World) -> None:
    assert world.update("account", world.mine, size=11, name="Mine") == []
    assert world.update("account", world.theirs, grade="c") == []
    assert world.update("account", world.theirs, size=11) == [("readonly_field", "size")]
    assert world.update("account", world.theirs, name="Ours") == [("readonly_field", "name")]
    assert world.update("account", world.theirs, size=None) == [("readonly_field", "size")]


MAKER = {
    "kind": "role", "name": "maker", "label": "Maker", "for_users": "internal",
    "objects": {"account": {"create": True, "read": "all"}}, "fields": {"account": {"size": "read"}},
}  # fmt: skip
EDITOR = {
    "kind": "role", "name": "editor", "label": "Editor", "for_users": "internal",
    "objects": {"account": {"read": "all", "update": "all", "where": {"update": "grade == 'a'"}}},
}  # fmt: skip


def test_who_makes_a_record_sets_what_his_right_to_make_it_gives(world: World) -> None:
    bodies = "".join(f"---\n{json.dumps(b)}\n" for b in (MAKER, EDITOR))
    model = model_of(DOCUMENTS + bodies)
    actor = Actor(user=world.me, name="rep", roles=frozenset({"maker", "editor"}))
    call = replace(world.r.call, model=model, tables=Tables(model, world.r.call.schema), actor=actor)

    def make(**values: Any) -> list[tuple[str, str | None]]:
        return world.refused(Change(action="create", object="account", set={"name": "New", **values}), call)

    assert make(grade="b") == []
    assert make(grade="b", size=5) == [("readonly_field", "size")]
    assert make(grade="a", size=5) == []  # a record as he may change it
