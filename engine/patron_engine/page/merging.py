"""Merging: the page on which several records become one: what each has in each field, what hangs on each.

In: a connection, a call, a reader, the ids, what was chosen so far. Out: a `MergePage`, with the fields in which they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.show import Shown, shown
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_FIELDS
from patron_engine.query.titles import title_of
from patron_engine.record.merged import rows_on
from patron_engine.record.statements import Conn
from patron_engine.ways.merge import mergeable
from patron_engine.ways.pointers import hanging
from patron_engine.ways.read import read_one
from patron_engine.ways.unmerge import MERGE_UNDO_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """What hangs on a record: what it is called, how many; `more` when there are more than were counted."""

    label: str
    count: int
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    id: str
    title: str
    hung: tuple[Hung, ...]
    rows: Mapping[str, int]  # files, followers, rights, external ids
    created_at: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    id: str
    shown: Shown
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePage:
    object: Object
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    winner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A merge that can be taken back."""

    id: str
    at: datetime
    by: str | None
    losers: tuple[str, ...]


def merge_page(
    conn: Conn,
    call: Call,
    reader: Reader,
    object: Object,
    ids: Sequence[str],
    winner: str,
    choose: Mapping[str, str],
) -> MergePage:
    """NotFound for a record that the reader may not see."""
    fields = mergeable(call, object)
    records = {id: _read(conn, call, object, id, [*fields, object.title, "created_at"]) for id in ids}
    lines = []
    for name, field in fields.items():
        values = {id: records[id].get(name) for id in ids}
        if len({repr(v) for v in values.values()}) < 2:
            continue
        source = choose.get(name) or _suggested(values, winner, ids)
        cells = tuple(
            Cell(
                id=id,
                shown=shown(field, values[id], reader, records[id].get("currency")),
                chosen=id == source,
            )
            for id in ids
        )
        lines.append(Line(name=name, label=reader.say(field.label, name), cells=cells))
    columns = tuple(
        Column(
            id=id, title=title_of(object, records[id]), hung=_hung(conn, call, reader, object, id),
            rows=rows_on(conn, call, object.name, id), created_at=records[id].get("created_at"),
        )
        for id in ids
    )  # fmt: skip
    return MergePage(object=object, columns=columns, lines=tuple(lines), winner=winner)


def _read(conn: Conn, call: Call, object: Object, id: str, names: Sequence[str]) -> dict[str, Any]:
    wanted = list(dict.fromkeys(names))
    made: dict[str, Any] = {}
    for at in range(0, len(wanted), MAX_FIELDS - 1):
        part = ("id", *wanted[at : at + MAX_FIELDS - 1])
        made.update(read_one(conn, call, object.name, id, fields=part).record())
    return made


def _suggested(values: Mapping[str, Any], winner: str, ids: Sequence[str]) -> str:
    """The winner's value; where it has none, the first there is."""
    if values[winner] not in (None, [], ""):
        return winner
    return next((i for i in ids if values[i] not in (None, [], "")), winner)


def _hung(conn: Conn, call: Call, reader: Reader, object: Object, id: str) -> tuple[Hung, ...]:
    found: dict[str, Hung] = {}
    for one in hanging(conn, call, object.name, id):
        of = call.model.objects[one.object]
        label = reader.say(of.plural) or reader.say(of.label, of.name)
        before = found.get(label, Hung(label=label, count=0))
        found[label] = Hung(label=label, count=before.count + one.count, more=before.more or one.more)
    return tuple(found.values())


def merges_before(conn: Conn, call: Call, id: str) -> list[Before]:
    """The merges of a record that can still be taken back, the latest first."""
    query = sql.SQL(
        "SELECT id::text, at, by::text, losers::text[] FROM {} WHERE winner = %s AND undone_at IS NULL AND at > %s"
        " ORDER BY at DESC LIMIT 20"
    ).format(sql.Identifier(call.schema, "sys__merge"))
    since = call.now - timedelta(days=MERGE_UNDO_DAYS)
    return [
        Before(id=i, at=at, by=by, losers=tuple(losers))
        for i, at, by, losers in conn.execute(query, (id, since)).fetchall()
    ]
