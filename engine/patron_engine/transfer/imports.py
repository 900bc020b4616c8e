"""Imports: a file becomes a task that any worker carries out, piece by piece, and that can be taken back.

    file + mapping ──begin──▶ batch, staged rows, task ──pieces──▶ records, refused rows ──undo──▶ live records as before

In: a sheet and a mapping, with the connection of a write. Out: an import known by its batch's id; how it stands, and the rows
it refused. It is carried out in transfer/pieces.py and taken back in transfer/undo.py.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.access.beside import holds
from patron_engine.clock import new_id
from patron_engine.errors import Forbidden, NotFound, Refused
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase, found_again
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.watch import noted
from patron_engine.store.steps import Task
from patron_engine.store.tasks import enqueue
from patron_engine.transfer import staged
from patron_engine.transfer.carry import COUNTS, Carrier
from patron_engine.transfer.convert import DateGuess
from patron_engine.transfer.mapping import ImportMap
from patron_engine.transfer.marks import NUMBERS, MarkGuess
from patron_engine.transfer.sheet import Sheet

Connection = psycopg.Connection[Any]
Fault = tuple[int, list[str], list[dict[str, Any]]]  # row number, cells, problems
KIND = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An import that waits for a worker. `batch` is its name from now on."""

    batch: str
    task: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import as it stands. `counts`: created, updated, unchanged, refused, warned. `touched`: it made or changed records, be
    it only those that its rows link to."""

    batch: str
    object: str
    name: str
    state: str
    rows: int
    done: int
    counts: Mapping[str, int]
    error: str | None
    trial: bool
    undone: bool
    touched: bool
    headings: tuple[str, ...]
    task: str
    at: datetime
    by: str | None
    history: bool

    @property
    def ended(self) -> bool:
        return self.state not in ("waiting", "running")

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.batch, "object": self.object, "name": self.name, "state": self.state, "rows": self.rows,
            "done": self.done, **self.counts, "error": self.error, "trial": self.trial, "undone": self.undone,
        }  # fmt: skip


def begin(
    conn: Connection,
    call: Call,
    sheet: Sheet,
    mapping: ImportMap,
    *,
    name: str,
    trial: int | None = None,
    history: bool = False,
) -> Begun:
    """Keeps the rows and queues the import, in the caller's transaction. Refused when the dates of a column can be read
    two ways. `trial`: that many rows (0: all) are tried and taken back."""
    if history and not holds(call.model, call.actor, "import_history"):
        raise Forbidden("importing history needs a right of its own", hint="ask an administrator")
    batch = new_id()
    guesses = _undeclared_dates(call.model, mapping, sheet.headings)
    marks = MarkGuess()
    numbers = _undeclared_numbers(call.model, mapping, sheet.headings)

    def look(cells: Sequence[str]) -> None:
        for at, guess in guesses:
            guess.look(cells[at])
        for at in numbers:
            marks.look(cells[at])

    file, pieces, rows = staged.stage(
        conn, call.schema, batch, name, sheet, look if guesses or numbers else None
    )
    body = mapping.as_dict()
    _decide_dates(body, guesses)
    if numbers:
        body["formats"]["decimal"], body["formats"]["thousands"] = marks.marks()
    Carrier(call, mapping, sheet.headings, None)  # its expressions are checked before anything is queued
    payload = {
        "batch": batch, "file": file, "pieces": pieces, "rows": rows, "object": mapping.object, "name": name,
        "mapping": body, "headings": list(sheet.headings), "trial": trial, "history": history,
        "faults": staged.new_file(conn, call.schema, batch, name, "faults"),
        "later": staged.new_file(conn, call.schema, batch, name, "later"),
        "actor": {
            "user": call.actor.user, "name": call.actor.name, "administrator": call.actor.administrator,
            "system": call.actor.system, "languages": list(call.actor.languages), "roles": sorted(call.actor.roles),
        },
    }  # fmt: skip
    query = sql.SQL("INSERT INTO {}.sys__batch (id, kind, by, payload) VALUES (%s, 'import', %s, %s::jsonb)")
    about = {"object": mapping.object, "name": name, "trial": trial is not None}
    conn.execute(
        query.format(sql.Identifier(call.schema)), (batch, call.actor.user, jsonio.dumps(about).decode())
    )
    if trial is None:
        told = {"records": rows, "file": name, "batch": batch}
        noted(conn, call, "imported", mapping.object, told)
    task = enqueue(
        conn, call.schema, Task(kind=KIND, table="", payload=payload, rows=rows, sentence=f"import {name}")
    )
    return Begun(batch=batch, task=task, rows=rows)


def _undeclared_dates(
    model: Model, mapping: ImportMap, headings: Sequence[str]
) -> list[tuple[int, DateGuess]]:
    if mapping.dates:
        return []
    fields = model.objects[mapping.object].fields
    return [
        (headings.index(heading), DateGuess(heading))
        for heading, targets in mapping.columns.items()
        if any(
            t.field in fields and fields[t.field].type in ("date", "datetime") and not t.form for t in targets
        )
    ]


def _undeclared_numbers(model: Model, mapping: ImportMap, headings: Sequence[str]) -> list[int]:
    """Columns of numbers, where the mapping does not say how they are written."""
    if mapping.marks_given:
        return []
    fields = model.objects[mapping.object].fields
    return [
        headings.index(heading)
        for heading, targets in mapping.columns.items()
        if any(t.field in fields and fields[t.field].type in NUMBERS for t in targets)
    ]


def _decide_dates(body: dict[str, Any], guesses: Sequence[tuple[int, DateGuess]]) -> None:
    problems = []
    for _, guess in guesses:
        form = guess.form()
        if isinstance(form, Problem):
            problems.append(form)
        else:
            for target in body["columns"][guess.heading]:
                target["format"] = target["format"] or list(form)
    if problems:
        raise Refused(problems, code="date_form_unclear")


def status(conn: Connection, schema: str, batch: str, *, by: str | None = None) -> Import:
    """How an import stands; NotFound when there is none of that id, or `by` is somebody who did not begin it."""
    found = listed(conn, schema, batch=batch, by=by)
    if not found:
        raise NotFound(
            Phrase("there is no import {batch}", batch=batch),
            hint="`patron import` prints the id of what it did",
        )
    return found[0]


def listed(
    conn: Connection, schema: str, *, batch: str | None = None, by: str | None = None, trials: bool = True,
    limit: int = 1_000,
) -> list[Import]:  # fmt: skip
    """The imports of a workspace, the newest first; only those that `by` began, if that is said; trials among them or not."""
    query = sql.SQL(
        "SELECT b.id, t.id, t.state, t.payload, t.progress, t.error, b.payload ? 'undone',"
        " EXISTS (SELECT FROM {s}.sys__batch_record r WHERE r.batch = b.id), t.created_at, b.by::text FROM {s}.sys__task t"
        " JOIN {s}.sys__batch b ON b.id = (t.payload ->> 'batch')::uuid"
        " WHERE t.kind = %s AND (%s::text IS NULL OR t.payload ->> 'batch' = %s)"
        " AND (%s::text IS NULL OR b.by::text = %s) AND (%s OR t.payload ->> 'trial' IS NULL) ORDER BY t.created_at DESC, t.id DESC LIMIT %s"
    ).format(s=sql.Identifier(schema))
    return [_import(*row) for row in conn.execute(query, (KIND, batch, batch, by, by, trials, limit))]


def _import(
    batch: Any,
    task: Any,
    state: str,
    payload: Mapping[str, Any],
    progress: Mapping[str, Any],
    error: str | None,
    undone: bool,
    touched: bool,
    at: datetime,
    by: str | None,
) -> Import:
    return Import(
        batch=str(batch), object=payload["object"], name=payload["name"], state=state, rows=payload["rows"],
        done=progress.get("done", 0), counts={c: progress.get(c, 0) for c in COUNTS}, error=error,
        trial=payload["trial"] is not None, undone=undone, touched=touched, headings=tuple(payload["headings"]), task=str(task), at=at,
        by=by, history=payload["history"] is True,
    )  # fmt: skip


def faults(conn: Connection, schema: str, batch: str) -> Iterator[Fault]:
    """The rows that were refused or warned about, by their number; as many as `counts` says were. There may be millions: they are
    read while the connection is open, a piece at a time."""
    query = sql.SQL(
        "SELECT f.id, (t.payload ->> 'pieces')::int FROM {s}.sys__file f JOIN {s}.sys__task t"
        " ON t.kind = %s AND t.payload ->> 'batch' = f.record::text WHERE f.object = %s AND f.record = %s AND f.field = 'faults'"
    ).format(s=sql.Identifier(schema))
    row = conn.execute(query, (KIND, staged.OWNER, batch)).fetchone()
    if row is None:
        return
    file, pieces = str(row[0]), row[1]
    rows = staged.everything(conn, schema, file, 0, pieces)
    links = staged.everything(conn, schema, file, pieces)  # the second pass tells of the same rows once more
    for number, cells, told in heapq.merge(rows, links, key=lambda f: f[0]):
        yield number, cells, list(map(_said, told))


def _said(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A problem of a row with its phrases."""
    return {k: found_again(v) if k in ("message", "hint") else v for k, v in kept.items()}


def cancel(conn: Connection, schema: str, batch: str) -> Import:
    """Stops an import between two pieces; what it has done stays, and can be undone."""
    query = sql.SQL(
        "UPDATE {}.sys__task SET state = 'cancelled', updated_at = now()"
        " WHERE kind = %s AND payload ->> 'batch' = %s AND state IN ('waiting', 'running')"
    )
    conn.execute(query.format(sql.Identifier(schema)), (KIND, batch))
    return status(conn, schema, batch)
