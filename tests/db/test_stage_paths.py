"""The way save and stage paths: every save keeps to the path, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor, Cause
from patron_engine.errors import Refused
from patron_engine.record.change import Change
from patron_engine.record.stage_moves import opens
from patron_engine.store.session import configure
from patron_platform.phrases import written
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: test
currency: CNY
time_zone: Asia/Shanghai
---
kind: object
name: deal
label: Deal
title: name
record_types: [{name: plain, label: Plain}, {name: short, label: Short}]
fields:
  - {name: name, type: text, required: true}
  - {name: amount, type: money}
  - {name: chance, type: integer, default: 1}
  - {name: due, type: date}
  - {name: reason, type: text}
  - name: stage
    type: select
    default: open
    options: [{name: open, label: Open}, {name: offered, label: {en: Offered, zh-CN: 已报价}}, {name: agreed}, {name: won}, {name: lost}]
---
kind: object
name: line
label: Line
title: name
fields:
  - {name: name, type: text, required: true}
  - {name: deal, type: master, to: deal, required: true, inverse: lines}
---
kind: role
name: seller
label: Seller
---
kind: role
name: boss
label: Boss
---
kind: stage_path
name: deal_path
object: deal
field: stage
for: {record_types: [plain]}
create_at: first
moves: {back: false, skip: false, reopen: [boss]}
stages:
  - name: open
    leave_when: [{name: dated, when: "due != None", message: {en: Say when, zh-CN: 请先填写日期}}]
  - name: offered
    required: [amount]
    enter_when: [{name: lines, when: "COUNT(lines) > 0", message: Add lines first}]
    set: {chance: "=chance + 49"}
  - {name: agreed, set: {chance: 90}}
  - {name: won, end: won}
  - {name: lost, end: lost, required: [reason]}
---
kind: stage_path
name: short_path
object: deal
field: stage
stages:
  - {name: open, moves: [lost]}
  - {name: lost}
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def problems(r: Records, id: str, **values: Any) -> list[tuple[str | None, str]]:
    with pytest.raises(Refused) as caught:
        r.update("deal", id, **values)
    return [(p.path, p.code) for p in caught.value.problems]


def deal(r: Records, **values: Any) -> str:
    return r.create("deal", name="Pumps", record_type="plain", **values)


def test_a_record_begins_where_the_path_says(r: Records) -> None:
    with pytest.raises(Refused) as caught:
        deal(r, stage="offered", amount="5")
    assert [(p.path, p.code) for p in caught.value.problems] == [("stage", "stage_begin")]
    assert "Open" in caught.value.problems[0].message
    assert r.row("deal", deal(r))["stage"] == "open"


def test_all_that_a_move_lacks_is_told_at_once(r: Records) -> None:
    id = deal(r)
    assert problems(r, id, stage="offered") == [
        ("stage", "stage_criterion"),
        ("amount", "required"),
        ("stage", "stage_criterion"),
    ]
    assert problems(r, id, stage="offered", due="2026-06-01", amount="5") == [("stage", "stage_criterion")]
    r.update("deal", id, stage="offered", due="2026-06-01", amount="5", lines=[{"name": "one"}])
    row = r.row("deal", id)
    assert (row["stage"], row["chance"], row["due"].isoformat()) == ("offered", 50, "2026-06-01")


def test_moves_that_are_not_open(r: Records) -> None:
    id = deal(r, due="2026-06-01", amount="5", lines=[{"name": "one"}])
    with pytest.raises(Refused) as caught:
        r.update("deal", id, stage="agreed")
    told = caught.value.problems[0]
    assert (told.path, told.code) == ("stage", "stage_move")
    assert "Open" in told.message and told.hint == "open from here: Offered, won, lost"
    assert told.message == "Stage: Open does not lead to agreed"
    assert written(told.message, ("zh-CN",)) == "Stage：不能从“Open”转到“agreed”"
    assert written(told.hint, ("zh-CN",)) == "可转到：已报价、won、lost"
    r.update("deal", id, stage="offered")
    assert problems(r, id, stage="open") == [("stage", "stage_move")]
    assert problems(r, id, amount=None) == [("amount", "required")], "it must stay filled there"
    r.update("deal", id, stage="agreed")
    assert r.row("deal", id)["chance"] == 90
    r.update("deal", id, stage="lost", reason="price", chance=3)
    assert r.row("deal", id)["chance"] == 3, "what the caller gives is his"


def test_who_may_reopen(r: Records) -> None:
    id = deal(r, reason="price", due="2026-06-01")
    r.update("deal", id, stage="lost")
    body = r.call.model.documents["stage_path", "deal_path"]
    for roles, may in (({"seller"}, False), ({"boss"}, True), ({"seller", "boss"}, True)):
        assert opens(body, "lost", "open", Actor(user=None, roles=frozenset(roles))) is may
    r.update("deal", id, stage="open")  # an administrator may


def test_the_other_type_goes_the_other_path(r: Records) -> None:
    id = r.create("deal", name="Valves", record_type="short", stage="open")
    assert problems(r, id, stage="won") == [("stage", "stage_move")]
    r.update("deal", id, stage="lost")


def test_many_at_once_are_judged_each(r: Records) -> None:
    ids = [deal(r, due="2026-06-01", amount="5", lines=[{"name": "one"}] if n else []) for n in range(3)]
    changes = [Change(action="update", object="deal", id=i, set={"stage": "offered"}) for i in ids]
    done = r.act(*changes, mode="each")
    assert [d.action for d in done] == ["refused", "updated", "updated"]
    assert done[0].problems[0].message == "Add lines first"


def test_what_takes_back_and_what_tells_history_is_not_held_up(r: Records) -> None:
    id = deal(r, due="2026-06-01", amount="5", lines=[{"name": "one"}])
    r.update("deal", id, stage="offered")
    plain = r.call
    r.call = replace(plain, cause=Cause(detail={"undo": True}))
    r.update("deal", id, stage="open", chance=1)
    assert r.row("deal", id)["chance"] == 1
    r.call = replace(plain, cause=Cause(kind="import", detail={"history": True}))
    outcome = r.update("deal", id, stage="agreed")
    assert [p.code for p in outcome.problems] == ["history_stage_move"]
