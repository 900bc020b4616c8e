"""Pools as people see them: the list of what waits, and what one may still claim.

In: a connection, the frame of a call, a pool. Out: `Pool`s, and a `PoolPage` with cells as the way read gives them: fields that the
pool hides are empty, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pools import MANY, hangs_on_record, pools_of
from patron_engine.errors import NotFound
from patron_engine.model.model import Object
from patron_engine.page.paths import field_at
from patron_engine.page.reader import Reader
from patron_engine.page.record import shown_at
from patron_engine.page.show import UNTITLED, Shown
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, quoted
from patron_engine.query.values import fetch_values
from patron_engine.ways.pool_limits import Limits, limits_of
from patron_engine.ways.pool_people import is_one
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
ROWS: Final = 50  # records of one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool of the reader. `limits` is None for who has none of his own: a program."""

    name: str
    label: str
    object: str
    claims: bool
    manages: bool
    limits: Limits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One record that waits."""

    id: str
    title: str
    since: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """More time that somebody asks for."""

    id: str
    title: str
    person: str
    returns: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPage:
    pool: Pool
    object: Object
    columns: tuple[str, ...]
    rows: tuple[Waiting, ...]
    count: int
    next: str | None
    others: tuple[tuple[str, str], ...]  # pools of the same object, where a manager may move records to
    requests: tuple[Request, ...]  # for who manages it


# -- pools --------------------------------------------------------------------------------------------------------


def pools_for(conn: Connection, call: Call, reader: Reader, object: str | None = None) -> list[Pool]:
    """The pools whose member or manager the reader is."""
    names = [object] if object is not None else [o for o in call.model.objects if pools_of(call.model, o)]
    found = []
    for name in names:
        if isinstance(row_rule(call.model, call.actor, "read", name), Deny):
            continue
        for body in pools_of(call.model, name):
            pool = pool_for(conn, call, reader, body)
            found += [pool] if pool is not None else []
    return found


def pool_page(
    conn: Connection, call: Call, reader: Reader, name: str, *, after: str | None, q: str, secret: bytes
) -> PoolPage:
    """What waits in a pool, the newest first. NotFound for one that is not his."""
    body = call.model.documents.get(("pool", name))
    pool = (
        pool_for(conn, call, reader, body)
        if body is not None and body["object"] in call.model.objects
        else None
    )
    if body is None or pool is None:
        raise NotFound(Phrase("there is no such pool, or you are no member of it"), code="pool_not_found")
    object = call.model.objects[body["object"]]
    paths = [p for p in body.get("columns") or () if p != object.title] or [object.title]
    fields = {p: f for p in paths if (f := field_at(call.model, call.actor, object, p)) is not None}
    known = list(fields)
    ask = Ask(
        object=object.name, fields=tuple(dict.fromkeys(("id", object.title, "pool.since", *known))),
        where=f"pool.name == {quoted(name)}", sort=("-created_at",), limit=ROWS, after=after, count="exact", q=q or None,
    )  # fmt: skip
    answer = read(conn, call, ask, secret=secret)
    waiting = [_waiting(call, reader, object, known, dict(r)) for r in answer.rows()]
    others = tuple(
        (b["name"], reader.say(b.get("label"), b["name"]))
        for b in pools_of(call.model, object.name)
        if b["name"] != name
    )
    labels = [reader.say(f.label, f.name) for f in fields.values()]
    return PoolPage(
        pool=pool, object=object, columns=tuple(labels), rows=tuple(waiting), count=answer.count or 0, next=answer.next,
        others=others if pool.manages else (),
        requests=tuple(_requests(conn, call, reader, body)) if pool.manages else (),
    )  # fmt: skip


def pool_for(
    conn: Connection, call: Call, reader: Reader, body: Mapping[str, Any], record: str | None = None
) -> Pool | None:
    """The pool as its people see it, for this record where one is meant; None for who is none of them."""
    object = call.model.objects[body["object"]]
    manages = is_one(conn, call, object, body, ("managers",), record)
    if not manages and not is_one(conn, call, object, body, MANY, record):
        return None
    person = call.actor.user
    claims = manages or (body.get("claim") or {}).get("by") != "managers"
    return Pool(
        name=body["name"], label=reader.say(body.get("label"), body["name"]), object=object.name,
        claims=claims and person is not None, manages=manages,
        limits=limits_of(conn, call, body, person) if person is not None else None,
    )  # fmt: skip


def _waiting(
    call: Call, reader: Reader, object: Object, paths: Sequence[str], record: Mapping[str, Any]
) -> Waiting:
    title = shown_at(call, object, object.title, record, reader).text
    since = record.get("pool.since")
    cells = tuple(shown_at(call, object, p, record, reader) for p in paths)
    return Waiting(id=record["id"], title=title or UNTITLED, since=moment_in(reader, since), cells=cells)


def _requests(conn: Connection, call: Call, reader: Reader, body: Mapping[str, Any]) -> list[Request]:
    """Those that wait longest first; of a pool whose managers hang on the record, his own."""
    object = call.model.objects[body["object"]]
    found = conn.execute(
        sql.SQL(
            "SELECT record::text, owner::text, returns_at, asked_note FROM {} WHERE pool = %s AND asked_at IS NOT NULL"
            " ORDER BY asked_at, record LIMIT %s"
        ).format(sql.Identifier(call.schema, "sys__pool")),
        (body["name"], ROWS),
    ).fetchall()
    keys, user = ("managers",), call.model.objects["user"].title
    if hangs_on_record(body, keys):
        found = [row for row in found if is_one(conn, call, object, body, keys, row[0])]
    titles = fetch_values(conn, call, object.name, [row[0] for row in found], [object.title])
    people = fetch_values(conn, call, "user", [row[1] for row in found if row[1]], [user])
    return [
        Request(
            id=id, title=str(titles[id].get(object.title) or UNTITLED), person=str(people.get(owner, {}).get(user) or ""),
            returns=moment_in(reader, returns), note=note or "",
        )
        for id, owner, returns, note in found
        if id in titles
    ]  # fmt: skip


def moment_in(reader: Reader, value: Any) -> str:
    if value is None:
        return ""
    return reader.moment(value if isinstance(value, datetime) else datetime.fromisoformat(value))
