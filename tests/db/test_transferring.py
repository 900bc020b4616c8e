"""A record is given to another owner, alone or with many, by whoever may: through the ways that pages and addresses use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, NotFound, Refused
from patron_engine.query.history import history
from patron_engine.record.change import Change
from patron_engine.store.tables import Tables
from patron_engine.ways.save import begin_write, save
from patron_engine.ways.transfer import Handing, Went, transfer, transfer_each
from patron_testing.build import model_of
from patron_testing.giving import World, given_world
from patron_testing.organisation import DOCUMENTS
from patron_testing.pg import Server


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    with given_world(server) as made:
        yield made


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
