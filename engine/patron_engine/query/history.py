"""History: what happened to one record, as its reader may see it.

In: an object and an id. Out: one entry a save, the newest first, with the old values of what he may read; entries of
which he may read nothing are left out. A page of them, what stood in fields at some version, who wrote. Also the record's ids
in other systems.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql as psql

from patron_engine.access.decide import readable
from patron_engine.errors import NotFound
from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field, FileSpec
from patron_engine.fields.link import read_id
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.query import fetch, files
from patron_engine.query.binding import parameter
from patron_engine.query.call import Call
from patron_engine.query.fitting import readable_here
from patron_engine.query.names import known_object
from patron_engine.query.resolve import resolve
from patron_engine.query.spec import Ask
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.store.tables import TYPES, Id, Tables

ENTRIES = 500
LAST_VERSION = 2**63 - 1
WRITERS_OF = 5_000  # saves among which who wrote is looked for
WRITERS = 100
SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Only saves that changed `field`, only those of `by` (the id of a user; `SYSTEM` for the platform itself)."""

    field: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """`entries` are those of which something may be read, `next` the version to go on before; None at the end."""

    entries: list[dict[str, Any]]
    next: int | None


def history(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> list[dict[str, Any]]:
    """At most `ENTRIES` entries: at, version, release, action, by (id and title), cause, old (field -> value before).

    NotFound for a record that is not there or not his to read; one in the recycle bin has a history too.
    """
    return history_page(conn, call, object, id, before=None, limit=ENTRIES).entries


def history_page(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, *, before: int | None, limit: int,
    wanted: Wanted = Wanted(),
) -> HistoryPage:  # fmt: skip
    """The same, of `limit` saves older than the version `before`. Of a field he may not read there are none."""
    found = known_object(call, object)
    known = _seen(conn, call, found.name, id)
    fields = readable_here(conn, call, found.name, known, readable(call.model, call.actor, found.name))
    statement = kept(call.tables).get(("history",), lambda: _history(call.tables))
    given = {
        "object": found.name, "record": known, "limit": limit + 1,
        "before": LAST_VERSION if before is None else min(before, LAST_VERSION),
        **_wish(found, fields, wanted),
    }  # fmt: skip
    rows = conn.execute(statement.text, statement.values(given)).fetchall()
    following = rows[limit - 1][1] if len(rows) > limit else None
    del rows[limit:]
    holds_files = {n for n, f in fields.items() if isinstance(f.spec, FileSpec)}
    own_files = {files.FEATURE} - found.fields.keys() if files.FEATURE in found.features else set()
    names = {*holds_files, *own_files}
    known_files = files.described(
        conn, call, found.name, known, _file_ids((row[7] for row in rows), found, names)
    )
    entries = []
    for at, version, release, action, by, name, cause, old in rows:
        shown = {
            today: _with_names(value, known_files) if today in names else value
            for today, value in ((_today(found.aliases, n), v) for n, v in old.items())
            if today in fields or today in own_files
        }
        if old and not shown:
            continue
        entries.append(
            {
                "at": type_of(found.fields["created_at"]).to_wire(found.fields["created_at"], at),
                "version": version,
                "release": release,
                "action": action,
                "by": None if by is None else {"id": by, "title": name},
                "cause": cause,
                "old": shown,
            }
        )
    return HistoryPage(entries=entries, next=following)


def _wish(object: Object, fields: Mapping[str, Field], wanted: Wanted) -> dict[str, Any]:
    """The parameters of a wish. A person that is none wrote nothing."""
    names = [wanted.field, *(old for old, new in object.aliases.items() if new == wanted.field)]
    by = None
    try:
        by = read_id(wanted.by) if wanted.by and wanted.by != SYSTEM else None
    except ValueFault:
        names = []
    return {
        "anything": not wanted.field and bool(names), "names": names if wanted.field in fields else [],
        "anybody": not wanted.by, "by": by,
    }  # fmt: skip


def stood_at(
    conn: psycopg.Connection[Any], call: Call, object: str, id: str, version: int, names: Collection[str]
) -> dict[str, Any]:
    """What stood in fields after the save `version`, of those that a later save changed: what the first of these replaced.

    The caller was allowed to read the record and the fields.
    """
    found = known_object(call, object)
    today = {name: name for name in names} | {old: new for old, new in found.aliases.items() if new in names}
    rows = conn.execute(
        psql.SQL(
            "SELECT k.name, h.version, h.value FROM unnest(%s::text[]) AS k(name) CROSS JOIN LATERAL"
            " (SELECT version, old -> k.name AS value FROM {} WHERE object = %s AND record = %s AND version > %s"
            " AND old ? k.name ORDER BY version LIMIT 1) h ORDER BY h.version DESC"
        ).format(psql.Identifier(call.schema, "sys__history")),
        (list(today), found.name, id, version),
    ).fetchall()
    stood = {today[name]: value for name, _, value in rows}
    holds_files = {n for n in stood if n not in found.fields or isinstance(found.fields[n].spec, FileSpec)}
    known_files = files.described(conn, call, found.name, id, _file_ids([stood], found, holds_files))
    return {n: _with_names(v, known_files) if n in holds_files else v for n, v in stood.items()}


def writers(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> list[str]:
    """Who wrote the latest saves of a record, as ids of users. The caller was allowed to read the record."""
    rows = conn.execute(
        psql.SQL(
            "SELECT DISTINCT by::text FROM (SELECT by FROM {} WHERE object = %s AND record = %s"
            " ORDER BY version DESC LIMIT %s) h WHERE by IS NOT NULL LIMIT %s"
        ).format(psql.Identifier(call.schema, "sys__history")),
        (known_object(call, object).name, id, WRITERS_OF, WRITERS),
    ).fetchall()
    return [by for (by,) in rows]


def external_ids(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> dict[str, str]:
    """Source -> id of this record there."""
    found = known_object(call, object)
    known = _seen(conn, call, found.name, id)
    statement = kept(call.tables).get(("external_ids",), lambda: _external(call.tables))
    given = {"object": found.name, "record": known}
    return {source: value for source, value in conn.execute(statement.text, statement.values(given))}


def _seen(conn: psycopg.Connection[Any], call: Call, object: str, id: str) -> str:
    """The id, once the reader is known to see the record, in the recycle bin or not."""
    try:
        known = read_id(id)
    except ValueFault:
        known = ""
    for deleted in (False, True) if known else ():
        question = resolve(call, Ask(object=object, fields=("id",), deleted=deleted))
        if fetch.one(conn, call, question, known) is not None:
            return known
    raise NotFound(
        Phrase("there is no such {object}", object=object),
        hint="it may have been purged, or it is not yours to see",
    )


def _file_ids(olds: Iterable[dict[str, Any]], object: Object, names: Collection[str]) -> Iterator[str]:
    """Every file that stood in one of these fields."""
    for old in olds:
        for name, value in old.items():
            if _today(object.aliases, name) in names and value is not None:
                yield from value if isinstance(value, list) else [value]


def _with_names(value: Any, known: Mapping[str, Any]) -> Any:
    """Files as an answer shows them; of one that is no longer kept only the id."""
    if isinstance(value, list):
        return [_with_names(one, known) for one in value]
    return None if value is None else known.get(value, {"id": value})


def _today(aliases: Any, name: str) -> str:
    today: str = aliases.get(name, name)
    return today


def _history(tables: Tables) -> Statement:
    rows = tables.system(
        "sys__history", object="text", record="uuid", at="timestamptz", release="bigint", version="bigint",
        by="uuid", cause="jsonb", action="text", old="jsonb",
    )  # fmt: skip
    chosen = [rows.c.at, rows.c.version, rows.c.release, rows.c.action, rows.c.by]
    source: sa.FromClause = rows
    title: sa.ColumnElement[Any] = sa.cast(sa.null(), TYPES["text"])
    user = tables.model.objects.get("user")
    if user is not None and user.title in user.fields and user.fields[user.title].columns:
        people = tables.of(user).alias("people")
        source = rows.outerjoin(people, people.c.id == rows.c.by)
        title = sa.cast(people.c[user.fields[user.title].column.name], TYPES["text"])
    return compiled(
        sa.select(*chosen, title.label("name"), rows.c.cause, rows.c.old)
        .select_from(source)
        .where(
            rows.c.object == parameter("object", TYPES["text"]),
            rows.c.record == parameter("record", Id()),
            rows.c.version < parameter("before", sa.BigInteger()),
            sa.or_(
                parameter("anything", sa.Boolean()),
                sa.func.jsonb_exists_any(rows.c.old, parameter("names", sa.ARRAY(sa.Text()))),
            ),
            sa.or_(parameter("anybody", sa.Boolean()), rows.c.by.is_not_distinct_from(parameter("by", Id()))),
        )
        .order_by(rows.c.version.desc(), rows.c.at.desc())
        .limit(parameter("limit", sa.BigInteger())),
        tables.model.release,
    )


def _external(tables: Tables) -> Statement:
    ids = tables.system("sys__external_id", object="text", source="text", external_id="text", record="uuid")
    here = (ids.c.object == parameter("object", TYPES["text"]), ids.c.record == parameter("record", Id()))
    return compiled(
        sa.select(ids.c.source, ids.c.external_id).where(*here).order_by(ids.c.source, ids.c.external_id),
        tables.model.release,
    )
