"""Drafts: a file that was sent and whose import has not begun: its rows, what somebody said of its columns, its last trial.

In: a sheet, who sent it, then a mapping as a form gives it. Out: a `Draft` known by its id to whoever sent it and to nobody else; its
rows again as a `Sheet`. The rows are kept as those of an import are; what nobody went on with is thrown away by night after a week,
or when its owner sends more files than may wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.clock import new_id
from patron_engine.errors import NotFound, Refused
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.transfer import staged
from patron_engine.transfer.sheet import Row, Sheet

Connection = psycopg.Connection[Any]
KIND = "import_draft"
DAYS = 7  # import_draft_days
MOST = 20  # files of one person that wait to be imported; the oldest goes
SWEPT = 20  # that one piece of the sweep removes
SAMPLE = 3  # rows that are shown
CELL = 80  # characters of such a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`mapping` is what was last said of its columns, `trial` and `batch` the imports made of it: tried, begun."""

    id: str
    at: datetime
    object: str
    name: str
    form: str
    headings: tuple[str, ...]
    rows: int
    file: str
    mapping: Mapping[str, Any] | None
    history: bool
    trial: str | None
    batch: str | None


def keep(conn: Connection, call: Call, object: str, sheet: Sheet, name: str) -> str:
    """Keeps the rows of a file; the id of its draft. What was said of the same headings before is said again. His oldest goes where
    there are more than may wait."""
    id = new_id()
    file, _, rows = staged.stage(conn, call.schema, id, name, sheet)
    if not rows:
        raise Refused([Problem(code="no_rows", message="the file has headings and no rows")], code="bad_file")
    body = {
        "object": object, "name": name, "form": sheet.form, "headings": list(sheet.headings), "rows": rows, "file": file,
         "mapping": _said_before(conn, call, object, sheet.headings), "history": False,
    }  # fmt: skip
    query = sql.SQL(
        "INSERT INTO {}.sys__batch (id, kind, at, by, payload) VALUES (%s, %s, %s, %s, %s::jsonb)"
    )
    conn.execute(
        query.format(sql.Identifier(call.schema)),
        (id, KIND, call.now, call.actor.user, jsonio.dumps(body).decode()),
    )
    too_many = sql.SQL("by::text = %s ORDER BY at DESC, id DESC OFFSET %s")
    _remove(conn, call.schema, too_many, (call.actor.user, MOST))
    return id


def found(conn: Connection, call: Call, id: str, *, lock: bool = False) -> Draft:
    """The draft of that id; NotFound for one that somebody else sent."""
    try:
        wanted = str(UUID(id))
    except ValueError:
        wanted = None
    drafts = _drafts(conn, call, wanted, lock=lock) if wanted else []
    if not drafts:
        raise NotFound("there is no such file waiting to be imported", hint="send the file again")
    return drafts[0]


def listed(conn: Connection, call: Call) -> list[Draft]:
    """His files whose import has not begun, the newest first."""
    return [d for d in _drafts(conn, call, None) if d.batch is None]


def note(conn: Connection, call: Call, id: str, **said: Any) -> None:
    """Keeps what is known of a draft by now: `mapping`, `history`, `trial`, `batch`."""
    query = sql.SQL("UPDATE {}.sys__batch SET payload = payload || %s::jsonb WHERE id = %s AND kind = %s")
    conn.execute(query.format(sql.Identifier(call.schema)), (jsonio.dumps(said).decode(), id, KIND))


def sheet_of(conn: Connection, call: Call, draft: Draft, most: int | None = None) -> Sheet:
    """The rows of the file, or the first of them, while the connection is open."""

    def rows() -> Iterator[Row]:
        yield from islice(staged.everything(conn, call.schema, draft.file), most)

    return Sheet(headings=draft.headings, rows=rows, form=draft.form)


