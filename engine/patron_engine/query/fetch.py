"""Fetch: runs the statements of a question and makes the answer of what comes back.

In: a connection, the frame of the call, a Resolved. Out: a Page, one record, typed rows, a count. Texts are kept by shape,
so that a repeated question costs no more than its execution. What the database refuses for time is a named limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled

from patron_engine.access.grants import audience
from patron_engine.errors import LimitExceeded
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import dumps
from patron_engine.query import cursor, sql
from patron_engine.query import rows as rows_of
from patron_engine.query.call import Call
from patron_engine.query.choices import choice_of
from patron_engine.query.counts import is_large
from patron_engine.query.order import AFTER
from patron_engine.query.parts import by_change, lately, parts_of
from patron_engine.query.resolve import Resolved
from patron_engine.query.rows import Form, Shape
from patron_engine.query.spec import Ask, Found, Page
from patron_engine.query.sql import Listing
from patron_engine.query.statement import Statement, kept
from patron_engine.query.tokens import wanted
from patron_engine.query.values import call_values
from patron_engine.query.walking import LEARNT, gives_many, read_everywhere, walkable
from patron_engine.store.wire import Asked

Values = Mapping[str, Any]


def page(conn: psycopg.Connection[Any], call: Call, question: Resolved, secret: bytes) -> Page:
    """The page that was asked for, and the cursor of the next."""
    shape, given = _shape(call, question, "json", secret)
    rows, made, following = _cut(conn, call, question, shape, given, secret)
    return Page(
        records=_json(rows, made),
        next=following,
        count=_count(conn, call, question, shape, given),
        notes=question.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """The question for one record by its id. Its version stands where a page has sort values."""

    made: Listing
    given: Values

    @property
    def asked(self) -> Asked:
        """For whoever sends it with something else."""
        return self.made.statement.text, self.made.statement.values(self.given)

    def found(self, rows: Sequence[tuple[Any, ...]]) -> Found | None:
        """What was answered; None where there is none that may be read."""
        return Found(json=_json(rows, self.made)[1:-1], version=rows[0][0]) if rows else None


def asking(call: Call, question: Resolved, id: str) -> One:
    """One record, not asked for yet."""
    made = _listing(call, question, Shape("json", one=True))
    return One(made=made, given=call_values(call) | {rows_of.ID: id})


def one(conn: psycopg.Connection[Any], call: Call, question: Resolved, id: str) -> Found | None:
    """One record by its id; None where there is none that may be read."""
    asked = asking(call, question, id)
    return asked.found(run(conn, asked.made.statement, asked.given))


def typed(
    conn: psycopg.Connection[Any], call: Call, question: Resolved, secret: bytes
) -> tuple[list[dict[str, Any]], str | None]:
    """A page's records as Python values, and the cursor of the next page."""
    shape, given = _shape(call, question, "typed", secret)
    rows, made, following = _cut(conn, call, question, shape, given, secret)
    return [_record(row, made) for row in rows], following


def _cut(
    conn: psycopg.Connection[Any], call: Call, question: Resolved, shape: Shape, given: Values, secret: bytes
) -> tuple[list[tuple[Any, ...]], Listing, str | None]:
    """The rows of the page that was asked for, how they were made, and the cursor of the next page."""
    rows: list[tuple[Any, ...]] = []
    limit = question.ask.limit
    everywhere = read_everywhere(call, question)
    parts = parts_of(question.object, question.sort, given, shape.after is not None, everywhere)
    lately_changed = by_change(question.sort, everywhere)
    if (lately_changed or choice_of(question)) and is_large(conn, call, question.object.name):
        if lately_changed:
            parts, ends = lately(given.get(f"{AFTER}0") or call.now, shape.after is not None)
            given = {**given, **ends}
        shape = replace(shape, apart=not lately_changed)
    for part, begun in parts:
        cut = replace(shape, part=part, after=shape.after if begun else None)
        made, found = _first(conn, call, question, cut, given)
        rows += found
        if len(rows) > limit:
            break
    following = None
    if len(rows) > limit:
        rows = rows[:limit]
        following = cursor.seal(secret, _question(call, question.ask), rows[-1][: made.keys])
    return rows, made, following


def _first(
    conn: psycopg.Connection[Any], call: Call, question: Resolved, shape: Shape, given: Values
) -> tuple[Listing, list[tuple[Any, ...]]]:
    """The first rows of one part of a page, walked where that may fill it (walking.py)."""
    if not walkable(call, question, shape.part):
        made = _listing(call, question, shape)
        return made, run(conn, made.statement, given)
    whose = (call.schema, call.actor.user, _key(call, question, "walked", replace(shape, after=None)))
    ways = LEARNT.ways(whose, lambda: gives_many(conn, call, question.ask.object))
    for way in ways:
        made = _listing(call, question, replace(shape, way=way))
        begun = time.monotonic()
        rows = run(conn, made.statement, given)
        if way == "walk" and len(rows) == shape.limit:
            return made, rows
    all_of_them = shape.after is None and len(rows) != shape.limit
    LEARNT.gathered(whose, time.monotonic() - begun, in_vain="walk" in ways, all=all_of_them)
    return made, rows


def figures(
    conn: psycopg.Connection[Any],
    call: Call,
    question: Resolved,
    measures: tuple[tuple[str, str], ...],
    by: str | None,
    newest: int | None = None,
) -> list[tuple[Any, ...]]:
    """Figures over every record of the question, or its newest: rows of (group, number of records, figures …)."""
    shape, given = _shape(call, question, "typed", b"")
    plain = Shape(form="typed", words=shape.words, ids=shape.ids)
    key = (*_key(call, question, "figuring", plain), measures, by, newest)
    statement = kept(call.tables).get(key, lambda: sql.figuring(call, question, plain, measures, by, newest))
    return run(conn, statement, given)


