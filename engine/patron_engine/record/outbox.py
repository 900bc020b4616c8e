"""Outbox: what is to leave the workspace, as rows written in the transaction that causes it.

In: a connection, a schema, `Parcel`s. Out: rows of `sys__outbox`; a worker takes what is due, sends it outside of any
transaction and says what became of it. Sent at least once, always under the same id: who was killed while sending is followed
by another when his time (`STALLED`) is over, and what an earlier taking found out is not kept any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.errors import Conflict, NotFound

Connection = psycopg.Connection[Any]
Kind = Literal["notice", "tell", "chat", "sms", "webhook", "call", "report", "letter"]
STATES: Final = ("due", "sending", "sent", "parked", "given_up")
PAUSES: Final = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1_200, 3_600))  # before it is tried again
STALLED: Final = timedelta(seconds=90)  # how long one sending may take before another worker takes it over
SHOWN: Final = 100  # rows of one page
BACKLOG: Final = 100_000  # limit_outbox: what may wait to leave one workspace
KEPT_FOR: Final = timedelta(days=30)  # what is over is forgotten afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to leave. `target` is what people read; secrets stand in `payload` at most, which nobody is shown."""

    id: str
    kind: Kind
    target: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    via: str | None = None
    person: str | None = None
    run: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A parcel somebody is sending. `hold` is the number of this taking."""

    id: str
    kind: Kind
    target: str
    payload: Mapping[str, Any]
    via: str | None
    person: str | None
    run: str | None
    attempts: int
    hold: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A parcel as administrators look at it: without what is in it."""

    id: str
    number: int
    kind: str
    target: str
    person: str | None
    run: str | None
    state: str
    status: int | None
    error: str | None
    attempts: int
    due_at: datetime
    made_at: datetime
    done_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def put(conn: Connection, schema: str, parcels: Sequence[Parcel], now: datetime) -> None:
    """Writes them; one that is there stays as it is, but one that is parked is due again."""
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} AS o (id, kind, target, payload, via, person, run, due_at, made_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET state = 'due',"
                " due_at = EXCLUDED.due_at, attempts = 0, error = NULL WHERE o.state = 'parked'"
            ).format(_table(schema)),
            [
                (p.id, p.kind, p.target[:300], _json(p.payload), p.via, p.person, p.run, p.due_at or now, now)
                for p in parcels
            ],
        )


def waiting(conn: Connection, schema: str) -> int:
    """How many wait to leave."""
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} WHERE state IN ('due', 'sending') LIMIT %s) w")
    row = conn.execute(query.format(_table(schema)), (BACKLOG + 1,)).fetchone()
    return int(row[0]) if row is not None else 0


def anything(conn: Connection, schema: str, now: datetime) -> bool:
    """Whether something is due. Asked often, and of workspaces that nobody works in."""
    row = conn.execute(
        sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {})").format(_table(schema), _DUE), {"now": now}
    ).fetchone()
    return bool(row and row[0])


_DUE: Final = sql.SQL(
    "((state = 'due' AND due_at <= %(now)s) OR (state = 'sending' AND held_until <= %(now)s))"
)
_HELD: Final = sql.SQL(
    "id::text, kind, target, payload::text, via, person::text, run::text, attempts, holds, made_at"
)


def take(conn: Connection, schema: str, now: datetime, most: int) -> list[Held]:
    """What is due, the oldest first, taken until `STALLED` from now. Commit before sending."""
    query = sql.SQL(
        "WITH due AS (SELECT id FROM {table} WHERE {due} ORDER BY due_at, number LIMIT %(most)s FOR UPDATE SKIP LOCKED),"
        " held AS (UPDATE {table} o SET state = 'sending', held_until = %(until)s, holds = holds + 1 FROM due"
        " WHERE o.id = due.id RETURNING o.*) SELECT {columns} FROM held ORDER BY number"
    ).format(table=_table(schema), due=_DUE, columns=_HELD)
    return _held(conn, query, {"now": now, "most": most, "until": now + STALLED})


def take_more(conn: Connection, schema: str, person: str, now: datetime, most: int) -> list[Held]:
    """Other notices for the same person that are due: they go in one letter."""
    query = sql.SQL(
        "WITH due AS (SELECT id FROM {table} WHERE person = %(person)s AND kind = 'notice' AND state = 'due'"
        " AND due_at <= %(now)s ORDER BY number LIMIT %(most)s FOR UPDATE SKIP LOCKED),"
        " held AS (UPDATE {table} o SET state = 'sending', held_until = %(until)s, holds = holds + 1 FROM due"
        " WHERE o.id = due.id RETURNING o.*) SELECT {columns} FROM held ORDER BY number"
    ).format(table=_table(schema), columns=_HELD)
    return _held(conn, query, {"person": person, "now": now, "most": most, "until": now + STALLED})


def _held(conn: Connection, query: sql.Composed, given: Mapping[str, Any]) -> list[Held]:
    names = tuple(Held.__dataclass_fields__)
    rows = conn.execute(query, given).fetchall()
    return [Held(**{**dict(zip(names, row, strict=True)), "payload": jsonio.loads(row[3])}) for row in rows]


