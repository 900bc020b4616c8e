"""The way read: request → resolve against what he may read → plan → SQL → rows.

In: a connection, the frame of the call, an Ask. Out: a Page of JSON, one record, or typed rows for the engine itself.
Every reader comes through here: lists, one record, related lists, search, exports, the record a save answers with.

    resolve   every name exists and is his to read, or the question is refused   query/resolve.py
    plan      which rows, sorted how, what is shown of them                      query/sql.py, order.py, wire.py
    SQL       one text for one shape, kept; values are bound                     query/statement.py
    rows      run, cut at the limit, the place of the next page signed           query/fetch.py, cursor.py
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from patron_engine.errors import NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.jsonio import dumps
from patron_engine.model.model import LinkSet, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, nearest
from patron_engine.query import fetch, groups, spec
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask, Found, Page, Within
from patron_engine.record.pending import Pending

Connection = psycopg.Connection[Any]


def read(conn: Connection, call: Call, ask: Ask, *, secret: bytes) -> Page:
    """A page of records. `secret` signs the cursor.

    NotFound (object, the record of `within`), Refused (names, where, sort), CursorOutdated, LimitExceeded.
    """
    question = resolve(call, _plain(conn, call, ask))
    return fetch.page(conn, call, question, secret)


def read_one(
    conn: Connection,
    call: Call,
    object: str,
    id: str,
    fields: Sequence[str] | None = None,
    expand: Sequence[str] = (),
    deleted: bool = False,
) -> Found:
    """One record with its version; `expand` names sets of details that are answered with it, as lists.

    NotFound when there is none, when it lies in the recycle bin (without `deleted`), or may not be read: all the same.
    """
    ask = Ask(object=object, fields=tuple(fields) if fields is not None else None, deleted=deleted)
    question = resolve(call, ask)
    sets = _details(question.object, expand)
    found = fetch.one(conn, call, question, _id(id, question.object))
    if found is None:
        raise _missing(question.object)
    for name in sets:
        found = replace(found, json=_with(found.json, name, _records(conn, call, question.object, id, name)))
    return found


class Reading:
    """One record as it is once it is saved, asked for in the round trip in which its save ends."""

    def __init__(self, call: Call) -> None:
        self.found: Found | None = None  # None as well where it may not be read
        self._call = call

    def ride(self, pending: Pending, object: str, id: str) -> None:
        """Sends what is pending and the question."""
        one = fetch.asking(self._call, resolve(self._call, Ask(object=object)), id)
        self.found = one.found(pending.send([one.asked])[0].fetchall())


def rows(conn: Connection, call: Call, ask: Ask, *, secret: bytes = b"") -> list[dict[str, Any]]:
    """A page's records as values in Python form, keyed by path: for the engine itself."""
    return fetch.typed(conn, call, resolve(call, _plain(conn, call, ask)), secret)[0]


def figures(
    conn: Connection, call: Call, ask: Ask, measures: Sequence[tuple[str, str]], by: str | None = None
) -> list[tuple[Any, ...]]:
    """Figures over every record of a question, whatever its limit: rows of (group, number of records, figures …), one row
    without `by`. `measures` are (sum, avg, min, max or count; path). Refused for a path he may not read."""
    return groups.figures(conn, call, _plain(conn, call, ask), measures, by)


def walk(conn: Connection, call: Call, ask: Ask, size: int = 1_000) -> Iterator[list[dict[str, Any]]]:
    """Every record of a question as values in Python form, `size` at a time, in one snapshot. Needs a transaction."""
    return fetch.walk(conn, call, resolve(call, _plain(conn, call, ask)), size)


def _plain(conn: Connection, call: Call, ask: Ask) -> Ask:
    """The question with its ids in their one form, after the record whose set is asked was seen to be there."""
    if ask.ids is not None:
        ask = replace(ask, ids=_ids(ask.ids))
    if ask.within is None:
        return ask
    owner = known_object(call, ask.within.object)
    id = _id(ask.within.id, owner)
    if fetch.one(conn, call, resolve(call, Ask(object=owner.name, fields=("id",))), id) is None:
        raise _missing(owner)
    return replace(ask, within=Within(object=owner.name, id=id, set=ask.within.set))


def _records(conn: Connection, call: Call, object: Object, id: str, set: str) -> bytes:
    """The records of one set in the order they were made, as a JSON list; at most `MAX_DETAILS`."""
    found: LinkSet = object.sets[set]
    within = Within(object=object.name, id=_id(id, object), set=set)
    ask = Ask(object=found.object, within=within, limit=spec.MAX_DETAILS, voided="yes")
    return fetch.page(conn, call, resolve(call, ask), b"").records


def _details(object: Object, names: Sequence[str]) -> list[str]:
    """Sets that may be answered with the record: its details."""
    sets, wrong = [], []
    for name in names:
        today = object.aliases.get(name, name)
        if today in object.details:
            sets.append(today)
        else:
            hint = (
                nearest(name[:60], object.details)
                or "other sets have an address of their own: …/related/{set}"
            )
            wrong.append(
                Problem(
                    code="unknown_set",
                    message=Phrase("{object} has no details {name!r}", object=object.name, name=name[:60]),
                    path="expand",
                    hint=hint,
                )
            )
    if len(names) > spec.MAX_EXPAND:
        wrong.append(
            Problem(
                code="query_expand",
                message=Phrase("at most {most} sets are answered at once", most=spec.MAX_EXPAND),
                path="expand",
            )
        )
    if wrong:
        raise Refused(wrong)
    return sets


def _with(record: bytes, name: str, value: bytes) -> bytes:
    """A JSON object with one more key."""
    return record[:-1] + (b"," if len(record) > 2 else b"") + dumps(name) + b":" + value + b"}"


def _id(id: str, object: Object) -> str:
    try:
        return read_id(id)
    except ValueFault:
        raise _missing(object) from None


def _ids(ids: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(read_id(id) for id in ids)
    except ValueFault as fault:
        raise Refused(
            [Problem(code=fault.code, message=fault.message, path="ids", hint=fault.hint)]
        ) from None


def _missing(object: Object) -> NotFound:
    return NotFound(
        Phrase("there is no such {object}", object=object.name),
        hint="it may have been deleted, or it is not yours to see",
    )
