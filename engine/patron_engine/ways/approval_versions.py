"""Versions: running instances taken over to today's version of their definition. Part of the way approve.

In: an approval, new names of old nodes. Out: what became of each running instance of an older version, tried or done. For administrators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from patron_engine.approval import state, store
from patron_engine.approval.moving import moved
from patron_engine.approval.value import OPEN, Log
from patron_engine.errors import Forbidden, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approve import today
from patron_engine.ways.approving import carry, frame_of, opened

MOST = 1_000  # instances that are taken over at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`why` it stays on its version; None when it goes."""

    instance: str
    object: str
    record: str
    why: Phrase | None


def take_over(conn: Conn, call: Call, approval: str, nodes: Mapping[str, str]) -> list[Move]:
    """Each running instance by itself: those that fit the new version go on there. Whoever only tries undoes it."""
    if not call.actor.administrator:
        raise Forbidden(Phrase("only an administrator may"))
    program = today(call, approval)
    unknown = sorted(set(nodes.values()) - set(program.by_name))
    if unknown:
        message = Phrase("there is no step {name!r}", name=unknown[0][:40])
        raise Refused([Problem(code="unknown_node", message=message, path="nodes")])
    rows = conn.execute(
        sql.SQL(
            "SELECT id::text FROM {} WHERE approval = %s AND version <> %s AND state = ANY(%s) ORDER BY number LIMIT %s"
        ).format(sql.Identifier(call.schema, "sys__approval")),
        (approval, program.version, list(OPEN), MOST),
    ).fetchall()
    return [_one(conn, call, str(id), approval, nodes) for (id,) in rows]


def _one(conn: Conn, call: Call, id: str, approval: str, nodes: Mapping[str, str]) -> Move:
    before = opened(conn, call, id).instance
    made = moved(today(call, approval), before, call.model.release, nodes)
    if isinstance(made, Phrase):
        return Move(instance=id, object=before.object, record=before.record, why=made)
    frame = frame_of(conn, call, made)
    store.rename(conn, call.schema, id, made)
    store.log(conn, call.schema, id, call.now, [Log(kind="version", by=call.actor.user)])
    carry(frame, state.look_again(frame.program, made, frame.facts))
    return Move(instance=id, object=made.object, record=made.record, why=None)