def left_by(conn: Connection, schema: str, via: str, since: datetime) -> int:
    """How much went by one connection since then, with what is on its way."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE via = %s AND (done_at > %s OR state = 'sending')")
    row = conn.execute(query.format(_table(schema)), (via, since)).fetchone()
    return int(row[0]) if row is not None else 0


# -- what became of it --------------------------------------------------------------------------------------------


def sent(conn: Connection, schema: str, held: Held, now: datetime, status: int | None = None) -> bool:
    """It left. False when somebody else has taken it meanwhile."""
    return _end(conn, schema, held, "sent", now, status=status, error=None)


def dropped(conn: Connection, schema: str, held: Held, why: str, now: datetime) -> bool:
    """It is not to be sent: nobody wants it any more, or there is no way."""
    return _end(conn, schema, held, "given_up", now, status=None, error=why)


def parked(
    conn: Connection, schema: str, held: Held, why: str, now: datetime, status: int | None = None
) -> bool:
    """It cannot be sent as it is: an administrator mends something and sends it again, or gives it up."""
    return _back(conn, schema, held, "parked", why, now, status)


def later(
    conn: Connection, schema: str, held: Held, why: str, now: datetime, status: int | None = None
) -> bool:
    """It is tried again after a pause; after the last one it is parked. True when it was parked."""
    if held.attempts >= len(PAUSES):
        return parked(conn, schema, held, why, now, status)
    _back(conn, schema, held, "due", why, now + PAUSES[held.attempts], status)
    return False


def put_off(conn: Connection, schema: str, held: Held, until: datetime, why: str | None = None) -> None:
    """It has to wait for no fault of its own."""
    query = sql.SQL(
        "UPDATE {} SET state = 'due', due_at = %s, held_until = NULL, error = %s WHERE id = %s AND holds = %s"
    )
    conn.execute(query.format(_table(schema)), (until, why, held.id, held.hold))


def _end(
    conn: Connection, schema: str, held: Held, state: str, now: datetime, *, status: int | None, error: str | None
) -> bool:  # fmt: skip
    query = sql.SQL(
        "UPDATE {} SET state = %s, status = %s, error = %s, done_at = %s, held_until = NULL, payload = '{{}}',"
        " attempts = attempts + 1 WHERE id = %s AND holds = %s AND state = 'sending'"
    ).format(_table(schema))
    return conn.execute(query, (state, status, error, now, held.id, held.hold)).rowcount == 1


def _back(
    conn: Connection, schema: str, held: Held, state: str, why: str, due: datetime, status: int | None
) -> bool:
    query = sql.SQL(
        "UPDATE {} SET state = %s, status = %s, error = %s, due_at = %s, held_until = NULL, attempts = attempts + 1"
        " WHERE id = %s AND holds = %s AND state = 'sending'"
    ).format(_table(schema))
    return conn.execute(query, (state, status, why[:500], due, held.id, held.hold)).rowcount == 1


# -- as administrators look at it ---------------------------------------------------------------------------------

_SEEN: Final = sql.SQL(
    "id::text, number, kind, target, person::text, run::text, state, status, error, attempts, due_at, made_at, done_at"
)


def listed(
    conn: Connection, schema: str, *, state: str = "", kind: str = "", via: str = "", before: int | None = None,
    most: int = SHOWN,
) -> list[Seen]:  # fmt: skip
    """The latest that fit; without a state those that are not over."""
    query = sql.SQL(
        "SELECT {columns} FROM {table} WHERE (CASE WHEN %(state)s = '' THEN state IN ('due', 'sending', 'parked')"
        " WHEN %(state)s = 'all' THEN true ELSE state = %(state)s END) AND (%(kind)s = '' OR kind = %(kind)s)"
        " AND (%(via)s = '' OR via = %(via)s)"
        " AND (%(before)s::bigint IS NULL OR number < %(before)s) ORDER BY number DESC LIMIT %(most)s"
    ).format(columns=_SEEN, table=_table(schema))
    rows = conn.execute(
        query, {"state": state, "kind": kind, "via": via, "before": before, "most": most}
    ).fetchall()
    return [Seen(**dict(zip(Seen.__slots__, row, strict=True))) for row in rows]


def again(conn: Connection, schema: str, id: str, now: datetime) -> None:
    """A parked one is due at once, with all its tries."""
    _change(conn, schema, id, sql.SQL("state = 'due', due_at = %s, attempts = 0"), now)


def give_up(conn: Connection, schema: str, id: str, now: datetime) -> None:
    """A parked one is not sent any more."""
    _change(conn, schema, id, sql.SQL("state = 'given_up', done_at = %s, payload = '{{}}'").format(), now)


def _change(conn: Connection, schema: str, id: str, what: sql.Composable, now: datetime) -> None:
    query = sql.SQL("UPDATE {} SET {} WHERE id = %s AND state = 'parked'").format(_table(schema), what)
    if conn.execute(query, (now, id)).rowcount == 1:
        return
    there = conn.execute(sql.SQL("SELECT 1 FROM {} WHERE id = %s").format(_table(schema)), (id,)).fetchone()
    if there is None:
        raise NotFound("there is nothing of that id to be sent")
    raise Conflict("this is not parked", code="not_parked", hint="look at it again")


def tidy(conn: Connection, schema: str, now: datetime) -> None:
    """Forgets what is over for a while, and notices as old."""
    before = now - KEPT_FOR
    conn.execute(sql.SQL("DELETE FROM {} WHERE done_at < %s").format(_table(schema)), (before,))
    notices = sql.Identifier(schema, "sys__notice")
    conn.execute(sql.SQL("DELETE FROM {} WHERE at < %s").format(notices), (before,))


def _table(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "sys__outbox")


def _json(value: Any) -> Jsonb:
    return Jsonb(value, dumps=jsonio.dumps)
