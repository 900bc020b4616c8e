"""Imports: a file becomes a task that any worker carries out, piece by piece, and that can be taken back.

    file + mapping ──begin──▶ batch, staged rows, task ──handlers──▶ records, refused rows ──undo──▶ the state before

In: a sheet and a mapping, with the connection of a write. Out: an import known by its batch's id. Each piece is one
transaction together with how far it came, so a kill at any moment loses and doubles nothing. A trial does everything
and takes it back before it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.actor import Actor, Cause
from patron_engine.clock import Clock, new_id, system_clock
from patron_engine.errors import Conflict, Forbidden, NotFound, Refused
from patron_engine.model.model import Model
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Outcome
from patron_engine.record.undo import Kept, plan_undo
from patron_engine.release.releases import current_release
from patron_engine.store.locks import shared
from patron_engine.store.steps import Task
from patron_engine.store.tables import Tables
from patron_engine.store.tasks import Chunk, Handler, Work, enqueue
from patron_engine.transfer import staged
from patron_engine.transfer.carry import COUNTS, Carrier, Piece
from patron_engine.transfer.collecting import uncollected
from patron_engine.transfer.convert import DateGuess
from patron_engine.transfer.mapping import ImportMap, read_mapping
from patron_engine.transfer.marks import NUMBERS, MarkGuess
from patron_engine.transfer.sheet import Sheet
from patron_engine.ways.save import save

Connection = psycopg.Connection[Any]
KIND = "import"
SECTION = 5_000  # records an undo takes back with one save


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An import that waits for a worker. `batch` is its name from now on."""

    batch: str
    task: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import as it stands. `counts`: created, updated, unchanged, refused, warned."""

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
    headings: tuple[str, ...]
    task: str

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
    if history and not call.actor.administrator:
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


# -- carrying out -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Imports:
    """Carries out imports; keeps the carrier of the one it last worked on."""

    clock: Clock
    told: Callable[[Mapping[str, Any]], None] | None
    kept: tuple[str, Model, Call, Carrier] | None = field(default=None)

    def piece(self, conn: Connection, work: Work) -> Chunk:
        """The next piece of the import."""
        if work.current is None:
            raise LookupError("an import needs the model in force")
        shared(conn, work.schema)
        model = work.current()
        if model.release != current_release(conn, work.schema):
            return Chunk(progress=work.progress)  # a release came this moment: look again
        progress = dict(work.progress) or {"stage": "rows", "piece": 0, "done": 0, **dict.fromkeys(COUNTS, 0)}
        try:
            call, carrier = self._carrier(work, model)
        except Refused as refused:  # the definitions changed under the mapping
            return Chunk(progress=progress, failed="; ".join(str(p) for p in refused.problems))
        if work.payload["trial"] is not None:
            return self._trial(conn, work, call, carrier, progress)
        with uncollected():
            chunk = self._step(conn, work.schema, work.payload, call, carrier, progress)
        if self.told is not None:
            self.told(chunk.progress)
        return chunk

    def _carrier(self, work: Work, model: Model) -> tuple[Call, Carrier]:
        batch = work.payload["batch"]
        if self.kept is None or self.kept[0] != batch or self.kept[1] is not model:
            actor = Actor(**{
                **work.payload["actor"], "languages": tuple(work.payload["actor"]["languages"]),
                "roles": frozenset(work.payload["actor"]["roles"]),
            })  # fmt: skip
            detail = {"import": batch, **({"history": True} if work.payload["history"] else {})}
            call = Call(
                workspace=work.schema, schema=work.schema, model=model, tables=Tables(model, work.schema), actor=actor,
                now=self.clock(), cause=Cause(kind="import", detail=detail),
            )  # fmt: skip
            headings = work.payload["headings"]
            mapping = read_mapping(work.payload["mapping"], model, actor, headings)
            self.kept = (batch, model, call, Carrier(call, mapping, headings, batch))
        return self.kept[2], self.kept[3]

    def _step(
        self, conn: Connection, schema: str, payload: Mapping[str, Any], call: Call, carrier: Carrier,
        progress: dict[str, Any],
    ) -> Chunk:  # fmt: skip
        """One piece of rows, or of the links between them."""
        n, linking = progress["piece"], progress["stage"] == "links"
        if n >= payload["pieces"]:
            if not linking and any(t.defer for ts in carrier.mapping.columns.values() for t in ts):
                return Chunk(progress={**progress, "stage": "links", "piece": 0})
            _tidy(conn, schema, payload)
            return Chunk(progress=progress, done=True)
        rows = staged.piece(conn, schema, payload["file"], n)
        if linking:
            later = staged.piece(conn, schema, payload["later"], n)
            piece = carrier.link(conn, call, later, dict(rows) if later else {})
        else:
            piece = carrier.carry(conn, call, rows)
            staged.append(conn, schema, payload["later"], n, piece.later)
        staged.append(
            conn,
            schema,
            payload["faults"],
            n + (payload["pieces"] if linking else 0),
            _faults(piece, carrier.mapping),
        )
        made = {c: progress[c] + piece.counts.get(c, 0) for c in COUNTS}
        done = progress["done"] if linking else progress["done"] + len(rows)
        return Chunk(progress={**progress, **made, "piece": n + 1, "done": done})

    def _trial(
        self, conn: Connection, work: Work, call: Call, carrier: Carrier, progress: dict[str, Any]
    ) -> Chunk:
        """Everything at once, taken back; only the report stays."""
        wanted = work.payload["trial"] or work.payload["rows"]
        faults: list[Any] = []
        with conn.transaction(force_rollback=True):
            later: list[Any] = []
            cells: dict[int, Any] = {}
            for n in range(work.payload["pieces"]):
                rows = staged.piece(conn, work.schema, work.payload["file"], n)[: wanted - progress["done"]]
                if not rows:
                    break
                with uncollected():
                    piece = carrier.carry(conn, call, rows)
                later += piece.later
                cells.update({number: row for number, row in rows} if piece.later else {})
                faults += _faults(piece, carrier.mapping)
                progress = _sum(progress, piece, len(rows))
                if self.told is not None:
                    self.told(progress)
            for at in range(0, len(later), staged.AT_ONCE):
                piece = carrier.link(conn, call, later[at : at + staged.AT_ONCE], cells)
                faults += _faults(piece, carrier.mapping)
                progress = _sum(progress, piece, 0)
        self.kept = None  # it remembers records that are gone
        staged.append(conn, work.schema, work.payload["faults"], 0, faults)
        _tidy(conn, work.schema, work.payload)
        return Chunk(progress=progress, done=True)


def _tidy(conn: Connection, schema: str, payload: Mapping[str, Any]) -> None:
    """Rows that are records now are not kept twice; the refused ones stay, with their reasons."""
    for name in ("file", "later"):
        staged.drop(conn, schema, payload[name])


def _sum(progress: Mapping[str, Any], piece: Piece, rows: int) -> dict[str, Any]:
    made = {c: progress[c] + piece.counts.get(c, 0) for c in COUNTS}
    return {**progress, **made, "done": progress["done"] + rows}


def _faults(piece: Piece, mapping: ImportMap) -> list[Any]:
    """What is kept of the rows that were refused: number, cells, problems, each under the heading of its column."""
    headings = {t.field: heading for heading, targets in mapping.columns.items() for t in targets}

    def told(problem: Problem) -> dict[str, Any]:
        body = problem.as_dict()
        path = body.get("path")
        return {**body, "path": headings.get(path, path)} if path and path not in mapping.columns else body

    return [
        (number, list(cells), [told(p) for p in problems])
        for number, cells, problems in sorted(piece.faults, key=lambda f: f[0])
    ]


def handlers(
    clock: Clock = system_clock, told: Callable[[Mapping[str, Any]], None] | None = None
) -> Mapping[str, Handler]:
    """The handler of imports, for `store.tasks.run_task`. `told` hears of each piece."""
    return {KIND: Handler(run=_Imports(clock, told).piece)}


# -- afterwards -------------------------------------------------------------------------------------------------


def status(conn: Connection, schema: str, batch: str) -> Import:
    """How an import stands; NotFound when there is none of that id."""
    found = listed(conn, schema, batch=batch)
    if not found:
        raise NotFound(f"there is no import {batch}", hint="`patron import` prints the id of what it did")
    return found[0]


def listed(conn: Connection, schema: str, *, batch: str | None = None, limit: int = 1_000) -> list[Import]:
    """The imports of a workspace, the newest first."""
    query = sql.SQL(
        "SELECT b.id, t.id, t.state, t.payload, t.progress, t.error, b.payload ? 'undone' FROM {s}.sys__task t"
        " JOIN {s}.sys__batch b ON b.id = (t.payload ->> 'batch')::uuid"
        " WHERE t.kind = %s AND (%s::text IS NULL OR t.payload ->> 'batch' = %s) ORDER BY t.created_at DESC, t.id DESC LIMIT %s"
    ).format(s=sql.Identifier(schema))
    return [_import(*row) for row in conn.execute(query, (KIND, batch, batch, limit))]


def _import(
    batch: Any,
    task: Any,
    state: str,
    payload: Mapping[str, Any],
    progress: Mapping[str, Any],
    error: str | None,
    undone: bool,
) -> Import:
    return Import(
        batch=str(batch), object=payload["object"], name=payload["name"], state=state, rows=payload["rows"],
        done=progress.get("done", 0), counts={c: progress.get(c, 0) for c in COUNTS}, error=error,
        trial=payload["trial"] is not None, undone=undone, headings=tuple(payload["headings"]), task=str(task),
    )  # fmt: skip


def faults(conn: Connection, schema: str, batch: str) -> list[tuple[int, list[str], list[dict[str, Any]]]]:
    """The rows that were refused or warned about: number, cells, problems."""
    query = sql.SQL("SELECT id FROM {}.sys__file WHERE object = %s AND record = %s AND field = 'faults'")
    row = conn.execute(query.format(sql.Identifier(schema)), (staged.OWNER, batch)).fetchone()
    return (
        []
        if row is None
        else sorted(map(tuple, staged.everything(conn, schema, str(row[0]))), key=lambda f: f[0])
    )


def cancel(conn: Connection, schema: str, batch: str) -> Import:
    """Stops an import between two pieces; what it has done stays, and can be undone."""
    query = sql.SQL(
        "UPDATE {}.sys__task SET state = 'cancelled', updated_at = now()"
        " WHERE kind = %s AND payload ->> 'batch' = %s AND state IN ('waiting', 'running')"
    )
    conn.execute(query.format(sql.Identifier(schema)), (KIND, batch))
    return status(conn, schema, batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did. `kept` are records it left: changed since, gone, or still needed by others."""

    restored: int
    deleted: int
    kept: tuple[Kept, ...]


