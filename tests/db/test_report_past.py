"""Reports of a past moment: whatever happens afterwards, asked as of that moment they say what they said then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Refused
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.store.session import open_session
from patron_engine.ways import figure
from patron_engine.ways.merge import merge
from patron_engine.ways.read import rows
from patron_engine.ways.save import begin_write, save
from patron_testing.build import NOON, Records, build_workspace
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
languages: [en]
currency: CNY
zone: Asia/Shanghai
---
kind: object
name: user
label: User
title: name
owner: none
fields: [{name: name, type: text}, {name: email, type: email}]
---
kind: object
name: queue
label: Queue
title: name
owner: none
fields: [{name: name, type: text}, {name: members, type: lookup, to: user, many: true}]
---
kind: object
name: rate
label: Rate
title: currency
owner: none
fields: [{name: currency, type: text}, {name: date, type: date}, {name: rate, type: decimal}]
---
kind: object
name: firm
label: Firm
title: name
history: true
fields:
  - {name: name, type: text}
  - {name: size, type: integer}
  - {name: line, type: select, options: [{name: toys, was: play}, cars, food]}
  - {name: won, type: rollup, of: deals, function: sum, field: amount, where: "stage == 'won'"}
  - {name: tier, type: formula, expression: "IF(size > 50, 'large', 'small')"}
  - {name: secret, type: secret}
---
kind: object
name: deal
label: Deal
title: name
history: true
currency: record
fields:
  - {name: name, type: text}
  - {name: firm, type: lookup, to: firm, on_delete: clear, reverse: {name: deals, label: Deals}}
  - {name: stage, type: select, options: [open, won, lost], default: open}
  - {name: amount, type: money}
  - {name: chance, type: percent}
  - {name: close_on, type: date}
  - {name: called_at, type: datetime}
  - {name: hot, type: boolean, default: false}
  - {name: tags, type: multi_select, options: [a, b, c]}
  - {name: expected, type: formula, expression: "amount * chance / 100"}
  - {name: about, type: lookup, to: [firm, user], on_delete: clear}
  - {name: during, type: date_range}
---
kind: object
name: note
label: Note
title: name
history: false
fields: [{name: name, type: text}, {name: deal, type: lookup, to: deal, reverse: {name: notes, label: Notes}}]
---
kind: role
name: seller
label: Seller
objects: {deal: {read: own}, firm: {read: all}, user: {read: all}}
"""
COUNT = {"name": "n", "function": "count"}
SUM = {"name": "amount", "function": "sum", "field": "amount"}
REPORTS: dict[str, dict[str, Any]] = {
    "by_stage": {"object": "deal", "rows": ["stage"], "measures": [COUNT, SUM, {"name": "e", "function": "sum", "field": "expected"}]},
    "by_firm": {"object": "deal", "rows": ["firm.line", "firm.tier"], "measures": [COUNT, {"name": "c", "function": "avg", "field": "chance"}]},
    "by_month": {"object": "deal", "rows": [{"field": "close_on", "by": "month"}], "measures": [COUNT, SUM], "where": "hot or amount > 40"},
    "by_owner": {"object": "deal", "rows": ["owner", "about"], "measures": [COUNT]},
    "by_tag": {"object": "deal", "rows": ["tags"], "measures": [COUNT, {"name": "m", "function": "median", "field": "amount"}]},
    "by_day": {"object": "deal", "rows": [{"field": "called_at", "by": "day"}, "during.from"], "measures": [COUNT]},
    "firms": {"object": "firm", "rows": ["line"], "measures": [COUNT, {"name": "w", "function": "sum", "field": "won"}, {"name": "b", "expression": "COUNT(COUNT(deals, hot) >= 1)"}]},
    "down": {"object": "firm", "rows": ["deals.stage"], "measures": [COUNT, {"name": "d", "function": "sum", "field": "deals.amount"}]},
    "soon": {"object": "deal", "rows": ["stage"], "measures": [COUNT], "where": "close_on < TODAY()"},
}  # fmt: skip


