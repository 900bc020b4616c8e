"""Imports as a process runs them: a file queued as a task of its workspace, worked off here or wherever a worker is.

In: a workspace, who asks, a file. Out: the import, done. Whoever works on it, the way is the same: the rows are in the
database before the first of them becomes a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import psycopg

from patron_engine.access.beside import holds
from patron_engine.access.decide import writable
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, Refused, WrongUse
from patron_engine.fields.field import FileSpec
from patron_engine.meta.reader import read_values
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.runtime import Workspace
from patron_engine.store.tasks import Handler, claim, run_task
from patron_engine.transfer import drafts, imports, pieces
from patron_engine.transfer.imports import Begun, Fault, Import
from patron_engine.transfer.mapping import PARTS, ImportMap
from patron_engine.transfer.reading import read_mapping
from patron_engine.transfer.report import write_report
from patron_engine.transfer.sheet import Sheet, open_sheet
from patron_engine.transfer.suggest import suggest
from patron_platform.jobs.tasks import task_context

Told = Callable[[Mapping[str, Any]], None]
LOOK_SECONDS = 0.5  # between two looks at an import that another worker has


def read_map(path: Path) -> Mapping[str, Any]:
    """A mapping file. Refused with its problems."""
    if not path.is_file():
        raise WrongUse(Phrase("there is no mapping file {path}", path=path))
    values, problems = read_values(path.read_bytes(), str(path))
    if problems or len(values) != 1 or not isinstance(values[0], Mapping):
        raise Refused(problems, Phrase("{path} is not one mapping", path=path), code="bad_mapping")
    found: Mapping[str, Any] = values[0]
    return found


def map_for(
    call: Call, object: str, raw: Mapping[str, Any] | None, sheet: Sheet, match: str | None
) -> ImportMap:
    """The mapping given, or the one the headings suggest."""
    known = call.model.object(object)
    if raw is None and known is not None and writable(call.model, call.actor, known.name):
        raw = suggested(call, known, sheet.headings)
    return read_mapping(
        {**(raw or {}), **({"match": match} if match else {})},
        call.model,
        call.actor,
        sheet.headings,
        object=object,
    )


def suggested(call: Call, object: Object, headings: Sequence[str]) -> dict[str, Any]:
    """A mapping made from headings alone: API names, external ids and parts as an export writes them, then what looks
    like a label. Ids of files are left out: they say nothing elsewhere. WrongUse when nothing fits."""
    every = {n: f for n, f in writable(call.model, call.actor, object.name).items() if not f.computed}
    fields = {n: f for n, f in every.items() if not isinstance(f.spec, FileSpec)}
    exact = {
        h: h
        for h in headings
        if h == "id" or h in fields or h.startswith("external_ids.") or _is_part(object, h)
    }
    open_ones = [h for h in headings if h not in exact and h not in every and "." not in h]
    others = {n: f for n, f in fields.items() if n not in exact.values()}
    guessed = {heading: field for heading, (field, _) in suggest(open_ones, object, others).items()}
    if not guessed and not exact:
        raise WrongUse(
            Phrase("no column of the file looks like a field of {object}", object=object.name),
            hint="write a mapping file: docs/howto/import.md",
        )
    return {
        "object": object.name,
        "columns": {h: exact.get(h) or guessed.get(h) for h in headings},
        **({"match": "id"} if "id" in exact else {}),
    }


def _is_part(object: Object, heading: str) -> bool:
    first, dot, part = heading.partition(".")
    field = object.field(first) if dot else None
    return field is not None and part in PARTS.get(field.type, ())


def queue(
    place: Workspace,
    actor: Actor,
    object: str,
    file: Path,
    *,
    map: Path | Mapping[str, Any] | None = None,
    match: str | None = None,
    trial: int | None = None,
    history: bool = False,
    sheet: str | None = None,
    separator: str | None = None,
    name: str | None = None,
) -> Begun:
    """Reads a file into the workspace and queues its import. `trial`: rows to try, 0 all of them."""
    raw = read_map(map) if isinstance(map, Path) else map
    told = raw or {}
    found = open_sheet(
        file,
        separator=separator or _text(told, "separator"),
        sheet=sheet or _text(told, "sheet"),
        heading_row=_heading_row(told),
    )

    def act(conn: psycopg.Connection[Any], call: Call) -> Begun:
        permitted_object(call, object, "import")
        if history and not holds(call.model, call.actor, "import_history"):
            raise Forbidden("you may not import a history", code="import_history")
        mapping = map_for(call, object, raw, found, match)
        return imports.begin(conn, call, found, mapping, name=name or file.name, trial=trial, history=history)

    return place.writing(actor, act)


def _text(told: Mapping[str, Any], key: str) -> str | None:
    value = told.get(key)
    if value is not None and not isinstance(value, str):
        raise Refused(
            [Problem(code="not_text", message=Phrase("{key} is a text", key=key), path=key)],
            code="bad_mapping",
        )
    return value


def _heading_row(told: Mapping[str, Any]) -> int | None:
    value = told.get("heading_row")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    message = "heading_row is the number of the row with the headings, the first is 1"
    raise Refused([Problem(code="not_integer", message=message, path="heading_row")], code="bad_mapping")


def queue_draft(conn: psycopg.Connection[Any], call: Call, id: str, *, trial: int | None = None) -> Begun:
    """Begins the import of a file that waits, as was said of its columns: for good, or with its first `trial` rows to be taken
    back. Whoever begins the same one twice gets the first."""
    draft = drafts.found(conn, call, id, lock=True)
    if draft.batch is not None:
        begun = imports.status(conn, call.schema, draft.batch)
        return Begun(batch=begun.batch, task=begun.task, rows=begun.rows)
    permitted_object(call, draft.object, "import")
    if draft.history and not holds(call.model, call.actor, "import_history"):
        raise Forbidden("you may not import a history", code="import_history")
    mapping = read_mapping(draft.mapping or {}, call.model, call.actor, draft.headings, object=draft.object)
    begun_now = imports.begin(
        conn, call, drafts.sheet_of(conn, call, draft, trial), mapping, name=draft.name, trial=trial,
        history=draft.history,
    )  # fmt: skip
    if trial is None:
        drafts.done(conn, call, draft, begun_now.batch)
    else:
        drafts.note(conn, call, draft.id, trial=begun_now.batch)
    return begun_now


def whose(actor: Actor) -> str | None:
    """Imports hold whole rows of others' files: everybody sees his own, an administrator all of them."""
    return None if actor.administrator else str(actor.user)


