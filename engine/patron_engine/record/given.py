"""Given: rights given for single records, as rows of `X__access`: written, ended, listed, and noted in the history.

In: ids of records the caller was allowed to give away, a `Gift`. Out: rows. Decides nothing (ways/give does). A right that was
given or taken is a step of the record: its version rises, so that its history stays in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from patron_engine import jsonio
from patron_engine.query.call import Call
from patron_engine.record import audit

Connection = psycopg.Connection[Any]
Level = Literal["read", "edit"]
Reason = Literal["team", "share"]  # why somebody has a right: he works on it, or it was shown to him
NOTHING: Mapping[str, Any] = {}
MOST_EXPIRED = 20  # rights of one principal that ended together and are still told one by one
ACTIONS: Mapping[tuple[Reason, bool], str] = {
    ("share", True): "shared",
    ("share", False): "unshared",
    ("team", True): "member_added",
    ("team", False): "member_removed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """`principal` is the id of a user, department or group, or what stands for a role. `kind` says which; `role` is what a member
    is in the team."""

    kind: str
    principal: str
    level: Level
    reason: Reason
    until: datetime | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A right as it stands. `by` gave it; None: the platform did, or nobody knows."""

    principal: str
    level: Level
    reason: str
    until: datetime | None
    role: str | None
    by: str | None
    at: datetime | None


def write_gift(conn: Connection, call: Call, object: str, ids: Sequence[str], gift: Gift) -> None:
    """One right of a reason for a principal: the new one takes the place of the old."""
    if not ids:
        return
    table = _table(call, object)
    conn.execute(
        sql.SQL("DELETE FROM {} WHERE record = ANY(%s::uuid[]) AND principal = %s AND reason = %s").format(
            table
        ),
        (list(ids), gift.principal, gift.reason),
    )
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (record, principal, level, reason, until, role, by, at)"
            " SELECT unnest(%s::uuid[]), %s, %s, %s, %s, %s, %s, %s"
        ).format(table),
        (
            list(ids), gift.principal, gift.level, gift.reason, gift.until, gift.role, call.actor.user, call.now,
        ),
    )  # fmt: skip
    told = {"kind": gift.kind, "principal": gift.principal, "level": gift.level}
    if gift.until is not None:
        told["until"] = gift.until.isoformat()
    _note(conn, call, object, ids, ACTIONS[gift.reason, True], told)
    _audit(conn, call, object, ids, ACTIONS[gift.reason, True], {**told, "role": gift.role})


def end_gift(
    conn: Connection, call: Call, object: str, ids: Sequence[str], principal: str, reason: Reason
) -> list[str]:
    """Takes a right away; the records it stood at."""
    rows = conn.execute(
        sql.SQL(
            "DELETE FROM {} WHERE record = ANY(%s::uuid[]) AND principal = %s AND reason = %s RETURNING record::text"
        ).format(_table(call, object)),
        (list(ids), principal, reason),
    ).fetchall()
    ended = sorted({record for (record,) in rows})
    _note(conn, call, object, ended, ACTIONS[reason, False], {"principal": principal})
    _audit(conn, call, object, ended, ACTIONS[reason, False], {"principal": principal})
    return ended


def note_expired(conn: Connection, call: Call, object: str, since: datetime) -> None:
    """The audit learns which rights ended by themselves from `since` until now: one entry a right, of many one a principal."""
    rows = conn.execute(
        sql.SQL(
            "SELECT principal::text, level, reason, array_agg(record::text ORDER BY record), max(until) FROM {}"
            " WHERE until > %s AND until <= %s GROUP BY principal, level, reason ORDER BY 5, 1"
        ).format(_table(call, object)),
        (since, call.now),
    ).fetchall()
    for principal, level, reason, ids, until in rows:
        told = {"principal": principal, "level": level, "reason": reason, "until": until.isoformat()}
        for group in [ids] if len(ids) > MOST_EXPIRED else [[id] for id in ids]:
            _audit(conn, call, object, group, "share_expired", told)


def gifts_of(conn: Connection, call: Call, object: str, id: str) -> list[Kept]:
    """The rights given for a record that are in force, the oldest first."""
    rows = conn.execute(
        sql.SQL(
            "SELECT principal::text, level, reason, until, role, by::text, at FROM {}"
            " WHERE record = %s AND (until IS NULL OR until > %s) ORDER BY at NULLS FIRST, principal"
        ).format(_table(call, object)),
        (id, call.now),
    )
    names = ("principal", "level", "reason", "until", "role", "by", "at")
    return [Kept(**dict(zip(names, row, strict=True))) for row in rows]


def _audit(
    conn: Connection, call: Call, object: str, ids: Sequence[str], action: str, told: Mapping[str, Any]
) -> None:
    """One entry, however many records: it names the record where it is one."""
    if not ids:
        return
    detail = {name: value for name, value in told.items() if value is not None}
    if len(ids) == 1:
        audit.note(conn, call, action, f"{object}/{ids[0]}", detail)
    else:
        audit.note(conn, call, action, object, {**detail, "records": len(ids)})


def _note(
    conn: Connection, call: Call, object: str, ids: Sequence[str], action: str, told: Mapping[str, Any]
) -> None:
    """The step in the records' history."""
    note_step(conn, call, object, ids, action, {"given": dict(told)})


def note_step(
    conn: Connection,
    call: Call,
    object: str,
    ids: Sequence[str],
    action: str,
    more: Mapping[str, Any] = NOTHING,
) -> None:
    """A step in the history of records of which no field changes: their version rises. `more` stands in its cause."""
    if not ids:
        return
    found = call.model.objects[object]
    raised = sql.SQL(
        "UPDATE {} SET version = version + 1 WHERE id = ANY(%s::uuid[]) RETURNING id, version"
    ).format(sql.Identifier(call.schema, found.table))
    if not found.history:
        conn.execute(raised, (list(ids),))
        return
    cause = Jsonb({**call.cause.as_dict(), **more}, dumps=jsonio.dumps)
    conn.execute(
        sql.SQL(
            "WITH raised AS ({}) INSERT INTO {} (object, record, at, release, version, by, cause, action)"
            " SELECT %s, id, %s, %s, version, %s, %s, %s FROM raised"
        ).format(raised, sql.Identifier(call.schema, "sys__history")),
        (list(ids), object, call.now, call.model.release, call.actor.user, cause, action),
    )


def _table(call: Call, object: str) -> sql.Identifier:
    return sql.Identifier(call.schema, call.tables.access(object).name)
