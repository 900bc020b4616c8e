"""Limits of runs, at them and past them: steps, records, runs an hour, levels of automations that start each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.flow import run as runs
from patron_engine.flow.run import said
from patron_testing.flowing import Flowing, workspace


def limited(conn: psycopg.Connection[Any], limits: str, steps: str) -> Flowing:
    return workspace(
        conn,
        f"""
kind: automation
name: limited
object: shop
on: {{event: created}}
limits: {limits}
steps: {steps}
""",
    )


@pytest.mark.parametrize(("most", "state"), [(3, "done"), (2, "parked")])
def test_steps_of_a_run(conn: psycopg.Connection[Any], most: int, state: str) -> None:
    step = '{do: create, object: bill, set: {name: "=name"}}'
    w = limited(conn, f"{{steps: {most}}}", f"[{step}, {step}, {step}]")
    w.do("create", "shop", name="a")
    w.work()
    ((now, error),) = w.runs("state, error")
    told = said(error)
    assert (now, told and str(told)) == (
        state,
        "the run has taken 2 steps, as many as one may" if state == "parked" else None,
    )
    assert len(w.rows("bill", "name")) == min(most, 3)


@pytest.mark.parametrize(("most", "attempts"), [(3, 0), (2, 1)])
def test_records_of_a_run(conn: psycopg.Connection[Any], most: int, attempts: int) -> None:
    w = limited(conn, f"{{records: {most}}}", '[{do: update, target: {object: bill, where: "sum == 1"}, set: {note: seen}}]')  # fmt: skip
    for _ in range(3):
        w.do("create", "bill", name="b", sum=1)
    w.do("create", "shop", name="a")
    w.work()
    ((tried, error),) = w.runs("attempts, error")
    assert tried == attempts and bool(error) == bool(attempts)
    assert not error or "more than 2 records" in str(said(error))
    assert w.rows("bill", "note") == [("seen" if not attempts else None,)] * 3


def test_runs_an_hour(conn: psycopg.Connection[Any]) -> None:
    w = limited(conn, "{per_hour: 2}", '[{do: create, object: bill, set: {name: "=name"}}]')
    for name in "abcde":
        w.do("create", "shop", name=name)
    for hours, done in ((0, "ab"), (1, "abcd"), (2, "abcde")):
        w.work(timedelta(hours=hours, minutes=1 * bool(hours)))
        assert "".join(sorted(n for (n,) in w.rows("bill", "name"))) == done


def chain(length: int) -> str:
    """Automations that start each other, each with a record of its own."""
    return "\n---\n".join(
        f"""
kind: automation
name: a{n:02}
object: {"shop" if n == 0 else "bill"}
on: {{event: created}}
when: "name == '{"begin" if n == 0 else n}'"
steps: [{{do: create, object: bill, set: {{name: "{n + 1}"}}}}]
"""
        for n in range(length)
    )


def test_the_tenth_level_runs_and_the_eleventh_is_cut(conn: psycopg.Connection[Any]) -> None:
    w = workspace(conn, chain(runs.MAX_LEVEL + 1))
    w.do("create", "shop", name="begin")
    w.work()
    found = w.runs("rule, state, error")
    assert [state for _, state, _ in found] == ["done"] * runs.MAX_LEVEL + ["cut"]
    assert found[-1] == (f"a{runs.MAX_LEVEL:02}", "cut", "too_deep")
    assert len(w.rows("bill", "name")) == runs.MAX_LEVEL


def test_what_a_step_goes_through_is_all_or_it_says_so(
    conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds of a for_each are no longer held to the steps of other runs: each record is reached."""
    monkeypatch.setattr("patron_engine.flow.program.MAX_STEPS", 5)
    for module in ("changing", "writing"):
        monkeypatch.setattr(f"patron_engine.flow.{module}.MOST", 4)
    w = limited(
        conn, "{records: 3}",
        '[{name: found, do: find, object: bill, where: "sum == 1"}, {name: one, do: for_each, each: steps.found, steps: [{do: notify, to: {user: "=steps.one.id"}, message: {en: Hello}}]}]',
    )  # fmt: skip
    for _ in range(4):
        w.do("create", "bill", name="b", sum=1)
    w.do("create", "shop", name="a")
    w.work()
    assert w.runs("state, steps") == [("done", 9)]
    w.do("create", "bill", name="b", sum=1)
    w.do("create", "shop", name="b")
    w.work()
    error = w.runs("error")[-1][0]
    assert "more than 4 records" in str(said(error))
