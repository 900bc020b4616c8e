"""Undo: what a person did to one record or many can be taken back for ten minutes.

In: what was done (record/undo.Done), noted in the transaction that did it. Out: an id, a message with a button on the next
page, and the act that takes it back through the way save: records that somebody changed since stay, and are named.

    done = [Done(object=o, id=i, action="updated", version=after, old=before)]      # "created", "updated" or "deleted"
    act = undo.remember(conn, call, done)                                            # inside workspace.writing(…)
    see_other(undo.told(address, act))                                               # the page there shows the message

A template shows it with `{% block flashes %}{% include "_undo.html" %}{% endblock %}` and `flash=flash_of(visitor, conn, call)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from psycopg import sql
from psycopg.types.json import Jsonb
from starlette.requests import Request
from starlette.responses import Response

from patron_engine import jsonio
from patron_engine.errors import Conflict, NotFound
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.record.undo import Done, Kept, plan_undo, record_batch
from patron_engine.ways.read import read
from patron_engine.ways.save import save
from patron_platform.web import csrf, forms_in
from patron_platform.web.forms_in import FormData
from patron_platform.web.login import local_address, see_other
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}", include_in_schema=False)

Connection = psycopg.Connection[Any]
MINUTES = 10  # undo_minutes
KIND = "act"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What the page says about the act before it. `undo` is the act that may be taken back."""

    key: str
    values: Mapping[str, Any]
    undo: str | None = None
    back: str = ""


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


def remember(conn: Connection, call: Call, done: Sequence[Done]) -> str:
    """Notes what was done, in the transaction that did it; the id of the act."""
    act = call.new_id()
    insert = sql.SQL("INSERT INTO {}.sys__batch (id, kind, at, by, payload) VALUES (%s, %s, %s, %s, %s)")
    conn.execute(
        insert.format(sql.Identifier(call.schema)),
        (act, KIND, call.now, call.actor.user, Jsonb({"records": len(done)}, dumps=jsonio.dumps)),
    )
    record_batch(conn, call, act, done)
    return act


def told(address: str, act: str) -> str:
    """The address whose page tells of the act."""
    return f"{address}{'&' if '?' in address else '?'}done={act}"


def flash_of(visitor: Visitor, conn: Connection, call: Call) -> Flash | None:
    """The message of `?done=ACT`: only to whom it was, only while it may be taken back."""
    given = visitor.request.query_params
    act = given.get("done")
    if act is None:
        return None
    found = _act(conn, call, act)
    if found is None:
        return None
    action, count, undone = found
    back = local_address(_without(visitor.request)) or visitor.url("")
    if undone is not None:
        return Flash(
            key="undone_some" if undone["kept"] else "undone",
            values={"n": undone["back"], "kept": undone["kept"]},
        )
    return Flash(key=f"done_{action}", values={"n": count}, undo=act, back=back)


def _without(request: Request) -> str:
    url = request.url.remove_query_params(["done"])
    return url.path + (f"?{url.query}" if url.query else "")


def _act(conn: Connection, call: Call, act: str) -> tuple[str, int, dict[str, Any] | None] | None:
    """The action of an act of this person, how many records, and what its undo did; None after ten minutes."""
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
    return str(row[0]), int(row[1].get("records", 0)), row[1].get("undone")


def undo(conn: Connection, call: Call, act: str) -> tuple[int, list[Kept]]:
    """Takes an act back in the caller's write transaction: how many records are as before, and which are not."""
    waits = "SELECT 1 FROM {}.sys__batch WHERE id::text = %s FOR UPDATE"  # for one who does the same at the same moment
    conn.execute(sql.SQL(waits).format(sql.Identifier(call.schema)), (act,))
    found = _act(conn, call, act)
    if found is None:
        raise NotFound(
            "this can no longer be taken back",
            code="undo_over",
            hint=Phrase("it can for {minutes} minutes", minutes=MINUTES),
        )
    if found[2] is not None:
        raise Conflict("this was taken back before", code="undone_before")
    plan = plan_undo(conn, call, act)
    deleted = _deleted(conn, call, act)
    kept = [k for k in plan.kept if (k.object, k.id) not in deleted]
    changes = [*plan.changes, *(Change(action="restore", object=object, id=id) for object, id in deleted)]
    back = 0
    if changes:
        for change, outcome in zip(changes, save(conn, call, changes, mode="each"), strict=True):
            if outcome.action == "refused":
                why = outcome.problems[0].message if outcome.problems else Phrase("refused")
                kept.append(Kept(object=change.object, id=str(change.id), why=why))
            else:
                back += 1
    mark = sql.SQL("UPDATE {}.sys__batch SET payload = payload || %s WHERE id = %s").format(
        sql.Identifier(call.schema)
    )
    conn.execute(mark, (Jsonb({"undone": {"back": back, "kept": len(kept)}}), act))
    return back, kept


def _deleted(conn: Connection, call: Call, act: str) -> list[tuple[str, str]]:
    """The records an act put into the recycle bin."""
    text = "SELECT object, record FROM {}.sys__batch_record WHERE batch = %s AND action = 'deleted'"
    rows = conn.execute(sql.SQL(text).format(sql.Identifier(call.schema)), (act,)).fetchall()
    return [(str(object), str(record)) for object, record in rows if object in call.model.objects]


@router.post("/undo/{act}")
def undo_act(request: Request, workspace: str, act: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    visitor.workspace.writing(visitor.actor, lambda conn, call: undo(conn, call, act), visitor.cause)
    return see_other(told(local_address(given.get("back")) or visitor.url(""), act))