class World:
    def __init__(self, conn: psycopg.Connection[Any], seed: int) -> None:
        self.conn, self.call, self.dice = conn, build_workspace(conn, DOCUMENTS), Random(seed)
        self.hours = 0
        r = Records(conn, self.call)
        for currency, rate in (("USD", "7"), ("EUR", "8")):
            r.create("rate", currency=currency, date="2020-01-01", rate=rate)
        self.people = [r.create("user", name=n) for n in ("ann", "bo")]
        self.live: dict[str, list[str]] = {"firm": [], "deal": []}
        self.gone: dict[str, list[str]] = {"firm": [], "deal": []}

    @property
    def now(self) -> Call:
        return replace(self.call, now=NOON + timedelta(hours=self.hours))

    def save(self, action: Any, object: str, id: str | None = None, **values: Any) -> str:
        with self.conn.transaction():
            begin_write(self.conn, self.now)
            (made,) = save(self.conn, self.now, [Change(action=action, object=object, id=id, set=values)])
        assert made.id is not None
        return made.id

    def values(self, object: str) -> dict[str, Any]:
        d = self.dice
        firm = d.choice([*self.live["firm"], None])
        if object == "firm":
            return {
                "name": f"f{d.random()}",
                "size": d.randint(1, 100),
                "line": d.choice(["toys", "cars", "food", None]),
            }
        return {
            "name": f"d{d.random()}", "firm": firm, "stage": d.choice(["open", "won", "lost"]), "amount": d.choice([None, str(d.randint(1, 90))]),
            "currency": d.choice(["CNY", "USD", "EUR"]), "chance": str(d.randint(0, 100)), "close_on": f"2026-0{d.randint(4, 7)}-1{d.randint(0, 9)}",
            "called_at": f"2026-05-1{d.randint(0, 9)}T0{d.randint(0, 9)}:15:00Z", "hot": d.choice([True, False]),
            "tags": d.sample(["a", "b", "c"], d.randint(0, 2)), "owner": d.choice(self.people),
            "about": {"object": "user", "id": d.choice(self.people)} if firm is None else {"object": "firm", "id": firm},
            "during": {"from": f"2026-01-0{d.randint(1, 9)}", "to": "2026-02-01"},
        }  # fmt: skip

    def happen(self) -> None:
        """One thing, an hour after the one before."""
        self.hours += 1
        object = self.dice.choice(("firm", "deal", "deal"))
        live, gone = self.live[object], self.gone[object]
        what = self.dice.choice(("create", "update", "update", "update", "delete", "restore", "merge"))
        if what == "create" or len(live) < 3:
            live.append(self.save("create", object, **self.values(object)))
        elif what == "update":
            values = self.values(object)
            chosen = self.dice.sample(sorted(values), self.dice.randint(1, 3))
            self.save("update", object, self.dice.choice(live), **{n: values[n] for n in chosen})
        elif what == "delete":
            gone.append(live.pop(self.dice.randrange(len(live))))
            self.save("delete", object, gone[-1])
        elif what == "restore" and gone:
            live.append(gone.pop(self.dice.randrange(len(gone))))
            self.save("restore", object, live[-1])
        elif what == "merge":
            winner, loser = self.dice.sample(live, 2)
            # What was restored may point at what went meanwhile: then they are not merged.
            with suppress(Refused), self.conn.transaction():
                begin_write(self.conn, self.now)
                merge(self.conn, self.now, object, winner, [loser])
                live.remove(loser)
                gone.append(loser)

    def run(self, name: str, **more: Any) -> Answer:
        body = {
            "kind": "report",
            "name": name,
            "type": "summary",
            "totals": ["rows", "grand"],
            **REPORTS[name],
            **more,
        }
        with self.conn.transaction():
            return figure.run(self.conn, self.now, Request(body=body))


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        open_session(conn, "job")
        conn.commit()
        yield World(conn, 1)
    server.drop(url)


@pytest.mark.parametrize("seed", [1, 2])
def test_asked_as_of_a_moment_a_report_says_what_it_said_then(world: World, seed: int) -> None:
    world.dice = Random(seed)
    kept: list[tuple[str, str, Answer]] = []
    for _ in range(4):
        for _ in range(20):
            world.happen()
        at = (world.now.now + timedelta(minutes=1)).isoformat()
        kept += [(name, at, world.run(name)) for name in REPORTS]
    world.hours += 24 * 40
    for _ in range(15):
        world.happen()
    for name, at, then in kept:
        now = world.run(name, as_of=at)
        assert dict(now.cells) == dict(then.cells), (name, at)
        assert (
            set(now.row_keys) == set(then.row_keys) and now.as_of is not None
        )  # what they are called is of today


def test_rights_are_those_of_today(world: World) -> None:
    world.hours += 24
    ann, bo = world.people
    id = world.save("create", "deal", name="x", amount="10", owner=ann, stage="open")
    at = (world.now.now + timedelta(minutes=1)).isoformat()
    world.hours += 2
    world.save("update", "deal", id, owner=bo, stage="won")
    body = {
        "kind": "report",
        "name": "x",
        "type": "summary",
        "object": "deal",
        "rows": ["stage", "owner"],
        "measures": [COUNT],
        "as_of": at,
        "where": f"id == '{id}'",
    }
    seen = {}
    for person in (ann, bo):
        call = replace(world.now, actor=Actor(user=person, roles=frozenset({"seller"})))
        seen[person] = figure.run(world.conn, call, Request(body=body)).row_keys
    assert seen == {ann: (), bo: (("open", ann),)}  # what it was then, to him who may read it now


