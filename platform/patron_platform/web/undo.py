"""Undo: what a person did to one record or many can be taken back for ten minutes.

In: what was done (record/undo.Done), noted in the transaction that did it. Out: an id, a message with a button on the next
page, and the act that takes it back through the way save: records that somebody changed since stay, and a page names them.

    done = [Done(object=o, id=i, action="updated", version=after, old=before)]      # "created", "updated" or "deleted"
    act = remember(conn, call, done, said)                    # record/undo, inside workspace.writing(…)
    see_other(undo.told(address, act))                                               # the page there shows the message

`said` is what the page tells; without, how many records. A template shows it with `{% block flashes %}{% include "_undo.html" %}{% endblock %}` and `flash=flash_of(visitor, conn, call)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from starlette.datastructures import URL

from patron_engine import jsonio, phrases
from patron_engine.errors import Conflict, NotFound
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change, Outcome
from patron_engine.record.undo import KIND, Kept, plan_undo
from patron_engine.ways.following import take_back
from patron_engine.ways.read import read
from patron_engine.ways.save import save
from patron_platform.web.arriving import local_address
from patron_platform.web.visitor import Visitor

Connection = psycopg.Connection[Any]
MINUTES = 10  # undo_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What the page says about the act before it: `said`, or a text and its values. `undo` is the act that may be taken back."""

    key: str
    values: Mapping[str, Any]
    said: str = ""
    undo: str | None = None
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act as it is kept. `undone` is what its undo did: how many are as before, and who stays why."""

    action: str
    records: int
    said: str
    undone: Mapping[str, Any] | None


def before(
    conn: Connection, call: Call, object: str, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The values of some fields as they stand, id -> values in the form a save takes: what an undo sets back."""
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(ids), 200):
        few = tuple(ids[at : at + 200])
        for row in read(
            conn,
            call,
            Ask(object=object, ids=few, fields=("id", *fields), limit=200, voided="yes"),
            secret=b"",
        ).rows():
            found[str(row.pop("id"))] = {name: written(call, object, name, row.get(name)) for name in fields}
    return found


def written(call: Call, object: str, name: str, value: Any) -> Any:
    """A value as an answer has it -> as a save takes it: a link is its id."""
    field = call.model.objects[object].fields.get(name)
    if isinstance(value, list):
        return [written(call, object, name, v) for v in value]
    if (
        isinstance(value, Mapping)
        and "id" in value
        and field is not None
        and field.expr.kind in ("link", "list")
    ):
        return {"object": value["object"], "id": value["id"]} if "object" in value else value["id"]
    return value


def told(address: str, act: str) -> str:
    """The address whose page tells of the act."""
    return f"{address}{'&' if '?' in address else '?'}done={act}"


def flash_of(visitor: Visitor, conn: Connection, call: Call) -> Flash | None:
    """The message of `?done=ACT`: only to whom it was, only while it may be taken back."""
    given = visitor.request.query_params
    act = given.get("done")
    if act is None:
        return None
    found = act_of(conn, call, act)
    if found is None:
        return None
    if found.undone is not None:
        return Flash(key="undone", values={"n": found.undone["back"]})
    here = visitor.request.url
    back = local_address(
        without_done(f"{here.path}?{here.query}" if here.query else here.path)
    ) or visitor.url("")
    return Flash(
        key=f"done_{found.action}", values={"n": found.records}, said=found.said, undo=act, back=back
    )


def without_done(address: str) -> str:
    """An address without the act it tells of."""
    return str(URL(address).remove_query_params(["done"]))


