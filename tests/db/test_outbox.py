"""What is to leave, as rows: what a call sends, how people want to be told, who takes a parcel and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from patron_engine import jsonio
from patron_engine.actor import SYSTEM, Actor
from patron_engine.clock import new_id
from patron_engine.errors import Conflict, LimitExceeded, NotFound
from patron_engine.flow import answering, calling
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import outbox
from patron_engine.record.change import Change
from patron_engine.record.outbox import PAUSES, STALLED, Parcel
from patron_engine.record.telling import Choice, choose, due_of, said, stop_letters, tell, told
from patron_engine.ways import flow, leaving
from patron_engine.ways.save import save
from patron_testing.build import NOON, SCHEMA, build_workspace

OBJECTS = """
kind: object
name: user
label: {en: User}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: active, type: boolean, default: true, label: {en: Active}}
---
kind: object
name: bill
label: {en: Bill}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: note, type: long_text, max_length: 100000, label: {en: Note}}
  - {name: amount, type: decimal, scale: 2, label: {en: Amount}}
  - {name: day, type: date, label: {en: Day}}
---
kind: object
name: line
label: {en: Line}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: count, type: integer, label: {en: Count}}
  - {name: bill, type: master, to: bill, label: {en: Bill}, reverse: {name: lines, label: {en: Lines}}}
---
kind: automation
name: calls
object: bill
on: {event: created}
steps:
  - name: erp
    do: call
    method: PUT
    url: "=CONCAT('https://erp.example/', name)"
    headers: {X-Key: "=name", X-None: "=note"}
    body:
      amount: "=amount"
      day: "=day"
      nested: {list: ["=name", 2, null, {name: "=name", x: "=amount"}]}
      lines: {each: lines, where: "count > 1", set: {n: "=count", of: "=this.name", both: "=CONCAT(name, this.name)", fixed: {a: 1}}}
      note: "=note"
    on_error: [{name: mark, do: update, set: {name: failed}}]
  - {name: after, do: update, when: "steps.erp.body.deep.list != None", set: {note: "=steps.erp.body.deep.word"}}