def undo(conn: Connection, call: Call, batch: str) -> Undone:
    """Takes an import back, in the caller's write transaction. Conflict while it runs or when it was undone before."""
    schema = sql.Identifier(call.schema)
    row = conn.execute(
        sql.SQL("SELECT kind, payload ? 'undone' FROM {}.sys__batch WHERE id::text = %s FOR UPDATE").format(
            schema
        ),
        (batch,),
    ).fetchone()
    if row is None or row[0] != KIND:
        raise NotFound(f"there is no import {batch}", hint="`patron import` prints the id of what it did")
    if row[1]:
        raise Conflict("this import was taken back before", code="undone_before")
    if status(conn, call.schema, batch).state in ("waiting", "running"):
        raise Conflict("this import is still running", code="import_running", hint="cancel it first")
    plan = plan_undo(conn, call, batch)
    counts = {"updated": 0, "deleted": 0}
    kept = list(plan.kept)
    for at in range(0, len(plan.changes), SECTION):
        changes = plan.changes[at : at + SECTION]
        outcomes = save(conn, call, changes, mode="each")
        _as_before(conn, call, batch, outcomes)
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome.action == "refused":
                why = outcome.problems[0].message if outcome.problems else "refused"
                kept.append(Kept(object=change.object, id=str(change.id), why=why))
            elif outcome.action in counts:
                counts[outcome.action] += 1
    mark = sql.SQL("UPDATE {}.sys__batch SET payload = payload || %s::jsonb WHERE id = %s").format(schema)
    done = {"undone": {"restored": counts["updated"], "deleted": counts["deleted"], "kept": len(kept)}}
    conn.execute(mark, (jsonio.dumps(done).decode(), batch))
    return Undone(restored=counts["updated"], deleted=counts["deleted"], kept=tuple(kept))


def _as_before(conn: Connection, call: Call, batch: str, outcomes: Sequence[Outcome]) -> None:
    """A record set back is again what the import before this one left: that one can be taken back too."""
    back = [(o.id, o.version) for o in outcomes if o.action == "updated"]
    query = sql.SQL(
        "UPDATE {s}.sys__batch_record b SET version = n.version FROM unnest(%s::uuid[], %s::bigint[]) AS n(record, version),"
        " {s}.sys__batch_record u WHERE u.batch = %s AND u.record = n.record AND b.batch <> u.batch"
        " AND b.object = u.object AND b.record = u.record AND b.version = u.version - 1"
    ).format(s=sql.Identifier(call.schema))
    if back:
        conn.execute(query, ([id for id, _ in back], [version for _, version in back], batch))