@pytest.mark.parametrize(
    ("wrong", "path", "code"),
    [
        ({"rows": ["updated_at"]}, "rows[0]", "past_unknown"),
        ({"where": "COUNT(notes) > 0"}, "where", "past_unknown"),
        ({"where": "IN_ROLE(owner, 'seller')"}, "where", "past_unknown"),
        ({"as_of": "2099-01-01"}, "as_of", "not_past"),
        ({"as_of": "=1"}, "as_of", "not_a_date"),
    ],
)
def test_what_history_cannot_tell_is_refused_with_its_place(
    world: World, wrong: Any, path: str, code: str
) -> None:
    with pytest.raises(Refused) as told:
        world.run("by_stage", **{"as_of": "=TODAY() - 1", **wrong})
    assert [(p.path, p.code) for p in told.value.problems] == [(path, code)]


def test_a_day_means_its_end_in_the_workspaces_zone(world: World) -> None:
    world.hours = 24 * 300
    id = world.save("create", "deal", name="x", stage="open")  # noon of 16 March in Shanghai
    world.hours += 11
    world.save("update", "deal", id, stage="won")  # 23 h of the 16th
    world.hours += 2
    world.save("update", "deal", id, stage="lost")  # 1 h of the 17th
    world.hours += 48
    days = ("2027-03-15", "2027-03-16", "2027-03-17")
    found = [[k[0] for k in world.run("by_stage", as_of=day, where=f"id == '{id}'").row_keys] for day in days]
    assert found == [[], ["won"], ["lost"]]


def test_between_two_moments_each_figure_is_told_then_now_and_by_how_much(world: World) -> None:
    world.hours = 24 * 400
    names = ("came", "stays", "moves", "goes")
    ids = {n: world.save("create", "deal", name=n, amount="10", stage="open") for n in names[1:]}
    first = (world.now.now + timedelta(minutes=1)).isoformat()
    before = world.run("by_stage")
    world.hours += 2
    ids["came"] = world.save("create", "deal", name="came", amount="7", stage="won")
    world.save("update", "deal", ids["moves"], stage="lost", amount="4")
    world.save("delete", "deal", ids["goes"])
    second = (world.now.now + timedelta(minutes=1)).isoformat()
    after = world.run("by_stage")
    world.hours += 2
    world.save("update", "deal", ids["stays"], stage="won")
    mine = f"id in ({', '.join(repr(i) for i in ids.values())})"
    found = world.run("by_stage", as_of={"from": first, "to": second}, where=mine, sort=["-n_change"])
    names = [f.name for f in found.figures]
    assert names[:6] == ["n", "n_then", "n_change", "amount", "amount_then", "amount_change"]
    told = {k[0]: [found.value(n, k) for n in names[:6]] for k in [*found.row_keys]}
    assert told == {"won": [1, 0, 1, 7, 0, 7], "lost": [1, 0, 1, 4, 0, 4], "open": [1, 3, -2, 10, 30, -20]}
    assert [found.value(n) for n in names[:3]] == [3, 3, 0] and found.row_keys[-1] == ("open",)
    assert found.since is not None and found.as_of is not None
    everything = world.run("by_stage", as_of={"from": first, "to": second})
    for was, at in ((before, "_then"), (after, "")):
        for key in was.row_keys:
            assert [everything.value(f"{n}{at}", key) for n in ("n", "amount")] == [
                was.value(n, key) for n in ("n", "amount")
            ]

    def behind(figure_: str, **more: Any) -> set[str]:
        body = {
            "type": "summary",
            **REPORTS["by_stage"],
            "where": mine,
            "as_of": {"from": first, "to": second},
            **more,
        }
        ask = figure.drill(world.conn, world.now, Request(body=body), Spot(rows=("open",), figure=figure_))
        return {r["name"] for r in rows(world.conn, world.now, ask)}

    assert behind("n") == {"stays"} and behind("n_then") == {"stays", "moves"}  # what is gone is in no list
    assert behind("n", as_of=first) == {"stays", "moves"}
    with pytest.raises(Refused) as refused:
        behind("n_change")
    assert [p.code for p in refused.value.problems] == ["past_records"]
    with pytest.raises(Refused) as refused:
        world.run("by_stage", as_of={"from": second, "to": first})
    assert [p.code for p in refused.value.problems] == ["not_between"]
    limited = world.run("by_stage", as_of={"from": first, "to": second}, where=mine, limit=1, sort=["-n"])
    assert sum(limited.value("n_then", k) for k in limited.row_keys) == 3  # the rest is the rest in both
