"""Kept answers of reports: given again while they are certainly the same, to whoever asks the same with the same rights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.query.call import Call
from patron_engine.record.begin import write_transaction
from patron_engine.record.change import Change
from patron_engine.report import keeping, sharing
from patron_engine.report.answer import Answer, Request
from patron_engine.store import counters, tasks
from patron_engine.store.session import bounded, open_session
from patron_engine.store.steps import Task
from patron_engine.store.tasks import Chunk, Context, Handler
from patron_engine.ways import figure, give
from patron_engine.ways.give import Wish
from patron_engine.ways.save import save
from patron_testing.build import NOON, build_workspace, call_of, model_of
from patron_testing.pg import Server
from patron_testing.staff import STAFF

DOCUMENTS = (
    """
kind: workspace
name: workspace
languages: [en]
currency: CNY
zone: Asia/Shanghai
---"""
    + STAFF
    + """
kind: object
name: firm
label: Firm
title: name
fields: [{name: name, type: text}]
---
kind: object
name: deal
label: Deal
title: name
fields:
  - {name: name, type: text}
  - {name: firm, type: lookup, to: firm}
  - {name: amount, type: money}
  - {name: chance, type: percent}
  - {name: on, type: date}
---
kind: role
name: seller
label: Seller
objects: {deal: {read: own, share: own}, firm: {read: all}, user: {read: all}}
---
kind: role
name: boss
label: Boss
objects: {deal: {read: department}, firm: {read: all}, user: {read: all}, department: {read: all}}
---
kind: report
name: by_firm
type: summary
object: deal
rows: [firm]
measures:
  - {name: n, function: count}
  - {name: amount, function: sum, field: amount}
  - {name: mid, function: median, field: chance}
  - {name: first, function: min, field: on}
