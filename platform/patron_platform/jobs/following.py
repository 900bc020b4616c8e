"""Following: once an hour, letters of what others did with the records somebody follows, to who chose them.

In: a workspace. Out: notices that wait to leave. The inbox finds the same by itself (page/followed); both tell of one record
once an hour at most, and with the rights of who reads.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound
from patron_engine.page.followed import Told, followed
from patron_engine.query.call import Call
from patron_engine.record.telling import Choice, choices, tell
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague, colleague
from patron_platform.outward.letters import reader_of
from patron_platform.service import Service
from patron_platform.web.texts import texts_in

Connection = psycopg.Connection[Any]
SINCE = timedelta(days=1)  # of who is told for the first time
FEW = 3  # labels of fields that are named
MOST = 50  # records of one round


def tell_followers(service: Service, place: Workspace) -> int:
    """How many people were told something."""
    with place.connection("read") as conn:
        people = _wanting(conn, place.schema)
    told = 0
    for person, until in people:
        try:
            with place.connection("read") as conn:
                one = colleague(conn, place.call(conn, SYSTEM), person)
        except NotFound:
            continue
        if one.on:
            told += place.writing(
                SYSTEM,
                lambda conn, call, one=one, until=until: _tell(service, place, conn, call, one, until),  # type: ignore[misc]
            )
    return told


def _wanting(conn: Connection, schema: str) -> list[tuple[str, datetime | None]]:
    """Who follows something and chose letters about it."""
    rows = conn.execute(
        sql.SQL(
            "SELECT t.person::text, t.followed_until FROM {t} t WHERE EXISTS (SELECT 1 FROM {f} f WHERE f.person = t.person)"
        ).format(t=sql.Identifier(schema, "sys__telling"), f=sql.Identifier(schema, "sys__follow"))
    ).fetchall()
    chosen = choices(conn, schema, [r[0] for r in rows])
    return [(p, until) for p, until in rows if "email" in chosen.get(p, Choice()).ways("following")]


def _tell(
    service: Service, place: Workspace, conn: Connection, call: Call, one: Colleague, until: datetime | None
) -> int:
    mine = place.call(conn, one.actor)
    reader = reader_of(service, conn, mine, one.id)
    since = until or call.now - SINCE
    found = [told for told in followed(conn, mine, reader, since) if told.at > since][:MOST]
    for told in found:
        text = said(told, reader.languages[0])
        tell(conn, call, [one.id], "following", text=text, about=(told.object, told.id))
    conn.execute(
        sql.SQL("UPDATE {} SET followed_until = %s WHERE person = %s").format(
            sql.Identifier(call.schema, "sys__telling")
        ),
        (call.now, one.id),
    )
    return bool(found)


def said(told: Told, language: str) -> str:
    """`Li Ming changed Amount, Stage`, as the page of notices has it."""
    t = texts_in(language)
    who = told.by or t("record.system")
    if told.others:
        who = t("notices.and_others", who=who, n=told.others + (0 if language == "en" else 1))
    names = [*([t("record.files")] if told.files else []), *told.changed]
    if told.action == "updated" and names:
        fields = t("record.comma").join(names[:FEW])
        if len(names) > FEW:
            n = len(names) - (FEW if language == "en" else 0)
            fields = t("notices.more_fields", fields=fields, n=n)
        return t("notices.changed", who=who, fields=fields)
    key = f"notices.did_{told.action}"
    return t(key if t.has(key) else "notices.did_updated", who=who)