def walk(
    conn: psycopg.Connection[Any], call: Call, question: Resolved, size: int
) -> Iterator[list[dict[str, Any]]]:
    """Every record of the question as Python values, `size` at a time, in one snapshot: for exports.

    Needs an open transaction; memory holds one part at a time.
    """
    shape, given = _shape(call, question, "typed", b"")
    made = _listing(call, question, replace(shape, limit=None))
    with _timed(), conn.cursor(name=f"walk_{call.new_id().replace('-', '')}") as reading:
        reading.itersize = size
        reading.execute(made.statement.text, made.statement.values(given))
        while rows := reading.fetchmany(size):
            yield [_record(row, made) for row in rows]


def _shape(call: Call, question: Resolved, form: Form, secret: bytes) -> tuple[Shape, dict[str, Any]]:
    """What decides the text, and the values that go with it."""
    ask = question.ask
    given: dict[str, Any] = call_values(call)
    if question.shape is not None:
        given.update(question.shape.values)
    if ask.ids is not None:
        given[rows_of.IDS] = list(ask.ids)
    if ask.within is not None:
        given[rows_of.WITHIN] = ask.within.id
    words = wanted(ask.q) if ask.q else ()
    if words:
        given[rows_of.SEARCHED] = list(question.search)
        for run, ways in enumerate(words):
            given.update({f"{rows_of.SEARCHED}.{run}.{way}": list(tokens) for way, tokens in enumerate(ways)})
    empties = None
    if ask.after is not None:
        values = cursor.unseal(secret, _question(call, ask), ask.after)
        given.update({f"after.{i}": value for i, value in enumerate(values)})
        empties = tuple(value is None for value in values)
    counts = tuple(len(ways) for ways in words)
    return Shape(form=form, limit=ask.limit + 1, words=counts, after=empties, ids=ask.ids is not None), given


def _question(call: Call, ask: Ask) -> bytes:
    """Everything a cursor is bound to: what was asked, by whom, under which release."""
    within = (ask.within.object, ask.within.id, ask.within.set) if ask.within else None
    return cursor.question(
        call.schema, call.model.release, audience(call.actor), call.actor.user, ask.object, ask.where, ask.fields,
        ask.sort, ask.deleted, ask.voided, ask.q, within, ask.ids,
    )  # fmt: skip


def _key(call: Call, question: Resolved, kind: str, shape: Shape) -> tuple[Any, ...]:
    ask = question.ask
    within = (ask.within.object, ask.within.set) if ask.within else None
    where = question.shape.key if question.shape is not None else None
    return (
        kind, audience(call.actor), call.actor.languages, ask.object, where, ask.fields, ask.sort, ask.deleted,
        ask.voided, ask.acts, within, shape,
    )  # fmt: skip


def _listing(call: Call, question: Resolved, shape: Shape) -> Listing:
    key = _key(call, question, "listing", shape)
    return kept(call.tables).get(key, lambda: sql.listing(call, question, shape))


def _count(
    conn: psycopg.Connection[Any], call: Call, question: Resolved, shape: Shape, given: Values
) -> int | None:
    if question.ask.count == "none":
        return None
    key = _key(call, question, "counting", Shape(form="json", words=shape.words, ids=shape.ids))
    statement = kept(call.tables).get(key, lambda: sql.counting(call, question, shape))
    if question.ask.count == "estimate":
        return _estimate(conn, statement, given)
    found: int = run(conn, statement, given)[0][0]
    return found


def _estimate(conn: psycopg.Connection[Any], statement: Statement, given: Values) -> int:
    """What the planner expects: quick on any size, right within its statistics."""
    with _timed(), psycopg.ClientCursor(conn) as reading:
        reading.execute(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.values(given))
        found = reading.fetchone()
    assert found is not None
    plan = found[0][0]["Plan"]
    while plan["Node Type"] in ("Aggregate", "Gather", "Finalize Aggregate") and plan.get("Plans"):
        plan = plan["Plans"][0]
    return int(plan["Plan Rows"])


def run(conn: psycopg.Connection[Any], statement: Statement, given: Values) -> list[tuple[Any, ...]]:
    with _timed():
        return conn.execute(statement.text, statement.values(given), prepare=statement.prepare).fetchall()


@contextmanager
def _timed() -> Iterator[None]:
    try:
        yield
    except QueryCanceled:
        raise LimitExceeded(
            "the query took longer than a query may",
            code="query_time",
            hint="narrow `where`, sort by an indexed field, or ask for fewer paths",
        ) from None


def _json(rows: Sequence[tuple[Any, ...]], made: Listing) -> bytes:
    """The list of records as PostgreSQL wrote them, with what only Python can write put in."""
    at = made.keys
    if not made.named:
        return ("[" + ",".join([row[at] for row in rows]) + "]").encode()
    return ("[" + ",".join([_opened(row, made) for row in rows]) + "]").encode()


def _opened(row: tuple[Any, ...], made: Listing) -> str:
    """A record's JSON with its encrypted values."""
    values = {}
    for named, (start, end, decode) in zip(made.named, made.decoders[1:], strict=True):
        assert named.field is not None
        value = row[start] if decode is None else decode(row[start:end])
        values[named.key] = type_of(named.field).to_wire(named.field, value)
    record: str = row[made.keys]
    return record[:-1] + ("," if len(record) > 2 else "") + dumps(values).decode()[1:]


def _record(row: tuple[Any, ...], made: Listing) -> dict[str, Any]:
    return {
        named.key: row[start] if decode is None else decode(row[start:end])
        for named, (start, end, decode) in zip(made.named, made.decoders, strict=True)
    }