def act_of(conn: Connection, call: Call, act: str) -> Act | None:
    """An act of this person; None after ten minutes."""
    try:
        id = str(UUID(act))
    except ValueError:
        return None
    text = (
        "SELECT (SELECT min(r.action) FROM {s}.sys__batch_record r WHERE r.batch = b.id), b.payload FROM {s}.sys__batch b"
        " WHERE b.id = %s AND b.kind = %s AND b.by = %s AND b.at > %s - make_interval(mins => %s)"
    )
    row = conn.execute(
        sql.SQL(text).format(s=sql.Identifier(call.schema)),
        (id, KIND, call.actor.user, call.now, MINUTES),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    kept = row[1]
    return Act(
        action=str(row[0]), records=int(kept.get("records", 0)), said=str(kept.get("said", "")), undone=kept.get("undone")
    )  # fmt: skip


def undo(conn: Connection, call: Call, act: str) -> tuple[int, list[Kept]]:
    """Takes an act back in the caller's write transaction: how many records are as before, and which are not. The history
    says that it was an undo; stage paths do not hold it up."""
    call = replace(call, cause=replace(call.cause, detail={**call.cause.detail, "undo": True}))
    waits = "SELECT 1 FROM {}.sys__batch WHERE id::text = %s FOR UPDATE"  # for one who does the same at the same moment
    conn.execute(sql.SQL(waits).format(sql.Identifier(call.schema)), (act,))
    found = act_of(conn, call, act)
    if found is None:
        raise NotFound(
            "this can no longer be taken back",
            code="undo_over",
            hint=Phrase("it can for {minutes} minutes", minutes=MINUTES),
        )
    if found.undone is not None:
        raise Conflict("this was taken back before", code="undone_before")
    plan = plan_undo(conn, call, act)
    deleted = _deleted(conn, call, act)
    kept = [k for k in plan.kept if (k.object, k.id) not in deleted]
    changes = [*plan.changes, *(Change(action="restore", object=object, id=id) for object, id in deleted)]
    back = 0
    for change, outcome in zip(changes, _saved(conn, call, changes), strict=True):
        if outcome.action == "refused":
            told = [Phrase(p.message) for p in outcome.problems]
            why = Phrase("{reasons}", reasons=told) if told else "refused"
            kept.append(Kept(object=change.object, id=str(change.id), why=why))
        else:
            back += 1
    take_back(conn, call, act)
    mark = sql.SQL("UPDATE {}.sys__batch SET payload = payload || %s WHERE id = %s").format(
        sql.Identifier(call.schema)
    )
    undone = {"back": back, "kept": [[k.object, k.id, phrases.kept(k.why)] for k in kept]}
    conn.execute(mark, (Jsonb({"undone": undone}, dumps=jsonio.dumps), act))
    return back, kept


def _saved(conn: Connection, call: Call, changes: Sequence[Change]) -> list[Outcome]:
    """Each change by itself. What was like that before warns nobody: its warnings are taken."""
    if not changes:
        return []
    outcomes = save(conn, call, changes, mode="each")
    warned = {
        n: frozenset(p.rule for p in o.problems if p.rule)
        for n, o in enumerate(outcomes)
        if o.action == "refused" and o.problems and all(p.level == "warning" for p in o.problems)
    }
    again = [replace(changes[n], confirm=rules) for n, rules in warned.items()]
    for n, outcome in zip(warned, save(conn, call, again, mode="each") if again else [], strict=True):
        outcomes[n] = outcome
    return outcomes


def record_of(conn: Connection, call: Call, act: str) -> tuple[str, str] | None:
    """The record of an act that was done to one alone: object and id."""
    text = "SELECT object, record FROM {}.sys__batch_record WHERE batch::text = %s LIMIT 2"
    rows = conn.execute(sql.SQL(text).format(sql.Identifier(call.schema)), (act,)).fetchall()
    return (str(rows[0][0]), str(rows[0][1])) if len(rows) == 1 else None


def _deleted(conn: Connection, call: Call, act: str) -> list[tuple[str, str]]:
    """The records an act put into the recycle bin."""
    text = "SELECT object, record FROM {}.sys__batch_record WHERE batch = %s AND action = 'deleted'"
    rows = conn.execute(sql.SQL(text).format(sql.Identifier(call.schema)), (act,)).fetchall()
    return [(str(object), str(record)) for object, record in rows if object in call.model.objects]
