"""Told: what learns of an approval's event: its tasks as records, rights to read, automations. Part of the way approve.

In: an instance before and after an event. Out: records of `approval_task`, rows of the object's given rights, events that automations
listen to. All in the caller's transaction; who is told is approval_notices' matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.actor import SYSTEM, Cause
from patron_engine.approval.program import Program
from patron_engine.approval.value import Instance, Task, Tell
from patron_engine.approval.who import run_of
from patron_engine.flow.values import Reading, Subject
from patron_engine.model.automations import automations, events_of
from patron_engine.model.model import label_of
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_right import reading_as
from patron_engine.ways.approval_titles import subjects_of
from patron_engine.ways.save import save

TASK: Final = "approval_task"
# -- tasks as records -----------------------------------------------------------------------------------------------


def mirror(conn: Conn, call: Call, program: Program, before: Instance, now: Instance) -> None:
    """Tasks that are new or changed, as records that people list and report."""
    object = call.model.objects.get(TASK)
    known = {t.id: t for t in before.tasks}
    tasks = [t for t in now.tasks if known.get(t.id) != t]
    if object is None or not tasks:
        return
    about = object.field("about")
    reachable = about is not None and now.object in about.link.to
    if not reachable and about is not None and about.required is True:
        return
    subjects: dict[tuple[str, str], str] = {}
    changes = []
    kept = fetch_values(conn, call, TASK, sorted(known), ["id"]) if known else {}
    for task in [
        t for t in tasks if t.id in kept or t.id not in known
    ]:  # a record that went took its tasks along
        key = (task.node, task.person)
        if key not in subjects:  # whoever lists it reads what its assignee may read
            reader = reading_as(conn, call, program, now, task.person)
            (subject,) = subjects_of(conn, reader, program, now, task.node, [call.model.workspace.languages])
            subjects[key] = subject[:300]
        values = _record(call, program, now, task, subjects[key])
        if reachable and about is not None:
            values["about"] = {"object": now.object, "id": now.record} if about.link.several else now.record
        values = {n: v for n, v in values.items() if n in object.fields}
        changes.append(
            Change(
                action="create" if task.id not in known else "update",
                object=TASK,
                id=task.id,
                set=values,
                source="typed",
            )
        )
    quiet = replace(
        call,
        actor=SYSTEM,
        cause=Cause(kind="approval", detail={"approval": now.approval, "instance": now.id}),
    )
    save(conn, quiet, changes)


def mirror_state(conn: Conn, call: Call, task: str, state: str) -> None:
    """The state of one task in its record, where it has one."""
    if TASK not in call.model.objects or not fetch_values(conn, call, TASK, [task], ["id"]):
        return
    quiet = replace(call, actor=SYSTEM, cause=Cause(kind="approval"))
    save(conn, quiet, [Change(action="update", object=TASK, id=task, set={"state": state}, source="typed")])


def _record(call: Call, program: Program, instance: Instance, task: Task, subject: str) -> dict[str, Any]:
    node = program.by_name.get(task.node)
    label = label_of(node.body.get("label") or "" if node else "", task.node, call.model.workspace.languages)
    return {
        "subject": subject, "flow": instance.approval, "instance": instance.id, "node": task.node, "node_label": str(label)[:100],
        "assignee": task.person, "on_behalf_of": task.behalf, "submitter": instance.submitter, "state": task.state,
        "comment": task.comment, "arrived_at": task.arrived_at, "due_at": task.due_at, "decided_at": task.decided_at,
        "urged_at": task.urged_at,
    }  # fmt: skip


# -- rights ---------------------------------------------------------------------------------------------------------


def let_in(conn: Conn, call: Call, before: Instance, now: Instance, tells: Iterable[Tell]) -> None:
    """Who decides, is asked or gets a copy reads the record from then on."""
    known = {t.id for t in before.tasks}
    people = [p for t in now.tasks if t.id not in known for p in (t.person, t.behalf) if p is not None]
    people += [p for told in tells if told.kind in ("asked", "commented") for p in told.people]
    if not people or now.object not in call.model.objects:
        return
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (record, principal, level, reason, by, at) SELECT %s, unnest(%s::uuid[]), 'read', 'approval', %s, %s"
            " ON CONFLICT DO NOTHING"
        ).format(sql.Identifier(call.schema, call.tables.access(now.object).name)),
        (now.record, list(dict.fromkeys(people)), call.actor.user, call.now),
    )


# -- automations ----------------------------------------------------------------------------------------------------


def raise_events(
    conn: Conn, call: Call, instance: Instance, result: str, node: str | None, approver: str | None
) -> None:
    """One event for each automation that listens to this result of this approval, or of this node of it."""
    rows = []
    for name, body in automations(call.model):
        if body.get("object") not in (None, instance.object):
            continue
        entry = next(
            (e for e in events_of(body) if e["event"] == "approval" and _listens(e, instance, result, node)),
            None,
        )
        if entry is None:
            continue
        run = run_of(instance, call, rule=name, approver=approver, result=result, step=node)
        when = call.model.expressions.get(("automation", name, "when"))
        if when is not None and not Reading(conn, call).holds(when, [Subject(run=run)])[0]:
            continue
        kept = {k: v for k, v in run.event.items() if k not in ("chosen", "approvers")}
        payload = {"rule": name, "event": {**kept, "by": approver or call.actor.user or instance.submitter}, "old": {},
                   "cause": {"kind": "approval", "approval": instance.approval, "instance": instance.id},
                   "via": list(call.cause.detail.get("via", ()))}  # fmt: skip
        rows.append(
            (
                call.now,
                instance.object,
                instance.record,
                "approval",
                call.model.release,
                Jsonb(payload, dumps=jsonio.dumps),
            )
        )
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(
                sql.SQL(
                    "INSERT INTO {} (at, object, record, kind, release, payload) VALUES (%s, %s, %s, %s, %s, %s)"
                ).format(sql.Identifier(call.schema, "sys__event")),
                rows,
            )


def _listens(entry: Mapping[str, Any], instance: Instance, result: str, node: str | None) -> bool:
    wanted = entry.get("result") or result
    results = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    return (
        entry.get("approval") in (None, instance.approval) and result in results and entry.get("step") == node
    )
