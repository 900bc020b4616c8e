"""Audit: what was done to the workspace, by whom, kept for ever: publications, rights of people, files in and out, acts on many.

In: a connection inside the transaction of the act, the frame of its call. Out: rows of `sys__audit`, which nobody changes; found
again by who, what, when and about what. Each row holds a digest of itself and of the row before: `broken` finds the first one
that was changed or whose predecessor is gone. Never a value of a record: field names, numbers, conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql

from patron_engine import jsonio
from patron_engine.actor import Actor, Cause
from patron_engine.query.call import Call
from patron_engine.store.session import exact_json

Connection = psycopg.Connection[Any]
LONGEST_ABOUT = 300
MOST = 200  # entries of one answer
ALERT = "alert_"  # what such an action begins with was told to the administrators


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`by` is a user record, empty for the system; `name` is what he was called then. `about` is `object/id`, an object,
    `release/7`."""

    id: int
    at: datetime
    by: str | None
    name: str
    cause: str
    action: str
    about: str
    detail: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        names = ("id", "at", "by", "name", "cause", "action", "about", "detail")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: `who` is a part of a name or a user's id, `about` what it begins with, `before` an id to go on from."""

    who: str = ""
    action: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def note(
    conn: Connection, call: Call, action: str, about: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Writes what the call does. It stands only if its transaction does."""
    write(conn, call.schema, call.actor, call.now, action, about, detail, call.cause)


def write(
    conn: Connection,
    schema: str,
    actor: Actor,
    at: datetime,
    action: str,
    about: str = "",
    detail: Mapping[str, Any] | None = None,
    cause: Cause | None = None,
) -> None:
    """The same where there is no call: `at` is when. Writers of one workspace follow each other until they commit."""
    told = {**(cause or Cause()).as_dict(), "name": actor.name}
    body, why = _plain(detail or {}), _plain(told)
    table = sql.Identifier(schema, "sys__audit")
    conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{schema}.sys__audit",))
    last = conn.execute(sql.SQL("SELECT digest FROM {} ORDER BY id DESC LIMIT 1").format(table)).fetchone()
    digest = _digest(last[0] if last else None, at, actor.user, why, action, about[:LONGEST_ABOUT], body)
    conn.execute(
        sql.SQL(
            "INSERT INTO {} (at, by, cause, action, about, detail, digest)"
            " VALUES (%s, %s, %s::jsonb, %s, %s, %s::jsonb, %s)"
        ).format(table),
        (at, actor.user, _text(why), action, about[:LONGEST_ABOUT], _text(body), digest),
    )


def entries(conn: Connection, schema: str, wanted: Wanted, limit: int = MOST) -> list[Entry]:
    """The latest first."""
    conditions = [sql.SQL("true")]
    values: list[Any] = []
    for text, value in (
        (
            "(by::text = %s OR cause ->> 'name' ILIKE %s)",
            wanted.who and (wanted.who, f"%{_like(wanted.who)}%"),
        ),
        ("action = %s", wanted.action and (wanted.action,)),
        ("about LIKE %s", wanted.about and (f"{_like(wanted.about)}%",)),
        ("at >= %s", wanted.since and (wanted.since,)),
        ("at < %s", wanted.until and (wanted.until,)),
        ("id < %s", wanted.before and (wanted.before,)),
    ):
        if value:
            conditions.append(sql.SQL(text))
            values.extend(value)
    query = sql.SQL(
        "SELECT id, at, by, cause, action, coalesce(about, ''), detail FROM {} WHERE {} ORDER BY id DESC LIMIT {}"
    ).format(sql.Identifier(schema, "sys__audit"), sql.SQL(" AND ").join(conditions), limit)
    return [_entry(row) for row in conn.execute(query, values)]


def alerts(conn: Connection, schema: str, limit: int) -> list[Entry]:
    """What the administrators are told of, the latest first."""
    query = sql.SQL(
        "SELECT id, at, by, cause, action, coalesce(about, ''), detail FROM {} WHERE action LIKE %s ORDER BY id DESC LIMIT {}"
    ).format(sql.Identifier(schema, "sys__audit"), limit)
    return [_entry(row) for row in conn.execute(query, (f"{_like(ALERT)}%",))]


def actions(conn: Connection, schema: str) -> list[str]:
    """The kinds of acts there are."""
    query = sql.SQL("SELECT DISTINCT action FROM {} ORDER BY action").format(
        sql.Identifier(schema, "sys__audit")
    )
    return [row[0] for row in conn.execute(query)]


def broken(conn: Connection, schema: str) -> int | None:
    """The id of the first row that is not as it was written, or whose predecessor is not; None when all are. What was taken
    off the end leaves no trace here: keep the last digest elsewhere to see that too."""
    before: bytes | None = None
    for row in _all(conn, schema):
        id, at, by, cause, action, about, detail, digest = row
        if digest is not None and digest != _digest(before, at, by, cause, action, about, detail):
            return int(id)
        before = digest
    return None


def _all(conn: Connection, schema: str) -> Iterator[tuple[Any, ...]]:
    query = sql.SQL("SELECT id, at, by, cause, action, about, detail, digest FROM {} ORDER BY id")
    yield from conn.execute(query.format(sql.Identifier(schema, "sys__audit")))


def _entry(row: tuple[Any, ...]) -> Entry:
    id, at, by, cause, action, about, detail = row
    return Entry(
        id=id, at=at, by=None if by is None else str(by), name=str(cause.get("name", "")),
        cause=str(cause.get("kind", "")), action=action, about=about, detail=detail,
    )  # fmt: skip


def _digest(before: bytes | None, at: datetime, by: str | None, *rest: Any) -> bytes:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    whole = [moment, None if by is None else str(by), *rest]
    return sha256((before or b"") + _text(whole).encode()).digest()


def _plain(value: Mapping[str, Any]) -> Any:
    """The value as the database will give it back."""
    return exact_json(jsonio.dumps(value))


def _text(value: Any) -> str:
    return jsonio.canonical(value).decode()


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
