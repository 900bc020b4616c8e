"""A world of people and records in which rights to single records are given: teams, shares and transfers.

with given_world(server) as world:
    world.share(to={"user": world.ids["bob"]})      # 1: what the way of giving made
    world.sees("bob")                               # the ids a list shows him
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg

from patron_engine.actor import Actor
from patron_engine.errors import PatronError
from patron_engine.query.call import Call
from patron_engine.query.history import history
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.ways.explain import explain
from patron_engine.ways.give import Wish, give
from patron_engine.ways.read import read
from patron_engine.ways.save import begin_write, save
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


@contextmanager
def given_world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield World(Records(conn, build_workspace(conn, DOCUMENTS)))
    server.drop(url)