def carry_out(place: Workspace, batch: str, told: Told = lambda _: None) -> Import:
    """Works an import off, or waits for the worker that has it."""
    handlers: Mapping[str, Handler] = pieces.handlers(
        place.runtime.clock,
        told,
        people=place.people,
        connect=lambda: place.connection("read"),
    )

    def connect() -> AbstractContextManager[psycopg.Connection[Any]]:
        return place.connection("job")

    while True:
        found = import_status(place, batch)
        if found.state not in ("waiting", "running"):
            return found
        told({"done": found.done})
        with connect() as conn, conn.transaction():
            row = claim(conn, place.schema, id=found.task)
        if row is None:
            time.sleep(LOOK_SECONDS)
        else:
            run_task(connect, place.schema, row, task_context(place, handlers))


def import_status(place: Workspace, batch: str) -> Import:
    with place.connection("read") as conn:
        return imports.status(conn, place.schema, batch)


def import_problems(place: Workspace, batch: str, most: int | None = None) -> list[Fault]:
    """The rows with a problem, or the first of them."""
    with place.connection("read") as conn:
        return list(islice(imports.faults(conn, place.schema, batch), most))


def write_problems(place: Workspace, batch: str, target: IO[bytes], ending: str = ".csv") -> int:
    """The rows that were refused, as a file that can be mended and imported again; how many there are."""
    with place.connection("read") as conn:
        found = imports.status(conn, place.schema, batch)
        return write_report(
            target,
            found.headings,
            lambda: imports.faults(conn, place.schema, batch),
            workbook=ending.lower() == ".xlsx",
        )
