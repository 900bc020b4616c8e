"""Two at once: of two decisions, or a decision and a withdrawal, one has its effect, once; the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from patron_engine.errors import PatronError
from patron_engine.store.session import configure
from patron_engine.ways import approve, deciding
from patron_engine.ways.approval_people import Wish
from patron_engine.ways.save import retrying, write_transaction
from patron_testing.signing import SCHEMA, Signing, signing

TIMES = 150  # of each pair
RACED = """
kind: approval
name: a
object: order
on: [submit]
lock: {while: none}
nodes: [{name: n, type: approve, who: {role: finance}, mode: any}]
after:
  approved: [{do: create, object: payment, set: {name: approved, order: "=id"}}]
  rejected: [{do: create, object: payment, set: {name: rejected, order: "=id"}}]
  withdrawn: [{do: create, object: payment, set: {name: withdrawn, order: "=id"}}]
"""
Act = Callable[[psycopg.Connection[Any], Any], Any]


class Race:
    """Two connections that begin together."""

    def __init__(self, w: Signing, url: str) -> None:
        self.w = w
        self.conns = [psycopg.connect(url) for _ in range(2)]
        for conn in self.conns:
            configure(conn)
        self.pool = ThreadPoolExecutor(2)

    def run(self, who: tuple[str, str], acts: tuple[Act, Act]) -> list[str]:
        barrier = Barrier(2)

        def one(n: int) -> str:
            conn = self.conns[n]
            barrier.wait()

            def attempt() -> str:
                call = self.w.frame(who[n])
                with write_transaction(conn, call):
                    return str(acts[n](conn, call).state)

            try:
                return retrying(attempt)
            except PatronError as error:
                return error.code

        return list(self.pool.map(one, range(2)))

    def close(self) -> None:
        self.pool.shutdown()
        for conn in self.conns:
            conn.close()


@pytest.mark.parametrize("second", ["reject", "withdraw"])
def test_one_outcome_and_its_effects_once(
    conn: psycopg.Connection[Any], database_url: str, second: str
) -> None:
    w = signing(conn, RACED)
    race = Race(w, database_url)
    seen: dict[str, int] = {}
    try:
        for _ in range(TIMES):
            order = w.make()
            it = w.submit("rep", order)
            tasks = {t.person: t.id for t in it.tasks}

            def approves(conn: Any, call: Any, task: str = tasks[w.people["fin1"]]) -> Any:
                return deciding.act(conn, call, task, Wish(act="approve"))

            def rejects(conn: Any, call: Any, task: str = tasks[w.people["fin2"]]) -> Any:
                return deciding.act(conn, call, task, Wish(act="reject"))

            def withdraws(conn: Any, call: Any, id: str = it.id) -> Any:
                return approve.withdraw(conn, call, id, None)

            other, who = (rejects, "fin2") if second == "reject" else (withdraws, "rep")
            answers = race.run(("fin1", who), (approves, other))
            state = w.instance(order).state
            assert state in ("approved", "rejected", "withdrawn") and answers.count(state) == 1, (
                answers,
                state,
            )
            assert {"task_decided", "not_now", "not_allowed_here"} & set(answers), answers
            made = w.conn.execute(
                f'SELECT name FROM {SCHEMA}.payment WHERE "order" = %s', (order,)
            ).fetchall()
            w.conn.commit()
            assert made == [(state,)]
            seen[state] = seen.get(state, 0) + 1
    finally:
        race.close()
    assert sum(seen.values()) == TIMES


def test_two_submissions_at_once_are_one(conn: psycopg.Connection[Any], database_url: str) -> None:
    w = signing(conn, RACED)
    race = Race(w, database_url)
    try:
        for _ in range(20):
            order = w.make()

            def submits(conn: Any, call: Any, order: str = order) -> Any:
                return approve.submit(conn, call, "order", order)

            assert sorted(race.run(("rep", "rep"), (submits, submits))) == ["approval_running", "running"]
    finally:
        race.close()


def test_two_batches_the_other_way_round_and_each_is_decided_once(
    conn: psycopg.Connection[Any], database_url: str
) -> None:
    w = signing(conn, RACED)
    race = Race(w, database_url)
    try:
        for turn in range(20):
            orders = [w.make() for _ in range(4)]
            waiting = [{t.person: t.id for t in w.submit("rep", order).tasks} for order in orders]

            def batch(who: str, act: str, tasks: list[dict[str, str]]) -> Act:
                """As POST /approvals/batch: each by itself, in one transaction."""

                def decide(conn: Any, call: Any) -> Any:
                    done = 0
                    for task in tasks:
                        with suppress(PatronError), conn.transaction():
                            deciding.act_in_batch(conn, call, task[w.people[who]], Wish(act=act))
                            done += 1
                    return SimpleNamespace(state=done)

                return decide

            single = (
                batch("fin2", "reject", waiting[2:3]) if turn % 2 else batch("fin2", "reject", waiting[::-1])
            )
            counts = race.run(("fin1", "fin2"), (batch("fin1", "approve", waiting), single))
            states = [w.instance(order).state for order in orders]
            assert sum(map(int, counts)) == 4 and set(states) <= {"approved", "rejected"}, (counts, states)
            made = w.conn.execute(
                f'SELECT "order"::text, name FROM {SCHEMA}.payment WHERE "order" = ANY(%s::uuid[])', (orders,)
            ).fetchall()
            w.conn.commit()
            assert sorted(made) == sorted(zip(orders, states, strict=True)), "effects once, of the outcome"
    finally:
        race.close()
