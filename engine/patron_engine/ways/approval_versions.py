"""Versions: running instances taken over to today's version of their definition. Part of the way approve.

In: an approval, new names of old nodes. Out: what became of each running instance of an older version, tried or done. For administrators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from patron_engine.approval import state, store
from patron_engine.approval.moving import moved, names_now
from patron_engine.approval.value import OPEN, Log
from patron_engine.errors import Forbidden, Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.approval_drawn import called
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """An approval of which some run on an older version. `gone`: steps where they stand that today's has no more, by name and what they
    were called; `steps` of today's where people decide, to put in their place."""

    approval: str
    label: str
    count: int
    gone: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, str]]


def older(conn: Conn, call: Call) -> list[Older]:
    """What there is to take over."""
    rows = conn.execute(
        sql.SQL("SELECT approval, version, array_agg(id::text ORDER BY number) FROM {} WHERE state = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2").format(
            sql.Identifier(call.schema, "sys__approval")
        ),
        (list(OPEN),),
    ).fetchall()  # fmt: skip
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for approval, version, ids in rows:
        body = call.model.documents.get(("approval", approval))
        if body is None or today(call, approval).version == version:
            continue
        count, gone = found.get(approval, (0, {}))
        for id in ids[:MOST]:
            gone |= _gone(conn, call, id)
        found[approval] = count + len(ids), gone
    made = []
    for approval, (count, gone) in found.items():
        program = today(call, approval)
        steps = [
            (n.name, called(call, n.body.get("label"), n.name))
            for n in program.by_name.values()
            if n.type == "approve"
        ]
        label = called(call, program.body.get("label"), approval)
        made.append(Older(approval=approval, label=label, count=count, gone=tuple(gone.items()), steps=steps))
    return made


def _gone(conn: Conn, call: Call, id: str) -> dict[str, str]:
    """The steps where one stands that today's version does not have."""
    it = store.load(conn, call.schema, id)
    if it is None:
        return {}
    frame, now = frame_of(conn, call, it), today(call, it.approval)
    known = {*now.by_name, *names_now(now, {})}
    return {
        name: called(call, frame.program.by_name[name].body.get("label"), name)
        for name, place in it.places.items()
        if place.state == "open"
        and name in frame.program.by_name
        and name not in known
        and frame.program.by_name[name].type == "approve"
    }


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
