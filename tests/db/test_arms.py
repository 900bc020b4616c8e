"""A rule of several reasons: lists, their pages and counts are those of one condition, though each reason is asked by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.query import fetch, rows, walking
from patron_engine.query.spec import Ask
from patron_engine.query.walking import Learnt, gives_many
from patron_engine.store.tables import Tables
from patron_engine.ways.read import read
from patron_testing.build import Records, build_workspace, model_of
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server

SECRET = b"a key of the tests"
REP: dict[str, Any] = {
    "kind": "role", "name": "rep", "label": "Rep", "for_users": "internal",
    "objects": {"account": {"read": "own"}, "deal": {"read": {"through": "account"}}},
}  # fmt: skip


class World:
    """A rep with accounts of his own, some that were given to him (one of them his own), some of a queue of his."""

    def __init__(self, r: Records) -> None:
        self.r = r
        self.me = r.create("user", name="Rep", email="rep@example.com")
        other = r.create("user", name="Other", email="other@example.com")
        queue = r.create("queue", name="Queue", code="q", members=[self.me])
        mine = [self._account(n, owner=self.me) for n in range(6)]
        theirs = [self._account(n, owner=other) for n in range(6, 16)]
        waiting = [self._account(n, owner=None, queue=queue) for n in range(16, 19)]
        for id in (mine[0], *theirs[:3]):
            r.conn.execute(
                "INSERT INTO w_test.account__access (record, principal, level, reason) VALUES (%s, %s, 'read', 'team')",
                (id, self.me),
            )
        self.seen = [*mine, *theirs[:3], *waiting]
        self.deals = [
            r.create("deal", name=f"deal {n}", account=id, owner=other) for n, id in enumerate(self.seen)
        ]
        r.create("deal", name="hidden", account=theirs[5], owner=other)
        model = model_of(DOCUMENTS + f"---\n{json.dumps(REP)}\n")
        actor = Actor(user=self.me, name="rep", roles=frozenset({"rep"}))
        self.call = replace(r.call, model=model, tables=Tables(model, r.call.schema), actor=actor)

    def _account(self, n: int, **values: Any) -> str:
        grade = None if n % 4 == 3 else "abc"[n % 3]
        return self.r.create("account", name=f"account {n % 5}", grade=grade, size=n, **values)

    def pages(self, object: str, **more: Any) -> list[dict[str, Any]]:
        """Every record, two at a time."""
        found, after = [], None
        while True:
            page = read(
                self.r.conn, self.call, Ask(object=object, limit=2, after=after, **more), secret=SECRET
            )
            found += page.rows()
            after = page.next
            if after is None:
                return found


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield World(Records(conn, build_workspace(conn, DOCUMENTS)))
    server.drop(url)


class Walked(Learnt):
    """Whose pages are walked first, always."""

    def ways(self, key: object, many: object) -> tuple[Any, ...]:
        return ("walk", "gather")


@pytest.fixture(params=["gathered", "walked", "walked to its end", "walked in vain"])
def way(request: pytest.FixtureRequest, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every way to find the rows of a page: a walk ends before the page is full, in its midst, or never."""
    most = {"walked": 1000, "walked to its end": 7, "walked in vain": 2}.get(request.param)
    if most is not None:
        monkeypatch.setattr(fetch, "LEARNT", Walked())
        monkeypatch.setattr(rows, "WALKED", most)
        monkeypatch.setattr(rows, "LOOKED", most + 3)
    before = world.call
    world.call = replace(before, tables=Tables(before.model, before.schema))  # statements are made anew
    yield request.param
    world.call = before


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "sort", [(), ("-created_at",), ("name",), ("-name",), ("grade",), ("-grade",), ("size",), ("owner",)]
)
def test_pages_hold_every_record_once_in_order(world: World, sort: tuple[str, ...]) -> None:
    rows = world.pages("account", sort=sort, fields=("id", "name", "size", "grade"))
    assert sorted(r["id"] for r in rows) == sorted(world.seen)
    whole = read(
        world.r.conn, world.call, Ask(object="account", sort=sort, fields=("id",)), secret=SECRET
    ).rows()
    assert [r["id"] for r in rows] == [r["id"] for r in whole]
    if sort == ("size",):
        assert [r["size"] for r in rows] == sorted(r["size"] for r in rows)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("sort", [(), ("-created_at",), ("name",), ("-name",)])
@pytest.mark.parametrize(
    "where", ["size > 3", "size > 1000", "grade == 'a' or size < 9", "name != 'account 1'"]
)
def test_pages_of_a_condition_hold_what_fits_it(world: World, where: str, sort: tuple[str, ...]) -> None:
    rows = world.pages("account", sort=sort, where=where, fields=("id",))
    everybodys = read(world.r.conn, world.r.call, Ask(object="account", where=where), secret=SECRET).rows()
    assert sorted(r["id"] for r in rows) == sorted(r["id"] for r in everybodys if r["id"] in world.seen)


@pytest.mark.parametrize("where", [None, "size > 3", "grade == 'a'", "size > 3 or grade == 'b'"])
def test_what_several_reasons_give_is_counted_once(world: World, where: str | None) -> None:
    ask = Ask(object="account", where=where, fields=("id",), count="exact")
    page = read(world.r.conn, world.call, ask, secret=SECRET)
    assert page.count == len(page.rows()) == len({r["id"] for r in page.rows()})
    assert where is not None or page.count == len(world.seen)


@pytest.mark.usefixtures("way")
def test_through_a_link_each_reason_of_the_other_record_counts(world: World) -> None:
    rows = world.pages("deal", sort=("-created_at",), fields=("id", "name"))
    assert [r["id"] for r in rows] == sorted(world.deals, reverse=True)
    page = read(world.r.conn, world.call, Ask(object="deal", limit=1, count="exact"), secret=SECRET)
    assert page.count == len(world.deals)


@pytest.mark.parametrize("object", ["account", "deal"])
def test_what_a_rule_may_give_says_what_is_tried_first(
    world: World, object: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not gives_many(world.r.conn, world.call, object)  # his own, four shares, a queue
    for most, many in ((4, True), (5, False)):
        monkeypatch.setattr(walking, "SHARED_MANY", most)
        call = replace(world.call, tables=Tables(world.call.model, world.call.schema))
        assert gives_many(world.r.conn, call, object) is many
    boss = REP | {"name": "boss", "objects": REP["objects"] | {"account": {"read": "own_and_reports"}}}
    model = model_of(DOCUMENTS + f"---\n{json.dumps(boss)}\n")
    actor = Actor(user=world.me, roles=frozenset({"boss"}))
    call = replace(world.call, model=model, tables=Tables(model, world.call.schema), actor=actor)
    assert gives_many(world.r.conn, call, object)


def test_somebody_nothing_reaches_sees_an_empty_list(world: World) -> None:
    nobody = replace(world.call, actor=Actor(user=world.r.call.new_id(), roles=frozenset({"rep"})))
    page = read(world.r.conn, nobody, Ask(object="deal", count="exact"), secret=SECRET)
    assert (page.rows(), page.count) == ([], 0)
