"""Tasks of stages: made when a record enters a stage, done by themselves where `done_when` holds, dropped when it leaves.

In: records that moved, or that may have changed. Out: records of `task` with `stage_path`, `stage` and `stage_task`, saved as the
system. A workspace without such tasks keeps to `done_when` alone (record/stages).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.options import texts
from patron_engine.flow.people import of_users, people
from patron_engine.flow.program import Step
from patron_engine.flow.run import Run
from patron_engine.flow.spans import after, is_span, read_span
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.model import say
from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.change import Change
from patron_engine.record.stage_tasks import TASK_FIELDS, task_key
from patron_engine.store.tables import Id
from patron_engine.ways.save import save

OWNER: Final = {"field": "owner"}
OPEN: Final = ("open", "in_progress")
Entered = tuple[str, str, Mapping[str, Any], datetime]  # object, record, what the note tells, when


def stage_of(call: Call, path: Any, stage: Any) -> Mapping[str, Any]:
    """A stage as its path has it; empty where there is none (any more)."""
    body = call.model.documents.get(("stage_path", str(path))) or {}
    return next((s for s in body.get("stages") or () if s["name"] == stage), {})


def enter(reading: Reading, entered: Sequence[Entered]) -> None:
    """The tasks of the stage that was left are dropped, those of the one that was entered made."""
    call = reading.call
    if not _kept(call):
        return
    last = {(record, told["path"]): (object, record, told, at) for object, record, told, at in entered}
    open = _open(reading, sorted({record for record, _ in last}))
    changes = []
    for object, record, told, at in last.values():
        for id, path, stage, _ in open.get(record, ()):
            if path == told["path"] and stage != told.get("to"):
                changes.append(_set(id, "cancelled"))
        there = {(path, stage, task) for _, path, stage, task in open.get(record, ())}
        for task in stage_of(call, told["path"], told.get("to")).get("tasks") or ():
            if (told["path"], told["to"], task["name"]) not in there:
                changes += _made(reading, object, record, told, task, at)
    if changes:
        save(reading.conn, call, changes, mode="each")


def look(reading: Reading, records: Sequence[tuple[str, str]]) -> None:
    """Open tasks whose `done_when` holds are done."""
    call = reading.call
    paths = {(kind, name) for kind, name in call.model.documents if kind == "stage_path"}
    if not _kept(call) or not paths:
        return
    objects = {record: object for object, record in records}
    asked: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for record, tasks in _open(reading, sorted(objects)).items():
        for id, path, stage, task in tasks:
            asked[path, stage, task].append((id, record))
    changes = []
    for (path, stage, task), found in asked.items():
        done = call.model.expressions.get(("stage_path", path, task_key(stage, task, "done_when")))
        if done is None:
            continue
        holds = reading.holds(done, [_subject(objects[record], record) for _, record in found])
        changes += [_set(id, "done") for (id, _), over in zip(found, holds, strict=True) if over]
    if changes:
        save(reading.conn, call, changes, mode="each")


def _kept(call: Call) -> bool:
    task = call.model.objects.get("task")
    return task is not None and set(task.fields) >= TASK_FIELDS


def _set(id: str, status: str) -> Change:
    return Change(action="update", object="task", id=id, set={"status": status}, source="typed")


def _made(
    reading: Reading, object: str, record: str, told: Mapping[str, Any], task: Mapping[str, Any], at: datetime
) -> list[Change]:
    call = reading.call
    field = call.model.objects["task"].fields["about"]
    if object not in field.link.to:
        return []
    place = task_key(told["to"], task["name"], "")
    expressions = {
        key[2].removeprefix(place): e
        for key, e in call.model.expressions.items()
        if key[:2] == ("stage_path", told["path"]) and key[2].startswith(place)
    }
    rule = f"stage_path:{told['path']}.{call.model.release}"
    step = Step(name=None, do="", path=place, rule=rule, body=task, expressions=expressions)
    subject = _subject(object, record)
    done = expressions.get("done_when")
    if done is not None and reading.holds(done, [subject])[0]:
        return []
    who = people(reading, step, "who", task.get("who") or OWNER, subject)
    values = {
        "title": say(texts(task.get("label")), _languages(reading, who)) or task["name"],
        "about": {"object": object, "id": record} if field.link.several else record,
        "owner": who[0] if who else None, "stage_path": told["path"], "stage": told["to"], "stage_task": task["name"],
        "required": bool(task.get("required")), "due": _due(reading, step, subject, task, at),
        "description": say(texts(task["help"]), _languages(reading, who)) if task.get("help") else None,
    }  # fmt: skip
    known = call.model.objects["task"].fields
    return [
        Change(
            action="create", object="task", source="typed",
            set={n: v for n, v in values.items() if n in known and (v is not None or n == "owner")},
        )
    ]  # fmt: skip


def _languages(reading: Reading, who: Sequence[str]) -> tuple[str, ...]:
    language = of_users(reading, who[:1], "language").get(who[0], {}).get("language") if who else None
    return (language,) if language else reading.call.model.workspace.languages


def _due(reading: Reading, step: Step, subject: Subject, task: Mapping[str, Any], at: datetime) -> Any:
    span = task.get("due")
    worked = step.expressions.get("due")
    if worked is not None:
        span = reading.evaluate(worked, [subject])[0]
    if span is None:
        return None
    span = span if isinstance(span, str) else f"{int(span) // 60} minutes"
    if not is_span(span):  # worked out, and no length of time: it holds up nobody
        return None
    return reading.context.local(after(at, read_span(span), reading.context)).date()


def _subject(object: str, record: str) -> Subject:
    run = Run(id="", rule="", version="", release=0, object=object, record=record, causer=None)
    return Subject(run=run)


def _open(reading: Reading, records: Sequence[str]) -> dict[str, list[tuple[str, str, str, str]]]:
    """Record -> (id, path, stage, task) of its open tasks of stages."""
    call = reading.call

    def make() -> Any:
        row = Building(tables=call.tables).root("task")
        value = SqlBinding(row=row).column
        record = row.column(row.object.fields["about"])
        names = [value(n) for n in ("stage_path", "stage", "stage_task")]
        query = sa.select(row.id, record, *names).select_from(row.source.from_)
        return compiled(
            query.where(
                record == sa.any_(parameter("records", pg.ARRAY(Id()))), value("stage_task").is_not(None),
                value("status").in_([sa.literal(s, sa.Text()) for s in OPEN]), *row.live(),
            ), call.model.release,
        )  # fmt: skip

    statement = kept(call.tables).get(("stage_tasks.open",), make)
    found: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    given = {**call_values(call), "records": [*records]}
    for id, record, path, stage, task in reading.conn.execute(
        statement.text, statement.values(given)
    ).fetchall():
        found[str(record)].append((str(id), path, stage, task))
    return found