totals: [grand]
keep: 30 minutes
---
kind: report
name: by_department
type: summary
object: deal
rows: [owner.department.name]
measures: [{name: n, function: count}]
"""
)


class World:
    def __init__(self, conn: psycopg.Connection[Any], call: Call) -> None:
        self.conn, self.call = conn, call
        self.north, self.south = (self.save("create", "department", name=n) for n in ("north", "south"))
        self.ann, self.bo, self.cy = (
            self.save("create", "user", name=n, department=d)
            for n, d in (("ann", self.north), ("bo", self.south), ("cy", self.north))
        )
        self.firm = self.save("create", "firm", name="Acme")
        self.deals = [
            self.save(
                "create",
                "deal",
                name=f"d{n}",
                amount=n,
                chance=n,
                on=f"2026-05-0{n}",
                firm=self.firm,
                owner=o,
            )
            for n, o in enumerate((self.ann, self.ann, self.bo), 1)
        ]

    def save(self, action: Any, object: str, id: str | None = None, **values: Any) -> str:
        with write_transaction(self.conn, self.call):
            (made,) = save(self.conn, self.call, [Change(action=action, object=object, id=id, set=values)])
        return str(made.id)

    def writes(self, act: Callable[[psycopg.Connection[Any], Call], Any], call: Call | None = None) -> None:
        with write_transaction(self.conn, call or self.call):
            act(self.conn, call or self.call)

    def at(self, call: Call | None = None, **more: Any) -> tuple[datetime | None, Answer]:
        call = call or self.call
        found = figure.run(self.conn, call, Request(body=call.model.documents["report", "by_firm"], **more))
        return found.kept_at, found

    def by(self, user: str, role: str = "seller", minutes: int = 0) -> Call:
        actor = Actor(user=user, roles=frozenset({role}))
        return replace(self.call, actor=actor, now=NOON + timedelta(minutes=minutes))


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        call = build_workspace(conn, DOCUMENTS)
    with psycopg.connect(url, autocommit=True) as conn:
        open_session(conn, "read")
        yield World(conn, call)
    server.drop(url)


@pytest.fixture(autouse=True)
def nothing_kept(world: World) -> None:
    world.conn.execute("DELETE FROM w_test.sys__kept_answer")


def test_an_answer_is_given_again_exactly_until_something_it_read_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = keeping.run
    monkeypatch.setattr(keeping, "run", lambda c, s, g: asked.append(s.text) or real(c, s, g))
    fresh = world.at()
    assert fresh[0] is None and len(asked) == 1
    again = world.at(replace(world.call, now=NOON + timedelta(minutes=5)))
    assert again[0] == NOON and len(asked) == 1  # the figures were asked once
    assert (again[1].cells, again[1].titles) == (fresh[1].cells, fresh[1].titles)

    def stale(act: Callable[[], Any]) -> None:
        assert world.at()[0] == NOON
        act()
        assert world.at()[0] is None

    extra: list[str] = []
    stale(lambda: extra.append(world.save("create", "deal", name="x", amount=9, firm=world.firm)))
    assert world.at()[1].value("n") == 4
    stale(lambda: world.save("update", "deal", extra[0], amount=8))
    stale(lambda: world.save("delete", "deal", extra[0]))
    stale(lambda: world.save("restore", "deal", extra[0]))
    stale(lambda: world.save("delete", "deal", extra[0]))
    assert world.at()[0] == NOON
    world.conn.execute("SELECT pg_stat_force_next_flush()")
    world.save("update", "firm", world.firm, name="Acme & Co")  # only a title: asked anew every time
    kept, found = world.at()
    assert kept == NOON and "Acme & Co" in found.titles.values()

    def raises() -> None:
        with pytest.raises(ZeroDivisionError):
            world.writes(
                lambda conn, call: (save(conn, call, [Change(action="create", object="deal")]), 1 / 0)
            )

    raises()
    assert world.at()[0] == NOON  # what was undone has changed nothing
    assert world.at(anew=True)[0] is None
    assert world.at()[0] == NOON
    assert world.at(replace(world.call, now=NOON + timedelta(minutes=31)))[0] is None  # its time is over


def test_a_task_and_an_uncommitted_save_count_as_well(world: World) -> None:
    world.at()

    def piece(conn: psycopg.Connection[Any], work: tasks.Work) -> Chunk:
        conn.execute(f"UPDATE w_test.{world.call.model.objects['deal'].table} SET version = version")
        return Chunk(progress={}, done=True)

    assert world.at()[0] == NOON
    with psycopg.connect(world.conn.info.dsn, autocommit=True) as other:
        open_session(other, "job")
        tasks.enqueue(other, "w_test", Task(kind="touch", table="", payload={}, rows=0, sentence="x"))
    other_dsn = world.conn.info.dsn

    def connect() -> psycopg.Connection[Any]:
        return open_session(psycopg.connect(other_dsn, autocommit=True), "job")

    (done,) = tasks.run_all(connect, "w_test", Context(handlers={"touch": Handler(run=piece)}))
    assert done.state == "done", done
    assert world.at()[0] is None
    with psycopg.connect(other_dsn, autocommit=True) as other:
        open_session(other, "write")
        change = Change(action="update", object="deal", id=world.deals[0], set={"amount": 5})
        with write_transaction(other, world.call):
            save(other, world.call, [change])
            assert world.at()[0] == NOON  # nobody sees it yet, neither the change nor its count
        assert world.at()[0] is None
        other_pid = other.info.backend_pid
    assert world.at()[0] == NOON
    while world.conn.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (other_pid,)).fetchone():
        pass
    counters.fold(world.conn, "w_test")
    backends = {b for (b,) in world.conn.execute("SELECT DISTINCT backend FROM w_test.sys__changed")}
    assert other_pid not in backends and 0 in backends and world.at()[0] == NOON


def test_each_reader_gets_what_was_made_for_his_rights(world: World) -> None:
    ann, bo = world.by(world.ann), world.by(world.bo)
    assert world.at(ann)[1].value("n") == 2 and world.at(bo)[1].value("n") == 1
    assert world.at(ann)[0] == world.at(bo)[0] == NOON
    assert world.at(ann)[1].value("n") == 2 and world.at(bo)[1].value("n") == 1
    to = Wish(to={"user": world.bo}, level="read", reason="share", until="2026-05-20T04:10:00Z")
    world.writes(lambda conn, call: give.give(conn, call, "deal", world.deals[0], to), ann)
    assert world.at(bo)[:1] == (None,) and world.at(bo)[1].value("n") == 2
    late = world.by(world.bo, minutes=11)  # the share has ended, the answer with it
    assert world.at(late)[0] is None and world.at(late)[1].value("n") == 1
    world.at(bo, anew=True)
    world.writes(lambda conn, call: give.take(conn, call, "deal", world.deals[0], world.bo, "share"), ann)
    assert world.at(bo)[0] is None and world.at(bo)[1].value("n") == 1
    boss = world.by(world.cy, "boss")
    assert world.at(boss)[1].value("n") == 2 and world.at(boss)[0] == NOON
    world.save("update", "user", world.cy, department=world.south)  # no deal changed, but whose he sees
    assert world.at(boss)[0] is None and world.at(boss)[1].value("n") == 1


def test_what_many_ask_at_once_is_asked_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By people of the same rights; not for others, not for who asks after a save, not for who asks anew. An asking that breaks ends
    for its asker alone."""
    asked: list[Any] = []
    real, going, go_on = keeping.run, threading.Semaphore(0), threading.Event()

    def slow(conn: Any, statement: Any, given: Any) -> Any:
        asked.append(conn)
        going.release()
        assert go_on.wait(20)
        if breaks and conn is asked[0]:
            raise ConnectionError
        return real(conn, statement, given)

    class Waited(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            going.release()
            return super().wait(timeout)

    monkeypatch.setattr(keeping, "run", slow)
    real_asking = sharing._Asking
    monkeypatch.setattr(sharing, "_Asking", lambda: real_asking(done=Waited()))

    def several(*asking: tuple[Call, bool], save: bool = False) -> tuple[list[Any], int]:
        """All at once, each when the one before asks or waits; `save`: something is saved after the first has begun."""
        asked.clear()
        go_on.clear()
        world.conn.execute("DELETE FROM w_test.sys__kept_answer")
        body = world.call.model.documents["report", "by_firm"]

        def look(call: Call, anew: bool) -> Any:
            with psycopg.connect(world.conn.info.dsn, autocommit=True) as conn:
                return figure.run(conn, call, Request(body=body, anew=anew)).value("n")

        with ThreadPoolExecutor(len(asking)) as pool:
            found = []
            for n, (call, anew) in enumerate(asking):
                if n == 1 and save:
                    made.append(world.save("create", "deal", name="x", amount=9, owner=world.ann))
                found.append(pool.submit(look, call, anew))
                assert going.acquire(timeout=20)
            go_on.set()
        return [f.exception() or f.result() for f in found], len(asked)

    ann, bo, made, breaks = world.by(world.ann), world.by(world.bo), list[str](), False
    assert several((ann, False), (ann, False), (ann, False)) == ([2, 2, 2], 1)
    assert several((ann, False), (bo, False), (bo, False)) == ([2, 1, 1], 2)
    assert several((ann, False), (ann, True), (ann, False)) == ([2, 2, 2], 2)
    assert several((ann, False), (ann, False), save=True)[1] == 2
    world.save("delete", "deal", made[0])
    breaks = True
    found, times = several((ann, False), (ann, False))
    assert isinstance(found[0], ConnectionError) and found[1] == 2 and times == 2


def test_a_release_asks_anew_and_a_tile_keeps_for_the_next(world: World) -> None:
    world.at()
    assert world.at()[0] == NOON
    call = replace(world.call, committed=[], now=NOON + timedelta(minutes=40))
    with bounded(world.conn, 5):  # a dashboard reads one state, read-only: kept when that is over
        assert world.at(call)[0] is None
    for act in call.committed:
        act()
    assert world.at(replace(call, now=call.now + timedelta(minutes=1)))[0] == call.now
    newer = call_of(model_of(DOCUMENTS, release=2), administrators=world.call.administrators)
    assert world.at(newer)[0] is None and world.at(newer)[0] == NOON


def test_where_nothing_is_kept_nothing_is_asked_or_counted(world: World) -> None:
    call = call_of(model_of(DOCUMENTS.replace("keep: 30 minutes", "label: R")))
    before = world.conn.execute("SELECT sum(times) FROM w_test.sys__changed").fetchone()
    with write_transaction(world.conn, call):
        save(world.conn, call, [Change(action="create", object="firm", set={"name": "y"})])
    assert world.conn.execute("SELECT sum(times) FROM w_test.sys__changed").fetchone() == before
    assert [world.at(call)[0] for _ in range(2)] == [None, None]


def test_only_so_much_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_KEPT", 2)
    for minute in range(3):
        world.at(
            replace(world.call, now=NOON + timedelta(days=1, minutes=minute)), filters=(f"amount > {minute}",)
        )
    count = world.conn.execute("SELECT count(*) FROM w_test.sys__kept_answer").fetchone()
    assert count is not None and count[0] <= 2
    monkeypatch.setattr(keeping, "MOST_BYTES", 1)
    assert [world.at(anew=True)[0], world.at(filters=("amount > 7",))[0]] == [None, None]
    assert [keeping.lasting_of(t) for t in ("2 days", "1 week", None, "0 minutes")] == [None] * 4


def test_a_report_of_what_is_hidden_is_not_offered(world: World) -> None:
    assert figure.reports_of(world.by(world.ann)) == ("by_firm",)
    assert figure.reports_of(world.by(world.cy, "boss")) == ("by_firm", "by_department")