"""


@pytest.fixture
def call(conn: psycopg.Connection[Any]) -> Call:
    return build_workspace(conn, OBJECTS)


def do(conn: psycopg.Connection[Any], call: Call, object: str, **values: Any) -> str:
    (made,) = save(conn, call, [Change(action="create", object=object, set=values)])
    conn.commit()
    return str(made.id)


def work(conn: psycopg.Connection[Any], call: Call) -> None:
    while flow.begin(conn, call) + flow.go_on(conn, call, lambda *_: SYSTEM):
        conn.commit()
    conn.commit()


def rows(conn: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query.replace("SCHEMA", SCHEMA)).fetchall()  # type: ignore[arg-type]


def begun(conn: psycopg.Connection[Any], call: Call, **more: Any) -> tuple[str, dict[str, Any]]:
    """A bill with three lines, and the parcel its call made."""
    lines = [{"name": "a", "count": 1}, {"name": "b", "count": 2}, {"name": "c", "count": 3}]
    values = {"name": "B1", "amount": "12.50", "day": "2026-05-04", "lines": lines, **more}
    bill = do(conn, call, "bill", **values)
    work(conn, call)
    ((payload,),) = rows(conn, "SELECT payload FROM SCHEMA.sys__outbox")
    return bill, payload


def test_a_call_sends_what_the_record_says_with_lists_of_its_lines(
    conn: psycopg.Connection[Any], call: Call
) -> None:
    _, sent = begun(conn, call)
    assert (sent["method"], sent["url"]) == ("PUT", "https://erp.example/B1")
    assert sent["headers"] == {"X-Key": "B1"}  # one without a value is left out
    lines = [
        {"n": 2, "of": "B1", "both": "bB1", "fixed": {"a": 1}}, {"n": 3, "of": "B1", "both": "cB1", "fixed": {"a": 1}},
    ]  # fmt: skip
    assert sorted(sent["body"].pop("lines"), key=lambda one: one["n"]) == lines
    assert sent["body"] == {
        "amount": "12.50", "day": "2026-05-04", "nested": {"list": ["B1", 2, None, {"name": "B1", "x": "12.50"}]}, "note": None,
    }  # fmt: skip
    assert rows(conn, "SELECT state, at FROM SCHEMA.sys__run") == [("waiting", 0)]


def test_the_answer_is_read_by_the_steps_after_it(conn: psycopg.Connection[Any], call: Call) -> None:
    bill, _ = begun(conn, call)
    ((run, parcel),) = rows(conn, "SELECT run::text, id::text FROM SCHEMA.sys__outbox")
    answer = {"status": 200, "body": {"deep": {"list": [1], "word": "w"}}, "error": None, "timed_out": False}
    assert not answering.answered(conn, SCHEMA, run, new_id(), answer)
    assert answering.answered(conn, SCHEMA, run, parcel, answer)
    assert not answering.answered(conn, SCHEMA, run, parcel, {**answer, "body": 1})
    work(conn, call)
    assert rows(conn, "SELECT name, note FROM SCHEMA.bill") == [("B1", "w")]
    assert rows(conn, "SELECT state FROM SCHEMA.sys__run") == [("done",)] and bill


def test_an_error_goes_through_its_steps(conn: psycopg.Connection[Any], call: Call) -> None:
    begun(conn, call)
    ((run, parcel),) = rows(conn, "SELECT run::text, id::text FROM SCHEMA.sys__outbox")
    answer = {"status": 500, "body": None, "error": "status_500", "timed_out": False}
    answering.answered(conn, SCHEMA, run, parcel, answer)
    work(conn, call)
    assert rows(conn, "SELECT name, note FROM SCHEMA.bill") == [("failed", None)]


def test_a_call_sends_at_most_so_much(
    conn: psycopg.Connection[Any], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sent = begun(conn, call, note="x" * 10_000)
    monkeypatch.setattr(calling, "BODY", len(jsonio.dumps(sent["body"])))
    same = [{"name": "a", "count": 1}, {"name": "b", "count": 2}, {"name": "c", "count": 3}]
    for length in (10_000, 10_001):
        do(conn, call, "bill", name="B1", amount="12.50", day="2026-05-04", note="x" * length, lines=same)
    work(conn, call)
    found = rows(conn, "SELECT state, error FROM SCHEMA.sys__run ORDER BY number")
    assert [state for state, _ in found] == ["waiting", "waiting", "ready"] and "bytes" in str(found[2][1])


# -- parcels ------------------------------------------------------------------------------------------------------


def put(conn: psycopg.Connection[Any], *ids: str, **more: Any) -> None:
    outbox.put(conn, SCHEMA, [Parcel(id=id, kind="webhook", **more) for id in ids], NOON)


def test_a_parcel_is_one_sender_s_until_his_time_is_over(conn: psycopg.Connection[Any], call: Call) -> None:
    id = new_id()
    put(conn, id)
    put(conn, id)  # the same once more is nothing more
    (held,) = outbox.take(conn, SCHEMA, NOON, 10)
    assert outbox.take(conn, SCHEMA, NOON + STALLED - timedelta(seconds=1), 10) == []
    (again,) = outbox.take(conn, SCHEMA, NOON + STALLED, 10)
    assert (again.id, again.hold) == (id, 2)
    assert not outbox.sent(conn, SCHEMA, held, NOON)
    assert outbox.sent(conn, SCHEMA, again, NOON) and not outbox.sent(conn, SCHEMA, again, NOON)
    assert rows(conn, "SELECT state, payload FROM SCHEMA.sys__outbox") == [("sent", {})]


def test_what_fails_is_tried_again_after_pauses_and_parked_then(
    conn: psycopg.Connection[Any], call: Call
) -> None:
    put(conn, new_id())
    now = NOON
    for pause in PAUSES:
        (held,) = outbox.take(conn, SCHEMA, now, 1)
        assert not outbox.later(conn, SCHEMA, held, "why", now)
        assert outbox.take(conn, SCHEMA, now + pause - timedelta(seconds=1), 1) == []
        now += pause
    (held,) = outbox.take(conn, SCHEMA, now, 1)
    assert outbox.later(conn, SCHEMA, held, "why", now)
    (seen,) = outbox.listed(conn, SCHEMA, state="parked")
    outbox.again(conn, SCHEMA, seen.id, now)
    with pytest.raises(Conflict):
        outbox.again(conn, SCHEMA, seen.id, now)
    (held,) = outbox.take(conn, SCHEMA, now, 1)
    assert held.attempts == 0 and outbox.parked(conn, SCHEMA, held, "why", now)
    outbox.give_up(conn, SCHEMA, seen.id, now)
    with pytest.raises(NotFound):
        outbox.give_up(conn, SCHEMA, new_id(), now)
    outbox.tidy(conn, SCHEMA, now + outbox.KEPT_FOR + timedelta(seconds=1))
    assert outbox.listed(conn, SCHEMA, state="all") == []


def test_the_backlog_has_a_limit(
    conn: psycopg.Connection[Any], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BACKLOG", 2)
    for _ in range(3):
        leaving.put(conn, call, [Parcel(id=new_id(), kind="call")])
    with pytest.raises(LimitExceeded):
        leaving.put(conn, call, [Parcel(id=new_id(), kind="call")])


# -- telling ------------------------------------------------------------------------------------------------------


def test_who_did_it_is_not_told_of_himself_and_each_is_told_once(
    conn: psycopg.Connection[Any], call: Call
) -> None:
    me, other = do(conn, call, "user", name="me"), do(conn, call, "user", name="other")
    mine = replace(call, actor=Actor(user=me, administrator=True))
    text = Phrase("{object} has no field {name!r}", object="x", name="y")
    tell(conn, mine, [me, other, other, ""], "approval", text=text, about=("bill", new_id()), link="/inbox")
    assert told(conn, mine, 10) == []
    (notice,) = told(conn, replace(call, actor=Actor(user=other)), 10)
    assert said(notice.text, ("en",)) == text and isinstance(said(notice.text, ("en",)), Phrase)
    assert (notice.reason, notice.by, notice.link) == ("approval", me, "/inbox")
    assert rows(conn, "SELECT person::text, kind FROM SCHEMA.sys__outbox") == [(other, "notice")]


def test_what_the_inbox_finds_by_itself_is_not_written_there(
    conn: psycopg.Connection[Any], call: Call
) -> None:
    person = do(conn, call, "user", name="a")
    tell(conn, call, [person], "mention", text={"en": "hello", "zh-CN": "你好"})
    assert rows(conn, "SELECT count(*) FROM SCHEMA.sys__notice") == [(0,)]
    assert rows(conn, "SELECT payload->'text'->>'zh-CN' FROM SCHEMA.sys__outbox") == [("你好",)]


def test_stopping_letters_leaves_the_other_choices(conn: psycopg.Connection[Any], call: Call) -> None:
    person = do(conn, call, "user", name="a")
    choose(
        conn,
        SCHEMA,
        person,
        Choice(channels={"comment": ["email"], "sla": ["inbox", "email"]}, rhythm="daily"),
    )
    stop_letters(conn, SCHEMA, person, "comment")
    stop_letters(conn, SCHEMA, person, "approval")
    ((channels, rhythm),) = rows(conn, "SELECT channels, rhythm FROM SCHEMA.sys__telling")
    assert channels == {"comment": [], "sla": ["inbox", "email"], "approval": ["inbox"]} and rhythm == "daily"


SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("choice", "now", "due"),
    [
        (Choice(), "2026-05-04T03:30", "2026-05-04T03:30"),
        (Choice(rhythm="hourly"), "2026-05-04T03:30", "2026-05-04T04:00"),
        (Choice(rhythm="daily", daily_at=9), "2026-05-04T03:30", "2026-05-05T01:00"),
        (Choice(rhythm="daily", daily_at=13), "2026-05-04T03:30", "2026-05-04T05:00"),
        (Choice(quiet=(22, 7)), "2026-05-04T15:00", "2026-05-04T23:00"),
        (Choice(quiet=(22, 7)), "2026-05-04T22:30", "2026-05-04T23:00"),
        (Choice(quiet=(22, 7)), "2026-05-04T23:00", "2026-05-04T23:00"),
        (Choice(quiet=(12, 14)), "2026-05-04T05:59", "2026-05-04T06:00"),
        (Choice(quiet=(22, 7), zone="Europe/Berlin"), "2026-05-04T15:00", "2026-05-04T15:00"),
        (Choice(rhythm="hourly", quiet=(12, 14)), "2026-05-04T03:30", "2026-05-04T06:00"),
        (Choice(rhythm="daily", daily_at=9, zone="Europe/Berlin"), "2026-10-24T20:00", "2026-10-25T08:00"),
    ],
)
def test_when_a_letter_goes(choice: Choice, now: str, due: str) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert due_of(choice, utc(now), SHANGHAI).astimezone(UTC) == utc(due)
