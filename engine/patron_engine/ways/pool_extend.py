"""More time for a record that somebody holds, before it goes back to its pool: asked for, granted, refused.

In: a connection in the caller's write transaction, records, who asks or decides. Out: what became of each; a refusal is a
PatronError with its code. A pool's `extend` says for how long, how often, and whether its managers are asked. An answer that
does not come holds nothing: the record goes back on its day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, Refused
from patron_engine.flow.spans import after, read_span
from patron_engine.flow.values import Reading
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.actionable import reached_among
from patron_engine.query.call import Call
from patron_engine.record.statements import Conn
from patron_engine.ways.pool_people import (
    Asked,
    Done,
    asked_of,
    each_of,
    note_move,
    owner_of,
    pool_named,
    unknown,
)

LONGEST: Final = 500  # limit_pool_note: characters of why


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a pool keeps of a record that somebody holds."""

    pool: str
    waits: bool
    returns_at: datetime | None
    extended: int
    asked_at: datetime | None


def extend(conn: Conn, call: Call, object: str, ids: Sequence[str], note: str | None = None) -> list[Done]:
    """Each by itself: its owner has, or asks the managers for, more time. What a manager asks for he grants."""
    asked = asked_of(conn, call, object, ids)
    return [each_of(asked, id, lambda id: _extend(asked, id, note)) for id in dict.fromkeys(ids)]


def decide(
    conn: Conn, call: Call, object: str, ids: Sequence[str], grant: bool, note: str | None = None
) -> list[Done]:
    """Each by itself: a manager of the pool answers who asked."""
    asked = asked_of(conn, call, object, ids)
    return [each_of(asked, id, lambda id: _decide(asked, id, grant, note)) for id in dict.fromkeys(ids)]


def held_of(conn: Conn, call: Call, id: str, lock: bool = False) -> Held | None:
    row = conn.execute(
        sql.SQL(
            "SELECT pool, waits, returns_at, coalesce(extended, 0), asked_at FROM {} WHERE record = %s {}"
        ).format(sql.Identifier(call.schema, "sys__pool"), sql.SQL("FOR UPDATE" if lock else "")),
        (id,),
    ).fetchone()
    if row is None or not row[0]:
        return None
    return Held(pool=row[0], waits=row[1], returns_at=row[2], extended=row[3], asked_at=row[4])


def _extend(asked: Asked, id: str, note: str | None) -> None:
    call, object = asked.call, asked.object
    held = held_of(asked.conn, call, id, lock=True)
    if held is None or not reached_among(asked.conn, call, object.name, "read", [id]):
        raise unknown(call, object)
    if held.waits:
        raise Conflict(Phrase("it waits in a pool already"), code="pool_waits")
    body = pool_named(call, held.pool)
    owner = owner_of(asked, id)
    managed = asked.one_of(body, id, "managers")
    if not managed and (owner is None or owner != call.actor.user):
        raise Forbidden(Phrase("only its owner or a manager of the pool may ask for more time"))
    rules = _demand_left(body, held)
    if held.asked_at is not None and not managed:
        raise Conflict(
            Phrase("more time was asked for already"), code="pool_asked",
            hint=Phrase("a manager of the pool answers"),
        )  # fmt: skip
    _demand_short(note)
    if managed or rules.get("ask") == "nobody":
        _grant(asked, id, body, held, owner, note)
        return
    asked.conn.execute(
        sql.SQL("UPDATE {} SET asked_at = %s, asked_note = %s WHERE record = %s").format(
            sql.Identifier(call.schema, "sys__pool")
        ),
        (call.now, note, id),
    )
    note_move(asked, id, {"did": "asked", "pool": body["name"], "owner": owner, "note": note})


def _decide(asked: Asked, id: str, grant: bool, note: str | None) -> None:
    call, object = asked.call, asked.object
    held = held_of(asked.conn, call, id, lock=True)
    body = call.model.documents.get(("pool", held.pool)) if held is not None else None
    if held is None or body is None or not asked.one_of(body, id, "managers"):
        if held is not None and reached_among(asked.conn, call, object.name, "read", [id]):
            raise Forbidden(Phrase("a manager of the pool answers"))
        raise unknown(call, object)
    if held.asked_at is None:
        raise Conflict(Phrase("nobody asks for more time"), code="pool_not_asked")
    _demand_short(note)
    owner = owner_of(asked, id)
    if grant:
        _demand_left(body, held)
        _grant(asked, id, body, held, owner, note)
        return
    asked.conn.execute(
        sql.SQL("UPDATE {} SET asked_at = NULL, asked_note = NULL WHERE record = %s").format(
            sql.Identifier(call.schema, "sys__pool")
        ),
        (id,),
    )
    note_move(asked, id, {"did": "refused", "pool": body["name"], "owner": owner, "note": note})


def _grant(
    asked: Asked, id: str, body: Mapping[str, Any], held: Held, owner: str | None, note: str | None
) -> None:
    """From the day on which it would have gone back."""
    call, context = asked.call, Reading(asked.conn, asked.call).context
    assert held.returns_at is not None
    until = after(max(held.returns_at, call.now), read_span(body["extend"]["by"]), context)
    asked.conn.execute(
        sql.SQL(
            "UPDATE {} SET extended_until = %s, extended = %s, returns_at = %s, asked_at = NULL, asked_note = NULL,"
            " warned_at = NULL, look_at = %s WHERE record = %s"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (until, held.extended + 1, until, call.now, id),
    )
    day = context.local(until).date().isoformat()
    told = {"did": "extended", "pool": body["name"], "owner": owner, "note": note, "day": day}
    note_move(asked, id, told)


def _demand_left(body: Mapping[str, Any], held: Held) -> Mapping[str, Any]:
    rules: Mapping[str, Any] | None = body.get("extend")
    if rules is None:
        raise Conflict(Phrase("this pool gives no more time"), code="pool_no_extension")
    if held.returns_at is None:
        raise Conflict(Phrase("it does not go back by itself"), code="pool_no_extension")
    times = rules.get("times", 1)
    if held.extended >= times:
        raise LimitExceeded(
            Phrase("more time is given at most so often: {most}", most=times), code="limit_pool_extensions",
            hint=Phrase("follow it up"),
        )  # fmt: skip
    return rules


def _demand_short(note: str | None) -> None:
    if note is not None and len(note) > LONGEST:
        message = Phrase("at most {most} characters", most=LONGEST)
        raise Refused([Problem(code="limit_pool_note", message=message, path="note")])