def sample(conn: Connection, call: Call, draft: Draft) -> list[list[str]]:
    """The first rows, as texts short enough for a page."""
    return [
        [cell[:CELL] for cell in cells]
        for _, cells in staged.piece(conn, call.schema, draft.file, 0)[:SAMPLE]
    ]


def throw_away(conn: Connection, call: Call, draft: Draft) -> None:
    """The file and everything that was said of it."""
    staged.drop(conn, call.schema, draft.file)
    query = sql.SQL("DELETE FROM {}.sys__batch WHERE id = %s AND kind = %s")
    conn.execute(query.format(sql.Identifier(call.schema)), (draft.id, KIND))


def done(conn: Connection, call: Call, draft: Draft, batch: str) -> None:
    """Its import has begun: the rows are kept there."""
    staged.drop(conn, call.schema, draft.file)
    note(conn, call, draft.id, batch=batch)


def _drafts(conn: Connection, call: Call, id: str | None, *, lock: bool = False) -> list[Draft]:
    query = sql.SQL(
        "SELECT b.id::text, b.at, b.payload FROM {}.sys__batch b WHERE b.kind = %s AND b.by::text = %s"
        " AND (%s::text IS NULL OR b.id::text = %s) AND b.at > %s ORDER BY b.at DESC, b.id DESC LIMIT 200"
    ).format(sql.Identifier(call.schema))
    if lock:
        query += sql.SQL(" FOR UPDATE")
    since = call.now - timedelta(days=DAYS)
    rows = conn.execute(query, (KIND, call.actor.user, id, id, since)).fetchall()
    return [_draft(*row) for row in rows]


def _draft(id: str, at: datetime, body: Mapping[str, Any]) -> Draft:
    return Draft(
        id=id, at=at, object=body["object"], name=body["name"], form=body["form"], headings=tuple(body["headings"]),
        rows=body["rows"], file=body["file"], mapping=body.get("mapping"), history=body.get("history") is True, trial=body.get("trial"), batch=body.get("batch"),
    )  # fmt: skip


def _said_before(conn: Connection, call: Call, object: str, headings: tuple[str, ...]) -> Any:
    """What he said the last time of a file with these headings."""
    query = sql.SQL(
        "SELECT payload -> 'mapping' FROM {}.sys__batch WHERE kind = %s AND by::text = %s AND payload ->> 'object' = %s"
        " AND payload -> 'headings' = %s::jsonb AND payload ? 'batch' ORDER BY at DESC LIMIT 1"
    ).format(sql.Identifier(call.schema))
    given = (KIND, call.actor.user, object, jsonio.dumps(list(headings)).decode())
    row = conn.execute(query, given).fetchone()
    return row[0] if row else None


def sweep(conn: Connection, schema: str, now: datetime) -> bool:
    """Removes drafts that nobody went on with, some of them at a time. Returns whether there may be more. Those that were begun
    stay: they have no rows, and say what was said of these headings."""
    old = sql.SQL("at < %s ORDER BY at, id LIMIT %s")
    return _remove(conn, schema, old, (now - timedelta(days=DAYS), SWEPT)) > 0


def _remove(conn: Connection, schema: str, which: sql.SQL, given: tuple[Any, ...]) -> int:
    """Deletes drafts that were not begun, with their rows. One that is begun at this moment stays."""
    query = sql.SQL(
        "DELETE FROM {s}.sys__batch WHERE id IN (SELECT id FROM {s}.sys__batch WHERE kind = %s AND NOT payload ? 'batch' AND {which})"
        " AND NOT payload ? 'batch' RETURNING id"
    ).format(s=sql.Identifier(schema), which=which)
    gone = [id for (id,) in conn.execute(query, (KIND, *given))]
    files = sql.SQL("DELETE FROM {}.sys__file WHERE object = %s AND record = ANY(%s)")
    conn.execute(files.format(sql.Identifier(schema)), (staged.OWNER, gone))
    return len(gone)


__all__ = ["Draft", "done", "found", "keep", "listed", "note", "sample", "sheet_of", "sweep", "throw_away"]
